//! Models of the project as scorers, and what goes with them: data, split, frame.

use crate::{
    batch::Batch, commands::check::model_known, engine::Core, error::EngineError, jobs::JobContext, tables,
};
use std::sync::Arc;
use yard_score::{
    encode::Rows,
    explain::{self, Explainer},
    model::{Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    command::ModelChoice, event::DatasetRecord, frame::Frame, project::ProjectState, run::ModelRecord,
    schema::Role, split::Split, table::Table,
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
    state
        .frame
        .clone()
        .ok_or_else(|| EngineError::refused("the project has no target; set one in the frame first"))
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

/// Returns the means of a model's features over its training rows, from which contributions of linear
/// models and nets are measured.
pub(crate) fn feature_means(model: &Loaded) -> Result<Vec<f32>, EngineError> {
    let rows = crate::commands::package::thinned(&model.split.train);
    explain::feature_means(&scorer(&model.parts)?, &model.table, Rows::List(&rows))
        .map_err(EngineError::failed)
}

/// Returns an explainer; trees need no data for it.
pub(crate) fn explainer(
    core: &Core,
    context: &JobContext,
    record: &ModelRecord,
) -> Result<Explainer, EngineError> {
    let parts = parts(core, record)?;
    let means = match parts.model {
        Model::Trees(_) => None,
        _ => Some(feature_means(&load(core, context, ModelChoice::Id(record.id))?)?),
    };
    Explainer::new(&parts, means.as_deref()).map_err(EngineError::failed)
}

/// Makes a model ready to score files.
pub(crate) fn batch(core: &Core, context: &JobContext, choice: ModelChoice) -> Result<Batch, EngineError> {
    let model = load(core, context, choice)?;
    let means = feature_means(&model)?;
    let id = model.dataset.schema.with_role(Role::Id).map(|field| field.name.clone());
    Ok(Batch::of_model(model.parts, means, id, model.dataset.schema.format))
}
