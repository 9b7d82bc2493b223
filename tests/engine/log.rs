//! The log: notices in order, state as a fold, the hash chain, what a second opener may do.

use crate::open::{churn, kinds, must, options, penguins, run, training};
use yard_engine::{Engine, EngineError};
use yard_tests::place::Place;
use yard_types::{
    command::{Command, ModelChoice},
    event::Notice,
    ids::{JobId, Sha256},
    project::{ProjectState, RunState},
    run::Family,
};

/// Place of a notice in the life of its job; `None` for other notices.
fn stage(notice: &Notice) -> Option<(JobId, u32)> {
    match notice {
        Notice::JobQueued { job, .. } => Some((*job, 0)),
        Notice::JobStarted { job } => Some((*job, 1)),
        Notice::JobProgress { job, .. } => Some((*job, 2)),
        Notice::JobFinished { job, .. } | Notice::JobFailed { job, .. } | Notice::JobCancelled { job } => {
            Some((*job, 3))
        }
        _ => None,
    }
}

/// Queued, started, progress in any number, exactly one end.
pub(crate) fn assert_in_order(notices: &[Notice]) {
    let stages: Vec<(JobId, u32)> = notices.iter().filter_map(stage).collect();
    let jobs: std::collections::BTreeSet<JobId> = stages.iter().map(|(job, _)| *job).collect();
    for job in jobs {
        let own: Vec<u32> = stages.iter().filter(|(id, _)| *id == job).map(|(_, stage)| *stage).collect();
        assert!(own.starts_with(&[0, 1]) && own.ends_with(&[3]), "job {job}: {own:?}");
        assert!(own[2..own.len() - 1].iter().all(|stage| *stage == 2), "job {job}: {own:?}");
    }
}

#[test]
fn notices_of_a_run_come_in_order() {
    let place = Place::new();
    let engine = churn(&place);
    let before = engine.state().seq;
    let (result, notices) = run(&engine, training(Family::Boosting, &[("trees", "40")]));
    result.unwrap();
    assert_in_order(&notices);
    let progress: Vec<_> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::JobProgress { progress, elapsed_secs, .. } => Some((progress, *elapsed_secs)),
            _ => None,
        })
        .collect();
    assert!(progress.iter().all(|(progress, _)| !progress.phase.is_empty()));
    assert!(progress.windows(2).all(|pair| pair[0].1 <= pair[1].1), "time goes forward");
    for (own, _) in &progress {
        assert!(own.total.is_none_or(|total| own.done <= total), "{own:?}");
    }
    let points = notices.iter().filter(|notice| matches!(notice, Notice::TrainingPoint { .. })).count();
    assert!(points > 0, "the curve is told while it grows");
    let committed: Vec<u64> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Committed { record } => Some(record.seq),
            _ => None,
        })
        .collect();
    let expected: Vec<u64> = (before + 1..=engine.state().seq).collect();
    assert_eq!(committed, expected, "every event is announced once, in order");
}

#[test]
fn state_is_the_fold_of_the_log() {
    let place = Place::new();
    let engine = penguins(&place);
    must(&engine, training(Family::Linear, &[]));
    must(&engine, training(Family::Boosting, &[("trees", "10")]));
    must(&engine, Command::PackageModel { model: ModelChoice::Best, out: None });
    must(&engine, Command::CheckGates { model: ModelChoice::Best });
    let (live, events) = (engine.state(), engine.events());
    assert_eq!(*live, ProjectState::from_events(&events));
    drop(engine);

    let again = Engine::open(&place.path("penguins.modelyard"), options(&place)).unwrap();
    assert_eq!(*again.state(), *live, "the file gives the state that the window had");
    assert_eq!(again.verify_log().unwrap(), events.len() as u64);
    // A recorded log, written as lines and read back, replays to the same state.
    let lines: Vec<String> = events.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    let read: Vec<yard_types::event::EventRecord> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ProjectState::from_events(&read), *live);
}

#[test]
fn the_tables_for_other_tools_hold_what_the_fold_holds() {
    let place = Place::new();
    let engine = penguins(&place);
    must(&engine, training(Family::Linear, &[]));
    let (failed, _) = run(&engine, training(Family::Boosting, &[("trees", "minus one")]));
    assert!(failed.is_err());
    let state = engine.state();
    drop(engine);
    let raw = rusqlite::Connection::open(place.path("penguins.modelyard")).unwrap();
    let list = |sql: &str| -> Vec<(i64, String)> {
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let models: Vec<(i64, String)> =
        state.models.values().map(|model| (model.id.0 as i64, model.model_sha256.to_hex())).collect();
    assert_eq!(list("SELECT id, model_sha256 FROM model ORDER BY id"), models);
    let runs: Vec<(i64, String)> = state
        .runs
        .values()
        .map(|run| {
            let word = serde_json::to_value(&run.state).unwrap()["state"].as_str().unwrap().to_owned();
            (run.id.0 as i64, word)
        })
        .collect();
    assert_eq!(list("SELECT id, state FROM run ORDER BY id"), runs);
    // Beside the log and the objects there is no table: nothing else could go stale.
    let tables = list("SELECT 0, name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    let names: Vec<&str> = tables.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["event", "object"]);
}

#[test]
fn the_chain_names_the_first_forged_event() {
    let place = Place::new();
    let engine = penguins(&place);
    must(&engine, training(Family::Linear, &[]));
    let events = engine.events();
    assert_eq!(events[0].prev_hash, Sha256([0; 32]));
    assert!(events.windows(2).all(|pair| pair[1].prev_hash == pair[0].hash));
    drop(engine);
    let path = place.path("penguins.modelyard");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("DROP TRIGGER event_never_updated").unwrap();
    raw.execute("UPDATE event SET body_json = replace(body_json, 'species', 'island') WHERE seq = 3", [])
        .unwrap();
    drop(raw);
    let forged = Engine::open(&path, options(&place)).unwrap();
    let error = forged.verify_log().unwrap_err().to_string();
    assert!(error.contains("event 3"), "{error}");
    assert!(forged.read_only().is_some(), "a forged project is not written to");
}

#[test]
fn a_second_opener_reads_and_may_not_write() {
    let place = Place::new();
    let first = penguins(&place);
    let second = Engine::open(&place.path("penguins.modelyard"), options(&place)).unwrap();
    assert!(first.read_only().is_none());
    assert!(second.read_only().is_some());
    let refused = second.submit(training(Family::Linear, &[])).unwrap_err();
    assert!(matches!(refused, EngineError::Project(_)), "{refused}");
    assert!(refused.to_string().contains("read-only"), "{refused}");

    must(&first, training(Family::Linear, &[]));
    second.reload().unwrap();
    assert_eq!(*second.state(), *first.state());
    let told = second.notices(usize::MAX);
    assert!(told.iter().any(|notice| matches!(notice, Notice::Committed { .. })), "followers are told");
    drop(first);
    drop(second);
    let third = Engine::open(&place.path("penguins.modelyard"), options(&place)).unwrap();
    assert!(third.read_only().is_none());
}

/// A process that dies while it trains leaves an open run; the next opening states its end.
#[test]
fn a_run_left_open_is_closed_as_stopped_and_can_be_resumed() {
    let place = Place::new();
    let engine = penguins(&place);
    let spec = yard_types::run::RunSpec::new(Family::Linear);
    let (path, dataset) = (engine.path(), engine.state().dataset().unwrap().id);
    drop(engine);
    let author = yard_engine::project::Author { actor: "tester".to_owned(), clock: options(&place).clock };
    let mut project = yard_engine::Project::open(&path, author).unwrap();
    let started = yard_types::event::Event::RunStarted {
        run: yard_types::ids::RunId(1),
        spec: Box::new(spec),
        dataset,
    };
    project.append(yard_types::ids::CommandId(9), started).unwrap();
    drop(project);
    let engine = Engine::open(&path, options(&place)).unwrap();
    let state = engine.state();
    let run = state.runs.values().next().unwrap();
    assert_eq!(run.state, RunState::Cancelled);
    assert!(run.stopped.as_ref().is_some_and(|stopped| stopped.interrupted), "{run:?}");
    let expected = ["run_stopped", "run_cancelled"];
    assert!(kinds(&engine).ends_with(&expected.map(str::to_owned)), "{:?}", kinds(&engine));
    let run = run.id;
    must(&engine, yard_types::command::Command::ResumeTraining { run });
    assert!(matches!(engine.state().runs[&run].state, RunState::Finished { .. }));
}
