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
        let params = BoostParams { trees: Some(100), learning_rate: 0.1, ..BoostParams::plain() };
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

/// What the target is made of the signal.
#[derive(Clone, Copy, Debug)]
enum Made {
    Signal,
    Amount,
    Count,
}

/// Target, objective, loss of `LightGBM` 4.7.0 with the same objective (`fixtures/objectives.py`).
const OBJECTIVES: [(Made, Objective, f64); 8] = [
    (Made::Signal, Objective::Absolute, 0.578_21),
    (Made::Signal, Objective::Huber(Some(0.8)), 0.298_68),
    (Made::Signal, Objective::Quantile(0.9), 0.126_29),
    (Made::Signal, Objective::Quantile(0.2), 0.192_13),
    (Made::Amount, Objective::Gamma, 1.325_02),
    (Made::Amount, Objective::Absolute, 0.780_49),
    (Made::Count, Objective::Poisson, -0.235_82),
    (Made::Count, Objective::Tweedie(1.3), 5.186_50),
];

fn made(mut data: Data, made: Made) -> Data {
    for y in &mut data.y {
        *y = match made {
            Made::Signal => *y,
            Made::Amount => (0.5 * *y).exp(),
            Made::Count => (1.5 * *y).max(0.0).floor(),
        };
    }
    data
}

#[test]
fn objectives_of_a_regression_are_as_good_as_lightgbms() {
    for (target, objective, peer) in OBJECTIVES {
        let (a, b) = (made(data(6000, 1, 0), target), made(data(4000, 2, 0), target));
        let features = a.features();
        let params = BoostParams { trees: Some(100), learning_rate: 0.1, ..BoostParams::plain() };
        let set = TrainSet { features: &features, y: &a.y, weights: None };
        let spec = TrainSpec { objective, params, threads: 2 };
        let model = train(set, None, &spec, &mut |_| Control::Continue).unwrap().model;
        let ours = loss(&model, &b, objective);
        assert!(ours < peer + 0.04 * peer.abs(), "{target:?} {objective:?}: {ours} {peer}");
        // Leaves that hold Huber's location, not a step of clipped slopes, are much better than the peer.
        assert!(ours > peer - 0.3 * peer.abs(), "{target:?} {objective:?}: {ours} {peer}");
    }
}
