//! `train`, `reproduce` and `devices`.

use super::{Session, Usage, choice};
use crate::{
    args::{ModelArg, ProjectArgs, TrainArgs},
    output::{TextTable, duration, number},
};
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use std::process::ExitCode;
use yard_types::{
    command::Command,
    ids::RunId,
    metric::{MetricSet, metric_info},
    project::ProjectState,
    run::{Family, ModelRecord, Params, RunSpec, Trial},
};

/// Trains a run or a search.
pub(crate) fn train(session: &Session, args: &TrainArgs) -> Result<ExitCode> {
    let spec = spec(session, args)?;
    let engine = session.open(&args.project.project)?;
    let command = if let Some(run) = args.resume {
        Command::ResumeTraining { run: stopped_run(&engine.state(), run)? }
    } else {
        let recipe = engine.state().recipe.clone();
        Command::StartTraining { spec: Box::new(RunSpec { recipe, ..spec }) }
    };
    let done = session.run(&engine, command)?;
    let state = engine.state();
    let model = state.models.values().next_back();
    let trials = model.and_then(|model| state.runs.get(&model.run)).map_or(&[][..], |run| &run.trials);
    let metric = state.frame.as_ref().map_or("", |frame| frame.metric.as_str());
    session.output.result(&done.result, || {
        let mut out = String::new();
        if !trials.is_empty() {
            out.push_str(&trials_text(trials, metric));
            out.push('\n');
        }
        out.push_str(&model.map_or_else(|| done.message.clone(), model_text));
        for note in done.result["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            add!(out, "  note      {note}\n");
        }
        out
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the run to resume: by number, or the newest that was stopped for 0.
fn stopped_run(state: &ProjectState, number: u64) -> Result<RunId> {
    if number > 0 {
        return Ok(RunId(number));
    }
    let newest = state.runs.values().rev().find(|run| run.resumable());
    newest
        .map(|run| run.id)
        .ok_or_else(|| anyhow!("no run was stopped; nothing to resume (see `modelyard runs`)"))
}

fn spec(session: &Session, args: &TrainArgs) -> Result<RunSpec> {
    let family = Family::from_word(&args.family).ok_or_else(|| {
        let known: Vec<&str> = Family::ALL.iter().map(|family| family.word()).collect();
        Usage(format!("--family is \"{}\"; expected one of {}", args.family, known.join(", ")))
    })?;
    let mut params = Params::new();
    for text in &args.params {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Usage(format!("--param is \"{text}\"; expected NAME=VALUE, e.g. trees=300")))?;
        params.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    Ok(RunSpec {
        params,
        seed: session.seed(),
        device: args.device.clone(),
        trials: args.trials,
        budget_secs: args.budget.as_deref().map(seconds).transpose()?,
        folds: args.folds,
        repeats: args.repeats,
        nested: args.nested,
        ..RunSpec::new(family)
    })
}

/// Reads `60s`, `5m`, `1h` or plain seconds.
fn seconds(text: &str) -> Result<f64> {
    let (digits, factor) = match text.chars().last() {
        Some('s') => (&text[..text.len() - 1], 1.0),
        Some('m') => (&text[..text.len() - 1], 60.0),
        Some('h') => (&text[..text.len() - 1], 3600.0),
        _ => (text, 1.0),
    };
    let value: Option<f64> = digits.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0);
    let value = value
        .ok_or_else(|| Usage(format!("--budget is \"{text}\"; expected a time such as 60s, 5m or 1h")))?;
    Ok(value * factor)
}

fn trials_text(trials: &[Trial], metric: &str) -> String {
    let header = ["", "family", metric, "row, us", "KiB", "front", "seconds", "hyperparameters", "note"];
    let mut table = TextTable::new(&header);
    for trial in trials {
        let params: Vec<String> =
            trial.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let params: String = params.join(" ").chars().take(60).collect();
        let value = trial.validation.get(metric).map_or(f64::NAN, |own| own.value);
        table.row(vec![
            if trial.kept { "*" } else { "" }.to_owned(),
            trial.family.word().to_owned(),
            number(value, 4),
            number(trial.latency_us.unwrap_or(f64::NAN), 1),
            number(trial.size_bytes.map_or(f64::NAN, |bytes| bytes as f64 / 1024.0), 1),
            if trial.front { "yes" } else { "" }.to_owned(),
            number(trial.seconds, 1),
            params,
            trial.note.clone(),
        ]);
    }
    table.render()
}

/// Renders a model with its figures.
pub(crate) fn model_text(model: &ModelRecord) -> String {
    let mut out = format!(
        "model {} (run {}): {}, {} features, {} steps, {} parameters, {}, {}\n  sha256    {}\n",
        model.id,
        model.run,
        model.family.word(),
        model.features,
        model.steps,
        model.parameters,
        duration(model.seconds),
        model.device,
        model.model_sha256
    );
    for (part, set) in &model.metrics {
        add!(out, "  {part}\n");
        out.push_str(&metrics_text(set));
    }
    out
}

/// Renders metrics with their intervals.
pub(crate) fn metrics_text(set: &MetricSet) -> String {
    let mut table = TextTable::new(&["   ", "metric", "value", "95 % interval"]);
    for (name, metric) in set {
        let decimals = metric_info(name).map_or(4, |info| info.decimals + 1);
        let interval = match (metric.low, metric.high) {
            (Some(low), Some(high)) => format!("{} to {}", number(low, decimals), number(high, decimals)),
            _ => "-".to_owned(),
        };
        table.row(vec!["   ".to_owned(), name.clone(), number(metric.value, decimals), interval]);
    }
    table.render()
}

/// Trains a model's run again; another hash is a failure.
pub(crate) fn reproduce(session: &Session, project: &ProjectArgs, model: &ModelArg) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let done = session.run(&engine, Command::Reproduce { model: choice(&model.model)? })?;
    session.output.result(&done.result, || done.message.clone())?;
    Ok(if done.result["equal"] == json!(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lists devices.
pub(crate) fn devices(session: &Session) -> Result<ExitCode> {
    let options = session.options()?;
    let result = yard_engine::devices(&options);
    session.output.result(&result, || {
        let mut table = TextTable::new(&["device", "usable", "what"]);
        for device in result["devices"].as_array().into_iter().flatten() {
            let text = |key: &str| device[key].as_str().unwrap_or_default().to_owned();
            let usable = if device["usable"] == json!(true) { "yes" } else { "no" };
            table.row(vec![text("device"), usable.to_owned(), text("detail")]);
        }
        table.render()
    })?;
    Ok(ExitCode::SUCCESS)
}
