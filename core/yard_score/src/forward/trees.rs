//! Tree ensembles. Leaf values lie on a binary grid, so that f32 sums are exact whatever their order:
//! margins have the same bits for one row, for a block, and on every instruction set.
//!
//! Blocks of rows go through small trees by bits ([`plan`], [`kernel`]), single rows through small trees
//! by vectors ([`row`]); other trees are walked ([`walk`]). [`check`] refuses what is no tree. Trees of other
//! libraries are walked too, and their values added in the order of the trees, in f32 or f64 ([`Sum`]).

mod check;
mod kernel;
mod plan;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "other processors walk"))]
mod row;
#[cfg(test)]
mod tests;
mod walk;

use super::simd::{Aligned, Level};
use crate::{
    error::ScoreError,
    model::{CATEGORY_SPLIT, MISSING_LEFT, Sum, Tree, TreeEnsemble},
};
use kernel::{Bits, Block, Reach, Tile, WORD};

/// Words of a large and of a small block.
const LARGE: usize = 16;
const SMALL: usize = 4;
/// Rows up to which a walk for each is faster than a block.
const FEW: usize = 8;

/// A lane of values for each feature and each direction of missing values: features with missing values
/// as +∞, which goes right at every threshold, then features with missing values as −∞, which goes left.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    n_features: usize,
}

impl Lanes {
    /// Returns the lane that a node looks at.
    fn of(self, tree: &Tree, node: usize) -> u32 {
        let left = tree.flags[node] & MISSING_LEFT != 0;
        tree.feature[node] + if left { self.n_features as u32 } else { 0 }
    }

    /// Fills lanes `[lanes, tiles]` from rows.
    fn fill(self, features: &[f32], tiles: usize, x: &mut [Tile]) {
        let n = self.n_features;
        let (right, left) = x.split_at_mut(n * tiles);
        for (tile, rows) in features.chunks(n * WORD).enumerate() {
            for feature in 0..n {
                let mut values = [0.0; WORD];
                for (value, row) in values.iter_mut().zip(rows.chunks_exact(n)) {
                    *value = row[feature];
                }
                let at = feature * tiles + tile;
                right[at].0 = values.map(|value| if value.is_nan() { f32::INFINITY } else { value });
                left[at].0 = values.map(|value| if value.is_nan() { f32::NEG_INFINITY } else { value });
            }
        }
    }

    /// Fills lanes from one row.
    fn fill_row(self, features: &[f32], x: &mut [f32]) {
        let (right, left) = x.split_at_mut(self.n_features);
        for ((value, right), left) in features.iter().zip(right).zip(left) {
            *right = if value.is_nan() { f32::INFINITY } else { *value };
            *left = if value.is_nan() { f32::NEG_INFINITY } else { *value };
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Trees {
    lanes: Lanes,
    base: Vec<f32>,
    /// Trees of one row.
    row: row::Row,
    walk: walk::Walk,
    /// Trees of blocks.
    groups: Vec<plan::Group>,
    large: walk::Walk,
    level: Level,
    /// Divisor of sums in f64; `None` where sums are f32.
    exact: Option<f64>,
}

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    /// Lanes of one row.
    row: Vec<f32>,
    x: Vec<Tile>,
    sums: Vec<Tile>,
    /// Sums in f64, `[outputs, tiles]`.
    exact: Vec<[f64; WORD]>,
    large: Memory<LARGE>,
    small: Memory<SMALL>,
}

#[derive(Clone, Debug, Default)]
struct Memory<const G: usize> {
    answers: Vec<Bits<G>>,
    reach: Option<Reach<G>>,
}

impl<const G: usize> Memory<G> {
    fn new(tests: usize) -> Self {
        Self { answers: vec![Bits::NONE; tests], reach: Some(Reach::default()) }
    }
}

impl Trees {
    /// Checks and lays out an ensemble; `codes` says which features are category codes.
    pub(crate) fn new(model: &TreeEnsemble, codes: &[bool]) -> Result<Self, ScoreError> {
        check::check(model, codes)?;
        let lanes = Lanes { n_features: codes.len() };
        if !model.sum.is_grid() {
            return Ok(Self::in_order(model, lanes));
        }
        let (groups, large) = plan::groups(&model.trees, lanes);
        let level = Level::detect();
        let (row, walk) = row::divide(&model.trees, lanes, level);
        let large = walk::Walk::new(&large, lanes);
        Ok(Self { lanes, base: model.base.clone(), row, walk, groups, large, level, exact: None })
    }

    /// Lays out a checked ensemble whose values are added in the order of the trees.
    fn in_order(model: &TreeEnsemble, lanes: Lanes) -> Self {
        let trees: Vec<&Tree> = model.trees.iter().collect();
        let walk = walk::Walk::in_order(&trees, lanes);
        let exact = match model.sum {
            Sum::OrderedF64 { divide_by } => Some(divide_by),
            Sum::Grid | Sum::OrderedF32 {} => None,
        };
        Self {
            lanes,
            base: model.base.clone(),
            row: row::Row::default(),
            walk: walk.clone(),
            groups: Vec::new(),
            large: walk,
            level: Level::detect(),
            exact,
        }
    }

    /// Makes the working memory for blocks of up to `rows` rows.
    pub(crate) fn work(&self, rows: usize) -> Work {
        let lanes = 2 * self.lanes.n_features;
        let tiles = if rows <= FEW { 1 } else { LARGE };
        let exact = if self.exact.is_some() { self.base.len() * tiles } else { 0 };
        let exact = vec![[0.0; WORD]; exact];
        if rows <= FEW {
            return Work { row: vec![0.0; lanes], exact, ..Work::default() };
        }
        let tests = self.groups.iter().map(plan::Group::tests).max().unwrap_or(0);
        let (small, large) = (Memory::new(tests), Memory::new(tests));
        Work {
            row: vec![0.0; lanes],
            x: vec![Tile::default(); lanes * LARGE],
            sums: vec![Tile::default(); self.base.len() * LARGE],
            exact,
            large,
            small,
        }
    }

    /// Computes margins `[rows, outputs]` of features `[rows, n_features]`; `work` was made for as many
    /// rows or more.
    pub(crate) fn run(&self, features: &[f32], work: &mut Work, margins: &mut [f32]) {
        let (n, outputs) = (self.lanes.n_features, self.base.len().max(1));
        let (mut features, mut margins) = (features, margins);
        while !margins.is_empty() {
            let rows = margins.len() / outputs;
            let take = match rows {
                0..=FEW => 1,
                _ if rows > (LARGE - SMALL) * WORD => rows.min(LARGE * WORD),
                _ => rows.min(SMALL * WORD),
            };
            let (now, later) = features.split_at(take * n);
            let (out, rest) = margins.split_at_mut(take * outputs);
            if let Some(divisor) = self.exact {
                self.run_exact(now, divisor, work, out);
                (features, margins) = (later, rest);
                continue;
            }
            match take {
                1 => self.run_row(now, &mut work.row, out),
                _ if take > SMALL * WORD => {
                    self.run_block(now, (&mut work.x, &mut work.sums), &mut work.large, out);
                }
                _ => self.run_block(now, (&mut work.x, &mut work.sums), &mut work.small, out),
            }
            (features, margins) = (later, rest);
        }
    }

    /// Adds in f64; a single row or a block of up to `LARGE` tiles.
    fn run_exact(&self, features: &[f32], divisor: f64, work: &mut Work, margins: &mut [f32]) {
        let outputs = self.base.len();
        let rows = margins.len() / outputs.max(1);
        let tiles = rows.div_ceil(WORD);
        let sums = &mut work.exact[..outputs * tiles];
        for (sums, base) in sums.chunks_exact_mut(tiles).zip(&self.base) {
            sums.fill([f64::from(*base); WORD]);
        }
        if rows == 1 {
            self.lanes.fill_row(features, &mut work.row);
            let mut add = |output: usize, value: f64| sums[output][0] += value;
            self.walk.one_exact(&work.row, &mut add);
        } else {
            let x = &mut work.x[..2 * self.lanes.n_features * tiles];
            self.lanes.fill(features, tiles, x);
            self.large.block_exact(x, sums, tiles);
        }
        for (row, out) in margins.chunks_exact_mut(outputs).enumerate() {
            for (slot, sums) in out.iter_mut().zip(sums.chunks_exact(tiles)) {
                *slot = (sums[row / WORD][row % WORD] / divisor) as f32;
            }
        }
    }

    fn run_row(&self, features: &[f32], x: &mut [f32], margins: &mut [f32]) {
        self.lanes.fill_row(features, x);
        margins.copy_from_slice(&self.base);
        self.row.add(self.level, x, margins);
        self.walk.one(x, margins);
    }

    fn run_block<const G: usize>(
        &self,
        features: &[f32],
        (x, sums): (&mut [Tile], &mut [Tile]),
        memory: &mut Memory<G>,
        margins: &mut [f32],
    ) {
        let outputs = self.base.len();
        let Some(reach) = &mut memory.reach else { return };
        let (x, sums) = (&mut x[..2 * self.lanes.n_features * G], &mut sums[..outputs * G]);
        self.lanes.fill(features, G, x);
        for (sums, base) in sums.chunks_exact_mut(G).zip(&self.base) {
            sums.fill(Aligned([*base; WORD]));
        }
        for group in &self.groups {
            let answers = &mut memory.answers;
            kernel::run(self.level, group, &mut Block { x, answers, reach, sums });
        }
        self.large.block(x, sums, G);
        for (tile, rows) in margins.chunks_mut(outputs * WORD).enumerate() {
            for (row, out) in rows.chunks_exact_mut(outputs).enumerate() {
                for (slot, sums) in out.iter_mut().zip(sums.chunks_exact(G)) {
                    *slot = sums[tile].0[row];
                }
            }
        }
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
