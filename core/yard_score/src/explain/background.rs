//! Exact interventional `TreeSHAP`: Shapley values of the game in which unknown features are taken
//! together from a row of a background sample, averaged over the sample.
//!
//! Along the path to a leaf of value v, a feature passes its splits with the explained row (o), with the
//! background row (z), with both, or with neither; with neither, the leaf is out of reach. With U
//! features that pass for o alone and V for z alone, each of the U gains `v (U−1)! V! / (U+V)!` and each of
//! the V loses `v U! (V−1)! / (U+V)!`. So a leaf needs only which features pass, one bit each: equal
//! patterns of background rows are counted once, ahead, and rows of equal pattern share their result.
//! Method: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI
//! for trees", doi:10.1038/s42256-019-0138-9, algorithm 3; patterns as in Nadel and Wettenstein (2025),
//! "From decision trees to Boolean logic", arXiv:2511.09376.
//! Cost: per row and leaf, features on the path; per leaf and distinct pattern of rows, also the distinct
//! patterns of the background.

use crate::{
    error::ScoreError,
    forward::trees::goes_left,
    model::{Tree, TreeEnsemble},
};

/// Features on one path, as a pattern is one word.
const MAX_FEATURES: usize = 64;
/// Rows that are explained together.
const BLOCK: usize = 256;

/// A checked ensemble with what its leaves need to know of a background sample.
#[derive(Clone, Debug)]
pub(super) struct Interventional {
    model: TreeEnsemble,
    base: Vec<f64>,
    trees: Vec<Vec<Leaf>>,
    /// `[U + V ≤ 64][U]` weights of a feature that gains, and of one that loses.
    weights: Weights,
}

/// A leaf with its path.
#[derive(Clone, Debug)]
struct Leaf {
    value: f64,
    /// Splits on the way: node, whether the way goes left, position of its feature in `features`.
    splits: Vec<(u32, bool, u32)>,
    features: Vec<u32>,
    /// Distinct patterns of the background and the share of its rows that have them, by pattern.
    patterns: Vec<(u64, f64)>,
}

#[derive(Clone, Debug)]
struct Weights {
    /// 1 / (k × binomial(n, k)) = (k − 1)! (n − k)! / n!, by n and k.
    table: Vec<f64>,
}

impl Weights {
    fn new() -> Self {
        let mut table = vec![0.0; (MAX_FEATURES + 1) * (MAX_FEATURES + 1)];
        for n in 1..=MAX_FEATURES {
            let mut binomial = 1.0;
            for k in 1..=n {
                binomial = binomial * (n - k + 1) as f64 / k as f64;
                table[n * (MAX_FEATURES + 1) + k] = 1.0 / (k as f64 * binomial);
            }
        }
        Self { table }
    }

    fn of(&self, n: u32, k: u32) -> f64 {
        self.table[n as usize * (MAX_FEATURES + 1) + k as usize]
    }
}

impl Interventional {
    /// Takes background rows `[rows, n_features]`, at least one.
    pub(super) fn new(model: TreeEnsemble, background: &[f32]) -> Result<Self, ScoreError> {
        let n = (model.n_features as usize).max(1);
        let share = 1.0 / (background.len() / n).max(1) as f64;
        let mut base: Vec<f64> = model.base.iter().map(|base| f64::from(*base)).collect();
        let mut trees = Vec::with_capacity(model.trees.len());
        for (index, tree) in model.trees.iter().enumerate() {
            let mut leaves = leaves(tree);
            let left = sides(tree, background, n);
            for leaf in &mut leaves {
                leaf.value /= model.sum.divisor();
                if leaf.features.len() > MAX_FEATURES {
                    let what = format!("tree {index}: features on one path, for interventional explanations");
                    let got = leaf.features.len();
                    return Err(ScoreError::Shape { what, expected: MAX_FEATURES, got });
                }
                let mut all: Vec<u64> = left.iter().map(|left| leaf.pattern(left)).collect();
                all.sort_unstable();
                let groups = all.chunk_by(|a, b| a == b);
                leaf.patterns = groups.map(|group| (group[0], group.len() as f64 * share)).collect();
                let full = leaf.full();
                let reached = leaf.patterns.iter().find(|(pattern, _)| *pattern == full);
                base[tree.output as usize] += reached.map_or(0.0, |(_, share)| share * leaf.value);
            }
            trees.push(leaves);
        }
        Ok(Self { model, base, trees, weights: Weights::new() })
    }

    /// Returns the mean margin of the background, per output.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns `[rows, outputs, n_features]` for rows of features; the bits of a row do not depend on the
    /// other rows.
    pub(super) fn contributions(&self, features: &[f32]) -> Vec<f64> {
        let n = (self.model.n_features as usize).max(1);
        let size = n * self.base.len();
        let mut out = vec![0.0; features.len() / n * size];
        for (features, out) in features.chunks(n * BLOCK).zip(out.chunks_mut(size * BLOCK)) {
            for (tree, leaves) in self.model.trees.iter().zip(&self.trees) {
                let left = sides(tree, features, n);
                let first = tree.output as usize * n;
                for leaf in leaves {
                    self.add_leaf(leaf, &left, |row, feature, gain| {
                        out[row * size + first + feature as usize] += gain;
                    });
                }
            }
        }
        out
    }

    /// Adds the gains of one leaf, in order of pattern, then row, then feature.
    fn add_leaf(&self, leaf: &Leaf, left: &[Vec<bool>], mut add: impl FnMut(usize, u32, f64)) {
        let mut rows: Vec<(u64, usize)> =
            left.iter().enumerate().map(|(row, left)| (leaf.pattern(left), row)).collect();
        rows.sort_unstable();
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let gains = self.gains(leaf, group[0].0);
            for (_, row) in group {
                for (feature, gain) in leaf.features.iter().zip(&gains) {
                    add(*row, *feature, *gain);
                }
            }
        }
    }

    /// Returns what each feature of the leaf's path gains for a row with this pattern.
    fn gains(&self, leaf: &Leaf, row: u64) -> Vec<f64> {
        let mut gains = vec![0.0; leaf.features.len()];
        for (background, share) in &leaf.patterns {
            if row | background != leaf.full() {
                continue;
            }
            let (ours, theirs) = (row & !background, background & !row);
            let (u, v) = (ours.count_ones(), theirs.count_ones());
            let value = leaf.value * share;
            for (feature, gain) in gains.iter_mut().enumerate() {
                if ours >> feature & 1 == 1 {
                    *gain += value * self.weights.of(u + v, u);
                } else if theirs >> feature & 1 == 1 {
                    *gain -= value * self.weights.of(u + v, v);
                }
            }
        }
        gains
    }
}

impl Leaf {
    /// Returns one bit for each feature: whether a row passes all its splits.
    fn pattern(&self, left: &[bool]) -> u64 {
        let fails = self.splits.iter().filter(|(node, goes_left, _)| left[*node as usize] != *goes_left);
        fails.fold(self.full(), |pattern, (_, _, feature)| pattern & !(1 << feature))
    }

    fn full(&self) -> u64 {
        if self.features.len() == MAX_FEATURES { u64::MAX } else { (1 << self.features.len()) - 1 }
    }
}

/// Returns for each row, at which splits of a tree it goes left.
fn sides(tree: &Tree, features: &[f32], n: usize) -> Vec<Vec<bool>> {
    let of_row = |x| (0..tree.feature.len()).map(|node| goes_left(tree, node, x)).collect();
    features.chunks_exact(n).map(of_row).collect()
}

fn leaves(tree: &Tree) -> Vec<Leaf> {
    let mut out = Vec::with_capacity(tree.leaf_value.len());
    let mut pending: Vec<(i32, Vec<(u32, bool)>)> =
        vec![(if tree.feature.is_empty() { -1 } else { 0 }, vec![])];
    while let Some((child, way)) = pending.pop() {
        let Ok(node) = usize::try_from(child) else {
            out.push(leaf(tree, -(child + 1) as usize, &way));
            continue;
        };
        let step = |left| way.iter().copied().chain([(node as u32, left)]).collect();
        pending.push((tree.right[node], step(false)));
        pending.push((tree.left[node], step(true)));
    }
    out
}

fn leaf(tree: &Tree, leaf: usize, way: &[(u32, bool)]) -> Leaf {
    let mut features: Vec<u32> = way.iter().map(|(node, _)| tree.feature[*node as usize]).collect();
    features.sort_unstable();
    features.dedup();
    let splits = way.iter().map(|(node, left)| {
        let of = features.iter().position(|feature| *feature == tree.feature[*node as usize]);
        (*node, *left, of.unwrap_or(0) as u32)
    });
    Leaf { value: tree.leaf(leaf), splits: splits.collect(), features, patterns: vec![] }
}
