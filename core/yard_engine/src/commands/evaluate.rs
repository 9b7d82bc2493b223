//! Evaluation of models: on the parts of their split, or on another file read by the training schema.

use super::train::{JobObserver, RunData, with_context};
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models::{self, Loaded},
    tables,
};
use std::path::Path;
use yard_data::{ReadOptions, ReadTable, Wanted};
use yard_score::scorecard;
use yard_train::{EvaluateInput, TrainOutput};
use yard_types::{
    command::ModelChoice,
    evaluation::Evaluation,
    event::Event,
    ids::ModelId,
    metric::MetricSet,
    run::Family,
    schema::{Field, Role, Schema},
    split::SplitPart,
    table::Table,
};

/// Seed of the resamples of an evaluation: the same model gives the same intervals.
const SEED: u64 = 0;

/// Evaluates a model and commits the evaluation.
pub(crate) fn evaluate(
    core: &Core,
    context: &JobContext,
    choice: ModelChoice,
    data: Option<&str>,
) -> Result<Done, EngineError> {
    let model = models::load(core, context, choice)?;
    let evaluation = match data {
        None => {
            let part = [SplitPart::Test, SplitPart::Validation]
                .into_iter()
                .find(|part| !model.split.rows(*part).is_empty())
                .unwrap_or(SplitPart::Test);
            on_rows(core, context, &model, (&model.table, model.split.rows(part), part.word()))?
        }
        Some(path) => {
            let table = labelled_file(context, &model, path)?;
            let rows: Vec<u32> = (0..table.rows() as u32).collect();
            on_rows(core, context, &model, (&table, &rows, "file"))?
        }
    };
    let mut result = serde_json::to_value(&evaluation).map_err(EngineError::failed)?;
    if let (Family::Scorecard, Some(object)) = (model.record.family, result.as_object_mut()) {
        let card = serde_json::to_value(scorecard::table(&model.parts)).map_err(EngineError::failed)?;
        object.insert("scorecard".to_owned(), card);
    }
    let event = Event::ModelEvaluated { evaluation: Box::new(evaluation.clone()) };
    core.commit(context.command, &[], vec![event])?;
    let name = model.frame.metric.as_str();
    let message = format!(
        "Model {} on {} rows ({}): {name} {:.4}",
        model.record.id,
        evaluation.rows,
        evaluation.split,
        evaluation.metric(name)
    );
    Ok(Done::new(message, result))
}

/// Evaluates a fresh model on its validation and test rows; validation rows by the model before a refit,
/// which did not see them.
pub(crate) fn both_parts(
    core: &Core,
    context: &JobContext,
    data: &RunData,
    (id, output, size_bytes): (ModelId, &TrainOutput, u64),
) -> Result<Vec<Evaluation>, EngineError> {
    let mut out = Vec::new();
    for part in [SplitPart::Validation, SplitPart::Test] {
        let rows = data.split.rows(part);
        if rows.is_empty() {
            continue;
        }
        context.check()?;
        let before = output.selected.as_ref().filter(|_| part == SplitPart::Validation);
        let parts = before.unwrap_or(&output.parts);
        let input = EvaluateInput {
            model: id,
            parts,
            table: &data.table,
            rows,
            schema: &data.dataset.schema,
            frame: &data.frame,
            split: part.word(),
            training: Some((&data.table, &data.split)),
            threshold: None,
            size_bytes,
            seed: SEED,
        };
        out.push(measured(core, context, &input)?);
    }
    Ok(out)
}

/// Evaluates a stored model on some rows of a table.
pub(crate) fn on_rows(
    core: &Core,
    context: &JobContext,
    model: &Loaded,
    (table, rows, split): (&Table, &[u32], &str),
) -> Result<Evaluation, EngineError> {
    let state = core.state();
    let input = EvaluateInput {
        model: model.record.id,
        parts: &model.parts,
        table,
        rows,
        schema: &model.dataset.schema,
        frame: &model.frame,
        split,
        training: Some((&model.table, &model.split)),
        threshold: state.thresholds.get(&model.record.id).copied(),
        size_bytes: model.record.size_bytes,
        seed: SEED,
    };
    measured(core, context, &input)
}

fn measured(core: &Core, context: &JobContext, input: &EvaluateInput<'_>) -> Result<Evaluation, EngineError> {
    let observer = JobObserver { core, context, run: None };
    let mut evaluation =
        with_context(core, &observer, |surroundings| yard_train::evaluate(input, surroundings))?;
    storable(&mut evaluation);
    Ok(evaluation)
}

/// Reads a labelled file by the schema that the model was trained with. Columns that only training
/// needs (dropped, split, group, time) may be absent.
pub(crate) fn labelled_file(context: &JobContext, model: &Loaded, path: &str) -> Result<Table, EngineError> {
    read_like(context, &model.dataset.schema, (path, &model.frame.target)).map(|read| read.table)
}

/// Reads a file by a schema; the target and the features must be there.
pub(crate) fn read_like(
    context: &JobContext,
    schema: &Schema,
    (path, target): (&str, &str),
) -> Result<ReadTable, EngineError> {
    let wanted: Vec<Wanted> = schema
        .fields
        .iter()
        .map(|field: &Field| {
            let needed = field.role == Role::Feature || field.name == target;
            if needed { Wanted::from(field) } else { Wanted::from(field).optional() }
        })
        .collect();
    let options = ReadOptions { watch: Some(tables::watch(context)), ..ReadOptions::like(&schema.format) };
    let read = yard_data::read_table(Path::new(path), &wanted, &options).map_err(tables::data_error)?;
    for finding in &read.findings {
        context.notice(yard_types::event::Notice::Warning { message: finding.message.clone() });
    }
    Ok(read)
}

/// Leaves out metrics that are not finite: an absent metric is an undefined one.
pub(crate) fn defined_only(metrics: &mut MetricSet) {
    metrics.retain(|_, metric| metric.value.is_finite());
    for metric in metrics.values_mut() {
        metric.low = metric.low.filter(|low| low.is_finite());
        metric.high = metric.high.filter(|high| high.is_finite());
    }
}

/// Makes every figure one that JSON can hold. The first point of a ROC curve has an infinite threshold
/// (nothing counts as positive); it becomes the largest number.
fn storable(evaluation: &mut Evaluation) {
    let finite = |value: &mut f64| {
        if *value == f64::INFINITY {
            *value = f64::MAX;
        }
    };
    defined_only(&mut evaluation.metrics);
    evaluation.slices.iter_mut().for_each(|slice| defined_only(&mut slice.metrics));
    for curve in [&mut evaluation.roc, &mut evaluation.precision_recall] {
        for point in curve.iter_mut() {
            finite(&mut point.threshold);
        }
        curve.retain(|point| point.x.is_finite() && point.y.is_finite() && point.threshold.is_finite());
    }
    evaluation.residuals.retain(|dot| dot.predicted.is_finite() && dot.actual.is_finite());
    evaluation.importance.retain(|own| own.value.is_finite() && own.sd.is_finite());
    evaluation.cost_curve.retain(|point| {
        [point.threshold, point.cost, point.low, point.high].iter().all(|value| value.is_finite())
    });
}
