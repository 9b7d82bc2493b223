//! Where a dataset, run, model or package comes from and where it went, read from the event log.

use crate::error::EngineError;
use serde::Serialize;
use std::collections::BTreeSet;
use yard_types::{
    event::{Event, EventRecord},
    ids::{DatasetId, ModelId, RunId, Sha256},
    project::ProjectState,
};

/// One link of a lineage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `dataset`, `run`, `model`, `evaluation`, `package`, `deployment`, `gate`.
    pub kind: String,
    /// Number or hash.
    pub id: String,
    /// When, RFC 3339.
    pub at: String,
    /// Event in the log.
    pub seq: u64,
    /// In words.
    pub text: String,
}

/// A lineage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lineage {
    /// What it was made from, oldest first.
    pub from: Vec<Step>,
    /// The thing itself.
    pub is: Vec<Step>,
    /// What was made of it or done with it.
    pub to: Vec<Step>,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Dataset(DatasetId),
    Run(RunId),
    Model(ModelId),
    Package(Sha256),
}

/// Returns the lineage of a model (`3`, `model:3`), run (`run:3`), dataset (`dataset:1`) or of what a
/// SHA-256 (its beginning, at least 6 digits) names.
pub fn lineage(state: &ProjectState, events: &[EventRecord], id: &str) -> Result<Lineage, EngineError> {
    let node = find(state, id)?;
    let (up, down) = (ancestors(state, node), descendants(state, node));
    let mut out = Lineage::default();
    for record in events {
        let Some((step, about)) = step(record) else { continue };
        let primary = about.first().copied();
        if primary == Some(node) && is_origin(&record.body) {
            out.is.push(step);
        } else if primary.is_some_and(|own| up.contains(&own)) && is_origin(&record.body) {
            out.from.push(step);
        } else if about.iter().any(|own| *own == node || down.contains(own)) {
            out.to.push(step);
        }
    }
    Ok(out)
}

fn is_origin(event: &Event) -> bool {
    matches!(
        event,
        Event::DatasetImported { .. }
            | Event::RunStarted { .. }
            | Event::RunFinished { .. }
            | Event::PackageBuilt { .. }
    )
}

fn find(state: &ProjectState, id: &str) -> Result<Node, EngineError> {
    let unknown = || {
        EngineError::refused(format!(
            "\"{id}\" names nothing in this project; expected a model's number, run:N, dataset:N, or the \
             first 6 or more digits of a SHA-256"
        ))
    };
    let (kind, number) = id.split_once(':').unwrap_or(("model", id));
    if let Ok(number) = number.parse::<u64>() {
        let node = match kind {
            "model" => state.models.contains_key(&ModelId(number)).then_some(Node::Model(ModelId(number))),
            "run" => state.runs.contains_key(&RunId(number)).then_some(Node::Run(RunId(number))),
            "dataset" => {
                state.datasets.contains_key(&DatasetId(number)).then_some(Node::Dataset(DatasetId(number)))
            }
            _ => None,
        };
        if let Some(node) = node {
            return Ok(node);
        }
    }
    let lower = id.to_lowercase();
    if lower.len() < 6 {
        return Err(unknown());
    }
    let starts = |sha: Sha256| sha.to_hex().starts_with(&lower);
    let packages =
        state.packages.iter().filter(|own| starts(own.sha256)).map(|own| Node::Package(own.sha256));
    let models = state.models.values().filter(|own| starts(own.model_sha256)).map(|own| Node::Model(own.id));
    let data =
        state.datasets.values().filter(|own| starts(own.fingerprint.sha256)).map(|own| Node::Dataset(own.id));
    packages.chain(models).chain(data).next().ok_or_else(unknown)
}

fn ancestors(state: &ProjectState, node: Node) -> BTreeSet<Node> {
    let mut out = BTreeSet::new();
    let mut next = Some(node);
    while let Some(node) = next {
        next = match node {
            Node::Dataset(_) => None,
            Node::Run(run) => state.runs.get(&run).map(|run| Node::Dataset(run.dataset)),
            Node::Model(model) => state.models.get(&model).map(|model| Node::Run(model.run)),
            Node::Package(sha) => {
                state.packages.iter().find(|own| own.sha256 == sha).map(|own| Node::Model(own.model))
            }
        };
        out.extend(next);
    }
    out
}

fn descendants(state: &ProjectState, node: Node) -> BTreeSet<Node> {
    let all = state
        .runs
        .keys()
        .map(|run| Node::Run(*run))
        .chain(state.models.keys().map(|model| Node::Model(*model)))
        .chain(state.packages.iter().map(|package| Node::Package(package.sha256)));
    all.filter(|own| ancestors(state, *own).contains(&node)).collect()
}

/// Returns the step of an event and what it is about, the most specific first.
fn step(record: &EventRecord) -> Option<(Step, Vec<Node>)> {
    let (kind, id, about) = match &record.body {
        Event::DatasetImported { dataset } => {
            ("dataset", dataset.id.to_string(), vec![Node::Dataset(dataset.id)])
        }
        Event::SplitSet { dataset, .. } => ("split", dataset.to_string(), vec![Node::Dataset(*dataset)]),
        Event::RunStarted { run, .. }
        | Event::RunFailed { run, .. }
        | Event::RunCancelled { run }
        | Event::RunStopped { run, .. }
        | Event::RunResumed { run } => ("run", run.to_string(), vec![Node::Run(*run)]),
        Event::RunFinished { run, model, .. } => {
            ("model", model.id.to_string(), vec![Node::Model(model.id), Node::Run(*run)])
        }
        Event::ModelEvaluated { evaluation } => {
            ("evaluation", evaluation.model.to_string(), vec![Node::Model(evaluation.model)])
        }
        Event::ThresholdSet { model, .. } => ("threshold", model.to_string(), vec![Node::Model(*model)]),
        Event::PackageBuilt { package } => (
            "package",
            package.sha256.short(),
            vec![Node::Package(package.sha256), Node::Model(package.model)],
        ),
        Event::DeploymentChanged { status, .. } => {
            let canary = status.canary.as_ref().map(|canary| canary.served.sha256);
            let served = status.stable.as_ref().map(|stable| stable.sha256);
            (
                "deployment",
                status.deployment.clone(),
                canary.into_iter().chain(served).map(Node::Package).collect(),
            )
        }
        Event::GateChecked { report } => ("gate", report.model.to_string(), vec![Node::Model(report.model)]),
        Event::RetrainFinished { model, .. } => ("retrain", model.to_string(), vec![Node::Model(*model)]),
        _ => return None,
    };
    let step = Step {
        kind: kind.to_owned(),
        id,
        at: record.at.clone(),
        seq: record.seq,
        text: describe(&record.body),
    };
    Some((step, about))
}

/// Says in one line what an event was.
pub fn describe(event: &Event) -> String {
    match event {
        Event::ProjectCreated { name } => format!("project {name} created"),
        Event::FrameSet { frame } => format!("frame: target {}, metric {}", frame.target, frame.metric),
        Event::DatasetImported { dataset } => format!(
            "dataset {}: {}, {} rows, SHA-256 {}",
            dataset.id,
            dataset.name,
            dataset.profile.rows,
            dataset.fingerprint.sha256.short()
        ),
        Event::SchemaSet { dataset, .. } => format!("roles of dataset {dataset}"),
        Event::SplitSet { dataset, counts, .. } => format!(
            "split of dataset {dataset}: {} train, {} validation, {} test",
            counts.train, counts.validation, counts.test
        ),
        Event::RecipeSet { .. } => "recipe changed".to_owned(),
        Event::RunStarted { run, spec, dataset } => {
            format!("run {run}: {} on dataset {dataset}, seed {}", spec.family.word(), spec.seed)
        }
        Event::RunFinished { run, model, .. } => {
            format!(
                "model {} of run {run}: {}, SHA-256 {}",
                model.id,
                model.family.word(),
                model.model_sha256.short()
            )
        }
        Event::TrialFinished { run, index, trial, .. } => {
            format!("trial {} of run {run}: {}", index + 1, trial.family.word())
        }
        Event::RunFailed { run, message } => format!("run {run} failed: {message}"),
        Event::RunCancelled { run } => format!("run {run} cancelled"),
        Event::RunStopped { run, interrupted, checkpoint } => {
            let why = if *interrupted { "the program ended" } else { "stopped by hand" };
            match checkpoint {
                Some(at) => format!("run {run}: {why}; checkpoint at {} {}", at.done, at.unit),
                None => format!("run {run}: {why}; no checkpoint"),
            }
        }
        Event::RunResumed { run } => format!("run {run} resumed"),
        Event::ModelEvaluated { evaluation } => {
            format!("model {} evaluated on {} rows ({})", evaluation.model, evaluation.rows, evaluation.split)
        }
        Event::ThresholdSet { model, threshold: Some(value) } => {
            format!("threshold of model {model}: {value}")
        }
        Event::ThresholdSet { model, threshold: None } => format!("threshold of model {model}: by the costs"),
        other => describe_serving(other),
    }
}

fn describe_serving(event: &Event) -> String {
    match event {
        Event::PackageBuilt { package } => {
            format!(
                "package of model {}: {} bytes, SHA-256 {}",
                package.model,
                package.bytes,
                package.sha256.short()
            )
        }
        Event::DeploymentChanged { action, status, .. } => {
            let stable = status
                .stable
                .as_ref()
                .map_or_else(|| "none".to_owned(), |own| format!("model {}", own.model));
            let canary = status.canary.as_ref().map_or_else(String::new, |own| {
                format!(", canary model {} at {} %", own.served.model, own.percent)
            });
            format!("{action} on {}: stable {stable}{canary}, {}", status.target, status.state)
        }
        Event::GateChecked { report } => {
            format!("gates of model {} {}", report.model, if report.ok { "passed" } else { "failed" })
        }
        Event::MonitorUpdated { report } => {
            format!("monitored: {} windows, {} alerts", report.windows.len(), report.alerts.len())
        }
        Event::FeedbackSent { accepted, unknown, .. } => format!("{accepted} labels sent, {unknown} unknown"),
        Event::RetrainStarted { reason, .. } => format!("retrain: {reason}"),
        Event::RetrainFinished { outcome, .. } => format!("retrained: {outcome}"),
        Event::TargetAdded { name, url } => format!("target {name} at {url}"),
        other => crate::project::kind_of(other),
    }
}
