//! The trees grown so far and the grid that their values lie on.
//!
//! The grid is chosen before the first tree from an estimate of the bound; should the trees outgrow it,
//! all values are rounded to a coarser one. Training goes on with the margins that it has, which differ
//! from those of the rounded values by less than a step a tree; what is reported in the end is computed
//! from the values that are kept.

use crate::{
    binned::Binners, data::Features, error::BoostError, grid::Grid, margins::Margins, start, tree::BinTree,
};
use yard_score::model::{Sum, Tree, TreeEnsemble};

/// Trees with their base and grid.
pub(crate) struct Ensemble {
    pub(crate) base: Vec<f32>,
    pub(crate) trees: Vec<BinTree>,
    /// The model that training went on from, its values on the grid.
    start: Option<TreeEnsemble>,
    grid: Grid,
    /// Values keep all bits of f32; sums are not exact then.
    free: bool,
    /// `|base| + Σ max |leaf|` per output.
    bounds: Vec<f64>,
    /// Values were rounded again after their margins had been reported.
    pub(crate) coarsened: bool,
}

impl Ensemble {
    /// Starts with base margins, or with those and the trees of a model; `span` estimates the sum of the new
    /// trees' largest leaf values.
    pub(crate) fn new(base: &[f64], span: f64, start: Option<&TreeEnsemble>) -> Self {
        let top = base.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        let mut out = Self {
            base: base.iter().map(|&value| value as f32).collect(),
            trees: Vec::new(),
            start: start.cloned(),
            grid: Grid::for_bound(top + span),
            free: false,
            bounds: Vec::new(),
            coarsened: false,
        };
        if start.is_some() {
            out.measure();
            let held = out.bounds.iter().fold(top + span, |top, bound| top.max(bound * 1.001));
            out.grid = Grid::for_bound(held);
        }
        let grid = out.grid;
        out.base = base.iter().map(|&value| grid.round(value)).collect();
        out.round_start();
        out.measure();
        out
    }

    /// Lets values keep all bits of f32: to measure what the grid costs.
    #[cfg(test)]
    pub(crate) fn free(&mut self) {
        self.free = true;
    }

    /// Rounds of the model that training went on from.
    pub(crate) fn rounds_before(&self) -> u32 {
        self.start.as_ref().map_or(0, |start| (start.trees.len() / self.base.len().max(1)) as u32)
    }

    fn round_start(&mut self) {
        let grid = self.grid;
        if let Some(start) = &mut self.start {
            start.base.clone_from(&self.base);
            start.grid = grid.step();
            for value in start.trees.iter_mut().flat_map(|tree| &mut tree.leaf_value) {
                *value = grid.round(f64::from(*value));
            }
        }
    }

    /// Rounds leaf values to the grid.
    pub(crate) fn round(&self, values: &[f64]) -> Vec<f32> {
        let round = |&value: &f64| if self.free { value as f32 } else { self.grid.round(value) };
        values.iter().map(round).collect()
    }

    /// Adds a tree, and rounds all values again should they have outgrown the grid.
    pub(crate) fn push(&mut self, tree: BinTree) {
        let output = tree.output as usize;
        self.bounds[output] += tree.largest();
        self.trees.push(tree);
        if !self.free && !self.grid.holds(self.bounds[output]) {
            self.coarsen(2.0 * self.bounds[output]);
        }
    }

    fn coarsen(&mut self, bound: f64) {
        self.grid = Grid::for_bound(bound);
        self.coarsened = true;
        let grid = self.grid;
        let again = |value: &mut f32| *value = grid.round(f64::from(*value));
        self.base.iter_mut().for_each(again);
        self.trees.iter_mut().for_each(|tree| tree.values.iter_mut().for_each(again));
        self.round_start();
        self.measure();
    }

    fn measure(&mut self) {
        self.bounds = self.base.iter().map(|value| f64::from(value.abs())).collect();
        for tree in self.start.iter().flat_map(|start| &start.trees) {
            self.bounds[tree.output as usize] += largest(tree);
        }
        for tree in &self.trees {
            self.bounds[tree.output as usize] += tree.largest();
        }
    }

    /// Keeps the first trees.
    pub(crate) fn truncate(&mut self, trees: usize) {
        self.trees.truncate(trees);
        self.measure();
    }

    /// Margins before the first new tree; `raw` are the features as they are, which a model to go on from asks.
    pub(crate) fn initial(&self, rows: usize, raw: Option<&Features>) -> Result<Margins, BoostError> {
        match self.start.as_ref().zip(raw) {
            Some((start, features)) => Ok(Margins::of(&start::margins(start, features)?)),
            None => Ok(Margins::new(&self.base, rows)),
        }
    }

    /// Gain per feature, summed over all splits.
    pub(crate) fn importance(&self, features: usize) -> Vec<f64> {
        let mut out = vec![0.0; features];
        for tree in self.start.iter().flat_map(|start| &start.trees) {
            for (feature, gain) in tree.feature.iter().zip(&tree.gain) {
                out[*feature as usize] += f64::from(*gain);
            }
        }
        for node in self.trees.iter().flat_map(|tree| &tree.nodes) {
            out[node.feature as usize] += node.gain;
        }
        out
    }

    /// The model in the scorer's form. Its grid step is the finest that the bound allows; values may
    /// lie on a coarser one, whose points are a subset.
    pub(crate) fn to_model(&self, binners: &Binners) -> TreeEnsemble {
        let bound = self.bounds.iter().fold(0.0_f64, |top, &bound| top.max(bound));
        let step = Grid::for_bound(bound).step().min(self.grid.step());
        let before = self.start.iter().flat_map(|start| start.trees.clone());
        TreeEnsemble {
            n_features: binners.features.len() as u32,
            base: self.base.clone(),
            grid: step,
            sum: Sum::Grid,
            trees: before.chain(self.trees.iter().map(|tree| tree.to_tree(binners))).collect(),
        }
    }
}

/// Largest absolute leaf value.
fn largest(tree: &Tree) -> f64 {
    tree.leaf_value.iter().fold(0.0, |top, &value| top.max(f64::from(value.abs())))
}
