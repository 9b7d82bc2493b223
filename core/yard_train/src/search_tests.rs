//! Searches, their ensembles and what repeats, on small tables with a known signal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    FinishedTrial, Observer, TrainError, TrainOutput,
    choose::Candidate,
    ensemble,
    measure::Scored,
    paired::Judge,
    reproduce,
    target::Part,
    test_data::{Data, Signal, context, spec, ticking},
    train,
};
use std::sync::Mutex;
use yard_score::{model::Model, scorer::Scorer};
use yard_types::{
    frame::Task,
    run::{Family, Params, RunSpec, Trial},
};

fn run(data: &Data, spec: &RunSpec, threads: usize) -> Result<TrainOutput, TrainError> {
    let clock = ticking();
    train(&data.input(), spec, &context(threads, &clock))
}

fn auto(trials: u32) -> RunSpec {
    let params = [("trees", "30"), ("epochs", "8"), ("refit", "true")];
    RunSpec { trials, ..spec(Family::Auto, &params) }
}

/// Remembers the trials that it is told of.
#[derive(Default)]
struct Trials(Mutex<Vec<(u32, Trial)>>);

impl Observer for Trials {
    fn trial(&self, index: u32, trial: &Trial, _: &[u8]) {
        self.0.lock().unwrap().push((index, trial.clone()));
    }
}

#[test]
fn a_search_repeats_for_any_threads_tells_its_trials_and_reproduces() {
    let data = Data::new(Task::Binary, Signal::Product, 400);
    let (told, clock) = (Trials::default(), ticking());
    let first = train(&data.input(), &auto(9), &crate::Context::new(2, &told, &clock)).unwrap();
    let told = told.0.into_inner().unwrap();
    assert_eq!(told.len(), 9);
    assert_eq!(told.len(), first.trials.len());
    for (at, ((index, told), trial)) in told.iter().zip(&first.trials).enumerate() {
        assert_eq!((*index as usize, told.family), (at, trial.family));
        assert_eq!(told.validation, trial.validation);
    }
    let again = run(&data, &auto(9), 1).unwrap();
    assert_eq!(again.parts, first.parts);
    let kept = (first.family, &first.params);
    let single = run(&data, &reproduce::single_run(&auto(9), kept), 1).unwrap();
    assert_eq!(single.parts, first.parts, "{:?}", first.params);
    assert_eq!(single.selected, first.selected);
    // So few rows are judged by folds.
    assert!(first.metrics.contains_key("cross_validation"));
    assert!(first.trials.iter().all(|trial| !trial.note.is_empty()));
}

#[test]
fn an_ensemble_scores_is_refitted_and_reproduces() {
    let data = Data::new(Task::Regression, Signal::Product, 300);
    let members = r#"[{"family":"linear","weight":0.25,"params":{}},
        {"family":"boosting","weight":0.5,"params":{"trees":"20"}},
        {"family":"forest","weight":0.25,"params":{"trees":"16"}}]"#;
    let listed = spec(Family::Ensemble, &[("members", members), ("refit", "true")]);
    let output = run(&data, &listed, 2).unwrap();
    assert_eq!(output.family, Family::Ensemble);
    let Model::Ensemble(model) = &output.parts.model else { panic!("ensemble") };
    assert_eq!(model.members.iter().map(|own| own.scale).collect::<Vec<_>>(), [0.25, 0.5, 0.25]);
    assert_ne!(output.selected.as_ref(), Some(&output.parts));
    let scorer = Scorer::new(&output.parts).unwrap();
    let rows = yard_score::encode::Rows::List(&data.split.test);
    let answers = scorer.score_rows(&data.table, rows).unwrap().margins;
    let yard_types::table::Column::Number(y) = data.table.column("y").unwrap() else { panic!("numbers") };
    let square = |(row, answer): (&u32, &f32)| (f64::from(*answer) - y[*row as usize]).powi(2);
    let sum: f64 = data.split.test.iter().zip(&answers).map(square).sum();
    let rmse = (sum / answers.len() as f64).sqrt();
    assert!((rmse - output.metrics["test"]["rmse"].value).abs() < 1e-9);
    let again = reproduce::single_run(&listed, (output.family, &output.params));
    assert_eq!(run(&data, &again, 1).unwrap().parts, output.parts);
    let broken = RunSpec { params: [("members".to_owned(), "[]".to_owned())].into(), ..listed };
    let text = run(&data, &broken, 1).unwrap_err().to_string();
    assert!(text.contains("at least one member"), "{text}");
}

/// Cancels the run after so many trials, and keeps what it was told of them.
struct StopAfter(usize, Mutex<Vec<FinishedTrial>>);

impl Observer for StopAfter {
    fn trial(&self, _: u32, trial: &Trial, saved: &[u8]) {
        self.1.lock().unwrap().push(FinishedTrial { trial: trial.clone(), saved: saved.to_vec() });
    }

    fn cancelled(&self) -> bool {
        self.1.lock().unwrap().len() >= self.0
    }
}

#[test]
fn a_stopped_search_goes_on_with_its_trials_and_ends_with_the_same_model() {
    // Folds judge the small set, held-out rows the large one.
    for (rows, stop) in [(300, 6), (300, 11), (8_000, 3)] {
        let data = Data::new(Task::Regression, Signal::Product, rows);
        let spec = RunSpec { trials: 13, ..auto(13) };
        let whole = run(&data, &spec, 2).unwrap();
        let (stopped, clock) = (StopAfter(stop, Mutex::default()), ticking());
        let error = train(&data.input(), &spec, &crate::Context::new(2, &stopped, &clock)).unwrap_err();
        assert!(matches!(error, TrainError::Cancelled), "{error}");
        let finished = stopped.1.into_inner().unwrap();
        assert!(finished.len() >= stop);
        let told = Trials::default();
        let context = crate::Context { finished: &finished, ..crate::Context::new(1, &told, &clock) };
        let resumed = train(&data.input(), &spec, &context).unwrap();
        assert_eq!(resumed.parts, whole.parts);
        assert_eq!((resumed.family, &resumed.params), (whole.family, &whole.params));
        // The trials that had ended were not run again: their times are the old ones.
        for (old, new) in finished.iter().zip(&resumed.trials) {
            assert_eq!(old.trial.seconds.to_bits(), new.seconds.to_bits());
        }
        // Damaged records cost time, not the result.
        let broken: Vec<FinishedTrial> = finished
            .iter()
            .map(|own| FinishedTrial { saved: own.saved[1..].to_vec(), ..own.clone() })
            .collect();
        let context = crate::Context { finished: &broken, ..crate::Context::new(2, &told, &clock) };
        assert_eq!(train(&data.input(), &spec, &context).unwrap().parts, whole.parts);
        if rows > 1_000 {
            assert!(!whole.metrics.contains_key("cross_validation"));
        }
    }
}

#[test]
fn each_search_has_a_front_and_names_the_smallest_model() {
    let data = Data::new(Task::Binary, Signal::Product, 300);
    let output = run(&data, &auto(8), 2).unwrap();
    let front = output.trials.iter().filter(|trial| trial.front).count();
    assert!(front > 0 && front <= 8);
    assert!(output.trials.iter().all(|trial| trial.front <= trial.size_bytes.is_some()));
    let smallest = "the smallest single model within one standard error of the best: trial";
    assert_eq!(
        output.notes.iter().filter(|note| note.starts_with(smallest)).count(),
        1,
        "{:?}",
        output.notes
    );
}

#[test]
fn repeated_folds_test_rows_as_often() {
    let data = Data::new(Task::Binary, Signal::Sum, 300);
    let once = RunSpec { folds: 3, ..spec(Family::Linear, &[]) };
    let twice = RunSpec { repeats: 4, ..once.clone() };
    let [once, twice] =
        [once, twice].map(|spec| run(&data, &spec, 2).unwrap().metrics["cross_validation"].clone());
    let width = |set: &yard_types::metric::MetricSet| {
        let auc = &set["roc_auc"];
        auc.high.unwrap() - auc.low.unwrap()
    };
    assert!(twice["roc_auc"].value != once["roc_auc"].value);
    assert!(width(&twice) < width(&once), "{} {}", width(&twice), width(&once));
}

#[test]
fn nested_folds_of_a_random_target_have_an_auc_of_a_half() {
    let data = Data::new(Task::Binary, Signal::Noise, 6_000);
    let search = RunSpec {
        trials: 4,
        folds: 4,
        nested: true,
        ..spec(Family::Boosting, &[("trees", "20"), ("min_leaf", "100")])
    };
    let output = run(&data, &search, 2).unwrap();
    let nested = &output.metrics["nested_cross_validation"]["roc_auc"];
    assert!((nested.value - 0.5).abs() < 0.02, "{nested:?}");
    assert!(nested.low.unwrap() < 0.5 && nested.high.unwrap() > 0.5, "{nested:?}");
}

/// A candidate that misses the truth by its errors.
fn candidate(y: &[f64], trial: usize, errors: impl Fn(usize) -> f64) -> Candidate {
    let part = Part { rows: (0..y.len() as u32).collect(), y: y.to_vec(), weights: None, dropped: 0 };
    let values = y.iter().enumerate().map(|(at, y)| (y + errors(at)) as f32).collect();
    let parts = vec![Scored::of_values(&part, values)];
    let square: f64 = (0..y.len()).map(|at| errors(at).powi(2)).sum();
    let value = (square / y.len() as f64).sqrt();
    let settled = Params::new();
    let (size_bytes, cost) = (0, crate::auto_budget::Cost::default());
    Candidate { family: Family::Boosting, settled, trained: None, parts, value, trial, size_bytes, cost }
}

#[test]
fn members_with_errors_of_their_own_pay_and_the_rest_is_left_out() {
    let frame = Data::new(Task::Regression, Signal::Sum, 30).frame;
    let judge = Judge { frame: &frame, metric: "rmse", seed: 0, ratio: 0.0 };
    let y: Vec<f64> = (0..200).map(|at| f64::from(at % 17)).collect();
    let noise = |stream: u64| move |at: usize| 2.0 * yard_types::rng::uniform(5, stream, at as u64) - 1.0;
    let (a, b) = (noise(1), noise(2));
    let candidates = [candidate(&y, 0, a), candidate(&y, 1, b), candidate(&y, 2, move |at| 5.0 + a(at))];
    let selection = ensemble::select(&judge, &candidates).unwrap().unwrap();
    let members: Vec<usize> = selection.weights.iter().map(|(at, _)| *at).collect();
    assert_eq!(members, [0, 1]);
    assert!((selection.weights.iter().map(|own| own.1).sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(selection.value < 0.8 * candidates[0].value, "{}", selection.value);
    assert!(ensemble::pays(&judge, &candidates[0], &selection).unwrap().0);
    let same = [candidate(&y, 0, a), candidate(&y, 1, a)];
    assert!(ensemble::select(&judge, &same).unwrap().is_none());
}

#[test]
fn trials_that_fall_behind_are_pruned() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 5_000);
    data.set_role("b", yard_types::schema::Role::Dropped);
    let search = RunSpec { trials: 14, ..spec(Family::Boosting, &[("trees", "150")]) };
    let output = run(&data, &search, 2).unwrap();
    let pruned = output.trials.iter().filter(|trial| trial.note.starts_with("pruned")).count();
    assert!(pruned > 0 && pruned < 14, "{pruned}");
    assert!(output.trials.iter().filter(|trial| trial.note.starts_with("pruned")).all(|trial| !trial.kept));
}

#[test]
fn a_budget_ends_a_search_and_one_trial_can_not_use_it_all() {
    let data = Data::new(Task::Binary, Signal::Sum, 4_000);
    // The clock counts its readings: each is a microsecond.
    let budget =
        RunSpec { budget_secs: Some(4e-3), ..spec(Family::Auto, &[("epochs", "100000"), ("patience", "0")]) };
    let output = run(&data, &budget, 2).unwrap();
    let mlp = output.trials.iter().find(|trial| trial.family == Family::Mlp).unwrap();
    assert!(mlp.note.starts_with("stopped: "), "{}", mlp.note);
    assert!(output.trials.len() >= 4 && output.family != Family::Mlp);
}

#[test]
fn folds_of_a_random_target_have_an_auc_of_a_half() {
    let data = Data::new(Task::Binary, Signal::Noise, 6_000);
    for family in [Family::Linear, Family::Boosting, Family::Forest] {
        let params: &[(&str, &str)] = if family == Family::Linear { &[] } else { &[("trees", "30")] };
        let output = run(&data, &RunSpec { folds: 5, ..spec(family, params) }, 2).unwrap();
        let auc = output.metrics["cross_validation"]["roc_auc"].value;
        assert!((auc - 0.5).abs() < 0.02, "{family:?}: {auc}");
    }
}
