//! What a user prefers, kept in the user's folder; and what undo brings back.
//!
//! Knows nothing of egui and of files: the views apply the settings, the binary stores them. A field that
//! is missing in the stored file takes its default, so that older and newer files can be read.

use crate::{drafts::Drafts, route::Subject, state::Overlay, state::StudioState, state::ToastKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yard_types::{command::Command, ids::ModelId};

/// Smallest and largest zoom.
pub const ZOOM: (f32, f32) = (0.8, 2.0);

/// Light, dark, or as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl ThemeChoice {
    /// All choices in the order of the form.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Returns the word shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// What a user prefers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the page")]
pub struct Settings {
    /// Light, dark, system.
    pub theme: ThemeChoice,
    /// Text and lines at 7:1 and more.
    pub high_contrast: bool,
    /// Zoom, 0.8 to 2.0.
    pub zoom: f32,
    /// No animations, no blinking cursor.
    pub reduced_motion: bool,
    /// Controls 32 points high.
    pub touch: bool,
    /// Threads of training and evaluation; `None` = all cores. Never changes a result.
    pub threads: Option<u32>,
    /// Device of new runs: `auto`, `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// Whether the inspector is shown.
    pub inspector: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            high_contrast: false,
            zoom: 1.0,
            reduced_motion: false,
            touch: false,
            threads: None,
            device: "auto".to_owned(),
            inspector: true,
        }
    }
}

impl Settings {
    /// Reads a stored file; what can't be read is the default. Numbers out of range are brought into it.
    pub fn from_json(text: &str) -> Self {
        let mut own: Self = serde_json::from_str(text).unwrap_or_default();
        own.zoom = if own.zoom.is_finite() { own.zoom.clamp(ZOOM.0, ZOOM.1) } else { 1.0 };
        own.threads = own.threads.filter(|threads| (1..=1024).contains(threads));
        if own.device.trim().is_empty() {
            "auto".clone_into(&mut own.device);
        }
        own
    }

    /// Changes the zoom by a step, within its range and to one decimal.
    pub fn zoom_by(&mut self, step: f32) {
        self.zoom = (((self.zoom + step) * 10.0).round() / 10.0).clamp(ZOOM.0, ZOOM.1);
    }
}

/// What was kept of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashReport {
    /// File of the report.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What one step of undo brings back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Forms.
    pub drafts: Drafts,
    /// Thresholds set by hand.
    pub thresholds: BTreeMap<ModelId, f64>,
    /// Settings, the layout among them.
    pub settings: Settings,
}

impl StudioState {
    fn snapshot(&self) -> Snapshot {
        let mut settings = self.settings.clone();
        settings.inspector = self.inspector;
        Snapshot { drafts: self.drafts.clone(), thresholds: self.project.thresholds.clone(), settings }
    }

    /// Records the forms before a gesture.
    pub fn before_edit(&mut self, name: &str) {
        let before = self.snapshot();
        self.undo.record(name, before);
    }

    /// Records the forms before a letter typed into a field; the letters of one field are one gesture.
    pub fn before_typing(&mut self, name: &str) {
        let before = self.snapshot();
        self.undo.record_typing(name, before);
    }

    /// Undoes the last gesture.
    pub fn undo_edit(&mut self) {
        if let Some((name, before)) = self.undo.undo(self.snapshot()) {
            self.restore(before);
            self.toast(ToastKind::Info, &format!("Undone: {name}"));
        }
    }

    /// Redoes it.
    pub fn redo_edit(&mut self) {
        if let Some((name, after)) = self.undo.redo(self.snapshot()) {
            self.restore(after);
            self.toast(ToastKind::Info, &format!("Done again: {name}"));
        }
    }

    /// Takes a snapshot's forms and settings; what the project holds of them is sent, so that form and
    /// project stay the same.
    fn restore(&mut self, snapshot: Snapshot) {
        let now = std::mem::replace(&mut self.drafts, snapshot.drafts);
        self.inspector = snapshot.settings.inspector;
        self.settings = snapshot.settings;
        if self.read_only {
            return;
        }
        if now.frame != self.drafts.frame
            && let Some(base) = self.project.frame.clone()
            && let Ok(frame) = self.drafts.frame.to_frame(&base)
            && frame != base
        {
            self.send(Command::SetFrame { frame: Box::new(frame) });
        }
        let models: Vec<ModelId> = self.project.models.keys().copied().collect();
        for model in models {
            let before = snapshot.thresholds.get(&model).copied();
            if before != self.project.thresholds.get(&model).copied() {
                self.send(Command::SetThreshold { model, threshold: before });
            }
        }
    }

    /// Changes the settings as one gesture.
    pub fn change_settings(&mut self, name: &str, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        if settings != self.settings {
            self.before_edit(name);
            self.settings = settings;
        }
    }

    /// Shows or hides the inspector as one gesture.
    pub fn toggle_inspector(&mut self) {
        self.before_edit("inspector");
        self.inspector = !self.inspector;
        self.settings.inspector = self.inspector;
    }

    /// Explains a finding, metric, gate or alert.
    pub fn explain(&mut self, subject: Subject) {
        self.subject = Some(subject);
        self.overlay = Overlay::Explain;
    }

    /// Shows a page of Help, or a section of it as `page#section`.
    pub fn help(&mut self, page: &str) {
        page.clone_into(&mut self.help_page);
        self.place = crate::route::Place::Help;
        self.overlay = Overlay::None;
    }

    /// Keeps a recent project at the head of the list, or lets it go.
    pub fn toggle_pin(&mut self, path: &str) {
        if let Some(own) = self.recent.iter_mut().find(|own| own.path == path) {
            own.pinned = !own.pinned;
        }
        self.recent.sort_by_key(|own| !own.pinned);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn stored_settings_come_back() {
        let own = Settings { theme: ThemeChoice::Dark, zoom: 1.3, threads: Some(3), ..Settings::default() };
        assert_eq!(Settings::from_json(&serde_json::to_string(&own).unwrap()), own);
    }

    #[test]
    fn damaged_settings_are_the_defaults() {
        for text in ["", "[]", "{\"zoom\": \"x\"}", "{\"device\": \" \", \"threads\": 0}"] {
            assert_eq!(Settings::from_json(text), Settings::default(), "{text}");
        }
        assert!((Settings::from_json("{\"zoom\": 99}").zoom - 2.0).abs() < 1e-6);
        assert!(Settings::from_json("{\"touch\": true, \"later\": 1}").touch);
    }

    #[test]
    fn zoom_keeps_to_its_range() {
        let mut own = Settings::default();
        for _ in 0..30 {
            own.zoom_by(0.1);
        }
        assert!((own.zoom - 2.0).abs() < 1e-6);
    }

    #[test]
    fn settings_and_layout_are_undone() {
        let mut state = StudioState::new();
        state.change_settings("reduced motion", |own| own.reduced_motion = true);
        state.change_settings("reduced motion", |own| own.reduced_motion = true);
        state.toggle_inspector();
        state.undo_edit();
        assert!(state.inspector && state.settings.reduced_motion);
        state.undo_edit();
        assert!(!state.settings.reduced_motion && !state.undo.can_undo());
        state.redo_edit();
        state.redo_edit();
        assert!(!state.inspector && state.settings.reduced_motion);
    }

    #[test]
    fn a_threshold_is_sent_back() {
        let mut state = StudioState::new();
        let id = ModelId(1);
        state.before_edit("threshold");
        state.project.thresholds.insert(id, 0.4);
        state.project.models.insert(id, model());
        state.undo_edit();
        let sent = state.take_actions();
        let wanted = Command::SetThreshold { model: id, threshold: None };
        assert_eq!(sent, [crate::actions::Action::Engine(Box::new(wanted))]);
    }

    fn model() -> yard_types::run::ModelRecord {
        serde_json::from_value(serde_json::json!({
            "id": 1, "run": 1, "family": "linear", "params": {}, "model_sha256": "00".repeat(32),
            "object": "00".repeat(32), "dataset": 1, "metrics": {}, "steps": 1, "parameters": 1,
            "size_bytes": 1, "seconds": 0.1, "device": "cpu", "features": 1, "recipe_lines": []
        }))
        .unwrap()
    }

    #[test]
    fn pinned_projects_come_first() {
        let mut state = StudioState::new();
        for name in ["a", "b", "c"] {
            let recent = serde_json::json!({
                "path": name, "name": name, "state": "", "target": "", "metric": "", "value": null,
                "rows": 0, "opened_at": ""
            });
            state.recent.push(serde_json::from_value(recent).unwrap());
        }
        state.toggle_pin("c");
        let order = |state: &StudioState| state.recent.iter().map(|own| own.path.clone()).collect::<Vec<_>>();
        assert_eq!(order(&state), ["c", "a", "b"]);
        state.toggle_pin("c");
        assert!(state.recent.iter().all(|own| !own.pinned));
    }
}
