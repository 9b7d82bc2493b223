//! Trees of another library with their values kept: thresholds in f64 become ranks among the cuts of their
//! column ([`FeatureOp::Rank`](yard_types::recipe::FeatureOp::Rank)), leaf values are added as that library
//! adds them ([`Sum`]). Knows nothing of file formats.

use super::ColumnInfo;
use yard_score::model::{CATEGORY_SPLIT, Sum, Tree, TreeEnsemble};

/// A tree whose values are still those of the other library.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadTree {
    /// Tree without leaf values.
    pub(crate) tree: Tree,
    /// Leaf values.
    pub(crate) leaves: Vec<f64>,
    /// Thresholds in f64, one for each split (of category splits unused); empty where they are f32.
    pub(crate) thresholds: Vec<f64>,
}

/// Puts the trees together; `None` when a value is not finite in f32. Columns get the cuts of their ranks.
pub(crate) fn ensemble(
    base: Vec<f32>,
    mut trees: Vec<ReadTree>,
    sum: Sum,
    columns: &mut [ColumnInfo],
) -> Option<TreeEnsemble> {
    rank(&mut trees, columns);
    let place = |read: ReadTree| {
        let leaf_value: Vec<f32> = read.leaves.iter().map(|leaf| *leaf as f32).collect();
        let exact = matches!(sum, Sum::OrderedF64 { .. });
        let leaf_exact = if exact { read.leaves } else { Vec::new() };
        Tree { leaf_value, leaf_exact, ..read.tree }
    };
    let trees: Vec<Tree> = trees.into_iter().map(place).collect();
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let all = finite(&base) && trees.iter().all(|tree| finite(&tree.leaf_value));
    all.then_some(TreeEnsemble { n_features: columns.len() as u32, base, grid: 0.0, sum, trees })
}

/// Replaces thresholds in f64 by their positions in the sorted list of their column.
fn rank(trees: &mut [ReadTree], columns: &mut [ColumnInfo]) {
    for read in trees.iter() {
        for (node, threshold) in numeric(read) {
            if let Some(column) = columns.get_mut(read.tree.feature[node] as usize) {
                // Zero has one sign here.
                column.cuts.push(threshold + 0.0);
            }
        }
    }
    for column in columns.iter_mut() {
        column.cuts.sort_by(f64::total_cmp);
        column.cuts.dedup();
    }
    for read in trees {
        let found: Vec<(usize, f64)> = numeric(read).collect();
        for (node, threshold) in found {
            if let Some(column) = columns.get(read.tree.feature[node] as usize) {
                let at = column.cuts.partition_point(|cut| *cut < threshold);
                read.tree.threshold[node] = at as f32;
            }
        }
    }
}

/// Lists the splits by thresholds in f64.
fn numeric(read: &ReadTree) -> impl Iterator<Item = (usize, f64)> + '_ {
    let by_set = |node: usize| read.tree.flags.get(node).is_some_and(|flags| flags & CATEGORY_SPLIT != 0);
    read.thresholds.iter().copied().enumerate().filter(move |(node, _)| !by_set(*node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stump(feature: u32, threshold: f64) -> ReadTree {
        let tree = Tree { feature: vec![feature], threshold: vec![9.0], flags: vec![0], ..Tree::default() };
        ReadTree { tree, leaves: vec![0.1, 0.2], thresholds: vec![threshold] }
    }

    #[test]
    fn thresholds_become_ranks_of_their_column() {
        let mut columns = vec![ColumnInfo::default(); 2];
        let trees = vec![stump(1, 0.3), stump(0, 7.0), stump(1, -0.0), stump(1, 0.3), stump(1, 0.0)];
        let model = ensemble(vec![0.0], trees, Sum::OrderedF64 { divide_by: 1.0 }, &mut columns);
        let ranks: Vec<f32> = model.iter().flat_map(|m| &m.trees).map(|tree| tree.threshold[0]).collect();
        assert_eq!(ranks, [1.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!((columns[0].cuts.as_slice(), columns[1].cuts.as_slice()), (&[7.0][..], &[0.0, 0.3][..]));
    }

    #[test]
    fn values_beyond_f32_are_refused() {
        let far = ReadTree { leaves: vec![1e300], ..ReadTree::default() };
        assert!(ensemble(vec![0.0], vec![far], Sum::OrderedF64 { divide_by: 1.0 }, &mut []).is_none());
        assert!(ensemble(vec![f32::NAN], vec![], Sum::OrderedF32 {}, &mut []).is_none());
    }
}
