#![allow(clippy::unwrap_used)]
//! More bins than a byte holds.

use crate::{
    data::Features,
    loss::Objective,
    params::{BoostParams, Direction},
    train::{
        Control, TrainSet, TrainSpec, Trained,
        tests::{Data, data, margin},
        train,
    },
};

fn fit(data: &Data, objective: Objective, params: BoostParams, threads: usize) -> Trained {
    let features = data.features();
    let set = TrainSet { features: &features, y: &data.y, weights: None };
    train(set, None, &TrainSpec { objective, params, threads }, &mut |_| Control::Continue).unwrap()
}

fn params(bins: u32) -> BoostParams {
    let plain = BoostParams::plain();
    BoostParams {
        trees: Some(25),
        learning_rate: 0.1,
        bagging_fraction: 0.8,
        min_cat_rows: 10,
        bins,
        ..plain
    }
}

/// Few distinct values need no more than a byte: the same bits on the fast path.
#[test]
fn what_fits_a_byte_stays_there() {
    let mut data = data(4_000, 1, 2);
    data.columns.iter_mut().flatten().for_each(|x| *x = (*x * 16.0).floor() / 16.0);
    let narrow = fit(&data, Objective::Binary, params(255), 1);
    assert_eq!(narrow, fit(&data, Objective::Binary, params(65_535), 1));
}

#[test]
fn models_are_equal_for_any_number_of_threads_and_report_their_own_loss() {
    // More rows than a word of the histogram holds, so that both kinds of sums are met.
    let data = data(70_000, 1, 0);
    let trained = fit(&data, Objective::Regression, params(9_000), 1);
    for threads in [2, 8] {
        assert_eq!(trained, fit(&data, Objective::Regression, params(9_000), threads), "{threads} threads");
    }
    let error = |row: usize| (margin(&trained.model, &data.columns, row, 0) - f64::from(data.y[row])).powi(2);
    // The loss is that of every fifth row: at most 16,384 are looked at.
    let loss = (0..70_000).step_by(5).map(error).sum::<f64>() / 14_000.0;
    assert!((loss / trained.train_loss - 1.0).abs() < 1e-9, "{loss} {}", trained.train_loss);
    let narrow = fit(&data, Objective::Regression, params(255), 2);
    assert!((trained.train_loss / narrow.train_loss - 1.0).abs() < 0.05);
    let distinct = |trained: &Trained| {
        let all = trained.model.trees.iter().flat_map(|tree| tree.feature.iter().zip(&tree.threshold));
        let mut own: Vec<u32> = all.filter(|(f, _)| **f == 0).map(|(_, t)| t.to_bits()).collect();
        own.sort_unstable();
        own.dedup();
        own.len()
    };
    assert!(distinct(&trained) > 0);
}

/// With a bin for each value the root is the best threshold there is.
#[test]
fn the_root_is_the_exact_split() {
    let n = 3_000;
    let x: Vec<f32> =
        (0..n).map(|row| if row % 11 == 0 { f32::NAN } else { (row * 7_919 % n) as f32 * 0.37 }).collect();
    let noise = |row: usize| (row * 31 % 17) as f32 / 40.0;
    let y: Vec<f32> =
        x.iter().enumerate().map(|(row, x)| f32::from(*x > 431.7 || x.is_nan()) + noise(row)).collect();
    let features = Features::new(vec![&x], vec![false]).unwrap();
    let set = TrainSet { features: &features, y: &y, weights: None };
    let plain = BoostParams { trees: Some(1), leaves: 2, l2: 0.0, bins: 65_535, ..BoostParams::plain() };
    let spec = |params| TrainSpec { objective: Objective::Regression, params, threads: 1 };
    let model = train(set, None, &spec(plain.clone()), &mut |_| Control::Continue).unwrap().model;
    let mean = y.iter().map(|y| f64::from(*y)).sum::<f64>() / n as f64;
    let gain = |threshold: f32, missing: bool| {
        let left = |x: &f32| if x.is_nan() { missing } else { *x <= threshold };
        let part = |side: bool| {
            let own = x.iter().zip(&y).filter(|(x, _)| left(x) == side).map(|(_, y)| f64::from(*y) - mean);
            let (sum, count) = own.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            if count < 20.0 { f64::NEG_INFINITY } else { sum * sum / count }
        };
        part(true) + part(false)
    };
    let tree = &model.trees[0];
    let found = gain(tree.threshold[0], tree.flags[0] & 1 == 1);
    let best = x.iter().flat_map(|x| [gain(*x, true), gain(*x, false)]).fold(0.0, f64::max);
    assert!((found / best - 1.0).abs() < 1e-6, "{found} {best}");
    assert!((tree.threshold[0] - 431.7).abs() < 0.5 && tree.flags[0] & 1 == 0, "{}", tree.threshold[0]);
    let up =
        BoostParams { trees: Some(30), leaves: 31, monotone: vec![("0".to_owned(), Direction::Up)], ..plain };
    let model = train(set, None, &spec(up), &mut |_| Control::Continue).unwrap().model;
    let grid = vec![(0..1_110).map(|at| at as f32).collect::<Vec<f32>>()];
    let margins: Vec<f64> = (0..1_110).map(|row| margin(&model, &grid, row, 0)).collect();
    assert!(margins.windows(2).all(|pair| pair[0] <= pair[1]));
}
