//! Leaf values of other libraries rounded to one binary grid, so that the scorer's f32 sums are exact in
//! any order (design: "leaf grid"). Knows nothing of file formats.
//!
//! With B = largest |base| + Σ largest |leaf| of each tree, the step is 2^(⌈log2 B⌉ − 24). A margin moves by
//! at most half a step for each tree and for the base; [`Rounded::bound`] is that figure.

use yard_score::model::{Tree, TreeEnsemble};

/// A tree whose leaf values are still those of the other library.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadTree {
    /// Tree without leaf values.
    pub(crate) tree: Tree,
    /// Leaf values, already multiplied by the tree's weight.
    pub(crate) leaves: Vec<f64>,
}

/// An ensemble on its grid.
#[derive(Clone, Debug)]
pub(crate) struct Rounded {
    pub(crate) ensemble: TreeEnsemble,
    /// Largest change of a margin by rounding, in theory.
    pub(crate) bound: f64,
}

/// Rounds base and leaves; `None` when a value is not finite or the sums leave the range of f32.
pub(crate) fn round(n_features: u32, base: &[f64], trees: Vec<ReadTree>) -> Option<Rounded> {
    let mut sums: Vec<f64> = base.iter().map(|base| base.abs()).collect();
    for read in &trees {
        let largest = read.leaves.iter().fold(0.0_f64, |most, leaf| most.max(leaf.abs()));
        *sums.get_mut(read.tree.output as usize)? += largest;
    }
    let largest = sums.iter().fold(0.0_f64, |most, sum| most.max(*sum));
    let finite = base.iter().chain(trees.iter().flat_map(|read| &read.leaves)).all(|value| value.is_finite());
    if !finite || largest > 1e30 {
        return None;
    }
    // Rounding can lift a sum by half a step a tree: such a sum gets the next coarser step.
    let room = 1.0 + trees.len() as f64 / 16_777_216.0;
    let mut exponent = -100_i32;
    while 2.0_f64.powi(exponent + 24) < largest * room {
        exponent += 1;
    }
    let step = 2.0_f64.powi(exponent);
    let on_grid = |value: f64| ((value / step).round_ties_even() * step) as f32;
    let bound = step * 0.5 * (trees.len() + 1) as f64;
    let place = |read: ReadTree| Tree {
        leaf_value: read.leaves.iter().map(|leaf| on_grid(*leaf)).collect(),
        ..read.tree
    };
    let ensemble = TreeEnsemble {
        n_features,
        base: base.iter().map(|base| on_grid(*base)).collect(),
        grid: step as f32,
        trees: trees.into_iter().map(place).collect(),
    };
    Some(Rounded { ensemble, bound })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn stump(leaves: Vec<f64>) -> ReadTree {
        ReadTree { tree: Tree { leaf_cover: vec![1.0; leaves.len()], ..Tree::default() }, leaves }
    }

    #[test]
    fn values_move_by_at_most_half_a_step() {
        let leaves = [0.1, -0.333_333_333, 1e-9, 7.25];
        let rounded = round(1, &[0.7], leaves.iter().map(|leaf| stump(vec![*leaf])).collect()).unwrap();
        let step = f64::from(rounded.ensemble.grid);
        assert_eq!(step, 2.0_f64.powi(4 - 24));
        for (tree, leaf) in rounded.ensemble.trees.iter().zip(leaves) {
            let value = f64::from(tree.leaf_value[0]);
            assert!((value - leaf).abs() <= step / 2.0 && (value / step).fract() == 0.0, "{leaf}");
        }
        assert_eq!(rounded.bound, step * 2.5);
    }

    #[test]
    fn a_sum_at_a_power_of_two_keeps_room_for_rounding() {
        let trees = (0..1000).map(|_| stump(vec![0.001_953_124_999])).collect();
        let rounded = round(1, &[0.046_875], trees).unwrap();
        let sum: f64 = rounded.ensemble.trees.iter().map(|tree| f64::from(tree.leaf_value[0])).sum();
        assert!((sum + 0.046_875) / f64::from(rounded.ensemble.grid) <= 16_777_216.0);
    }

    #[test]
    fn what_has_no_grid_is_refused() {
        assert!(round(1, &[f64::NAN], vec![]).is_none());
        assert!(round(1, &[0.0], vec![stump(vec![f64::INFINITY])]).is_none());
        assert!(round(1, &[0.0], vec![stump(vec![1e38])]).is_none());
        let far = ReadTree { tree: Tree { output: 3, ..Tree::default() }, leaves: vec![1.0] };
        assert!(round(1, &[0.0], vec![far]).is_none());
    }
}
