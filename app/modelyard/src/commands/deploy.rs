//! `deploy`, `promote`, `rollback`, `status`, `stop`, `target`, `feedback`, `simulate`, `monitor`.

use super::Session;
use crate::{
    args::{ProjectArgs, TargetCommand},
    output::{TextTable, count, number},
};
use anyhow::Result;
use serde_json::{Value, json};
use std::process::ExitCode;
use yard_engine::targets::{self, Remote};
use yard_types::{
    command::Command,
    deploy::{DeploymentStatus, RolloutStep},
    monitor::MonitorReport,
};

/// Carries out an act on the deployment and prints its state.
pub(crate) fn act(session: &Session, project: &ProjectArgs, command: Command) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    session.run_and_print(&engine, command, |done| status_text(&done.result))
}

/// Carries out a command and prints its sentence.
pub(crate) fn plain(session: &Session, project: &ProjectArgs, command: Command) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    session.run_and_print(&engine, command, |done| done.message.clone())
}

/// Renders a deployment with the steps that led to it.
pub(crate) fn status_text(value: &Value) -> String {
    let Ok(status) = serde_json::from_value::<DeploymentStatus>(value.clone()) else {
        return value.to_string();
    };
    let steps: Vec<RolloutStep> = serde_json::from_value(value["steps"].clone()).unwrap_or_default();
    let mut out = String::new();
    for step in steps {
        let mark = if step.ok { "ok  " } else { "FAIL" };
        add!(out, "  {mark}  {:<17} {:>8.0} ms  {}\n", step.name, step.ms, step.detail);
    }
    add!(out, "{} on {}: {}\n", status.deployment, status.target, status.state);
    add!(out, "  url       {}\n  token     {}\n", status.url, status.token_file);
    if let Some(stable) = &status.stable {
        let short = stable.sha256.short();
        add!(out, "  stable    model {}, version {}, package {short}\n", stable.model, stable.version);
    }
    if let Some(canary) = &status.canary {
        let share = if canary.shadow { "shadow".to_owned() } else { format!("{} %", canary.percent) };
        add!(out, "  canary    model {}, version {}, {share}\n", canary.served.model, canary.served.version);
    }
    let mut table =
        TextTable::new(&["  version", "requests", "errors", "p50 ms", "p95 ms", "p99 ms", "mean score"]);
    for own in &status.stats {
        table.row(vec![
            format!("  {}", own.version),
            count(own.requests),
            count(own.errors),
            number(own.p50_ms, 2),
            number(own.p95_ms, 2),
            number(own.p99_ms, 2),
            own.mean_score.map_or_else(|| "-".to_owned(), |score| number(score, 4)),
        ]);
    }
    if !status.stats.is_empty() {
        out.push_str(&table.render());
    }
    out
}

/// Adds or lists remote servers.
pub(crate) fn target(session: &Session, command: TargetCommand) -> Result<ExitCode> {
    let home = session.options()?.home;
    if let TargetCommand::Add { name, url, token_file } = command {
        let token_file = std::path::absolute(token_file)?;
        targets::add_remote(&home, &name, Remote { url: url.clone(), token_file })?;
        session
            .output
            .result(&json!({"target": name, "url": url}), || format!("target {name} at {url} answers\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = targets::remotes(&home)?;
    session.output.result(&json!({"targets": all}), || {
        let mut table = TextTable::new(&["target", "url", "token file"]);
        for (name, remote) in &all {
            table.row(vec![name.clone(), remote.url.clone(), remote.token_file.display().to_string()]);
        }
        table.render()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the monitoring report.
pub(crate) fn monitor(session: &Session, project: &ProjectArgs) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let done = session.run(&engine, Command::Monitor)?;
    let report: MonitorReport = serde_json::from_value(done.result.clone())?;
    let metric = engine.state().frame.as_ref().map_or_else(String::new, |frame| frame.metric.clone());
    session.output.result(&done.result, || monitor_text(&report, &metric))?;
    Ok(ExitCode::SUCCESS)
}

/// Renders a monitoring report.
pub(crate) fn monitor_text(report: &MonitorReport, metric: &str) -> String {
    let mut table = TextTable::new(&[
        "from",
        "version",
        "rows",
        "errors",
        "p50 ms",
        "p99 ms",
        "mean score",
        "drifting fields",
        "labels",
        metric,
    ]);
    for window in &report.windows {
        let drifting: Vec<&str> =
            window.drift.iter().filter(|own| own.alert).map(|own| own.field.as_str()).collect();
        let mut names = drifting.clone();
        names.dedup();
        let shown: String = names.join(", ").chars().take(50).collect();
        table.row(vec![
            window.from.get(..19).unwrap_or(&window.from).replace('T', " "),
            window.version.to_string(),
            count(window.requests),
            count(window.errors),
            number(window.p50_ms, 2),
            number(window.p99_ms, 2),
            window.mean_score.map_or_else(|| "-".to_owned(), |score| number(score, 4)),
            shown,
            count(window.labels),
            window.quality.get(metric).map_or_else(|| "-".to_owned(), |own| number(own.value, 4)),
        ]);
    }
    let mut out = table.render();
    if report.alerts.is_empty() {
        out.push_str("no alerts\n");
    }
    for alert in &report.alerts {
        let call = if alert.retrain { " [calls for a retrain]" } else { "" };
        add!(out, "  alert ({}){call}: {}\n", alert.kind, alert.message);
    }
    out
}
