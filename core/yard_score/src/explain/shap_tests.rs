//! Explanations of trees against the `shap` package (fixture and script in `tests/fixtures`), and
//! invariants.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{
    forward::simd::Level,
    model::{Calibration, Link, TreeEnsemble},
    testing,
};
use serde::Deserialize;
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    rng::Rng,
    schema::FieldType,
};

#[derive(Deserialize)]
struct Reference {
    model: TreeEnsemble,
    codes: Vec<bool>,
    rows: Vec<Vec<Option<f32>>>,
    background: Vec<Vec<Option<f32>>>,
    path_dependent: Vec<Vec<f64>>,
    interventional: Vec<Vec<f64>>,
}

impl Reference {
    fn load() -> Self {
        serde_json::from_str(include_str!("../../tests/fixtures/shap_reference.json")).unwrap()
    }

    fn parts(&self) -> ScorerParts {
        let input = |(index, code): (usize, &bool)| FittedInput {
            name: format!("f{index}"),
            field_type: if *code { FieldType::Category } else { FieldType::Number },
            rules: CellRules::default(),
            categories: if *code { (10..40).map(|code| code.to_string()).collect() } else { vec![] },
        };
        let feature = |(index, code): (usize, &bool)| Feature {
            name: format!("f{index}"),
            input: index as u32,
            op: if *code { FeatureOp::Code } else { FeatureOp::Number { fill: None, scale: None } },
        };
        ScorerParts {
            task: Task::Regression,
            classes: vec![],
            recipe: FittedRecipe {
                encoding: Encoding::Trees,
                texts: Vec::new(),
                images: Vec::new(),
                pieces: Vec::new(),
                inputs: self.codes.iter().enumerate().map(input).collect(),
                features: self.codes.iter().enumerate().map(feature).collect(),
            },
            link: Link::Identity,
            calibration: Calibration::None,
            model: Model::Trees(self.model.clone()),
        }
    }
}

fn flat(rows: &[Vec<Option<f32>>]) -> Vec<f32> {
    rows.iter().flatten().map(|value| value.unwrap_or(f32::NAN)).collect()
}

fn check(explainer: &Explainer, rows: &[f32], expected: &[Vec<f64>], limit: f64) {
    let got = explainer.explain_encoded(rows).unwrap();
    assert_eq!((got.len(), expected.len()), (1000, 1000));
    let mut largest = 0.0_f64;
    for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
        for (feature, (got, expected)) in got.of_output(0).iter().zip(expected).enumerate() {
            assert!((got - expected).abs() < limit, "row {row}, feature {feature}: {got}, {expected}");
            largest = largest.max(expected.abs());
        }
        assert!(got.residual[0].abs() < 1e-12, "row {row}: {}", got.residual[0]);
    }
    assert!(largest > 1.0, "{largest}");
}

#[test]
fn path_dependent_values_equal_those_of_the_shap_package() {
    let reference = Reference::load();
    let explainer = Explainer::new(&reference.parts(), None).unwrap();
    check(&explainer, &flat(&reference.rows), &reference.path_dependent, 1e-9);
}

#[test]
fn interventional_values_equal_those_of_the_shap_package() {
    let reference = Reference::load();
    let explainer = Explainer::interventional(&reference.parts(), &flat(&reference.background)).unwrap();
    // shap rounds the weights of this method to f32.
    check(&explainer, &flat(&reference.rows), &reference.interventional, 1e-7);
    let background = explainer.scorer().margins(&flat(&reference.background)).unwrap();
    let mean = background.iter().map(|margin| f64::from(*margin)).sum::<f64>() / background.len() as f64;
    let base = explainer.explain_encoded(&flat(&reference.rows[..1])).unwrap()[0].base[0];
    assert!((base - mean).abs() < 1e-12, "{base} and {mean}");
}

#[test]
fn a_row_has_the_same_bits_alone_and_among_others() {
    let reference = Reference::load();
    let (parts, rows) = (reference.parts(), flat(&reference.rows[..43]));
    let background = flat(&reference.background);
    for explainer in
        [Explainer::new(&parts, None).unwrap(), Explainer::interventional(&parts, &background).unwrap()]
    {
        let all = explainer.explain_encoded(&rows).unwrap();
        for (row, features) in rows.chunks_exact(7).enumerate() {
            assert_eq!(explainer.explain_features(features).unwrap(), all[row], "row {row}");
        }
        let parts: Vec<_> =
            rows.chunks(7 * 5).flat_map(|rows| explainer.explain_encoded(rows).unwrap()).collect();
        assert_eq!(parts, all);
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let reference = Reference::load();
    let rows = flat(&reference.rows[..100]);
    let mut shap = super::trees::TreeShap::new(reference.model.clone());
    let kept = shap.contributions(&rows);
    for level in Level::all() {
        assert_eq!(shap.at_level(level, true).contributions(&rows), kept, "{level:?}");
    }
    assert_eq!(shap.at_level(Level::detect(), false).contributions(&rows), kept, "factors not kept");
}

#[test]
fn a_background_is_refused_where_it_has_no_meaning() {
    let reference = Reference::load();
    let parts = reference.parts();
    assert!(Explainer::interventional(&parts, &[]).is_err());
    assert!(Explainer::interventional(&parts, &[0.0; 8]).is_err());
    let linear = testing::parts(7, yard_types::run::Family::Linear, Task::Binary);
    assert!(Explainer::interventional(&linear, &[0.0; 14]).is_err());
}

#[test]
fn deep_trees_add_up() {
    let mut rng = Rng::new(31, 0);
    let mut reference = Reference::load();
    let chain = |rng: &mut Rng, depth: usize| crate::model::Tree {
        feature: (0..depth).map(|_| rng.below(5) as u32).collect(),
        threshold: (0..depth).map(|_| rng.normal() as f32).collect(),
        left: (0..depth).map(|node| if node + 1 < depth { node as i32 + 1 } else { -1 }).collect(),
        right: (0..depth).map(|node| -(node as i32) - 2).collect(),
        flags: (0..depth).map(|_| rng.below(2) as u8).collect(),
        gain: vec![0.0; depth],
        node_cover: (0..depth).map(|node| (2 * (depth - node)) as f32).collect(),
        leaf_value: (0..=depth).map(|_| rng.below(100) as f32 / 128.0).collect(),
        leaf_cover: (0..=depth).map(|leaf| if leaf == 0 { 1.0 } else { 2.0 }).collect(),
        ..crate::model::Tree::default()
    };
    reference.model.trees = vec![chain(&mut rng, 512), chain(&mut rng, 100), chain(&mut rng, 1)];
    let rows = flat(&reference.rows);
    for explainer in [
        Explainer::new(&reference.parts(), None).unwrap(),
        Explainer::interventional(&reference.parts(), &flat(&reference.background)).unwrap(),
    ] {
        for explanation in explainer.explain_encoded(&rows).unwrap() {
            assert!(explanation.residual[0].abs() < 1e-12, "{}", explanation.residual[0]);
        }
    }
}
