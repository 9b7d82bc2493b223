//! Binary rows in order of their score, so that a metric under new weights (a bootstrap resample) takes
//! one pass and no sort.

use crate::sum::{Accumulator, sum_by};

/// Bins of the calibration error.
pub(crate) const ECE_BINS: usize = 10;

/// Rows sorted by falling score; equal scores form a group.
#[derive(Clone, Debug)]
pub(crate) struct Ranked {
    /// Original row of each rank.
    pub(crate) order: Vec<u32>,
    /// End (exclusive) of each group of equal scores.
    pub(crate) ends: Vec<u32>,
    /// Whether the row of each rank is positive.
    pub(crate) positive: Vec<bool>,
    /// Score of each rank.
    pub(crate) p: Vec<f64>,
}

/// Weights of the four outcomes of a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcomes {
    pub(crate) tp: f64,
    pub(crate) fp: f64,
    pub(crate) fn_: f64,
    pub(crate) tn: f64,
}

impl Ranked {
    /// Sorts `n` rows by `score`, which must not be NaN; -0 equals 0.
    pub(crate) fn new(n: usize, score: impl Fn(usize) -> f32, positive: impl Fn(usize) -> bool) -> Self {
        let scores: Vec<f32> = (0..n).map(|row| score(row) + 0.0).collect();
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_unstable_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
        let p: Vec<f64> = order.iter().map(|row| f64::from(scores[*row as usize])).collect();
        let is_end = |rank: &usize| rank + 1 == n || p[*rank] != p[rank + 1];
        let ends = (0..n).filter(is_end).map(|rank| rank as u32 + 1).collect();
        let positive = order.iter().map(|row| positive(*row as usize)).collect();
        Self { order, ends, positive, p }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Writes row weights in rank order into `ranked`.
    pub(crate) fn gather(&self, weights: &[f64], ranked: &mut Vec<f64>) {
        ranked.clear();
        ranked.extend(self.order.iter().map(|row| weights[*row as usize]));
    }

    /// Calls `visit(end rank, positive weight, negative weight)` for each group of equal scores.
    pub(crate) fn groups(&self, w: &[f64], mut visit: impl FnMut(usize, f64, f64)) {
        let mut rank = 0;
        for end in self.ends.iter().map(|end| *end as usize) {
            let (mut wp, mut wn) = (0.0, 0.0);
            while rank < end {
                if self.positive[rank] {
                    wp += w[rank];
                } else {
                    wn += w[rank];
                }
                rank += 1;
            }
            visit(end, wp, wn);
        }
    }

    /// Returns area under the ROC curve and average precision in one pass; `None` without rows of the
    /// classes they need.
    pub(crate) fn auc_and_average_precision(&self, w: &[f64]) -> (Option<f64>, Option<f64>) {
        let mut area = Accumulator::default();
        let mut precision = Accumulator::default();
        let (mut tp, mut fp) = (0.0, 0.0);
        self.groups(w, |_, wp, wn| {
            area.push(wn * (tp + 0.5 * wp));
            tp += wp;
            fp += wn;
            if wp > 0.0 {
                precision.push(wp * (tp / (tp + fp)));
            }
        });
        let auc = (tp > 0.0 && fp > 0.0).then(|| area.total() / (tp * fp));
        (auc, (tp > 0.0).then(|| precision.total() / tp))
    }

    /// Returns the number of ranks whose score reaches the threshold.
    pub(crate) fn cut(&self, threshold: f64) -> usize {
        self.p.partition_point(|p| *p >= threshold)
    }

    /// Returns the outcomes when the first `cut` ranks are called positive.
    pub(crate) fn outcomes(&self, w: &[f64], cut: usize) -> Outcomes {
        let part = |from: usize, to: usize, positive: bool| {
            sum_by(to - from, |i| if self.positive[from + i] == positive { w[from + i] } else { 0.0 })
        };
        let n = self.len();
        Outcomes {
            tp: part(0, cut, true),
            fp: part(0, cut, false),
            fn_: part(cut, n, true),
            tn: part(cut, n, false),
        }
    }

    /// Returns per equal-mass bin (weight, weight × score, weight × outcome, squared weight), lowest
    /// scores first. Rows of equal score share the bin of the middle of their mass.
    pub(crate) fn mass_bins(&self, w: &[f64], bins: usize) -> Vec<[f64; 4]> {
        let total = sum_by(self.len(), |rank| w[rank]);
        let mut sums = vec![[(); 4].map(|()| Accumulator::default()); bins];
        let mut above = 0.0;
        let mut start = 0;
        self.groups(w, |end, wp, wn| {
            above += wp + wn;
            let middle = total - above + 0.5 * (wp + wn);
            let bin = ((middle * bins as f64 / total) as usize).min(bins.saturating_sub(1));
            if let Some([weight, score, outcome, square]) = sums.get_mut(bin) {
                weight.push(wp + wn);
                score.push((wp + wn) * self.p[end - 1]);
                outcome.push(wp);
                square.push(sum_by(end - start, |i| w[start + i] * w[start + i]));
            }
            start = end;
        });
        sums.iter().map(|bin| [0, 1, 2, 3].map(|part| bin[part].total())).collect()
    }

    /// Returns the calibration error over equal-mass bins; `None` without weight.
    pub(crate) fn ece(&self, w: &[f64]) -> Option<f64> {
        let bins = self.mass_bins(w, ECE_BINS);
        let total: f64 = bins.iter().map(|bin| bin[0]).sum();
        (total > 0.0).then(|| bins.iter().map(|bin| (bin[1] - bin[2]).abs()).sum::<f64>() / total)
    }
}

impl Outcomes {
    /// Returns the sum of all four.
    pub(crate) fn total(&self) -> f64 {
        self.tp + self.fp + self.fn_ + self.tn
    }

    /// Returns the mean cost; `None` without weight.
    pub(crate) fn mean_cost(&self, costs: &yard_types::frame::Costs) -> Option<f64> {
        let cost = self.tp * costs.true_positive
            + self.fp * costs.false_positive
            + self.fn_ * costs.false_negative
            + self.tn * costs.true_negative;
        (self.total() > 0.0).then(|| cost / self.total())
    }

    /// Returns precision, recall and F1 of the positive class; 0 with an empty denominator, as
    /// scikit-learn.
    pub(crate) fn precision_recall_f1(&self) -> (f64, f64, f64) {
        let precision = ratio_or_zero(self.tp, self.tp + self.fp);
        let recall = ratio_or_zero(self.tp, self.tp + self.fn_);
        (precision, recall, ratio_or_zero(2.0 * self.tp, 2.0 * self.tp + self.fp + self.fn_))
    }
}

/// Returns `part / whole`, 0 when the whole is 0.
pub(crate) fn ratio_or_zero(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
