//! Working memory of [`super::trees`] for a block of rows: one level for each edge on the way down a tree,
//! and the moves along it, for `N` rows side by side.

#![allow(clippy::inline_always, reason = "vector loops need the bodies inside")]

use super::{
    plan::{Edge, Factors, Plan},
    quadrature::Rule,
};
use crate::{
    forward::{simd::Aligned, trees::in_set},
    model::{CATEGORY_SPLIT, MISSING_LEFT, Tree},
};

/// Levels hold a value for each point of the quadrature, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Lanes<const N: usize> {
    /// `[n_features]`.
    pub(super) x: Vec<Aligned<[f32; N]>>,
    /// `[outputs, n_features]`.
    pub(super) phi: Vec<Aligned<[f64; N]>>,
    /// `[levels, points]`: products of the factors from the root down to here.
    products: Vec<Aligned<[f64; N]>>,
    /// `[levels, points]`: sums over the leaves below that are done.
    sums: Vec<Aligned<[f64; N]>>,
    /// `[levels]`: all bits set for rows that pass the splits on the edge's feature.
    passes: Vec<Aligned<[u64; N]>>,
    /// `[levels]`: all bits set for rows that go left at the split of that level.
    left: Vec<Aligned<[u64; N]>>,
    points: usize,
}

impl<const N: usize> Lanes<N> {
    pub(super) fn new(n_features: usize, outputs: usize) -> Self {
        Self {
            x: vec![Aligned([0.0; N]); n_features],
            phi: vec![Aligned([0.0; N]); n_features * outputs],
            products: Vec::new(),
            sums: Vec::new(),
            passes: vec![Aligned([u64::MAX; N])],
            left: Vec::new(),
            points: 0,
        }
    }

    /// Takes rows `[rows, n_features]`, at most `N`.
    pub(super) fn load(&mut self, features: &[f32]) {
        for (row, values) in features.chunks_exact(self.x.len()).enumerate() {
            for (lanes, value) in self.x.iter_mut().zip(values) {
                lanes.0[row] = *value;
            }
        }
        self.phi.fill(Aligned([0.0; N]));
    }

    /// Begins a tree.
    #[inline(always)]
    pub(super) fn enter(&mut self, plan: &Plan, rule: &Rule) {
        self.points = plan.points;
        let levels = plan.depth + 1;
        if self.products.len() < levels * plan.points {
            self.products.resize(levels * plan.points, Aligned([0.0; N]));
            self.sums.resize(levels * plan.points, Aligned([0.0; N]));
        }
        if self.passes.len() < levels {
            self.passes.resize(levels, Aligned([0; N]));
            self.left.resize(levels, Aligned([0; N]));
        }
        for (product, weight) in self.products.iter_mut().zip(&rule.weights) {
            *product = Aligned([*weight; N]);
        }
    }

    /// Finds which rows go left at a split.
    #[inline(always)]
    pub(super) fn split(&mut self, tree: &Tree, node: usize, level: usize) {
        let missing = if tree.flags[node] & MISSING_LEFT != 0 { u64::MAX } else { 0 };
        let threshold = tree.threshold[node];
        let lanes = self.left[level].0.iter_mut().zip(&self.x[tree.feature[node] as usize].0);
        if tree.flags[node] & CATEGORY_SPLIT == 0 {
            for (left, x) in lanes {
                let below = u64::from(*x <= threshold).wrapping_neg();
                *left = below | (u64::from(x.is_nan()).wrapping_neg() & missing);
            }
        } else {
            for (left, x) in lanes {
                let inside = in_set(&tree.category_words, threshold as usize, *x);
                *left = if x.is_nan() { missing } else { u64::from(inside).wrapping_neg() };
            }
        }
    }

    /// Returns which rows pass the splits on the edge's feature down to here, and down to the last edge
    /// of that feature above.
    #[inline(always)]
    fn pass(&mut self, edge: &Edge) -> ([u64; N], [u64; N]) {
        let level = edge.level as usize;
        let above = self.passes[edge.above as usize].0;
        let mut here = self.left[level - 1].0;
        for (here, above) in here.iter_mut().zip(&above) {
            *here = if edge.left { *here & above } else { !*here & above };
        }
        self.passes[level] = Aligned(here);
        (here, above)
    }

    /// Goes down an edge to a split.
    #[inline(always)]
    pub(super) fn down(&mut self, edge: &Edge, factors: &[Factors]) {
        let (here, above) = self.pass(edge);
        let (level, points) = (edge.level as usize, self.points);
        let (done, below) = self.products.split_at_mut(level * points);
        let products = done[(level - 1) * points..].iter().zip(below);
        for ((from, into), factors) in products.zip(factors) {
            *into = Aligned(multiply(&from.0, factors, (&here, &above), edge.neither));
        }
        self.sums[level * points..(level + 1) * points].fill(Aligned([0.0; N]));
    }

    /// Goes down an edge to a leaf and comes back up.
    #[inline(always)]
    pub(super) fn leaf(&mut self, edge: &Edge, factors: &[Factors], (value, phi): (f64, usize)) {
        let (here, above) = self.pass(edge);
        let (level, points) = (edge.level as usize, self.points);
        let levels = (level - 1) * points..level * points;
        let mut gain = [0.0; N];
        for ((from, sums), factors) in
            self.products[levels.clone()].iter().zip(&mut self.sums[levels]).zip(factors)
        {
            let mut own = multiply(&from.0, factors, (&here, &above), edge.neither);
            for (own, sum) in own.iter_mut().zip(&mut sums.0) {
                *own *= value;
                *sum += *own;
            }
            add_gain(&mut gain, &own, factors, (&here, &above));
        }
        self.credit(phi + edge.feature as usize, &gain);
    }

    /// Comes back up an edge from a split.
    #[inline(always)]
    pub(super) fn up(&mut self, edge: &Edge, factors: &[Factors], phi: usize) {
        let level = edge.level as usize;
        let (here, above) = (self.passes[level].0, self.passes[edge.above as usize].0);
        let (upper, lower) = self.sums.split_at_mut(level * self.points);
        let mut gain = [0.0; N];
        for ((sums, own), factors) in upper[(level - 1) * self.points..].iter_mut().zip(&*lower).zip(factors)
        {
            for (sum, own) in sums.0.iter_mut().zip(&own.0) {
                *sum += own;
            }
            add_gain(&mut gain, &own.0, factors, (&here, &above));
        }
        self.credit(phi + edge.feature as usize, &gain);
    }

    #[inline(always)]
    fn credit(&mut self, at: usize, gain: &[f64; N]) {
        for (phi, gain) in self.phi[at].0.iter_mut().zip(gain) {
            *phi += gain;
        }
    }
}

/// Returns `yes` where the mask is set, else `no`.
#[inline(always)]
fn select(mask: u64, yes: f64, no: f64) -> f64 {
    f64::from_bits((yes.to_bits() & mask) | (no.to_bits() & !mask))
}

#[inline(always)]
fn multiply<const N: usize>(
    from: &[f64; N],
    factors: &Factors,
    (here, above): (&[u64; N], &[u64; N]),
    neither: f64,
) -> [f64; N] {
    let mut out = *from;
    for (lane, out) in out.iter_mut().enumerate() {
        *out *= select(here[lane], factors.pass, select(above[lane], factors.fail, neither));
    }
    out
}

#[inline(always)]
fn add_gain<const N: usize>(
    gain: &mut [f64; N],
    sums: &[f64; N],
    factors: &Factors,
    (here, above): (&[u64; N], &[u64; N]),
) {
    for (lane, gain) in gain.iter_mut().enumerate() {
        *gain +=
            sums[lane] * select(here[lane], factors.gain_pass, select(above[lane], factors.gain_fail, 0.0));
    }
}
