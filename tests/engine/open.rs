//! An engine in a place of its own, with a clock that steps, and short ways to its commands.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use yard_engine::{Engine, EngineError, EngineOptions, Home, clock::StepClock};
use yard_tests::{place::Place, rows::sample_path};
use yard_types::{
    command::{Command, NewProject},
    event::Notice,
    run::{Family, Params, RunSpec},
};

/// 2024-01-01T00:00:00Z in microseconds.
const START: i64 = 1_704_067_200_000_000;

pub(crate) fn options(place: &Place) -> EngineOptions {
    EngineOptions {
        clock: Arc::new(StepClock::new(START, 1_000)),
        threads: 2,
        notify: Arc::new(|| {}),
        actor: "tester".to_owned(),
        home: Home::at(place.home()),
        program: PathBuf::from("/nonexistent/modelyard"),
        worker: None,
    }
}

/// Makes a project file and opens it.
pub(crate) fn create(place: &Place, name: &str) -> Engine {
    Engine::create(&place.path(name), options(place)).unwrap()
}

pub(crate) fn import_command(data: &Path, facts: NewProject) -> Command {
    Command::ImportDataset {
        options: Box::new(NewProject { data: data.to_string_lossy().into_owned(), ..facts }),
    }
}

/// Facts with a target and nothing else.
pub(crate) fn target(name: &str) -> NewProject {
    NewProject { target: Some(name.to_owned()), ..NewProject::default() }
}

/// Carries out a command to its end; returns its result and all notices on the way.
pub(crate) fn run(engine: &Engine, command: Command) -> (Result<Value, EngineError>, Vec<Notice>) {
    let mut notices = Vec::new();
    let done = engine.run_to_end(command, &mut |notice| notices.push(notice.clone()));
    (done.map(|done| done.result), notices)
}

pub(crate) fn must(engine: &Engine, command: Command) -> Value {
    run(engine, command).0.unwrap_or_else(|error| panic!("{error}"))
}

/// A project of the churn sample.
pub(crate) fn churn(place: &Place) -> Engine {
    let engine = create(place, "churn.modelyard");
    let facts = NewProject {
        positive: Some("Yes".to_owned()),
        cost_fp: Some(1.0),
        cost_fn: Some(5.0),
        sensitive: vec!["gender".to_owned()],
        ..target("Churn")
    };
    must(&engine, import_command(&sample_path("telco-churn"), facts));
    engine
}

/// A project of the penguins, the smallest sample.
pub(crate) fn penguins(place: &Place) -> Engine {
    let engine = create(place, "penguins.modelyard");
    must(&engine, import_command(&sample_path("penguins"), target("species")));
    engine
}

pub(crate) fn training(family: Family, params: &[(&str, &str)]) -> Command {
    let params: Params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Command::StartTraining { spec: Box::new(RunSpec { params, seed: 3, ..RunSpec::new(family) }) }
}

/// Kinds of the events in the log.
pub(crate) fn kinds(engine: &Engine) -> Vec<String> {
    let kind = |record: &yard_types::event::EventRecord| {
        serde_json::to_value(&record.body).unwrap()["kind"].as_str().unwrap().to_owned()
    };
    engine.events().iter().map(kind).collect()
}
