//! Train by role and label: the form, start and stop, live curves, runs, comparison, failures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod common;

use common::{curve, records, sent, state, window, with_data, with_runs};
use egui::{Key, Role as Node};
use egui_kittest::{Harness, kittest::Queryable as _};
use yard_state::{
    actions::Action,
    command::UiCommand,
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::{
    command::{Command, ModelChoice},
    event::{Event, Notice, Progress},
    ids::{CommandId, DatasetId, JobId, ModelId, RunId},
    run::{BinPoints, Family, FeaturePoints, Points, RunSpec},
};

/// Runs the window's commands that were asked for, as the binary does, and returns those of the engine.
fn carried_out(harness: &mut Harness<'static, StudioState>) -> Vec<Command> {
    let studio = harness.state_mut();
    for action in studio.take_actions() {
        match action {
            Action::Ui(command) => drop(yard_state::run::run(studio, command)),
            other => studio.ask(other),
        }
    }
    sent(harness)
}

fn training() -> Harness<'static, StudioState> {
    let mut events = with_runs();
    events.push(Event::RunStarted {
        run: RunId(4),
        spec: Box::new(RunSpec::new(Family::Mlp)),
        dataset: DatasetId(1),
    });
    let mut studio = state(events, Place::Train);
    let job = JobId(9);
    studio.apply(&Notice::JobQueued { job, label: "Train mlp".to_owned(), command: CommandId(1) });
    studio.apply(&Notice::JobStarted { job });
    let progress = Progress { phase: "mlp".to_owned(), done: 3, total: Some(100), unit: "epochs".to_owned() };
    studio.apply(&Notice::JobProgress { job, progress, elapsed_secs: 1.0, left_secs: Some(30.0) });
    for point in curve() {
        studio.apply(&Notice::TrainingPoint { run: RunId(4), point });
    }
    window(studio)
}

#[test]
fn the_form_is_sent_as_typed() {
    let mut harness = window(state(with_data(), Place::Train));
    harness.state_mut().drafts.train.family = Family::Boosting;
    harness.run_steps(2);
    let field = harness.get_by_role_and_label(Node::TextInput, "Leaves");
    field.focus();
    field.type_text("6");
    harness.run_steps(2);
    harness.get_by_role_and_label(Node::Button, "Start training").click();
    harness.run_steps(2);
    let commands = carried_out(&mut harness);
    let [Command::StartTraining { spec }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(spec.family, Family::Boosting);
    assert_eq!(spec.params.iter().collect::<Vec<_>>(), [(&"leaves".to_owned(), &"6".to_owned())]);
}

#[test]
fn a_value_out_of_range_is_said_beside_the_field() {
    let mut harness = window(state(with_data(), Place::Train));
    harness.state_mut().drafts.train.family = Family::Mlp;
    harness.state_mut().drafts.train.params.insert("learning_rate".to_owned(), "7".to_owned());
    harness.run_steps(2);
    assert!(harness.query_by_label("expected a number from 1e-7 to 1").is_some());
}

#[test]
fn another_family_keeps_only_what_it_knows() {
    let mut harness = window(state(with_data(), Place::Train));
    let draft = &mut harness.state_mut().drafts.train;
    draft.family = Family::Boosting;
    draft.params.insert("trees".to_owned(), "9".to_owned());
    draft.params.insert("bins".to_owned(), "63".to_owned());
    draft.params.insert("early_stopping".to_owned(), "5".to_owned());
    harness.run_steps(1);
    harness.get_by_role_and_label(Node::ComboBox, "Family").focus();
    harness.run_steps(1);
    harness.key_press(Key::ArrowDown);
    harness.run_steps(2);
    let draft = &harness.state().drafts.train;
    assert_eq!(draft.family, Family::Forest);
    assert_eq!(draft.params.keys().collect::<Vec<_>>(), ["bins", "trees"]);
    harness.state_mut().undo_edit();
    assert_eq!(harness.state().drafts.train.family, Family::Boosting);
}

#[test]
fn a_search_is_set_under_more_settings() {
    let mut harness = window(state(with_data(), Place::Train));
    assert!(harness.query_by_role_and_label(Node::TextInput, "Trials").is_none());
    harness.get_by_label("More settings").click();
    harness.run_steps(2);
    let field = harness.get_by_role_and_label(Node::TextInput, "Trials");
    field.focus();
    field.type_text("20");
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
    harness.run_steps(2);
    let commands = carried_out(&mut harness);
    assert!(matches!(&commands[..], [Command::StartTraining { spec }] if spec.trials == 20), "{commands:?}");
}

#[test]
fn a_run_in_progress_is_drawn_and_stopped() {
    let mut harness = training();
    assert!(harness.query_by_role_and_label(Node::Figure, "Loss, lower is better").is_some());
    assert!(harness.query_by_label_contains("epoch 3 of 100, no better epoch for 1 of 10").is_some());
    harness.get_by_role_and_label(Node::Button, "Stop the running job").click();
    harness.run_steps(2);
    assert_eq!(carried_out(&mut harness), [Command::CancelJob { job: JobId(9) }]);
}

#[test]
fn a_run_left_behind_is_interrupted_not_running() {
    let mut events = with_data();
    let spec = Box::new(RunSpec::new(Family::Linear));
    events.push(Event::RunStarted { run: RunId(1), spec, dataset: DatasetId(1) });
    let harness = window(state(events, Place::Train));
    assert!(harness.query_by_label_contains("1, linear, defaults").is_some());
    assert!(harness.query_all_by_label_contains("interrupted").next().is_some());
    assert!(harness.query_by_label("Stop the running job").is_none());
}

fn stopped() -> Harness<'static, StudioState> {
    let mut events = with_runs();
    let spec = Box::new(RunSpec::new(Family::Mlp));
    events.push(Event::RunStarted { run: RunId(4), spec, dataset: DatasetId(1) });
    let checkpoint = Progress { phase: "mlp".into(), done: 12, total: Some(100), unit: "epochs".into() };
    events.push(Event::RunCancelled { run: RunId(4) });
    events.push(Event::RunStopped { run: RunId(4), interrupted: false, checkpoint: Some(checkpoint) });
    let mut studio = state(events, Place::Train);
    studio.selection = Selection::Run(RunId(4));
    window(studio)
}

#[test]
fn a_stopped_run_is_resumed_by_button_and_by_key() {
    let mut harness = stopped();
    assert!(harness.query_by_value("Resumes from: 12 epochs").is_some());
    harness.get_by_role_and_label(Node::Button, "Resume run 4").click();
    harness.run_steps(2);
    assert_eq!(carried_out(&mut harness), [Command::ResumeTraining { run: RunId(4) }]);
    harness.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, Key::Enter);
    harness.run_steps(2);
    assert_eq!(carried_out(&mut harness), [Command::ResumeTraining { run: RunId(4) }]);
    assert_eq!(harness.state().selection, Selection::Run(RunId(4)));
}

#[test]
fn nothing_is_resumed_while_another_run_trains() {
    let mut harness = stopped();
    let job = JobId(9);
    harness.state_mut().apply(&Notice::JobQueued {
        job,
        label: "Train mlp".to_owned(),
        command: CommandId(1),
    });
    harness.state_mut().apply(&Notice::JobStarted { job });
    harness.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, Key::Enter);
    harness.run_steps(2);
    assert_eq!(carried_out(&mut harness), []);
}

#[test]
fn a_scorecard_shows_its_points() {
    let mut events = with_runs();
    for event in &mut events {
        if let Event::RunFinished { run: RunId(1), model, .. } = event {
            let bin = |bin: &str, points, share| BinPoints { bin: bin.to_owned(), points, share };
            let bins = vec![bin("≤ 12", -15, 0.25), bin("> 12", 8, 0.75)];
            let features = vec![FeaturePoints { feature: "tenure".to_owned(), bins }];
            let points = Points { base: 412, point: 0.0173, doubling: Some(40.0), features };
            model.points = Some(Box::new(points));
        }
    }
    let mut studio = state(events, Place::Train);
    studio.selection = Selection::Run(RunId(1));
    let harness = window(studio);
    assert!(harness.query_by_label_contains("every row gets 412 points; 40").is_some());
    assert!(harness.query_by_label_contains("tenure, ≤ 12, −15, 25.0").is_some());
    assert!(harness.query_by_label_contains("> 12, +8, 75.0").is_some());
}

#[test]
fn runs_are_selected_shown_and_compared() {
    let mut harness = window(state(with_runs(), Place::Train));
    harness.get_by_label("Show run 1").click();
    harness.run_steps(2);
    assert_eq!(harness.state().shown_runs, [RunId(1)]);
    harness.get_by_label_contains("2, boosting, all families tried").click();
    harness.run_steps(2);
    assert_eq!(harness.state().selection, Selection::Run(RunId(2)));
    assert_eq!(harness.state().chosen, None, "looking at a run does not choose its model");
    harness.get_by_role_and_label(Node::RadioButton, "Compare").click();
    harness.run_steps(2);
    assert!(
        harness
            .query_by_label_contains("ROC AUC ↑, 0.840 (0.820–0.860), 0.800 (0.780–0.820), −0.040, worse")
            .is_some()
    );
    assert!(
        harness
            .query_by_label_contains("1, linear, defaults, 0.800 (0.780–0.820), 1.5, 2.0, 1.0, tried")
            .is_some()
    );
}

#[test]
fn the_header_sorts_by_the_metric() {
    let mut harness = window(state(with_runs(), Place::Train));
    harness.get_by_role_and_label(Node::ColumnHeader, "ROC AUC").click();
    harness.run_steps(2);
    let top =
        |harness: &Harness<'static, StudioState>, row: &str| harness.get_by_label_contains(row).rect().top();
    assert!(top(&harness, "1, linear, defaults") < top(&harness, "2, boosting, all families"));
    harness.get_by_role_and_label(Node::ColumnHeader, "ROC AUC").click();
    harness.run_steps(2);
    assert!(top(&harness, "1, linear, defaults") > top(&harness, "2, boosting, all families"));
}

#[test]
fn a_failed_run_says_what_and_what_to_do() {
    let mut studio = state(with_runs(), Place::Train);
    studio.selection = Selection::Run(RunId(3));
    let mut harness = window(studio);
    assert!(harness.query_by_label("the loss is not finite").is_some());
    assert!(harness.query_by_label("lower learning_rate").is_some());
    harness.get_by_label("Edit as new run").click();
    harness.run_steps(2);
    assert_eq!(harness.state().drafts.train.family, Family::Mlp);
}

#[test]
fn the_inspector_leads_to_evaluate_and_reproduces() {
    let mut studio = state(with_runs(), Place::Train);
    studio.selection = Selection::Run(RunId(1));
    let mut harness = window(studio);
    harness.get_by_label("Train again and compare").click();
    harness.run_steps(2);
    assert_eq!(sent(&mut harness), [Command::Reproduce { model: ModelChoice::Id(ModelId(1)) }]);
    harness.get_by_label("Evaluate run 1").click();
    harness.run_steps(2);
    assert_eq!((harness.state().chosen, harness.state().place), (Some(ModelId(1)), Place::Evaluate));
}

#[test]
fn without_data_the_place_leads_to_it() {
    let events = vec![Event::ProjectCreated { name: "churn".to_owned() }];
    let mut studio = StudioState::new();
    studio.open_project("/projects/churn.modelyard", false, &records(events));
    studio.place = Place::Train;
    let mut harness = window(studio);
    harness.get_by_label("Import data…").click();
    harness.run_steps(2);
    assert!(harness.state().actions.contains(&Action::Ui(UiCommand::ImportData)));
}
