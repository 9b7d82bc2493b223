//! Imported trees made fit for formats that add in any order: leaf values rounded to one binary grid (design:
//! "leaf grid"), thresholds in f64 rounded down to f32. Knows nothing of file formats.
//!
//! With B = largest |base| + Σ largest |leaf| of each tree, the step is 2^(⌈log2 B⌉ − 24). A margin moves by
//! at most half a step for each tree and for the base; [`Rounded::bound`] is that figure.

use crate::error::ExportError;
use yard_score::model::{CATEGORY_SPLIT, Model, ScorerParts, Sum, Tree, TreeEnsemble};
use yard_types::recipe::{FeatureOp, FittedRecipe};

/// An ensemble on its grid.
#[derive(Clone, Debug)]
struct Rounded {
    ensemble: TreeEnsemble,
    /// Largest change of a margin by rounding, in theory.
    bound: f64,
}

/// Returns the parts with their trees on a grid and what that changes, in a sentence; `None` when nothing has
/// to change.
pub(crate) fn on_grid(
    parts: &ScorerParts,
    format: &'static str,
) -> Result<Option<(ScorerParts, String)>, ExportError> {
    let unsupported = |what: &str, lost| ExportError::Unsupported {
        format,
        what: what.to_owned(),
        lost,
        instead: "lightgbm",
    };
    let ranked = |feature: &yard_types::recipe::Feature| matches!(feature.op, FeatureOp::Rank { .. });
    let any_rank = parts.recipe.features.iter().any(ranked);
    match &parts.model {
        Model::Trees(model) if any_rank || !model.sum.is_grid() => {
            let (mut ensemble, mut recipe) = (model.clone(), parts.recipe.clone());
            if !narrow(&mut ensemble, &mut recipe) {
                return Err(unsupported("zeros that count as missing", "they would be numbers"));
            }
            let rounded = round(&ensemble)
                .ok_or_else(|| unsupported("leaf values of this size", "they lie on no grid of f32"))?;
            let note = format!(
                "Leaf values are rounded to multiples of {}, so that any order of adding gives the same bits: no \
                 margin moves by more than {:.1e}. Thresholds are rounded down to f32.",
                rounded.ensemble.grid, rounded.bound
            );
            let model = Model::Trees(rounded.ensemble);
            Ok(Some((ScorerParts { model, recipe, ..parts.clone() }, note)))
        }
        Model::Ensemble(model) => {
            let ordered = |model: &Model| matches!(model, Model::Trees(trees) if !trees.sum.is_grid());
            if any_rank || model.members.iter().any(|member| ordered(&member.model)) {
                return Err(unsupported("an ensemble of imported trees", "the order in which they add"));
            }
            Ok(None)
        }
        _ if any_rank => Err(unsupported("ranks of numbers", "their cuts in f64")),
        _ => Ok(None),
    }
}

/// Replaces ranks by numbers and f32 thresholds; returns false where zeros are missing.
fn narrow(model: &mut TreeEnsemble, recipe: &mut FittedRecipe) -> bool {
    for tree in &mut model.trees {
        for node in 0..tree.feature.len() {
            let feature = recipe.features.get(tree.feature[node] as usize);
            let (Some(feature), 0) = (feature, tree.flags[node] & CATEGORY_SPLIT) else { continue };
            if let FeatureOp::Rank { cuts, .. } = &feature.op {
                tree.threshold[node] = cut_of(cuts, tree.threshold[node]).map_or(f32::MAX, round_down);
            }
        }
    }
    for feature in &mut recipe.features {
        if let FeatureOp::Rank { zero_missing, .. } = feature.op {
            if zero_missing {
                return false;
            }
            feature.op = FeatureOp::Number { fill: None, scale: None };
        }
    }
    true
}

/// Returns the cut that a threshold on the rank stands for: `rank <= t` asks `x <= cuts[t]`. `None` beyond
/// the last cut, where every number goes left.
pub(crate) fn cut_of(cuts: &[f64], threshold: f32) -> Option<f64> {
    if threshold < 0.0 {
        return Some(f64::NEG_INFINITY);
    }
    cuts.get(threshold as usize).copied()
}

/// Returns the largest finite f32 that is not above `threshold`.
fn round_down(threshold: f64) -> f32 {
    let near = threshold.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
    if f64::from(near) > threshold { near.next_down().max(f32::MIN) } else { near }
}

/// Rounds base and leaves; `None` when a value is not finite or the sums leave the range of f32.
fn round(model: &TreeEnsemble) -> Option<Rounded> {
    let divisor = model.sum.divisor();
    let leaves = |tree: &Tree| (0..tree.leaf_value.len()).map(|leaf| tree.leaf(leaf) / divisor).collect();
    let trees: Vec<Vec<f64>> = model.trees.iter().map(leaves).collect();
    let base: Vec<f64> = model.base.iter().map(|base| f64::from(*base)).collect();
    let mut sums: Vec<f64> = base.iter().map(|base| base.abs()).collect();
    for (tree, leaves) in model.trees.iter().zip(&trees) {
        let largest = leaves.iter().fold(0.0_f64, |most, leaf| most.max(leaf.abs()));
        *sums.get_mut(tree.output as usize)? += largest;
    }
    let largest = sums.iter().fold(0.0_f64, |most, sum| most.max(*sum));
    let finite = base.iter().chain(trees.iter().flatten()).all(|value| value.is_finite());
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
    let on_grid = |value: &f64| ((value / step).round_ties_even() * step) as f32;
    let bound = step * 0.5 * (trees.len() + 1) as f64;
    let place = |(tree, leaves): (&Tree, &Vec<f64>)| Tree {
        leaf_value: leaves.iter().map(on_grid).collect(),
        leaf_exact: Vec::new(),
        ..tree.clone()
    };
    let ensemble = TreeEnsemble {
        n_features: model.n_features,
        base: base.iter().map(on_grid).collect(),
        grid: step as f32,
        sum: Sum::Grid,
        trees: model.trees.iter().zip(&trees).map(place).collect(),
    };
    Some(Rounded { ensemble, bound })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn model(base: f32, leaves: &[f64]) -> TreeEnsemble {
        let stump = |leaf: &f64| Tree {
            leaf_value: vec![*leaf as f32],
            leaf_exact: vec![*leaf],
            leaf_cover: vec![1.0],
            ..Tree::default()
        };
        let trees = leaves.iter().map(stump).collect();
        TreeEnsemble {
            n_features: 1,
            base: vec![base],
            grid: 0.0,
            sum: Sum::OrderedF64 { divide_by: 1.0 },
            trees,
        }
    }

    #[test]
    fn values_move_by_at_most_half_a_step() {
        let leaves = [0.1, -0.333_333_333, 1e-9, 7.25];
        let rounded = round(&model(0.7, &leaves)).unwrap();
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
        let rounded = round(&model(0.046_875, &vec![0.001_953_124_999; 1000])).unwrap();
        let sum: f64 = rounded.ensemble.trees.iter().map(|tree| f64::from(tree.leaf_value[0])).sum();
        assert!((sum + 0.046_875) / f64::from(rounded.ensemble.grid) <= 16_777_216.0);
    }

    #[test]
    fn what_has_no_grid_is_refused() {
        assert!(round(&model(f32::NAN, &[])).is_none());
        assert!(round(&model(0.0, &[f64::INFINITY])).is_none());
        assert!(round(&model(0.0, &[1e38])).is_none());
        let mut far = model(0.0, &[1.0]);
        far.trees[0].output = 3;
        assert!(round(&far).is_none());
    }

    #[test]
    fn thresholds_round_down_to_f32() {
        for threshold in [0.1, -0.1, 1e-35, 0.0, 1.5, -3.25, 1e300, -1e300, 16_777_217.0] {
            let rounded = round_down(threshold);
            assert!(f64::from(rounded) <= threshold || rounded == f32::MIN, "{threshold}");
            let next = rounded.next_up();
            assert!(f64::from(next) > threshold || rounded == f32::MAX, "{threshold}");
        }
    }
}
