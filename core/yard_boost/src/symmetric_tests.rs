//! Symmetric trees: one question a level, the gain that it is chosen by, and what is left as it is.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{
    BoostParams, Control, Features, Growth, Objective, TrainSet, TrainSpec, Trained, params::Direction, train,
};

fn params() -> BoostParams {
    BoostParams { growth: Growth::Symmetric, min_leaf: 1, trees: Some(1), l2: 0.0, ..BoostParams::plain() }
}

fn fit(x: &[Vec<f32>], categorical: &[bool], y: &[f32], params: &BoostParams, threads: usize) -> Trained {
    let features = Features::new(x.iter().map(Vec::as_slice).collect(), categorical.to_vec()).unwrap();
    let spec = TrainSpec { objective: Objective::Regression, params: params.clone(), threads };
    let set = TrainSet { features: &features, y, weights: None };
    train(set, None, &spec, &mut |_| Control::Continue).unwrap()
}

/// Values of a grid of three columns, and of a target that needs two of them.
fn grid(rows: usize) -> (Vec<Vec<f32>>, Vec<f32>) {
    let column = |step: usize, modulus: usize| (0..rows).map(|row| (row * step % modulus) as f32).collect();
    let x: Vec<Vec<f32>> = vec![column(7, 13), column(5, 11), column(3, 17)];
    let y = (0..rows).map(|row| 3.0 * f32::from(x[0][row] > 6.0) + f32::from(x[1][row] > 4.0)).collect();
    (x, y)
}

/// The split of all rows that lowers the squared error most when every leaf of `leaves` is divided by it, by
/// definition.
fn best_by_hand(x: &[Vec<f32>], y: &[f32], leaves: &[Vec<usize>]) -> (usize, f32) {
    let score = |rows: &[usize]| {
        let sum: f64 = rows.iter().map(|row| f64::from(y[*row])).sum();
        if rows.is_empty() { 0.0 } else { sum * sum / rows.len() as f64 }
    };
    let mut best = (f64::NEG_INFINITY, 0, 0.0);
    for (feature, column) in x.iter().enumerate() {
        let mut values = column.clone();
        values.sort_by(f32::total_cmp);
        values.dedup();
        for pair in values.windows(2) {
            let threshold = f32::midpoint(pair[0], pair[1]);
            let gain: f64 = leaves
                .iter()
                .map(|rows| {
                    let (left, right): (Vec<usize>, Vec<usize>) =
                        rows.iter().partition(|row| column[**row] <= threshold);
                    score(&left) + score(&right)
                })
                .sum();
            if gain > best.0 + 1e-6 {
                best = (gain, feature, threshold);
            }
        }
    }
    (best.1, best.2)
}

#[test]
fn every_leaf_of_a_level_is_asked_the_best_common_question() {
    let (x, y) = grid(600);
    let trained = fit(&x, &[false; 3], &y, &BoostParams { depth: 3, ..params() }, 1);
    let tree = &trained.model.trees[0];
    let mut leaves: Vec<Vec<usize>> = vec![(0..y.len()).collect()];
    let mut level = vec![0_i32];
    for _ in 0..2 {
        let (feature, threshold) = best_by_hand(&x, &y, &leaves);
        let mut next = Vec::new();
        let mut parts = Vec::new();
        for (node, rows) in level.iter().zip(&leaves) {
            assert!(*node >= 0, "every leaf of the first levels is divided");
            let at = *node as usize;
            assert_eq!((tree.feature[at] as usize, tree.threshold[at]), (feature, threshold));
            let (left, right): (Vec<usize>, Vec<usize>) =
                rows.iter().partition(|row| x[feature][**row] <= threshold);
            parts.extend([left, right]);
            next.extend([tree.left[at], tree.right[at]]);
        }
        (level, leaves) = (next, parts);
    }
    assert!(tree.leaf_value.len() <= 8);
}

#[test]
fn models_are_equal_for_any_number_of_threads() {
    let (x, y) = grid(5_000);
    let params = BoostParams {
        trees: Some(20),
        learning_rate: 0.3,
        bagging_fraction: 0.7,
        feature_fraction: 0.7,
        ..params()
    };
    let alone = fit(&x, &[false, false, true], &y, &params, 1);
    assert_eq!(alone, fit(&x, &[false, false, true], &y, &params, 2));
    assert_eq!(alone, fit(&x, &[false, false, true], &y, &params, 8));
    assert!(alone.train_loss < 0.2, "{}", alone.train_loss);
}

#[test]
fn small_sides_stay_and_a_direction_holds() {
    let (x, y) = grid(400);
    let params = BoostParams { trees: Some(30), min_leaf: 40, ..params() };
    let trained = fit(&x, &[false; 3], &y, &params, 1);
    for tree in &trained.model.trees {
        assert!(tree.leaf_cover.iter().all(|cover| *cover >= 40.0), "{:?}", tree.leaf_cover);
    }
    let features = Features::new(x.iter().map(Vec::as_slice).collect(), vec![false; 3]).unwrap();
    let name = features.name(0);
    let down = BoostParams { monotone: vec![(name, Direction::Down)], ..params };
    let trained = fit(&x, &[false; 3], &y, &down, 1);
    // The target rises with it, so no division by it may gain.
    assert!(trained.model.trees.iter().all(|tree| !tree.feature.contains(&0)));
    assert!(trained.model.trees.iter().any(|tree| tree.feature.contains(&1)));
}

#[test]
fn missing_values_and_wide_features_are_divided() {
    let rows = 3_000;
    let wide: Vec<f32> = (0..rows).map(|row| (row * 17 % 2_999) as f32).collect();
    let holes: Vec<f32> =
        (0..rows).map(|row| if row % 3 == 0 { f32::NAN } else { (row % 5) as f32 }).collect();
    let y: Vec<f32> = (0..rows)
        .map(|row| f32::from(wide[row] > 1_000.0) + if holes[row].is_nan() { 2.0 } else { 0.0 })
        .collect();
    let params = BoostParams { bins: 3_000, trees: Some(40), learning_rate: 0.3, ..params() };
    let trained = fit(&[wide, holes], &[false, false], &y, &params, 1);
    assert!(trained.train_loss < 1e-3, "{}", trained.train_loss);
}
