//! Gradients of all rows as entries: computed block by block, scaled, rounded and packed.

use crate::{
    loss::{Block, Loss},
    margins::{Margins, Target},
    quant::{Entry, Quant, Range},
    sample::Sample,
    simd,
};
use rayon::prelude::*;
use yard_types::rng;

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
    /// Gradients and hessians of a joint loss, `[rows]` or empty.
    pub(crate) joint: &'a [(f64, f64)],
    /// Largest weight, 1 without weights.
    pub(crate) top_weight: f64,
    pub(crate) sample: &'a Sample,
    /// Seed and stream of the rounding.
    pub(crate) rounding: (u64, u64),
}

impl Inputs<'_> {
    /// The hessian of every row in its units is 1.
    fn counts(&self) -> Option<f64> {
        let even = self.target.weights.is_none() && self.sample.factors().is_none();
        self.loss.constant_hessian().filter(|_| even)
    }

    /// Whether gradients may be small in units, so that rounding to nearest would favour one side.
    fn dithers(&self) -> bool {
        let uneven = self.target.weights.is_some() || self.sample.factors().is_some();
        self.counts().is_none() && (uneven || self.loss.bounds().is_none())
    }
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
        if inputs.dithers() {
            dither(inputs, block * BLOCK, quant.units().0, g);
        }
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
    let constant = inputs.counts();
    if let Some((gradient, hessian)) = inputs.loss.bounds() {
        let top = inputs.top_weight * inputs.sample.largest_factor();
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
    match inputs.joint.get(start..start + rows) {
        None => inputs.loss.gradients(&block, g, h),
        Some(pairs) => {
            for ((&(gradient, hessian), g), h) in pairs.iter().zip(g.iter_mut()).zip(h.iter_mut()) {
                (*g, *h) = (gradient, hessian);
            }
        }
    }
    if let Some(weights) = inputs.target.weights {
        for ((g, h), &w) in g.iter_mut().zip(h.iter_mut()).zip(&weights[start..]) {
            *g *= f64::from(w);
            *h *= f64::from(w);
        }
    }
    if let Some(factors) = inputs.sample.factors() {
        for ((g, h), &f) in g.iter_mut().zip(h.iter_mut()).zip(&factors[start..]) {
            *g *= f64::from(f);
            *h *= f64::from(f);
        }
    }
}

/// Moves gradients by less than half a unit at random, so that rounding to nearest is right on average
/// even where a gradient is much smaller than a unit.
fn dither(inputs: Inputs, start: usize, unit: f64, g: &mut [f64]) {
    let (seed, stream) = inputs.rounding;
    for (offset, g) in g.iter_mut().enumerate() {
        *g += (rng::uniform(seed, stream, (start + offset) as u64) - 0.5) * unit;
    }
}

/// `Σ over outputs of |gradient × hessian|` per row: how much a row says.
pub(crate) fn importance(inputs: Inputs, rows: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows];
    out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
        let (g, h) = &mut (([0.0; BLOCK]), ([0.0; BLOCK]));
        let (g, h) = (&mut g[..out.len()], &mut h[..out.len()]);
        for output in 0..inputs.loss.outputs() as u32 {
            compute(inputs, output, block * BLOCK, (g, h));
            for ((sum, &g), &h) in out.iter_mut().zip(g.iter()).zip(h.iter()) {
                *sum += (g * h).abs() as f32;
            }
        }
    });
    out
}
