//! Grows one tree leaf by leaf: always the leaf whose best split gains most (ties to the older leaf).

use crate::{
    constraints::{Inherited, Parted},
    data::MAX_DEPTH,
    histogram::{Hist, Histograms},
    partition::{partition, partition_wide},
    quant::{Entry, Sum},
    split_find::{NodeView, Rules, Split},
    tree::BinNode,
};
use std::{cmp::Ordering, collections::BinaryHeap, ops::Range};

/// Rows to grow on, and a spare vector of at least [`spare_len`](crate::partition::spare_len).
pub(crate) struct Rows<'a> {
    pub(crate) rows: &'a mut [Entry],
    pub(crate) spare: &'a mut [Entry],
}

/// A grown tree: leaves are ranges of the rows, which are now in leaf order.
pub(crate) struct Grown {
    pub(crate) nodes: Vec<BinNode>,
    pub(crate) leaves: Vec<GrownLeaf>,
}

/// A leaf.
#[derive(Clone, Debug)]
pub(crate) struct GrownLeaf {
    pub(crate) range: Range<usize>,
    pub(crate) sum: Sum,
    pub(crate) inherited: Inherited,
}

/// A leaf that can be split.
pub(crate) struct Open {
    pub(crate) leaf: u32,
    pub(crate) depth: u32,
    pub(crate) hist: Hist,
    pub(crate) split: Split,
    /// The split was found with exact row counts.
    pub(crate) counted: bool,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Open {}
impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.split.gain.total_cmp(&other.split.gain).then(other.leaf.cmp(&self.leaf))
    }
}

/// Where a leaf hangs: node and side.
#[derive(Clone, Copy)]
struct Hook {
    node: usize,
    left: bool,
}

/// A tree that grows.
pub(crate) struct Grower<'a> {
    pub(crate) histograms: &'a Histograms<'a>,
    pub(crate) rules: &'a Rules<'a>,
    pub(crate) pool: &'a crate::histogram::Pool,
    pub(crate) rows: Rows<'a>,
    pub(crate) nodes: Vec<BinNode>,
    pub(crate) leaves: Vec<GrownLeaf>,
    hooks: Vec<Option<Hook>>,
    open: BinaryHeap<Open>,
}

/// Grows a tree.
pub(crate) fn grow(
    histograms: &Histograms,
    rules: &Rules,
    pool: &crate::histogram::Pool,
    rows: Rows,
) -> Grown {
    let mut grower = Grower::new(histograms, rules, pool, rows);
    if grower.splittable(0, 0) {
        let hist = histograms.build(grower.rows.rows);
        grower.push(0, 0, hist);
    }
    while (grower.leaves.len() as u32) < rules.params.leaves {
        let Some(open) = grower.open.pop() else { break };
        grower.split(open);
    }
    for open in grower.open.drain() {
        pool.recycle(open.hist);
    }
    Grown { nodes: grower.nodes, leaves: grower.leaves }
}

impl<'a> Grower<'a> {
    /// Starts with a root.
    pub(crate) fn new(
        histograms: &'a Histograms<'a>,
        rules: &'a Rules<'a>,
        pool: &'a crate::histogram::Pool,
        rows: Rows<'a>,
    ) -> Self {
        let root = GrownLeaf {
            range: 0..rows.rows.len(),
            sum: histograms.quant.total(rows.rows),
            inherited: rules.constraints.root(),
        };
        Self {
            histograms,
            rules,
            pool,
            rows,
            nodes: Vec::new(),
            leaves: vec![root],
            hooks: vec![None],
            open: BinaryHeap::new(),
        }
    }

    pub(crate) fn len(&self, leaf: u32) -> usize {
        self.leaves[leaf as usize].range.len()
    }

    /// Whether a leaf may have children at all.
    fn splittable(&self, leaf: u32, depth: u32) -> bool {
        let params = self.rules.params;
        let deepest = if params.depth > 0 { params.depth } else { MAX_DEPTH };
        depth < deepest && self.len(leaf) >= 2 * params.min_leaf as usize
    }

    pub(crate) fn view<'h>(&'h self, leaf: u32, hist: &'h Hist) -> NodeView<'h> {
        let GrownLeaf { range, sum, inherited } = &self.leaves[leaf as usize];
        NodeView { hist, sum: *sum, rows: range.len(), counts: None, inherited }
    }

    /// Queues a leaf if it has a split that gains.
    fn push(&mut self, leaf: u32, depth: u32, hist: Hist) {
        match self.rules.best(self.histograms, self.view(leaf, &hist)) {
            Some(split) => {
                let counted = self.histograms.quant.counts;
                self.open.push(Open { leaf, depth, hist, split, counted });
            }
            None => self.pool.recycle(hist),
        }
    }

    /// Queues a leaf again whose split left too few rows on a side, now with exact counts.
    fn push_counted(&mut self, open: Open) {
        let Open { leaf, depth, hist, .. } = open;
        let counts = self.histograms.counts(&self.rows.rows[self.leaves[leaf as usize].range.clone()]);
        let view = NodeView { counts: Some(&counts), ..self.view(leaf, &hist) };
        match self.rules.best(self.histograms, view) {
            Some(split) => self.open.push(Open { leaf, depth, hist, split, counted: true }),
            None => self.pool.recycle(hist),
        }
    }

    fn split(&mut self, mut open: Open) {
        match self.divide(&mut open) {
            Some(right) => self.children(open, right),
            None => self.push_counted(open),
        }
    }

    /// Divides the rows of a leaf by its split and returns the new leaf on the right; `None` when a side has
    /// too few rows, or none, for a split that was found without exact counts.
    pub(crate) fn divide(&mut self, open: &mut Open) -> Option<u32> {
        let range = self.leaves[open.leaf as usize].range.clone();
        let rows = &mut self.rows.rows[range.clone()];
        let spare = &mut *self.rows.spare;
        let Split { feature, left_bins, bin, .. } = &open.split;
        let left_rows = match self.histograms.wide(*feature) {
            None => partition(rows, spare, self.histograms.column(*feature), left_bins),
            Some(column) => partition_wide(rows, spare, column, (left_bins, *bin)),
        };
        let right_rows = range.len() - left_rows;
        if !open.counted && left_rows.min(right_rows) < self.rules.params.min_leaf as usize {
            return None;
        }
        if !open.split.missing_seen && left_rows >= right_rows {
            // No missing value was seen: a later one goes with the larger child.
            open.split.left_bins[0] |= 1;
        } else if !open.split.missing_seen {
            open.split.left_bins[0] &= !1;
        }
        Some(self.hang(open, range.start + left_rows))
    }

    /// Adds the node, makes the leaf its left child and a new leaf its right child.
    fn hang(&mut self, open: &Open, middle: usize) -> u32 {
        let (node, left, right) = (self.nodes.len(), open.leaf, self.leaves.len() as u32);
        let old = &mut self.leaves[left as usize];
        let (sums, end) = ((open.split.left, old.sum - open.split.left), old.range.end);
        let penalty = self.rules.penalty(&old.inherited);
        let parted =
            Parted { feature: open.split.feature, left: penalty.value(sums.0), right: penalty.value(sums.1) };
        let inherited = self.rules.constraints.children(&old.inherited, parted);
        old.range.end = middle;
        old.sum = sums.0;
        old.inherited = inherited.0;
        self.leaves.push(GrownLeaf { range: middle..end, sum: sums.1, inherited: inherited.1 });
        self.nodes.push(BinNode::new(&open.split, left, right));
        if let Some(hook) = self.hooks[left as usize] {
            let parent = &mut self.nodes[hook.node];
            let child = if hook.left { &mut parent.left } else { &mut parent.right };
            *child = node as i32;
        }
        self.hooks[left as usize] = Some(Hook { node, left: true });
        self.hooks.push(Some(Hook { node, left: false }));
        right
    }

    /// Builds the smaller child's histogram, subtracts it for the larger, and queues both.
    fn children(&mut self, open: Open, right: u32) {
        let Open { leaf: left, depth, hist: parent, .. } = open;
        let depth = depth + 1;
        let last = self.leaves.len() as u32 >= self.rules.params.leaves;
        let (small, large) = if self.len(left) <= self.len(right) { (left, right) } else { (right, left) };
        if last || !self.splittable(large, depth) {
            return self.pool.recycle(parent);
        }
        let hist = self.histograms.build(&self.rows.rows[self.leaves[small as usize].range.clone()]);
        let other = self.histograms.subtract(parent, &hist, self.len(large));
        self.push(large, depth, other);
        if self.splittable(small, depth) {
            self.push(small, depth, hist);
        } else {
            self.pool.recycle(hist);
        }
    }
}

#[cfg(test)]
#[path = "grow_tests.rs"]
mod tests;
