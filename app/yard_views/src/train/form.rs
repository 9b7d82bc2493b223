//! The recipe of the next run: family, hyperparameters with their defaults as hints, device, seed, and
//! under "More settings" the rarer ones, a search, and folds.

use super::{
    View,
    params::{Kind, Param, complaint, params},
};
use yard_state::state::StudioState;
use yard_types::run::Family;
use yard_ui::{Button, Form, Icon, Select, TextField, section_with, space, text};

const LABEL: f32 = 96.0;

/// Settings of a search and of folds; they are no hyperparameters.
const SEARCH: [(Param, Pick); 4] = [
    (
        Param {
            name: "trials",
            label: "Trials",
            unit: "a search",
            default: "1",
            kind: Kind::Whole(1, 10_000),
            reason: "More than 1 searches the hyperparameters that are left empty; the best on validation rows is kept",
        },
        |state| &mut state.drafts.train.trials,
    ),
    (
        Param {
            name: "budget",
            label: "Budget",
            unit: "s",
            default: "none",
            kind: Kind::Number(0.001, 1e7),
            reason: "A search ends after so many seconds with the best so far",
        },
        |state| &mut state.drafts.train.budget,
    ),
    (
        Param {
            name: "folds",
            label: "Folds",
            unit: "0: one split",
            default: "0",
            kind: Kind::Whole(0, 50),
            reason: "From 2 on, trials are compared by cross-validation: steadier on small data, and as many times slower",
        },
        |state| &mut state.drafts.train.folds,
    ),
    (
        Param {
            name: "repeats",
            label: "Repeats",
            unit: "of folds",
            default: "1",
            kind: Kind::Whole(1, 100),
            reason: "Rows are dealt into folds anew so often; needs folds",
        },
        |state| &mut state.drafts.train.repeats,
    ),
];

/// Picks a text of the form.
type Pick = fn(&mut StudioState) -> &mut String;

/// Draws the form.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let next = state.project.runs.keys().next_back().map_or(1, |run| run.0 + 1);
    section_with(ui, &format!("Recipe for run {next}"), "", |_| {});
    ui.add_space(space::S4);
    family_ui(ui, state);
    let family = state.drafts.train.family;
    if family == Family::Auto {
        text::paragraph(
            ui,
            "Trains linear, boosting, forest and net with their defaults, and keeps the simplest one within noise of the best.",
        );
        ui.add_space(space::S8);
    }
    let (first, more) = params(family);
    for own in first {
        param_ui(ui, state, own);
    }
    device_ui(ui, state);
    seed_ui(ui, state);
    let word = if view.more { "Fewer settings" } else { "More settings" };
    let icon = if view.more { Icon::CaretUp } else { Icon::CaretDown };
    if Button::quiet(word).icon(icon).show(ui).clicked() {
        view.more = !view.more;
    }
    if view.more {
        ui.add_space(space::S4);
        for own in more {
            param_ui(ui, state, own);
        }
        for (own, pick) in &SEARCH {
            search_ui(ui, state, own, *pick);
        }
        nested_ui(ui, state);
    }
}

fn nested_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let mut nested = state.drafts.train.nested;
    let reason = "The whole run, its choice included, is repeated and tested on each of the folds";
    if yard_ui::checkbox(ui, &mut nested, "Nested cross-validation").on_hover_text(reason).changed() {
        state.before_edit("nested cross-validation");
        state.drafts.train.nested = nested;
    }
}

fn family_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let labels = Family::ALL.map(Family::word);
    let mut index = Family::ALL.iter().position(|own| *own == state.drafts.train.family).unwrap_or(0);
    let response =
        Form::new(LABEL).row(ui, "Family", |ui| Select::new("Family", &mut index, &labels).show(ui));
    if response.changed() {
        state.before_edit("family");
        let family = Family::ALL[index];
        let (first, more) = params(family);
        let known = |name: &String| first.iter().chain(more).any(|own| own.name == name);
        state.drafts.train.family = family;
        state.drafts.train.params.retain(|name, _| known(name));
    }
}

/// One text field; returns the new text when it was edited.
fn field(ui: &mut egui::Ui, own: &Param, now: &str) -> Option<String> {
    let mut value = now.to_owned();
    let complaint = complaint(own.kind, &value);
    let response = Form::new(LABEL).row(ui, own.label, |ui| {
        TextField::new(own.label, &mut value)
            .unit(own.unit)
            .hint(own.default)
            .error(complaint.as_deref())
            .mono()
            .show(ui)
    });
    let changed = response.changed();
    response.on_hover_text(own.reason);
    changed.then_some(value)
}

fn param_ui(ui: &mut egui::Ui, state: &mut StudioState, own: &Param) {
    let now = state.drafts.train.params.get(own.name).cloned().unwrap_or_default();
    let Some(value) = field(ui, own, &now) else { return };
    state.before_typing(own.label);
    if value.trim().is_empty() {
        state.drafts.train.params.remove(own.name);
    } else {
        state.drafts.train.params.insert(own.name.to_owned(), value);
    }
}

fn search_ui(ui: &mut egui::Ui, state: &mut StudioState, own: &Param, pick: Pick) {
    let now = pick(state).clone();
    if let Some(value) = field(ui, own, &now) {
        state.before_typing(own.label);
        *pick(state) = value;
    }
}

/// The net alone can use a GPU; the devices are those that the engine found.
fn device_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    if !matches!(state.drafts.train.family, Family::Mlp | Family::Auto) {
        return;
    }
    let mut devices = vec!["auto".to_owned()];
    let found = if state.devices.is_empty() { vec!["cpu".to_owned()] } else { state.devices.clone() };
    devices.extend(found);
    if !devices.contains(&state.drafts.train.device) {
        devices.push(state.drafts.train.device.clone());
    }
    let words: Vec<&str> = devices.iter().map(String::as_str).collect();
    let mut index = words.iter().position(|own| *own == state.drafts.train.device).unwrap_or(0);
    let response =
        Form::new(LABEL).row(ui, "Device", |ui| Select::new("Device", &mut index, &words).show(ui));
    let response = response.on_hover_text("auto takes a GPU for nets when there is one, else the CPU");
    if response.changed() {
        state.before_edit("device");
        state.drafts.train.device.clone_from(&devices[index]);
    }
    let gpu = state.devices.iter().any(|own| own != "cpu");
    if !state.devices.is_empty() && !gpu {
        ui.horizontal(|ui| {
            ui.add_space(LABEL);
            text::note(ui, "No GPU found").on_hover_text(state.device_note.as_str());
        });
        ui.add_space(space::S4);
    }
}

fn seed_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let mut seed = state.drafts.train.seed.clone();
    let complaint = complaint(Kind::Whole(0, u64::MAX), &seed);
    let response = Form::new(LABEL).row(ui, "Seed", |ui| {
        TextField::new("Seed", &mut seed).hint("0").error(complaint.as_deref()).mono().show(ui)
    });
    let changed = response.changed();
    response.on_hover_text("The same data, recipe and seed give the same model, bit by bit");
    if changed {
        state.before_typing("seed");
        state.drafts.train.seed = seed;
    }
}
