//! Nets on the CPU: against candle, for any width of registers and any number of threads, and after stops.
#![allow(clippy::unwrap_used)]

use super::{
    candle_net::CandleNet,
    checkpoint::kept_progress,
    cpu::CpuNet,
    input::{Group, Knots},
    job::{NetJob, NetObserver, NetParams, NetResult, NetRows, Precision},
    schedule::Schedule,
    train::{check, train_net, train_with},
    vector::Level,
};
use crate::TrainError;
use candle_core::Device;
use std::cell::Cell;
use yard_score::model::Link;
use yard_types::{event::Progress, rng::Rng, run::TrainPoint};

/// Stops before a step; counts points.
#[derive(Default)]
struct Stop {
    asked: Cell<u32>,
    at: Option<u32>,
    points: Cell<u32>,
}

impl NetObserver for Stop {
    fn progress(&self, progress: Progress) {
        assert!(progress.total.is_some_and(|total| progress.done <= total), "{progress:?}");
    }

    fn point(&self, _: TrainPoint) {
        self.points.set(self.points.get() + 1);
    }

    fn cancelled(&self) -> bool {
        self.asked.set(self.asked.get() + 1);
        self.at.is_some_and(|at| self.asked.get() > at)
    }
}

const FEATURES: usize = 7;

/// Two numbers, four one-hot features, one more number; some rows weigh double.
fn rows(seed: u64, count: usize, link: Link, weighted: bool) -> NetRows {
    let mut rng = Rng::new(seed, 3);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (a, b, c) = (rng.uniform() * 2.0 - 1.0, rng.uniform() * 2.0 - 1.0, rng.uniform());
        let category = rng.below(5) as usize;
        let one = |at: usize| f32::from(u8::from(category == at));
        x.extend([a as f32, b as f32, one(0), one(1), one(2), one(3), c as f32]);
        let value = a * b + 0.3 * category as f64 - c + 0.1 * rng.uniform();
        y.push(match link {
            Link::Identity => value as f32,
            Link::Softmax => value.clamp(0.0, 2.0).floor() as f32,
            _ => f32::from(u8::from(value > 0.2)),
        });
    }
    let weights = weighted.then(|| (0..count).map(|at| if at % 3 == 0 { 1.5 } else { 0.75 }).collect());
    NetRows { x, y, weights }
}

fn job(link: Link) -> NetJob {
    NetJob {
        features: FEATURES,
        outputs: if link == Link::Softmax { 3 } else { 1 },
        link,
        params: NetParams {
            layers: vec![40, 24],
            epochs: 3,
            learning_rate: 0.003,
            l2: 0.01,
            batch: 100,
            patience: 0,
            dropout: 0.0,
            schedule: Schedule::Constant,
            clip: 0.0,
            bins: 0,
            embedding: 0,
            ema: 0.0,
            accumulate: 1,
            precision: Precision::F32,
            checkpoint: 0,
        },
        seed: 11,
        threads: 1,
        device: "cpu".to_owned(),
        watch: None,
        target: (0.0, 1.0),
        knots: Vec::new(),
        groups: Vec::new(),
        stop_after: None,
        checkpoints: None,
    }
}

/// Everything at once: bins, an embedding, dropout, clipping, an average, accumulation, a schedule.
fn rich(link: Link) -> NetJob {
    let mut job = job(link);
    job.knots = vec![
        Knots { feature: 0, limits: vec![-1.0, -0.3, 0.2, 1.0] },
        Knots { feature: 6, limits: vec![0.0, 0.5, 1.0] },
    ];
    job.groups = vec![Group { first: 2, len: 4, width: 3 }];
    job.params.dropout = 0.2;
    job.params.clip = 0.3;
    job.params.ema = 0.9;
    job.params.accumulate = 2;
    job.params.schedule = Schedule::Cosine;
    job
}

fn by_level(job: &NetJob, rows: (&NetRows, &NetRows), level: Level) -> NetResult {
    train_with(job, rows, &Stop::default(), &mut CpuNet::new(job, rows, level)).unwrap()
}

#[test]
fn the_cpu_net_and_candle_agree() {
    for link in [Link::Logistic, Link::Softmax, Link::Identity] {
        let (train, validation) = (rows(1, 730, link, true), rows(2, 210, link, false));
        let pair = (&train, &validation);
        let wide = NetJob { outputs: 20, ..job(Link::Softmax) };
        let none = NetParams { layers: Vec::new(), ..job(link).params };
        for job in [job(link), rich(link), NetJob { params: none, ..rich(link) }, wide] {
            if job.link != link {
                continue;
            }
            let own = by_level(&job, pair, Level::of_processor());
            let mut learner = CandleNet::new(&job, pair, &Device::Cpu).unwrap();
            let candle = train_with(&job, pair, &Stop::default(), &mut learner).unwrap();
            assert_eq!(own.steps, candle.steps);
            for (own, candle) in own.curve.iter().zip(&candle.curve) {
                assert!((own.train_loss - candle.train_loss).abs() < 1e-4, "{own:?} {candle:?}");
                let losses = own.validation_loss.zip(candle.validation_loss).unwrap();
                assert!((losses.0 - losses.1).abs() < 1e-4, "{own:?} {candle:?}");
            }
            for (own, candle) in own.net.layers.iter().zip(&candle.net.layers) {
                for (a, b) in
                    own.weights.iter().chain(&own.bias).zip(candle.weights.iter().chain(&candle.bias))
                {
                    assert!((a - b).abs() < 1e-4, "{a} {b}");
                }
            }
            assert!(own.curve[2].train_loss < own.curve[0].train_loss);
        }
    }
}

#[test]
fn registers_and_threads_do_not_change_a_bit() {
    let (train, validation) = (rows(1, 2_100, Link::Logistic, true), rows(2, 900, Link::Logistic, false));
    let pair = (&train, &validation);
    for mut job in [job(Link::Logistic), rich(Link::Logistic)] {
        // Enough work for several threads.
        job.params.batch = 1_000;
        job.params.layers = vec![70, 40];
        let expected = by_level(&job, pair, Level::Plain);
        for level in Level::all() {
            for threads in [1, 2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert_eq!(pool.install(|| by_level(&job, pair, level)), expected, "{level:?}, {threads}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit_of_a_large_net() {
    let (train, validation) = (rows(1, 1_100, Link::Logistic, true), rows(2, 300, Link::Logistic, false));
    let mut job = rich(Link::Logistic);
    (job.params.layers, job.params.epochs, job.params.batch) = (vec![720, 720], 1, 300);
    let net = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| by_level(&job, (&train, &validation), Level::of_processor()))
    };
    let expected = net(1);
    assert!([2, 3, 8].into_iter().all(|threads| net(threads) == expected));
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let (train, validation) = (rows(1, 640, Link::Logistic, false), rows(2, 64, Link::Logistic, false));
    let large = NetParams { batch: 128, ..job(Link::Logistic).params };
    let small = NetParams { batch: 32, accumulate: 4, ..large.clone() };
    let net = |params| {
        by_level(&NetJob { params, ..job(Link::Logistic) }, (&train, &validation), Level::of_processor())
    };
    assert_eq!(net(large), net(small));
}

#[test]
fn an_average_follows_the_weights() {
    let (train, validation) = (rows(1, 640, Link::Logistic, false), rows(2, 64, Link::Logistic, false));
    let net = |ema| {
        let params = NetParams { ema, ..job(Link::Logistic).params };
        by_level(&NetJob { params, ..job(Link::Logistic) }, (&train, &validation), Level::of_processor())
    };
    let (plain, averaged) = (net(0.0), net(0.99));
    // The steps are the same; what is kept is not.
    let losses = |net: &NetResult| net.curve.iter().map(|point| point.train_loss).collect::<Vec<_>>();
    assert_eq!(losses(&plain), losses(&averaged));
    assert_ne!(plain.net, averaged.net);
}

#[test]
fn a_training_stopped_at_any_step_ends_with_the_same_bits() {
    let (train, validation) = (rows(1, 730, Link::Logistic, true), rows(2, 210, Link::Logistic, false));
    for base in [job(Link::Logistic), rich(Link::Logistic)] {
        let expected = train_net(&base, &train, &validation, &Stop::default()).unwrap();
        let steps = expected.curve.len() as u32 * 730_u32.div_ceil(base.params.step_rows() as u32);
        let folder = tempfile::tempdir().unwrap();
        let job = NetJob { checkpoints: Some(folder.path().to_owned()), threads: 2, ..base.clone() };
        // One after the other: before the first step, within an epoch, at its end, before the last step.
        let mut done = 0;
        for at in [0, 1, 3, steps / 2, steps - 1] {
            let stop = Stop { at: Some(at - done), ..Stop::default() };
            let stopped = train_net(&job, &train, &validation, &stop);
            assert!(matches!(stopped, Err(TrainError::Cancelled)), "{at}: {stopped:?}");
            done = at;
        }
        let kept = kept_progress(folder.path()).unwrap();
        assert_eq!((kept.done, kept.total), (2, Some(3)), "{kept:?}");
        let last = Stop::default();
        assert_eq!(train_net(&job, &train, &validation, &last).unwrap(), expected);
        assert_eq!(last.asked.get(), steps - done, "only what was left");
        assert_eq!(last.points.get(), 3, "the whole curve is told");
        let again = Stop::default();
        assert_eq!(train_net(&job, &train, &validation, &again).unwrap(), expected);
        assert_eq!(again.asked.get(), 0, "nothing was left");
        // Another job takes none of it.
        let other = NetJob { seed: 12, ..job };
        let fresh = Stop::default();
        train_net(&other, &train, &validation, &fresh).unwrap();
        assert_eq!(fresh.asked.get(), steps);
    }
}

#[test]
fn early_stopping_survives_a_stop() {
    let (train, validation) = (rows(1, 300, Link::Logistic, false), rows(2, 80, Link::Logistic, false));
    let mut base = job(Link::Logistic);
    (base.params.epochs, base.params.patience, base.params.learning_rate) = (400, 3, 0.05);
    let expected = train_net(&base, &train, &validation, &Stop::default()).unwrap();
    let epochs = expected.curve.len() as u32;
    assert!(epochs < 400 && epochs - expected.steps == 3, "{epochs} {}", expected.steps);
    let folder = tempfile::tempdir().unwrap();
    let job = NetJob { checkpoints: Some(folder.path().to_owned()), ..base };
    let stop = Stop { at: Some(3 * (epochs - 1)), ..Stop::default() };
    train_net(&job, &train, &validation, &stop).unwrap_err();
    assert_eq!(train_net(&job, &train, &validation, &Stop::default()).unwrap(), expected);
}

#[test]
fn checkpoints_by_steps_are_those_of_a_killed_process() {
    let (train, validation) = (rows(1, 730, Link::Logistic, false), rows(2, 210, Link::Logistic, false));
    let expected = train_net(&rich(Link::Logistic), &train, &validation, &Stop::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut job = NetJob { checkpoints: Some(folder.path().to_owned()), ..rich(Link::Logistic) };
    job.params.checkpoint = 3;
    assert_eq!(train_net(&job, &train, &validation, &Stop::default()).unwrap().net, expected.net);
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    assert!(file.to_string_lossy().ends_with(".checkpoint"));
    // A folder that can't be written is a warning, not the end.
    std::fs::remove_dir_all(folder.path()).unwrap();
    std::fs::write(folder.path(), "a file").unwrap();
    assert_eq!(train_net(&job, &train, &validation, &Stop::default()).unwrap().net, expected.net);
    std::fs::remove_file(folder.path()).unwrap();
}

#[test]
fn bf16_is_refused_on_the_cpu() {
    let (train, validation) = (rows(1, 50, Link::Logistic, false), rows(2, 10, Link::Logistic, false));
    let mut job = job(Link::Logistic);
    job.params.precision = Precision::Bf16;
    let text = train_net(&job, &train, &validation, &Stop::default()).unwrap_err().to_string();
    assert!(text.contains("bf16") && text.contains("GPU") && text.contains("--device"), "{text}");
    let none = NetJob { features: 0, ..job };
    let empty = NetRows { y: vec![0.0], ..NetRows::default() };
    assert!(check(&none, &empty, &NetRows::default()).unwrap_err().to_string().contains("at least 1"));
}

#[test]
fn products_in_bf16_learn_like_those_in_f32() {
    let (train, validation) = (rows(1, 730, Link::Logistic, true), rows(2, 210, Link::Logistic, false));
    let pair = (&train, &validation);
    let losses = |precision| {
        let params = NetParams { precision, ..job(Link::Logistic).params };
        let job = NetJob { params, ..job(Link::Logistic) };
        let mut learner = CandleNet::new(&job, pair, &Device::Cpu).unwrap();
        let net = train_with(&job, pair, &Stop::default(), &mut learner).unwrap();
        net.curve.iter().map(|point| point.train_loss).collect::<Vec<_>>()
    };
    let (whole, half) = (losses(Precision::F32), losses(Precision::Bf16));
    assert_ne!(whole, half);
    for (a, b) in whole.iter().zip(&half) {
        assert!((a - b).abs() < 0.01, "{whole:?} {half:?}");
    }
}
