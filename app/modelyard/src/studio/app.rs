//! The eframe application: `logic` drains the engine and carries out requests, `ui` only draws.

use super::{act, crash, devices::Devices, dialogs::Dialogs, prefs, recent};
use std::{path::PathBuf, sync::Arc};
use yard_engine::{Engine, EngineOptions};
use yard_state::{
    actions::Action,
    settings::Settings,
    state::{Overlay, StudioState, ToastKind},
};
use yard_views::Views;

/// Notices applied per frame, so that a burst never stalls a frame.
const NOTICES_PER_FRAME: usize = 500;

/// The running studio.
pub(crate) struct StudioApp {
    pub(crate) state: StudioState,
    pub(crate) views: Views,
    pub(crate) engine: Option<Arc<Engine>>,
    pub(crate) options: EngineOptions,
    pub(crate) dialogs: Dialogs,
    pub(crate) then: Vec<act::FollowUp>,
    devices: Devices,
    /// Settings as they are on disk.
    stored: Settings,
    /// Cores of this machine, for "all cores".
    cores: usize,
    tail: crash::Tail,
    logged: u64,
}

impl StudioApp {
    /// Makes the application and opens the project named, else the one that was used last; Start with
    /// neither.
    pub(crate) fn new(
        ctx: &egui::Context,
        project: Option<PathBuf>,
    ) -> Result<Self, yard_engine::EngineError> {
        yard_ui::apply(ctx, yard_ui::Theme::System);
        let wake = ctx.clone();
        let options = EngineOptions::system(Arc::new(move || wake.request_repaint()))?;
        let wake = ctx.clone();
        let devices = Devices::ask(&options, Arc::new(move || wake.request_repaint()));
        let wake = ctx.clone();
        let mut app = Self {
            state: StudioState::new(),
            views: Views::default(),
            engine: None,
            options,
            dialogs: Dialogs::new(Arc::new(move || wake.request_repaint())),
            then: Vec::new(),
            devices,
            stored: Settings::default(),
            cores: 1,
            tail: crash::Tail::default(),
            logged: 0,
        };
        app.take_settings(ctx);
        app.state.recent = recent::load(&app.options.home);
        app.state.samples = act::samples();
        // A new window beside another starts empty: the project used last is open there.
        let beside = std::env::var_os("MODELYARD_NEW_WINDOW").is_some();
        let last = || recent::last_used(&app.options.home).filter(|_| !beside);
        if let Some(path) = project.or_else(last) {
            app.state.ask(Action::OpenProject(path));
        }
        Ok(app)
    }

    /// Reads the settings and applies them before the first frame; from here on a crash leaves a report,
    /// and one left before is offered.
    fn take_settings(&mut self, ctx: &egui::Context) {
        self.cores = self.options.threads;
        self.state.home = self.options.home.root().display().to_string();
        self.state.settings = prefs::load(&self.options.home);
        self.state.inspector = self.state.settings.inspector;
        self.state.drafts.train.device.clone_from(&self.state.settings.device);
        self.stored = self.state.settings.clone();
        self.set_threads();
        self.views.apply_settings(ctx, &self.state);
        self.state.crash = crash::offered(&self.options.home);
        if self.state.crash.is_some() {
            self.state.overlay = Overlay::Crash;
        }
        crash::keep(&self.options.home, &self.tail);
    }

    fn set_threads(&mut self) {
        let wanted = self.state.settings.threads.and_then(|own| usize::try_from(own).ok());
        self.options.threads = wanted.unwrap_or(self.cores);
    }

    /// Keeps changed settings, and the news for a report.
    fn keep(&mut self) {
        if self.state.settings != self.stored {
            self.stored = self.state.settings.clone();
            prefs::save(&self.options.home, &self.stored);
            self.set_threads();
        }
        for toast in self.state.toasts.iter().filter(|toast| toast.number > self.logged) {
            self.tail.push(format!("{:?}: {}", toast.kind, toast.text));
        }
        self.logged = self.state.toasts.last().map_or(0, |toast| toast.number);
    }

    /// Applies what the engine and the dialogs said, then carries out the views' requests.
    pub(crate) fn turn(&mut self, ctx: &egui::Context) {
        if let Some(engine) = self.engine.clone() {
            let notices = engine.notices(NOTICES_PER_FRAME);
            let full = notices.len() == NOTICES_PER_FRAME;
            for notice in &notices {
                self.state.apply(notice);
            }
            if full {
                ctx.request_repaint();
            }
        }
        self.devices.take(&mut self.state);
        for answer in self.dialogs.take() {
            act::answered(self, answer);
        }
        for written in self.dialogs.saved() {
            match written {
                Ok(path) => self.state.toast(ToastKind::Done, &format!("Saved {}", path.display())),
                Err(why) => self.error(&why),
            }
        }
        let files = dropped(ctx);
        if !files.is_empty() {
            act::dropped(self, &files);
        }
        act::follow_up(self);
        for action in self.state.take_actions() {
            self.tail.push(short(&action));
            act::carry_out(self, ctx, action);
        }
        self.keep();
    }

    /// Shows an error as a toast.
    pub(crate) fn error(&mut self, error: &dyn std::fmt::Display) {
        self.state.toast(ToastKind::Error, &error.to_string());
    }
}

/// A request in one short line; a file's bytes are left out.
fn short(action: &Action) -> String {
    match action {
        Action::Save { name, .. } => format!("Save {name}"),
        own => format!("{own:?}").chars().take(160).collect(),
    }
}

fn dropped(ctx: &egui::Context) -> Vec<PathBuf> {
    ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_path_buf()).collect())
}

impl eframe::App for StudioApp {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.turn(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        yard_views::show(ui, &mut self.state, &mut self.views);
        if !self.state.actions.is_empty() {
            // Requests made while drawing are carried out at once, in the next pass.
            ui.ctx().request_repaint();
        }
    }

    fn save(&mut self, _storage: &mut dyn eframe::Storage) {
        recent::save(&self.options.home, &self.state.recent);
    }
}
