//! Metrics as data: a metric knows its direction, range, unit, decimals and definition, so that plots,
//! tables, "best" and tooltips read it in one place. Names and values are scikit-learn's.

use crate::frame::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher is better.
    Higher,
    /// Lower is better.
    Lower,
}

/// Facts about a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricInfo {
    /// scikit-learn's name.
    pub name: &'static str,
    /// Label in the window.
    pub label: &'static str,
    /// Direction.
    pub direction: Direction,
    /// Decimals shown.
    pub decimals: usize,
    /// Unit, empty for a ratio; "target" for the unit of the target.
    pub unit: &'static str,
    /// One-line definition with formula.
    pub definition: &'static str,
}

const INFOS: &[MetricInfo] = &[
    info(
        "roc_auc",
        "ROC AUC",
        Direction::Higher,
        3,
        "",
        "Probability that a random positive scores above a random negative, ties count half (macro one-against-rest for several classes)",
    ),
    info(
        "average_precision",
        "Average precision",
        Direction::Higher,
        3,
        "",
        "Sum over thresholds of (recall step) × precision",
    ),
    info(
        "log_loss",
        "Log loss",
        Direction::Lower,
        4,
        "nats",
        "Mean of −ln of the probability given to the true class",
    ),
    info(
        "brier",
        "Brier score",
        Direction::Lower,
        3,
        "",
        "Mean squared difference of probability and outcome",
    ),
    info(
        "accuracy",
        "Accuracy",
        Direction::Higher,
        3,
        "",
        "Share of rows whose predicted class is the true one",
    ),
    info("balanced_accuracy", "Balanced accuracy", Direction::Higher, 3, "", "Mean recall over classes"),
    info(
        "f1",
        "F1",
        Direction::Higher,
        3,
        "",
        "Harmonic mean of precision and recall (macro mean for several classes)",
    ),
    info("precision", "Precision", Direction::Higher, 3, "", "True positives over predicted positives"),
    info("recall", "Recall", Direction::Higher, 3, "", "True positives over actual positives"),
    info(
        "ece",
        "Calibration error",
        Direction::Lower,
        3,
        "",
        "Mean distance of predicted and observed rate over 10 equal-mass bins",
    ),
    info(
        "expected_cost",
        "Expected cost",
        Direction::Lower,
        3,
        "cost",
        "Mean cost of a decision at the threshold that the costs give",
    ),
    info("rmse", "RMSE", Direction::Lower, 3, "target", "Square root of the mean squared error"),
    info("mae", "MAE", Direction::Lower, 3, "target", "Mean absolute error"),
    info("r2", "R²", Direction::Higher, 3, "", "1 − residual over total sum of squares"),
    info(
        "median_absolute_error",
        "Median absolute error",
        Direction::Lower,
        3,
        "target",
        "Median of the absolute error",
    ),
];

const fn info(
    name: &'static str,
    label: &'static str,
    direction: Direction,
    decimals: usize,
    unit: &'static str,
    definition: &'static str,
) -> MetricInfo {
    MetricInfo { name, label, direction, decimals, unit, definition }
}

/// Returns the facts of a metric by scikit-learn's name.
pub fn metric_info(name: &str) -> Option<&'static MetricInfo> {
    INFOS.iter().find(|info| info.name == name)
}

/// Returns all metrics.
pub fn all_metrics() -> &'static [MetricInfo] {
    INFOS
}

/// Returns whether a metric can choose between models of a task.
pub fn fits(name: &str, task: Task) -> bool {
    let regression = ["rmse", "mae", "r2", "median_absolute_error"];
    let multiclass = ["roc_auc", "log_loss", "accuracy", "balanced_accuracy", "f1"];
    match task {
        Task::Regression => regression.contains(&name),
        Task::Binary => metric_info(name).is_some() && !regression.contains(&name),
        Task::Multiclass => multiclass.contains(&name),
    }
}

/// Returns whether `a` is better than `b` by the metric's direction; NaN is never better.
pub fn better(name: &str, a: f64, b: f64) -> bool {
    match metric_info(name).map(|info| info.direction) {
        Some(Direction::Lower) => a < b || (b.is_nan() && !a.is_nan()),
        _ => a > b || (b.is_nan() && !a.is_nan()),
    }
}

/// Returns the metric that chooses between models when the user named none.
pub fn default_metric(task: Task) -> &'static str {
    match task {
        Task::Binary => "roc_auc",
        Task::Multiclass => "log_loss",
        Task::Regression => "rmse",
    }
}

/// A value with its 95 % interval; a bound that can't be computed is absent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// Value.
    pub value: f64,
    /// Lower bound of the 95 % interval.
    pub low: Option<f64>,
    /// Upper bound of the 95 % interval.
    pub high: Option<f64>,
}

impl MetricValue {
    /// Makes a value without an interval.
    pub fn point(value: f64) -> Self {
        Self { value, low: None, high: None }
    }
}

/// Metrics by name.
pub type MetricSet = BTreeMap<String, MetricValue>;
