//! The trees grown so far and the grid that their values lie on.
//!
//! The grid is chosen before the first tree from an estimate of the bound; should the trees outgrow it,
//! all values are rounded to a coarser one. Training goes on with the margins that it has, which differ
//! from those of the rounded values by less than a step a tree; what is reported in the end is computed
//! from the values that are kept.

use crate::{binned::Binners, grid::Grid, tree::BinTree};
use yard_score::model::{Sum, TreeEnsemble};

/// Trees with their base and grid.
pub(crate) struct Ensemble {
    pub(crate) base: Vec<f32>,
    pub(crate) trees: Vec<BinTree>,
    grid: Grid,
    /// `|base| + Σ max |leaf|` per output.
    bounds: Vec<f64>,
    /// Values were rounded again after their margins had been reported.
    pub(crate) coarsened: bool,
}

impl Ensemble {
    /// Starts with base margins; `span` estimates the sum of the trees' largest leaf values.
    pub(crate) fn new(base: &[f64], span: f64) -> Self {
        let top = base.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        let grid = Grid::for_bound(top + span);
        let base: Vec<f32> = base.iter().map(|&value| grid.round(value)).collect();
        let bounds = base.iter().map(|value| f64::from(value.abs())).collect();
        Self { base, trees: Vec::new(), grid, bounds, coarsened: false }
    }

    /// Rounds leaf values to the grid.
    pub(crate) fn round(&self, values: &[f64]) -> Vec<f32> {
        values.iter().map(|&value| self.grid.round(value)).collect()
    }

    /// Adds a tree, and rounds all values again should they have outgrown the grid.
    pub(crate) fn push(&mut self, tree: BinTree) {
        let output = tree.output as usize;
        self.bounds[output] += tree.largest();
        self.trees.push(tree);
        if !self.grid.holds(self.bounds[output]) {
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
        self.measure();
    }

    fn measure(&mut self) {
        self.bounds = self.base.iter().map(|value| f64::from(value.abs())).collect();
        for tree in &self.trees {
            self.bounds[tree.output as usize] += tree.largest();
        }
    }

    /// Keeps the first trees.
    pub(crate) fn truncate(&mut self, trees: usize) {
        self.trees.truncate(trees);
        self.measure();
    }

    /// Gain per feature, summed over all splits.
    pub(crate) fn importance(&self, features: usize) -> Vec<f64> {
        let mut out = vec![0.0; features];
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
        TreeEnsemble {
            n_features: binners.features.len() as u32,
            base: self.base.clone(),
            grid: step,
            sum: Sum::Grid,
            trees: self.trees.iter().map(|tree| tree.to_tree(binners)).collect(),
        }
    }
}
