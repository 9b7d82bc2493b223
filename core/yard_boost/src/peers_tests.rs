//! Losses on new rows against those of independent libraries with the same settings on the same data
//! (`fixtures/peers.py`).
#![allow(clippy::unwrap_used)]
use crate::{
    BoostParams, Control, ForestParams, ForestSpec, Objective, TrainSet, TrainSpec, train,
    train::tests::{Data, data, margin},
    train_forest,
};
use yard_score::model::TreeEnsemble;

/// Classes, loss of `LightGBM` 4.7.0, loss of scikit-learn 1.9.1's forest.
const PEERS: [(u32, f64, f64); 3] =
    [(0, 0.443_69, 1.498_13), (2, 0.220_00, 0.301_09), (3, 0.387_31, 0.483_34)];

fn objective(classes: u32) -> Objective {
    match classes {
        0 => Objective::Regression,
        2 => Objective::Binary,
        k => Objective::Multiclass(k),
    }
}

fn loss(model: &TreeEnsemble, test: &Data, objective: Objective) -> f64 {
    let outputs: Vec<Vec<f32>> = (0..model.base.len() as u32)
        .map(|k| (0..test.y.len()).map(|row| margin(model, &test.columns, row, k) as f32).collect())
        .collect();
    let mut losses = vec![0.0; test.y.len()];
    let views: Vec<&[f32]> = outputs.iter().map(|m| m.as_slice()).collect();
    objective.loss().losses(&views, &test.y, &mut losses);
    losses.iter().sum::<f64>() / losses.len() as f64
}

#[test]
fn boosting_is_as_good_as_lightgbm() {
    for (classes, peer, _) in PEERS {
        let (a, b) = (data(6000, 1, classes), data(4000, 2, classes));
        let features = a.features();
        let params = BoostParams { trees: Some(100), learning_rate: 0.1, ..BoostParams::default() };
        let spec = TrainSpec { objective: objective(classes), params, threads: 2 };
        let set = TrainSet { features: &features, y: &a.y, weights: None };
        let model = train(set, None, &spec, &mut |_| Control::Continue).unwrap().model;
        let ours = loss(&model, &b, spec.objective);
        assert!(ours < 1.03 * peer && ours > 0.8 * peer, "{classes}: {ours} {peer}");
    }
}

#[test]
fn forests_are_as_good_as_scikit_learns() {
    for (classes, _, peer) in PEERS {
        let (a, b) = (data(6000, 1, classes), data(4000, 2, classes));
        let features = a.features();
        let spec = ForestSpec { objective: objective(classes), params: ForestParams::default(), threads: 2 };
        let set = TrainSet { features: &features, y: &a.y, weights: None };
        let model = train_forest(set, &spec, &mut |_| Control::Continue).unwrap().model;
        let ours = loss(&model, &b, spec.objective);
        assert!(ours < 1.02 * peer, "{classes}: {ours} {peer}");
    }
}
