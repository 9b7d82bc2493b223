//! Quick questions: a page of rows, one row scored with reasons.

use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models, tables, targets,
};
use serde_json::{Map, Value, json};
use yard_types::{
    command::ModelChoice,
    event::{Notice, TryResult},
    frame::Task,
    ids::DatasetId,
};

/// Sends a page of rows as text.
pub(crate) fn fetch(
    core: &Core,
    context: &JobContext,
    dataset: DatasetId,
    (start, count): (u64, u64),
) -> Result<Done, EngineError> {
    let state = core.state();
    let record = tables::dataset(&state, Some(dataset))?;
    let table = core.tables.load(record, context)?;
    let page = yard_data::rows_page(&table, &record.schema, dataset, start, count);
    let message = format!("{} rows", page.total);
    context.notice(Notice::Rows { page });
    Ok(Done::new(message, Value::Null))
}

/// Scores one row with reasons, here or by the deployment. A row that can't be scored is an answer too.
pub(crate) fn try_row(
    core: &Core,
    context: &JobContext,
    (choice, row, live): (ModelChoice, &Map<String, Value>, bool),
) -> Result<Done, EngineError> {
    let start = core.options.clock.elapsed_secs();
    let answer = if live { ask(core, row) } else { here(core, context, (choice, row)) };
    let mut result =
        answer.unwrap_or_else(|error| TryResult { error: Some(error.to_string()), ..TryResult::default() });
    result.ms = (core.options.clock.elapsed_secs() - start) * 1e3;
    if result.source.is_empty() {
        "this window".clone_into(&mut result.source);
    }
    let value = serde_json::to_value(&result).map_err(EngineError::failed)?;
    context.notice(Notice::Scored { result });
    Ok(Done::new("Scored", value))
}

fn here(
    core: &Core,
    context: &JobContext,
    (choice, row): (ModelChoice, &Map<String, Value>),
) -> Result<TryResult, EngineError> {
    let state = core.state();
    let record = models::record(&state, choice)?;
    let explainer = models::explainer(core, context, &record)?;
    let scorer = explainer.scorer();
    let values = scorer.row_from_json(row).map_err(EngineError::failed)?;
    let mut scratch = scorer.scratch();
    let answer = scorer.score_row(&values, &mut scratch).map_err(EngineError::failed)?;
    let label = answer.label_index();
    let output = if answer.margins.len() > 1 { label } else { 0 };
    let explanation = explainer.explain(&values).map_err(EngineError::failed)?;
    let names: Vec<&str> = scorer.input_names().collect();
    let reasons = explanation
        .ranked(output)
        .into_iter()
        .filter_map(|(input, value)| {
            let terms = explanation.ranked_terms(output).into_iter();
            let terms = terms.filter_map(|(feature, _)| explainer.term(feature));
            let own = terms.filter(|(of, _)| *of == input).map(|(_, term)| term);
            Some((reason_name(names.get(input)?, own), value))
        })
        .collect();
    let margin = answer.margins.get(output).copied().map_or(0.0, f64::from);
    let probabilities =
        scorer.classes().iter().cloned().zip(answer.probabilities.iter().copied().map(f64::from));
    Ok(TryResult {
        prediction: answer.label().map_or_else(|| json!(margin), |label| json!(label)),
        probabilities: probabilities.collect(),
        decision: (scorer.task() == Task::Binary)
            .then(|| answer.decision(state.threshold(record.id)))
            .flatten(),
        margin,
        base: explanation.base.get(output).copied().unwrap_or(0.0),
        reasons,
        ..TryResult::default()
    })
}

/// Returns the name of a reason: the field, with the terms that add most where it is a text.
fn reason_name<'a>(field: &str, terms: impl Iterator<Item = &'a str>) -> String {
    let terms: Vec<String> = terms.take(3).map(|term| format!("{term:?}")).collect();
    if terms.is_empty() { field.to_owned() } else { format!("{field}: {}", terms.join(", ")) }
}

fn ask(core: &Core, row: &Map<String, Value>) -> Result<TryResult, EngineError> {
    let status = super::deploy::current(core)?;
    let connection = targets::find(core, &status.target).map_err(EngineError::failed)?;
    let body = json!({"instances": [row]});
    let reply = connection.client.explain(&status.deployment, &body).map_err(EngineError::failed)?;
    let Some(own) = reply.get("explanations").and_then(|list| list.get(0)) else {
        return Err(EngineError::failed("the server's answer holds no explanation"));
    };
    let number = |key: &str| own.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let reasons = own.get("reasons").and_then(Value::as_array).into_iter().flatten().filter_map(|reason| {
        let field = reason.get("field")?.as_str()?;
        let value = reason.get("contribution")?.as_f64()?;
        let terms = reason.get("terms").and_then(Value::as_array).into_iter().flatten();
        Some((reason_name(field, terms.filter_map(|term| term.get("term")?.as_str())), value))
    });
    let probabilities = own.get("probabilities").and_then(Value::as_object).into_iter().flatten();
    Ok(TryResult {
        prediction: own.get("prediction").cloned().unwrap_or(Value::Null),
        probabilities: probabilities.filter_map(|(class, p)| Some((class.clone(), p.as_f64()?))).collect(),
        decision: own.get("decision").and_then(Value::as_bool),
        margin: number("margin"),
        base: number("base"),
        reasons: reasons.collect(),
        source: connection.place.url.clone(),
        ..TryResult::default()
    })
}
