//! Classification metrics with scikit-learn's names and values (Pedregosa et al., 2011, "Scikit-learn:
//! machine learning in Python", JMLR 12, 2825-2830). The calibration error uses equal-mass bins (Nixon et
//! al., 2019, "Measuring calibration in deep learning", arXiv:1904.01685).
//!
//! Each function sorts anew; [`crate::metric_set`] gives all of them in one pass.

use crate::{
    prepared::balanced,
    ranked::{Ranked, ratio_or_zero},
    rows::{BinaryRows, MulticlassRows},
    sum::{dot, sum},
};
use yard_types::evaluation::Confusion;

fn ranked(rows: &BinaryRows<'_>) -> (Ranked, Vec<f64>) {
    let ranked = Ranked::new(rows.len(), |row| rows.p()[row], |row| rows.y()[row] == 1);
    let mut weights = Vec::with_capacity(rows.len());
    ranked.gather(&rows.weights(), &mut weights);
    (ranked, weights)
}

/// Returns the area under the ROC curve: `P(score of a positive > score of a negative)`, ties count half.
/// `None` unless both classes have rows.
pub fn roc_auc(rows: &BinaryRows<'_>) -> Option<f64> {
    let (ranked, w) = ranked(rows);
    ranked.auc_and_average_precision(&w).0
}

/// Returns the sum over thresholds of (recall step) × precision. `None` without positives.
pub fn average_precision(rows: &BinaryRows<'_>) -> Option<f64> {
    let (ranked, w) = ranked(rows);
    ranked.auc_and_average_precision(&w).1
}

/// Returns the mean of −ln(probability of the true class), probabilities clipped to 2.2e-16 from 0 and 1.
pub fn log_loss(rows: &BinaryRows<'_>) -> Option<f64> {
    weighted_mean(rows, log_loss_row)
}

/// Returns the mean squared difference of probability and outcome (Brier, 1950,
/// doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
pub fn brier(rows: &BinaryRows<'_>) -> Option<f64> {
    weighted_mean(rows, brier_row)
}

/// Returns the share of rows decided rightly when `p >= threshold` means positive.
pub fn accuracy(rows: &BinaryRows<'_>, threshold: f64) -> Option<f64> {
    weighted_mean(rows, |p, positive| f64::from(u8::from((p >= threshold) == positive)))
}

/// Returns the mean over bins of equal mass of |mean probability − observed rate|, weighted by mass.
/// Rows of equal score share a bin.
pub fn ece(rows: &BinaryRows<'_>) -> Option<f64> {
    let (ranked, w) = ranked(rows);
    ranked.ece(&w)
}

/// Returns (precision, recall, F1) of the positive class at a threshold; 0 where the denominator is empty.
/// `None` without rows.
pub fn precision_recall_f1(rows: &BinaryRows<'_>, threshold: f64) -> Option<(f64, f64, f64)> {
    let (ranked, w) = ranked(rows);
    (sum(&w) > 0.0).then(|| ranked.outcomes(&w, ranked.cut(threshold)).precision_recall_f1())
}

/// Returns the mean of the recalls of the classes that have rows. `None` without rows.
pub fn balanced_accuracy(rows: &BinaryRows<'_>, threshold: f64) -> Option<f64> {
    let (ranked, w) = ranked(rows);
    let outcomes = ranked.outcomes(&w, ranked.cut(threshold));
    (outcomes.total() > 0.0).then(|| balanced(&[(outcomes.tp, outcomes.fn_), (outcomes.tn, outcomes.fp)]))
}

/// Counts rows by true and predicted class, predicted by `p >= threshold`. Weights are ignored.
/// `labels` are negative, positive.
pub fn confusion(rows: &BinaryRows<'_>, threshold: f64, labels: [&str; 2]) -> Confusion {
    let predicted = rows.p().iter().map(|p| usize::from(f64::from(*p) >= threshold));
    let truth = rows.y().iter().map(|y| usize::from(*y));
    count_pairs(truth.zip(predicted), labels.map(str::to_owned).to_vec())
}

/// Counts rows by true and predicted class, predicted by the largest probability. Weights are ignored.
pub fn confusion_multiclass(rows: &MulticlassRows<'_>, labels: &[String]) -> Confusion {
    let mut labels = labels.to_vec();
    labels.resize(rows.classes(), String::new());
    count_pairs(rows.y().iter().copied().zip(rows.predicted()), labels)
}

/// Returns the macro mean over classes of the one-against-rest ROC AUC. `None` unless every class has rows.
pub fn roc_auc_ovr(rows: &MulticlassRows<'_>) -> Option<f64> {
    MulticlassPrepared::new(rows).values(&rows.weights(), &mut Vec::new()).first().copied().flatten()
}

fn weighted_mean(rows: &BinaryRows<'_>, loss: impl Fn(f64, bool) -> f64) -> Option<f64> {
    let losses: Vec<f64> = rows.p().iter().zip(rows.y()).map(|(p, y)| loss(f64::from(*p), *y == 1)).collect();
    let weights = rows.weights();
    let total = sum(&weights);
    (total > 0.0).then(|| dot(&losses, &weights) / total)
}

fn count_pairs(pairs: impl Iterator<Item = (usize, usize)>, labels: Vec<String>) -> Confusion {
    let mut counts = vec![vec![0_u64; labels.len()]; labels.len()];
    for (truth, predicted) in pairs {
        if let Some(cell) = counts.get_mut(truth).and_then(|row| row.get_mut(predicted)) {
            *cell += 1;
        }
    }
    Confusion { labels, counts }
}

/// Returns −ln of the clipped probability of the true class.
pub(crate) fn log_loss_row(p: f64, positive: bool) -> f64 {
    let truth = if positive { p } else { 1.0 - p };
    -truth.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// Returns the squared error of a probability.
pub(crate) fn brier_row(p: f64, positive: bool) -> f64 {
    let error = p - f64::from(u8::from(positive));
    error * error
}

/// Rows of several classes, prepared for new weights: one ranking per class against the rest and one of
/// the confidence.
pub(crate) struct MulticlassPrepared {
    y: Vec<usize>,
    predicted: Vec<usize>,
    against_rest: Vec<Ranked>,
    confidence: Ranked,
    log_loss: Vec<f64>,
    brier: Vec<f64>,
}

impl MulticlassPrepared {
    pub(crate) const NAMES: &'static [&'static str] = &[
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
    ];

    pub(crate) fn new(rows: &MulticlassRows<'_>) -> Self {
        let (n, k, y, predicted) = (rows.len(), rows.classes(), rows.y(), rows.predicted());
        let p = |row: usize, class: usize| rows.p()[row * k + class];
        let brier = |row: usize| {
            (0..k).map(|class| brier_row(f64::from(p(row, class)), class == y[row])).sum::<f64>()
        };
        Self {
            against_rest: (0..k)
                .map(|class| Ranked::new(n, |row| p(row, class), |row| y[row] == class))
                .collect(),
            confidence: Ranked::new(n, |row| p(row, predicted[row]), |row| y[row] == predicted[row]),
            log_loss: (0..n).map(|row| log_loss_row(f64::from(p(row, y[row])), true)).collect(),
            brier: (0..n).map(brier).collect(),
            y: y.to_vec(),
            predicted,
        }
    }

    pub(crate) fn values(&self, weights: &[f64], scratch: &mut Vec<f64>) -> Vec<Option<f64>> {
        let total = sum(weights);
        if total <= 0.0 {
            return vec![None; Self::NAMES.len()];
        }
        let (auc, average_precision) = self.macro_rank_metrics(weights, scratch);
        let counts = self.class_weights(weights);
        let accuracy = counts.iter().map(|class| class.tp).sum::<f64>() / total;
        let (precision, recall, f1) = macro_precision_recall_f1(&counts);
        let right_wrong: Vec<(f64, f64)> = counts.iter().map(|class| (class.tp, class.fn_)).collect();
        self.confidence.gather(weights, scratch);
        vec![
            auc,
            average_precision,
            Some(dot(&self.log_loss, weights) / total),
            Some(dot(&self.brier, weights) / total),
            Some(accuracy),
            Some(balanced(&right_wrong)),
            Some(f1),
            Some(precision),
            Some(recall),
            self.confidence.ece(scratch),
        ]
    }

    fn macro_rank_metrics(&self, weights: &[f64], scratch: &mut Vec<f64>) -> (Option<f64>, Option<f64>) {
        let k = self.against_rest.len() as f64;
        let (mut auc, mut average_precision) = (Some(0.0), Some(0.0));
        for ranked in &self.against_rest {
            ranked.gather(weights, scratch);
            let (class_auc, class_precision) = ranked.auc_and_average_precision(scratch);
            auc = auc.zip(class_auc).map(|(sum, value)| sum + value);
            average_precision = average_precision.zip(class_precision).map(|(sum, value)| sum + value);
        }
        (auc.map(|sum| sum / k), average_precision.map(|sum| sum / k))
    }

    fn class_weights(&self, weights: &[f64]) -> Vec<ClassWeights> {
        let mut counts = vec![ClassWeights::default(); self.against_rest.len()];
        for ((truth, predicted), weight) in self.y.iter().zip(&self.predicted).zip(weights) {
            if truth == predicted {
                counts[*truth].tp += weight;
            } else {
                counts[*truth].fn_ += weight;
                counts[*predicted].fp += weight;
            }
        }
        counts
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct ClassWeights {
    tp: f64,
    fp: f64,
    fn_: f64,
}

/// Macro means over the classes that occur as truth or as prediction.
fn macro_precision_recall_f1(classes: &[ClassWeights]) -> (f64, f64, f64) {
    let mut sums = (0.0, 0.0, 0.0);
    let mut present = 0.0;
    for class in classes.iter().filter(|class| class.tp + class.fp + class.fn_ > 0.0) {
        present += 1.0;
        sums.0 += ratio_or_zero(class.tp, class.tp + class.fp);
        sums.1 += ratio_or_zero(class.tp, class.tp + class.fn_);
        sums.2 += ratio_or_zero(2.0 * class.tp, 2.0 * class.tp + class.fp + class.fn_);
    }
    (ratio_or_zero(sums.0, present), ratio_or_zero(sums.1, present), ratio_or_zero(sums.2, present))
}
