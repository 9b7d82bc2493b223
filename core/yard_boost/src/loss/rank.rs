//! `LambdaRank`: pairs of rows of one query, weighted by how much NDCG changes when they swap places.
//!
//! For rows `i`, `j` of a query with labels `l_i > l_j`, one of them within the first `truncation` places:
//! `|Δ NDCG| = (2^l_i − 2^l_j) |1 / log2(2 + rank_i) − 1 / log2(2 + rank_j)| / ideal DCG`, divided by
//! `0.01 + |m_i − m_j|`; with `ρ = 1 / (1 + e^(m_i − m_j))` the gradient of `i` is `−ρ |Δ NDCG|`, of `j` its
//! opposite, and the hessian of both `ρ (1 − ρ) |Δ NDCG|`. A query's sums are scaled by `log2(1 + S) / S`,
//! `S` the sum of its absolute gradients. Equal margins keep the order of the rows.
//!
//! Method: Burges (2010), "From `RankNet` to `LambdaRank` to `LambdaMART`", MSR-TR-2010-82, with truncation and
//! both scalings as in `LightGBM` 4 (`lambdarank`). Knows nothing of trees, bins and threads.

use super::{Block, Loss, check_targets};
use crate::{
    error::BoostError,
    math::{ln, pairwise, sigmoid},
};
use rayon::prelude::*;

/// Largest label: gains are `2^label − 1`.
const MAX_LABEL: f32 = 30.0;
/// Usual sum of the largest leaf values.
const SPAN: f64 = 48.0;

/// Rows of queries: consecutive, one size each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queries {
    sizes: Vec<usize>,
}

impl Queries {
    pub(crate) fn new(sizes: &[u32]) -> Self {
        Self { sizes: sizes.iter().map(|size| *size as usize).collect() }
    }

    /// Checks that the sizes cover the rows.
    pub(crate) fn check(&self, part: &str, rows: usize) -> Result<(), BoostError> {
        let got = self.sizes.iter().sum();
        if got == rows {
            return Ok(());
        }
        Err(BoostError::Length {
            what: format!("all queries of the {part} part together"),
            got,
            expected: rows,
        })
    }

    /// Margins and targets of each query.
    fn split<'a>(&self, margins: &'a [f32], y: &'a [f32]) -> Vec<(&'a [f32], &'a [f32])> {
        let mut at = 0;
        let part = |size: &usize| {
            let range = at..at + size;
            at += size;
            (&margins[range.clone()], &y[range])
        };
        self.sizes.iter().map(part).collect()
    }
}

/// The loss of queries of a training part and of a validation part.
pub(crate) struct LambdaRank {
    pub(crate) train: Queries,
    pub(crate) valid: Queries,
    /// Places of which at least one of a pair must be.
    pub(crate) truncation: usize,
    /// Places that the reported NDCG looks at.
    pub(crate) at: usize,
}

fn log2(x: f64) -> f64 {
    ln(x) / std::f64::consts::LN_2
}

fn gain(label: f32) -> f64 {
    f64::from((1_u32 << label as u32) - 1)
}

fn discount(rank: usize) -> f64 {
    1.0 / log2(2.0 + rank as f64)
}

/// Rows by falling margin, equal ones in their order.
fn ranked(margins: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..margins.len()).collect();
    // Zero has one sign here.
    order.sort_by(|&a, &b| (margins[b] + 0.0).total_cmp(&(margins[a] + 0.0)));
    order
}

/// Largest DCG of the first places.
fn ideal(y: &[f32], places: usize) -> f64 {
    let mut labels = y.to_vec();
    labels.sort_by(|a, b| b.total_cmp(a));
    labels.iter().take(places).enumerate().map(|(rank, label)| gain(*label) * discount(rank)).sum()
}

/// NDCG of one query over the first `at` places; 1 where no row has a gain.
fn ndcg(margins: &[f32], y: &[f32], at: usize) -> f64 {
    let best = ideal(y, at);
    if best <= 0.0 {
        return 1.0;
    }
    let places = ranked(margins).into_iter().take(at).enumerate();
    places.map(|(rank, row)| gain(y[row]) * discount(rank)).sum::<f64>() / best
}

impl LambdaRank {
    /// Gradients and hessians of one query.
    fn query(&self, margins: &[f32], y: &[f32], out: &mut [(f64, f64)]) {
        let best = ideal(y, self.truncation);
        if best <= 0.0 {
            return;
        }
        let order = ranked(margins);
        let (first, last) = (order.first(), order.last());
        let apart = first.zip(last).is_some_and(|(first, last)| margins[*first] != margins[*last]);
        let discounts: Vec<f64> = (0..order.len()).map(discount).collect();
        let mut total = 0.0;
        for (i, &one) in order.iter().enumerate().take(self.truncation) {
            for (j, &other) in order.iter().enumerate().skip(i + 1) {
                if y[one] == y[other] {
                    continue;
                }
                let (high, low) = if y[one] > y[other] { (one, other) } else { (other, one) };
                let delta = f64::from(margins[high]) - f64::from(margins[low]);
                let mut change = (gain(y[high]) - gain(y[low])) * (discounts[i] - discounts[j]).abs() / best;
                if apart {
                    change /= 0.01 + delta.abs();
                }
                let wrong = sigmoid(-delta);
                let (lambda, hessian) = (wrong * change, wrong * (1.0 - wrong) * change);
                out[high].0 -= lambda;
                out[low].0 += lambda;
                out[high].1 += hessian;
                out[low].1 += hessian;
                total += 2.0 * lambda;
            }
        }
        if total > 0.0 {
            let factor = log2(1.0 + total) / total;
            for (gradient, hessian) in out {
                *gradient *= factor;
                *hessian *= factor;
            }
        }
    }
}

impl Loss for LambdaRank {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "a whole number in 0..=30", |value| {
            (0.0..=MAX_LABEL).contains(&value) && value.fract() == 0.0
        })
    }

    fn base(&self, _y: &[f32], _weights: Option<&[f32]>) -> Vec<f64> {
        vec![0.0]
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        SPAN
    }

    fn is_joint(&self) -> bool {
        true
    }

    fn joint(&self, margins: &[f32], y: &[f32], mut out: &mut [(f64, f64)]) {
        let mut parts = Vec::with_capacity(self.train.sizes.len());
        for size in &self.train.sizes {
            let (part, rest) = out.split_at_mut(*size);
            parts.push(part);
            out = rest;
        }
        let queries = self.train.split(margins, y);
        parts.into_par_iter().zip(queries).for_each(|(out, (margins, y))| {
            out.fill((0.0, 0.0));
            self.query(margins, y, out);
        });
    }

    fn joint_loss(&self, validation: bool, margins: &[f32], y: &[f32]) -> f64 {
        let queries = if validation { &self.valid } else { &self.train };
        let parts = queries.split(margins, y);
        let found: Vec<f64> = parts.par_iter().map(|(margins, y)| ndcg(margins, y, self.at)).collect();
        1.0 - pairwise(&found) / found.len().max(1) as f64
    }

    /// Never asked for: gradients come from [`Loss::joint`].
    fn gradients(&self, _block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        gradient.fill(0.0);
        hessian.fill(0.0);
    }

    /// Never asked for: the loss comes from [`Loss::joint_loss`].
    fn losses(&self, _margins: &[&[f32]], _y: &[f32], out: &mut [f64]) {
        out.fill(0.0);
    }
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
