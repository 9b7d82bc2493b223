//! Margins of all rows, and the mean loss over them.
//!
//! A leaf's rows are scattered over the matrix, so margins are atomics (plain loads and stores on
//! every common processor): threads add different leaves at once, each row belongs to one of them.

use crate::{
    binned::Binned,
    grow::GrownLeaf,
    loss::Loss,
    math::{BLOCK, pairwise},
    quant::Entry,
    tree::BinTree,
};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Rows of one task when a leaf is added.
const TASK: usize = 16_384;

/// Margins, `[outputs][rows]`.
pub(crate) struct Margins {
    values: Vec<Vec<AtomicU32>>,
}

impl Margins {
    /// All rows at the base.
    pub(crate) fn new(base: &[f32], rows: usize) -> Self {
        let fill = |value: &f32| (0..rows).map(|_| AtomicU32::new(value.to_bits())).collect();
        Self { values: base.iter().map(fill).collect() }
    }

    /// Margins as they are, `[outputs][rows]`.
    pub(crate) fn of(columns: &[Vec<f32>]) -> Self {
        let atoms = |column: &Vec<f32>| column.iter().map(|value| AtomicU32::new(value.to_bits())).collect();
        Self { values: columns.iter().map(atoms).collect() }
    }

    /// Copies a block of one output.
    pub(crate) fn read(&self, output: usize, start: usize, out: &mut [f32]) {
        for (value, atom) in out.iter_mut().zip(&self.values[output][start..]) {
            *value = f32::from_bits(atom.load(Relaxed));
        }
    }

    /// Margin of a row.
    pub(crate) fn get(&self, output: usize, row: usize) -> f32 {
        f32::from_bits(self.values[output][row].load(Relaxed))
    }

    /// Copies a block of all outputs, `[outputs][rows]`.
    pub(crate) fn read_all(&self, start: usize, rows: usize) -> Vec<Vec<f32>> {
        let mut out = vec![vec![0.0; rows]; self.values.len()];
        for (output, values) in out.iter_mut().enumerate() {
            self.read(output, start, values);
        }
        out
    }

    /// Adds a tree by its leaves' rows.
    pub(crate) fn add_leaves(&self, tree: &BinTree, leaves: &[GrownLeaf], rows: &[Entry]) {
        let values = &self.values[tree.output as usize];
        let tasks: Vec<(&[Entry], f32)> = leaves
            .iter()
            .zip(&tree.values)
            .flat_map(|(leaf, &value)| rows[leaf.range.clone()].chunks(TASK).map(move |part| (part, value)))
            .collect();
        tasks.par_iter().for_each(|(part, value)| {
            for entry in *part {
                add(&values[entry.row()], *value);
            }
        });
    }

    /// Adds a tree by walking every `stride`-th row through it.
    pub(crate) fn add_tree(&self, tree: &BinTree, data: &Binned, stride: usize) {
        let values = &self.values[tree.output as usize];
        values.par_chunks(BLOCK * stride).enumerate().for_each(|(block, values)| {
            for (offset, value) in values.iter().enumerate().step_by(stride) {
                add(value, tree.values[tree.leaf_of(data, block * BLOCK * stride + offset)]);
            }
        });
    }

    /// Adds a tree by walking some rows through it.
    pub(crate) fn add_rows(&self, tree: &BinTree, data: &Binned, rows: &[Entry]) {
        let values = &self.values[tree.output as usize];
        rows.par_chunks(BLOCK).for_each(|rows| {
            for entry in rows {
                add(&values[entry.row()], tree.values[tree.leaf_of(data, entry.row())]);
            }
        });
    }

    /// Weighted mean loss over every `stride`-th row.
    pub(crate) fn loss(&self, loss: &dyn Loss, target: Target, stride: usize) -> f64 {
        let rows = target.y.len().div_ceil(stride);
        let blocks: Vec<(f64, f64)> = (0..rows.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let picked: Vec<usize> =
                    (block * BLOCK..rows.min((block + 1) * BLOCK)).map(|slot| slot * stride).collect();
                self.block_loss(loss, target, &picked)
            })
            .collect();
        let sums: Vec<f64> = blocks.iter().map(|block| block.0).collect();
        let totals: Vec<f64> = blocks.iter().map(|block| block.1).collect();
        let total = pairwise(&totals);
        if total > 0.0 { pairwise(&sums) / total } else { 0.0 }
    }

    fn block_loss(&self, loss: &dyn Loss, target: Target, rows: &[usize]) -> (f64, f64) {
        let pick = |values: &Vec<AtomicU32>| -> Vec<f32> {
            rows.iter().map(|&row| f32::from_bits(values[row].load(Relaxed))).collect()
        };
        let margins: Vec<Vec<f32>> = self.values.iter().map(pick).collect();
        let margins: Vec<&[f32]> = margins.iter().map(|values| values.as_slice()).collect();
        let y: Vec<f32> = rows.iter().map(|&row| target.y[row]).collect();
        let mut losses = vec![0.0; rows.len()];
        loss.losses(&margins, &y, &mut losses);
        let (mut sum, mut total) = (0.0, 0.0);
        for (&row, loss) in rows.iter().zip(losses) {
            let w = target.weights.map_or(1.0, |weights| f64::from(weights[row]));
            sum += w * loss;
            total += w;
        }
        (sum, total)
    }
}

/// Targets and weights of the rows.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) y: &'a [f32],
    pub(crate) weights: Option<&'a [f32]>,
}

#[inline]
fn add(atom: &AtomicU32, value: f32) {
    atom.store((f32::from_bits(atom.load(Relaxed)) + value).to_bits(), Relaxed);
}
