//! Odd but legal input: no panic, finite models, exact sums.
#![allow(clippy::unwrap_used)]
use crate::{
    BoostParams, Control, Features, ForestParams, ForestSpec, Objective, TrainSet, TrainSpec, Trained, train,
    train_forest,
};

fn check(trained: &Trained) {
    let model = &trained.model;
    assert!(model.base.iter().all(|b| b.is_finite()) && model.grid > 0.0);
    assert!(trained.train_loss.is_finite(), "{}", trained.train_loss);
    for tree in &model.trees {
        assert!(tree.leaf_value.iter().all(|v| v.is_finite() && (v / model.grid).fract() == 0.0));
        assert!(tree.threshold.iter().all(|t| t.is_finite()));
        assert_eq!(tree.leaf_value.len(), tree.feature.len() + 1);
    }
}

/// Trains boosting and a forest on columns, the last of which holds category codes if asked for.
fn run(columns: &[Vec<f32>], category: bool, y: &[f32], weights: Option<&[f32]>, objective: Objective) {
    let flags = (1..=columns.len()).map(|n| category && n == columns.len()).collect();
    let features = Features::new(columns.iter().map(|c| c.as_slice()).collect(), flags).unwrap();
    let set = TrainSet { features: &features, y, weights };
    let params = BoostParams {
        trees: Some(5),
        min_leaf: 1,
        l2: 0.0,
        leaves: 500,
        min_hessian: 0.0,
        ..BoostParams::plain()
    };
    for bins in [2, 255] {
        let params = BoostParams { bins, ..params.clone() };
        let spec = TrainSpec { objective, params, threads: 2 };
        check(&train(set, Some(set), &spec, &mut |_| Control::Continue).unwrap());
        let params = ForestParams { trees: 5, bins, min_leaf: 1, ..ForestParams::default() };
        check(
            &train_forest(set, &ForestSpec { objective, params, threads: 2 }, &mut |_| Control::Continue)
                .unwrap(),
        );
    }
}

#[test]
fn few_rows_and_empty_columns() {
    let nan = vec![f32::NAN; 3];
    run(&[vec![1.0]], false, &[1.0], None, Objective::Binary);
    run(&[vec![1.0]], true, &[7.0], None, Objective::Regression);
    run(&[nan.clone(), vec![1.0, 2.0, 3.0]], true, &[0.0, 1.0, 1.0], None, Objective::Binary);
    run(&[nan.clone(), nan], true, &[0.0, 1.0, 2.0], None, Objective::Multiclass(3));
}

#[test]
fn extreme_values_targets_and_weights() {
    let column: Vec<f32> = (0..400)
        .map(|row| match row % 5 {
            0 => f32::INFINITY,
            1 => f32::NEG_INFINITY,
            2 => f32::MAX,
            3 => f32::MIN_POSITIVE * row as f32,
            _ => -1e-40 * row as f32,
        })
        .collect();
    let codes: Vec<f32> = (0..400).map(|row| ((row * 163) % 65_536) as f32).collect();
    let y: Vec<f32> = (0..400).map(|row| if row % 7 == 0 { 1e30 } else { row as f32 * 1e-30 }).collect();
    let columns = [column, codes];
    run(&columns, true, &y, None, Objective::Regression);
    let weights: Vec<f32> = (0..400).map(|row| [0.0, 1e-30, 1.0, 1e30][row % 4]).collect();
    run(&columns, true, &y, Some(&weights), Objective::Regression);
    let classes: Vec<f32> = (0..400).map(|row| (row % 3) as f32).collect();
    run(&columns, true, &classes, Some(&weights), Objective::Multiclass(4));
    run(&columns, true, &vec![1.0; 400], Some(&weights), Objective::Binary);
}
