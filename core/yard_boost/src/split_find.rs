//! The best split of a node, from its histogram.
//!
//! Gain of a split (Chen and Guestrin, 2016, doi:10.1145/2939672.2939785, without the factor ½):
//! `G_L² / (H_L + λ) + G_R² / (H_R + λ) − G² / (H + λ)`, computed in f64 from the integer sums; ties go
//! to the lower feature, then the lower bin, then to missing values on the right. Missing values are
//! tried on both sides. The smallest number of rows is checked by the share of the hessian, as
//! histograms hold no counts; the caller counts the rows of the chosen split and asks again with exact
//! counts if the estimate was too high.

use crate::{
    bins::Binner,
    category,
    constraints::{Constraints, Inherited, Penalty},
    histogram::{Hist, Histograms},
    params::BoostParams,
    quant::Sum,
    simd,
};

/// Bins that go left, one bit each.
pub(crate) type LeftBins = [u64; 4];

/// Whether a bin goes left.
#[inline]
pub(crate) fn goes_left(set: &LeftBins, bin: u8) -> bool {
    set[bin as usize >> 6] >> (bin & 63) & 1 == 1
}

/// Whether a bin of a wide feature goes left: up to `last`, or missing as the set says.
#[inline]
pub(crate) fn goes_left_wide(set: &LeftBins, last: u16, bin: u16) -> bool {
    if bin == 0 { goes_left(set, 0) } else { bin <= last }
}

/// A split of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) feature: u32,
    pub(crate) gain: f64,
    /// Bins that go left; bit 0 is the missing bin.
    pub(crate) left_bins: LeftBins,
    /// Last bin on the left of a numeric split; 0 for a category split.
    pub(crate) bin: u16,
    /// Sums of the left child.
    pub(crate) left: Sum,
    /// The node has rows with a missing value of the feature.
    pub(crate) missing_seen: bool,
}

/// What a node's split must respect, in the histogram's units.
#[derive(Clone, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) params: &'a BoostParams,
    pub(crate) binners: &'a [Binner],
    pub(crate) constraints: &'a Constraints,
    /// Units of gradient and hessian.
    pub(crate) units: (f64, f64),
}

/// A node to split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeView<'a> {
    pub(crate) hist: &'a Hist,
    pub(crate) sum: Sum,
    pub(crate) rows: usize,
    /// Exact rows per slot.
    pub(crate) counts: Option<&'a [u32]>,
    pub(crate) inherited: &'a Inherited,
}

/// Penalties and limits of one node, and the best score so far.
pub(crate) struct Scan<'a> {
    /// Slots of the feature.
    pub(crate) sums: &'a [Sum],
    /// Exact rows per slot of the feature, if asked for.
    pub(crate) counts: Option<&'a [u32]>,
    pub(crate) total: Sum,
    pub(crate) rows: usize,
    pub(crate) penalty: Penalty,
    /// Smallest hessian of a child in units.
    pub(crate) least: i64,
    /// Smallest rows of a child.
    pub(crate) least_rows: u32,
}

/// The best split of one feature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// `G_L² / (H_L + λ) + G_R² / (H_R + λ)` in units.
    pub(crate) score: f64,
    pub(crate) left: Sum,
    pub(crate) left_bins: LeftBins,
    pub(crate) bin: u16,
}

impl Scan<'_> {
    /// Whether both children are large enough.
    #[inline]
    pub(crate) fn allowed(&self, left: Sum, left_rows: u32) -> bool {
        let hessian = left.h >= self.least && self.total.h - left.h >= self.least;
        hessian
            && (self.counts.is_none()
                || (left_rows >= self.least_rows && self.rows as u32 - left_rows >= self.least_rows))
    }

    /// Tries all thresholds, missing values on one side.
    fn thresholds(&self, missing_left: bool, best: &mut Option<Found>) {
        let first = if missing_left { self.sums[0] } else { Sum::default() };
        let mut scores = [f64::NEG_INFINITY; 256];
        self.all_scores(first, &mut scores);
        if let Some(counts) = self.counts {
            self.refuse_small(counts, missing_left, &mut scores);
        }
        let top = simd::wide(|| highest(&scores));
        if top <= best.map_or(f64::NEG_INFINITY, |found| found.score) {
            return;
        }
        if let Some(bin) = scores.iter().position(|&score| score == top) {
            let left = self.sums[1..=bin].iter().fold(first, |sum, &next| sum + next);
            let left_bins = up_to(bin as u8, missing_left);
            *best = Some(Found { score: top, left, left_bins, bin: bin as u16 });
        }
    }

    /// Scores of `first` and bins `1..=b` on the left, at index `b`; minus infinity where that is not allowed.
    pub(crate) fn all_scores(&self, first: Sum, out: &mut [f64; 256]) {
        if self.penalty.is_plain() {
            self.scores(first, out);
        } else {
            self.constrained_scores(first, out);
        }
    }

    /// Tries all thresholds of a feature with more than 256 slots.
    fn wide_thresholds(&self, missing_left: bool, best: &mut Option<Found>) {
        let mut left = if missing_left { self.sums[0] } else { Sum::default() };
        let rows = |bin: usize| self.counts.map_or(0, |counts| counts[bin]);
        let mut left_rows = if missing_left { rows(0) } else { 0 };
        for bin in 1..self.sums.len() - 1 {
            left = left + self.sums[bin];
            left_rows += rows(bin);
            // An empty bin asks the question of the bin before.
            if self.sums[bin] == Sum::default() || !self.allowed(left, left_rows) {
                continue;
            }
            let score = self.penalty.both(left, self.total - left);
            if score > best.map_or(f64::NEG_INFINITY, |found| found.score) {
                let left_bins = [u64::from(missing_left), 0, 0, 0];
                *best = Some(Found { score, left, left_bins, bin: bin as u16 });
            }
        }
    }

    /// Scores of `first` and bins `1..=b` on the left, at index `b`; minus infinity where a child's
    /// hessian is too small.
    fn scores(&self, first: Sum, out: &mut [f64; 256]) {
        let mut lefts = [Sum::default(); 256];
        let mut left = first;
        for (out, &sum) in lefts.iter_mut().zip(self.sums).skip(1) {
            left = left + sum;
            *out = left;
        }
        let total = (self.total.g as f64, self.total.h as f64);
        let (least, l2) = (self.least as f64, self.penalty.l2);
        let thresholds = self.sums.len() - 1;
        simd::wide(|| {
            for (out, left) in out.iter_mut().zip(&lefts).take(thresholds) {
                let (gl, hl) = (left.g as f64, left.h as f64);
                let (gr, hr) = (total.0 - gl, total.1 - hl);
                let small = hl < least || hr < least;
                let (hl, hr) = (hl + l2, hr + l2);
                let score = (gl * gl * hr + gr * gr * hl) / (hl * hr);
                *out = if small { f64::NEG_INFINITY } else { score };
            }
        });
    }

    /// The same under an L1 penalty, bounds or a direction.
    fn constrained_scores(&self, first: Sum, out: &mut [f64; 256]) {
        let mut left = first;
        let thresholds = self.sums.len() - 1;
        for (out, &sum) in out.iter_mut().zip(self.sums).take(thresholds).skip(1) {
            left = left + sum;
            let right = self.total - left;
            if left.h >= self.least && right.h >= self.least {
                *out = self.penalty.both(left, right);
            }
        }
    }

    /// Takes back the scores of splits that leave too few rows on a side.
    fn refuse_small(&self, counts: &[u32], missing_left: bool, scores: &mut [f64; 256]) {
        let mut left = if missing_left { counts[0] } else { 0 };
        for (&count, score) in counts.iter().zip(scores).skip(1) {
            left += count;
            if left.min(self.rows as u32 - left) < self.least_rows {
                *score = f64::NEG_INFINITY;
            }
        }
    }
}

/// Largest value, eight lanes at a time.
#[inline(always)]
#[allow(clippy::inline_always, reason = "vector loops need the body inside")]
fn highest(scores: &[f64; 256]) -> f64 {
    let mut lanes = [f64::NEG_INFINITY; 8];
    for part in scores.as_chunks::<8>().0 {
        for (lane, &score) in lanes.iter_mut().zip(part) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    lanes.into_iter().fold(f64::NEG_INFINITY, f64::max)
}

/// Bins `1..=bin`, and the missing bin if asked for.
pub(crate) fn up_to(bin: u8, missing_left: bool) -> LeftBins {
    let mut set = [0; 4];
    for b in 0..=bin {
        if b > 0 || missing_left {
            set[b as usize >> 6] |= 1 << (b & 63);
        }
    }
    set
}

impl Rules<'_> {
    /// Finds the best split of a node over the histogram's features, if any gains enough.
    pub(crate) fn best(&self, histograms: &Histograms, node: NodeView) -> Option<Split> {
        let (mut buffer, mut wide) = ([Sum::default(); 256], Vec::new());
        let mut best: Option<(f64, Split)> = None;
        let penalty = self.penalty(node.inherited);
        let parent = penalty.half(node.sum);
        let floor = self.params.min_gain / self.units.0 * (self.units.1 / self.units.0) + parent * 1e-12;
        for &feature in histograms.features().iter().filter(|&&feature| node.inherited.allows(feature)) {
            let slots = histograms.slots_of(feature);
            wide.resize(if slots > buffer.len() { slots } else { 0 }, Sum::default());
            let sums = if wide.is_empty() { &mut buffer[..slots] } else { &mut wide[..] };
            histograms.read(node.hist, feature, sums);
            let counts = node.counts.map(|counts| &counts[histograms.offset(feature)..][..slots]);
            let penalty = Penalty { direction: self.constraints.direction(feature), ..penalty };
            let scan = self.scan(node, sums, counts, penalty);
            let Some(found) = self.feature(feature, &scan) else { continue };
            let gain = found.score - parent;
            if gain > floor && best.as_ref().is_none_or(|(top, _)| gain > *top) {
                let split = Split {
                    feature,
                    gain: gain * self.units.0 * (self.units.0 / self.units.1),
                    left_bins: found.left_bins,
                    bin: found.bin,
                    left: found.left,
                    missing_seen: sums[0] != Sum::default(),
                };
                best = Some((gain, split));
            }
        }
        best.map(|(_, split)| split)
    }

    /// Penalty of a node in the histogram's units, without a feature's direction.
    pub(crate) fn penalty(&self, inherited: &Inherited) -> Penalty {
        Penalty {
            l1: self.params.l1 / self.units.0,
            l2: self.params.l2 / self.units.1,
            low: inherited.low,
            high: inherited.high,
            direction: 0,
        }
    }

    pub(crate) fn scan<'s>(
        &self,
        node: NodeView,
        sums: &'s [Sum],
        counts: Option<&'s [u32]>,
        penalty: Penalty,
    ) -> Scan<'s> {
        let least_rows = self.params.min_leaf;
        let by_rows = if counts.is_some() {
            0.0
        } else {
            (f64::from(least_rows) * (node.sum.h as f64 / node.rows as f64) - 1e-6).ceil()
        };
        let by_hessian = (self.params.min_hessian / self.units.1).ceil();
        let least = by_rows.max(by_hessian).max(1.0) as i64;
        Scan { sums, counts, total: node.sum, rows: node.rows, penalty, least, least_rows }
    }

    fn feature(&self, feature: u32, scan: &Scan) -> Option<Found> {
        match &self.binners[feature as usize] {
            Binner::Category(bins) => category::best(scan, bins, self),
            Binner::Wide(_) => {
                let mut best = None;
                scan.wide_thresholds(false, &mut best);
                if scan.sums[0] != Sum::default() {
                    scan.wide_thresholds(true, &mut best);
                }
                best
            }
            Binner::Number(_) => {
                let mut best = None;
                scan.thresholds(false, &mut best);
                if scan.sums[0] != Sum::default() {
                    scan.thresholds(true, &mut best);
                }
                best
            }
        }
    }
}

#[cfg(test)]
#[path = "split_find_tests.rs"]
mod tests;
