//! `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of `ai.onnx.ml`: lists of nodes by tree become trees in
//! arrays. Every child must exist, be reached once and lie in its own tree. Of other comparisons than "at most"
//! those that it can say are read.

use super::{Read, labels, malformed, proto::Node, unsupported};
use crate::error::ImportError;
use std::collections::BTreeMap;
use yard_score::model::{Link, MISSING_LEFT, Model, Sum, Tree, TreeEnsemble};

/// Deepest tree.
const MOST_DEPTH: usize = 512;

/// The attributes of all nodes.
struct Table<'a> {
    node: &'a Node,
    modes: &'a [String],
    features: &'a [i64],
    values: &'a [f32],
    yes: &'a [i64],
    no: &'a [i64],
    missing: &'a [i64],
    /// Position of a node by tree and number.
    places: BTreeMap<(i64, i64), usize>,
    /// Leaf weights by position: output and value.
    leaves: BTreeMap<usize, Vec<(usize, f32)>>,
    n_features: usize,
}

fn wrong(problem: String, expected: &'static str) -> ImportError {
    malformed("trees", problem, expected)
}

impl<'a> Table<'a> {
    fn new(node: &'a Node, n_features: usize) -> Result<Self, ImportError> {
        let (trees, ids, modes) =
            (node.ints("nodes_treeids"), node.ints("nodes_nodeids"), node.texts("nodes_modes"));
        let out = Self {
            node,
            modes,
            features: node.ints("nodes_featureids"),
            values: node.floats("nodes_values"),
            yes: node.ints("nodes_truenodeids"),
            no: node.ints("nodes_falsenodeids"),
            missing: node.ints("nodes_missing_value_tracks_true"),
            places: trees.iter().copied().zip(ids.iter().copied()).zip(0..).collect(),
            leaves: BTreeMap::new(),
            n_features,
        };
        let count = modes.len();
        let same =
            [trees.len(), ids.len(), out.features.len(), out.values.len(), out.yes.len(), out.no.len()];
        if count == 0
            || same.iter().any(|own| *own != count)
            || !(out.missing.is_empty() || out.missing.len() == count)
        {
            return Err(wrong(format!("lists of {count} and {same:?} nodes"), "lists of one length"));
        }
        if out.places.len() != count {
            return Err(wrong("a tree has two nodes of one number".to_owned(), "distinct numbers"));
        }
        out.with_leaves()
    }

    fn with_leaves(mut self) -> Result<Self, ImportError> {
        let kind = if self.node.operator == "TreeEnsembleClassifier" { "class" } else { "target" };
        let ints = |name: &str| self.node.ints(&format!("{kind}_{name}"));
        let (trees, nodes, ids) = (ints("treeids"), ints("nodeids"), ints("ids"));
        let weights = self.node.floats(&format!("{kind}_weights"));
        if [trees.len(), nodes.len(), ids.len()].iter().any(|own| *own != weights.len()) {
            return Err(wrong(
                format!("{} weights of leaves", weights.len()),
                "a tree, node and output for each",
            ));
        }
        for (((tree, node), id), weight) in trees.iter().zip(nodes).zip(ids).zip(weights) {
            let place = self.places.get(&(*tree, *node)).copied();
            let place = place.ok_or_else(|| {
                wrong(format!("a weight of node {node} of tree {tree}"), "a node that exists")
            })?;
            let output = usize::try_from(*id).ok().filter(|id| *id < 10_000);
            let output =
                output.ok_or_else(|| wrong(format!("a weight of output {id}"), "outputs from 0 on"))?;
            if !weight.is_finite() {
                return Err(wrong(format!("a weight of {weight}"), "finite numbers"));
            }
            self.leaves.entry(place).or_default().push((output, *weight));
        }
        Ok(self)
    }

    /// Makes the tree of one output.
    fn tree(&self, (root, tree): (usize, i64), output: usize) -> Result<Tree, ImportError> {
        let mut out = Tree { output: output as u32, ..Tree::default() };
        let mut seen = vec![false; self.modes.len()];
        self.grow((root, tree, 0), output, (&mut out, &mut seen))?;
        Ok(out)
    }

    fn grow(
        &self,
        (place, tree, depth): (usize, i64, usize),
        output: usize,
        (out, seen): (&mut Tree, &mut Vec<bool>),
    ) -> Result<i32, ImportError> {
        if depth > MOST_DEPTH {
            return Err(wrong(format!("tree {tree} is deeper than {MOST_DEPTH}"), "at most 512 levels"));
        }
        if std::mem::replace(&mut seen[place], true) {
            return Err(wrong(format!("tree {tree} comes back to a node"), "every node reached once"));
        }
        if self.modes[place] == "LEAF" {
            let own = self.leaves.get(&place).map_or(&[][..], Vec::as_slice);
            out.leaf_value.push(own.iter().filter(|(own, _)| *own == output).map(|(_, value)| *value).sum());
            out.leaf_cover.push(1.0);
            return Ok(-(out.leaf_value.len() as i32));
        }
        let feature = usize::try_from(self.features[place]).ok().filter(|own| *own < self.n_features);
        let feature = feature.ok_or_else(|| {
            wrong(format!("a split on feature {}", self.features[place]), "a feature of the input")
        })?;
        let (threshold, swapped) = self.question(place)?;
        let child = |id: i64| {
            let problem = || wrong(format!("child {id} of tree {tree}"), "a node of the same tree");
            self.places.get(&(tree, id)).copied().ok_or_else(problem)
        };
        let (yes, no) = (child(self.yes[place])?, child(self.no[place])?);
        let (left, right) = if swapped { (no, yes) } else { (yes, no) };
        // Nothing is true of a missing value, unless it is said to be.
        let missing_yes = self.missing.get(place) == Some(&1);
        let node = out.feature.len();
        out.feature.push(feature as u32);
        out.threshold.push(threshold);
        out.flags.push(if missing_yes == swapped { 0 } else { MISSING_LEFT });
        out.gain.push(0.0);
        out.node_cover.push(1.0);
        out.left.push(0);
        out.right.push(0);
        out.left[node] = self.grow((left, tree, depth + 1), output, (&mut *out, &mut *seen))?;
        out.right[node] = self.grow((right, tree, depth + 1), output, (&mut *out, &mut *seen))?;
        Ok(node as i32)
    }

    /// Returns the threshold of "at most", and whether the branches change sides.
    fn question(&self, place: usize) -> Result<(f32, bool), ImportError> {
        let value = self.values[place];
        if value.is_nan() {
            return Err(wrong("a threshold is NaN".to_owned(), "numbers"));
        }
        let value = value.clamp(f32::MIN, f32::MAX);
        let below = value.next_down().max(f32::MIN);
        match self.modes[place].as_str() {
            "BRANCH_LEQ" => Ok((value, false)),
            "BRANCH_LT" => Ok((below, false)),
            "BRANCH_GT" => Ok((value, true)),
            "BRANCH_GTE" => Ok((below, true)),
            other => Err(unsupported(&format!("a split by {other}"), "equality with a number")),
        }
    }
}

pub(super) fn read(node: &Node, features: usize) -> Result<Read, ImportError> {
    if node.attributes.keys().any(|name| name.ends_with("_as_tensor")) {
        return Err(unsupported("trees with f64 values", "the last bits of thresholds"));
    }
    let table = Table::new(node, features)?;
    let (link, classes, outputs) = outcome(node, &table)?;
    let mut roots: BTreeMap<i64, usize> = BTreeMap::new();
    for (tree, _) in table.places.keys() {
        // The root is the first node of a tree that is listed.
        let first = node.ints("nodes_treeids").iter().position(|own| own == tree);
        roots.insert(*tree, first.unwrap_or(0));
    }
    let mut trees = Vec::new();
    for (tree, root) in &roots {
        let own: std::collections::BTreeSet<usize> = table
            .leaves
            .iter()
            .filter(|(place, _)| node.ints("nodes_treeids").get(**place) == Some(tree))
            .flat_map(|(_, leaves)| leaves.iter().map(|(output, _)| *output))
            .collect();
        for output in own {
            let output = if outputs == 1 { (0, output) } else { (output, output) };
            let mut grown = table.tree((*root, *tree), output.1)?;
            grown.output = output.0 as u32;
            trees.push(grown);
        }
    }
    let mut base = node.floats("base_values").to_vec();
    if outputs == 1 && base.len() == 2 {
        base.remove(0);
    }
    base.resize(base.len().max(outputs), 0.0);
    if base.len() != outputs || base.iter().any(|value| !value.is_finite()) {
        return Err(wrong(format!("base values {base:?} for {outputs} outputs"), "a finite one for each"));
    }
    let model = TreeEnsemble { n_features: features as u32, base, grid: 0.0, sum: Sum::OrderedF32 {}, trees };
    let objective = node.operator.clone();
    Ok(Read { model: Model::Trees(model), link, classes, scales: Vec::new(), objective })
}

/// Returns link, classes and the number of margins.
fn outcome(node: &Node, table: &Table<'_>) -> Result<(Link, Vec<String>, usize), ImportError> {
    let post = node.text("post_transform");
    if node.operator == "TreeEnsembleRegressor" {
        let sum = matches!(node.text("aggregate_function").as_str(), "" | "SUM");
        if !sum || !matches!(post.as_str(), "" | "NONE") || node.int("n_targets", 1) != 1 {
            let what = format!(
                "{} of {} targets with post_transform \"{post}\"",
                node.text("aggregate_function"),
                node.int("n_targets", 1)
            );
            return Err(unsupported(&what, "sums of one target are read"));
        }
        return Ok((Link::Identity, Vec::new(), 1));
    }
    let classes = labels(node);
    let ids: std::collections::BTreeSet<usize> =
        table.leaves.values().flatten().map(|(output, _)| *output).collect();
    match (post.as_str(), classes.len(), ids.len()) {
        ("LOGISTIC", 2, 1) => Ok((Link::Logistic, classes, 1)),
        ("SOFTMAX", count, _) if count > 2 && ids.iter().all(|id| *id < count) => {
            Ok((Link::Softmax, classes, count))
        }
        (post, count, outputs) => {
            let what = format!("post_transform \"{post}\" of {outputs} outputs for {count} classes");
            Err(unsupported(
                &what,
                "votes and probabilities are no margins of a logistic or softmax function",
            ))
        }
    }
}
