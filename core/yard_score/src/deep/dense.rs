//! Products of tokens and weights. Every sum starts at its bias and goes in the order of the inputs,
//! whatever is computed beside it: tiles of tokens × panels of outputs only decide what a register holds.
#![allow(clippy::inline_always, reason = "vectors are only wide where the loop is inlined into its caller")]

use super::Pointwise;
use crate::forward::simd::{Body, Level};

/// Outputs of a panel.
pub(super) const PANEL: usize = 16;
/// Tokens of a tile.
const TILE: usize = 6;

/// Weights in panels `[outputs / 16][inputs][16]`, filled up with zeros.
#[derive(Clone, Debug, Default)]
pub(super) struct Panels {
    inputs: usize,
    outputs: usize,
    values: Vec<f32>,
    /// One per output, filled up.
    bias: Vec<f32>,
}

impl Panels {
    /// Packs weights; `at(output, input)` reads one.
    pub(super) fn pack(
        &mut self,
        (outputs, inputs): (usize, usize),
        bias: &[f32],
        at: impl Fn(usize, usize) -> f32,
    ) {
        let panels = outputs.div_ceil(PANEL);
        (self.inputs, self.outputs) = (inputs, outputs);
        self.values.clear();
        self.values.resize(panels * inputs * PANEL, 0.0);
        self.bias.clear();
        self.bias.extend_from_slice(bias);
        self.bias.resize(panels * PANEL, 0.0);
        for (panel, values) in self.values.chunks_exact_mut((inputs * PANEL).max(1)).enumerate() {
            for (input, line) in values.chunks_exact_mut(PANEL).enumerate() {
                for (slot, output) in line.iter_mut().zip(panel * PANEL..outputs) {
                    *slot = at(output, input);
                }
            }
        }
    }

    /// Packs the weights of a layer, `[outputs, inputs]`.
    pub(super) fn of_layer(inputs: usize, weights: &[f32], bias: &[f32]) -> Self {
        let mut panels = Self::default();
        panels.pack((bias.len(), inputs), bias, |output, input| weights[output * inputs + input]);
        panels
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }
}

/// Tokens in tiles `[tokens / 6][inputs][6]`, filled up with zeros.
#[derive(Clone, Debug, Default)]
pub(super) struct Tiles {
    tokens: usize,
    values: Vec<f32>,
}

impl Tiles {
    /// Packs tokens; token t begins at `x[t × stride]`.
    pub(super) fn pack(&mut self, x: &[f32], (tokens, inputs, stride): (usize, usize, usize)) {
        self.tokens = tokens;
        self.values.clear();
        self.values.resize(tokens.div_ceil(TILE) * inputs * TILE, 0.0);
        for (tile, values) in self.values.chunks_exact_mut((inputs * TILE).max(1)).enumerate() {
            for (at, token) in (tile * TILE..tokens).take(TILE).enumerate() {
                let line = &x[token * stride..][..inputs];
                for (slot, value) in values[at..].iter_mut().step_by(TILE).zip(line) {
                    *slot = *value;
                }
            }
        }
    }
}

/// `out[t × stride + k] = activation(bias[k] + Σ_j x[t][j] × weights[k][j])`.
pub(super) fn product(
    level: Level,
    (x, panels): (&Tiles, &Panels),
    (out, stride): (&mut [f32], usize),
    activation: Pointwise,
) {
    level.run(Product { x, panels, out, stride, activation });
}

struct Product<'a> {
    x: &'a Tiles,
    panels: &'a Panels,
    out: &'a mut [f32],
    stride: usize,
    activation: Pointwise,
}

impl Body for Product<'_> {
    #[inline(always)]
    fn run(self) {
        let Panels { inputs, outputs, values, bias } = self.panels;
        for (panel, bias) in bias.as_chunks::<PANEL>().0.iter().enumerate() {
            let weights = values[panel * inputs * PANEL..][..inputs * PANEL].as_chunks::<PANEL>().0;
            let width = PANEL.min(outputs - panel * PANEL);
            for first in (0..self.x.tokens).step_by(TILE) {
                let tile = &self.x.values[first * inputs..][..inputs * TILE];
                let mut sums = if self.x.tokens == 1 {
                    [one(weights, tile, bias); TILE]
                } else {
                    several(weights, tile, bias)
                };
                for (sums, token) in sums.iter_mut().zip(first..self.x.tokens) {
                    self.activation.apply(sums);
                    let start = token * self.stride + panel * PANEL;
                    self.out[start..start + width].copy_from_slice(&sums[..width]);
                }
            }
        }
    }
}

#[inline(always)]
fn several(weights: &[[f32; PANEL]], tile: &[f32], bias: &[f32; PANEL]) -> [[f32; PANEL]; TILE] {
    let mut sums = [*bias; TILE];
    for (weights, x) in weights.iter().zip(tile.as_chunks::<TILE>().0) {
        for (sums, x) in sums.iter_mut().zip(x) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += x * weight;
            }
        }
    }
    sums
}

#[inline(always)]
fn one(weights: &[[f32; PANEL]], tile: &[f32], bias: &[f32; PANEL]) -> [f32; PANEL] {
    let mut sums = *bias;
    for (weights, x) in weights.iter().zip(tile.as_chunks::<TILE>().0) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += x[0] * weight;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_go_from_the_bias_in_input_order_for_every_size() {
        let value = |at: usize| ((at * 37 % 101) as f32 - 50.0) * 0.013;
        for (tokens, inputs, outputs) in [(1, 1, 1), (1, 21, 33), (2, 5, 16), (7, 30, 17), (13, 64, 48)] {
            let weights: Vec<f32> = (0..inputs * outputs).map(value).collect();
            let bias: Vec<f32> = (0..outputs).map(|at| value(at + 7)).collect();
            let x: Vec<f32> = (0..tokens * inputs).map(|at| value(at + 3)).collect();
            let mut expected = vec![0.0; tokens * outputs];
            for token in 0..tokens {
                for output in 0..outputs {
                    let mut sum = bias[output];
                    for input in 0..inputs {
                        sum += x[token * inputs + input] * weights[output * inputs + input];
                    }
                    expected[token * outputs + output] = sum;
                }
            }
            let panels = Panels::of_layer(inputs, &weights, &bias);
            let mut tiles = Tiles::default();
            tiles.pack(&x, (tokens, inputs, inputs));
            for level in Level::all() {
                let mut out = vec![0.0; tokens * outputs];
                product(level, (&tiles, &panels), (&mut out, outputs), Pointwise::Identity);
                assert_eq!(out, expected, "{tokens} {inputs} {outputs} {level:?}");
            }
        }
    }
}
