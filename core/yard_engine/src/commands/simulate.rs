//! Seeded traffic against the deployment: held-out rows, changed by a stated drift, sent one by one over
//! HTTP, and their outcomes afterwards as late labels.

use super::{deploy::current, monitor};
use crate::{
    drift::{Kind, drifted},
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models::{self, Loaded},
    tables, targets,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use yard_deploy::{DeployError, ServerClient};
use yard_package::golden::json_value;
use yard_types::{
    command::ModelChoice,
    event::Progress,
    project::ProjectState,
    recipe::FittedInput,
    rng,
    schema::FieldType,
    serving::FeedbackItem,
    table::{FieldValue, Table},
};

/// Share of outcomes that become known.
const LABELLED_SHARE: f64 = 0.9;
/// Requests between two reports of progress.
const REPORT_EVERY: u64 = 50;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic<'a> {
    pub(crate) requests: u64,
    pub(crate) drift: &'a str,
    pub(crate) seed: u64,
    pub(crate) labels: bool,
}

/// What came back.
#[derive(Default)]
struct Answers {
    ok: u64,
    failed: u64,
    first_error: Option<String>,
    by_version: BTreeMap<u64, u64>,
    ms: Vec<f64>,
    labels: Vec<FeedbackItem>,
}

/// Sends the traffic; labels follow when asked for.
pub(crate) fn simulate(core: &Core, context: &JobContext, traffic: Traffic<'_>) -> Result<Done, EngineError> {
    let state = core.state();
    let status = current(core)?;
    let connection = targets::find(core, &status.target).map_err(EngineError::failed)?;
    let choice = state.champion().filter(|id| id.0 != 0).map_or(ModelChoice::Best, ModelChoice::Id);
    let model = models::load(core, context, choice)?;
    let kind = Kind::from_word(traffic.drift).unwrap_or(Kind::None);
    let held_out = if model.split.test.is_empty() { &model.split.validation } else { &model.split.test };
    let pool = model.table.take(held_out);
    if pool.rows() == 0 {
        return Err(EngineError::failed(
            "the model has no held-out rows to send; make a split with a test part",
        ));
    }
    let fields = fields_by_importance(&state, &model);
    let rows = drifted(&pool, kind, (&fields, &model.frame.target), traffic.seed);
    let target = yard_data::target(&rows, &model.dataset.schema, &model.frame).map_err(tables::data_error)?;
    let sender = Sender {
        client: &connection.client,
        name: &status.deployment,
        model: &model,
        rows: &rows,
        target: &target,
    };
    let start = core.options.clock.elapsed_secs();
    let clock = || core.options.clock.elapsed_secs();
    let answers = sender.send(context, (traffic, kind), &clock)?;
    let seconds = clock() - start;
    let mut labels = Value::Null;
    if traffic.labels {
        labels = monitor::send(core, context, &answers.labels)?.result;
    }
    let mut ms = answers.ms;
    ms.sort_unstable_by(f64::total_cmp);
    let percentile =
        |share: f64| ms.get(((ms.len() as f64 * share) as usize).min(ms.len().saturating_sub(1)));
    let result = json!({
        "deployment": status.deployment, "requests": traffic.requests, "answered": answers.ok,
        "failed": answers.failed, "first_error": answers.first_error, "drift": traffic.drift,
        "versions": answers.by_version, "labels": labels, "seconds": seconds,
        "p50_ms": percentile(0.5), "p99_ms": percentile(0.99),
    });
    let message =
        format!("{} requests answered, {} failed, drift {}", answers.ok, answers.failed, traffic.drift);
    Ok(Done::new(message, result))
}

struct Sender<'a> {
    client: &'a ServerClient,
    name: &'a str,
    model: &'a Loaded,
    rows: &'a Table,
    target: &'a yard_data::Target,
}

impl Sender<'_> {
    fn send(
        &self,
        context: &JobContext,
        (traffic, kind): (Traffic<'_>, Kind),
        clock: &dyn Fn() -> f64,
    ) -> Result<Answers, EngineError> {
        let mut answers = Answers::default();
        let inputs = &self.model.parts.recipe.inputs;
        for request in 0..traffic.requests {
            if request % REPORT_EVERY == 0 {
                context.check()?;
                let (phase, unit) = ("sending requests".to_owned(), "requests".to_owned());
                context.progress(Progress { phase, done: request, total: Some(traffic.requests), unit });
            }
            let row = rng::below(traffic.seed, 11, request, self.rows.rows() as u64) as usize;
            let mut record = record_of(self.rows, inputs, row);
            if kind == Kind::Outage && in_outage(request, traffic.requests) {
                break_numbers(&mut record, inputs);
            }
            let start = clock();
            match self.client.predict(self.name, &json!({"instances": [record]})) {
                Ok(reply) => {
                    answers.ms.push((clock() - start) * 1e3);
                    answers.ok += 1;
                    *answers.by_version.entry(reply.version).or_default() += 1;
                    let known = rng::uniform(traffic.seed, 12, request) < LABELLED_SHARE;
                    if let Some(label) = self.label(row).filter(|_| traffic.labels && known) {
                        answers.labels.push(FeedbackItem { request_id: reply.request_id, index: 0, label });
                    }
                }
                Err(error @ DeployError::Unreachable { .. }) => return Err(EngineError::failed(error)),
                Err(error) => {
                    answers.failed += 1;
                    answers.first_error.get_or_insert_with(|| error.to_string());
                }
            }
        }
        Ok(answers)
    }

    /// Returns the outcome of a row, `None` without one.
    fn label(&self, row: usize) -> Option<Value> {
        if self.model.frame.task.is_classification() {
            let code = *self.target.codes.get(row)?;
            return self.target.classes.get(code as usize).map(|class| json!(class));
        }
        self.target.values.get(row).filter(|value| value.is_finite()).map(|value| json!(value))
    }
}

/// The middle third of the requests meets a broken source.
fn in_outage(request: u64, requests: u64) -> bool {
    (requests / 3..2 * requests / 3).contains(&request)
}

/// What a broken source sends for its numbers.
fn break_numbers(record: &mut Map<String, Value>, inputs: &[FittedInput]) {
    for input in inputs {
        if matches!(input.field_type, FieldType::Number | FieldType::Integer) {
            record.insert(input.name.clone(), json!("#REF!"));
        }
    }
}

/// Returns a row as a request: the inputs of the model.
fn record_of(table: &Table, inputs: &[FittedInput], row: usize) -> Map<String, Value> {
    let value = |input: &FittedInput| {
        let cell = table.column(&input.name).map_or(FieldValue::Missing, |column| column.value(row));
        match cell {
            FieldValue::Text(name) if input.field_type == FieldType::Image => {
                json!(crate::images::uri(name, table.files()))
            }
            cell => json_value(cell, input.field_type),
        }
    };
    inputs.iter().map(|input| (input.name.clone(), value(input))).collect()
}

/// Names the model's fields, most important first.
fn fields_by_importance(state: &ProjectState, model: &Loaded) -> Vec<String> {
    let evaluation =
        ["test", "validation"].into_iter().find_map(|part| state.evaluation(model.record.id, part));
    let mut fields: Vec<String> =
        evaluation.into_iter().flat_map(|own| &own.importance).map(|own| own.field.clone()).collect();
    for input in &model.parts.recipe.inputs {
        if !fields.contains(&input.name) {
            fields.push(input.name.clone());
        }
    }
    fields
}
