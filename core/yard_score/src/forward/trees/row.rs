//! One row through small trees of few features, 16 trees side by side, on processors whose vectors can
//! look up 32 values: each node asks its question of all 16 trees at once, and a yes strikes the leaves
//! of the left branch off. The first leaf that is left is the row's.
//! Method: Lucchese et al. (2015), "`QuickScorer`", doi:10.1145/2766462.2767733.

use super::{Lanes, kernel::WORD, plan::SMALL_TABLE, walk::Walk};
use crate::{
    forward::simd::{Aligned, Level},
    model::{CATEGORY_SPLIT, MISSING_LEFT, Tree},
};

/// Features that two vectors hold.
pub(super) const MAX_FEATURES: usize = 32;
/// Marks a missing value that goes left in [`Ask::feature`].
const LEFT_BIT: u8 = MAX_FEATURES as u8;

/// Up to 16 trees of one output; what belongs to nodes is ordered by node, then by tree. A place without
/// a tree has leaves of value 0.
#[derive(Clone, Debug)]
struct Band {
    output: u32,
    thresholds: Vec<Aligned<[f32; WORD]>>,
    /// Leaves that remain after a yes, one bit each.
    remain: Vec<Aligned<[u32; WORD]>>,
    /// Feature, and [`LEFT_BIT`].
    features: Vec<[u8; WORD]>,
    /// `[trees, leaves]`, leaves from left to right.
    values: Vec<[f32; SMALL_TABLE]>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    bands: Vec<Band>,
}

/// Returns whether a tree can be taken.
fn fits(tree: &Tree) -> bool {
    tree.leaf_value.len() <= SMALL_TABLE && tree.flags.iter().all(|flags| flags & CATEGORY_SPLIT == 0)
}

/// Divides trees between both ways for one row.
pub(super) fn divide(trees: &[Tree], lanes: Lanes, level: Level) -> (Row, Walk) {
    let here = level.looks_up() && lanes.n_features <= MAX_FEATURES;
    let (mut small, rest): (Vec<&Tree>, Vec<&Tree>) = trees.iter().partition(|tree| here && fits(tree));
    small.sort_by_key(|tree| (tree.output, tree.feature.len()));
    let outputs = small.chunk_by(|a, b| a.output == b.output);
    let row = Row { bands: outputs.flat_map(|trees| trees.chunks(WORD)).map(Band::new).collect() };
    (row, Walk::new(&rest, lanes))
}

impl Band {
    fn new(trees: &[&Tree]) -> Self {
        let nodes = trees.iter().map(|tree| tree.feature.len()).max().unwrap_or(0);
        let mut out = Self {
            output: trees[0].output,
            thresholds: vec![Aligned([f32::INFINITY; WORD]); nodes],
            remain: vec![Aligned([u32::MAX; WORD]); nodes],
            features: vec![[0; WORD]; nodes],
            values: vec![[0.0; SMALL_TABLE]; WORD],
        };
        for (place, tree) in trees.iter().enumerate() {
            for node in 0..tree.feature.len() {
                let left = if tree.flags[node] & MISSING_LEFT != 0 { LEFT_BIT } else { 0 };
                out.thresholds[node].0[place] = tree.threshold[node];
                out.features[node][place] = tree.feature[node] as u8 | left;
            }
            out.number_leaves(tree, place);
        }
        out
    }

    /// Numbers leaves from left to right, and finds those of each left branch.
    fn number_leaves(&mut self, tree: &Tree, place: usize) {
        let mut count = 0;
        // Nodes whose left branch is open, with the number of leaves before it.
        let mut pending = vec![(if tree.feature.is_empty() { -1 } else { 0 }, None)];
        while let Some((child, closes)) = pending.pop() {
            if let Some((node, before)) = closes {
                let left: u32 = (before..count).map(|leaf| 1 << leaf).sum();
                let remain: &mut Aligned<[u32; WORD]> = &mut self.remain[node];
                remain.0[place] = !left;
            }
            if let Ok(node) = usize::try_from(child) {
                pending.push((tree.right[node], Some((node, count))));
                pending.push((tree.left[node], None));
            } else {
                self.values[place][count] = tree.leaf_value[-(child + 1) as usize];
                count += 1;
            }
        }
    }
}

impl Row {
    /// Adds the leaf values of the trees for one row to `sums`, one for each output. `x` holds a lane for
    /// each feature and direction of missing values; `level` is that of [`divide`].
    pub(super) fn add(&self, level: Level, x: &[f32], sums: &mut [f32]) {
        let (right, left) = x.split_at(x.len() / 2);
        let mut table = [[0.0; MAX_FEATURES]; 2];
        for (table, lanes) in table.iter_mut().zip([right, left]) {
            for (slot, lane) in table.iter_mut().zip(lanes) {
                *slot = *lane;
            }
        }
        match level {
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "calling a function with target features from one without them")]
            // SAFETY: a level is only made for a processor that has its instructions.
            Level::Avx512 => unsafe { x86::add(self, &table, right == left, sums) },
            _ => {}
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Band, LEFT_BIT, MAX_FEATURES, Row, SMALL_TABLE, WORD};
    use crate::forward::simd::x86::{load_bytes, load_words, load16, store_words};
    use std::arch::x86_64::{
        _CMP_GT_OQ, _mm512_cmp_ps_mask, _mm512_mask_and_epi32, _mm512_mask_blend_ps, _mm512_permutex2var_ps,
        _mm512_set1_epi32, _mm512_test_epi32_mask,
    };

    type Table = [[f32; MAX_FEATURES]; 2];

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
    pub(super) fn add(row: &Row, table: &Table, complete: bool, sums: &mut [f32]) {
        for band in &row.bands {
            let leaves = if complete { first::<true>(band, table) } else { first::<false>(band, table) };
            let mut values = [0.0; WORD];
            for ((value, leaf), of_tree) in values.iter_mut().zip(leaves).zip(&band.values) {
                *value = of_tree[leaf as usize % SMALL_TABLE];
            }
            // Any order is exact; this one is short.
            let (low, high) = values.split_at(WORD / 2);
            let pairs: [f32; WORD / 2] = std::array::from_fn(|at| low[at] + high[at]);
            let [a, b, c, d, e, f, g, h] = pairs;
            sums[band.output as usize] += ((a + b) + (c + d)) + ((e + f) + (g + h));
        }
    }

    /// Returns the leaf of each tree.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2")]
    fn first<const COMPLETE: bool>(band: &Band, table: &Table) -> [u32; WORD] {
        let [right, left] = [&table[0], &table[1]].map(|table| {
            let (halves, _) = table.as_chunks::<WORD>();
            (load16(&halves[0]), load16(&halves[1]))
        });
        let mut leaves = _mm512_set1_epi32(-1);
        let nodes = band.features.iter().zip(&band.thresholds).zip(&band.remain);
        for ((feature, threshold), remain) in nodes {
            let feature = load_bytes(feature);
            let mut x = _mm512_permutex2var_ps(right.0, feature, right.1);
            if !COMPLETE {
                let other = _mm512_permutex2var_ps(left.0, feature, left.1);
                let goes_left = _mm512_test_epi32_mask(feature, _mm512_set1_epi32(i32::from(LEFT_BIT)));
                x = _mm512_mask_blend_ps(goes_left, x, other);
            }
            let yes = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(x, load16(&threshold.0));
            leaves = _mm512_mask_and_epi32(leaves, yes, leaves, load_words(&remain.0));
        }
        store_words(leaves).map(u32::trailing_zeros)
    }
}
