//! The worker as a process: probe, a job, cancel, a crash.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use yard_score::model::Link;
use yard_train::{
    TrainError,
    mlp::{NetJob, NetObserver, NetParams, NetRows, Precision, Schedule, train_net},
    worker,
};
use yard_types::{event::Progress, rng::Rng, run::TrainPoint};

const TRAINER: &str = env!("CARGO_BIN_EXE_yard-trainer");

#[derive(Default)]
struct Log {
    points: Mutex<Vec<TrainPoint>>,
    progress: Mutex<Vec<Progress>>,
    stop_after_first_point: bool,
    stop: AtomicBool,
}

impl NetObserver for Log {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }

    fn point(&self, point: TrainPoint) {
        self.points.lock().unwrap().push(point);
        self.stop.fetch_or(self.stop_after_first_point, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn rows(seed: u64, count: usize, weighted: bool) -> NetRows {
    let mut rng = Rng::new(seed, 1);
    let x: Vec<f32> = (0..count * 3).map(|_| (2.0 * rng.uniform() - 1.0) as f32).collect();
    let y = x.chunks(3).map(|x| f32::from(u8::from(x[0] * x[1] > 0.0))).collect();
    NetRows { x, y, weights: weighted.then(|| vec![1.0; count]) }
}

fn job(epochs: u32) -> NetJob {
    NetJob {
        features: 3,
        outputs: 1,
        link: Link::Logistic,
        params: NetParams {
            layers: vec![16],
            epochs,
            learning_rate: 0.01,
            l2: 0.001,
            batch: 32,
            patience: 0,
            dropout: 0.1,
            schedule: Schedule::Constant,
            clip: 1.0,
            bins: 0,
            embedding: 0,
            ema: 0.9,
            accumulate: 2,
            precision: Precision::F32,
            checkpoint: 0,
        },
        seed: 4,
        threads: 2,
        device: "cpu".to_owned(),
        watch: None,
        target: (0.0, 1.0),
        knots: Vec::new(),
        groups: Vec::new(),
        stop_after: None,
        checkpoints: None,
    }
}

#[test]
fn probe_names_the_cpu() {
    let probe = worker::probe(Path::new(TRAINER)).unwrap();
    assert_eq!(probe.devices.last().map(String::as_str), Some("cpu"));
    assert_eq!(probe.reason.is_empty(), probe.devices.len() > 1);
}

#[test]
fn a_job_gives_the_net_that_this_process_gives() {
    let (train, validation) = (rows(1, 400, true), rows(2, 100, false));
    let (here, there) = (Log::default(), Log::default());
    let own = train_net(&job(12), &train, &validation, &here).unwrap();
    let folder = std::env::temp_dir();
    let from_worker =
        worker::run(Path::new(TRAINER), &job(12), (&train, &validation), &there, Some(&folder)).unwrap();
    assert_eq!(own, from_worker);
    assert_eq!(from_worker.curve.len(), 12);
    assert_eq!(*there.points.lock().unwrap(), from_worker.curve);
    assert_eq!(*here.progress.lock().unwrap(), *there.progress.lock().unwrap());
    let losses: Vec<f64> = own.curve.iter().map(|point| point.train_loss).collect();
    assert!(losses[11] < losses[0] - 0.05, "{losses:?}");
}

#[test]
fn a_job_is_stopped_on_request() {
    let (train, validation) = (rows(1, 2_000, false), rows(2, 100, false));
    let log = Log { stop_after_first_point: true, ..Log::default() };
    let ended = worker::run(Path::new(TRAINER), &job(100_000), (&train, &validation), &log, None);
    assert!(matches!(ended, Err(TrainError::Cancelled)), "{ended:?}");
    assert!(log.points.lock().unwrap().len() < 1_000);
}

#[test]
fn a_job_that_can_not_be_done_is_named() {
    let (train, validation) = (rows(1, 50, false), rows(2, 10, false));
    let run = |job: &NetJob| {
        worker::run(Path::new(TRAINER), job, (&train, &validation), &Log::default(), None)
            .unwrap_err()
            .to_string()
    };
    let text = run(&NetJob { device: "tpu".to_owned(), ..job(1) });
    assert!(text.contains("\"tpu\"") && text.contains("expected auto"), "{text}");
    let text = run(&NetJob { outputs: 3, link: Link::Identity, features: 2, ..job(1) });
    assert!(text.contains("exchange file"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_worker_that_dies_is_explained() {
    let (train, validation) = (rows(1, 50, false), rows(2, 10, false));
    let with_script = |script: &str| {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let run = worker::run(&path, &job(1), (&train, &validation), &Log::default(), None);
        (run.unwrap_err().to_string(), worker::probe(&path).unwrap_err().to_string())
    };
    let (run, probe) = with_script("read line; kill -9 $$");
    assert!(run.contains("out of memory") && run.contains("lower batch"), "{run}");
    assert!(probe.contains("ended early"), "{probe}");
    let (run, _) = with_script("read line; echo 'DriverError(CUDA_ERROR_OUT_OF_MEMORY)' >&2; exit 1");
    assert!(run.contains("CUDA_ERROR_OUT_OF_MEMORY") && run.contains("lower batch"), "{run}");
    let (run, probe) = with_script("echo 'libcudart.so.13: cannot open shared object file' >&2; exit 127");
    assert!(run.contains("libcudart") && probe.contains("libcudart"), "{run} {probe}");
    let missing = worker::probe(Path::new("/nonexistent/yard-trainer")).unwrap_err().to_string();
    assert!(missing.contains("can't be started"), "{missing}");
}

#[test]
fn wrong_arguments_give_status_two() {
    let output = std::process::Command::new(TRAINER).arg("--what").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--probe"));
    let output = std::process::Command::new(TRAINER).arg("--probe").output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}
