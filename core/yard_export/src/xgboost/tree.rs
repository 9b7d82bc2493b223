//! One tree, from arrays over all nodes to splits and leaves of their own.

use super::{FORMAT, file::TreeArrays, malformed, unsupported};
use crate::{
    error::ImportError,
    imported::{ColumnInfo, LIMITS, ReadTree, check_limit},
};
use std::collections::BTreeMap;
use yard_score::model::{CATEGORY_SPLIT, MISSING_LEFT, Tree};

/// Converts a tree; `columns` learn which of them are split by categories.
pub(super) fn convert(
    index: usize,
    arrays: &TreeArrays,
    output: u32,
    columns: &mut [ColumnInfo],
) -> Result<ReadTree, ImportError> {
    let place = format!("tree {index}");
    if !matches!(arrays.tree_param.size_leaf_vector.as_str(), "0" | "1") {
        let lost = "a leaf holds one number for each output, the scorer's a number";
        return Err(unsupported("multi_strategy=multi_output_tree", lost, "train with one_output_per_tree"));
    }
    check_lengths(&place, arrays)?;
    let sets = sets(&place, arrays)?;
    let mut walk = Walk { place: &place, arrays, sets, columns, read: ReadTree::default() };
    walk.read.tree.output = output;
    walk.run()?;
    Ok(walk.read)
}

fn check_lengths(place: &str, arrays: &TreeArrays) -> Result<(), ImportError> {
    let n = arrays.left_children.len();
    let lengths = [
        arrays.right_children.len(),
        arrays.split_indices.len(),
        arrays.split_conditions.len(),
        arrays.default_left.len(),
    ];
    if n == 0 || lengths.iter().any(|length| *length != n) {
        let problem = format!("arrays of {n}, {lengths:?} values");
        return Err(malformed(place, problem, "one value for each node in each array"));
    }
    if !arrays.split_type.is_empty() && arrays.split_type.len() != n {
        let problem = format!("{} split types for {n} nodes", arrays.split_type.len());
        return Err(malformed(place, problem, "one value for each node"));
    }
    Ok(())
}

/// Returns the categories of each node that is split by them.
fn sets<'a>(place: &str, arrays: &'a TreeArrays) -> Result<BTreeMap<i64, &'a [u32]>, ImportError> {
    let count = arrays.categories_nodes.len();
    if arrays.categories_segments.len() != count || arrays.categories_sizes.len() != count {
        return Err(malformed(place, "lists of categories of unequal length", "one segment for each node"));
    }
    let mut out = BTreeMap::new();
    for at in 0..count {
        let from = arrays.categories_segments[at];
        let set =
            from.checked_add(arrays.categories_sizes[at]).and_then(|to| arrays.categories.get(from..to));
        let set =
            set.ok_or_else(|| malformed(place, "a set of categories leaves the list", "a segment of it"))?;
        if let Some(category) = set.iter().find(|category| **category as usize > LIMITS.categories) {
            check_limit(FORMAT, "the largest category", *category as usize, LIMITS.categories)?;
        }
        out.insert(arrays.categories_nodes[at], set);
    }
    Ok(out)
}

struct Walk<'a> {
    place: &'a str,
    arrays: &'a TreeArrays,
    sets: BTreeMap<i64, &'a [u32]>,
    columns: &'a mut [ColumnInfo],
    read: ReadTree,
}

/// Where the number of a child belongs.
#[derive(Clone, Copy)]
enum Slot {
    Root,
    Left(usize),
    Right(usize),
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), ImportError> {
        let n = self.arrays.left_children.len();
        let mut seen = vec![false; n];
        let mut pending = vec![(0_usize, Slot::Root)];
        while let Some((node, slot)) = pending.pop() {
            match seen.get_mut(node) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(malformed(self.place, format!("node {node} has two parents"), "a tree")),
            }
            let (left, right) = (self.arrays.left_children[node], self.arrays.right_children[node]);
            if left == -1 && right == -1 {
                let leaf = self.leaf(node);
                self.fill(slot, leaf);
                continue;
            }
            let own = self.read.tree.feature.len();
            self.fill(slot, own as i32);
            let swapped = self.split(node)?;
            let (left, right) = if swapped { (right, left) } else { (left, right) };
            for (child, slot) in [(right, Slot::Right(own)), (left, Slot::Left(own))] {
                let child = usize::try_from(child).ok().filter(|child| *child < n);
                let child = child.ok_or_else(|| {
                    malformed(
                        self.place,
                        format!("a child of node {node} does not exist"),
                        "a node of the tree",
                    )
                })?;
                pending.push((child, slot));
            }
        }
        Ok(())
    }

    fn fill(&mut self, slot: Slot, child: i32) {
        match slot {
            Slot::Root => {}
            Slot::Left(node) => self.read.tree.left[node] = child,
            Slot::Right(node) => self.read.tree.right[node] = child,
        }
    }

    fn cover(&self, node: usize) -> f32 {
        let cover = self.arrays.sum_hessian.get(node).copied().unwrap_or(0.0);
        if cover.is_finite() { cover.max(0.0) } else { 0.0 }
    }

    fn leaf(&mut self, node: usize) -> i32 {
        self.read.leaves.push(f64::from(self.arrays.split_conditions[node]));
        self.read.tree.leaf_cover.push(self.cover(node));
        -(self.read.leaves.len() as i32)
    }

    /// Appends a split; returns whether its children change places.
    fn split(&mut self, node: usize) -> Result<bool, ImportError> {
        let cover = self.cover(node);
        let feature = self.arrays.split_indices[node];
        let Some(column) = self.columns.get_mut(feature as usize) else {
            let problem = format!("node {node} is split on feature {feature}");
            return Err(malformed(self.place, problem, "a feature of the model"));
        };
        let default_left = self.arrays.default_left[node].yes();
        let by_set = self.arrays.split_type.get(node).is_some_and(|kind| kind.yes());
        let tree: &mut Tree = &mut self.read.tree;
        let mut flags = if default_left == by_set { 0 } else { MISSING_LEFT };
        if by_set {
            flags |= CATEGORY_SPLIT;
            column.categorical = true;
            let set = self.sets.get(&(node as i64)).copied().unwrap_or_default();
            column.codes.extend(set);
            let offset = tree.category_words.len();
            check_limit(FORMAT, "the size of the sets of a tree", offset, 1 << 24)?;
            tree.threshold.push(offset as f32);
            push_set(set, &mut tree.category_words);
        } else {
            column.numeric = true;
            let threshold = self.arrays.split_conditions[node];
            if !threshold.is_finite() {
                let problem = format!("the threshold of node {node} is {threshold}");
                return Err(malformed(self.place, problem, "a finite number"));
            }
            tree.threshold.push(threshold.next_down().max(f32::MIN));
        }
        tree.feature.push(feature);
        tree.flags.push(flags);
        tree.left.push(0);
        tree.right.push(0);
        let gain = self.arrays.loss_changes.get(node).copied().unwrap_or(0.0);
        tree.gain.push(if gain.is_finite() { gain } else { 0.0 });
        tree.node_cover.push(cover);
        Ok(by_set)
    }
}

fn push_set(set: &[u32], words: &mut Vec<u32>) {
    let count = set.iter().max().map_or(0, |largest| *largest as usize / 32 + 1);
    let first = words.len() + 1;
    words.push(count as u32);
    words.resize(first + count, 0);
    for code in set {
        words[first + *code as usize / 32] |= 1 << (code % 32);
    }
}
