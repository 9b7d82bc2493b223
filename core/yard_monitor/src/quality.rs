//! Live quality from labels, and whether it is worse than the evaluation's.

use crate::{input::WindowInput, report::MonitorInput};
use yard_metrics::{
    Decision, MetricsError,
    bootstrap::{Bootstrap, intervals},
    interval::{Z_95, Z_99},
};
use yard_types::metric::{Direction, MetricSet, MetricValue, metric_info};

/// Returns the metrics of the labelled rows with 95 % intervals; empty without labels.
pub(crate) fn live_quality(
    input: &MonitorInput<'_>,
    window: &WindowInput,
) -> Result<MetricSet, MetricsError> {
    let Some(rows) = window.labelled.rows()? else { return Ok(MetricSet::new()) };
    let decision = Decision {
        threshold: input.rules.threshold.unwrap_or_else(|| input.frame.threshold()),
        costs: input.frame.costs_or_default(),
    };
    let bootstrap = Bootstrap { resamples: input.rules.resamples, seed: input.rules.seed };
    Ok(intervals(rows, &decision, &bootstrap))
}

/// Returns whether `live` is worse than `baseline` beyond noise: the 99 % interval of their difference lies
/// on the worse side. Standard errors come from the 95 % intervals; both count, since the baseline was
/// measured on a sample too and its error is in every window. A live figure without an interval is never
/// called worse; a baseline without one is taken as exact.
pub(crate) fn worse_beyond_noise(metric: &str, live: &MetricValue, baseline: &MetricValue) -> bool {
    let error =
        |value: &MetricValue| value.low.zip(value.high).map(|(low, high)| (high - low) / (2.0 * Z_95));
    let Some(live_error) = error(live) else { return false };
    let noise = Z_99 * live_error.hypot(error(baseline).unwrap_or(0.0));
    let worse_by = match metric_info(metric).map(|info| info.direction) {
        Some(Direction::Lower) => live.value - baseline.value,
        _ => baseline.value - live.value,
    };
    worse_by > noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_intervals_count_and_the_direction_is_the_metrics() {
        let value =
            |value: f64, half: f64| MetricValue { value, low: Some(value - half), high: Some(value + half) };
        let baseline = value(0.80, 0.02);
        assert!(worse_beyond_noise("roc_auc", &value(0.74, 0.03), &baseline));
        assert!(!worse_beyond_noise("roc_auc", &value(0.77, 0.03), &baseline));
        assert!(!worse_beyond_noise("roc_auc", &value(0.86, 0.03), &baseline));
        assert!(worse_beyond_noise("log_loss", &value(0.86, 0.03), &baseline));
        assert!(!worse_beyond_noise("roc_auc", &MetricValue::point(0.1), &baseline));
        assert!(worse_beyond_noise("roc_auc", &value(0.77, 0.02), &MetricValue::point(0.80)));
    }
}
