//! A tree over bins: what growing gives, how binned rows walk it, and its form in the scorer's types.

use crate::{
    binned::{Binned, Binners},
    bins::Binner,
    split_find::{LeftBins, Split, goes_left, goes_left_wide},
};
use yard_score::model::{CATEGORY_SPLIT, MISSING_LEFT, Tree};

/// A node of a tree over bins. Children as in [`Tree`]: a node when `>= 0`, else leaf `-(child + 1)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BinNode {
    pub(crate) feature: u32,
    /// Bins that go left; bit 0 is the missing bin, which is all that a wide feature uses.
    pub(crate) left_bins: LeftBins,
    /// Last bin on the left of a numeric split; 0 for a category split.
    pub(crate) bin: u16,
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) gain: f64,
}

/// A tree over bins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BinTree {
    pub(crate) output: u32,
    pub(crate) nodes: Vec<BinNode>,
    /// On the grid.
    pub(crate) values: Vec<f32>,
    /// Sum of weights per leaf.
    pub(crate) covers: Vec<f64>,
}

impl BinNode {
    /// Makes a node of a split whose children are leaves `left` and `right`.
    pub(crate) fn new(split: &Split, left: u32, right: u32) -> Self {
        Self {
            feature: split.feature,
            left_bins: split.left_bins,
            bin: split.bin,
            left: leaf(left),
            right: leaf(right),
            gain: split.gain,
        }
    }
}

/// A leaf as a child.
pub(crate) fn leaf(index: u32) -> i32 {
    -(index as i32) - 1
}

impl BinTree {
    /// Returns the leaf of a binned row.
    #[inline]
    pub(crate) fn leaf_of(&self, data: &Binned, row: usize) -> usize {
        let stride = data.by_row.stride;
        let record = &data.by_row.words()[row * stride..][..stride];
        let mut at = if self.nodes.is_empty() { -1 } else { 0 };
        while at >= 0 {
            let node = &self.nodes[at as usize];
            if let Some(column) = data.wide(node.feature) {
                at = if goes_left_wide(&node.left_bins, node.bin, column[row]) {
                    node.left
                } else {
                    node.right
                };
                continue;
            }
            let word = record[node.feature as usize >> 3];
            let bin = (word >> ((node.feature & 7) * 8)) as u8;
            at = if goes_left(&node.left_bins, bin) { node.left } else { node.right };
        }
        (-(at + 1)) as usize
    }

    /// Largest absolute leaf value.
    pub(crate) fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |top, &value| top.max(f64::from(value.abs())))
    }

    /// Turns the tree into the scorer's form.
    pub(crate) fn to_tree(&self, binners: &Binners) -> Tree {
        let mut tree = Tree {
            output: self.output,
            leaf_value: self.values.clone(),
            leaf_cover: self.covers.iter().map(|&cover| cover as f32).collect(),
            node_cover: self.node_covers().iter().map(|&cover| cover as f32).collect(),
            ..Tree::default()
        };
        for node in &self.nodes {
            let missing = if goes_left(&node.left_bins, 0) { MISSING_LEFT } else { 0 };
            let (threshold, kind) = match &binners.features[node.feature as usize] {
                Binner::Number(bins) => (bins.edges[node.bin as usize - 1], 0),
                Binner::Wide(bins) => (bins.edges[node.bin as usize - 1], 0),
                Binner::Category(bins) => {
                    let offset = push_codes(&mut tree.category_words, &node.left_bins, &bins.codes);
                    (offset as f32, CATEGORY_SPLIT)
                }
            };
            tree.feature.push(node.feature);
            tree.threshold.push(threshold);
            tree.left.push(node.left);
            tree.right.push(node.right);
            tree.flags.push(missing | kind);
            tree.gain.push(node.gain as f32);
        }
        tree
    }

    /// Sum of weights per node. Children come after their parents.
    fn node_covers(&self) -> Vec<f64> {
        let mut covers = vec![0.0; self.nodes.len()];
        for index in (0..self.nodes.len()).rev() {
            let cover = |child: i32, covers: &[f64]| {
                if child >= 0 { covers[child as usize] } else { self.covers[(-(child + 1)) as usize] }
            };
            covers[index] = cover(self.nodes[index].left, &covers) + cover(self.nodes[index].right, &covers);
        }
        covers
    }
}

/// Appends a code set (number of words, words) and returns its offset.
fn push_codes(words: &mut Vec<u32>, set: &LeftBins, codes: &[u32]) -> usize {
    let offset = words.len();
    let chosen = || (1..codes.len()).filter(|&bin| goes_left(set, bin as u8)).map(|bin| codes[bin]);
    let count = chosen().max().map_or(0, |top| top as usize / 32 + 1);
    words.push(count as u32);
    words.resize(offset + 1 + count, 0);
    for code in chosen() {
        words[offset + 1 + code as usize / 32] |= 1 << (code % 32);
    }
    offset
}
