#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    loss::Objective,
    params::BoostParams,
    train::{
        Control, TrainSet, TrainSpec, Trained,
        tests::{Data, data},
        train, train_from,
    },
};
use yard_score::model::Sum;

fn spec(objective: Objective, trees: u32, threads: usize) -> TrainSpec {
    let params = BoostParams {
        trees: Some(trees),
        learning_rate: 0.1,
        bagging_fraction: 0.8,
        feature_fraction: 0.7,
        min_cat_rows: 10,
        ..BoostParams::plain()
    };
    TrainSpec { objective, params, threads }
}

fn fit(start: Option<&TreeEnsemble>, data: &Data, spec: &TrainSpec) -> Trained {
    let features = data.features();
    let set = TrainSet { features: &features, y: &data.y, weights: None };
    match start {
        None => train(set, None, spec, &mut |_| Control::Continue).unwrap(),
        Some(start) => train_from(start, set, None, spec, &mut |_| Control::Continue).unwrap(),
    }
}

#[test]
fn rounds_in_two_parts_are_the_rounds_in_one() {
    for (classes, objective) in [(2, Objective::Binary), (3, Objective::Multiclass(3))] {
        let data = data(9_000, 1, classes);
        let whole = fit(None, &data, &spec(objective, 30, 1)).model;
        let first = fit(None, &data, &spec(objective, 12, 1)).model;
        for threads in [1, 2, 8] {
            let both = fit(Some(&first), &data, &spec(objective, 18, threads));
            assert_eq!(both.model, whole, "{classes} classes, {threads} threads");
            assert_eq!(both.best_round, 18);
        }
    }
}

#[test]
fn new_rows_go_on_from_the_model_and_the_grid_holds() {
    let (old, new) = (data(5_000, 1, 0), data(4_000, 9, 0));
    let first = fit(None, &old, &spec(Objective::Regression, 20, 1)).model;
    let mut wild = spec(Objective::Regression, 40, 2);
    wild.params.learning_rate = 1.5;
    wild.params.l2 = 0.0;
    for spec in [spec(Objective::Regression, 20, 2), wild] {
        let trained = fit(Some(&first), &new, &spec);
        let model = &trained.model;
        let top = |tree: &yard_score::model::Tree| {
            tree.leaf_value.iter().fold(0.0_f64, |top, value| top.max(f64::from(value.abs())))
        };
        let bound = f64::from(model.base[0].abs()) + model.trees.iter().map(top).sum::<f64>();
        assert!(bound <= f64::from(model.grid) * 16_777_216.0);
        assert!(
            model.trees.len() > 20
                && model.trees[..20]
                    .iter()
                    .zip(&first.trees)
                    .all(|(a, b)| { a.threshold == b.threshold && a.feature == b.feature })
        );
        // Reported losses are those of the model, computed by the scorer.
        let features = new.features();
        let found = margins(model, &features).unwrap();
        let error = |(margin, y): (&f32, &f32)| (f64::from(*margin) - f64::from(*y)).powi(2);
        let loss = found[0].iter().zip(&new.y).map(error).sum::<f64>() / 4_000.0;
        assert!((loss / trained.train_loss - 1.0).abs() < 1e-12, "{loss} {}", trained.train_loss);
    }
}

#[test]
fn a_model_that_does_not_fit_is_named() {
    let data = data(500, 1, 2);
    let features = data.features();
    let set = TrainSet { features: &features, y: &data.y, weights: None };
    let spec = spec(Objective::Binary, 3, 1);
    let good = fit(None, &data, &spec).model;
    let fail = |change: fn(&mut TreeEnsemble)| {
        let mut model = good.clone();
        change(&mut model);
        train_from(&model, set, None, &spec, &mut |_| Control::Continue).unwrap_err().to_string()
    };
    assert!(fail(|model| model.n_features = 4).contains("number of features"));
    assert!(fail(|model| model.base.push(0.0)).contains("2 outputs"));
    assert!(fail(|model| model.sum = Sum::OrderedF32 {}).contains("another library"));
    assert!(fail(|model| model.trees[0].left[0] = 99).contains("does not exist"));
    assert!(fail(|model| model.trees[0].leaf_value[0] = f32::NAN).contains("can't go on"));
}
