#![allow(clippy::unwrap_used)]
//! What the leaf grid costs: trees whose leaf values keep all bits of f32, and the same trees with their values on
//! the grid. (Two trainings, with and without, take different splits in time, as any change of a bit makes
//! them do; that says nothing of the grid.)

use crate::{
    binned::Binners,
    constraints::Constraints,
    grid::Grid,
    loss::Objective,
    params::BoostParams,
    train::{TrainSet, tests},
    trainer::{Ready, Setting, Trainer},
};
use yard_score::model::TreeEnsemble;

fn fit(data: &tests::Data) -> TreeEnsemble {
    let features = data.features();
    let params = BoostParams { trees: Some(200), learning_rate: 0.05, ..BoostParams::plain() };
    let part = TrainSet { features: &features, y: &data.y, weights: None }.part();
    let loss = Objective::Binary.loss();
    let constraints = Constraints::default();
    let binners = Binners::find(&features, params.bins, 0);
    let own = Ready::new(part, &binners);
    let setting = Setting { loss: loss.as_ref(), params: &params, constraints: &constraints, start: None };
    let mut trainer = Trainer::new(binners, own, None, setting).unwrap();
    trainer.free();
    let curve = (1..=200).map(|step| {
        assert!(trainer.round(step - 1));
        trainer.losses(step)
    });
    let curve = curve.collect();
    trainer.finish(curve).unwrap().model
}

/// Area under the ROC curve by the mean rank of positive rows, ties shared.
fn auc(scores: &[f64], y: &[f32]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut at, mut ranks) = (0.0, 0.0);
    for group in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let n = group.len() as f64;
        let ones = group.iter().filter(|&&row| y[row] == 1.0).count() as f64;
        ranks += ones * (at + f64::midpoint(n, 1.0));
        at += n;
    }
    let ones = y.iter().filter(|&&y| y == 1.0).count() as f64;
    (ranks - ones * (ones + 1.0) / 2.0) / (ones * (y.len() as f64 - ones))
}

#[test]
fn the_grid_costs_less_than_half_a_thousandth_of_auc_on_five_sets() {
    for (seed, rows) in [(1, 400), (2, 1_000), (3, 3_000), (4, 6_000), (5, 12_000)] {
        let (train, test) = (tests::data(rows, seed, 2), tests::data(4_000, seed + 100, 2));
        let free = fit(&train);
        let mut rounded = free.clone();
        // The grid that a classifier starts on: its leaves may sum up to 64.
        let grid = Grid::for_bound(64.0);
        for value in rounded.trees.iter_mut().flat_map(|tree| &mut tree.leaf_value) {
            *value = grid.round(f64::from(*value));
        }
        let [on, off] = [&rounded, &free].map(|model| {
            let margins: Vec<f64> =
                (0..test.y.len()).map(|row| tests::margin(model, &test.columns, row, 0)).collect();
            (auc(&margins, &test.y), margins)
        });
        assert_ne!(on.1, off.1, "the comparison must differ in something");
        assert!((on.0 - off.0).abs() < 0.0005, "{rows} rows: {} {}", on.0, off.0);
        let apart = on.1.iter().zip(&off.1).fold(0.0_f64, |top, (a, b)| top.max((a - b).abs()));
        assert!(apart < 200.0 * f64::from(grid.step()), "{rows} rows: margins {apart} apart");
        assert!(on.0 > 0.85, "{rows} rows: {}", on.0);
    }
}
