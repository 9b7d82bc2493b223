//! Tree ensembles in one flat array of 16-byte nodes. Leaf values lie on a binary grid, so that f32 sums
//! are exact whatever their order; [`Trees::new`] checks that, and that each tree is a tree.

use super::check_len;
use crate::{
    error::ScoreError,
    model::{CATEGORY_SPLIT, MISSING_LEFT, Tree, TreeEnsemble},
};

/// Longest path from root to leaf that is accepted; explanations recurse along it.
pub(crate) const MAX_DEPTH: usize = 512;

/// Leaves or category words of all trees that are accepted; indices are i32 and u32.
const MAX_LEAVES: usize = 1 << 28;

const MISSING_LEFT_BIT: u32 = 1 << 31;
const CATEGORY_BIT: u32 = 1 << 30;
const FEATURE_MASK: u32 = CATEGORY_BIT - 1;

/// A split. Children are indices of nodes when `>= 0`, else leaf `-(child + 1)`; both absolute.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Feature index with two flag bits on top.
    feature: u32,
    /// Bits of the threshold, or for a category split the offset into the words.
    threshold: u32,
    left: i32,
    right: i32,
}

#[derive(Clone, Debug)]
pub(crate) struct Trees {
    n_features: usize,
    base: Vec<f32>,
    nodes: Vec<Node>,
    leaves: Vec<f32>,
    words: Vec<u32>,
    /// Root child of each tree, its output, whether it has category splits.
    roots: Vec<(i32, u32, bool)>,
}

impl Trees {
    pub(crate) fn new(model: &TreeEnsemble, n_features: usize) -> Result<Self, ScoreError> {
        check_len("number of features", model.n_features as usize, n_features)?;
        if n_features >= FEATURE_MASK as usize {
            let expected = FEATURE_MASK as usize;
            return Err(ScoreError::Shape {
                what: "number of features".to_owned(),
                expected,
                got: n_features,
            });
        }
        let size = |tree: &Tree| tree.leaf_value.len().max(tree.category_words.len());
        let total: usize = model.trees.iter().map(size).sum();
        if total > MAX_LEAVES {
            let what = "number of leaves and category words".to_owned();
            return Err(ScoreError::Shape { what, expected: MAX_LEAVES, got: total });
        }
        check_grid(model)?;
        let mut out = Self {
            n_features,
            base: model.base.clone(),
            nodes: Vec::new(),
            leaves: Vec::new(),
            words: Vec::new(),
            roots: Vec::with_capacity(model.trees.len()),
        };
        for (index, tree) in model.trees.iter().enumerate() {
            check_tree(index, tree, model)?;
            out.push(tree);
        }
        Ok(out)
    }

    fn push(&mut self, tree: &Tree) {
        let (first_node, first_leaf) = (self.nodes.len() as i32, self.leaves.len() as i32);
        let first_word = self.words.len() as u32;
        let moved = |child: i32| if child >= 0 { child + first_node } else { child - first_leaf };
        let mut any_category = false;
        for node in 0..tree.feature.len() {
            let flags = tree.flags[node];
            let mut feature = tree.feature[node];
            let mut threshold = tree.threshold[node].to_bits();
            if flags & MISSING_LEFT != 0 {
                feature |= MISSING_LEFT_BIT;
            }
            if flags & CATEGORY_SPLIT != 0 {
                feature |= CATEGORY_BIT;
                threshold = tree.threshold[node] as u32 + first_word;
                any_category = true;
            }
            let (left, right) = (moved(tree.left[node]), moved(tree.right[node]));
            self.nodes.push(Node { feature, threshold, left, right });
        }
        self.leaves.extend_from_slice(&tree.leaf_value);
        self.words.extend_from_slice(&tree.category_words);
        let root = if tree.feature.is_empty() { -(first_leaf + 1) } else { first_node };
        self.roots.push((root, tree.output, any_category));
    }

    pub(crate) fn run(&self, features: &[f32], margins: &mut [f32]) {
        let outputs = self.base.len();
        for out in margins.chunks_exact_mut(outputs) {
            out.copy_from_slice(&self.base);
        }
        for &(root, output, any_category) in &self.roots {
            let slots = margins.iter_mut().skip(output as usize).step_by(outputs);
            for (x, slot) in features.chunks_exact(self.n_features.max(1)).zip(slots) {
                let leaf = if any_category { self.leaf_any(root, x) } else { self.leaf_numeric(root, x) };
                *slot += self.leaves[leaf];
            }
        }
    }

    fn leaf_numeric(&self, root: i32, x: &[f32]) -> usize {
        let mut at = root;
        while at >= 0 {
            let node = &self.nodes[at as usize];
            let value = x[(node.feature & FEATURE_MASK) as usize];
            let missing_left = value.is_nan() && node.feature & MISSING_LEFT_BIT != 0;
            at =
                if (value <= f32::from_bits(node.threshold)) | missing_left { node.left } else { node.right };
        }
        leaf_of(at)
    }

    fn leaf_any(&self, root: i32, x: &[f32]) -> usize {
        let mut at = root;
        while at >= 0 {
            let node = &self.nodes[at as usize];
            let value = x[(node.feature & FEATURE_MASK) as usize];
            let left = if value.is_nan() {
                node.feature & MISSING_LEFT_BIT != 0
            } else if node.feature & CATEGORY_BIT != 0 {
                in_set(&self.words, node.threshold as usize, value)
            } else {
                value <= f32::from_bits(node.threshold)
            };
            at = if left { node.left } else { node.right };
        }
        leaf_of(at)
    }
}

fn leaf_of(child: i32) -> usize {
    -(child + 1) as usize
}

/// Returns whether a category code is in the set at `offset`. Negative and huge codes are in no set.
pub(crate) fn in_set(words: &[u32], offset: usize, code: f32) -> bool {
    if !(0.0..4_294_967_296.0).contains(&code) {
        return false;
    }
    let code = code as u32;
    let (count, word) = (words[offset] as usize, (code / 32) as usize);
    word < count && words[offset + 1 + word] >> (code % 32) & 1 == 1
}

/// Returns whether a row goes left at a node of a checked tree.
pub(crate) fn goes_left(tree: &Tree, node: usize, x: &[f32]) -> bool {
    let value = x[tree.feature[node] as usize];
    if value.is_nan() {
        tree.flags[node] & MISSING_LEFT != 0
    } else if tree.flags[node] & CATEGORY_SPLIT != 0 {
        in_set(&tree.category_words, tree.threshold[node] as usize, value)
    } else {
        value <= tree.threshold[node]
    }
}

/// Checks that base and leaf values are multiples of the grid step and that every partial sum of an
/// output stays below 2^24 steps, so that f32 sums are exact.
fn check_grid(model: &TreeEnsemble) -> Result<(), ScoreError> {
    let grid = f64::from(model.grid);
    let power_of_two =
        model.grid.is_normal() && model.grid > 0.0 && model.grid.to_bits().trailing_zeros() >= 23;
    let off = |what: String, value: f64| ScoreError::OffGrid { what, value, grid };
    if !power_of_two {
        return Err(off("the grid step is not a power of two; base".to_owned(), f64::from(model.grid)));
    }
    let on_grid = |value: f32| value.is_finite() && (f64::from(value) / grid).fract() == 0.0;
    let mut bounds = Vec::with_capacity(model.base.len());
    for (output, base) in model.base.iter().enumerate() {
        if !on_grid(*base) {
            return Err(off(format!("base {output} ="), f64::from(*base)));
        }
        bounds.push(f64::from(base.abs()));
    }
    for (index, tree) in model.trees.iter().enumerate() {
        let Some(bound) = bounds.get_mut(tree.output as usize) else {
            let what = format!("output of tree {index}");
            return Err(ScoreError::Shape { what, expected: model.base.len(), got: tree.output as usize });
        };
        let mut largest = 0.0_f32;
        for (leaf, value) in tree.leaf_value.iter().enumerate() {
            if !on_grid(*value) {
                return Err(off(format!("tree {index}, leaf {leaf} ="), f64::from(*value)));
            }
            largest = largest.max(value.abs());
        }
        *bound += f64::from(largest);
    }
    match bounds.iter().position(|bound| *bound > grid * 16_777_216.0) {
        None => Ok(()),
        Some(output) => Err(off(format!("the largest possible sum of output {output},"), bounds[output])),
    }
}

fn check_tree(index: usize, tree: &Tree, model: &TreeEnsemble) -> Result<(), ScoreError> {
    let n = tree.feature.len();
    for (what, got, expected) in [
        ("thresholds", tree.threshold.len(), n),
        ("left children", tree.left.len(), n),
        ("right children", tree.right.len(), n),
        ("flags", tree.flags.len(), n),
        ("gains", tree.gain.len(), n),
        ("node covers", tree.node_cover.len(), n),
        ("leaf values", tree.leaf_value.len(), n + 1),
        ("leaf covers", tree.leaf_cover.len(), n + 1),
    ] {
        check_len(&format!("tree {index}: number of {what}"), got, expected)?;
    }
    for covers in [&tree.node_cover, &tree.leaf_cover, &tree.gain] {
        super::check_finite(&format!("tree {index}: cover or gain"), covers)?;
    }
    for node in 0..n {
        check_node(tree, node, model.n_features).map_err(|problem| ScoreError::Tree {
            tree: index,
            node,
            problem,
        })?;
    }
    check_paths(tree).map_err(|(node, problem)| ScoreError::Tree { tree: index, node, problem })
}

fn check_node(tree: &Tree, node: usize, n_features: u32) -> Result<(), &'static str> {
    let threshold = tree.threshold[node];
    if tree.feature[node] >= n_features {
        return Err("the feature does not exist");
    }
    if tree.node_cover[node] < 0.0 {
        return Err("the cover is negative");
    }
    if tree.flags[node] & !(MISSING_LEFT | CATEGORY_SPLIT) != 0 {
        return Err("unknown flags");
    }
    if !threshold.is_finite() {
        return Err("the threshold is not finite");
    }
    if tree.flags[node] & CATEGORY_SPLIT == 0 {
        return Ok(());
    }
    if threshold < 0.0 || threshold.fract() != 0.0 || threshold >= 16_777_216.0 {
        return Err("the offset of the category set is not a whole number below 2^24");
    }
    let offset = threshold as usize;
    let count = tree.category_words.get(offset).ok_or("the category set does not exist")?;
    let end = offset.checked_add(1).and_then(|first| first.checked_add(*count as usize));
    match end {
        Some(end) if end <= tree.category_words.len() => Ok(()),
        _ => Err("the category set is longer than the list of sets"),
    }
}

/// Walks the tree from its root: each node and each leaf must be reached exactly once.
fn check_paths(tree: &Tree) -> Result<(), (usize, &'static str)> {
    let n = tree.feature.len();
    if n == 0 {
        return Ok(());
    }
    let (mut seen, mut seen_leaf) = (vec![false; n], vec![false; n + 1]);
    seen[0] = true;
    let mut pending = vec![(0_usize, 1_usize)];
    while let Some((node, depth)) = pending.pop() {
        if depth > MAX_DEPTH {
            return Err((node, "deeper than 512 splits"));
        }
        for child in [tree.left[node], tree.right[node]] {
            let slot = match usize::try_from(child) {
                Ok(child) => seen.get_mut(child),
                Err(_) => seen_leaf.get_mut(-(i64::from(child) + 1) as usize),
            };
            match slot {
                None => return Err((node, "a child does not exist")),
                Some(true) => return Err((node, "a child has two parents")),
                Some(slot) => *slot = true,
            }
            if let Ok(child) = usize::try_from(child) {
                pending.push((child, depth + 1));
            }
        }
    }
    match seen.iter().position(|seen| !seen) {
        None => Ok(()),
        Some(node) => Err((node, "not reachable from the root")),
    }
}
