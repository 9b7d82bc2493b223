#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{
    forward::trees::goes_left,
    model::Tree,
    testing::{self, FAMILIES, TASKS},
};
use yard_types::{frame::Task, rng::Rng, run::Family};

/// The path-dependent value function: known features follow the row, unknown ones are averaged by cover.
fn value_of(tree: &Tree, child: i32, x: &[f32], known: u32) -> f64 {
    if child < 0 {
        return f64::from(tree.leaf_value[-(child + 1) as usize]);
    }
    let node = child as usize;
    let (left, right) = (tree.left[node], tree.right[node]);
    if known >> tree.feature[node] & 1 == 1 {
        return value_of(tree, if goes_left(tree, node, x) { left } else { right }, x, known);
    }
    let cover = |child: i32| {
        f64::from(if child < 0 {
            tree.leaf_cover[-(child + 1) as usize]
        } else {
            tree.node_cover[child as usize]
        })
    };
    let (a, b) = (cover(left), cover(right));
    let (a, b) = if a + b > 0.0 { (a, b) } else { (1.0, 1.0) };
    (a * value_of(tree, left, x, known) + b * value_of(tree, right, x, known)) / (a + b)
}

/// Shapley values by their definition, over all subsets.
fn shapley(tree: &Tree, x: &[f32]) -> Vec<f64> {
    let n = x.len() as u32;
    let root = if tree.feature.is_empty() { -1 } else { 0 };
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let of_feature = |feature: u32| {
        let subsets = (0_u32..1 << n).filter(|subset| subset >> feature & 1 == 0);
        let terms = subsets.map(|subset| {
            let size = subset.count_ones();
            let weight = factorial(size) * factorial(n - size - 1) / factorial(n);
            weight * (value_of(tree, root, x, subset | 1 << feature) - value_of(tree, root, x, subset))
        });
        terms.sum()
    };
    (0..n).map(of_feature).collect()
}

#[test]
fn tree_shap_equals_the_definition() {
    let mut rng = Rng::new(21, 0);
    let mut largest = 0.0_f64;
    for round in 0..400 {
        let tree = testing::tree(&mut rng, round % 14, 5, 0);
        let model = crate::model::TreeEnsemble {
            n_features: 5,
            base: vec![0.5],
            grid: 1.0 / 1024.0,
            sum: crate::model::Sum::Grid,
            trees: vec![tree],
        };
        let shap = super::trees::TreeShap::new(model.clone());
        let draw = |rng: &mut Rng| if rng.below(6) == 0 { f32::NAN } else { rng.normal() as f32 };
        let mut x: Vec<f32> = (0..4).map(|_| draw(&mut rng)).collect();
        x.push(rng.below(9) as f32);
        let (got, expected) = (shap.contributions(&x), shapley(&model.trees[0], &x));
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-12, "round {round}: {got} and {expected}");
            largest = largest.max(expected.abs());
        }
        let root = if model.trees[0].feature.is_empty() { -1 } else { 0 };
        assert!((shap.base()[0] - 0.5 - value_of(&model.trees[0], root, &x, 0)).abs() < 1e-12);
    }
    assert!(largest > 0.5, "the trees say something: {largest}");
}

#[test]
fn contributions_add_up_to_the_margin() {
    let table = testing::table(3, 200);
    for (family, task) in FAMILIES.into_iter().flat_map(|family| TASKS.map(|task| (family, task))) {
        let parts = testing::parts(7, family, task);
        let scorer = Scorer::new(&parts).unwrap();
        let rows: Vec<u32> = (0..200)
            .filter(|row| match table.column("a").unwrap().value(*row as usize) {
                FieldValue::Number(a) => a.abs() < 1e3,
                _ => true,
            })
            .collect();
        let means = feature_means(&scorer, &table, Rows::List(&rows)).unwrap();
        let explainer = Explainer::new(&parts, Some(&means)).unwrap();
        let scores = scorer.score_rows(&table, Rows::List(&rows)).unwrap();
        for (row, explanation) in
            explainer.explain_rows(&table, Rows::List(&rows)).unwrap().iter().enumerate()
        {
            assert_eq!(explanation.margins, scores.row(row).unwrap().margins);
            for output in 0..scorer.outputs() {
                let sum: f64 = explanation.of_output(output).iter().sum();
                let margin = f64::from(explanation.margins[output]);
                let residual = explanation.residual[output];
                assert!(
                    (explanation.base[output] + sum + residual - margin).abs()
                        < 1e-12 * margin.abs().max(1.0)
                );
                let limit = match explanation.method {
                    Method::TreeShap | Method::Interventional => 1e-12,
                    Method::Linear => 1e-6,
                    Method::IntegratedGradients | Method::Permutations | Method::Ensemble => 1e-5,
                };
                assert!(
                    residual.abs() <= limit * margin.abs().max(5.0),
                    "{family:?} {task:?} row {row}: {residual}"
                );
            }
        }
    }
}

#[test]
fn linear_contributions_are_weight_times_distance() {
    let parts = testing::parts(7, Family::Linear, Task::Regression);
    let Model::Linear(model) = &parts.model else { panic!("linear") };
    let explainer = Explainer::new(&parts, None).unwrap();
    let mut x = vec![0.0; 14];
    x[1] = 2.0; // feature 1 comes from input 0, as does feature 13
    x[13] = 1.0;
    let explanation = explainer.explain_features(&x).unwrap();
    let expected = 2.0 * f64::from(model.weights[1]) + f64::from(model.weights[13]);
    assert!((explanation.of_output(0)[0] - expected).abs() < 1e-12);
    assert_eq!(explanation.ranked(0)[0].0, 0);
    assert_eq!(explanation.base, [f64::from(model.bias[0])]);
    assert!(explanation.of_output(1).is_empty());
}

#[test]
fn a_net_without_hidden_units_is_explained_exactly() {
    let mut parts = testing::parts(7, Family::Mlp, Task::Regression);
    let Model::Net(net) = &mut parts.model else { panic!("net") };
    let bias = vec![0.25];
    net.layers = vec![crate::model::DenseLayer {
        inputs: 14,
        weights: (0..14).map(|j| j as f32 * 0.5 - 3.0).collect(),
        bias,
        activation: crate::model::Activation::Identity,
    }];
    (net.scale, net.shift) = (3.0, -1.0);
    let explainer = Explainer::new(&parts, None).unwrap();
    let x: Vec<f32> = (0..14).map(|j| 1.0 - j as f32 * 0.125).collect();
    let explanation = explainer.explain_features(&x).unwrap();
    assert!((explanation.base[0] - (0.25 * 3.0 - 1.0)).abs() < 1e-12);
    assert!(explanation.residual[0].abs() < 1e-5);
}

#[test]
fn a_reference_of_the_wrong_length_is_refused() {
    let parts = testing::parts(7, Family::Linear, Task::Binary);
    assert!(Explainer::new(&parts, Some(&[0.0])).is_err());
    assert!(Explainer::new(&parts, Some(&[f32::NAN; 14])).is_err());
    let explainer = Explainer::new(&parts, None).unwrap();
    assert!(explainer.explain_features(&[0.0]).is_err());
    assert!(explainer.explain(&[FieldValue::Missing; 6]).is_ok());
}
