//! Evaluations of small models, checked against what the rows hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{EvaluateInput, evaluate};
use crate::{
    TrainError, TrainOutput,
    test_data::{Data, Signal, context, spec, ticking},
    train,
};
use yard_types::{
    evaluation::Evaluation,
    frame::Task,
    ids::ModelId,
    run::Family,
    table::{Column, TextColumn},
};

fn trained(data: &Data, family: Family) -> TrainOutput {
    let clock = ticking();
    let params: &[(&str, &str)] = if family == Family::Boosting { &[("trees", "40")] } else { &[] };
    train(&data.input(), &spec(family, params), &context(2, &clock)).unwrap()
}

fn evaluated(data: &Data, model: &TrainOutput, threads: usize) -> Result<Evaluation, TrainError> {
    let clock = ticking();
    let input = EvaluateInput {
        model: ModelId(1),
        parts: &model.parts,
        table: &data.table,
        rows: &data.split.test,
        schema: &data.schema,
        frame: &data.frame,
        split: "test",
        training: Some((&data.table, &data.split)),
        threshold: None,
        size_bytes: 77,
        seed: 0,
    };
    evaluate(&input, &context(threads, &clock))
}

#[test]
fn a_binary_evaluation_is_complete() {
    let data = Data::new(Task::Binary, Signal::Sum, 3_000);
    let model = trained(&data, Family::Boosting);
    let found = evaluated(&data, &model, 2).unwrap();
    assert_eq!((found.rows, found.size_bytes, found.split.as_str()), (600, 77, "test"));
    assert!((found.threshold.unwrap() - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!(found.metrics["roc_auc"], model.metrics["test"]["roc_auc"]);
    let counts = found.confusion.as_ref().unwrap();
    assert_eq!(counts.labels, ["no", "yes"]);
    assert_eq!(counts.counts.iter().flatten().sum::<u64>(), 600);
    assert_eq!(counts.counts[1].iter().sum::<u64>(), found.positives);
    // Costs by hand: a false positive costs 1, a false negative 5.
    let cost = found.expected_cost.as_ref().unwrap();
    let by_hand = (counts.counts[0][1] + 5 * counts.counts[1][0]) as f64 / 600.0;
    assert!((cost.model.value - by_hand).abs() < 1e-9);
    assert!((cost.do_nothing - 5.0 * found.positives as f64 / 600.0).abs() < 1e-9);
    assert!((cost.always - (600 - found.positives) as f64 / 600.0).abs() < 1e-9);
    let rule = cost.best_rule.as_ref().unwrap();
    assert!(rule.rule.starts_with("a > "), "{}", rule.rule);
    assert!(cost.model.value < rule.cost && rule.cost < cost.do_nothing.min(cost.always));
    assert!(found.roc.len() > 50 && found.roc.len() <= 400 && !found.precision_recall.is_empty());
    assert_eq!(found.calibration.iter().map(|bin| bin.rows).sum::<u64>(), 600);
    assert_eq!(found.cost_curve.len(), 101);
    let latency = found.latency.unwrap();
    assert!((latency.p50_us - 1.0).abs() < 1e-6, "the clock ticks once: {latency:?}");
}

#[test]
fn slices_importance_and_fairness_tell_what_was_planted() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 3_000);
    let model = trained(&data, Family::Boosting);
    // Rows that are red get a random label: their slice must be the worst.
    let (Some(Column::Text(colour)), Some(Column::Text(y))) =
        (data.table.column("colour").cloned(), data.table.column("y").cloned())
    else {
        panic!("text")
    };
    let mixed = (0..3_000).map(|row| match colour.get(row) {
        Some("red") => Some(["no", "yes"][row / 3 % 2]),
        _ => y.get(row),
    });
    data.set("y", &Column::Text(TextColumn::from_cells(mixed)));
    let found = evaluated(&data, &model, 2).unwrap();
    assert_eq!(found.slices[0].name, "colour = red");
    assert!(found.slices[0].worse);
    let value = |index: usize| found.slices[index].metrics["roc_auc"].value;
    assert!((1..found.slices.len()).all(|at| value(at - 1) <= value(at)));
    assert!(found.slices.iter().any(|slice| slice.name.starts_with("a ≤ ")));
    assert!(found.slices.iter().any(|slice| slice.name.starts_with("b (")));
    let colours = found.slices.iter().filter(|slice| slice.name.starts_with("colour"));
    assert!(colours.clone().all(|slice| slice.rows >= 30));
    assert_eq!(found.importance[0].field, "a");
    assert_eq!(found.importance.len(), 3);
    assert!(found.importance[0].value > 0.05);
    let fairness = &found.fairness[0];
    assert_eq!(fairness.column, "colour");
    assert_eq!(fairness.groups.iter().map(|group| group.rows).sum::<u64>(), 600);
    let rate = |name: &str| {
        fairness.groups.iter().find(|group| group.group == name).unwrap().selection_rate.unwrap()
    };
    assert!(rate("red") > rate("blue"), "red raises the planted score");
}

#[test]
fn regression_and_several_classes_have_their_own_parts() {
    let data = Data::new(Task::Regression, Signal::Sum, 12_000);
    let found = evaluated(&data, &trained(&data, Family::Linear), 2).unwrap();
    assert_eq!(found.residuals.len(), 1_200);
    assert!(found.confusion.is_none() && found.expected_cost.is_none() && found.roc.is_empty());
    assert!(found.metrics["r2"].value > 0.85 && found.fairness.is_empty() && found.threshold.is_none());
    assert!(found.importance[0].field == "a" && found.importance[0].value > 0.0);
    let worst = &found.slices[0].metrics["rmse"];
    assert!(worst.value >= found.slices[found.slices.len() - 1].metrics["rmse"].value);

    let data = Data::new(Task::Multiclass, Signal::Sum, 1_500);
    let found = evaluated(&data, &trained(&data, Family::Linear), 2).unwrap();
    assert_eq!(found.confusion.unwrap().counts.len(), 3);
    assert!(found.metrics["log_loss"].value < 0.7 && found.residuals.is_empty());
}

#[test]
fn figures_do_not_depend_on_threads() {
    let data = Data::new(Task::Binary, Signal::Product, 2_000);
    let model = trained(&data, Family::Boosting);
    let mut one = evaluated(&data, &model, 1).unwrap();
    let mut two = evaluated(&data, &model, 2).unwrap();
    (one.latency, two.latency) = (None, None);
    assert_eq!(one, two);
}

#[test]
fn rows_without_target_give_an_error() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 300);
    let model = trained(&data, Family::Linear);
    data.set("y", &Column::Text(TextColumn::from_cells((0..300).map(|_| None))));
    let text = evaluated(&data, &model, 1).unwrap_err().to_string();
    assert!(text.contains("evaluation: 0 rows with a target"), "{text}");
}
