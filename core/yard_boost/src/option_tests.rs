//! What each option of boosting promises, and that it keeps models equal bit for bit.
#![allow(clippy::unwrap_used)]
use crate::{
    BoostError, BoostParams, Control, Objective, TrainSet, TrainSpec, Trained, train,
    train::tests::{Data, data, hash, margin, value},
};
use std::collections::BTreeMap;
use yard_score::model::{Tree, TreeEnsemble};

fn params(pairs: &[(&str, &str)]) -> BoostParams {
    let mut map = BTreeMap::from([("trees".to_owned(), "30".to_owned())]);
    let plain = [
        ("learning_rate", "0.1"),
        ("leaves", "31"),
        ("min_leaf", "20"),
        ("feature_fraction", "1"),
        ("bagging_fraction", "1"),
        ("min_cat_rows", "2"),
    ];
    map.extend(plain.map(|(name, value)| (name.to_owned(), value.to_owned())));
    map.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    BoostParams::from_params(&map).unwrap()
}

fn try_fit(data: &Data, task: Objective, params: BoostParams, threads: usize) -> Result<Trained, BoostError> {
    let features = data.features().with_names(["a", "b", "c", "d", "kind"].map(str::to_owned).to_vec());
    let set = TrainSet { features: &features, y: &data.y, weights: None };
    let spec = TrainSpec { objective: params.objective(task)?, params, threads };
    train(set, None, &spec, &mut |_| Control::Continue)
}

fn fit(data: &Data, task: Objective, pairs: &[(&str, &str)]) -> TreeEnsemble {
    try_fit(data, task, params(pairs), 2).unwrap().model
}

/// Targets that no objective refuses.
fn positive(mut data: Data) -> Data {
    data.y.iter_mut().for_each(|y| *y = (*y * 0.3).exp());
    data
}

const OPTIONS: [&[(&str, &str)]; 11] = [
    &[("objective", "absolute")],
    &[("objective", "huber")],
    &[("objective", "quantile"), ("alpha", "0.8"), ("bagging_fraction", "0.7")],
    &[("objective", "poisson")],
    &[("objective", "gamma")],
    &[("objective", "tweedie"), ("power", "1.4")],
    &[("l1", "2.5"), ("min_gain", "0.01")],
    &[("monotone", "a:+,c:-")],
    &[("interactions", "a,b;c,kind")],
    &[("goss", "0.2,0.1")],
    &[("objective", "absolute"), ("goss", "0.3,0.2")],
];

#[test]
fn models_are_equal_for_any_number_of_threads() {
    let data = positive(data(40_000, 1, 0));
    for option in OPTIONS {
        let models =
            [1, 2, 8].map(|threads| try_fit(&data, Objective::Regression, params(option), threads).unwrap());
        assert!(models[0] == models[1] && models[0] == models[2], "{option:?}");
        assert!(models[0].train_loss < models[0].curve[0].train_loss, "{option:?}");
    }
}

/// The same in a debug and a release build, on any machine: change it only with the method.
#[test]
fn the_models_are_the_ones_on_record() {
    let data = positive(data(2500, 1, 0));
    let hashes = OPTIONS.map(|option| hash(&fit(&data, Objective::Regression, option)));
    assert_eq!(hashes, RECORD, "{hashes:#x?}");
}
const RECORD: [u64; 11] = [
    0x0776_48df_0114_dd80,
    0x002e_f899_3331_a1c1,
    0xc660_7c82_6567_46d4,
    0x3214_510a_9858_6a95,
    0xd7e7_354c_3da5_64dd,
    0x5e19_7260_9f01_8041,
    0x3d47_9bea_0dde_a393,
    0xd536_87ce_0a9d_e1ac,
    0x8088_c5f0_8597_9ead,
    0x4c7f_8ac8_021a_851d,
    0x49c3_d1f8_171e_5d4e,
];

#[test]
fn predictions_never_go_the_wrong_way() {
    let mut data = data(5000, 1, 0);
    let model = fit(&data, Objective::Regression, &[("monotone", "a:+,b:-"), ("leaves", "63")]);
    let free = fit(&data, Objective::Regression, &[("leaves", "63")]);
    let rows: Vec<usize> = (0..5000).step_by(97).collect();
    let mut wrong_when_free = 0;
    for (feature, sign) in [(0, 1.0), (1, -1.0)] {
        let column = data.columns[feature].clone();
        let (mut last, mut last_free) = (vec![f64::NEG_INFINITY; 5000], vec![f64::NEG_INFINITY; 5000]);
        for step in -40..=40 {
            data.columns[feature].fill(step as f32 * 0.08);
            for &row in &rows {
                let now = sign * margin(&model, &data.columns, row, 0);
                assert!(now >= last[row], "feature {feature}, row {row}, step {step}");
                last[row] = now;
                let now = sign * margin(&free, &data.columns, row, 0);
                wrong_when_free += u32::from(now < last_free[row]);
                last_free[row] = now;
            }
        }
        data.columns[feature] = column;
    }
    assert!(wrong_when_free > 100);
}

/// Features on each path of a tree.
fn paths(tree: &Tree) -> Vec<Vec<u32>> {
    let mut out = Vec::new();
    let mut open = vec![(0_i32, Vec::new())];
    while let Some((at, mut path)) = open.pop() {
        if at < 0 || tree.feature.is_empty() {
            out.push(path);
            continue;
        }
        path.push(tree.feature[at as usize]);
        open.push((tree.left[at as usize], path.clone()));
        open.push((tree.right[at as usize], path));
    }
    out
}

#[test]
fn only_features_of_one_group_meet_on_a_path() {
    let data = data(5000, 1, 0);
    let model = fit(&data, Objective::Regression, &[("interactions", "a,b,kind;c,b")]);
    let groups: [&[u32]; 3] = [&[0, 1, 4], &[1, 2], &[3]];
    let mut met = 0;
    for path in model.trees.iter().flat_map(paths) {
        assert!(groups.iter().any(|group| path.iter().all(|f| group.contains(f))), "{path:?}");
        met += u32::from(path.contains(&0) && path.contains(&1));
    }
    assert!(met > 10, "{met}");
}

#[test]
fn l1_shrinks_leaves_and_takes_back_splits() {
    let data = data(3000, 1, 0);
    let size = |l1: &str| {
        let model = fit(&data, Objective::Regression, &[("l1", l1), ("trees", "5")]);
        let leaves: usize = model.trees.iter().map(|tree| tree.leaf_value.len()).sum();
        let top = model.trees.iter().flat_map(|t| &t.leaf_value).fold(0.0_f32, |t, v| t.max(v.abs()));
        (leaves, top)
    };
    let (none, some, all) = (size("0"), size("100"), size("1000000"));
    assert!(some.1 < none.1 && all.0 < some.0, "{none:?} {some:?} {all:?}");
}

#[test]
fn one_leaf_of_an_absolute_objective_is_the_median_of_its_residuals() {
    let data = data(2000, 1, 0);
    let pairs = [("objective", "absolute"), ("trees", "1"), ("learning_rate", "1")];
    let model = fit(&data, Objective::Regression, &pairs);
    let tree = &model.trees[0];
    for leaf in 0..tree.leaf_value.len() {
        let mut inside: Vec<f32> = (0..2000)
            .filter(|&row| value(tree, &data.columns, row) == tree.leaf_value[leaf])
            .map(|row| data.y[row] - model.base[0])
            .collect();
        inside.sort_by(f32::total_cmp);
        let (low, high) = (inside[(inside.len() - 1) / 2], inside[inside.len() / 2]);
        assert!((low - 1e-3..=high + 1e-3).contains(&tree.leaf_value[leaf]));
    }
}

#[test]
fn quantiles_cover_their_share() {
    let (a, b) = (data(6000, 1, 0), data(4000, 2, 0));
    for (alpha, low, high) in [("0.1", 0.06, 0.17), ("0.5", 0.45, 0.55), ("0.9", 0.84, 0.94)] {
        let pairs = [("objective", "quantile"), ("alpha", alpha), ("trees", "100")];
        let model = fit(&a, Objective::Regression, &pairs);
        let below =
            (0..4000).filter(|&row| f64::from(b.y[row]) <= margin(&model, &b.columns, row, 0)).count();
        assert!((low..=high).contains(&(below as f64 / 4000.0)), "{alpha}: {below}");
    }
}

#[test]
fn class_weights_are_row_weights() {
    let data = data(3000, 1, 2);
    let features = data.features();
    let weights: Vec<f32> = data.y.iter().map(|y| if *y > 0.5 { 3.0 } else { 1.0 }).collect();
    let set = TrainSet { features: &features, y: &data.y, weights: Some(&weights) };
    let spec = TrainSpec { objective: Objective::Binary, params: params(&[]), threads: 1 };
    let own = train(set, None, &spec, &mut |_| Control::Continue).unwrap();
    assert_eq!(own.model, fit(&data, Objective::Binary, &[("class_weight", "1,3")]));
    let balanced = fit(&data, Objective::Binary, &[("class_weight", "balanced")]);
    assert!(balanced.base[0].abs() < 1e-6, "{}", balanced.base[0]);
    let text = try_fit(&data, Objective::Binary, params(&[("class_weight", "1,2,3")]), 1).unwrap_err();
    assert!(text.to_string().contains("2 numbers, one per class, not 3"), "{text}");
    assert!(try_fit(&data, Objective::Regression, params(&[("class_weight", "balanced")]), 1).is_err());
}

#[test]
fn constraints_name_features_that_exist() {
    let data = data(500, 1, 0);
    for (name, value) in [("monotone", "tenure:+"), ("monotone", "kind:+"), ("interactions", "a,x")] {
        let error = try_fit(&data, Objective::Regression, params(&[(name, value)]), 1).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("features among a, b, c, d") && text.contains(name), "{text}");
    }
}
