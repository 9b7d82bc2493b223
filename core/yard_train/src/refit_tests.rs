//! Refits and the metric along the curve, on small tables with a known signal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    TrainError, TrainOutput, reproduce,
    test_data::{Data, Signal, context, spec, ticking},
    train,
};
use yard_score::{encode, model::Model, scorer::Scorer};
use yard_types::{
    frame::Task,
    metric::{better, default_metric},
    run::{Family, RunSpec},
};

const FAMILIES: [Family; 4] = [Family::Linear, Family::Boosting, Family::Forest, Family::Mlp];

fn quick(family: Family, refit: Option<&str>) -> RunSpec {
    let params: &[(&str, &str)] = match family {
        Family::Boosting => &[("trees", "80"), ("learning_rate", "0.2"), ("early_stopping", "10")],
        Family::Forest => &[("trees", "40")],
        Family::Mlp => &[("layers", "16"), ("epochs", "40"), ("learning_rate", "0.02"), ("patience", "4")],
        _ => &[],
    };
    let mut spec = spec(family, params);
    spec.params.extend(refit.map(|refit| ("refit".to_owned(), refit.to_owned())));
    spec
}

fn run(data: &Data, spec: &RunSpec) -> Result<TrainOutput, TrainError> {
    let clock = ticking();
    train(&data.input(), spec, &context(2, &clock))
}

/// The same rows with validation rows counted as training rows.
fn joined(data: Data) -> Data {
    let mut split = data.split.clone();
    split.train.append(&mut split.validation);
    split.train.sort_unstable();
    Data { split, ..data }
}

#[test]
fn a_refit_is_the_run_with_the_found_settings_on_all_rows() {
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        for family in FAMILIES {
            let data = Data::new(task, Signal::Product, 700);
            let plain = run(&data, &quick(family, None)).unwrap();
            let refit = run(&data, &quick(family, Some("true"))).unwrap();
            assert_eq!(refit.selected.as_ref(), Some(&plain.parts), "{family:?}");
            assert_eq!(refit.steps, plain.steps);
            assert_ne!(refit.parts.model, plain.parts.model);
            assert_eq!(refit.parts.calibration, plain.parts.calibration);
            assert_eq!(refit.params["refit"], "true");
            assert!(refit.notes.last().unwrap().starts_with("refitted on 560 "), "{:?}", refit.notes);
            let mut fixed = plain.params.clone();
            if family == Family::Boosting {
                // So few rows choose the number of rounds by folds.
                let Model::Trees(model) = &refit.parts.model else { panic!("boosting gives trees") };
                let rounds = model.trees.len() / model.base.len();
                assert!(rounds != plain.steps as usize && rounds > 0, "{rounds} rounds");
                fixed.extend(
                    [("trees", rounds.to_string()), ("early_stopping", "0".to_owned())]
                        .map(|(name, value)| (name.to_owned(), value)),
                );
            }
            if family == Family::Mlp {
                continue;
            }
            let by_hand = run(&joined(data), &RunSpec { params: fixed, ..quick(family, None) }).unwrap();
            assert_eq!(by_hand.parts.model, refit.parts.model, "{family:?} {task:?}");
            assert_eq!(by_hand.parts.recipe, refit.parts.recipe);
        }
    }
}

#[test]
fn validation_figures_are_of_the_model_that_did_not_see_these_rows() {
    for family in FAMILIES {
        let data = Data::new(Task::Binary, Signal::Sum, 600);
        let plain = run(&data, &quick(family, Some("false"))).unwrap();
        let refit = run(&data, &quick(family, Some("true"))).unwrap();
        assert_eq!(refit.metrics["validation"], plain.metrics["validation"], "{family:?}");
        assert_eq!(refit.curve, plain.curve);
        assert!(plain.selected.is_none() && plain.params["refit"] == "false");
        let scorer = Scorer::new(&refit.parts).unwrap();
        let rows = encode::Rows::List(&data.split.test);
        let p = scorer.score_rows(&data.table, rows).unwrap().class_probabilities(1);
        let mean = p.iter().map(|p| f64::from(*p)).sum::<f64>() / p.len() as f64;
        let refitted_brier = refit.metrics["test"]["brier"].value;
        assert!(refitted_brier > 0.0 && (0.0..1.0).contains(&mean));
        assert_ne!(refit.metrics["test"], plain.metrics["test"]);
    }
}

#[test]
fn a_refit_reproduces_from_its_record() {
    let data = Data::new(Task::Regression, Signal::Product, 500);
    for family in FAMILIES {
        let spec = quick(family, Some("true"));
        let first = run(&data, &spec).unwrap();
        let kept = (first.family, &first.params);
        let again = run(&data, &reproduce::single_run(&spec, kept)).unwrap();
        assert_eq!(again.parts, first.parts, "{family:?}");
    }
}

#[test]
fn a_refit_without_test_rows_and_odd_words_are_refused() {
    let mut data = Data::new(Task::Binary, Signal::Sum, 200);
    let text = run(&data, &quick(Family::Linear, Some("maybe"))).unwrap_err().to_string();
    assert!(text.contains("refit=maybe") && text.contains("true or false"), "{text}");
    data.split.test.clear();
    let text = run(&data, &quick(Family::Linear, Some("true"))).unwrap_err().to_string();
    assert!(text.contains("needs validation rows"), "{text}");
    assert!(run(&data, &quick(Family::Linear, Some("false"))).is_ok());
}

#[test]
fn curves_hold_the_metric_on_validation_rows() {
    for task in [Task::Binary, Task::Multiclass, Task::Regression] {
        let data = Data::new(task, Signal::Sum, 900);
        for family in FAMILIES {
            let output = run(&data, &quick(family, None)).unwrap();
            let metric = default_metric(task);
            let reported = output.metrics["validation"][metric].value;
            let kept = output.curve.iter().find(|point| point.step == output.steps).unwrap();
            let value = kept.validation_metric.unwrap();
            // Calibration of several classes and the log loss apart, the figures are the reported ones.
            assert!((value - reported).abs() < 1e-6 * reported, "{family:?} {task:?}: {value} {reported}");
            let measured = output.curve.iter().filter_map(|point| point.validation_metric);
            let measured: Vec<f64> = measured.collect();
            assert!(measured.len() >= output.curve.len().min(20), "{family:?}: {}", measured.len());
            // The step of the least loss is close to the best one by the metric.
            let best =
                measured.iter().fold(value, |best, own| if better(metric, *own, best) { *own } else { best });
            assert!((best - value).abs() < 0.05 * value, "{family:?} {task:?}: {value} of {measured:?}");
        }
    }
}
