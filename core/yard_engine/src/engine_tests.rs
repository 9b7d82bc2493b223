//! Commands in, notices and events out, on a small real sample; no server, no window.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    clock::StepClock,
    engine::{Engine, EngineOptions},
    error::{EngineError, ProjectError},
    home::Home,
    sample,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use yard_types::{
    command::{Command, ModelChoice},
    event::{Event, Notice},
    ids::{DatasetId, JobId, ModelId},
    project::{ProjectState, RunState},
    run::{Family, RunSpec},
    schema::{FieldType, Role},
};

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    data: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = sample::find("penguins").unwrap().write_data(folder.path()).unwrap();
        Self { folder, data }
    }

    pub(crate) fn options(&self) -> EngineOptions {
        EngineOptions {
            clock: Arc::new(StepClock::new(1_700_000_000_000_000, 1_000)),
            threads: 2,
            notify: Arc::new(|| {}),
            actor: "tester".into(),
            home: Home::at(self.folder.path().join("home")),
            program: PathBuf::from("no-such-program"),
            worker: None,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("p.modelyard")
    }

    pub(crate) fn imported(&self) -> Engine {
        let engine = Engine::create(&self.path(), self.options()).unwrap();
        let options = Box::new(sample::find("penguins").unwrap().project(&self.data));
        run(&engine, Command::ImportDataset { options }).unwrap();
        engine
    }

    fn trained(&self) -> Engine {
        let engine = self.imported();
        run(&engine, train(Family::Linear)).unwrap();
        engine
    }
}

fn train(family: Family) -> Command {
    Command::StartTraining { spec: Box::new(RunSpec::new(family)) }
}

pub(crate) fn run(engine: &Engine, command: Command) -> Result<serde_json::Value, EngineError> {
    engine.run_to_end(command, &mut |_| {}).map(|done| done.result)
}

pub(crate) fn notices_of(engine: &Engine, job: JobId) -> Vec<Notice> {
    let mut all = Vec::new();
    for _ in 0..6_000 {
        all.extend(engine.wait_notices(Duration::from_millis(20)));
        let ended = all.iter().any(|notice| match notice {
            Notice::JobFinished { job: own, .. }
            | Notice::JobFailed { job: own, .. }
            | Notice::JobCancelled { job: own } => *own == job,
            _ => false,
        });
        if ended {
            return all;
        }
    }
    panic!("job {job} did not end")
}

#[test]
fn training_announces_commits_and_ends_in_order_with_the_result_that_the_command_line_prints() {
    let bench = Bench::new();
    let engine = bench.imported();
    let _ = engine.notices(usize::MAX);
    let job = engine.submit(train(Family::Boosting)).unwrap().job.unwrap();
    let all = notices_of(&engine, job);
    let position = |test: &dyn Fn(&Notice) -> bool| all.iter().position(test).expect("announced");
    let queued = position(&|notice| matches!(notice, Notice::JobQueued { .. }));
    let started = position(&|notice| matches!(notice, Notice::JobStarted { .. }));
    let run_started = position(&|notice| is_event(notice, |event| matches!(event, Event::RunStarted { .. })));
    let run_finished =
        position(&|notice| is_event(notice, |event| matches!(event, Event::RunFinished { .. })));
    let finished = position(&|notice| matches!(notice, Notice::JobFinished { .. }));
    assert!(
        queued < started && started < run_started && run_started < run_finished && run_finished < finished
    );
    assert_eq!(finished, all.len() - 1, "nothing of a job comes after its end");
    let Notice::JobFinished { result, .. } = &all[finished] else { panic!("finished") };
    for key in ["run", "model", "family", "seconds", "metrics", "model_sha256"] {
        assert!(!result[key].is_null(), "{key} in {result}");
    }
    assert!(result["metrics"]["test"]["log_loss"]["value"].as_f64().unwrap() < 0.3, "{result}");
    let state = engine.state();
    assert_eq!(state.evaluations.len(), 2, "validation and test");
    assert_eq!(*state, ProjectState::from_events(&engine.events()), "state is the fold of the events");
}

fn is_event(notice: &Notice, test: impl Fn(&Event) -> bool) -> bool {
    matches!(notice, Notice::Committed { record } if test(&record.body))
}

#[test]
fn a_model_trained_again_is_the_same_for_any_number_of_threads() {
    let bench = Bench::new();
    let engine = bench.trained();
    run(&engine, train(Family::Boosting)).unwrap();
    drop(engine);
    for threads in [1, 3] {
        let engine = Engine::open(&bench.path(), EngineOptions { threads, ..bench.options() }).unwrap();
        for model in [1, 2] {
            let model = ModelChoice::Id(ModelId(model));
            let result = run(&engine, Command::Reproduce { model }).unwrap();
            assert_eq!(result["equal"], true, "{result}");
        }
    }
}

#[test]
fn a_cancelled_run_leaves_no_model() {
    let bench = Bench::new();
    let engine = bench.imported();
    let mut spec = RunSpec::new(Family::Boosting);
    spec.params.insert("trees".into(), "100000".into());
    spec.params.insert("learning_rate".into(), "0.001".into());
    spec.params.insert("early_stopping".into(), "0".into());
    let job = engine.submit(Command::StartTraining { spec: Box::new(spec) }).unwrap().job.unwrap();
    while engine.state().runs.is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    engine.submit(Command::CancelJob { job }).unwrap();
    let all = notices_of(&engine, job);
    assert!(matches!(all.last(), Some(Notice::JobCancelled { .. })), "{:?}", all.last());
    let state = engine.state();
    assert!(state.models.is_empty());
    assert_eq!(state.runs.values().next().map(|run| &run.state), Some(&RunState::Cancelled));
}

#[test]
fn a_failed_run_says_why_and_the_engine_stays() {
    let bench = Bench::new();
    let engine = bench.imported();
    let mut spec = RunSpec::new(Family::Linear);
    spec.params.insert("treees".into(), "3".into());
    let error = run(&engine, Command::StartTraining { spec: Box::new(spec) }).unwrap_err().to_string();
    assert!(error.contains("treees"), "{error}");
    let state = engine.state();
    assert!(matches!(state.runs.values().next().map(|run| &run.state), Some(RunState::Failed { .. })));
    run(&engine, train(Family::Linear)).unwrap();
    assert_eq!(engine.state().models.len(), 1);
}

#[test]
fn commands_that_make_no_sense_are_refused_at_once() {
    let bench = Bench::new();
    let engine = Engine::create(&bench.path(), bench.options()).unwrap();
    let check = |command: Command, words: &str| {
        let text = engine.submit(command).unwrap_err().to_string();
        assert!(text.contains(words), "{text} should say {words}");
    };
    check(train(Family::Linear), "no data");
    check(Command::Promote, "nothing is deployed");
    check(Command::PackageModel { model: ModelChoice::Best, out: None }, "no model yet");
    check(Command::CancelJob { job: JobId(9) }, "not running");
    check(Command::FetchRows { dataset: DatasetId(1), start: 0, count: 5 }, "dataset 1 is unknown");
    let mut options = Box::new(sample::find("penguins").unwrap().project(Path::new("/no/such/file.csv")));
    check(Command::ImportDataset { options: options.clone() }, "no such file");
    options.data = bench.data.to_string_lossy().into_owned();
    run(&engine, Command::ImportDataset { options }).unwrap();
    let role = Command::SetRole { dataset: DatasetId(1), column: "nothing".into(), role: Role::Dropped };
    check(role, "column \"nothing\" is unknown");
    let mut spec = Box::new(RunSpec::new(Family::Linear));
    spec.folds = 1;
    check(Command::StartTraining { spec }, "folds is 1");
}

#[test]
fn a_second_engine_reads_but_does_not_write() {
    let bench = Bench::new();
    let _first = bench.trained();
    let second = Engine::open(&bench.path(), bench.options()).unwrap();
    assert!(second.read_only().is_some());
    assert_eq!(second.state().models.len(), 1);
    let refused = second.submit(train(Family::Linear)).unwrap_err();
    assert!(matches!(refused, EngineError::Project(ProjectError::ReadOnly { .. })), "{refused}");
    let rows =
        second.run_to_end(Command::FetchRows { dataset: DatasetId(1), start: 0, count: 3 }, &mut |_| {});
    assert!(rows.is_ok());
}

#[test]
fn a_source_that_changed_is_stated_never_reread() {
    let bench = Bench::new();
    drop(bench.imported());
    let text = std::fs::read_to_string(&bench.data).unwrap();
    std::fs::write(&bench.data, format!("{text}Adelie,Dream,40,18,190,3500,male,2009\n")).unwrap();
    let engine = Engine::open(&bench.path(), bench.options()).unwrap();
    let error = run(&engine, train(Family::Linear)).unwrap_err().to_string();
    assert!(error.contains("changed since its import"), "{error}");
    std::fs::remove_file(&bench.data).unwrap();
    let error = run(&engine, train(Family::Linear)).unwrap_err().to_string();
    assert!(error.contains("the data file is gone"), "{error}");
}

#[test]
fn rows_roles_and_types() {
    let bench = Bench::new();
    let engine = bench.imported();
    let _ = engine.notices(usize::MAX);
    let job = engine
        .submit(Command::FetchRows { dataset: DatasetId(1), start: 342, count: 10 })
        .unwrap()
        .job
        .unwrap();
    let all = notices_of(&engine, job);
    let page = all.iter().find_map(|notice| match notice {
        Notice::Rows { page } => Some(page.clone()),
        _ => None,
    });
    let page = page.unwrap();
    assert_eq!((page.total, page.rows.len(), page.rows[0].len()), (344, 2, 8));
    let set = |role| Command::SetRole { dataset: DatasetId(1), column: "island".into(), role };
    run(&engine, set(Role::Group)).unwrap();
    let state = engine.state();
    assert_eq!(
        state.splits[&DatasetId(1)].spec.group.as_deref(),
        Some("island"),
        "the split follows the role"
    );
    run(&engine, set(Role::Dropped)).unwrap();
    assert_eq!(engine.state().splits[&DatasetId(1)].spec.group, None);
    let target = Command::SetRole { dataset: DatasetId(1), column: "species".into(), role: Role::Dropped };
    assert!(run(&engine, target).is_err(), "the target is set in the frame");
    let as_category =
        Command::SetType { dataset: DatasetId(1), column: "year".into(), field_type: FieldType::Category };
    run(&engine, as_category).unwrap();
    let state = engine.state();
    let year =
        state.datasets[&DatasetId(1)].profile.columns.iter().find(|own| own.name == "year").unwrap().clone();
    assert_eq!((year.field_type, year.distinct), (FieldType::Category, 3));
}

#[test]
fn another_target_frames_the_data_anew() {
    let bench = Bench::new();
    let engine = bench.imported();
    let mut frame = engine.state().frame.clone().unwrap();
    frame.target = "body_mass_g".into();
    frame.task = yard_types::frame::Task::Regression;
    frame.classes.clear();
    run(&engine, Command::SetFrame { frame: Box::new(frame) }).unwrap();
    let state = engine.state();
    let frame = state.frame.as_ref().unwrap();
    assert_eq!(frame.metric, "rmse", "the metric is the user's until it makes no sense");
    let mut wrong = frame.clone();
    wrong.metric = "log_loss".into();
    let refused = run(&engine, Command::SetFrame { frame: Box::new(wrong) }).unwrap_err().to_string();
    assert!(refused.contains("expected one of rmse"), "{refused}");
    let roles = &state.dataset().unwrap().schema;
    assert_eq!(roles.field("body_mass_g").map(|field| field.role), Some(Role::Target));
    assert_eq!(roles.field("species").map(|field| field.role), Some(Role::Feature));
}

#[test]
fn one_row_is_scored_with_reasons_that_sum_to_the_margin() {
    let bench = Bench::new();
    let engine = bench.trained();
    let row = serde_json::json!({"island": "Dream", "bill_length_mm": 46.0, "bill_depth_mm": null, "sex": "female"});
    let row = row.as_object().unwrap().clone();
    let command = Command::TryRow { model: ModelChoice::Best, row, live: false };
    let result = run(&engine, command).unwrap();
    assert_eq!(result["error"], serde_json::Value::Null, "{result}");
    let reasons = result["reasons"].as_array().unwrap();
    let sum: f64 = reasons.iter().filter_map(|pair| pair[1].as_f64()).sum();
    let margin = result["margin"].as_f64().unwrap();
    assert!((result["base"].as_f64().unwrap() + sum - margin).abs() < 1e-4, "{result}");
    let wrong = serde_json::json!({"island": 7, "bill_length_mm": "long"}).as_object().unwrap().clone();
    let result = run(&engine, Command::TryRow { model: ModelChoice::Best, row: wrong, live: false }).unwrap();
    assert!(result["error"].as_str().unwrap().contains("bill_length_mm"), "{result}");
}

#[test]
fn a_package_holds_and_a_threshold_set_by_hand_travels_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let bench =
        Bench { data: sample::find("telco-churn").unwrap().write_data(folder.path()).unwrap(), folder };
    let engine = Engine::create(&bench.path(), bench.options()).unwrap();
    let options = Box::new(sample::find("telco-churn").unwrap().project(&bench.data));
    run(&engine, Command::ImportDataset { options }).unwrap();
    run(&engine, train(Family::Linear)).unwrap();
    engine.submit(Command::SetThreshold { model: ModelId(1), threshold: Some(0.4) }).unwrap();
    let result = run(&engine, Command::PackageModel { model: ModelChoice::Best, out: None }).unwrap();
    let bytes = std::fs::read(result["package"].as_str().unwrap()).unwrap();
    let report = yard_package::verify(&bytes);
    assert!(report.ok, "{:?}", report.claims);
    assert_eq!(report.signed_by.as_deref(), result["signed_by"].as_str());
    let package = yard_package::Package::read(bytes).unwrap();
    assert!((package.content.threshold().unwrap() - 0.4).abs() < 1e-12);
    let gates = run(&engine, Command::CheckGates { model: ModelChoice::Best }).unwrap();
    assert_eq!(gates["ok"], true, "{gates}");
    let retrained =
        run(&engine, Command::Retrain { data: None, deploy: false, reason: "test".into() }).unwrap();
    assert_eq!(retrained["model_sha256"], serde_json::json!(engine.state().models[&ModelId(1)].model_sha256));
}

#[test]
fn a_run_that_a_killed_process_left_open_is_closed_at_opening() {
    let bench = Bench::new();
    let engine = bench.imported();
    let started = Event::RunStarted {
        run: yard_types::ids::RunId(1),
        spec: Box::new(RunSpec::new(Family::Linear)),
        dataset: DatasetId(1),
    };
    engine.core().commit(yard_types::ids::CommandId(7), &[], vec![started]).unwrap();
    drop(engine);
    let engine = Engine::open(&bench.path(), bench.options()).unwrap();
    let state = engine.state();
    let run = state.runs.values().next().unwrap();
    assert_eq!(run.state, RunState::Cancelled);
    assert!(
        run.stopped.as_ref().is_some_and(|left| left.interrupted && left.checkpoint.is_none()),
        "{run:?}"
    );
}
