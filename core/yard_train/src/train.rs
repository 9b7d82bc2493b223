//! Trains a run: one family, `auto`, a search, with or without cross-validation.

use crate::{Context, TrainError, TrainInput, TrainOutput};
use yard_types::run::RunSpec;

/// Trains what `spec` asks for and measures the result on validation and test rows.
pub fn train(
    input: &TrainInput<'_>,
    spec: &RunSpec,
    context: &Context<'_>,
) -> Result<TrainOutput, TrainError> {
    let _ = (input, context);
    Err(TrainError::Settings {
        what: format!("family {} is not built into this version", spec.family.word()),
        advice: "update the program".to_owned(),
    })
}
