//! What stands before the first layer: numbers get piecewise-linear encodings, and the features of one
//! field, bins, one-hot codes and missing flag together, become one part of the vector: a token of a
//! transformer. A part of one-hot codes is the look-up of an embedding.
//! Papers: Gorishniy, Rubachev and Babenko, 2022, "On embeddings for numerical features in tabular deep
//! learning", arXiv:2203.05556; Guo and Berkhahn, 2016, arXiv:1604.06737 (embeddings of categories).

use yard_score::deep::{DeepOp, TokenPart};
use yard_types::recipe::{FeatureOp, FittedRecipe};

/// Narrowest bin, in standard deviations: keeps the slopes of the encoding small.
const NARROWEST: f32 = 0.01;
/// Features beyond which numbers are not encoded.
const MOST_ENCODED: usize = 1_000;
/// Most parts; beyond it neighbours share one.
const MOST_PARTS: usize = 128;
/// Training rows of a bin, at least.
const BIN_ROWS: usize = 40;

/// Input of a net.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// Features of a row.
    pub(super) features: usize,
    /// The encoding of numbers, if there is any.
    pub(super) bins: Option<DeepOp>,
    /// Values of a row after it.
    pub(super) values: usize,
    pub(super) parts: Vec<TokenPart>,
}

impl Parts {
    /// Reads the fields of a recipe; bins lie between quantiles of the training rows `x`, `[rows, features]`.
    pub(super) fn new(recipe: &FittedRecipe, x: &[f32], bins: usize) -> Self {
        let width = recipe.features.len();
        // Pieces of texts stand behind all other features.
        let features = recipe.pieces.first().map_or(width, |pieces| pieces.first as usize);
        let rows = x.len() / width.max(1);
        let bins = if features > MOST_ENCODED { 0 } else { bins.min(rows / BIN_ROWS) };
        let mut edges = Edges::default();
        let mut parts: Vec<TokenPart> = Vec::new();
        let mut before = None;
        for (at, feature) in recipe.features.iter().enumerate().take(features) {
            let number = matches!(feature.op, FeatureOp::Number { .. } | FeatureOp::Date { .. });
            let column = || x.iter().skip(at).step_by(width).copied().collect();
            let limits = if number && bins >= 2 { limits(column(), bins) } else { None };
            let first = edges.feature.len();
            edges.add(at, limits.as_deref());
            let count = (edges.feature.len() - first) as u32;
            match parts.last_mut().filter(|_| before == Some(feature.input)) {
                Some(part) => part.count += count,
                None => parts.push(TokenPart { first: first as u32, count }),
            }
            before = Some(feature.input);
        }
        let values = edges.feature.len();
        let bins = (values > features || edges.changed).then(|| edges.op());
        Self { features, bins, values, parts: merged(&parts) }
    }
}

/// Joins neighbours until there are at most [`MOST_PARTS`].
fn merged(parts: &[TokenPart]) -> Vec<TokenPart> {
    let join = |own: &[TokenPart]| TokenPart {
        first: own.first().map_or(0, |part| part.first),
        count: own.iter().map(|part| part.count).sum(),
    };
    parts.chunks(parts.len().div_ceil(MOST_PARTS).max(1)).map(join).collect()
}

/// Returns at most `bins + 1` limits between quantiles; `None` when two bins can't be made.
fn limits(mut values: Vec<f32>, bins: usize) -> Option<Vec<f32>> {
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().checked_sub(1)?;
    let mut limits: Vec<f32> = Vec::with_capacity(bins + 1);
    for bin in 0..=bins {
        let limit = values[last * bin / bins];
        if limits.last().is_none_or(|before| limit - before >= NARROWEST) {
            limits.push(limit);
        }
    }
    (limits.len() > 2).then_some(limits)
}

#[derive(Default)]
struct Edges {
    feature: Vec<u32>,
    lower: Vec<f32>,
    scale: Vec<f32>,
    floor: Vec<f32>,
    ceiling: Vec<f32>,
    changed: bool,
}

impl Edges {
    /// Adds a feature by its bins, or as it is.
    fn add(&mut self, feature: usize, limits: Option<&[f32]>) {
        let Some(limits) = limits else { return self.push(feature, (0.0, 1.0), (f32::MIN, f32::MAX)) };
        self.changed = true;
        let bins = limits.len() - 1;
        for (bin, pair) in limits.windows(2).enumerate() {
            let floor = if bin == 0 { f32::MIN } else { 0.0 };
            let ceiling = if bin + 1 == bins { f32::MAX } else { 1.0 };
            self.push(feature, (pair[0], 1.0 / (pair[1] - pair[0])), (floor, ceiling));
        }
    }

    fn push(&mut self, feature: usize, (lower, scale): (f32, f32), (floor, ceiling): (f32, f32)) {
        self.feature.push(feature as u32);
        self.lower.push(lower);
        self.scale.push(scale);
        self.floor.push(floor);
        self.ceiling.push(ceiling);
    }

    fn op(self) -> DeepOp {
        let Self { feature, lower, scale, floor, ceiling, .. } = self;
        DeepOp::Bins { feature, lower, scale, floor, ceiling }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_distinct_quantiles() {
        assert_eq!(limits(vec![3.0, 0.0, 1.0, 2.0, 4.0], 2), Some(vec![0.0, 2.0, 4.0]));
        assert_eq!(limits(vec![1.0; 9], 4), None);
        assert_eq!(limits(vec![0.0, 1.0, 0.0, 1.0], 4), None);
        assert_eq!(limits(Vec::new(), 4), None);
    }

    #[test]
    fn many_fields_share_parts() {
        let parts: Vec<TokenPart> = (0..300).map(|first| TokenPart { first, count: 1 }).collect();
        let merged = merged(&parts);
        assert!(merged.len() <= MOST_PARTS);
        assert_eq!(merged.iter().map(|part| part.count).sum::<u32>(), 300);
        let ends = merged.windows(2).all(|pair| pair[0].first + pair[0].count == pair[1].first);
        assert!(ends);
    }
}
