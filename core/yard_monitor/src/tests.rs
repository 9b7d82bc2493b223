//! Simulated streams: without drift, and with each kind of trouble.
#![allow(clippy::unwrap_used)]

use super::*;
use yard_metrics::{
    BinaryRows, Decision, Rows,
    bootstrap::{Bootstrap, intervals},
    sketch::{CurrentSketch, ReferenceSet, ReferenceSketch, SCORE_FIELD, SketchCounts},
};
use yard_types::{
    evaluation::Importance,
    frame::{Costs, Frame, Task},
    metric::MetricSet,
    monitor::MonitorReport,
    rng::Rng,
};

const PLANS: [&str; 3] = ["basic", "plus", "pro"];

/// What is done to the stream.
#[derive(Clone, Copy, Default)]
struct Trouble {
    /// Added to `tenure`.
    shift: f64,
    /// Added to `noise`, a field that the model hardly uses.
    noise_shift: f64,
    /// Share of `tenure` lost.
    missing: f64,
    /// Share of `plan` replaced by a new category.
    unseen: f64,
    /// Share of labels that are coin flips.
    concept: f64,
    /// Share of failed requests.
    errors: f64,
    /// Milliseconds of every request.
    slow_ms: f64,
}

struct Row {
    tenure: f64,
    noise: f64,
    plan: &'static str,
    p: f32,
    y: u8,
}

fn row(rng: &mut Rng, trouble: &Trouble) -> Row {
    let mut tenure = rng.normal() + trouble.shift;
    let noise = rng.normal() + trouble.noise_shift;
    let code = rng.below(3) as usize;
    let p = 1.0 / (1.0 + (-(1.5 * tenure + 0.5 * code as f64 - 0.5)).exp());
    let y = if rng.uniform() < trouble.concept { rng.uniform() < 0.5 } else { rng.uniform() < p };
    if rng.uniform() < trouble.missing {
        tenure = f64::NAN;
    }
    let plan = if rng.uniform() < trouble.unseen { "trial" } else { PLANS[code] };
    Row { tenure, noise, plan, p: p as f32, y: u8::from(y) }
}

struct World {
    reference: ReferenceSet,
    frame: Frame,
    importance: Vec<Importance>,
    baseline: MetricSet,
}

fn frame() -> Frame {
    Frame {
        decision: "offer a discount".into(),
        unit: "customer".into(),
        action: "offer".into(),
        cost_unit: "EUR".into(),
        task: Task::Binary,
        target: "churn".into(),
        positive: Some("yes".into()),
        classes: vec!["no".into(), "yes".into()],
        costs: Some(Costs { false_positive: 1.0, false_negative: 5.0, ..Costs::default() }),
        metric: "roc_auc".into(),
        protected: vec![],
        floors: vec![],
        latency_budget_ms: Some(50.0),
        size_budget_bytes: None,
    }
}

fn world(seed: u64) -> World {
    let mut rng = Rng::new(seed, 0);
    let rows: Vec<Row> = (0..2_000).map(|_| row(&mut rng, &Trouble::default())).collect();
    let numbers = |pick: fn(&Row) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
    let frame = frame();
    let (y, p): (Vec<u8>, Vec<f32>) = rows.iter().map(|row| (row.y, row.p)).unzip();
    let decision = Decision { threshold: frame.threshold(), costs: frame.costs_or_default() };
    let labelled = Rows::Binary(BinaryRows::new(&y, &p).unwrap());
    let importance = [("tenure", 0.2), ("plan", 0.04), ("noise", 0.01)];
    World {
        reference: ReferenceSet {
            rows: rows.len() as u64,
            fields: vec![
                ReferenceSketch::from_values("tenure", &numbers(|row| row.tenure)),
                ReferenceSketch::from_values("noise", &numbers(|row| row.noise)),
                ReferenceSketch::from_categories("plan", rows.iter().map(|row| Some(row.plan))),
            ],
            score: ReferenceSketch::from_values(SCORE_FIELD, &numbers(|row| f64::from(row.p))),
        },
        baseline: intervals(labelled, &decision, &Bootstrap { resamples: 200, seed }),
        importance: importance
            .map(|(field, value)| Importance { field: field.into(), value, sd: 0.0 })
            .to_vec(),
        frame,
    }
}

fn window(world: &World, rng: &mut Rng, rows: u64, trouble: &Trouble) -> WindowInput {
    let mut fields: Vec<CurrentSketch> = world.reference.fields.iter().map(CurrentSketch::new).collect();
    let mut score = CurrentSketch::new(&world.reference.score);
    let mut out = WindowInput { version: 1, requests: rows, ..WindowInput::default() };
    let (mut y, mut p) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let row = row(rng, trouble);
        fields[0].push_number(row.tenure);
        fields[1].push_number(row.noise);
        fields[2].push_category(row.plan);
        score.push_number(f64::from(row.p));
        out.errors += u64::from(rng.uniform() < trouble.errors);
        out.latency.push_us(2_000.0 + 1_000.0 * (rng.uniform() + trouble.slow_ms));
        y.push(row.y);
        p.push(row.p);
    }
    out.fields = fields.iter_mut().map(|sketch| (sketch.field().to_owned(), sketch.take())).collect();
    out.score = Some(score.take());
    out.labelled = Labelled::Binary { y, p };
    out
}

fn stream(world: &World, seed: u64, rows: u64, troubles: &[Trouble]) -> Vec<WindowInput> {
    let mut rng = Rng::new(seed, 1);
    let mut windows: Vec<WindowInput> =
        troubles.iter().map(|trouble| window(world, &mut rng, rows, trouble)).collect();
    for (hour, window) in windows.iter_mut().enumerate() {
        window.from = format!("2025-03-01T{hour:02}:00:00Z");
        window.to = format!("2025-03-01T{:02}:00:00Z", hour + 1);
    }
    windows
}

fn report_with(world: &World, windows: &[WindowInput], rules: Rules) -> MonitorReport {
    monitor(&MonitorInput {
        deployment: "churn",
        windows,
        reference: &world.reference,
        frame: &world.frame,
        importance: &world.importance,
        baseline: Some(&world.baseline),
        rules,
    })
    .unwrap()
}

fn report(world: &World, rows: u64, troubles: &[Trouble]) -> MonitorReport {
    report_with(world, &stream(world, 99, rows, troubles), Rules { resamples: 100, ..Rules::default() })
}

const CALM: Trouble = Trouble {
    shift: 0.0,
    noise_shift: 0.0,
    missing: 0.0,
    unseen: 0.0,
    concept: 0.0,
    errors: 0.0,
    slow_ms: 0.0,
};

/// 20 worlds of 40 windows without drift: single windows may be above a threshold at the level of the
/// tests, alerts (two in a row) hardly ever come.
#[test]
fn without_drift_alerts_are_rare() {
    let (mut figures, mut above, mut alerts, mut drift_alerts) = (0, 0, 0, 0);
    for seed in 0..20 {
        let world = world(seed);
        let windows = stream(&world, 500 + seed, 1_000, &[CALM; 40]);
        let report = report_with(&world, &windows, Rules { resamples: 100, ..Rules::default() });
        figures += report.windows.iter().map(|window| window.drift.len()).sum::<usize>();
        above += report.windows.iter().flat_map(|window| &window.drift).filter(|f| f.alert).count();
        alerts += report.alerts.len();
        drift_alerts += report.alerts.iter().filter(|alert| alert.kind == "drift").count();
    }
    assert_eq!(figures, 20 * 40 * (4 + 2 * 3));
    // The rate level is 0.1 % per window: 0.8 windows of 800 expected, 4 sd above is 4.4.
    assert!(above <= 5, "{above} of {figures} figures above their threshold");
    // Quality and cost are each called worse in 0.5 % of the windows (one side of a 99 % interval); if two
    // in a row were no stricter, 8 alerts would be expected. (200 such worlds gave 7 in 8,000 windows.)
    assert!(alerts <= 4, "{alerts} alerts in 800 windows");
    assert_eq!(drift_alerts, 0);
}

#[test]
fn a_shifted_field_is_found_and_calls_for_a_retrain() {
    let shifted = Trouble { shift: 0.6, ..CALM };
    let report = report(&world(1), 1_000, &[CALM, CALM, shifted, shifted, shifted]);
    let alert = report.alerts.iter().find(|alert| alert.field.as_deref() == Some("tenure")).unwrap();
    assert_eq!((alert.kind.as_str(), alert.window, alert.retrain), ("drift", 3, true));
    let message = &alert.message;
    assert!(message.starts_with("tenure drifted from the reference: PSI is 0."), "{message}");
    assert!(message.contains("against a threshold of 0.100"), "{message}");
    assert!(message.contains("in 2 windows in a row since 2025-03-01 02:00 UTC."), "{message}");
    assert!(message.contains("drifting fields hold 80.0 % of the importance (limit 20.0 %)."), "{message}");
    assert!(report.alerts.iter().any(|alert| alert.field.as_deref() == Some(SCORE_FIELD)));
    assert!(!report.alerts.iter().any(|alert| alert.field.as_deref() == Some("plan")));
    let figure = report.windows[3].drift.iter().find(|figure| figure.field == "tenure").unwrap();
    assert_eq!(figure.bins.len(), figure.current.len());
    assert!((figure.current.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!((figure.importance.unwrap() - 0.8).abs() < 1e-9);
}

#[test]
fn drift_of_an_unimportant_field_calls_for_no_retrain() {
    let noisy = Trouble { noise_shift: 0.6, ..CALM };
    let report = report(&world(2), 1_000, &[CALM, noisy, noisy]);
    let drift: Vec<_> = report.alerts.iter().filter(|alert| alert.kind == "drift").collect();
    assert_eq!(drift.len(), 1);
    assert_eq!((drift[0].field.as_deref(), drift[0].retrain), (Some("noise"), false));
}

#[test]
fn one_window_is_not_enough_and_small_windows_never_alert() {
    let shifted = Trouble { shift: 1.0, ..CALM };
    assert!(report(&world(3), 1_000, &[CALM, shifted, CALM, shifted, CALM]).alerts.is_empty());
    let small = report(&world(3), 499, &[shifted; 6]);
    assert!(small.alerts.is_empty());
    assert!(small.windows.iter().flat_map(|window| &window.drift).all(|figure| !figure.alert));
    assert!(small.windows.iter().all(|window| window.drift[0].value > 0.1), "figures are still shown");
    let world = world(3);
    let windows = stream(&world, 99, 1_000, &[CALM, shifted, CALM]);
    let once = Rules { consecutive: 1, resamples: 50, ..Rules::default() };
    assert!(!report_with(&world, &windows, once).alerts.is_empty());
}

#[test]
fn small_windows_do_not_end_a_run() {
    let world = world(4);
    let shifted = Trouble { shift: 1.0, ..CALM };
    let mut windows = stream(&world, 7, 1_000, &[shifted, shifted]);
    let small = window(&world, &mut Rng::new(8, 8), 50, &CALM);
    windows.insert(1, small);
    let report = report_with(&world, &windows, Rules { resamples: 50, ..Rules::default() });
    assert!(report.alerts.iter().any(|alert| alert.kind == "drift" && alert.window == 2));
}

#[test]
fn missing_and_unseen_values_are_found() {
    let trouble = Trouble { missing: 0.03, unseen: 0.02, ..CALM };
    let report = report(&world(5), 1_000, &[CALM, trouble, trouble]);
    let find = |kind: &str| report.alerts.iter().find(|alert| alert.kind == kind).unwrap();
    let missing = find("missing");
    assert_eq!(missing.field.as_deref(), Some("tenure"));
    assert!(missing.message.contains("% of the rows, against 0.0 % in the reference"), "{}", missing.message);
    let unseen = find("unseen");
    assert_eq!((unseen.field.as_deref(), unseen.retrain), (Some("plan"), false));
}

#[test]
fn lost_quality_calls_for_a_retrain_and_costs_are_named() {
    let concept = Trouble { concept: 0.6, ..CALM };
    let report = report(&world(6), 1_000, &[CALM, concept, concept]);
    let quality = report.alerts.iter().find(|alert| alert.kind == "quality").unwrap();
    assert!(quality.retrain && quality.window == 2);
    assert!(quality.message.starts_with("Quality fell: ROC AUC is 0."), "{}", quality.message);
    assert!(quality.message.contains("on 1000 labelled rows, against 0."), "{}", quality.message);
    let cost = report.alerts.iter().find(|alert| alert.kind == "cost").unwrap();
    assert!(cost.message.contains("(EUR)"), "{}", cost.message);
    assert!(!report.alerts.iter().any(|alert| alert.kind == "drift"), "the inputs did not change");
    let live = report.windows[2].quality["roc_auc"];
    assert!(live.low.unwrap() < live.value && live.value < live.high.unwrap());
    assert!((report.windows[0].cost.unwrap() - world(6).baseline["expected_cost"].value).abs() < 0.15);
}

#[test]
fn errors_and_latency_are_found() {
    let trouble = Trouble { errors: 0.05, slow_ms: 60.0, ..CALM };
    let report = report(&world(7), 1_000, &[CALM, trouble, trouble]);
    let errors = report.alerts.iter().find(|alert| alert.kind == "errors").unwrap();
    assert!(errors.message.contains("of 1000 requests failed"), "{}", errors.message);
    let latency = report.alerts.iter().find(|alert| alert.kind == "latency").unwrap();
    assert!(latency.message.contains("against a budget of 50 ms"), "{}", latency.message);
    let calm = &report.windows[0];
    assert!((calm.p50_ms - 2.5).abs() < 0.1 && calm.p99_ms > calm.p95_ms && calm.p95_ms > calm.p50_ms);
}

#[test]
fn retrain_is_not_called_again_within_the_cool_down() {
    let world = world(8);
    let shifted = Trouble { shift: 0.8, ..CALM };
    let pattern = [shifted, shifted, CALM, shifted, shifted, CALM, CALM, CALM, shifted, shifted];
    let windows = stream(&world, 11, 1_000, &pattern);
    let report = report_with(&world, &windows, Rules { resamples: 50, ..Rules::default() });
    let calls: Vec<u64> = report
        .alerts
        .iter()
        .filter(|alert| alert.retrain && alert.field.as_deref() == Some("tenure"))
        .map(|alert| alert.window)
        .collect();
    assert_eq!(calls, [9, 1], "window 4 lies within the cool-down");
}

#[test]
fn pieces_join_into_windows_by_count_and_version() {
    let world = world(9);
    let mut pieces = stream(&world, 12, 300, &[CALM; 10]);
    pieces[4].version = 2;
    let windows = windows_by_count(&pieces, 1_000).unwrap();
    let sizes: Vec<(u64, u64)> = windows.iter().map(|window| (window.version, window.requests)).collect();
    assert_eq!(sizes, [(1, 1_200), (2, 300), (1, 1_200), (1, 300)]);
    assert_eq!(
        (windows[0].from.as_str(), windows[0].to.as_str()),
        (pieces[0].from.as_str(), pieces[3].to.as_str())
    );
    assert_eq!(windows[0].labelled.len(), 1_200);
    assert_eq!(windows[0].fields["plan"].rows(), 1_200);
    assert_eq!(windows[0].latency.count(), 1_200);
    let total: u64 = windows.iter().map(|window| window.requests).sum();
    assert_eq!(total, 3_000);
    let text = serde_json::to_string(&windows).unwrap();
    assert_eq!(serde_json::from_str::<Vec<WindowInput>>(&text).unwrap(), windows);
}

#[test]
fn report_is_the_same_each_time_and_empty_without_windows() {
    let world = world(10);
    let windows = stream(&world, 13, 600, &[CALM; 3]);
    let make = || serde_json::to_string(&report_with(&world, &windows, Rules::default())).unwrap();
    assert_eq!(make(), make());
    assert!(report_with(&world, &[], Rules::default()).windows.is_empty());
    let idle = WindowInput::default();
    let report = report_with(&world, &[idle], Rules::default());
    assert!(report.alerts.is_empty() && report.windows[0].drift.is_empty());
}

#[test]
fn wrong_sketches_and_labels_are_errors_with_the_window() {
    let world = world(11);
    let good = stream(&world, 14, 600, &[CALM]).remove(0);
    let attempt = |window: WindowInput| {
        monitor(&MonitorInput {
            deployment: "churn",
            windows: &[window],
            reference: &world.reference,
            frame: &world.frame,
            importance: &[],
            baseline: None,
            rules: Rules::default(),
        })
    };
    assert!(attempt(good.clone()).is_ok());
    let mut bins = good.clone();
    bins.fields.insert("tenure".into(), SketchCounts::empty(3));
    let message = attempt(bins).unwrap_err().to_string();
    assert!(message.contains("field \"tenure\": 3 bins, expected 10"), "{message}");
    let mut labels = good.clone();
    labels.labelled = Labelled::Binary { y: vec![0, 1], p: vec![0.5] };
    assert!(matches!(attempt(labels), Err(MonitorError::Labels { window: 0, .. })));
    let mut task = good.clone();
    task.labelled = Labelled::Regression { truth: vec![1.0], prediction: vec![1.0] };
    let message = attempt(task).unwrap_err().to_string();
    assert!(message.contains("are regression, but the frame's task is binary"), "{message}");
    let mut other = good.clone();
    other.version = 7;
    assert!(matches!(good.clone().merge(&other), Err(MonitorError::Merge { .. })));
}
