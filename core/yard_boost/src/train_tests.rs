#![allow(clippy::unwrap_used)]
use super::*;
use yard_score::model::{CATEGORY_SPLIT, MISSING_LEFT, Tree};
use yard_types::rng;

/// Columns: four numbers, one of them with missing values and infinities, one category of 12 codes.
pub(crate) struct Data {
    pub(crate) columns: Vec<Vec<f32>>,
    pub(crate) y: Vec<f32>,
    pub(crate) weights: Vec<f32>,
}

pub(crate) fn data(rows: usize, seed: u64, classes: u32) -> Data {
    let u = |stream: u64, row: usize| rng::uniform(seed, stream, row as u64) as f32;
    let all = 0..rows;
    let mut columns: Vec<Vec<f32>> =
        (0..4).map(|f| all.clone().map(|row| u(f, row) * 6.0 - 3.0).collect()).collect();
    for (row, value) in columns[2].iter_mut().enumerate() {
        match (u(20, row) * 20.0) as u32 {
            0 | 1 => *value = f32::NAN,
            2 => *value = f32::INFINITY,
            3 => *value = f32::NEG_INFINITY,
            4 => *value = -0.0,
            _ => {}
        }
    }
    columns.push(all.clone().map(|row| (u(4, row) * 12.0).floor()).collect());
    let signal = |row: usize| {
        let c = &columns;
        let missing = if c[2][row].is_nan() { 1.5 } else { c[2][row].clamp(-2.0, 2.0) * 0.5 };
        let level = [1.0, -1.0, 0.5, 2.0, -2.0, 0.0, 1.5, -0.5, 0.7, -1.2, 0.1, 3.0][c[4][row] as usize];
        0.5 * c[0][row] * c[1][row] + missing + level + u(21, row) * 2.0 - 1.0
    };
    let y = all.clone().map(|row| match classes {
        0 => signal(row),
        2 => f32::from(signal(row) > 0.0),
        k => ((signal(row) + 4.0) / 8.0 * k as f32).clamp(0.0, k as f32 - 1.0).floor(),
    });
    let y = y.collect();
    Data { y, weights: all.map(|row| (u(22, row) * 4.0).floor()).collect(), columns }
}

impl Data {
    pub(crate) fn features(&self) -> Features<'_> {
        let flags = (0..self.columns.len()).map(|f| f == 4).collect();
        Features::new(self.columns.iter().map(|c| c.as_slice()).collect(), flags).unwrap()
    }
}

/// Value of a tree, by the definition of the scorer's types.
pub(crate) fn value(tree: &Tree, columns: &[Vec<f32>], row: usize) -> f32 {
    let mut at = if tree.feature.is_empty() { -1 } else { 0 };
    while at >= 0 {
        let node = at as usize;
        let x = columns[tree.feature[node] as usize][row];
        let left = if x.is_nan() {
            tree.flags[node] & MISSING_LEFT != 0
        } else if tree.flags[node] & CATEGORY_SPLIT != 0 {
            let offset = tree.threshold[node] as usize;
            let (code, words) = (x as usize, tree.category_words[offset] as usize);
            code / 32 < words && tree.category_words[offset + 1 + code / 32] >> (code % 32) & 1 == 1
        } else {
            x <= tree.threshold[node]
        };
        at = if left { tree.left[node] } else { tree.right[node] };
    }
    tree.leaf_value[(-(at + 1)) as usize]
}

pub(crate) fn margin(model: &TreeEnsemble, columns: &[Vec<f32>], row: usize, output: u32) -> f64 {
    let trees = model.trees.iter().filter(|tree| tree.output == output);
    trees.fold(f64::from(model.base[output as usize]), |m, tree| m + f64::from(value(tree, columns, row)))
}

fn spec(objective: Objective, threads: usize) -> TrainSpec {
    let params = BoostParams {
        trees: Some(40),
        learning_rate: 0.1,
        bagging_fraction: 0.8,
        feature_fraction: 0.7,
        min_cat_rows: 10,
        ..BoostParams::plain()
    };
    TrainSpec { objective, params, threads }
}

fn fit(data: &Data, valid: Option<&Data>, spec: &TrainSpec) -> Trained {
    let (features, valid_features) = (data.features(), valid.map(|v| v.features()));
    let set = TrainSet { features: &features, y: &data.y, weights: None };
    let valid =
        valid.zip(valid_features.as_ref()).map(|(v, features)| TrainSet { features, y: &v.y, weights: None });
    train(set, valid, spec, &mut |_| Control::Continue).unwrap()
}

fn objective(classes: u32) -> Objective {
    match classes {
        0 => Objective::Regression,
        2 => Objective::Binary,
        k => Objective::Multiclass(k),
    }
}

/// Hash over all bits of a model (FNV-1a).
pub(crate) fn hash(model: &TreeEnsemble) -> u64 {
    // Without what only models of other libraries have.
    let text = format!("{model:?}").replace("sum: Grid, ", "").replace("leaf_exact: [], ", "");
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn models_are_equal_for_any_number_of_threads() {
    for classes in [0, 2, 3] {
        let (a, b) = (data(70_000, 1, classes), data(5_000, 2, classes));
        let models: Vec<Trained> =
            [1, 2, 8].map(|threads| fit(&a, Some(&b), &spec(objective(classes), threads))).into();
        assert_eq!(models[0], models[1], "{classes}");
        assert_eq!(models[0], models[2], "{classes}");
    }
}

/// The same in a debug and a release build, on any machine: change it only with the method.
#[test]
fn the_model_is_the_one_on_record() {
    let hashes = [0, 2, 3]
        .map(|classes| hash(&fit(&data(3000, 1, classes), None, &spec(objective(classes), 2)).model));
    assert_eq!(hashes, RECORD, "{hashes:#x?}");
}
const RECORD: [u64; 3] = [0xcbc6_5e3a_d7ae_18c5, 0x9d62_8fe0_d51c_f8a5, 0xfc83_541c_ecfe_31fd];

#[test]
fn reported_losses_are_those_of_the_model_in_the_scorers_form() {
    for classes in [0, 2, 3] {
        let (a, b) = (data(6000, 1, classes), data(3000, 2, classes));
        let trained = fit(&a, Some(&b), &spec(objective(classes), 2));
        let loss = objective(classes).loss();
        for (part, reported) in [(&a, trained.train_loss), (&b, trained.valid_loss.unwrap())] {
            let outputs: Vec<Vec<f32>> = (0..trained.model.base.len() as u32)
                .map(|k| {
                    (0..part.y.len())
                        .map(|row| margin(&trained.model, &part.columns, row, k) as f32)
                        .collect()
                })
                .collect();
            let mut losses = vec![0.0; part.y.len()];
            loss.losses(&outputs.iter().map(|m| m.as_slice()).collect::<Vec<_>>(), &part.y, &mut losses);
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            assert!((mean / reported - 1.0).abs() < 1e-12, "{classes}: {mean} {reported}");
        }
        assert_eq!(trained.curve[trained.best_round as usize - 1].valid_loss, trained.valid_loss);
    }
}

#[test]
fn every_partial_sum_is_exact_in_any_order() {
    for classes in [0, 2] {
        let a = data(4000, 1, classes);
        let model = fit(&a, None, &spec(objective(classes), 1)).model;
        for row in (0..4000).step_by(41) {
            let exact = margin(&model, &a.columns, row, 0);
            let mut values: Vec<f32> = model.trees.iter().map(|tree| value(tree, &a.columns, row)).collect();
            values.push(model.base[0]);
            for seed in 0..5 {
                rng::Rng::new(seed, 7).shuffle(&mut values);
                let sum = values.iter().fold(0.0_f32, |sum, v| sum + v);
                assert_eq!(f64::from(sum), exact);
            }
            assert!(values.iter().all(|v| (v / model.grid).fract() == 0.0));
        }
    }
}

#[test]
fn outgrowing_the_grid_rounds_again_and_stays_exact() {
    let a = data(2000, 1, 2);
    let mut spec = spec(Objective::Binary, 1);
    spec.params.learning_rate = 5.0;
    spec.params.l2 = 0.0;
    spec.params.min_hessian = 0.0;
    let trained = fit(&a, None, &spec);
    let top = |tree: &Tree| tree.leaf_value.iter().fold(0.0_f64, |t, v| t.max(f64::from(v.abs())));
    let bound: f64 = trained.model.trees.iter().map(top).sum();
    assert!(bound > 48.0, "{bound}");
    for row in 0..2000 {
        let exact = margin(&trained.model, &a.columns, row, 0);
        let sum =
            trained.model.trees.iter().fold(trained.model.base[0], |s, t| s + value(t, &a.columns, row));
        assert_eq!(f64::from(sum), exact);
    }
    assert_eq!(trained.curve[trained.best_round as usize - 1].train_loss, trained.train_loss);
}

#[test]
fn early_stopping_keeps_the_best_round() {
    let (a, b) = (data(600, 1, 2), data(600, 2, 2));
    let mut spec = spec(Objective::Binary, 1);
    spec.params.trees = None;
    spec.params.learning_rate = 0.3;
    spec.params.early_stopping = 10;
    let trained = fit(&a, Some(&b), &spec);
    let losses: Vec<f64> = trained.curve.iter().map(|round| round.valid_loss.unwrap()).collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(trained.valid_loss, Some(best));
    assert_eq!(losses[trained.best_round as usize - 1], best);
    assert_eq!(trained.curve.len(), trained.best_round as usize + 10);
    assert_eq!(trained.model.trees.len(), trained.best_round as usize);
}

#[test]
fn weights_are_repetitions_of_rows() {
    let mut a = data(1500, 1, 0);
    a.columns.iter_mut().flatten().for_each(|x| *x = (*x * 8.0).floor() / 8.0);
    let features = a.features();
    let mut spec = spec(Objective::Regression, 1);
    spec.params.bagging_fraction = 1.0;
    spec.params.min_cat_rows = 0;
    spec.params.min_leaf = 1;
    spec.params.min_hessian = 20.0;
    let set = TrainSet { features: &features, y: &a.y, weights: Some(&a.weights) };
    let weighted = train(set, None, &spec, &mut |_| Control::Continue).unwrap();
    let rows: Vec<usize> = (0..1500).flat_map(|row| vec![row; a.weights[row] as usize]).collect();
    let pick = |column: &Vec<f32>| rows.iter().map(|&row| column[row]).collect();
    let repeated = Data { columns: a.columns.iter().map(pick).collect(), y: pick(&a.y), weights: Vec::new() };
    let other = fit(&repeated, None, &spec);
    assert!((weighted.train_loss / other.train_loss - 1.0).abs() < 1e-3);
    let cover: f32 = weighted.model.trees[0].leaf_cover.iter().sum();
    assert_eq!(cover, a.weights.iter().sum::<f32>());
    let (first, second) = (&weighted.model.trees[0], &other.model.trees[0]);
    assert_eq!((first.feature[0], first.node_cover[0]), (second.feature[0], second.node_cover[0]));
}

#[test]
fn the_observer_stops_and_bad_input_is_named() {
    let a = data(500, 1, 2);
    let features = a.features();
    let set = TrainSet { features: &features, y: &a.y, weights: None };
    let spec = spec(Objective::Binary, 1);
    let mut seen = 0;
    let trained = train(set, None, &spec, &mut |round| {
        seen = round.step;
        if round.step == 3 { Control::Stop } else { Control::Continue }
    });
    assert_eq!((seen, trained.unwrap().model.trees.len()), (3, 3));
    let fail = |set: TrainSet, valid: Option<TrainSet>| {
        train(set, valid, &spec, &mut |_| Control::Continue).unwrap_err().to_string()
    };
    assert!(fail(TrainSet { y: &a.y[1..], ..set }, None).contains("499 values, expected 500"));
    let minus = vec![-1.0; 500];
    assert!(fail(TrainSet { weights: Some(&minus), ..set }, None).contains("weight of row 0 is -1"));
    assert!(fail(TrainSet { weights: Some(&[0.0; 500]), ..set }, None).contains("all 500 weights are 0"));
    let one = Features::new(vec![&a.columns[0]], vec![false]).unwrap();
    assert!(fail(set, Some(TrainSet { features: &one, ..set })).contains("has 1 features"));
    let codes = Features::new(vec![&a.columns[0]], vec![true]).unwrap_err().to_string();
    assert!(codes.contains("is not a category code"), "{codes}");
    assert_eq!(Features::new(vec![], vec![]).unwrap_err(), BoostError::Empty { rows: 0, features: 0 });
}

#[test]
fn constant_targets_and_columns_give_the_base() {
    let x = vec![1.0; 50];
    let features = Features::new(vec![&x], vec![false]).unwrap();
    let set = TrainSet { features: &features, y: &[2.5; 50], weights: None };
    let trained = train(set, None, &spec(Objective::Regression, 1), &mut |_| Control::Continue).unwrap();
    assert_eq!((trained.model.base[0], trained.model.trees.len(), trained.train_loss), (2.5, 0, 0.0));
}
