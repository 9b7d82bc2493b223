//! Trees of a `TreeEnsemble` node as arrays of places, splits first and leaves behind them, so that systems
//! without trees can walk them with look-ups: a leaf leads to itself. Sets of categories become lists of 0 and 1
//! by code, whose last entry stands for all codes beyond. Knows nothing of those systems.

use crate::onnx::graph::Node;

const BRANCH_EQ: u8 = 4;
const BRANCH_MEMBER: u8 = 6;

/// All trees.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlatTrees {
    pub(crate) feature: Vec<i64>,
    pub(crate) threshold: Vec<f32>,
    pub(crate) missing_yes: Vec<i64>,
    pub(crate) yes: Vec<i64>,
    pub(crate) no: Vec<i64>,
    /// Value of a leaf, 0 of a split.
    pub(crate) values: Vec<f32>,
    pub(crate) is_set: Vec<i64>,
    pub(crate) set_start: Vec<i64>,
    pub(crate) set_last: Vec<i64>,
    pub(crate) members: Vec<i64>,
    /// One place a tree.
    pub(crate) roots: Vec<i64>,
    /// Output of each tree.
    pub(crate) targets: Vec<i64>,
    pub(crate) outputs: usize,
    /// Splits on the longest way.
    pub(crate) depth: usize,
}

impl FlatTrees {
    /// Reads the attributes of a node.
    pub(crate) fn of_node(node: &Node) -> Self {
        let feature = node.ints("nodes_featureids");
        let (splits, leaves) = (feature.len() as i64, node.floats("leaf_weights"));
        let child = |places: &str, is_leaf: &str| -> Vec<i64> {
            let pairs = node.ints(places).iter().zip(node.ints(is_leaf));
            pairs.map(|(place, leaf)| if *leaf == 1 { splits + place } else { *place }).collect()
        };
        let mut out = Self {
            feature: feature.to_vec(),
            threshold: node.floats("nodes_splits").to_vec(),
            missing_yes: node.ints("nodes_missing_value_tracks_true").to_vec(),
            yes: child("nodes_truenodeids", "nodes_trueleafs"),
            no: child("nodes_falsenodeids", "nodes_falseleafs"),
            values: vec![0.0; feature.len()],
            members: vec![0],
            roots: node.ints("tree_roots").to_vec(),
            outputs: node.int("n_targets").unwrap_or(1).max(1) as usize,
            ..Self::default()
        };
        out.sets(node);
        for (leaf, value) in leaves.iter().enumerate() {
            let own = splits + leaf as i64;
            out.feature.push(0);
            out.threshold.push(0.0);
            out.missing_yes.push(0);
            out.yes.push(own);
            out.no.push(own);
            out.values.push(*value);
            out.is_set.push(0);
            out.set_start.push(0);
            out.set_last.push(0);
        }
        out.measure(node.ints("leaf_targetids"), splits);
        out
    }

    fn sets(&mut self, node: &Node) {
        let modes = node.attributes.iter().find_map(|(name, value)| match value {
            crate::onnx::graph::Attribute::Tensor(crate::onnx::graph::Tensor::Uint8(modes))
                if *name == "nodes_modes" =>
            {
                Some(modes.clone())
            }
            _ => None,
        });
        let mut lists = node.floats("membership_values").split(|value| value.is_nan());
        for (place, mode) in modes.unwrap_or_default().into_iter().enumerate() {
            let set: Vec<f32> = match mode {
                BRANCH_EQ => {
                    self.threshold.get(place).copied().into_iter().filter(|code| *code >= 0.0).collect()
                }
                BRANCH_MEMBER => lists.next().unwrap_or_default().to_vec(),
                _ => {
                    self.is_set.push(0);
                    self.set_start.push(0);
                    self.set_last.push(0);
                    continue;
                }
            };
            let last = set.iter().fold(0.0_f32, |most, code| most.max(*code)) as usize + 1;
            let start = self.members.len();
            self.members.resize(start + last + 1, 0);
            for code in set {
                if let Some(member) = self.members.get_mut(start + code as usize) {
                    *member = 1;
                }
            }
            self.is_set.push(1);
            self.set_start.push(start as i64);
            self.set_last.push(last as i64);
        }
    }

    /// Finds the depth and the output of each tree: all leaves of a tree have the same.
    fn measure(&mut self, targets: &[i64], splits: i64) {
        for root in &self.roots {
            let (mut target, mut level, mut depth) = (0, vec![*root], 0);
            while level.iter().any(|place| *place < splits) {
                depth += 1;
                let open = level.iter().filter(|place| **place < splits);
                level = open
                    .flat_map(|place| {
                        [&self.yes, &self.no].map(|to| to.get(*place as usize).copied().unwrap_or(splits))
                    })
                    .collect();
                if let Some(leaf) = level.iter().find(|place| **place >= splits) {
                    target = targets.get((leaf - splits) as usize).copied().unwrap_or(0);
                }
            }
            self.depth = self.depth.max(depth);
            self.targets.push(target);
        }
    }
}
