//! The guided path: from a CSV file to a served model with the keyboard alone, each action counted.

use crate::driver::{Studio, wait};
use egui::{Key, Modifiers};
use egui_kittest::Harness;
use std::io::Write as _;
use yard_state::route::Place;
use yard_tests::{place::Place as Folder, program::program, rows::sample_path};

/// Most actions: a key, a shortcut, or a text typed into the focused field.
const MOST: usize = 12;

/// The user at the keyboard.
struct Hands<'a> {
    window: Harness<'a, Studio>,
    actions: Vec<String>,
}

impl Hands<'_> {
    fn did(&mut self, what: String) {
        self.actions.push(what);
        self.window.run_steps(4);
    }

    fn types(&mut self, text: &str) {
        self.window.event(egui::Event::Text(text.to_owned()));
        self.did("type the path of a CSV file".to_owned());
    }

    fn presses(&mut self, key: Key) {
        self.window.key_press(key);
        self.did(format!("{key:?}"));
    }

    fn ctrl(&mut self, key: Key) {
        self.window.key_press_modifiers(Modifiers::COMMAND, key);
        self.did(format!("Ctrl+{key:?}"));
    }
}

#[test]
fn from_a_csv_to_a_served_model_in_twelve_actions() {
    let folder = Folder::new();
    let window = Studio::bare(&folder.path("."), &program("modelyard")).open();
    let mut hands = Hands { window, actions: Vec::new() };
    hands.window.run_steps(4);
    hands.types(&sample_path("penguins").display().to_string());
    hands.presses(Key::Enter);
    wait(&mut hands.window, "the import", |state| state.project.dataset().is_some());
    hands.ctrl(Key::Enter);
    assert_eq!(hands.window.state().state.place, Place::Frame);
    // The target has the focus; the arrow keys go through the columns.
    hands.presses(Key::ArrowDown);
    wait(&mut hands.window, "the frame", |state| {
        state.project.frame.is_some() && !state.project.splits.is_empty()
    });
    hands.ctrl(Key::Enter);
    assert_eq!(hands.window.state().state.place, Place::Train);
    hands.ctrl(Key::Enter);
    wait(&mut hands.window, "training", |state| !state.project.models.is_empty());
    hands.ctrl(Key::Num7);
    hands.ctrl(Key::Enter);
    wait(&mut hands.window, "the deployment", |state| {
        state
            .project
            .deployment
            .as_ref()
            .is_some_and(|status| status.state == "running" && status.stable.is_some())
    });
    let actions = &hands.actions;
    // Test runners show standard error when asked to (`--nocapture`).
    let _ = writeln!(std::io::stderr(), "guided path: {} actions: {}", actions.len(), actions.join(", "));
    assert!(actions.len() <= MOST, "{} actions: {actions:?}", actions.len());
    hands.window.state_mut().state.send(yard_types::command::Command::StopDeployment);
    wait(&mut hands.window, "the end of the server", |state| {
        state.project.deployment.as_ref().is_some_and(|status| status.state == "stopped")
    });
    assert!(folder.servers().is_empty(), "nothing is left running");
}
