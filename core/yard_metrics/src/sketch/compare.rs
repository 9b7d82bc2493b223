//! Comparing a window's counts with the reference.
//!
//! The population stability index of a sketch joins numbers outside of the reference's range with the
//! nearest bin, and pools categories too rare for the window (expected below 10) with the unseen ones:
//! otherwise the index of a window without drift grows with the number of categories. Range, unseen and
//! missing rates have their own check.

use crate::{
    drift::{psi, psi_p_value, psi_threshold, shares},
    interval::{Z_99, binomial_quantile, wilson},
    sketch::{Layout, ReferenceSketch, SketchCounts},
};

/// Smallest expected count of a category that stands alone, from both samples together: choosing by the
/// reference's count alone would keep the categories that are frequent there by chance.
const SMALLEST_EXPECTED: f64 = 10.0;
/// Rate increases below this share are never reported: too small to matter.
const SMALLEST_INCREASE: f64 = 0.005;

/// Population stability index of a window with what is needed to show and judge it.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Population stability index.
    pub value: f64,
    /// Threshold from the null distribution, at least 0.1.
    pub threshold: f64,
    /// P-value without drift.
    pub p_value: f64,
    /// Labels of the bins.
    pub bins: Vec<String>,
    /// Reference shares.
    pub reference: Vec<f64>,
    /// Current shares.
    pub current: Vec<f64>,
}

/// A bin's label with its reference and current count.
type Cell = (String, u64, u64);

/// Returns the population stability index of `current` against `reference`; `None` when a side has no rows
/// or the bins differ.
pub fn compare(reference: &ReferenceSketch, current: &SketchCounts) -> Option<Comparison> {
    let bins = reference.layout.bins();
    if reference.counts.bins.len() != bins || current.bins.len() != bins {
        return None;
    }
    let mut cells = match &reference.layout {
        Layout::Number { .. } => number_cells(reference, current),
        Layout::Category { .. } => category_cells(reference, current),
    };
    cells.push(("missing".to_owned(), reference.counts.missing, current.missing));
    cells.retain(|(_, p, q)| *p > 0 || *q > 0);
    let p = shares(&cells.iter().map(|cell| cell.1 as f64).collect::<Vec<_>>())?;
    let q = shares(&cells.iter().map(|cell| cell.2 as f64).collect::<Vec<_>>())?;
    let (n, m) = (reference.rows(), current.rows());
    let value = psi(&p, &q);
    Some(Comparison {
        value,
        threshold: psi_threshold(n, m, cells.len()),
        p_value: psi_p_value(value, n, m, cells.len()),
        bins: cells.into_iter().map(|cell| cell.0).collect(),
        reference: p,
        current: q,
    })
}

fn number_cells(reference: &ReferenceSketch, current: &SketchCounts) -> Vec<Cell> {
    let joined = |counts: &SketchCounts| {
        let mut bins = counts.bins.clone();
        if let Some(first) = bins.first_mut() {
            *first += counts.below;
        }
        if let Some(last) = bins.last_mut() {
            *last += counts.above;
        }
        bins
    };
    let counts = joined(&reference.counts).into_iter().zip(joined(current));
    let mut cells: Vec<Cell> =
        reference.layout.labels().into_iter().zip(counts).map(|(label, (p, q))| (label, p, q)).collect();
    let outside = |counts: &SketchCounts| {
        counts.unseen + if counts.bins.is_empty() { counts.below + counts.above } else { 0 }
    };
    cells.push(("not expected".to_owned(), outside(&reference.counts), outside(current)));
    cells
}

/// Known categories by falling reference count, then `other`: the rare and the unseen ones.
fn category_cells(reference: &ReferenceSketch, current: &SketchCounts) -> Vec<Cell> {
    let (n, m) = (reference.rows() as f64, current.rows() as f64);
    let smaller = n.min(m) / (n + m).max(1.0);
    let mut other = ("other".to_owned(), reference.counts.outside(), current.outside());
    let mut cells = Vec::new();
    let counts = reference.counts.bins.iter().zip(&current.bins);
    for (label, (p, q)) in reference.layout.labels().into_iter().zip(counts) {
        if (p + q) as f64 * smaller < SMALLEST_EXPECTED {
            other.1 += p;
            other.2 += q;
        } else {
            cells.push((label, *p, *q));
        }
    }
    cells.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    cells.push(other);
    cells
}

/// A rate of a window against the reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateCheck {
    /// Rate in the window.
    pub value: f64,
    /// Rate in the reference.
    pub reference: f64,
    /// Largest rate that chance explains: the binomial quantile of the window at the upper bound of the
    /// reference's rate, and at least half a percentage point above it.
    pub threshold: f64,
}

impl RateCheck {
    /// Returns whether the rate is above what chance explains.
    pub fn exceeds(&self) -> bool {
        self.value > self.threshold
    }
}

/// Compares `hits` of `rows` in a window with `reference` (hits, rows); `level` is the chance of a false
/// alarm (0.001 for instance). The reference's rate enters by its Wilson 99 % upper bound, since the
/// reference is a sample too. `None` when a side has no rows.
pub fn rate_check(reference: (u64, u64), hits: u64, rows: u64, level: f64) -> Option<RateCheck> {
    let (reference_hits, reference_rows) = (reference.0 as f64, reference.1 as f64);
    let upper = wilson(reference_hits, reference_rows, Z_99)?.1;
    if rows == 0 {
        return None;
    }
    let rate = reference_hits / reference_rows;
    let chance = binomial_quantile(rows, upper, 1.0 - level) as f64 / rows as f64;
    Some(RateCheck {
        value: hits as f64 / rows as f64,
        reference: rate,
        threshold: chance.max(rate + SMALLEST_INCREASE),
    })
}

/// Checks the rate of missing values.
pub fn missing_check(reference: &ReferenceSketch, current: &SketchCounts, level: f64) -> Option<RateCheck> {
    rate_check((reference.counts.missing, reference.rows()), current.missing, current.rows(), level)
}

/// Checks the rate of values outside of the reference: unseen categories, numbers below or above its range.
pub fn unseen_check(reference: &ReferenceSketch, current: &SketchCounts, level: f64) -> Option<RateCheck> {
    rate_check((reference.counts.outside(), reference.rows()), current.outside(), current.rows(), level)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
