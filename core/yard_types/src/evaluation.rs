//! What an evaluation of a model on one set of rows holds. All curves are ready to draw.

use crate::{metric::MetricSet, split::SplitPart};
use serde::{Deserialize, Serialize};

/// A point of a curve with the threshold that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Abscissa (false positive rate, recall, ...).
    pub x: f64,
    /// Ordinate (true positive rate, precision, ...).
    pub y: f64,
    /// Score at or above which a row counts as positive.
    pub threshold: f64,
}

/// A bin of the calibration plot (equal-mass bins).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Observed rate.
    pub observed: f64,
    /// Wilson 95 % lower bound of the observed rate.
    pub low: f64,
    /// Wilson 95 % upper bound.
    pub high: f64,
    /// Rows.
    pub rows: u64,
}

/// A point of the cost curve of a binary task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostPoint {
    /// Probability threshold.
    pub threshold: f64,
    /// Mean cost per row.
    pub cost: f64,
    /// Lower bound of the 95 % bootstrap interval.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Mean cost per row of the model and of what one could do without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedCost {
    /// The model at its threshold, with interval.
    pub model: crate::metric::MetricValue,
    /// Never acting.
    pub do_nothing: f64,
    /// Always acting.
    pub always: f64,
    /// The best rule on a single column, found on training rows.
    pub best_rule: Option<SingleRule>,
}

/// A rule on one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleRule {
    /// In words: `tenure ≤ 12`, `Contract = Month-to-month`.
    pub rule: String,
    /// Its mean cost per row on the evaluated rows.
    pub cost: f64,
}

/// Counts of true class (row) against predicted class (column).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Class labels in model order.
    pub labels: Vec<String>,
    /// `counts[true][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

/// Performance on part of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Name in words: `Contract = Month-to-month`.
    pub name: String,
    /// Rows.
    pub rows: u64,
    /// Rows of the positive class (0 for other tasks).
    pub positives: u64,
    /// Metrics with intervals.
    pub metrics: MetricSet,
    /// Whether it is worse than the whole beyond noise.
    pub worse: bool,
}

/// Rates of one group of a protected column. A rate with an empty denominator is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRates {
    /// Group value.
    pub group: String,
    /// Rows.
    pub rows: u64,
    /// Positives.
    pub positives: u64,
    /// Share predicted positive.
    pub selection_rate: Option<f64>,
    /// Wilson 95 % interval of the selection rate.
    pub selection_interval: Option<(f64, f64)>,
    /// True positive rate.
    pub tpr: Option<f64>,
    /// False positive rate.
    pub fpr: Option<f64>,
    /// Precision.
    pub precision: Option<f64>,
    /// Fewer than 30 rows or 10 positives: shown grey.
    pub small: bool,
}

/// Fairness over one protected column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// Protected column.
    pub column: String,
    /// Groups by name.
    pub groups: Vec<GroupRates>,
    /// Largest minus smallest selection rate.
    pub demographic_parity_difference: Option<f64>,
    /// Smallest over largest selection rate.
    pub demographic_parity_ratio: Option<f64>,
    /// Larger of the ranges of true and false positive rate.
    pub equalized_odds_difference: Option<f64>,
    /// Range of the true positive rate.
    pub equal_opportunity_difference: Option<f64>,
}

/// Importance of a field: permutation importance on the evaluated rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Field name.
    pub field: String,
    /// Worsening of the frame's metric when the field is shuffled.
    pub value: f64,
    /// Standard deviation over repeats.
    pub sd: f64,
}

/// One dot of the residual plot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    /// Predicted value.
    pub predicted: f64,
    /// True value.
    pub actual: f64,
}

/// Time of one row in process, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50_us: f64,
    /// 95th percentile.
    pub p95_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
}

/// Evaluation of one model on one set of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Model.
    pub model: crate::ids::ModelId,
    /// Which rows: `validation`, `test` or `file`.
    pub split: String,
    /// Rows.
    pub rows: u64,
    /// Rows of the positive class (binary).
    pub positives: u64,
    /// Metrics with 95 % bootstrap intervals.
    pub metrics: MetricSet,
    /// Probability threshold of the decision (binary).
    pub threshold: Option<f64>,
    /// Costs per row (binary).
    pub expected_cost: Option<ExpectedCost>,
    /// ROC curve, thinned to at most 400 points.
    #[serde(default)]
    pub roc: Vec<CurvePoint>,
    /// Precision-recall curve, thinned.
    #[serde(default)]
    pub precision_recall: Vec<CurvePoint>,
    /// Calibration.
    #[serde(default)]
    pub calibration: Vec<CalibrationBin>,
    /// Cost curve over thresholds 0..=1.
    #[serde(default)]
    pub cost_curve: Vec<CostPoint>,
    /// Confusion matrix at the threshold (binary) or by the largest probability.
    pub confusion: Option<Confusion>,
    /// Residual plot, at most 2,000 rows.
    #[serde(default)]
    pub residuals: Vec<Residual>,
    /// Slices, worst first.
    #[serde(default)]
    pub slices: Vec<Slice>,
    /// Fairness per protected column.
    #[serde(default)]
    pub fairness: Vec<Fairness>,
    /// Importance, largest first.
    #[serde(default)]
    pub importance: Vec<Importance>,
    /// Single-row latency in process.
    pub latency: Option<Latency>,
    /// Package size estimate in bytes.
    pub size_bytes: u64,
}

impl Evaluation {
    /// Returns a metric's value, NaN when absent.
    pub fn metric(&self, name: &str) -> f64 {
        self.metrics.get(name).map_or(f64::NAN, |metric| metric.value)
    }

    /// Returns whether the rows are those of a split part.
    pub fn is_part(&self, part: SplitPart) -> bool {
        self.split == part.word()
    }
}
