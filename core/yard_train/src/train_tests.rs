//! Runs on small tables with a known signal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    Context, Observer, TrainError, TrainOutput, reproduce,
    test_data::{Data, Signal, context, spec, ticking},
    train,
};
use std::sync::atomic::{AtomicU32, Ordering};
use yard_score::{encode, model::Link, scorer::Scorer};
use yard_types::{
    frame::Task,
    metric::MetricValue,
    run::{Family, RunSpec},
    schema::Role,
    table::{Column, TextColumn},
};

const FAMILIES: [Family; 4] = [Family::Linear, Family::Boosting, Family::Forest, Family::Mlp];

fn quick(family: Family) -> RunSpec {
    match family {
        Family::Boosting => spec(family, &[("trees", "60"), ("learning_rate", "0.1")]),
        Family::Forest => spec(family, &[("trees", "40")]),
        Family::Mlp => spec(family, &[("layers", "16,8"), ("epochs", "60"), ("learning_rate", "0.01")]),
        Family::Resnet | Family::Transformer => {
            spec(family, &[("width", "16"), ("blocks", "1"), ("epochs", "12"), ("learning_rate", "0.01")])
        }
        _ => spec(family, &[]),
    }
}

fn run(data: &Data, spec: &RunSpec, threads: usize) -> Result<TrainOutput, TrainError> {
    let clock = ticking();
    train(&data.input(), spec, &context(threads, &clock))
}

fn test_metric(output: &TrainOutput, name: &str) -> f64 {
    let MetricValue { value, low, high } = output.metrics["test"][name];
    let (low, high) = (low.unwrap(), high.unwrap());
    assert!(low <= value && value <= high && low < high, "{name}: {low} {value} {high}");
    value
}

#[test]
fn every_family_finds_a_planted_sum() {
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        let data = Data::new(task, Signal::Sum, 1_500);
        for family in FAMILIES {
            let output = run(&data, &quick(family), 2).unwrap();
            let (metric, least) = match task {
                Task::Binary => ("roc_auc", 0.93),
                Task::Multiclass => ("roc_auc", 0.92),
                Task::Regression => ("r2", 0.85),
            };
            let value = test_metric(&output, metric);
            assert!(value > least, "{family:?} {task:?}: {metric} {value}");
            assert_eq!(output.family, family);
            assert!(output.steps > 0 && output.parameters > 0 && output.features > 0);
            assert!(!output.curve.is_empty() && output.trials.is_empty());
            assert_eq!(output.recipe_lines.len(), 3, "{:?}", output.recipe_lines);
        }
    }
}

#[test]
fn all_but_linear_find_a_planted_product() {
    let data = Data::new(Task::Binary, Signal::Product, 2_000);
    for family in FAMILIES {
        let auc = test_metric(&run(&data, &quick(family), 2).unwrap(), "roc_auc");
        assert_eq!(auc > 0.85, family != Family::Linear, "{family:?}: {auc}");
    }
}

#[test]
fn models_are_equal_for_any_number_of_threads_and_in_a_second_run() {
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        let data = Data::new(task, Signal::Sum, 900);
        for family in FAMILIES {
            let one = run(&data, &quick(family), 1).unwrap();
            let two = run(&data, &quick(family), 2).unwrap();
            assert_eq!(one.parts, two.parts, "{family:?} {task:?}");
            assert_eq!(one.metrics, two.metrics);
            assert_eq!(one.curve, two.curve);
            let other_seed = RunSpec { seed: 5, ..quick(family) };
            let differs = run(&data, &other_seed, 1).unwrap().parts != one.parts;
            assert_eq!(differs, family != Family::Linear, "{family:?}");
        }
    }
}

#[test]
fn objectives_and_constraints_of_boosting_reach_the_model() {
    let mut data = Data::new(Task::Regression, Signal::Sum, 900);
    let Column::Number(y) = data.table.column("y").unwrap() else { panic!("numbers") };
    data.set("y", &Column::Number(y.iter().map(|y| y + 100.0).collect()));
    let boosting = |pairs: &[(&str, &str)]| run(&data, &spec(Family::Boosting, pairs), 2);
    let poisson = boosting(&[("objective", "poisson"), ("trees", "60"), ("monotone", "a:+,b:-")]).unwrap();
    assert_eq!(poisson.parts.link, Link::Log);
    assert_eq!(poisson.params["monotone"], "a:+,b:-");
    assert!(test_metric(&poisson, "r2") > 0.8);
    let scorer = Scorer::new(&poisson.parts).unwrap();
    let answers = scorer.score_rows(&data.table, encode::Rows::List(&data.split.test)).unwrap();
    assert!(answers.margins.iter().all(|y| (60.0..350.0).contains(y)));
    for (name, value) in [("monotone", "colour:+"), ("objective", "l7"), ("goss", "1"), ("depth", "-1")] {
        let text = boosting(&[(name, value)]).unwrap_err().to_string();
        assert!(text.contains("expected ") && text.ends_with("; correct or remove it"), "{text}");
    }
    let classes = Data::new(Task::Binary, Signal::Sum, 600);
    let text = run(&classes, &spec(Family::Boosting, &[("objective", "gamma")]), 1).unwrap_err().to_string();
    assert!(text.contains("expected default, as the target holds classes"), "{text}");
}

#[test]
fn forests_report_their_out_of_bag_scores() {
    for (task, name) in [(Task::Regression, "R2"), (Task::Multiclass, "accuracy")] {
        let data = Data::new(task, Signal::Sum, 900);
        for splitter in ["best", "random"] {
            let spec = spec(Family::Forest, &[("trees", "40"), ("splitter", splitter)]);
            let notes = run(&data, &spec, 2).unwrap().notes;
            assert!(notes.iter().any(|note| note.contains(&format!("{name} 0."))), "{notes:?}");
        }
    }
}

#[test]
fn reported_metrics_are_those_of_the_scorer() {
    let data = Data::new(Task::Binary, Signal::Sum, 600);
    for family in FAMILIES {
        let output = run(&data, &quick(family), 2).unwrap();
        let scorer = Scorer::new(&output.parts).unwrap();
        let predictions = scorer.score_rows(&data.table, encode::Rows::List(&data.split.test)).unwrap();
        let Column::Text(target) = data.table.column("y").unwrap() else { panic!("text") };
        let right = data.split.test.iter().enumerate().filter(|(at, row)| {
            // The decision of the frame acts from probability 1/6.
            let yes = target.get(**row as usize) == Some("yes");
            predictions.decision(*at, 1.0 / 6.0) == Some(yes)
        });
        let accuracy = right.count() as f64 / data.split.test.len() as f64;
        assert!((output.metrics["test"]["accuracy"].value - accuracy).abs() < 1e-12);
    }
}

#[test]
fn a_net_scores_as_candle_does() {
    let data = Data::new(Task::Regression, Signal::Product, 500);
    let output = run(&data, &quick(Family::Mlp), 1).unwrap();
    let yard_score::model::Model::Net(net) = &output.parts.model else { panic!("net") };
    let scorer = Scorer::new(&output.parts).unwrap();
    let rows = encode::Rows::Range(0, data.table.rows());
    let features = scorer.encoder().encode(&data.table, rows).unwrap();
    let ours = scorer.score_table(&data.table).unwrap().margins;
    let candle = crate::mlp::candle_margins(net, &features).unwrap();
    assert_eq!(ours.len(), candle.len());
    for (ours, candle) in ours.iter().zip(&candle) {
        assert!((ours - candle).abs() <= 1e-4 * (1.0 + candle.abs()), "{ours} {candle}");
    }
}

#[test]
fn best_epoch_is_restored() {
    let data = Data::new(Task::Binary, Signal::Noise, 300);
    let params = [("layers", "64"), ("epochs", "80"), ("learning_rate", "0.03"), ("patience", "20")];
    let output = run(&data, &spec(Family::Mlp, &params), 1).unwrap();
    let losses: Vec<f64> = output.curve.iter().map(|point| point.validation_loss.unwrap()).collect();
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap();
    assert_eq!(output.steps as usize, best + 1);
    assert!(losses.len() < 80, "stopped early after {}", losses.len());
    if output.parts.calibration == yard_score::model::Calibration::None {
        assert!((output.metrics["validation"]["log_loss"].value - losses[best]).abs() < 1e-4);
    }
}

/// Asks to stop after some questions.
pub(crate) struct Stopper(pub(crate) AtomicU32);

impl Observer for Stopper {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

#[test]
fn a_run_stops_when_told() {
    let data = Data::new(Task::Binary, Signal::Sum, 400);
    let clock = ticking();
    // Nets of convolutions need images, text encoders texts: their own tests stop them.
    let others = |family: &Family| !matches!(family, Family::Cnn | Family::Text);
    for family in Family::ALL.into_iter().filter(others) {
        for after in [1, 2, 4] {
            let stopper = Stopper(AtomicU32::new(after));
            let context = Context::new(2, &stopper, &clock);
            let ended = train(&data.input(), &quick(family), &context);
            assert!(matches!(ended, Err(TrainError::Cancelled)), "{family:?} after {after}");
        }
    }
}

#[test]
fn unknown_and_bad_hyperparameters_say_what_is_allowed() {
    let data = Data::new(Task::Binary, Signal::Sum, 100);
    for family in Family::ALL {
        let text = run(&data, &spec(family, &[("tress", "3")]), 1).unwrap_err().to_string();
        assert!(text.contains("\"tress\"") && text.contains("l2") | text.contains("trees"), "{text}");
    }
    for (family, name, value) in [
        (Family::Linear, "l2", "-1"),
        (Family::Boosting, "trees", "none"),
        (Family::Forest, "min_leaf", "0"),
        (Family::Mlp, "layers", "64;32"),
    ] {
        let text = run(&data, &spec(family, &[(name, value)]), 1).unwrap_err().to_string();
        assert!(text.contains(value) && text.contains("expected"), "{text}");
    }
}

#[test]
fn a_target_with_one_class_is_refused() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 200);
    data.set("y", &Column::Text(TextColumn::from_cells((0..200).map(|_| Some("no")))));
    for family in Family::ALL {
        let text = run(&data, &quick(family), 1).unwrap_err().to_string();
        assert!(text.contains("all 120 training rows hold \"no\""), "{text}");
    }
}

#[test]
fn rows_without_a_target_are_left_out_and_counted() {
    let mut data = Data::new(Task::Regression, Signal::Sum, 300);
    let Some(Column::Number(mut y)) = data.table.column("y").cloned() else { panic!("numbers") };
    for row in [0, 10, 20, 4, 8] {
        y[row] = f64::NAN;
    }
    data.set("y", &Column::Number(y));
    let output = run(&data, &quick(Family::Linear), 1).unwrap();
    assert_eq!(output.notes[0], "3 training rows without a usable value of \"y\" were left out");
    let mut all = data.split.clone();
    all.train.retain(|row| ![0, 10, 20].contains(row));
    let parts = run(&Data { split: all, ..data }, &quick(Family::Linear), 1).unwrap().parts;
    assert_eq!(parts, output.parts);
}

#[test]
fn targets_of_other_classes_are_left_out_and_an_absent_target_is_named() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 60);
    let words = (0..60).map(|row| Some(if row == 10 { "perhaps" } else { ["no", "yes"][row % 2] }));
    data.set("y", &Column::Text(TextColumn::from_cells(words)));
    let output = run(&data, &quick(Family::Linear), 1).unwrap();
    assert_eq!(output.notes[0], "1 training rows without a usable value of \"y\" were left out");
    data.frame.target = "z".to_owned();
    let text = run(&data, &quick(Family::Linear), 1).unwrap_err().to_string();
    assert!(text.contains("\"z\" is not in the data"), "{text}");
}

#[test]
fn columns_that_the_recipe_leaves_out_are_noted() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 200);
    data.set("b", &Column::Number(vec![3.0; 200]));
    let output = run(&data, &quick(Family::Boosting), 1).unwrap();
    assert!(output.notes.iter().any(|note| note.contains("\"b\"")), "{:?}", output.notes);
    data.set_role("a", Role::Dropped);
    data.set_role("colour", Role::Dropped);
    let text = run(&data, &quick(Family::Boosting), 1).unwrap_err().to_string();
    assert!(text.contains("no features are left"), "{text}");
}

#[test]
fn weights_count_as_repeated_rows() {
    let mut data = Data::new(Task::Regression, Signal::Sum, 300);
    let ids: Vec<f64> = (0..300).map(|row| f64::from(1 + row % 3)).collect();
    data.set("id", &Column::Number(ids));
    data.set_role("id", Role::Weight);
    let mut spec = quick(Family::Linear);
    spec.params.insert("l2".to_owned(), "2".to_owned());
    let weighted = run(&data, &spec, 1).unwrap();
    let mut repeated = data.split.clone();
    repeated.train = repeated.train.iter().flat_map(|row| vec![*row; 1 + *row as usize % 3]).collect();
    data.set_role("id", Role::Id);
    // The recipe's means differ between weighted and repeated rows, the predictions need not.
    let plain = run(&Data { split: repeated, ..data }, &spec, 1).unwrap();
    let (a, b) = (&weighted.metrics["test"]["rmse"], &plain.metrics["test"]["rmse"]);
    assert!((a.value - b.value).abs() < 0.02 * a.value, "{a:?} {b:?}");
}

#[test]
fn infinite_values_are_refused_or_used() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 300);
    let Some(Column::Number(mut a)) = data.table.column("a").cloned() else { panic!("numbers") };
    a[0] = f64::INFINITY;
    data.set("a", &Column::Number(a));
    for family in [Family::Linear, Family::Mlp] {
        let text = run(&data, &quick(family), 1).unwrap_err().to_string();
        assert!(text.contains("feature \"a\": 1 training rows are not finite"), "{text}");
    }
    assert!(test_metric(&run(&data, &quick(Family::Boosting), 1).unwrap(), "roc_auc") > 0.9);
}

#[test]
fn without_validation_rows_defaults_are_used() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 400);
    data.split.validation.clear();
    for family in FAMILIES {
        let output = run(&data, &quick(family), 1).unwrap();
        assert!(test_metric(&output, "roc_auc") > 0.9, "{family:?}");
        assert!(!output.metrics.contains_key("validation"));
    }
    let text = run(&data, &spec(Family::Auto, &[]), 1).unwrap_err().to_string();
    assert!(text.contains("no validation rows"), "{text}");
}

#[test]
fn devices_that_are_not_there_are_named() {
    let data = Data::new(Task::Binary, Signal::Sum, 200);
    let on = |family, device: &str| run(&data, &RunSpec { device: device.to_owned(), ..quick(family) }, 1);
    let text = on(Family::Mlp, "cuda:0").unwrap_err().to_string();
    assert!(text.contains("\"cuda:0\"") && text.contains("--features cuda"), "{text}");
    let text = on(Family::Linear, "gpu").unwrap_err().to_string();
    assert!(text.contains("expected auto, cpu, cuda:N"), "{text}");
    let auto = on(Family::Mlp, "auto").unwrap();
    assert!(auto.device.starts_with("cpu (no GPU used: no worker"), "{}", auto.device);
    assert_eq!(auto.parts, on(Family::Mlp, "cpu").unwrap().parts);
    assert!(on(Family::Boosting, "cuda:0").unwrap().device.starts_with("cpu (boosting trains"));
}

#[test]
fn auto_keeps_the_simplest_within_noise_of_the_best() {
    let params = [("trees", "60"), ("epochs", "30"), ("layers", "16")];
    let auto =
        |signal| run(&Data::new(Task::Binary, signal, 1_500), &spec(Family::Auto, &params), 2).unwrap();
    let sum = auto(Signal::Sum);
    assert_eq!(sum.family, Family::Linear, "{:?}", sum.trials);
    let product = auto(Signal::Product);
    assert_ne!(product.family, Family::Linear);
    for output in [&sum, &product] {
        assert_eq!(output.trials.len(), 4);
        assert_eq!(output.trials.iter().filter(|trial| trial.kept).count(), 1);
        for trial in &output.trials {
            assert_eq!(trial.kept, trial.family == output.family);
            assert_eq!(trial.kept, trial.note.starts_with("kept: "), "{}", trial.note);
            assert!(trial.validation.contains_key("roc_auc") && trial.seconds > 0.0);
        }
    }
    let linear = product.trials.iter().find(|trial| trial.family == Family::Linear).unwrap();
    assert!(linear.note.contains("worse beyond noise"), "{}", linear.note);
    let again = run(
        &Data::new(Task::Binary, Signal::Product, 1_500),
        &reproduce::single_run(&spec(Family::Auto, &params), (product.family, &product.params)),
        1,
    )
    .unwrap();
    assert_eq!(again.parts, product.parts);
}

#[test]
fn a_search_tries_what_was_asked_for_and_repeats() {
    let data = Data::new(Task::Regression, Signal::Product, 600);
    let search = RunSpec { trials: 5, seed: 3, ..spec(Family::Boosting, &[("trees", "30")]) };
    let output = run(&data, &search, 2).unwrap();
    assert_eq!(output.trials.len(), 5);
    assert!(output.trials.iter().all(|trial| trial.params["trees"] == "30"));
    let rmse = |trial: &yard_types::run::Trial| trial.validation["rmse"].value;
    let best = output.trials.iter().map(rmse).fold(f64::INFINITY, f64::min);
    let kept = output.trials.iter().find(|trial| trial.kept).unwrap();
    assert_eq!(rmse(kept), best);
    assert_eq!(kept.params, output.params);
    assert_eq!(run(&data, &search, 1).unwrap().parts, output.parts);
    let budget = RunSpec { trials: 1, budget_secs: Some(0.0), ..search };
    assert_eq!(run(&data, &budget, 1).unwrap().trials.len(), 1);
}

#[test]
fn folds_of_a_random_target_show_no_skill() {
    let data = Data::new(Task::Binary, Signal::Noise, 1_200);
    for family in [Family::Linear, Family::Boosting] {
        let output = run(&data, &RunSpec { folds: 5, ..quick(family) }, 2).unwrap();
        let auc = output.metrics["cross_validation"]["roc_auc"];
        assert!((auc.value - 0.5).abs() < 0.05, "{family:?}: {auc:?}");
        assert!(auc.low.unwrap() < 0.5 && auc.high.unwrap() > 0.45);
    }
    let data = Data::new(Task::Binary, Signal::Sum, 600);
    let params = [("trees", "20"), ("epochs", "5")];
    let output = run(&data, &RunSpec { folds: 3, ..spec(Family::Auto, &params) }, 2).unwrap();
    assert!(output.metrics["cross_validation"]["roc_auc"].value > 0.9);
    let text = run(&data, &RunSpec { folds: 1, ..quick(Family::Linear) }, 1).unwrap_err().to_string();
    assert!(text.contains("1 folds"), "{text}");
}
