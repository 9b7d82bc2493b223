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

/// Marks a category split in [`Node::feature`].
const CATEGORY_BIT: u32 = 1 << 31;
/// Features that are accepted; twice as many lanes must stay below [`CATEGORY_BIT`].
const MAX_FEATURES: usize = 1 << 28;
/// Rows that walk a tree side by side, so that their memory accesses overlap.
const LANES: usize = 16;

/// A split or a leaf. The right child follows the left one. A leaf is its own child: its threshold is
/// infinity, so that no value goes right, and a walk that has arrived stays.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Bits of the threshold, or for a category split the offset into the words.
    threshold: u32,
    /// Lane, with [`CATEGORY_BIT`] on top.
    feature: u32,
    /// Left child, within the tree.
    child: u32,
    /// Value of a leaf.
    value: f32,
}

/// One tree within the flat array.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    end: usize,
    output: usize,
    /// Splits on the shortest way to a leaf.
    shallow: usize,
    any_category: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Trees {
    n_features: usize,
    base: Vec<f32>,
    nodes: Vec<Node>,
    words: Vec<u32>,
    spans: Vec<Span>,
}

impl Trees {
    /// Checks and lays out an ensemble; `codes` says which features are category codes.
    pub(crate) fn new(model: &TreeEnsemble, codes: &[bool]) -> Result<Self, ScoreError> {
        let n_features = codes.len();
        check_len("number of features", model.n_features as usize, n_features)?;
        if n_features > MAX_FEATURES {
            let expected = MAX_FEATURES;
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
            words: Vec::new(),
            spans: Vec::with_capacity(model.trees.len()),
        };
        for (index, tree) in model.trees.iter().enumerate() {
            check_tree(index, tree, codes)?;
            out.push(tree);
        }
        Ok(out)
    }

    /// Appends a checked tree, level by level.
    fn push(&mut self, tree: &Tree) {
        let first = self.nodes.len();
        let any_category = tree.flags.iter().any(|flags| flags & CATEGORY_SPLIT != 0);
        let mut span =
            Span { first, end: 0, output: tree.output as usize, shallow: usize::MAX, any_category };
        let root = if tree.feature.is_empty() { -1 } else { 0 };
        let mut level = vec![(root, 0_usize)];
        let mut next = 1_u32;
        let mut at = 0;
        while let Some(&(child, depth)) = level.get(at) {
            if let Ok(node) = usize::try_from(child) {
                self.nodes.push(self.split(tree, node, next));
                level.extend([(tree.left[node], depth + 1), (tree.right[node], depth + 1)]);
                next += 2;
            } else {
                let value = tree.leaf_value[-(child + 1) as usize];
                let threshold = f32::INFINITY.to_bits();
                self.nodes.push(Node { threshold, feature: 0, child: at as u32, value });
                span.shallow = span.shallow.min(depth);
            }
            at += 1;
        }
        self.words.extend_from_slice(&tree.category_words);
        span.end = self.nodes.len();
        self.spans.push(span);
    }

    /// Lays out a split. The feature is the index of a lane in [`Self::run_lanes`], which holds both
    /// directions of missing values.
    fn split(&self, tree: &Tree, node: usize, child: u32) -> Node {
        let (mut feature, mut threshold) = (tree.feature[node], tree.threshold[node].to_bits());
        if tree.flags[node] & MISSING_LEFT != 0 {
            feature += self.n_features as u32;
        }
        if tree.flags[node] & CATEGORY_SPLIT != 0 {
            feature |= CATEGORY_BIT;
            threshold = tree.threshold[node] as u32 + self.words.len() as u32;
        }
        Node { threshold, feature, child, value: 0.0 }
    }

    /// Returns the size of the working memory in numbers.
    pub(crate) fn work_len(&self) -> usize {
        2 * self.n_features * LANES
    }

    pub(crate) fn run(&self, features: &[f32], work: &mut [f32], margins: &mut [f32]) {
        let (n, outputs) = (self.n_features, self.base.len());
        let rows = features.chunks(n * LANES).zip(margins.chunks_mut(outputs * LANES));
        for (features, margins) in rows {
            if margins.len() == outputs {
                self.run_lanes::<1>(features, &mut work[..2 * n], margins);
            } else {
                self.run_lanes::<LANES>(features, work, margins);
            }
        }
    }

    /// Scores up to `N` rows. `x` holds a lane for each row: features with missing values as +∞, which
    /// goes right at every threshold, then features with missing values as −∞, which goes left.
    fn run_lanes<const N: usize>(&self, features: &[f32], x: &mut [f32], margins: &mut [f32]) {
        let (n, outputs) = (self.n_features, self.base.len());
        let x = x.as_chunks_mut::<N>().0;
        let (right, left) = x.split_at_mut(n);
        for (lane, row) in features.chunks_exact(n).enumerate() {
            for ((value, right), left) in row.iter().zip(&mut *right).zip(&mut *left) {
                right[lane] = if value.is_nan() { f32::INFINITY } else { *value };
                left[lane] = if value.is_nan() { f32::NEG_INFINITY } else { *value };
            }
        }
        for out in margins.chunks_exact_mut(outputs) {
            out.copy_from_slice(&self.base);
        }
        for span in &self.spans {
            let nodes = &self.nodes[span.first..span.end];
            let at = if span.any_category {
                walk(span.shallow, |at| step_any::<N>(nodes, &self.words, x, at))
            } else {
                walk(span.shallow, |at| step_numeric::<N>(nodes, x, at))
            };
            let slots = margins.iter_mut().skip(span.output).step_by(outputs);
            for (slot, at) in slots.zip(at) {
                *slot += nodes[at as usize].value;
            }
        }
    }
}

/// Walks `N` rows through a tree side by side, without a branch on a value, as those can't be predicted.
fn walk<const N: usize>(shallow: usize, step: impl Fn(&mut [u32; N])) -> [u32; N] {
    let mut at = [0_u32; N];
    for _ in 0..shallow {
        step(&mut at);
    }
    loop {
        let before = at;
        step(&mut at);
        if at == before {
            return at;
        }
        step(&mut at);
    }
}

#[inline]
fn step_numeric<const N: usize>(nodes: &[Node], x: &[[f32; N]], at: &mut [u32; N]) {
    for (lane, at) in at.iter_mut().enumerate() {
        let node = &nodes[*at as usize];
        let right = x[node.feature as usize][lane] > f32::from_bits(node.threshold);
        *at = node.child + u32::from(right);
    }
}

#[inline]
fn step_any<const N: usize>(nodes: &[Node], words: &[u32], x: &[[f32; N]], at: &mut [u32; N]) {
    for (lane, at) in at.iter_mut().enumerate() {
        let node = &nodes[*at as usize];
        let value = x[(node.feature & !CATEGORY_BIT) as usize][lane];
        let right = if node.feature & CATEGORY_BIT == 0 {
            value > f32::from_bits(node.threshold)
        } else {
            // Codes are finite, so −∞ is a missing value that goes left.
            value >= 0.0 && !in_set(words, node.threshold as usize, value)
        };
        *at = node.child + u32::from(right);
    }
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

fn check_tree(index: usize, tree: &Tree, codes: &[bool]) -> Result<(), ScoreError> {
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
        check_node(tree, node, codes).map_err(|problem| ScoreError::Tree { tree: index, node, problem })?;
    }
    check_paths(tree).map_err(|(node, problem)| ScoreError::Tree { tree: index, node, problem })
}

fn check_node(tree: &Tree, node: usize, codes: &[bool]) -> Result<(), &'static str> {
    let threshold = tree.threshold[node];
    let Some(code) = codes.get(tree.feature[node] as usize) else {
        return Err("the feature does not exist");
    };
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
    if !code {
        return Err("a category split on a feature that is no category code");
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
