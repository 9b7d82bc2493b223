//! Searches, their ensembles and what repeats, on small tables with a known signal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    Observer, TrainError, TrainOutput, reproduce,
    test_data::{Data, Signal, context, spec, ticking},
    train,
};
use std::sync::Mutex;
use yard_score::{model::Model, scorer::Scorer};
use yard_types::{
    frame::Task,
    run::{Family, RunSpec, Trial},
};

fn run(data: &Data, spec: &RunSpec, threads: usize) -> Result<TrainOutput, TrainError> {
    let clock = ticking();
    train(&data.input(), spec, &context(threads, &clock))
}

fn auto(trials: u32) -> RunSpec {
    let params = [("trees", "60"), ("epochs", "12"), ("refit", "true")];
    RunSpec { trials, ..spec(Family::Auto, &params) }
}

/// Remembers the trials that it is told of.
#[derive(Default)]
struct Trials(Mutex<Vec<(u32, Trial)>>);

impl Observer for Trials {
    fn trial(&self, index: u32, trial: &Trial) {
        self.0.lock().unwrap().push((index, trial.clone()));
    }
}

#[test]
fn a_search_repeats_for_any_threads_tells_its_trials_and_reproduces() {
    let data = Data::new(Task::Binary, Signal::Product, 400);
    let (told, clock) = (Trials::default(), ticking());
    let first = train(&data.input(), &auto(11), &crate::Context::new(2, &told, &clock)).unwrap();
    let told = told.0.into_inner().unwrap();
    assert_eq!(told.len(), 11);
    assert_eq!(told.len(), first.trials.len());
    for (at, ((index, told), trial)) in told.iter().zip(&first.trials).enumerate() {
        assert_eq!((*index as usize, told.family), (at, trial.family));
        assert_eq!(told.validation, trial.validation);
    }
    let again = run(&data, &auto(11), 1).unwrap();
    assert_eq!(again.parts, first.parts);
    let kept = (first.family, &first.params);
    let single = run(&data, &reproduce::single_run(&auto(11), kept), 1).unwrap();
    assert_eq!(single.parts, first.parts, "{:?}", first.params);
    assert_eq!(single.selected, first.selected);
    // So few rows are judged by folds.
    assert!(first.metrics.contains_key("cross_validation"));
    assert!(first.trials.iter().all(|trial| !trial.note.is_empty()));
}

#[test]
fn an_ensemble_that_pays_is_kept_scores_and_reproduces() {
    let data = Data::new(Task::Regression, Signal::Product, 700);
    let output = (0..6)
        .map(|seed| run(&data, &RunSpec { seed, ..auto(9) }, 2).unwrap())
        .find(|output| output.family == Family::Ensemble)
        .expect("one of six searches keeps an ensemble");
    let Model::Ensemble(model) = &output.parts.model else { panic!("ensemble") };
    let kept = output.trials.iter().filter(|trial| trial.kept).count();
    assert!(kept > 1 && kept == model.members.len(), "{kept}");
    assert!(output.notes.iter().any(|note| note.starts_with("ensemble of")), "{:?}", output.notes);
    assert!(output.notes.iter().any(|note| note.starts_with("the smallest single model")));
    let scorer = Scorer::new(&output.parts).unwrap();
    let rows = yard_score::encode::Rows::List(&data.split.test);
    let answers = scorer.score_rows(&data.table, rows).unwrap().margins;
    let yard_types::table::Column::Number(y) = data.table.column("y").unwrap() else { panic!("numbers") };
    let square = |(row, answer): (&u32, &f32)| (f64::from(*answer) - y[*row as usize]).powi(2);
    let sum: f64 = data.split.test.iter().zip(&answers).map(square).sum();
    let rmse = (sum / answers.len() as f64).sqrt();
    assert!((rmse - output.metrics["test"]["rmse"].value).abs() < 1e-9);
    let spec = reproduce::single_run(&auto(9), (output.family, &output.params));
    assert_eq!(run(&data, &spec, 1).unwrap().parts, output.parts);
    let broken = RunSpec { params: [("members".to_owned(), "[]".to_owned())].into(), ..spec };
    let text = run(&data, &broken, 1).unwrap_err().to_string();
    assert!(text.contains("at least one member"), "{text}");
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
    let data = Data::new(Task::Binary, Signal::Noise, 8_000);
    for family in [Family::Linear, Family::Boosting, Family::Forest] {
        let params: &[(&str, &str)] = if family == Family::Linear { &[] } else { &[("trees", "30")] };
        let output = run(&data, &RunSpec { folds: 5, ..spec(family, params) }, 2).unwrap();
        let auc = output.metrics["cross_validation"]["roc_auc"].value;
        assert!((auc - 0.5).abs() < 0.02, "{family:?}: {auc}");
    }
}
