//! All metrics of a task at once, prepared so that new weights cost one pass: the shared base of
//! [`metric_set`] and of the bootstrap.

use crate::{
    classification::{MulticlassPrepared, brier_row, log_loss_row},
    ranked::Ranked,
    regression::RegressionPrepared,
    rows::{BinaryRows, Decision, Rows},
    sum::{dot, sum},
};
use std::collections::BTreeMap;

const BINARY: &[&str] = &[
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "ece",
    "expected_cost",
];

/// Returns all metrics of the task by scikit-learn's names; a metric that is undefined on these rows is
/// left out. Binary decisions and `expected_cost` are those of `decision`.
pub fn metric_set(rows: Rows<'_>, decision: &Decision) -> BTreeMap<String, f64> {
    let prepared = Prepared::new(rows, decision);
    let values = prepared.values(&rows.weights(), &mut Vec::new());
    prepared
        .names()
        .iter()
        .zip(values)
        .filter_map(|(name, value)| Some(((*name).to_owned(), value?)))
        .collect()
}

/// Rows prepared for repeated evaluation under different weights.
pub(crate) enum Prepared {
    Binary(BinaryPrepared),
    Multiclass(MulticlassPrepared),
    Regression(RegressionPrepared),
}

impl Prepared {
    pub(crate) fn new(rows: Rows<'_>, decision: &Decision) -> Self {
        match rows {
            Rows::Binary(rows) => Self::Binary(BinaryPrepared::new(&rows, decision)),
            Rows::Multiclass(rows) => Self::Multiclass(MulticlassPrepared::new(&rows)),
            Rows::Regression(rows) => Self::Regression(RegressionPrepared::new(&rows)),
        }
    }

    /// Returns the names of the metrics, in the order of [`Self::values`].
    pub(crate) fn names(&self) -> &'static [&'static str] {
        match self {
            Self::Binary(_) => BINARY,
            Self::Multiclass(_) => MulticlassPrepared::NAMES,
            Self::Regression(_) => RegressionPrepared::NAMES,
        }
    }

    /// Returns the metrics under row weights; `scratch` is reused between calls.
    pub(crate) fn values(&self, weights: &[f64], scratch: &mut Vec<f64>) -> Vec<Option<f64>> {
        match self {
            Self::Binary(rows) => rows.values(weights, scratch),
            Self::Multiclass(rows) => rows.values(weights, scratch),
            Self::Regression(rows) => rows.values(weights, scratch),
        }
    }
}

/// Binary rows in rank order with their losses.
pub(crate) struct BinaryPrepared {
    ranked: Ranked,
    log_loss: Vec<f64>,
    brier: Vec<f64>,
    cut: usize,
    decision: Decision,
}

impl BinaryPrepared {
    fn new(rows: &BinaryRows<'_>, decision: &Decision) -> Self {
        let ranked = Ranked::new(rows.len(), |row| rows.p()[row], |row| rows.y()[row] == 1);
        let outcomes = || ranked.p.iter().zip(&ranked.positive);
        Self {
            log_loss: outcomes().map(|(p, y)| log_loss_row(*p, *y)).collect(),
            brier: outcomes().map(|(p, y)| brier_row(*p, *y)).collect(),
            cut: ranked.cut(decision.threshold),
            decision: *decision,
            ranked,
        }
    }

    fn values(&self, weights: &[f64], w: &mut Vec<f64>) -> Vec<Option<f64>> {
        self.ranked.gather(weights, w);
        let total = sum(w);
        let mean = |losses: &[f64]| (total > 0.0).then(|| dot(losses, w) / total);
        let (auc, average_precision) = self.ranked.auc_and_average_precision(w);
        let outcomes = self.ranked.outcomes(w, self.cut);
        let (precision, recall, f1) = outcomes.precision_recall_f1();
        let defined = |value: f64| (total > 0.0).then_some(value);
        vec![
            auc,
            average_precision,
            mean(&self.log_loss),
            mean(&self.brier),
            defined((outcomes.tp + outcomes.tn) / total),
            defined(balanced(&[(outcomes.tp, outcomes.fn_), (outcomes.tn, outcomes.fp)])),
            defined(f1),
            defined(precision),
            defined(recall),
            self.ranked.ece(w),
            outcomes.mean_cost(&self.decision.costs),
        ]
    }
}

/// Returns the mean recall over classes that have rows, from (right, wrong) weights per class.
pub(crate) fn balanced(classes: &[(f64, f64)]) -> f64 {
    let recalls: Vec<f64> = classes
        .iter()
        .filter(|(right, wrong)| right + wrong > 0.0)
        .map(|(right, wrong)| right / (right + wrong))
        .collect();
    recalls.iter().sum::<f64>() / recalls.len().max(1) as f64
}
