//! What a tree ensemble must satisfy before it is executed: every index leads somewhere, each tree is a
//! tree, and leaf values lie on a grid so fine and so small that f32 sums are exact, or are finite and
//! added in order.

use crate::{
    error::ScoreError,
    forward::{check_finite, check_len},
    model::{CATEGORY_SPLIT, MISSING_LEFT, Sum, Tree, TreeEnsemble},
};

/// Longest path from root to leaf that is accepted; explanations keep a level of memory for each step.
const MAX_DEPTH: usize = 512;
/// Leaves or category words of all trees that are accepted; indices are i32 and u32.
const MAX_LEAVES: usize = 1 << 28;
/// Features that are accepted; twice as many lanes must stay below the bit that marks categories.
const MAX_FEATURES: usize = 1 << 28;

/// Checks an ensemble; `codes` says which features are category codes.
pub(super) fn check(model: &TreeEnsemble, codes: &[bool]) -> Result<(), ScoreError> {
    check_len("number of features", model.n_features as usize, codes.len())?;
    let too_many =
        |what: &str, expected, got| Err(ScoreError::Shape { what: what.to_owned(), expected, got });
    if codes.len() > MAX_FEATURES {
        return too_many("number of features", MAX_FEATURES, codes.len());
    }
    let size = |tree: &Tree| tree.leaf_value.len().max(tree.category_words.len());
    let total: usize = model.trees.iter().map(size).sum();
    if total > MAX_LEAVES {
        return too_many("number of leaves and category words", MAX_LEAVES, total);
    }
    if model.sum.is_grid() {
        check_grid(model)?;
    } else {
        check_ordered(model)?;
    }
    for (index, tree) in model.trees.iter().enumerate() {
        check_tree(index, tree, codes)?;
        check_exact(index, tree, model.sum)?;
    }
    Ok(())
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

/// Checks the values of an ensemble that is added in order. Sums that leave the range of f32 are found when
/// they occur.
fn check_ordered(model: &TreeEnsemble) -> Result<(), ScoreError> {
    let wrong =
        |what: String, expected: &str| ScoreError::Inconsistent { what, expected: expected.to_owned() };
    if model.grid != 0.0 {
        let what = format!("trees that are added in order have the grid step {}", model.grid);
        return Err(wrong(what, "0"));
    }
    let divisor = model.sum.divisor();
    if !(divisor.is_finite() && divisor >= 1.0) {
        return Err(wrong(format!("the sum is divided by {divisor}"), "a number of rounds"));
    }
    check_finite("base", &model.base)?;
    for (index, tree) in model.trees.iter().enumerate() {
        if tree.output as usize >= model.base.len() {
            let what = format!("output of tree {index}");
            return Err(ScoreError::Shape { what, expected: model.base.len(), got: tree.output as usize });
        }
        check_finite(&format!("tree {index}: leaf value"), &tree.leaf_value)?;
    }
    Ok(())
}

/// Checks that exact leaf values are there when they are needed, and agree with those in f32.
fn check_exact(index: usize, tree: &Tree, sum: Sum) -> Result<(), ScoreError> {
    let expected = if matches!(sum, Sum::OrderedF64 { .. }) { tree.leaf_value.len() } else { 0 };
    check_len(&format!("tree {index}: number of exact leaf values"), tree.leaf_exact.len(), expected)?;
    let pairs = tree.leaf_exact.iter().zip(&tree.leaf_value);
    match pairs.into_iter().position(|(exact, value)| !(exact.is_finite() && *exact as f32 == *value)) {
        None => Ok(()),
        Some(leaf) => Err(ScoreError::Inconsistent {
            what: format!("tree {index}, leaf {leaf}: {} in f32", tree.leaf_exact[leaf]),
            expected: tree.leaf_value[leaf].to_string(),
        }),
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
        check_finite(&format!("tree {index}: cover or gain"), covers)?;
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
