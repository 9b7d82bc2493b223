//! Values in words, as all places show them: decimals from the metric's own record, true minus signs,
//! an en dash for what is missing.

use yard_types::{
    ids::{ModelId, RunId},
    metric::{Direction, MetricValue, metric_info},
    project::ProjectState,
    run::ModelRecord,
};
use yard_ui::{Better, fmt};

/// Label of a metric.
pub(crate) fn metric_label(name: &str) -> &str {
    metric_info(name).map_or(name, |info| info.label)
}

/// Value of a metric with its own decimals.
pub(crate) fn metric(name: &str, value: f64) -> String {
    fmt::fixed(value, decimals(name))
}

/// "0.861 (0.802–0.912)"; without an interval the value alone.
pub(crate) fn metric_interval(name: &str, value: &MetricValue) -> String {
    match (value.low, value.high) {
        (Some(low), Some(high)) => fmt::with_interval(value.value, low, high, decimals(name)),
        _ => metric(name, value.value),
    }
}

/// "0.802–0.912", an en dash when there is none.
pub(crate) fn interval(name: &str, value: &MetricValue) -> String {
    match (value.low, value.high) {
        (Some(low), Some(high)) => fmt::interval(low, high, decimals(name)),
        _ => "–".to_owned(),
    }
}

/// Decimals of a metric.
pub(crate) fn decimals(name: &str) -> usize {
    metric_info(name).map_or(3, |info| info.decimals)
}

/// Which way is better.
pub(crate) fn better(name: &str) -> Better {
    match metric_info(name).map(|info| info.direction) {
        Some(Direction::Lower) => Better::Lower,
        _ => Better::Higher,
    }
}

/// Name of the metric that chooses, `roc_auc` before there is a frame.
pub(crate) fn chosen_metric(project: &ProjectState) -> &str {
    project.frame.as_ref().map_or("roc_auc", |frame| frame.metric.as_str())
}

/// "boosting, 227 trees".
pub(crate) fn model_words(model: &ModelRecord) -> String {
    use yard_types::run::Family;
    let unit = match model.family {
        Family::Boosting | Family::Forest => "trees",
        Family::Mlp | Family::Cnn | Family::Resnet | Family::Transformer | Family::Text => "epochs",
        _ => "iterations",
    };
    format!("{}, {} {unit}", model.family.word(), fmt::count(u64::from(model.steps)))
}

/// "run 14".
pub(crate) fn run_words(run: RunId) -> String {
    format!("run {run}")
}

/// Version of a model among the packages, if it was packaged.
pub(crate) fn version_of(project: &ProjectState, model: ModelId) -> Option<u64> {
    project.packages.iter().rev().find(|package| package.model == model).map(|package| package.version)
}

/// "14:21" of an RFC 3339 time (UTC).
pub(crate) fn clock(at: &str) -> String {
    at.get(11..16).unwrap_or("–").to_owned()
}

/// "2026-11-24 14:21" of an RFC 3339 time (UTC).
pub(crate) fn date_time(at: &str) -> String {
    match (at.get(..10), at.get(11..16)) {
        (Some(date), Some(clock)) => format!("{date} {clock}"),
        _ => "–".to_owned(),
    }
}

/// A sum of costs: whole numbers without decimals, grouped; others with two.
pub(crate) fn amount(value: f64) -> String {
    fmt::fixed(value, if value.fract() == 0.0 { 0 } else { 2 })
}
