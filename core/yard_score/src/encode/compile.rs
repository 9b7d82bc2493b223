//! Checks of a recipe: inputs, and steps that fit them. Knows no values.

use super::{Fill, Op, Step};
use crate::error::ScoreError;
use yard_types::{
    recipe::{Feature, FeatureOp, FittedRecipe, Scale},
    schema::FieldType,
};

pub(super) fn check_inputs(recipe: &FittedRecipe) -> Result<(), ScoreError> {
    let problem = |name: &str, problem: &str| ScoreError::Recipe {
        what: format!("input {}", crate::error::quoted(name)),
        problem: problem.to_owned(),
    };
    let mut names = std::collections::BTreeSet::new();
    for input in &recipe.inputs {
        if !names.insert(input.name.as_str()) {
            return Err(problem(&input.name, "the name appears twice"));
        }
        if input.categories.len() >= 1 << 24 {
            return Err(problem(&input.name, "more than 16,777,215 categories"));
        }
        if input.categories.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(problem(&input.name, "categories are not sorted and distinct"));
        }
    }
    Ok(())
}

pub(super) fn compile(recipe: &FittedRecipe, index: usize, feature: &Feature) -> Result<Step, ScoreError> {
    let problem = |problem: String| ScoreError::Recipe {
        what: format!("feature {index} {}", crate::error::quoted(&feature.name)),
        problem,
    };
    let Some(input) = recipe.inputs.get(feature.input as usize) else {
        return Err(problem(format!("input {} does not exist", feature.input)));
    };
    let finite = |fill: Option<f64>, scale: Option<Scale>| {
        fill.is_none_or(f64::is_finite)
            && scale.is_none_or(|scale| scale.mean.is_finite() && scale.inverse_sd.is_finite())
    };
    let mismatch = || problem(format!("the step does not fit a {} field", input.field_type.word()));
    let op = match (&feature.op, input.field_type) {
        (FeatureOp::Number { fill, scale }, FieldType::Number | FieldType::Integer | FieldType::Boolean) => {
            if !finite(*fill, *scale) {
                return Err(problem("fill or scale is not finite".to_owned()));
            }
            Op::Number(Fill::new(*fill, *scale))
        }
        (FeatureOp::Date { part, fill, scale }, FieldType::Datetime) => {
            if !finite(*fill, *scale) {
                return Err(problem("fill or scale is not finite".to_owned()));
            }
            Op::Date(*part, Fill::new(*fill, *scale))
        }
        (FeatureOp::Rank { cuts, .. }, FieldType::Number | FieldType::Integer | FieldType::Boolean) => {
            if cuts.len() >= 1 << 24 {
                return Err(problem("more than 16,777,215 cuts".to_owned()));
            }
            if cuts.iter().any(|cut| cut.is_nan()) || cuts.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(problem("cuts are not ascending and distinct".to_owned()));
            }
            Op::Rank(0)
        }
        (FeatureOp::MissingFlag, _) => Op::MissingFlag,
        (FeatureOp::Code, FieldType::Category | FieldType::Text) => Op::Code,
        (FeatureOp::OneHot { code }, FieldType::Category | FieldType::Text) => {
            if *code as usize > input.categories.len() {
                return Err(problem(format!("category code {code} does not exist")));
            }
            Op::OneHot(*code)
        }
        _ => return Err(mismatch()),
    };
    Ok(Step { input: feature.input as usize, feature: index, op })
}

/// Returns whether a recipe can produce a missing feature.
pub(crate) fn may_be_missing(features: &[Feature]) -> Option<&Feature> {
    features.iter().find(|feature| {
        matches!(
            feature.op,
            FeatureOp::Code
                | FeatureOp::Rank { .. }
                | FeatureOp::Number { fill: None, .. }
                | FeatureOp::Date { fill: None, .. }
        )
    })
}
