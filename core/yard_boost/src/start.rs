//! Going on from a model: its margins are where the new trees begin. The scorer computes them, from the
//! features as they are, so that the model may have other thresholds than the bins of this training.

use crate::{data::Features, error::BoostError};
use rayon::prelude::*;
use yard_score::{
    model::{Calibration, Link, Model, ScorerParts, TreeEnsemble},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    schema::FieldType,
};

/// Rows that are scored together.
const BLOCK: usize = 4096;

fn problem(error: &dyn std::fmt::Display) -> BoostError {
    BoostError::Start { problem: error.to_string() }
}

/// Checks that a model fits features and outputs and has its values on a grid.
pub(crate) fn check(model: &TreeEnsemble, features: &Features, outputs: usize) -> Result<(), BoostError> {
    if !model.sum.is_grid() {
        return Err(problem(&"it comes from another library, whose leaf values lie on no grid"));
    }
    if model.base.len() != outputs {
        return Err(problem(&format!("it has {} outputs, the objective {outputs}", model.base.len())));
    }
    if !model.trees.len().is_multiple_of(outputs.max(1)) {
        return Err(problem(&format!("{} trees are no whole number of rounds", model.trees.len())));
    }
    scorer(model, features).map(|_| ())
}

/// A scorer that takes the features as they are.
fn scorer(model: &TreeEnsemble, features: &Features) -> Result<Scorer, BoostError> {
    let mut recipe = FittedRecipe {
        encoding: Encoding::Trees,
        inputs: vec![],
        texts: vec![],
        images: vec![],
        pieces: vec![],
        features: vec![],
    };
    for (index, &code) in features.categorical.iter().enumerate() {
        let name = index.to_string();
        let number = FeatureOp::Number { fill: None, scale: None };
        recipe.inputs.push(FittedInput {
            name: name.clone(),
            field_type: if code { FieldType::Category } else { FieldType::Number },
            rules: CellRules::default(),
            categories: vec![],
        });
        let op = if code { FeatureOp::Code } else { number };
        recipe.features.push(Feature { name, input: index as u32, op });
    }
    let several = model.base.len() > 1;
    let classes =
        if several { (0..model.base.len()).map(|class| class.to_string()).collect() } else { vec![] };
    let parts = ScorerParts {
        task: if several { Task::Multiclass } else { Task::Regression },
        classes,
        recipe,
        link: if several { Link::Softmax } else { Link::Identity },
        calibration: Calibration::None,
        model: Model::Trees(model.clone()),
    };
    Scorer::new(&parts).map_err(|error| problem(&error))
}

/// Margins of all rows, `[outputs][rows]`.
pub(crate) fn margins(model: &TreeEnsemble, features: &Features) -> Result<Vec<Vec<f32>>, BoostError> {
    let scorer = scorer(model, features)?;
    let (rows, width) = (features.rows, features.columns.len());
    let block = |start: usize| -> Result<Vec<f32>, BoostError> {
        let n = BLOCK.min(rows - start);
        let mut x = vec![0.0; n * width];
        for (feature, column) in features.columns.iter().enumerate() {
            let slots = x.iter_mut().skip(feature).step_by(width);
            slots.zip(&column[start..start + n]).for_each(|(slot, value)| *slot = *value);
        }
        scorer.score_features(&x).map(|found| found.margins).map_err(|error| problem(&error))
    };
    let starts: Vec<usize> = (0..rows).step_by(BLOCK).collect();
    let blocks: Vec<Vec<f32>> = starts.into_par_iter().map(block).collect::<Result<_, _>>()?;
    let outputs = model.base.len();
    let column = |output: usize| {
        blocks.iter().flat_map(|block| block.iter().skip(output).step_by(outputs).copied()).collect()
    };
    Ok((0..outputs).map(column).collect())
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
