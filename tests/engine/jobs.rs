//! Jobs: cancel, failure, refusal. After each the project is as before and goes on working.

use crate::{
    log::assert_in_order,
    open::{churn, kinds, must, penguins, run, training},
};
use std::time::{Duration, Instant};
use yard_engine::Engine;
use yard_tests::place::Place;
use yard_types::{
    command::{Command, ModelChoice},
    event::Notice,
    ids::{JobId, ModelId},
    project::RunState,
    run::Family,
};

/// Collects notices until one fulfils a test.
fn wait_for(engine: &Engine, notices: &mut Vec<Notice>, test: impl Fn(&Notice) -> bool) {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < Duration::from_mins(2), "waited too long; got {notices:?}");
        let fresh = engine.wait_notices(Duration::from_millis(100));
        let found = fresh.iter().any(&test);
        notices.extend(fresh);
        if found {
            return;
        }
    }
}

#[test]
fn a_cancelled_run_ends_soon_and_is_stated() {
    let place = Place::new();
    let engine = churn(&place);
    let long =
        training(Family::Boosting, &[("trees", "5000"), ("learning_rate", "0.001"), ("early_stopping", "0")]);
    let job = engine.submit(long).unwrap().job.unwrap();
    let mut notices = Vec::new();
    wait_for(&engine, &mut notices, |notice| matches!(notice, Notice::TrainingPoint { .. }));
    let asked = Instant::now();
    engine.submit(Command::CancelJob { job }).unwrap();
    wait_for(
        &engine,
        &mut notices,
        |notice| matches!(notice, Notice::JobCancelled { job: own } if *own == job),
    );
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_in_order(&notices);
    let state = engine.state();
    assert_eq!(state.runs.values().map(|run| run.state.clone()).collect::<Vec<_>>(), [RunState::Cancelled]);
    assert!(state.models.is_empty());
    assert_eq!(engine.pending(), 0);
    let again = engine.submit(Command::CancelJob { job }).unwrap_err().to_string();
    assert!(again.contains("not running"), "{again}");
    must(&engine, training(Family::Linear, &[]));
}

#[test]
fn commands_that_make_no_sense_are_refused_at_once() {
    let place = Place::new();
    let engine = penguins(&place);
    let early = engine.submit(Command::PackageModel { model: ModelChoice::Best, out: None });
    assert!(early.unwrap_err().to_string().contains("train"), "no model yet");
    must(&engine, training(Family::Linear, &[]));
    let before = kinds(&engine);
    let none = ModelChoice::Id(ModelId(7));
    let check = |command: Command, words: &[&str]| {
        let error = engine.submit(command.clone()).expect_err(&format!("{command:?} is refused")).to_string();
        for word in words {
            assert!(error.contains(word), "\"{error}\" should say \"{word}\"");
        }
    };
    check(Command::Evaluate { model: none, data: None }, &["7"]);
    check(Command::Promote, &["deploy"]);
    check(Command::Monitor, &["deploy"]);
    check(Command::CancelJob { job: JobId(99) }, &["99"]);
    let mut spec = yard_types::run::RunSpec::new(Family::Linear);
    spec.folds = 1_000_000;
    check(Command::StartTraining { spec: Box::new(spec) }, &["folds"]);
    let dataset = engine.state().dataset().unwrap().id;
    let role = yard_types::schema::Role::Dropped;
    check(
        Command::SetRole { dataset, column: "bill_lenght_mm".to_owned(), role },
        &["bill_lenght_mm", "bill_length_mm"],
    );
    let mut frame = engine.state().frame.clone().unwrap();
    frame.metric = "rmse".to_owned();
    check(Command::SetFrame { frame: Box::new(frame) }, &["rmse"]);
    assert_eq!(kinds(&engine), before, "a refusal leaves no event");
}

#[test]
fn a_run_with_wrong_hyperparameters_fails_with_the_names() {
    let place = Place::new();
    let engine = penguins(&place);
    for (name, value, word) in [("tress", "100", "trees"), ("trees", "minus one", "minus one")] {
        let (result, notices) = run(&engine, training(Family::Boosting, &[(name, value)]));
        let error = result.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(word), "{error}");
        assert_in_order(&notices);
    }
    assert!(engine.state().models.is_empty());
    assert_eq!(engine.pending(), 0);
}

#[test]
fn a_data_file_that_changed_is_stated_not_reread() {
    let place = Place::new();
    let text = std::fs::read_to_string(yard_tests::rows::sample_path("penguins")).unwrap();
    let data = place.file("birds.csv", &text);
    let engine = crate::open::create(&place, "birds.modelyard");
    must(&engine, crate::open::import_command(&data, crate::open::target("species")));
    let path = engine.path();
    drop(engine);
    std::fs::write(&data, text.replace("Torgersen", "Dream")).unwrap();
    let engine = Engine::open(&path, crate::open::options(&place)).unwrap();
    let error = run(&engine, training(Family::Linear, &[])).0.unwrap_err().to_string();
    assert!(error.contains("changed") && error.contains("birds.csv"), "{error}");
    std::fs::remove_file(&data).unwrap();
    let error = run(&engine, training(Family::Linear, &[])).0.unwrap_err().to_string();
    assert!(error.contains("birds.csv"), "{error}");
    assert!(engine.state().models.is_empty());
}
