//! Every place in its states as a screen reader gets it, and what is the same in all places: settings,
//! help, explanations, copy as command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod common;

use common::{names, sent, state, window, with_data, with_runs};
use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use yard_state::{
    actions::Action,
    command::UiCommand,
    route::Place,
    settings::{CrashReport, ThemeChoice},
    state::{Overlay, StudioState},
};
use yard_types::{
    event::{Event, Notice, Progress},
    ids::{CommandId, JobId},
};

fn loading(mut own: StudioState) -> StudioState {
    let job = JobId(1);
    own.apply(&Notice::JobQueued { job, label: "Train boosting".to_owned(), command: CommandId(9) });
    own.apply(&Notice::JobStarted { job });
    let progress = Progress { done: 3, total: Some(9), unit: "trees".to_owned(), phase: "Train".to_owned() };
    own.apply(&Notice::JobProgress { job, progress, elapsed_secs: 1.0, left_secs: Some(2.0) });
    own
}

fn failed(mut own: StudioState) -> StudioState {
    let job = JobId(1);
    own.apply(&Notice::JobQueued { job, label: "Train mlp".to_owned(), command: CommandId(9) });
    own.apply(&Notice::JobFailed { job, message: "the loss is not finite; lower learning_rate".to_owned() });
    own
}

/// The data's file changed since: the engine says so when it is read next.
fn stale(mut own: StudioState) -> StudioState {
    own.apply(&Notice::Warning {
        message: "churn.csv changed since it was imported; import it again".to_owned(),
    });
    own.read_only = true;
    own
}

#[test]
fn no_control_is_without_a_name_in_any_state() {
    let mut controls = 0;
    let mut harness = window(StudioState::new());
    for place in Place::EVERY {
        let states: Vec<(&str, StudioState)> = vec![
            ("no project", StudioState { place, ..StudioState::new() }),
            ("empty", state(Vec::new(), place)),
            ("data", state(with_data(), place)),
            ("full", state(with_runs(), place)),
            ("loading", loading(state(with_runs(), place))),
            ("failed", failed(state(with_runs(), place))),
            ("stale", stale(state(with_runs(), place))),
        ];
        for (word, own) in states {
            *harness.state_mut() = own;
            harness.run_steps(3);
            let (count, bad) = names::unnamed(&harness);
            assert!(count > 12, "{place:?}, {word}: {count} controls");
            assert!(bad.is_empty(), "{place:?}, {word}: {bad:?}");
            controls += count;
        }
    }
    assert!(controls > 1_000, "{controls} controls in all places and states");
}

#[test]
fn the_dump_tells_state_and_progress() {
    let lines = names::dump(&window(loading(state(with_runs(), Place::Train)))).join("\n");
    for wanted in ["Train boosting", "Stop", "Role::", "3 of 9"] {
        let wanted = wanted.trim_start_matches("Role::");
        assert!(lines.contains(wanted), "\"{wanted}\" is not in:\n{lines}");
    }
}

#[test]
fn ctrl_comma_opens_settings_and_a_change_is_undone() {
    let mut harness = window(state(with_data(), Place::Data));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Comma);
    harness.run_steps(3);
    assert_eq!(harness.state().place, Place::Settings);
    harness.get_by_role_and_label(Role::CheckBox, "Reduced motion").click();
    harness.run_steps(3);
    assert!(harness.state().settings.reduced_motion);
    harness.get_by_role_and_label(Role::CheckBox, "Touch-friendly controls").click();
    harness.run_steps(4);
    let high = harness.ctx.global_style().spacing.interact_size.y;
    assert!((high - 32.0).abs() < 1e-3, "controls are {high} high");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(4);
    assert!(!harness.state().settings.touch && harness.state().settings.reduced_motion);
    assert!((harness.ctx.global_style().spacing.interact_size.y - 28.0).abs() < 1e-3);
}

#[test]
fn high_contrast_changes_the_colours_at_once() {
    let mut harness = window(state(with_data(), Place::Settings));
    let before = yard_ui::tokens_ctx(&harness.ctx).text_3;
    harness.get_by_role_and_label(Role::CheckBox, "High contrast").click();
    harness.run_steps(4);
    assert_ne!(yard_ui::tokens_ctx(&harness.ctx).text_3, before);
    harness.state_mut().settings.theme = ThemeChoice::Dark;
    harness.run_steps(2);
    assert!(harness.state().settings.high_contrast);
}

#[test]
fn f1_opens_the_page_of_the_place_or_of_the_focused_term() {
    let mut harness = window(state(with_data(), Place::Data));
    harness.key_press(Key::F1);
    harness.run_steps(3);
    assert_eq!((harness.state().place, harness.state().help_page.as_str()), (Place::Help, "data"));
    let mut harness = window(state(with_data(), Place::Frame));
    harness.get_by_role_and_label(Role::TextInput, "ROC AUC, at least").focus();
    harness.run_steps(3);
    harness.key_press(Key::F1);
    harness.run_steps(3);
    assert_eq!(harness.state().help_page, "metrics#ROC AUC");
}

#[test]
fn help_is_searched_by_words() {
    let mut harness = window(state(with_data(), Place::Help));
    let field = harness.get_by_role_and_label(Role::TextInput, "Search help");
    field.focus();
    field.type_text("stability index");
    harness.run_steps(4);
    harness.get_by_role_and_label(Role::Link, "Terms: PSI").click();
    harness.run_steps(4);
    assert_eq!(harness.state().help_page, "terms#PSI");
}

#[test]
fn a_finding_is_explained_with_its_figures() {
    let mut harness = window(state(with_data(), Place::Data));
    harness.get_by_role_and_label(Role::Link, "Explain identifier in customer").click();
    harness.run_steps(4);
    assert_eq!(harness.state().overlay, Overlay::Explain);
    let lines = names::dump(&harness).join("\n");
    assert!(lines.contains("Distinct values: 1\u{2009}000"), "{lines}");
    assert!(lines.contains("What to do") && lines.contains("Make it the id"), "{lines}");
    harness.get_by_role_and_label(Role::Link, "Open help page").click();
    harness.run_steps(3);
    assert_eq!(harness.state().help_page, "data#Roles");
}

#[test]
fn a_crash_report_is_offered_and_discarded() {
    let mut own = state(with_data(), Place::Start);
    let text = "What happened\n  index out of bounds".to_owned();
    own.crash = Some(CrashReport { path: "/home/u/crashes/crash-0001.txt".to_owned(), text });
    own.overlay = Overlay::Crash;
    let mut harness = window(own);
    assert!(names::dump(&harness).join("\n").contains("index out of bounds"));
    harness.get_by_role_and_label(Role::Button, "Discard report").click();
    harness.run_steps(3);
    assert_eq!(harness.state().overlay, Overlay::None);
    assert!(harness.state_mut().take_actions().contains(&Action::DiscardCrash));
}

/// Copies what the primary action of a place does.
fn copied(place: Place, events: Vec<Event>) -> Option<String> {
    let mut harness: Harness<'static, StudioState> = window(state(events, place));
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::K);
    harness.run_steps(2);
    harness.state_mut().take_actions().into_iter().find_map(|action| match action {
        Action::Copy(line) => Some(line),
        _ => None,
    })
}

#[test]
fn every_act_is_copied_as_a_line() {
    assert_eq!(
        copied(Place::Evaluate, with_runs()).unwrap(),
        "modelyard evaluate churn.modelyard --model best"
    );
    let line = copied(Place::Train, with_runs()).unwrap();
    assert!(line.starts_with("modelyard train churn.modelyard"), "{line}");
    assert_eq!(copied(Place::Registry, with_runs()).unwrap(), "modelyard gate churn.modelyard --model best");
    assert_eq!(copied(Place::Frame, with_data()), None, "moving is no act");
}

#[test]
fn an_undone_frame_is_sent_back() {
    let mut harness = window(state(with_data(), Place::Frame));
    let unit = harness.get_by_role_and_label(Role::TextInput, "Unit");
    unit.focus();
    harness.run_steps(2);
    harness.event(egui::Event::Text("s of the shop".to_owned()));
    harness.run_steps(2);
    harness.event(egui::Event::Text("!".to_owned()));
    harness.run_steps(2);
    assert!(harness.state().drafts.frame.unit.len() > "customer".len());
    harness.key_press(Key::Tab);
    harness.run_steps(3);
    assert!(!sent(&mut harness).is_empty(), "the frame is sent when the field is left");
    harness.state_mut().undo_edit();
    assert_eq!(harness.state().drafts.frame.unit, "customer", "letters are one gesture");
    assert!(!harness.state().undo.can_undo());
}

#[test]
fn the_palette_finds_pages_of_help() {
    let mut harness = window(state(with_data(), Place::Data));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::K);
    harness.run_steps(3);
    harness.event(egui::Event::Text("confidence sequence".to_owned()));
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert_eq!(harness.state().help_page, "terms#Confidence sequence");
    assert!(UiCommand::Help.shortcut().is_some());
}

#[test]
fn a_recent_project_is_pinned_and_opened_beside() {
    let mut own = StudioState { place: Place::Start, ..StudioState::new() };
    for name in ["a", "b"] {
        let recent = serde_json::json!({
            "path": format!("/p/{name}.modelyard"), "name": name, "state": "trained", "target": "y",
            "metric": "ROC AUC", "value": 0.8, "rows": 100, "opened_at": "2026-11-24T14:21:00Z"
        });
        own.recent.push(serde_json::from_value(recent).unwrap());
    }
    let mut harness = window(own);
    harness.get_all_by_role_and_label(Role::Link, "Pin").next().unwrap().click();
    harness.run_steps(3);
    assert!(harness.state().recent.first().unwrap().pinned);
    harness.get_all_by_role_and_label(Role::Link, "New window").next().unwrap().click();
    harness.run_steps(3);
    let asked = harness.state_mut().take_actions();
    assert!(matches!(asked.as_slice(), [Action::NewWindow(Some(_))]), "{asked:?}");
}
