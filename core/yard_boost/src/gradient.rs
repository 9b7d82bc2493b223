//! Gradients of all rows as entries: computed block by block, scaled, rounded and packed.

use crate::{
    loss::{Block, Loss},
    margins::{Margins, Target},
    quant::{Entry, Quant, Range},
    simd,
};
use rayon::prelude::*;

/// Rows of one block.
const BLOCK: usize = 1024;

/// What gradients are computed from.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) loss: &'a dyn Loss,
    pub(crate) target: Target<'a>,
    pub(crate) margins: &'a Margins,
    /// Values of [`Loss::prepare`], `[rows]` or empty.
    pub(crate) prepared: &'a [f64],
    /// Largest weight, 1 without weights.
    pub(crate) top_weight: f64,
}

/// Fills the values that the loss prepares once per round.
pub(crate) fn prepare(inputs: Inputs, out: &mut [f64]) {
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        let margins = inputs.margins.read_all(block * BLOCK, out.len());
        let margins: Vec<&[f32]> = margins.iter().map(|values| values.as_slice()).collect();
        inputs.loss.prepare(&margins, out);
    });
}

/// Fills the entries of all rows for one output and returns the scales that they are in.
pub(crate) fn entries(inputs: Inputs, output: u32, out: &mut [Entry]) -> Quant {
    let quant = Quant::new(out.len(), range(inputs, output, out.len()));
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        let (g, h) = &mut (([0.0; BLOCK]), ([0.0; BLOCK]));
        let (g, h) = (&mut g[..out.len()], &mut h[..out.len()]);
        compute(inputs, output, block * BLOCK, (g, h));
        let rows = (block * BLOCK) as u32..;
        simd::wide(|| {
            for ((entry, row), (&g, &h)) in out.iter_mut().zip(rows).zip(g.iter().zip(h.iter())) {
                *entry = Entry::new(row, quant.pair(g, h));
            }
        });
    });
    quant
}

/// Largest gradient and hessian: known beforehand or looked up.
fn range(inputs: Inputs, output: u32, rows: usize) -> Range {
    let constant = inputs.loss.constant_hessian().filter(|_| inputs.target.weights.is_none());
    if let Some((gradient, hessian)) = inputs.loss.bounds() {
        let top = inputs.top_weight;
        return Range { gradient: gradient * top, hessian: hessian * top, constant: constant.is_some() };
    }
    let largest = |block: usize| {
        let (g, h) = &mut (([0.0; BLOCK]), ([0.0; BLOCK]));
        let n = BLOCK.min(rows - block * BLOCK);
        compute(inputs, output, block * BLOCK, (&mut g[..n], &mut h[..n]));
        let top = |values: &[f64]| values[..n].iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        (top(g), top(h))
    };
    let (gradient, hessian) = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(largest)
        .reduce(|| (0.0, 0.0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    Range { gradient, hessian: constant.unwrap_or(hessian), constant: constant.is_some() }
}

/// Gradients and hessians of a block, weights multiplied in.
fn compute(inputs: Inputs, output: u32, start: usize, out: (&mut [f64], &mut [f64])) {
    let (g, h) = out;
    let rows = g.len();
    let mut margins = [0.0; BLOCK];
    inputs.margins.read(output as usize, start, &mut margins[..rows]);
    let block = Block {
        output,
        margins: &margins[..rows],
        y: &inputs.target.y[start..start + rows],
        prepared: inputs.prepared.get(start..start + rows).unwrap_or_default(),
    };
    inputs.loss.gradients(&block, g, h);
    if let Some(weights) = inputs.target.weights {
        for ((g, h), &w) in g.iter_mut().zip(h.iter_mut()).zip(&weights[start..]) {
            *g *= f64::from(w);
            *h *= f64::from(w);
        }
    }
}
