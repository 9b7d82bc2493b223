//! From binned features and coefficients to whole points, and to one tree per feature.

use super::{
    Truth,
    bins::{Attribute, Cut},
};
use yard_score::model::{CATEGORY_SPLIT, Sum, Tree, TreeEnsemble};

/// Margin of one point of a binary task: 22 points double the odds.
const POINT: f64 = 1.0 / 32.0;
/// Points that the score of a regression may span, about.
const SPAN: f64 = 4096.0;

/// Points of every bin.
pub(super) struct Card {
    point: f64,
    base: f64,
    lines: Vec<Line>,
}

/// A feature with its points.
struct Line {
    attribute: Attribute,
    points: Vec<f64>,
    missing: f64,
}

impl Card {
    /// Rounds to points; the fewest points of a feature are 0. `None` without features.
    pub(super) fn new(attributes: &[Attribute], theta: &[f64], truth: &Truth) -> Option<Self> {
        let bias = theta.last().copied().unwrap_or(0.0) + if truth.logistic { 0.0 } else { truth.mean };
        let exact = |attribute: &Attribute, weight: f64| {
            let own = attribute.bins.iter().map(|bin| weight * bin.evidence);
            own.chain([weight * attribute.missing_evidence]).collect::<Vec<f64>>()
        };
        let exact: Vec<Vec<f64>> =
            attributes.iter().zip(theta).map(|(a, weight)| exact(a, *weight)).collect();
        let least = |margins: &Vec<f64>| margins.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |margins: &Vec<f64>| margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let span: f64 = exact.iter().map(|margins| most(margins) - least(margins)).sum();
        let point = if truth.logistic { POINT } else { power_of_two((span / SPAN).max(bias.abs() / 4e6)) };
        let base = exact.iter().map(least).sum::<f64>() + bias;
        let lines: Vec<Line> = attributes
            .iter()
            .zip(&exact)
            .map(|(attribute, margins)| {
                let least = least(margins);
                let mut points: Vec<f64> =
                    margins.iter().map(|margin| ((margin - least) / point).round_ties_even()).collect();
                let missing = points.pop().unwrap_or(0.0);
                Line { attribute: attribute.clone(), points, missing }
            })
            .filter(|line| line.points.iter().any(|points| *points > 0.0) || line.missing > 0.0)
            .collect();
        let finite = base.is_finite() && span.is_finite();
        (finite && !lines.is_empty()).then(|| Self { point, base: (base / point).round_ties_even(), lines })
    }

    /// Returns the margin of a row.
    pub(super) fn margin(&self, x: impl Fn(usize) -> f32) -> f64 {
        let own = |line: &Line| {
            let x = x(line.attribute.feature);
            match line.attribute.bin(x) {
                Some(bin) => line.points[bin],
                None if x.is_nan() => line.missing,
                None => line.points[line.attribute.neutral()],
            }
        };
        (self.base + self.lines.iter().map(own).sum::<f64>()) * self.point
    }

    /// Returns the trees.
    pub(super) fn ensemble(&self, features: usize) -> TreeEnsemble {
        TreeEnsemble {
            n_features: features as u32,
            base: vec![(self.base * self.point) as f32],
            grid: self.point as f32,
            sum: Sum::Grid,
            trees: self.lines.iter().map(|line| line.tree(self.point)).collect(),
        }
    }
}

/// Returns the power of two at or above a positive number.
fn power_of_two(value: f64) -> f64 {
    let mut power = 1.0;
    while power < value {
        power *= 2.0;
    }
    while power / 2.0 >= value && power > 1e-30 {
        power /= 2.0;
    }
    power
}

impl Line {
    /// Builds the tree: missing values leave at the root, then numbers are halved by bounds and categories
    /// compared bin by bin, the neutral bin last.
    fn tree(&self, point: f64) -> Tree {
        let mut builder = Builder { tree: Tree::default(), point };
        let root = builder.node(self.attribute.feature);
        let missing = builder.leaf(self.missing, self.attribute.missing.weight);
        builder.tree.right[root] = missing;
        let below = if let Some(categories) = self.attribute.categories {
            let all: Vec<u32> = (0..=categories as u32).collect();
            builder.split_codes(root, &all);
            let neutral = self.attribute.neutral();
            let order: Vec<usize> =
                (0..self.points.len()).filter(|bin| *bin != neutral).chain([neutral]).collect();
            builder.codes(self, &order)
        } else {
            builder.tree.threshold[root] = f32::MAX;
            builder.bounds(self, 0, self.points.len())
        };
        builder.tree.left[root] = below.0;
        builder.tree.node_cover[root] = (below.1 + self.attribute.missing.weight) as f32;
        builder.tree
    }
}

struct Builder {
    tree: Tree,
    point: f64,
}

impl Builder {
    fn node(&mut self, feature: usize) -> usize {
        let tree = &mut self.tree;
        tree.feature.push(feature as u32);
        tree.threshold.push(0.0);
        tree.left.push(0);
        tree.right.push(0);
        tree.flags.push(0);
        tree.gain.push(0.0);
        tree.node_cover.push(0.0);
        tree.feature.len() - 1
    }

    fn leaf(&mut self, points: f64, cover: f64) -> i32 {
        self.tree.leaf_value.push((points * self.point) as f32);
        self.tree.leaf_cover.push(cover as f32);
        -(self.tree.leaf_value.len() as i32)
    }

    fn bin(&mut self, line: &Line, bin: usize) -> (i32, f64) {
        let cover = line.attribute.bins[bin].sums.weight;
        (self.leaf(line.points[bin], cover), cover)
    }

    fn join(&mut self, node: usize, (left, right): ((i32, f64), (i32, f64))) -> (i32, f64) {
        let tree = &mut self.tree;
        (tree.left[node], tree.right[node]) = (left.0, right.0);
        tree.node_cover[node] = (left.1 + right.1) as f32;
        (node as i32, left.1 + right.1)
    }

    /// Builds bins `from..to` of numbers.
    fn bounds(&mut self, line: &Line, from: usize, to: usize) -> (i32, f64) {
        if to - from <= 1 {
            return self.bin(line, from);
        }
        let middle = from + (to - from) / 2;
        let node = self.node(line.attribute.feature);
        if let Cut::UpTo(Some(bound)) = line.attribute.bins[middle - 1].cut {
            self.tree.threshold[node] = bound;
        }
        let left = self.bounds(line, from, middle);
        let right = self.bounds(line, middle, to);
        self.join(node, (left, right))
    }

    /// Builds bins of categories in an order.
    fn codes(&mut self, line: &Line, order: &[usize]) -> (i32, f64) {
        let Some((first, rest)) = order.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return order.first().map_or((-1, 0.0), |bin| self.bin(line, *bin));
        };
        let node = self.node(line.attribute.feature);
        if let Cut::Codes(codes) = &line.attribute.bins[*first].cut {
            self.split_codes(node, codes);
        }
        let left = self.bin(line, *first);
        let right = self.codes(line, rest);
        self.join(node, (left, right))
    }

    fn split_codes(&mut self, node: usize, codes: &[u32]) {
        let words = codes.iter().map(|code| code / 32 + 1).max().unwrap_or(0);
        let offset = self.tree.category_words.len();
        self.tree.category_words.push(words);
        self.tree.category_words.extend(std::iter::repeat_n(0, words as usize));
        for code in codes {
            self.tree.category_words[offset + 1 + *code as usize / 32] |= 1 << (code % 32);
        }
        self.tree.threshold[node] = offset as f32;
        self.tree.flags[node] = CATEGORY_SPLIT;
    }
}
