#![allow(clippy::unwrap_used, clippy::panic)]

//! Damaged and hostile models: each must be refused by [`crate::scorer::Scorer::new`].

use crate::{
    error::ScoreError,
    model::{Calibration, Link, Model, ScorerParts, Sum, Tree, TreeEnsemble},
    scorer::Scorer,
    testing::{FAMILIES, parts, table},
};
use yard_types::{
    frame::Task,
    recipe::{FeatureOp, Scale},
    rng::Rng,
    run::Family,
};

fn refused(family: Family, change: impl FnOnce(&mut ScorerParts)) -> ScoreError {
    let mut parts = parts(3, family, Task::Binary);
    assert!(Scorer::new(&parts).is_ok());
    change(&mut parts);
    Scorer::new(&parts).unwrap_err()
}

fn trees(parts: &mut ScorerParts) -> &mut TreeEnsemble {
    if let Model::Trees(model) = &mut parts.model { model } else { panic!("trees") }
}

/// A tree that has at least two splits.
fn tree(parts: &mut ScorerParts) -> &mut Tree {
    let trees = trees(parts).trees.iter_mut();
    trees.filter(|tree| tree.feature.len() > 3).nth(1).unwrap()
}

#[test]
fn trees_that_are_no_trees() {
    let problem = |word: &str, change: fn(&mut Tree)| {
        let error = refused(Family::Boosting, |parts| change(tree(parts))).to_string();
        assert!(error.contains(word), "{word}: {error}");
    };
    problem("two parents", |tree| tree.left[1] = 0);
    problem("two parents", |tree| tree.right[0] = tree.left[0]);
    problem("does not exist", |tree| tree.left[0] = 1_000_000);
    problem("does not exist", |tree| tree.left[0] = i32::MIN);
    problem("does not exist", |tree| tree.feature[0] = 99);
    problem("not finite", |tree| tree.threshold[0] = f32::NAN);
    problem("not finite", |tree| tree.threshold[0] = f32::INFINITY);
    problem("unknown flags", |tree| tree.flags[0] = 4);
    problem("negative", |tree| tree.node_cover[0] = -1.0);
    problem("finite", |tree| tree.leaf_cover[0] = f32::NAN);
    problem("number of flags", |tree| tree.flags.truncate(1));
    problem("number of leaf values", |tree| tree.leaf_value.push(0.0));
    problem("grid", |tree| tree.leaf_value[0] = 1.0 / 3.0);
    problem("grid", |tree| tree.leaf_value[0] = f32::NAN);
    problem("output", |tree| tree.output = 1);
    let category = |word: &str, threshold: f32| {
        let error = refused(Family::Boosting, |parts| {
            let tree = tree(parts);
            tree.feature[0] = 6;
            tree.flags[0] |= crate::model::CATEGORY_SPLIT;
            tree.threshold[0] = threshold;
        });
        assert!(error.to_string().contains(word), "{word}: {error}");
    };
    category("whole number", 0.5);
    category("whole number", -1.0);
    category("whole number", 1e20);
    category("does not exist", 1000.0);
    problem("no category code", |tree| {
        tree.feature[0] = 0;
        tree.flags[0] |= crate::model::CATEGORY_SPLIT;
    });
    let error = refused(Family::Boosting, |parts| {
        for tree in &mut trees(parts).trees {
            tree.category_words.iter_mut().for_each(|word| *word = u32::MAX);
        }
    });
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[test]
fn sums_that_f32_can_not_hold() {
    let off_grid = |change: fn(&mut TreeEnsemble)| {
        let error = refused(Family::Boosting, |parts| change(trees(parts)));
        assert!(matches!(error, ScoreError::OffGrid { .. }), "{error}");
    };
    off_grid(|model| model.grid = 0.3);
    off_grid(|model| model.grid = 0.0);
    off_grid(|model| model.grid = f32::NAN);
    off_grid(|model| model.base[0] = 1e-9);
    off_grid(|model| model.base[0] = 32_768.0);
    off_grid(|model| model.trees[0].leaf_value[0] = 16_384.5);
}

#[test]
fn trees_of_other_libraries_that_do_not_hold() {
    let damaged = |word: &str, change: fn(&mut TreeEnsemble)| {
        let ordered = |model: &mut TreeEnsemble| {
            (model.grid, model.sum) = (0.0, Sum::OrderedF64 { divide_by: 2.0 });
            for tree in &mut model.trees {
                tree.leaf_exact = tree.leaf_value.iter().map(|value| f64::from(*value)).collect();
            }
        };
        let mut whole = parts(3, Family::Boosting, Task::Binary);
        ordered(trees(&mut whole));
        assert!(Scorer::new(&whole).is_ok());
        change(trees(&mut whole));
        let error = Scorer::new(&whole).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    };
    damaged("grid step", |model| model.grid = 0.5);
    damaged("divided by", |model| model.sum = Sum::OrderedF64 { divide_by: 0.0 });
    damaged("divided by", |model| model.sum = Sum::OrderedF64 { divide_by: f64::NAN });
    damaged("exact leaf values", |model| model.sum = Sum::OrderedF32 {});
    damaged("exact leaf values", |model| model.trees[0].leaf_exact.clear());
    damaged("in f32", |model| model.trees[1].leaf_exact[0] += 1.0);
    damaged("finite", |model| model.trees[1].leaf_value[0] = f32::NAN);
    damaged("in f32", |model| model.trees[1].leaf_exact[0] = f64::NAN);
    damaged("finite", |model| model.base[0] = f32::INFINITY);
    damaged("output of tree", |model| model.trees[0].output = 9);
    damaged("grid step", |model| model.sum = Sum::Grid);
}

#[test]
fn ranks_that_are_none() {
    let rank = |cuts: &[f64]| {
        let cuts = cuts.to_vec();
        refused(Family::Boosting, |parts| {
            parts.recipe.features[0].op = FeatureOp::Rank { cuts, zero_missing: false };
        })
    };
    for cuts in [&[f64::NAN][..], &[1.0, 0.0], &[1.0, 1.0], &[0.0, -0.0]] {
        assert!(rank(cuts).to_string().contains("ascending"), "{cuts:?}");
    }
}

#[test]
fn chains_longer_than_the_limit() {
    let chain = |splits: usize| Tree {
        feature: vec![0; splits],
        threshold: vec![0.0; splits],
        left: (0..splits)
            .map(|node| if node + 1 < splits { node as i32 + 1 } else { -(splits as i32) - 1 })
            .collect(),
        right: (0..splits).map(|node| -(node as i32) - 1).collect(),
        flags: vec![0; splits],
        gain: vec![0.0; splits],
        node_cover: vec![1.0; splits],
        leaf_value: vec![0.0; splits + 1],
        leaf_cover: vec![1.0; splits + 1],
        ..Tree::default()
    };
    let mut parts = parts(3, Family::Boosting, Task::Binary);
    trees(&mut parts).trees = vec![chain(512)];
    let explainer = crate::explain::Explainer::new(&parts, None).unwrap();
    assert!(explainer.explain_features(&[0.0; 7]).is_ok());
    trees(&mut parts).trees = vec![chain(100_000)];
    assert!(matches!(Scorer::new(&parts), Err(ScoreError::Tree { problem: "deeper than 512 splits", .. })));
}

#[test]
fn recipes_that_do_not_fit() {
    let problem = |word: &str, change: fn(&mut ScorerParts)| {
        let error = refused(Family::Linear, change);
        let named = matches!(error, ScoreError::Recipe { .. } | ScoreError::Shape { .. });
        assert!(named && error.to_string().contains(word), "{word}: {error}");
    };
    problem("does not exist", |parts| parts.recipe.features[0].input = 6);
    problem("does not fit", |parts| parts.recipe.features[0].op = FeatureOp::Code);
    problem("does not fit", |parts| parts.recipe.features[0].op = FeatureOp::OneHot { code: 0 });
    problem("code 7", |parts| parts.recipe.features[6].op = FeatureOp::OneHot { code: 7 });
    problem("can be missing", |parts| parts.recipe.features[6].op = FeatureOp::Code);
    problem("not finite", |parts| {
        parts.recipe.features[0].op = FeatureOp::Number { fill: Some(f64::NAN), scale: None };
    });
    problem("not finite", |parts| {
        let scale = Some(Scale { mean: 0.0, inverse_sd: f64::INFINITY });
        parts.recipe.features[0].op = FeatureOp::Number { fill: Some(0.0), scale };
    });
    problem("appears twice", |parts| parts.recipe.inputs[2].name = "a".to_owned());
    problem("not sorted", |parts| parts.recipe.inputs[1].categories.swap(0, 1));
    problem("there are none", |parts| parts.recipe.features.clear());
    problem("number of", |parts| parts.recipe.features.truncate(3));
}

#[test]
fn outcomes_that_do_not_fit() {
    for family in FAMILIES {
        refused(family, |parts| parts.task = Task::Regression);
        refused(family, |parts| parts.task = Task::Multiclass);
        refused(family, |parts| parts.link = Link::Softmax);
        refused(family, |parts| parts.classes.truncate(1));
        refused(family, |parts| parts.classes.clear());
        refused(family, |parts| parts.classes[0] = parts.classes[1].clone());
        for (slope, intercept) in [(0.0, 0.0), (-1.0, 0.0), (f64::NAN, 0.0), (1.0, f64::INFINITY)] {
            refused(family, |parts| parts.calibration = Calibration::Platt { slope, intercept });
        }
    }
    refused(Family::Mlp, |parts| {
        let Model::Net(net) = &mut parts.model else { panic!("net") };
        net.scale = 2.0;
    });
    refused(Family::Mlp, |parts| {
        let Model::Net(net) = &mut parts.model else { panic!("net") };
        net.layers.clear();
    });
    refused(Family::Mlp, |parts| {
        let Model::Net(net) = &mut parts.model else { panic!("net") };
        net.layers[1].bias.clear();
        net.layers[1].weights.clear();
        net.layers[2].inputs = 0;
        net.layers[2].weights.clear();
    });
    refused(Family::Linear, |parts| {
        let Model::Linear(model) = &mut parts.model else { panic!("linear") };
        model.weights[3] = f32::INFINITY;
    });
}

/// Random changes of random numbers in the JSON of a model: refused or scored, never a panic.
#[test]
fn random_changes_never_panic() {
    let mut rng = Rng::new(8, 0);
    let (mut refused, mut scored) = (0, 0);
    let table = table(1, 10);
    for round in 0..3_000 {
        let parts = parts(3, FAMILIES[round % 3], Task::Binary);
        let text = serde_json::to_string(&parts).unwrap();
        let digits: Vec<usize> =
            text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
        let mut bytes = text.into_bytes();
        for _ in 0..=rng.below(2) {
            let at = digits[rng.below(digits.len() as u64) as usize];
            bytes[at] = b"0123456789e-,"[rng.below(13) as usize];
        }
        let Ok(parts) = serde_json::from_slice::<ScorerParts>(&bytes) else { continue };
        match Scorer::new(&parts) {
            Err(_) => refused += 1,
            Ok(scorer) => {
                scored += 1;
                let _ = scorer.score_table(&table);
                let explainer = crate::explain::Explainer::new(&parts, None).unwrap();
                let _ = explainer.explain_features(&vec![0.0; scorer.encoder().n_features()]);
            }
        }
    }
    assert!(refused > 100 && scored > 100, "{refused} refused, {scored} scored");
}
