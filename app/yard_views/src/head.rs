//! The head of a view: title, one line of context, actions at the right with exactly one filled button.

use yard_state::{actions::Action, command::UiCommand, next, state::StudioState};
use yard_ui::{Button, Icon};

/// A head.
pub(crate) struct Head<'a> {
    /// Title, e.g. `Evaluate`.
    pub(crate) title: &'a str,
    /// One line of context.
    pub(crate) context: String,
    /// Label of the filled button: verb and object.
    pub(crate) primary: String,
    /// Icon of the filled button.
    pub(crate) icon: Icon,
    /// Further commands, left of the filled button, in order.
    pub(crate) others: Vec<(UiCommand, Icon)>,
}

/// Draws the head; a pressed button queues its command.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, head: &Head<'_>) {
    yard_ui::view_head(ui, head.title, &head.context, |ui| {
        primary_ui(ui, state, head);
        for (command, icon) in head.others.iter().rev() {
            other_ui(ui, state, *command, *icon);
        }
    });
}

fn primary_ui(ui: &mut egui::Ui, state: &mut StudioState, head: &Head<'_>) {
    let command = next::primary(state);
    let enabled = command.enabled(state);
    let key = UiCommand::Primary.shortcut().map(|shortcut| shortcut.text()).unwrap_or_default();
    let button = Button::primary(head.primary.as_str())
        .icon(head.icon)
        .key(key)
        .tooltip(command.tooltip())
        .enabled_if(enabled, why_not(state, command));
    let response = button.show(ui);
    copy_menu(&response, state, command);
    if response.clicked() {
        state.ask(Action::Ui(command));
    }
}

/// The menu of an action on a right click: the same act as a line for the command line.
fn copy_menu(response: &egui::Response, state: &mut StudioState, command: UiCommand) {
    if crate::command_line::line(state, command).is_none() {
        return;
    }
    response.context_menu(|ui| {
        if yard_ui::overlay::menu_item(ui, Icon::TerminalWindow, "Copy as command", "").clicked() {
            crate::command_line::copy(state, command);
            ui.close();
        }
    });
}

fn other_ui(ui: &mut egui::Ui, state: &mut StudioState, command: UiCommand, icon: Icon) {
    let mut button = Button::secondary(command.label())
        .icon(icon)
        .tooltip(command.tooltip())
        .enabled_if(command.enabled(state), why_not(state, command));
    if let Some(shortcut) = command.shortcut() {
        button = button.key(shortcut.text());
    }
    let response = button.show(ui);
    copy_menu(&response, state, command);
    if response.clicked() {
        state.ask(Action::Ui(command));
    }
}

/// Says why a command can't be run now.
pub(crate) fn why_not(state: &StudioState, command: UiCommand) -> &'static str {
    let project = &state.project;
    if !state.open {
        return "Open or make a project first";
    }
    if state.read_only {
        return "Another window has this project open for writing";
    }
    match command {
        UiCommand::StartTraining | UiCommand::TrainAuto if project.dataset().is_none() => "Import data first",
        UiCommand::StartTraining | UiCommand::TrainAuto => "Choose the target on Frame first",
        UiCommand::Evaluate | UiCommand::BuildPackage | UiCommand::Deploy | UiCommand::CheckGates => {
            "Train a model first"
        }
        UiCommand::Promote => "There is no canary",
        UiCommand::DeployCanary => "A canary needs a running deployment and another model than the champion",
        UiCommand::Undo | UiCommand::Redo => "Nothing to undo",
        UiCommand::StopJob => "No job runs",
        _ => "Needs a running deployment",
    }
}
