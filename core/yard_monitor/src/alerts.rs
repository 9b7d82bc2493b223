//! From conditions per window to alerts: runs of windows, messages, the retrain trigger.

use crate::{quality::worse_beyond_noise, report::MonitorInput};
use std::collections::BTreeMap;
use yard_metrics::{
    interval::{Z_99, wilson},
    sketch::SCORE_FIELD,
};
use yard_types::{
    metric::{MetricValue, metric_info},
    monitor::{Alert, DriftFigure, Window},
};

/// What is wrong in one window.
struct Condition {
    kind: &'static str,
    field: Option<String>,
    /// First part of the message: what, how much, against what.
    finding: String,
    /// Share of importance, for drift of a field.
    importance: f64,
}

type Key = (u64, &'static str, Option<String>);

/// A run of windows with the same condition.
struct Run {
    length: u32,
    since: String,
    importance: f64,
}

/// Returns the alerts of all windows, newest first.
pub(crate) fn alerts(input: &MonitorInput<'_>, windows: &[Window]) -> Vec<Alert> {
    let mut runs: BTreeMap<Key, Run> = BTreeMap::new();
    let mut alerts = Vec::new();
    let mut last_retrain: Option<u64> = None;
    for (index, window) in (0..).zip(windows) {
        if window.requests < input.rules.min_rows {
            continue;
        }
        let raised = continue_runs(&mut runs, input, window);
        let share = drifting_share(&runs, window.version, input.rules.consecutive);
        let rested = last_retrain.is_none_or(|last| index - last > input.rules.cool_down);
        for (condition, since) in raised {
            let reason = retrain_reason(input, &condition, share).filter(|_| rested);
            if reason.is_some() {
                last_retrain = Some(index);
            }
            alerts.push(Alert {
                kind: condition.kind.to_owned(),
                field: condition.field,
                message: message(&condition.finding, input.rules.consecutive, &since, reason.as_deref()),
                window: index,
                retrain: reason.is_some(),
            });
        }
    }
    alerts.reverse();
    alerts
}

/// Ends the runs of the window's version that its conditions don't continue, and returns the conditions
/// whose run has just become long enough, with its start.
fn continue_runs(
    runs: &mut BTreeMap<Key, Run>,
    input: &MonitorInput<'_>,
    window: &Window,
) -> Vec<(Condition, String)> {
    let conditions = conditions(input, window);
    let current: Vec<Key> = conditions.iter().map(|condition| key(window, condition)).collect();
    runs.retain(|key, _| key.0 != window.version || current.contains(key));
    let mut raised = Vec::new();
    for condition in conditions {
        let run = runs.entry(key(window, &condition)).or_insert_with(|| Run {
            length: 0,
            since: window.from.clone(),
            importance: condition.importance,
        });
        run.length += 1;
        if run.length == input.rules.consecutive.max(1) {
            raised.push((condition, run.since.clone()));
        }
    }
    raised
}

fn key(window: &Window, condition: &Condition) -> Key {
    (window.version, condition.kind, condition.field.clone())
}

/// Summed importance of the fields whose drift has lasted long enough to alert.
fn drifting_share(runs: &BTreeMap<Key, Run>, version: u64, consecutive: u32) -> f64 {
    runs.iter()
        .filter(|(key, run)| key.0 == version && key.1 == "drift" && run.length >= consecutive.max(1))
        .map(|(_, run)| run.importance)
        .sum()
}

fn retrain_reason(input: &MonitorInput<'_>, condition: &Condition, share: f64) -> Option<String> {
    match condition.kind {
        "quality" => Some("quality fell beyond its interval".to_owned()),
        "drift" if condition.importance > 0.0 && share >= input.rules.importance_share => Some(format!(
            "drifting fields hold {} of the importance (limit {})",
            percent(share),
            percent(input.rules.importance_share)
        )),
        _ => None,
    }
}

fn message(finding: &str, windows: u32, since: &str, retrain: Option<&str>) -> String {
    let since = to_the_minute(since);
    let run = match windows {
        0 | 1 => format!("in the window from {since}"),
        more => format!("in {more} windows in a row since {since}"),
    };
    let call = retrain.map(|reason| format!(" A retrain is called for: {reason}.")).unwrap_or_default();
    format!("{finding}, {run}.{call}")
}

/// Shortens an RFC 3339 instant in UTC to the minute, as people read it.
fn to_the_minute(instant: &str) -> String {
    match (instant.get(..10), instant.get(11..16), instant.ends_with('Z')) {
        (Some(day), Some(minute), true) => format!("{day} {minute} UTC"),
        _ => instant.to_owned(),
    }
}

fn conditions(input: &MonitorInput<'_>, window: &Window) -> Vec<Condition> {
    let mut found = Vec::new();
    found.extend(quality_condition(input, window));
    found.extend(cost_condition(input, window));
    found.extend(error_condition(input, window));
    found.extend(latency_condition(input, window));
    found.extend(window.drift.iter().filter(|figure| figure.alert).map(drift_condition));
    found
}

fn drift_condition(figure: &DriftFigure) -> Condition {
    let importance = figure.importance.unwrap_or(0.0);
    let field = &figure.field;
    let (kind, finding) = match figure.method.as_str() {
        "missing_rate" => ("missing", rate_finding(&format!("{field} is missing"), figure)),
        "unseen_rate" => {
            ("unseen", rate_finding(&format!("{field} holds values that training data never held"), figure))
        }
        _ => {
            let what = if field == SCORE_FIELD { "The predictions" } else { field };
            let moved = largest_move(figure).map(|text| format!(" ({text})")).unwrap_or_default();
            let value = format!("PSI is {:.3} against a threshold of {:.3}", figure.value, figure.threshold);
            ("drift", format!("{what} drifted from the reference: {value}{moved}"))
        }
    };
    Condition { kind, field: Some(field.clone()), finding, importance }
}

fn rate_finding(what: &str, figure: &DriftFigure) -> String {
    let reference = figure.reference.first().copied().unwrap_or(0.0);
    format!(
        "{what} in {} of the rows, against {} in the reference and a limit of {}",
        percent(figure.value),
        percent(reference),
        percent(figure.threshold)
    )
}

/// The bin whose share changed most, in words.
fn largest_move(figure: &DriftFigure) -> Option<String> {
    let change = |bin: &usize| (figure.current[*bin] - figure.reference[*bin]).abs();
    let bins = figure.bins.len().min(figure.current.len()).min(figure.reference.len());
    let bin = (0..bins).max_by(|a, b| change(a).total_cmp(&change(b)))?;
    let label = &figure.bins[bin];
    Some(format!(
        "the share of {label} went from {} to {}",
        percent(figure.reference[bin]),
        percent(figure.current[bin])
    ))
}

fn quality_condition(input: &MonitorInput<'_>, window: &Window) -> Option<Condition> {
    let metric = input.frame.metric.as_str();
    let finding = worse_finding(input, window, metric)?;
    let label = metric_info(metric).map_or(metric, |info| info.label);
    Some(Condition {
        kind: "quality",
        field: None,
        finding: format!("Quality fell: {label} {finding}"),
        importance: 0.0,
    })
}

fn cost_condition(input: &MonitorInput<'_>, window: &Window) -> Option<Condition> {
    window.cost?;
    let finding = worse_finding(input, window, "expected_cost")?;
    Some(Condition {
        kind: "cost",
        field: None,
        finding: format!("Decisions cost more: mean cost ({}) {finding}", input.frame.cost_unit),
        importance: 0.0,
    })
}

fn worse_finding(input: &MonitorInput<'_>, window: &Window, metric: &str) -> Option<String> {
    if window.labels < input.rules.min_labels {
        return None;
    }
    let live = window.quality.get(metric)?;
    let baseline = input.baseline?.get(metric)?;
    if !worse_beyond_noise(metric, live, baseline) {
        return None;
    }
    let decimals = metric_info(metric).map_or(3, |info| info.decimals);
    let with_interval = |value: &MetricValue| match (value.low, value.high) {
        (Some(low), Some(high)) => {
            format!("{:.decimals$} (95 % interval {low:.decimals$} to {high:.decimals$})", value.value)
        }
        _ => format!("{:.decimals$}", value.value),
    };
    Some(format!(
        "is {} on {} labelled rows, against {} when evaluated",
        with_interval(live),
        window.labels,
        with_interval(baseline)
    ))
}

fn error_condition(input: &MonitorInput<'_>, window: &Window) -> Option<Condition> {
    let (low, _) = wilson(window.errors as f64, window.requests as f64, Z_99)?;
    (low > input.rules.max_error_rate).then(|| Condition {
        kind: "errors",
        field: None,
        finding: format!(
            "{} of {} requests failed ({}), against a limit of {}",
            window.errors,
            window.requests,
            percent(window.errors as f64 / window.requests as f64),
            percent(input.rules.max_error_rate)
        ),
        importance: 0.0,
    })
}

fn latency_condition(input: &MonitorInput<'_>, window: &Window) -> Option<Condition> {
    let budget = input.frame.latency_budget_ms?;
    (window.p99_ms > budget).then(|| Condition {
        kind: "latency",
        field: None,
        finding: format!("The p99 latency is {:.2} ms, against a budget of {budget} ms", window.p99_ms),
        importance: 0.0,
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
