//! Stop and resume, and workers that die.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{
    Engine,
    engine_tests::{Bench, notices_of, run},
};
use std::time::Duration;
use yard_types::{
    command::Command,
    event::Notice,
    ids::{ModelId, RunId},
    project::RunState,
    run::{Family, RunSpec},
};

fn net(params: &[(&str, &str)]) -> RunSpec {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RunSpec { params, device: "cpu".into(), ..RunSpec::new(Family::Mlp) }
}

fn start(engine: &Engine, spec: &RunSpec) -> Command {
    assert!(engine.pending() == 0);
    Command::StartTraining { spec: Box::new(spec.clone()) }
}

#[test]
fn a_stopped_net_goes_on_from_its_checkpoint_to_the_same_hash() {
    let bench = Bench::new();
    let engine = bench.imported();
    let spec = net(&[("layers", "16,8"), ("epochs", "400"), ("patience", "0"), ("dropout", "0.1")]);
    let whole = run(&engine, start(&engine, &spec)).unwrap();
    let job = engine.submit(start(&engine, &spec)).unwrap().job.unwrap();
    let mut seen = 0;
    while seen < 5 {
        let fresh = engine.wait_notices(Duration::from_millis(20));
        seen += fresh.iter().filter(|notice| matches!(notice, Notice::TrainingPoint { .. })).count();
    }
    engine.submit(Command::CancelJob { job }).unwrap();
    let all = notices_of(&engine, job);
    assert!(matches!(all.last(), Some(Notice::JobCancelled { .. })), "{:?}", all.last());
    let told = all.iter().any(|notice| {
        matches!(notice, Notice::Warning { message } if message.contains("--resume 2") && message.contains("of 400 epochs"))
    });
    assert!(told, "{all:?}");
    let record = engine.state().runs[&RunId(2)].clone();
    assert!(record.resumable());
    let left = record.stopped.unwrap();
    assert!(!left.interrupted && left.checkpoint.unwrap().done >= 4);
    // Another window opens the project.
    drop(engine);
    let engine = Engine::open(&bench.path(), bench.options()).unwrap();
    let done = run(&engine, Command::ResumeTraining { run: RunId(2) }).unwrap();
    assert_eq!(done["model_sha256"], whole["model_sha256"]);
    assert_eq!(done["run"], 2);
    assert!(done["resumed"]["done"].as_u64().unwrap() >= 4, "{done}");
    assert_eq!(engine.state().runs[&RunId(2)].state, RunState::Finished { model: ModelId(2) });
    let left = std::fs::read_dir(bench.folder.path()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("checkpoints")), "{left:?}");
}

#[test]
fn only_stopped_runs_can_be_resumed() {
    let bench = Bench::new();
    let engine = bench.imported();
    run(&engine, Command::StartTraining { spec: Box::new(RunSpec::new(Family::Linear)) }).unwrap();
    for (number, word) in [(1, "ended with model 1"), (7, "unknown")] {
        let error = engine.submit(Command::ResumeTraining { run: RunId(number) }).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_worker_that_dies_is_a_failed_run_with_advice() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    drop(bench.imported());
    let worker = bench.folder.path().join("yard-trainer");
    let answers = "[ \"$1\" = --probe ] && echo '{\"devices\":[\"cuda:0\",\"cpu\"],\"reason\":\"\"}' && exit";
    let script =
        format!("#!/bin/sh\n{answers}\nread line\necho 'CUDA_ERROR_OUT_OF_MEMORY' >&2\nkill -9 $$\n");
    std::fs::write(&worker, script).unwrap();
    std::fs::set_permissions(&worker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut options = bench.options();
    options.worker = Some(worker);
    let devices = crate::devices(&options);
    assert_eq!(devices["devices"][1]["device"], "cuda:0", "{devices}");
    assert_eq!(devices["devices"][1]["usable"], true, "{devices}");
    let engine = Engine::open(&bench.path(), options).unwrap();
    let spec = RunSpec { device: "cuda:0".into(), ..net(&[("epochs", "5")]) };
    let error = run(&engine, start(&engine, &spec)).unwrap_err().to_string();
    assert!(error.contains("out of memory") && error.contains("lower batch"), "{error}");
    let failed = engine.state().runs[&RunId(1)].state.clone();
    assert!(matches!(&failed, RunState::Failed { message } if message.contains("lower batch")), "{failed:?}");
    // The engine goes on; with `auto` the CPU takes over and says why.
    let spec = RunSpec { device: "auto".into(), ..net(&[("epochs", "5")]) };
    let done = run(&engine, start(&engine, &spec)).unwrap();
    let device = done["device"].as_str().unwrap();
    assert!(device.starts_with("cpu (no GPU used") && device.contains("out of memory"), "{device}");
}
