//! `runs`, `models`, `log` and `lineage`: what was done.

use super::Session;
use crate::{
    args::ProjectArgs,
    output::{TextTable, bytes, count, number},
};
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;
use yard_types::{
    ids::ModelId,
    project::{ProjectState, RunState, Stopped},
};

/// Lists runs.
pub(crate) fn runs(session: &Session, project: &ProjectArgs) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let state = engine.state();
    let runs: Vec<_> = state.runs.values().collect();
    session.output.result(&json!({"runs": runs}), || {
        let mut table = TextTable::new(&["run", "family", "dataset", "started", "state"]);
        for run in &runs {
            let ended = match &run.state {
                RunState::Running => "running".to_owned(),
                RunState::Finished { model } => format!("model {model}"),
                RunState::Failed { message } => format!("failed: {message}"),
                RunState::Cancelled => stopped(run.stopped.as_ref(), run.saved.len()),
            };
            let cells = [run.id.to_string(), run.spec.family.word().to_owned(), run.dataset.to_string()];
            table.row(cells.into_iter().chain([seconds(&run.started_at), ended]).collect());
        }
        table.render()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Says how a stopped run can go on.
fn stopped(left: Option<&Stopped>, trials: usize) -> String {
    let why = if left.is_some_and(|left| left.interrupted) { "interrupted" } else { "stopped" };
    match left.and_then(|left| left.checkpoint.as_ref()) {
        Some(at) => format!("{why} at {} {}, can be resumed", at.done, at.unit),
        None if trials > 0 => format!("{why} after {trials} trials, can be resumed"),
        None => format!("{why}, can be resumed from the beginning"),
    }
}

/// Lists models.
pub(crate) fn models(session: &Session, project: &ProjectArgs) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let state = engine.state();
    let best = state.best_model().map(|model| model.id);
    let champion = state.champion();
    let models: Vec<_> = state.models.values().collect();
    let metric = state.frame.as_ref().map_or("", |frame| frame.metric.as_str()).to_owned();
    session.output.result(&json!({"models": models, "best": best, "champion": champion}), || {
        let (validation, test) = (format!("{metric} validation"), format!("{metric} test"));
        let titles = ["model", "run", "family", &validation, &test, "row, µs", "size", "sha256", ""];
        let mut table = TextTable::new(&titles);
        for model in &models {
            let figure = |part: &str| {
                let own = model.metrics.get(part).and_then(|set| set.get(&metric));
                number(own.map_or(f64::NAN, |own| own.value), 4)
            };
            let mut words = Vec::new();
            words.extend((best == Some(model.id)).then_some("best"));
            words.extend((champion == Some(model.id)).then_some("serving"));
            table.row(vec![
                model.id.to_string(),
                model.run.to_string(),
                model.family.word().to_owned(),
                figure("validation"),
                figure("test"),
                latency(&state, model.id).map_or_else(|| "-".to_owned(), |row| number(row, 1)),
                bytes(model.size_bytes),
                model.model_sha256.short(),
                words.join(", "),
            ]);
        }
        table.render()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Median time of one row in microseconds, from the newest evaluation that measured it.
fn latency(state: &ProjectState, model: ModelId) -> Option<f64> {
    let own = state.evaluations.iter().rev().filter(|own| own.model == model);
    own.filter_map(|own| own.latency).map(|latency| latency.p50_us).next()
}

/// Prints the event log.
pub(crate) fn log(session: &Session, project: &ProjectArgs, verify: bool) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let checked = verify.then(|| engine.verify_log()).transpose()?;
    let events = engine.events();
    session.output.result(&json!({"events": events, "verified": checked}), || {
        let mut table = TextTable::new(&["seq", "at", "actor", "command", "event", "hash"]);
        for record in &events {
            table.row(vec![
                record.seq.to_string(),
                seconds(&record.at),
                record.actor.clone(),
                record.command_id.to_string(),
                shortened(&yard_engine::describe(&record.body)),
                record.hash.short(),
            ]);
        }
        let chain =
            checked.map_or_else(String::new, |n| format!("{} events, chain of hashes unbroken\n", count(n)));
        format!("{}{chain}", table.render())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints where something comes from and where it went.
pub(crate) fn lineage(session: &Session, project: &ProjectArgs, id: &str) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let lineage = yard_engine::lineage(&engine.state(), &engine.events(), id)?;
    session.output.result(&serde_json::to_value(&lineage)?, || {
        let mut out = String::new();
        for (title, steps) in [("comes from", &lineage.from), ("is", &lineage.is), ("went to", &lineage.to)] {
            add!(out, "{title}\n");
            for step in steps {
                add!(out, "  {:<10} {}  {}\n", step.kind, seconds(&step.at), step.text);
            }
        }
        out
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Cuts a sentence to what fits beside the other columns.
fn shortened(text: &str) -> String {
    const MOST: usize = 100;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

/// Cuts a timestamp to seconds.
fn seconds(at: &str) -> String {
    at.get(..19).unwrap_or(at).replace('T', " ")
}
