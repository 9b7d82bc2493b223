//! Grows one tree of a forest: depth first without a limit of leaves, else the best leaf first.

use crate::{
    binned::{Binned, Binners},
    data::MAX_DEPTH,
    forest_split::{ForestNode, ForestSplit, Groups, Targets, score},
    params::{ForestParams, Splitter},
    split_find::goes_left,
    tree::{BinNode, leaf},
};
use std::ops::Range;
use yard_types::rng::{self, Rng};

const STREAM_BOOTSTRAP: u64 = 3 << 32;
const STREAM_NODES: u64 = 4 << 32;

/// What all trees of a forest share.
pub(crate) struct Forest<'a> {
    pub(crate) data: &'a Binned,
    pub(crate) binners: &'a Binners,
    pub(crate) targets: &'a Targets,
    pub(crate) params: &'a ForestParams,
    /// Features drawn at each node.
    pub(crate) tries: usize,
}

/// A grown tree, with the sums of its leaves.
pub(crate) struct ForestTree {
    pub(crate) nodes: Vec<BinNode>,
    /// `[leaves, outputs + 1]`: sums, then the weight.
    pub(crate) sums: Vec<i64>,
    /// How often each row was drawn.
    pub(crate) counts: Vec<u16>,
}

struct Todo {
    range: Range<usize>,
    depth: u32,
    leaf: u32,
    hook: Option<(usize, bool)>,
    split: Option<(u32, ForestSplit)>,
    sums: Vec<i64>,
}

/// Words of code sets that one tree may hold: their offsets must be exact in f32.
const MAX_SET_WORDS: usize = 1 << 23;

struct Grower<'a> {
    forest: &'a Forest<'a>,
    rng: Rng,
    rows: Vec<u32>,
    spare: Vec<u32>,
    counts: Vec<u16>,
    groups: Groups,
    nodes: Vec<BinNode>,
    sums: Vec<Vec<i64>>,
    /// Words that code sets may still take.
    set_words: usize,
}

impl Forest<'_> {
    /// Grows tree number `index`.
    pub(crate) fn grow(&self, index: u64) -> ForestTree {
        let rows = self.data.rows;
        let draws = ((rows as f64 * self.params.bagging_fraction).ceil() as usize).max(1);
        let mut counts = vec![0_u16; rows];
        for draw in 0..draws {
            let row = rng::below(self.params.seed, STREAM_BOOTSTRAP + index, draw as u64, rows as u64);
            counts[row as usize] = counts[row as usize].saturating_add(1);
        }
        let rows: Vec<u32> = (0..rows as u32).filter(|&row| counts[row as usize] > 0).collect();
        let grower = Grower {
            forest: self,
            rng: Rng::new(self.params.seed, STREAM_NODES + index),
            spare: vec![0; rows.len()],
            rows,
            counts,
            groups: Groups::default(),
            nodes: Vec::new(),
            sums: Vec::new(),
            set_words: MAX_SET_WORDS,
        };
        grower.run()
    }
}

impl Grower<'_> {
    fn run(mut self) -> ForestTree {
        let root = self.todo(0..self.rows.len(), 0, 0, None);
        self.sums.push(root.sums.clone());
        let limit = match self.forest.params.leaves {
            0 => usize::MAX,
            leaves => leaves as usize,
        };
        let mut open = vec![root];
        while self.sums.len() < limit {
            let Some(next) = next(&mut open, limit < usize::MAX) else { break };
            let Some((feature, split)) = next.split.clone() else { continue };
            let (a, b) = self.split(&next, feature, &split);
            open.push(b);
            open.push(a);
        }
        ForestTree { nodes: self.nodes, sums: self.sums.concat(), counts: self.counts }
    }

    /// Looks for the split of a new leaf.
    fn todo(&mut self, range: Range<usize>, depth: u32, leaf: u32, hook: Option<(usize, bool)>) -> Todo {
        let targets = self.forest.targets;
        let mut sums = vec![0; targets.outputs + 1];
        for &row in &self.rows[range.clone()] {
            targets.add(row as usize, self.counts[row as usize], &mut sums);
        }
        let params = self.forest.params;
        let deep = depth >= if params.depth > 0 { params.depth } else { MAX_DEPTH };
        let small = range.len() < 2 * params.min_leaf.max(1) as usize;
        let pure = targets.outputs > 1 && sums[..targets.outputs].iter().filter(|&&s| s != 0).count() <= 1;
        let split = if deep || small || pure { None } else { self.find(range.clone(), &sums) };
        Todo { range, depth, leaf, hook, split, sums }
    }

    /// Tries features in random order until enough were tried and one splits.
    fn find(&mut self, range: Range<usize>, total: &[i64]) -> Option<(u32, ForestSplit)> {
        let forest = self.forest;
        let count = forest.binners.features.len();
        let mut order: Vec<u32> = (0..count as u32).collect();
        let node = ForestNode {
            rows: &self.rows[range],
            counts: &self.counts,
            targets: forest.targets,
            total,
            min_leaf: forest.params.min_leaf.max(1),
        };
        let parent = score(total);
        let mut best: Option<(u32, ForestSplit)> = None;
        for tried in 0..count {
            if tried >= forest.tries && best.is_some() {
                break;
            }
            let pick = tried + self.rng.below((count - tried) as u64) as usize;
            order.swap(tried, pick);
            let feature = order[tried];
            let binner = &forest.binners.features[feature as usize];
            if binner.set_words() > self.set_words {
                continue;
            }
            self.groups.fill(&node, forest.data.column(feature), binner.slots());
            let split = match forest.params.splitter {
                Splitter::Best => self.groups.best(&node, binner),
                Splitter::Random => self.groups.random(&node, binner, &mut self.rng),
            };
            let Some(split) = split else { continue };
            let better = |old: &(u32, ForestSplit)| {
                split.score > old.1.score || (split.score == old.1.score && feature < old.0)
            };
            if split.score > parent * (1.0 + 1e-12) && best.as_ref().is_none_or(better) {
                best = Some((feature, split));
            }
        }
        best
    }

    fn split(&mut self, at: &Todo, feature: u32, split: &ForestSplit) -> (Todo, Todo) {
        let column = self.forest.data.column(feature);
        let spare = &mut self.spare[at.range.clone()];
        let rows = &mut self.rows[at.range.clone()];
        let middle = at.range.start + crate::partition::partition(rows, spare, column, &split.left_bins);
        self.set_words -= self.forest.binners.features[feature as usize].set_words();
        let right_leaf = self.sums.len() as u32;
        let node = self.nodes.len();
        let mut left_bins = split.left_bins;
        let has_missing = self.rows[at.range.clone()].iter().any(|&row| column[row as usize] == 0);
        if !has_missing && middle - at.range.start >= at.range.end - middle {
            left_bins[0] |= 1;
        } else if !has_missing {
            left_bins[0] &= !1;
        }
        self.nodes.push(BinNode {
            feature,
            left_bins,
            bin: u16::from(split.bin),
            left: leaf(at.leaf),
            right: leaf(right_leaf),
            gain: split.score - score(&at.sums),
        });
        if let Some((parent, is_left)) = at.hook {
            let parent = &mut self.nodes[parent];
            let child = if is_left { &mut parent.left } else { &mut parent.right };
            *child = node as i32;
        }
        let a = self.todo(at.range.start..middle, at.depth + 1, at.leaf, Some((node, true)));
        let b = self.todo(middle..at.range.end, at.depth + 1, right_leaf, Some((node, false)));
        self.sums[at.leaf as usize].clone_from(&a.sums);
        self.sums.push(b.sums.clone());
        (a, b)
    }
}

/// Takes the newest leaf, or the one that gains most (ties to the older leaf).
fn next(open: &mut Vec<Todo>, by_gain: bool) -> Option<Todo> {
    if !by_gain {
        return open.pop();
    }
    let gain = |todo: &Todo| todo.split.as_ref().map_or(f64::MIN, |(_, s)| s.score - score(&todo.sums));
    let order = |a: &usize, b: &usize| {
        let (a, b) = (&open[*a], &open[*b]);
        gain(a).total_cmp(&gain(b)).then(b.leaf.cmp(&a.leaf))
    };
    let best = (0..open.len()).max_by(order)?;
    Some(open.swap_remove(best))
}

impl ForestTree {
    /// Leaf of a binned row.
    pub(crate) fn leaf_of(&self, data: &Binned, row: usize) -> usize {
        let mut at = if self.nodes.is_empty() { -1 } else { 0 };
        while at >= 0 {
            let node = &self.nodes[at as usize];
            at = if goes_left(&node.left_bins, data.bin(row, node.feature as usize)) {
                node.left
            } else {
                node.right
            };
        }
        (-(at + 1)) as usize
    }
}
