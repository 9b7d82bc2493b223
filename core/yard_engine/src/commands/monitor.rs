//! Monitoring: the server's windows judged against the package that answered, and labels sent to it.

use super::deploy::current;
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    tables, targets,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use yard_data::{ReadOptions, Wanted};
use yard_metrics::sketch::{LatencyHistogram, SketchCounts};
use yard_monitor::{Labelled, MonitorInput, Rules, WindowInput};
use yard_package::Package;
use yard_types::{
    event::Event,
    frame::{Frame, Task},
    ids::ModelId,
    monitor::{Alert, MonitorReport, Window},
    project::ProjectState,
    schema::FieldType,
    serving::{FeedbackItem, LabelledRow, ServedWindow},
    table::FieldValue,
};

/// Rows of a window.
const WINDOW_ROWS: u64 = 1_000;
/// Labels sent in one request.
const BATCH: usize = 10_000;

/// Reads the deployment's windows, judges them, commits the report.
pub(crate) fn monitor(core: &Core, context: &JobContext) -> Result<Done, EngineError> {
    let report = report(core)?;
    let result = serde_json::to_value(&report).map_err(EngineError::failed)?;
    let message = format!("{} windows, {} alerts", report.windows.len(), report.alerts.len());
    if core.state().monitor.as_ref() != Some(&report) {
        core.commit(context.command, &[], vec![Event::MonitorUpdated { report: Box::new(report) }])?;
    }
    Ok(Done::new(message, result))
}

fn report(core: &Core) -> Result<MonitorReport, EngineError> {
    let state = core.state();
    let status = current(core)?;
    let connection = targets::find(core, &status.target).map_err(EngineError::failed)?;
    let failed = |error: yard_deploy::DeployError| EngineError::failed(error);
    let model = connection.client.model(&status.deployment).map_err(failed)?;
    let reply = connection.client.windows(&status.deployment, WINDOW_ROWS).map_err(failed)?;
    let mut by_version: BTreeMap<u64, Vec<ServedWindow>> = BTreeMap::new();
    for window in reply.windows {
        by_version.entry(window.version).or_default().push(window);
    }
    let mut parts = Vec::new();
    for (version, windows) in by_version {
        let sha = model.iter().flat_map(|model| &model.versions).find(|own| own.version == version);
        let Some(package) = sha.and_then(|own| core.project().object(own.sha256).ok()) else {
            // Deployed by another project: there is no reference to judge against.
            continue;
        };
        let package = Package::read(package).map_err(EngineError::failed)?;
        parts.push(judged(&state, &package, (&status.deployment, version), &windows)?);
    }
    Ok(joined(&status.deployment, parts))
}

fn judged(
    state: &ProjectState,
    package: &Package,
    (deployment, version): (&str, u64),
    windows: &[ServedWindow],
) -> Result<MonitorReport, EngineError> {
    let frame = state.frame.as_ref().unwrap_or(&package.content.frame);
    let model = state
        .packages
        .iter()
        .find(|own| own.sha256 == package.sha256)
        .map_or(ModelId(package.version()), |own| own.model);
    let evaluation = state
        .evaluation(model, "test")
        .or_else(|| state.evaluation(model, "validation"))
        .or(package.content.evaluations.first());
    let classes = &package.content.contract.classes;
    let inputs: Vec<WindowInput> =
        windows.iter().map(|window| input_of(window, frame, classes)).collect::<Result<_, _>>()?;
    let rules = Rules { threshold: package.content.threshold(), ..Rules::default() };
    let input = MonitorInput {
        deployment,
        windows: &inputs,
        reference: &package.content.reference,
        frame,
        importance: evaluation.map_or(&[], |own| own.importance.as_slice()),
        baseline: evaluation.map(|own| &own.metrics),
        rules,
    };
    let mut report = yard_monitor::monitor(&input).map_err(EngineError::failed)?;
    report.windows.iter_mut().for_each(|window| window.version = version);
    Ok(report)
}

fn input_of(window: &ServedWindow, frame: &Frame, classes: &[String]) -> Result<WindowInput, EngineError> {
    let unreadable = |error: serde_json::Error| {
        EngineError::failed(format!("the server's window from {} can't be read ({error})", window.from))
    };
    let counts = |value: &Value| serde_json::from_value::<SketchCounts>(value.clone()).map_err(unreadable);
    let mut fields = BTreeMap::new();
    for (name, value) in &window.fields {
        fields.insert(name.clone(), counts(value)?);
    }
    Ok(WindowInput {
        from: window.from.clone(),
        to: window.to.clone(),
        version: window.version,
        requests: window.rows + window.errors,
        errors: window.errors,
        latency: serde_json::from_value::<LatencyHistogram>(window.latency.clone()).map_err(unreadable)?,
        fields,
        score: Some(counts(&window.score)?),
        labelled: labelled(&window.labelled, frame.task, classes),
    })
}

/// Turns labelled rows into truth and scores. A label that is no class (or no number) is left out.
fn labelled(rows: &[LabelledRow], task: Task, classes: &[String]) -> Labelled {
    let class = |label: &Value| classes.iter().position(|own| *own == word(label));
    let with_class = || rows.iter().filter_map(|row| Some((class(&row.label)?, row)));
    match task {
        Task::Binary => {
            let scored =
                with_class().filter_map(|(class, row)| Some((class as u8, *row.scores.get(1)? as f32)));
            let (y, p) = scored.unzip();
            Labelled::Binary { y, p }
        }
        Task::Multiclass => {
            let whole = || with_class().filter(|(_, row)| row.scores.len() == classes.len());
            Labelled::Multiclass {
                y: whole().map(|(class, _)| class).collect(),
                p: whole().flat_map(|(_, row)| row.scores.iter().map(|score| *score as f32)).collect(),
                classes: classes.len(),
            }
        }
        Task::Regression => {
            let number = |label: &Value| label.as_f64().or_else(|| label.as_str()?.trim().parse().ok());
            let pairs =
                rows.iter().filter_map(|row| Some((number(&row.label)?, *row.scores.first()? as f32)));
            let (truth, prediction) = pairs.filter(|(truth, _)| truth.is_finite()).unzip();
            Labelled::Regression { truth, prediction }
        }
    }
}

fn word(label: &Value) -> String {
    match label {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// Joins the reports of the versions: windows by their start, alerts newest first.
fn joined(deployment: &str, parts: Vec<MonitorReport>) -> MonitorReport {
    let mut windows: Vec<(Window, (usize, u64))> = Vec::new();
    let mut alerts: Vec<((usize, u64), Alert)> = Vec::new();
    for (part, report) in parts.into_iter().enumerate() {
        windows.extend((0..).zip(report.windows).map(|(index, window)| (window, (part, index))));
        alerts.extend(report.alerts.into_iter().map(|alert| ((part, alert.window), alert)));
    }
    windows.sort_by(|(a, _), (b, _)| a.from.cmp(&b.from).then(a.version.cmp(&b.version)));
    for (place, alert) in &mut alerts {
        alert.window = windows.iter().position(|(_, own)| own == place).unwrap_or(0) as u64;
    }
    alerts.sort_by_key(|(_, alert)| std::cmp::Reverse(alert.window));
    MonitorReport {
        deployment: deployment.to_owned(),
        windows: windows.into_iter().map(|(window, _)| window).collect(),
        alerts: alerts.into_iter().map(|(_, alert)| alert).collect(),
    }
}

/// Sends the labels of a file with `request_id`, `label` (or the target's name) and optionally `index`.
pub(crate) fn feedback(core: &Core, context: &JobContext, path: &str) -> Result<Done, EngineError> {
    let state = core.state();
    let frame = crate::models::frame(&state)?;
    let items = read_items(context, path, &frame)?;
    send(core, context, &items)
}

/// Sends labels in batches and commits how many were taken.
pub(crate) fn send(core: &Core, context: &JobContext, items: &[FeedbackItem]) -> Result<Done, EngineError> {
    let status = current(core)?;
    let connection = targets::find(core, &status.target).map_err(EngineError::failed)?;
    let (mut accepted, mut unknown) = (0, 0);
    for batch in items.chunks(BATCH) {
        context.check()?;
        let reply = connection.client.feedback(&status.deployment, batch).map_err(EngineError::failed)?;
        accepted += reply.accepted;
        unknown += reply.unknown;
    }
    let event = Event::FeedbackSent { deployment: status.deployment.clone(), accepted, unknown };
    core.commit(context.command, &[], vec![event])?;
    let result = json!({"deployment": status.deployment, "sent": items.len(), "accepted": accepted, "unknown": unknown});
    Ok(Done::new(format!("{accepted} labels taken, {unknown} of unknown requests"), result))
}

fn read_items(context: &JobContext, path: &str, frame: &Frame) -> Result<Vec<FeedbackItem>, EngineError> {
    let file = Path::new(path);
    let options = ReadOptions { watch: Some(tables::watch(context)), ..ReadOptions::default() };
    let names = yard_data::column_names(file, &options).map_err(tables::data_error)?;
    let label = ["label", frame.target.as_str()]
        .into_iter()
        .find(|name| names.iter().any(|own| own == name))
        .ok_or_else(|| {
            EngineError::failed(format!(
                "no column with labels; expected \"label\" or \"{}\", found {}: \"{path}\"",
                frame.target,
                names.join(", ")
            ))
        })?;
    let text = |name: &str| Wanted { optional: false, ..Wanted::verbatim(name) };
    let number =
        |name: &str| Wanted { field_type: FieldType::Number, verbatim: false, ..Wanted::verbatim(name) };
    let mut wanted = vec![text("request_id"), number("index")];
    wanted.push(if frame.task == Task::Regression {
        Wanted { optional: false, ..number(label) }
    } else {
        text(label)
    });
    let table = yard_data::read_table(file, &wanted, &options).map_err(tables::data_error)?.table;
    let cell =
        |name: &str, row: usize| table.column(name).map_or(FieldValue::Missing, |column| column.value(row));
    let mut items = Vec::new();
    for row in 0..table.rows() {
        let FieldValue::Text(request_id) = cell("request_id", row) else { continue };
        let index = match cell("index", row) {
            FieldValue::Number(number) => number as u32,
            _ => 0,
        };
        let label = match cell(label, row) {
            FieldValue::Text(text) => json!(text),
            FieldValue::Number(number) => json!(number),
            _ => continue,
        };
        items.push(FeedbackItem { request_id: request_id.to_owned(), index, label });
    }
    if items.is_empty() {
        return Err(EngineError::failed(format!(
            "no row has both a request_id and a label; expected at least one: \"{path}\""
        )));
    }
    Ok(items)
}
