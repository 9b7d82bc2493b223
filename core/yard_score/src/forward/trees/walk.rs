//! Walks trees of one flat array of 16-byte nodes: one row through many trees side by side, or many rows
//! through one tree, so that memory accesses overlap. There is no branch on a value, as those can't be
//! predicted.

use super::{
    Lanes, in_set,
    kernel::{Tile, WORD},
};
use crate::model::{CATEGORY_SPLIT, Tree};

/// Marks a category split in [`Node::feature`].
const CATEGORY_BIT: u32 = 1 << 31;
/// Trees or rows side by side.
const SIDE: usize = WORD;
/// Steps between looks at whether all have arrived.
const STRIDE: usize = 2;

/// A split or a leaf. The right child follows the left one. A leaf is its own child: its threshold is
/// infinity, so that no value goes right, and a walk that has arrived stays.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Bits of the threshold, or for a category split the offset into the words.
    threshold: u32,
    /// Lane, with [`CATEGORY_BIT`] on top.
    feature: u32,
    /// Left child.
    child: u32,
    /// Value of a leaf.
    value: f32,
}

/// One tree within the flat array.
#[derive(Clone, Copy, Debug)]
struct Span {
    root: u32,
    output: u32,
    /// Splits on the shortest and on the longest way to a leaf.
    shallow: u32,
    deep: u32,
    any_category: bool,
}

/// Trees of like depth that one row walks side by side.
#[derive(Clone, Debug)]
struct Band {
    roots: [u32; SIDE],
    outputs: Vec<u32>,
    shallow: u32,
    any_category: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Walk {
    nodes: Vec<Node>,
    words: Vec<u32>,
    /// Values of the leaves in f64, one for each node; empty unless the trees have such.
    exact: Vec<f64>,
    /// In order of the trees.
    spans: Vec<Span>,
    bands: Vec<Band>,
}

impl Walk {
    /// Lays out checked trees, whose sums are exact in any order.
    pub(super) fn new(trees: &[&Tree], lanes: Lanes) -> Self {
        let mut out = Self::in_order(trees, lanes);
        let mut spans = out.spans.clone();
        spans.sort_by_key(|span| (span.any_category, span.deep, span.shallow));
        out.bands = spans.chunks(SIDE).map(band).collect();
        out
    }

    /// Lays out checked trees, whose values are added in their order.
    pub(super) fn in_order(trees: &[&Tree], lanes: Lanes) -> Self {
        let mut out = Self {
            nodes: Vec::new(),
            words: Vec::new(),
            exact: Vec::new(),
            spans: Vec::new(),
            bands: Vec::new(),
        };
        for tree in trees {
            out.push(tree, lanes);
        }
        out.bands = out.spans.chunks(SIDE).map(band).collect();
        out
    }

    /// Appends a tree, level by level.
    fn push(&mut self, tree: &Tree, lanes: Lanes) {
        let root = self.nodes.len() as u32;
        let any_category = tree.flags.iter().any(|flags| flags & CATEGORY_SPLIT != 0);
        let mut span = Span { root, output: tree.output, shallow: u32::MAX, deep: 0, any_category };
        let mut level = vec![(if tree.feature.is_empty() { -1 } else { 0 }, 0)];
        let mut at = 0;
        while let Some(&(child, depth)) = level.get(at) {
            if let Ok(node) = usize::try_from(child) {
                let (mut feature, mut threshold) = (lanes.of(tree, node), tree.threshold[node].to_bits());
                if tree.flags[node] & CATEGORY_SPLIT != 0 {
                    feature |= CATEGORY_BIT;
                    threshold = tree.threshold[node] as u32 + self.words.len() as u32;
                }
                let child = root + level.len() as u32;
                self.nodes.push(Node { threshold, feature, child, value: 0.0 });
                level.extend([(tree.left[node], depth + 1), (tree.right[node], depth + 1)]);
            } else {
                let leaf = -(child + 1) as usize;
                let value = tree.leaf_value[leaf];
                if let Some(exact) = tree.leaf_exact.get(leaf) {
                    self.exact.resize(self.nodes.len(), 0.0);
                    self.exact.push(*exact);
                }
                let (threshold, child) = (f32::INFINITY.to_bits(), root + at as u32);
                self.nodes.push(Node { threshold, feature: 0, child, value });
                span.shallow = span.shallow.min(depth);
                span.deep = depth;
            }
            at += 1;
        }
        self.words.extend_from_slice(&tree.category_words);
        self.spans.push(span);
    }

    /// Adds the leaf values of all trees for one row, whose lanes are `x`, to `sums`, one for each output.
    pub(super) fn one(&self, x: &[f32], sums: &mut [f32]) {
        self.each(x, |output, node| sums[output] += self.nodes[node].value);
    }

    /// Hands output and f64 value of each leaf to `add`, in order of the trees.
    pub(super) fn one_exact(&self, x: &[f32], add: &mut impl FnMut(usize, f64)) {
        self.each(x, |output, node| add(output, self.exact[node]));
    }

    /// Finds the leaf of each tree for one row, in the order of the bands.
    #[inline]
    fn each(&self, x: &[f32], mut add: impl FnMut(usize, usize)) {
        let value = |lane: usize, _: usize| x[lane];
        for band in &self.bands {
            let at = if band.any_category {
                arrive(band.roots, band.shallow, |at| self.step_any(at, value))
            } else {
                arrive(band.roots, band.shallow, |at| self.step(at, value))
            };
            for (output, at) in band.outputs.iter().zip(at) {
                add(*output as usize, at as usize);
            }
        }
    }

    /// Adds the leaf values of all trees for a block of rows: lanes `[lanes, tiles]`, `[outputs, tiles]`.
    pub(super) fn block(&self, x: &[Tile], sums: &mut [Tile], tiles: usize) {
        self.each_block(x, tiles, |at, nodes| {
            for (sum, node) in sums[at].0.iter_mut().zip(nodes) {
                *sum += self.nodes[node as usize].value;
            }
        });
    }

    /// As [`Self::block`] with values in f64.
    pub(super) fn block_exact(&self, x: &[Tile], sums: &mut [[f64; WORD]], tiles: usize) {
        self.each_block(x, tiles, |at, nodes| {
            for (sum, node) in sums[at].iter_mut().zip(nodes) {
                *sum += self.exact[node as usize];
            }
        });
    }

    /// Finds the leaves of all trees for a block of rows, in the order of the trees; `add` gets the place
    /// within `[outputs, tiles]`.
    #[inline]
    fn each_block(&self, x: &[Tile], tiles: usize, mut add: impl FnMut(usize, [u32; SIDE])) {
        for span in &self.spans {
            let from = span.output as usize * tiles;
            for tile in 0..tiles {
                let value = |lane: usize, row: usize| x[lane * tiles + tile].0[row];
                let at = if span.any_category {
                    arrive([span.root; SIDE], span.shallow, |at| self.step_any(at, value))
                } else {
                    arrive([span.root; SIDE], span.shallow, |at| self.step(at, value))
                };
                add(from + tile, at);
            }
        }
    }

    #[inline]
    fn step(&self, at: &mut [u32; SIDE], value: impl Fn(usize, usize) -> f32) {
        for (side, at) in at.iter_mut().enumerate() {
            let node = &self.nodes[*at as usize];
            let right = value(node.feature as usize, side) > f32::from_bits(node.threshold);
            *at = node.child + u32::from(right);
        }
    }

    #[inline]
    fn step_any(&self, at: &mut [u32; SIDE], value: impl Fn(usize, usize) -> f32) {
        for (side, at) in at.iter_mut().enumerate() {
            let node = &self.nodes[*at as usize];
            let value = value((node.feature & !CATEGORY_BIT) as usize, side);
            let right = if node.feature & CATEGORY_BIT == 0 {
                value > f32::from_bits(node.threshold)
            } else {
                // Codes are finite, so −∞ is a missing value that goes left.
                value != f32::NEG_INFINITY && !in_set(&self.words, node.threshold as usize, value)
            };
            *at = node.child + u32::from(right);
        }
    }
}

/// Up to [`SIDE`] trees; a place without one repeats the last tree and has no output.
fn band(spans: &[Span]) -> Band {
    let last = spans.len() - 1;
    Band {
        roots: std::array::from_fn(|side| spans[side.min(last)].root),
        outputs: spans.iter().map(|span| span.output).collect(),
        shallow: spans.iter().map(|span| span.shallow).min().unwrap_or(0),
        any_category: spans.iter().any(|span| span.any_category),
    }
}

fn arrive(mut at: [u32; SIDE], shallow: u32, step: impl Fn(&mut [u32; SIDE])) -> [u32; SIDE] {
    for _ in 0..shallow {
        step(&mut at);
    }
    loop {
        let before = at;
        step(&mut at);
        if at == before {
            return at;
        }
        for _ in 1..STRIDE {
            step(&mut at);
        }
    }
}
