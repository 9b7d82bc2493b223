//! Models of the project as scorers, and what goes with them: data, split, frame.

use crate::{
    commands::check::model_known,
    engine::Core,
    error::EngineError,
    jobs::JobContext,
    tables,
};
use std::sync::Arc;
use yard_score::{model::ScorerParts, scorer::Scorer};
use yard_types::{
    command::ModelChoice,
    event::DatasetRecord,
    frame::Frame,
    project::ProjectState,
    run::ModelRecord,
    split::Split,
    table::Table,
};

/// A model with the data it was trained on.
pub(crate) struct Loaded {
    pub(crate) record: ModelRecord,
    pub(crate) parts: ScorerParts,
    pub(crate) dataset: DatasetRecord,
    pub(crate) table: Arc<Table>,
    pub(crate) split: Split,
    pub(crate) frame: Frame,
}

/// Returns the record of a chosen model.
pub(crate) fn record(state: &ProjectState, choice: ModelChoice) -> Result<ModelRecord, EngineError> {
    let id = model_known(state, choice)?;
    state.models.get(&id).cloned().ok_or_else(|| EngineError::refused(format!("model {id} is unknown")))
}

/// Reads a model's parts from the object store.
pub(crate) fn parts(core: &Core, record: &ModelRecord) -> Result<ScorerParts, EngineError> {
    let bytes = core.project().object(record.object)?;
    yard_package::parts_from_bytes(&bytes).map_err(EngineError::failed)
}

/// Returns a model's scorer.
pub(crate) fn scorer(parts: &ScorerParts) -> Result<Scorer, EngineError> {
    Scorer::new(parts).map_err(EngineError::failed)
}

/// Returns the frame.
pub(crate) fn frame(state: &ProjectState) -> Result<Frame, EngineError> {
    state.frame.clone().ok_or_else(|| EngineError::refused("the project has no target; set one in the frame first"))
}

/// Loads a model with its dataset and split.
pub(crate) fn load(core: &Core, context: &JobContext, choice: ModelChoice) -> Result<Loaded, EngineError> {
    let state = core.state();
    let record = record(&state, choice)?;
    let parts = parts(core, &record)?;
    let (dataset, table, split) = data(core, context, &state, Some(record.dataset))?;
    Ok(Loaded { frame: frame(&state)?, record, parts, dataset, table, split })
}

/// Loads a dataset with its split, made again from its specification.
pub(crate) fn data(
    core: &Core,
    context: &JobContext,
    state: &ProjectState,
    id: Option<yard_types::ids::DatasetId>,
) -> Result<(DatasetRecord, Arc<Table>, Split), EngineError> {
    let dataset = tables::dataset(state, id)?.clone();
    let table = core.tables.load(&dataset, context)?;
    let frame = frame(state)?;
    let Some(made) = state.splits.get(&dataset.id) else {
        return Err(EngineError::refused("the data is not split yet; set the split first"));
    };
    let split = crate::commands::import::split_rows(&table, &dataset.schema, &frame, &made.spec)?.0;
    Ok((dataset, table, split))
}
