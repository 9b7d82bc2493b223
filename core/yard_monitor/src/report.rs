//! The report: every window judged, then the alerts.

use crate::{
    alerts::alerts,
    drift::{figures, importance_shares},
    error::MonitorError,
    input::WindowInput,
    quality::live_quality,
    rules::Rules,
};
use std::collections::BTreeMap;
use yard_metrics::sketch::ReferenceSet;
use yard_types::{
    evaluation::Importance,
    frame::{Frame, Task},
    metric::MetricSet,
    monitor::{MonitorReport, Window},
};

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct MonitorInput<'a> {
    /// Deployment name.
    pub deployment: &'a str,
    /// Windows, oldest first.
    pub windows: &'a [WindowInput],
    /// Reference sketches of the package that answered.
    pub reference: &'a ReferenceSet,
    /// Frame: task, metric, costs, latency budget.
    pub frame: &'a Frame,
    /// Importance of the fields from the evaluation; empty: all fields weigh the same.
    pub importance: &'a [Importance],
    /// Metrics of the evaluation on test rows; without them quality and cost raise no alert.
    pub baseline: Option<&'a MetricSet>,
    /// Rules.
    pub rules: Rules,
}

/// Judges the windows. The same input gives the same report. Errors when a window's sketches don't fit the
/// reference or its labelled rows can't be scored.
pub fn monitor(input: &MonitorInput<'_>) -> Result<MonitorReport, MonitorError> {
    let shares = importance_shares(input.importance, &input.reference.fields);
    let windows: Vec<Window> = input
        .windows
        .iter()
        .enumerate()
        .map(|(index, window)| judge(input, index, window, &shares))
        .collect::<Result<_, _>>()?;
    let alerts = alerts(input, &windows);
    Ok(MonitorReport { deployment: input.deployment.to_owned(), windows, alerts })
}

fn judge(
    input: &MonitorInput<'_>,
    index: usize,
    window: &WindowInput,
    shares: &BTreeMap<String, f64>,
) -> Result<Window, MonitorError> {
    if let Some(task) = window.labelled.task()
        && task != input.frame.task
    {
        return Err(MonitorError::Task {
            window: index,
            from: window.from.clone(),
            expected: format!("{:?}", input.frame.task).to_lowercase(),
            got: format!("{task:?}").to_lowercase(),
        });
    }
    let drift = figures(input, window, shares).map_err(|source| MonitorError::Sketch {
        window: index,
        from: window.from.clone(),
        source,
    })?;
    let mut quality = live_quality(input, window).map_err(|source| MonitorError::Labels {
        window: index,
        from: window.from.clone(),
        source,
    })?;
    if input.frame.costs.is_none() {
        quality.remove("expected_cost");
    }
    let (p50_ms, p95_ms, p99_ms) = window.latency.p50_p95_p99_ms();
    let scored = window.score.as_ref().filter(|score| score.moments.count > 0);
    Ok(Window {
        from: window.from.clone(),
        to: window.to.clone(),
        version: window.version,
        requests: window.requests,
        errors: window.errors,
        p50_ms,
        p95_ms,
        p99_ms,
        drift,
        labels: window.labelled.len() as u64,
        cost: quality.get("expected_cost").map(|cost| cost.value),
        quality,
        mean_score: scored.filter(|_| input.frame.task != Task::Multiclass).map(|score| score.moments.mean),
    })
}
