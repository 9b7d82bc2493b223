//! The recipe of the next run: family, hyperparameters with their defaults as hints, device, seed.

use yard_state::{actions::Action, command::UiCommand, state::StudioState};
use yard_types::run::Family;
use yard_ui::{Button, Form, Icon, Select, TextField, section, space, text};

const LABEL: f32 = 96.0;

/// One hyperparameter of a form.
struct Param {
    /// Name on the command line.
    name: &'static str,
    /// Label.
    label: &'static str,
    /// Unit or remark inside the field.
    unit: &'static str,
    /// What an empty field means and why.
    reason: &'static str,
}

const fn param(name: &'static str, label: &'static str, unit: &'static str, reason: &'static str) -> Param {
    Param { name, label, unit, reason }
}

const LINEAR: &[Param] =
    &[param("l2", "L2", "penalty", "Empty: chosen on validation rows from a short path of penalties")];

const BOOSTING: &[Param] = &[
    param("trees", "Trees", "at most", "Empty: many, since early stopping keeps the best round"),
    param("leaves", "Leaves", "a tree", "Empty: the learner's default; more leaves fit finer interactions"),
    param("depth", "Depth", "levels", "Empty: no limit; the number of leaves limits a tree"),
    param("learning_rate", "Learning rate", "", "Empty: the learner's default; smaller needs more trees"),
    param("min_leaf", "Rows in a leaf", "at least", "Empty: the learner's default; more rows resist noise"),
    param("l2", "L2", "on leaves", "Empty: the learner's default"),
    param(
        "early_stopping",
        "Patience",
        "rounds",
        "Stops after so many rounds without a better validation loss",
    ),
];

const FOREST: &[Param] = &[
    param("trees", "Trees", "", "Empty: the learner's default; more trees only steady the average"),
    param("leaves", "Leaves", "a tree", "Empty: the learner's default"),
    param("min_leaf", "Rows in a leaf", "at least", "Empty: the learner's default"),
    param("feature_fraction", "Features", "share a split", "Empty: the square root of their number"),
];

const MLP: &[Param] = &[
    param("layers", "Hidden layers", "units", "Numbers with commas, such as 64,32"),
    param("epochs", "Epochs", "at most", "Early stopping keeps the best epoch"),
    param("learning_rate", "Learning rate", "", "Empty: the learner's default for AdamW"),
    param("l2", "L2", "decay", "Decoupled weight decay"),
    param("batch", "Batch", "rows", "Rows a step"),
    param("patience", "Patience", "epochs", "Stops after so many epochs without a better validation loss"),
];

fn params(family: Family) -> &'static [Param] {
    match family {
        Family::Auto => &[],
        Family::Linear => LINEAR,
        Family::Boosting => BOOSTING,
        Family::Forest => FOREST,
        Family::Mlp => MLP,
    }
}

/// Draws the form.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    let next = state.project.runs.keys().next_back().map_or(1, |run| run.0 + 1);
    section(ui, &format!("Recipe for run {next}"), "");
    family_ui(ui, state);
    if state.drafts.train.family == Family::Auto {
        text::paragraph(
            ui,
            "Trains linear, boosting, forest and net with their defaults, and keeps the simplest one within noise of the best.",
        );
        ui.add_space(space::S8);
    }
    for own in params(state.drafts.train.family) {
        param_ui(ui, state, own);
    }
    device_ui(ui, state);
    let mut seed = state.drafts.train.seed.clone();
    let response = Form::new(LABEL).row(ui, "Seed", |ui| TextField::new("Seed", &mut seed).show(ui));
    if response.on_hover_text("The same data, recipe and seed give the same model, bit by bit").changed() {
        state.before_edit("seed");
        state.drafts.train.seed = seed;
    }
    stop_ui(ui, state);
}

fn family_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let labels = Family::ALL.map(Family::word);
    let mut index = Family::ALL.iter().position(|own| *own == state.drafts.train.family).unwrap_or(0);
    let response =
        Form::new(LABEL).row(ui, "Family", |ui| Select::new("Family", &mut index, &labels).show(ui));
    if response.changed() {
        state.before_edit("family");
        state.drafts.train.family = Family::ALL[index];
        state.drafts.train.params.clear();
    }
}

fn param_ui(ui: &mut egui::Ui, state: &mut StudioState, own: &Param) {
    let mut value = state.drafts.train.params.get(own.name).cloned().unwrap_or_default();
    let response = Form::new(LABEL).row(ui, own.label, |ui| {
        TextField::new(own.label, &mut value).unit(own.unit).hint("default").mono().show(ui)
    });
    if response.on_hover_text(own.reason).changed() {
        state.before_edit(own.label);
        if value.trim().is_empty() {
            state.drafts.train.params.remove(own.name);
        } else {
            state.drafts.train.params.insert(own.name.to_owned(), value);
        }
    }
}

fn device_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    const DEVICES: [&str; 4] = ["auto", "cpu", "cuda:0", "metal"];
    if !matches!(state.drafts.train.family, Family::Mlp | Family::Auto) {
        return;
    }
    let mut index = DEVICES.iter().position(|own| *own == state.drafts.train.device).unwrap_or(0);
    let response =
        Form::new(LABEL).row(ui, "Device", |ui| Select::new("Device", &mut index, &DEVICES).show(ui));
    let response =
        response.on_hover_text("auto asks yard-trainer for a GPU and takes the CPU when there is none");
    if response.changed() {
        state.before_edit("device");
        DEVICES[index].clone_into(&mut state.drafts.train.device);
    }
}

fn stop_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    if state.jobs.running().is_none() {
        return;
    }
    ui.add_space(space::S8);
    let button = Button::danger("Stop").icon(Icon::Stop).key("Ctrl+.").tooltip(UiCommand::StopJob.tooltip());
    if button.show(ui).clicked() {
        state.ask(Action::Ui(UiCommand::StopJob));
    }
}
