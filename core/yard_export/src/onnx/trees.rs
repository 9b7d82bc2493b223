//! Trees as one `TreeEnsemble` (`ai.onnx.ml` 5). A split by a threshold is `BRANCH_LEQ`, a split by categories
//! `BRANCH_MEMBER` with its codes; a missing value follows the flag of the split. A tree of one leaf joins
//! the base, which is added behind: all values lie on one grid, so that f32 sums are exact in any order.

use super::graph::{Attribute, Graph, Tensor, Value};
use yard_score::model::{CATEGORY_SPLIT, MISSING_LEFT, Tree, TreeEnsemble};

const BRANCH_LEQ: u8 = 0;
const BRANCH_EQ: u8 = 4;
const BRANCH_MEMBER: u8 = 6;
/// `aggregate_function`: the sum of the leaves.
const SUM: i64 = 1;

/// The attributes of the node.
#[derive(Default)]
struct Arrays {
    features: Vec<i64>,
    splits: Vec<f32>,
    modes: Vec<u8>,
    yes: Vec<i64>,
    yes_leaf: Vec<i64>,
    no: Vec<i64>,
    no_leaf: Vec<i64>,
    missing_yes: Vec<i64>,
    members: Vec<f32>,
    leaf_values: Vec<f32>,
    leaf_targets: Vec<i64>,
    roots: Vec<i64>,
}

/// Adds the ensemble; margins are f32, `[N, outputs]`.
pub(super) fn ensemble(graph: &mut Graph, model: &TreeEnsemble, features: &Value) -> Value {
    let mut base = model.base.clone();
    let mut arrays = Arrays::default();
    for tree in &model.trees {
        if tree.feature.is_empty() {
            if let (Some(base), Some(leaf)) = (base.get_mut(tree.output as usize), tree.leaf_value.first()) {
                *base += leaf;
            }
        } else {
            arrays.push(tree);
        }
    }
    if arrays.roots.is_empty() {
        // The node needs one tree: a split whose leaves are both 0.
        arrays.push(&empty_split());
    }
    let base = graph.row("base", &Tensor::Float(base));
    let sums = graph.ml_node("TreeEnsemble", &[features], &arrays.attributes(model.base.len()));
    graph.node("Add", &[&sums, &base], &[])
}

fn empty_split() -> Tree {
    Tree {
        feature: vec![0],
        threshold: vec![0.0],
        left: vec![-1],
        right: vec![-2],
        flags: vec![0],
        leaf_value: vec![0.0; 2],
        ..Tree::default()
    }
}

impl Arrays {
    fn push(&mut self, tree: &Tree) {
        let (first, first_leaf) = (self.features.len() as i64, self.leaf_values.len() as i64);
        self.roots.push(first);
        let place = |child: i32| {
            let child = i64::from(child);
            if child >= 0 { (first + child, 0) } else { (first_leaf - child - 1, 1) }
        };
        for node in 0..tree.feature.len() {
            let (yes, no) = (place(tree.left[node]), place(tree.right[node]));
            self.features.push(i64::from(tree.feature[node]));
            self.missing_yes.push(i64::from(tree.flags[node] & MISSING_LEFT != 0));
            let (mode, split, yes, no) = self.question(tree, node, yes, no);
            self.modes.push(mode);
            self.splits.push(split);
            self.yes.push(yes.0);
            self.yes_leaf.push(yes.1);
            self.no.push(no.0);
            self.no_leaf.push(no.1);
        }
        self.leaf_values.extend(&tree.leaf_value);
        self.leaf_targets.extend(tree.leaf_value.iter().map(|_| i64::from(tree.output)));
    }

    /// Returns mode and threshold of a split, and its children.
    fn question<T>(&mut self, tree: &Tree, node: usize, yes: T, no: T) -> (u8, f32, T, T) {
        if tree.flags[node] & CATEGORY_SPLIT == 0 {
            return (BRANCH_LEQ, tree.threshold[node], yes, no);
        }
        let set = codes(&crate::lightgbm::category_set(tree, node));
        match set[..] {
            // No code is negative: an empty set is never met.
            [] => (BRANCH_EQ, -1.0, yes, no),
            [code] => (BRANCH_EQ, code, yes, no),
            _ => {
                self.members.extend(&set);
                self.members.push(f32::NAN);
                (BRANCH_MEMBER, 0.0, yes, no)
            }
        }
    }

    fn attributes(self, outputs: usize) -> Vec<(&'static str, Attribute)> {
        let mut out = vec![
            ("aggregate_function", Attribute::Int(SUM)),
            ("leaf_targetids", Attribute::Ints(self.leaf_targets)),
            ("leaf_weights", Attribute::Tensor(Tensor::Float(self.leaf_values))),
            ("n_targets", Attribute::Int(outputs as i64)),
            ("nodes_falseleafs", Attribute::Ints(self.no_leaf)),
            ("nodes_falsenodeids", Attribute::Ints(self.no)),
            ("nodes_featureids", Attribute::Ints(self.features)),
            ("nodes_missing_value_tracks_true", Attribute::Ints(self.missing_yes)),
            ("nodes_modes", Attribute::Tensor(Tensor::Uint8(self.modes))),
            ("nodes_splits", Attribute::Tensor(Tensor::Float(self.splits))),
            ("nodes_trueleafs", Attribute::Ints(self.yes_leaf)),
            ("nodes_truenodeids", Attribute::Ints(self.yes)),
            ("post_transform", Attribute::Int(0)),
            ("tree_roots", Attribute::Ints(self.roots)),
        ];
        if !self.members.is_empty() {
            out.push(("membership_values", Attribute::Tensor(Tensor::Float(self.members))));
        }
        out
    }
}

/// Returns the codes of a bit set, ascending.
fn codes(set: &[u32]) -> Vec<f32> {
    let bits = |(index, word): (usize, &u32)| {
        let word = *word;
        (0..32_usize).filter(move |bit| word >> bit & 1 == 1).map(move |bit| (index * 32 + bit) as f32)
    };
    set.iter().enumerate().flat_map(bits).collect()
}
