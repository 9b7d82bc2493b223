#![allow(clippy::unwrap_used)]
use crate::{
    Control, ForestParams, ForestSpec, Objective, Splitter, TrainSet, Trained,
    train::tests::{Data, data, hash, margin},
    train_forest,
};

fn fit(data: &Data, objective: Objective, threads: usize) -> Trained {
    fit_by(data, objective, threads, Splitter::Best)
}

fn fit_by(data: &Data, objective: Objective, threads: usize, splitter: Splitter) -> Trained {
    let features = data.features();
    let set = TrainSet { features: &features, y: &data.y, weights: None };
    let params = ForestParams { trees: 40, min_leaf: 3, splitter, ..ForestParams::default() };
    train_forest(set, &ForestSpec { objective, params, threads }, &mut |_| Control::Continue).unwrap()
}

/// Mean loss on other rows.
fn loss(trained: &Trained, data: &Data, objective: Objective) -> f64 {
    let outputs: Vec<Vec<f32>> = (0..trained.model.base.len() as u32)
        .map(|k| (0..data.y.len()).map(|row| margin(&trained.model, &data.columns, row, k) as f32).collect())
        .collect();
    let mut losses = vec![0.0; data.y.len()];
    let views: Vec<&[f32]> = outputs.iter().map(|m| m.as_slice()).collect();
    objective.loss().losses(&views, &data.y, &mut losses);
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn forests_are_equal_for_any_number_of_threads() {
    for (classes, objective) in
        [(0, Objective::Regression), (2, Objective::Binary), (3, Objective::Multiclass(3))]
    {
        let a = data(3000, 1, classes);
        let one = fit(&a, objective, 1);
        assert_eq!(hash(&one.model), hash(&fit(&a, objective, 3).model));
        assert_eq!(one.curve.len(), 3);
        assert_eq!(one.best_round, 40);
    }
}

#[test]
fn out_of_bag_losses_are_close_to_losses_on_new_rows() {
    let constant =
        [(0, Objective::Regression, 5.6), (2, Objective::Binary, 0.68), (3, Objective::Multiclass(3), 1.0)];
    for (classes, objective, base) in constant {
        let (a, b) = (data(4000, 1, classes), data(4000, 2, classes));
        let trained = fit(&a, objective, 2);
        let (oob, new) = (trained.valid_loss.unwrap(), loss(&trained, &b, objective));
        assert!((oob / new - 1.0).abs() < 0.08, "{classes}: {oob} {new}");
        assert!(new < 0.6 * base, "{classes}: {new}");
    }
}

#[test]
fn limits_hold_and_sums_are_exact() {
    let a = data(3000, 1, 2);
    let features = a.features();
    let set = TrainSet { features: &features, y: &a.y, weights: Some(&a.weights) };
    let params = ForestParams { trees: 20, leaves: 12, depth: 6, min_leaf: 10, ..ForestParams::default() };
    let spec = ForestSpec { objective: Objective::Binary, params, threads: 2 };
    let model = train_forest(set, &spec, &mut |_| Control::Continue).unwrap().model;
    assert_eq!(model.trees.len(), 20);
    assert!(model.trees.iter().all(|tree| tree.leaf_value.len() <= 12 && tree.leaf_value.len() > 4));
    for row in 0..200 {
        let exact = margin(&model, &a.columns, row, 0);
        let sum =
            model.trees.iter().rev().fold(0.0_f32, |s, t| s + crate::train::tests::value(t, &a.columns, row));
        assert_eq!(f64::from(sum + model.base[0]), exact);
    }
}

#[test]
fn random_thresholds_learn_too_and_are_equal_for_any_number_of_threads() {
    let constant =
        [(0, Objective::Regression, 5.6), (2, Objective::Binary, 0.68), (3, Objective::Multiclass(3), 1.0)];
    for (classes, objective, base) in constant {
        let (a, b) = (data(4000, 1, classes), data(4000, 2, classes));
        let one = fit_by(&a, objective, 1, Splitter::Random);
        assert_eq!(one, fit_by(&a, objective, 3, Splitter::Random));
        assert_ne!(one.model, fit(&a, objective, 2).model);
        let new = loss(&one, &b, objective);
        assert!(new < 0.7 * base, "{classes}: {new}");
    }
    let hashes = hash(&fit_by(&data(2000, 1, 3), Objective::Multiclass(3), 2, Splitter::Random).model);
    assert_eq!(hashes, 0x8b25_ec53_b416_d7db, "{hashes:#x}");
}

/// Accuracy or R² on other rows is what the out-of-bag score promises.
#[test]
fn out_of_bag_scores_are_close_to_scores_on_new_rows() {
    for (classes, objective) in
        [(0, Objective::Regression), (2, Objective::Binary), (3, Objective::Multiclass(3))]
    {
        let (a, b) = (data(4000, 1, classes), data(4000, 2, classes));
        let trained = fit(&a, objective, 2);
        let oob = trained.out_of_bag.unwrap();
        let at = |row: usize, k: u32| margin(&trained.model, &b.columns, row, k);
        let right = |row: usize| match classes {
            2 => (at(row, 0) >= 0.0) == (b.y[row] > 0.5),
            _ => (0..classes).all(|k| at(row, k) <= at(row, b.y[row] as u32)),
        };
        let new = if classes == 0 {
            let mean = b.y.iter().map(|y| f64::from(*y)).sum::<f64>() / 4000.0;
            let spread: f64 = b.y.iter().map(|y| (f64::from(*y) - mean).powi(2)).sum();
            1.0 - (0..4000).map(|row| (f64::from(b.y[row]) - at(row, 0)).powi(2)).sum::<f64>() / spread
        } else {
            (0..4000).filter(|&row| right(row)).count() as f64 / 4000.0
        };
        assert!((oob.score - new).abs() < 0.03, "{classes}: {} {new}", oob.score);
        assert!(oob.rows > 3990 && oob.loss == trained.valid_loss.unwrap());
    }
}
