//! Trains a finished run again, for comparing the hashes of the models.

use crate::{Context, TrainError, TrainInput, TrainOutput};
use yard_types::run::{Family, Params, RunSpec};

/// Trains the kept model of a run again: its family with all its hyperparameters, the run's recipe,
/// seed and device, without the search that found them. The caller hashes
/// [`TrainOutput::parts`] and compares with the recorded `model_sha256`.
pub fn same_model(
    input: &TrainInput<'_>,
    spec: &RunSpec,
    kept: (Family, &Params),
    context: &Context<'_>,
) -> Result<TrainOutput, TrainError> {
    crate::train(input, &single_run(spec, kept), context)
}

/// Returns the single run that trains the kept model of `spec` again.
pub fn single_run(spec: &RunSpec, kept: (Family, &Params)) -> RunSpec {
    RunSpec { family: kept.0, params: kept.1.clone(), trials: 1, budget_secs: None, folds: 0, ..spec.clone() }
}
