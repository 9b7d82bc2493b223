//! The whole loop with the keyboard alone: Tab, arrows, Enter, the shortcuts and the palette.

use crate::driver::{Studio, ctrl, wait};
use egui::{Key, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use yard_state::state::StudioState;
use yard_tests::{place::Place as Folder, program::program, rows::sample_path};

/// Most presses of Tab from anywhere to anything.
const TABS: usize = 80;

/// Presses Tab until the widget has the focus.
fn tab_to(window: &mut Harness<'_, Studio>, role: Role, label: &str) {
    for _ in 0..TABS {
        let focused = window.query_by_role_and_label(role, label).is_some_and(|node| node.is_focused());
        if focused {
            return;
        }
        press(window, Key::Tab);
    }
    panic!("{TABS} presses of Tab do not reach \"{label}\"");
}

fn press(window: &mut Harness<'_, Studio>, key: Key) {
    window.key_press(key);
    window.run_steps(2);
}

fn type_text(window: &mut Harness<'_, Studio>, text: &str) {
    window.event(egui::Event::Text(text.to_owned()));
    window.run_steps(2);
}

/// Runs a command by the palette.
fn command(window: &mut Harness<'_, Studio>, label: &str) {
    ctrl(window, Key::K);
    type_text(window, label);
    press(window, Key::Enter);
    window.run_steps(3);
}

fn stable(state: &StudioState) -> Option<u64> {
    state.project.deployment.as_ref()?.stable.as_ref().map(|own| own.model.0)
}

fn canary(state: &StudioState) -> Option<u64> {
    state.project.deployment.as_ref()?.canary.as_ref().map(|own| own.served.model.0)
}

#[test]
fn the_loop_by_keyboard() {
    let folder = Folder::new();
    let mut window = Studio::new(&folder.path("."), &program("modelyard")).open();
    window.run_steps(3);
    data_and_frame(&mut window);
    first_model(&mut window);
    in_service(&mut window);
    second_model(&mut window);
    command(&mut window, "Stop the deployment");
    wait(&mut window, "the end of the server", |state| {
        state.project.deployment.as_ref().is_some_and(|status| status.state == "stopped")
    });
    assert!(folder.servers().is_empty(), "nothing is left running");
}

fn data_and_frame(window: &mut Harness<'_, Studio>) {
    tab_to(window, Role::TextInput, "Path of a data or project file");
    type_text(window, &sample_path("penguins").display().to_string());
    press(window, Key::Enter);
    wait(window, "the import", |state| state.project.dataset().is_some());
    ctrl(window, Key::Num2);
    tab_to(window, Role::ComboBox, "Target");
    press(window, Key::Enter);
    // The list opens at its first entry; the target is the first column.
    for _ in 0..10 {
        if window.state().state.project.frame.is_some() {
            break;
        }
        press(window, Key::ArrowDown);
        press(window, Key::Enter);
        window.run_steps(20);
    }
    wait(window, "the frame", |state| state.project.frame.is_some() && !state.project.splits.is_empty());
}

fn first_model(window: &mut Harness<'_, Studio>) {
    ctrl(window, Key::Num4);
    ctrl(window, Key::Enter);
    wait(window, "training", |state| state.project.models.len() == 1);
    command(window, "Evaluate on the test split");
    wait(window, "the evaluation", |state| state.project.evaluations.iter().any(|own| own.split == "test"));
    command(window, "Build package");
    wait(window, "the package", |state| state.project.packages.len() == 1);
}

fn in_service(window: &mut Harness<'_, Studio>) {
    command(window, "Deploy to this machine");
    wait(window, "the deployment", |state| stable(state) == Some(1));
    command(window, "Send sample traffic");
    wait(window, "the labels", |state| state.project.labels > 0);
    command(window, "Refresh monitoring");
    wait(window, "monitoring", |state| {
        state.project.monitor.as_ref().is_some_and(|report| !report.windows.is_empty())
    });
    command(window, "Check the gates");
    wait(window, "the gates", |state| state.project.gates.iter().any(|report| report.ok));
}

/// The champion's run again, as canary; promoted, and taken back.
fn second_model(window: &mut Harness<'_, Studio>) {
    command(window, "Retrain");
    wait(window, "the retrain", |state| state.project.last_retrain.is_some());
    assert_eq!(canary(&window.state().state), Some(2));
    command(window, "Promote the canary");
    wait(window, "the promotion", |state| stable(state) == Some(2) && canary(state).is_none());
    command(window, "Roll back the deployment");
    wait(window, "the way back", |state| stable(state) == Some(1));
}
