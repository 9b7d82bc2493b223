//! Sample traffic, labels, and the data and rule of the next retrain.

use yard_state::{
    actions::{Action, Pick},
    command::UiCommand,
    state::StudioState,
};
use yard_ui::{Button, Form, Icon, PathField, Select, TextField, section, space};

const LABEL: f32 = 108.0;
/// Kinds of drift that sample traffic can have.
const KINDS: [&str; 6] = ["none", "numeric", "category", "missing", "concept", "outage"];

/// Draws the three small forms.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    retrain_ui(ui, state);
    ui.add_space(space::S16);
    labels_ui(ui, state);
    ui.add_space(space::S16);
    traffic_ui(ui, state);
}

fn retrain_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Next retrain", "the champion's run again, then the gates");
    let mut path = state.drafts.monitor.retrain_data.clone();
    let field = Form::new(LABEL).row(ui, "Fresh data", |ui| {
        PathField::new("Fresh data", &mut path).hint("the current data set").show(ui)
    });
    if field.field.changed() {
        state.drafts.monitor.retrain_data = path;
    }
    crate::reasons::on(field.field, "Fresh data");
    if field.browse {
        state.ask(Action::Pick(Pick::RetrainData));
    }
    let word = "Deploy as canary when the gates pass";
    crate::reasons::on(yard_ui::checkbox(ui, &mut state.drafts.monitor.deploy, word), word);
}

fn labels_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Labels", "a file with request_id and the label");
    let mut path = state.drafts.monitor.labels.clone();
    let field = Form::new(LABEL)
        .row(ui, "Labels file", |ui| PathField::new("Labels file", &mut path).hint("labels.csv").show(ui));
    if field.field.changed() {
        state.drafts.monitor.labels = path;
    }
    if field.browse {
        state.ask(Action::Pick(Pick::Labels));
    }
    command_button(ui, state, (UiCommand::SendLabels, "Send labels", Icon::Tag));
}

fn traffic_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Sample traffic", "requests made of held-out rows, with their labels");
    let mut requests = state.drafts.monitor.requests.clone();
    let response = Form::new(LABEL)
        .row(ui, "Requests", |ui| TextField::new("Requests", &mut requests).unit("rows").show(ui));
    if response.changed() {
        state.drafts.monitor.requests = requests;
    }
    crate::reasons::on(response, "Requests");
    let mut index = KINDS.iter().position(|kind| *kind == state.drafts.monitor.drift).unwrap_or(0);
    let response = Form::new(LABEL).row(ui, "Drift", |ui| Select::new("Drift", &mut index, &KINDS).show(ui));
    if response.changed() {
        KINDS[index].clone_into(&mut state.drafts.monitor.drift);
    }
    crate::reasons::on(response, "Drift");
    command_button(ui, state, (UiCommand::SimulateTraffic, "Send sample traffic", Icon::Play));
}

fn command_button(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    (command, word, icon): (UiCommand, &str, Icon),
) {
    let button = Button::secondary(word)
        .icon(icon)
        .tooltip(command.tooltip())
        .enabled_if(command.enabled(state), crate::head::why_not(state, command));
    if button.show(ui).clicked() {
        state.ask(Action::Ui(command));
    }
}
