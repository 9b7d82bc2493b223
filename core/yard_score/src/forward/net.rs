//! Dense nets. Each output sums its products in f32 in 8 lanes (input `j` goes to lane `j mod 8`, in
//! input order), adds the lanes as `((0+1)+(2+3))+((4+5)+(6+7))`, then the bias, then the activation.
//! The order is the same for one row and for a block. The last output is `y × scale + shift`, computed
//! in f64 and rounded once.

use super::{Work, check_finite, check_len};
use crate::{
    error::ScoreError,
    model::{Activation, DenseLayer, DenseNet},
};

const LANES: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Net {
    layers: Vec<DenseLayer>,
    scale: f64,
    shift: f64,
}

impl Net {
    pub(crate) fn new(model: &DenseNet, n_features: usize) -> Result<Self, ScoreError> {
        let mut width = n_features;
        for (index, layer) in model.layers.iter().enumerate() {
            check_len(&format!("number of inputs of layer {index}"), layer.inputs as usize, width)?;
            let expected = width.saturating_mul(layer.bias.len());
            check_len(&format!("number of weights of layer {index}"), layer.weights.len(), expected)?;
            check_finite(&format!("layer {index}, weight"), &layer.weights)?;
            check_finite(&format!("layer {index}, bias"), &layer.bias)?;
            width = layer.bias.len();
            if width == 0 {
                let what = format!("number of outputs of layer {index}");
                return Err(ScoreError::Shape { what, expected: 1, got: 0 });
            }
        }
        check_finite("scale and shift", &[model.scale, model.shift])?;
        Ok(Self {
            layers: model.layers.clone(),
            scale: f64::from(model.scale),
            shift: f64::from(model.shift),
        })
    }

    /// Returns the largest number of outputs of a layer.
    pub(crate) fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.bias.len()).max().unwrap_or(0)
    }

    pub(crate) fn run(&self, features: &[f32], work: &mut Work, margins: &mut [f32]) {
        let Some(outputs) = self.layers.last().map(|layer| layer.bias.len()) else { return };
        let rows = margins.len() / outputs.max(1);
        let Work { a, b, .. } = work;
        for (index, layer) in self.layers.iter().enumerate() {
            let size = rows * layer.bias.len();
            let (from, into) = if index % 2 == 0 { (&*b, &mut *a) } else { (&*a, &mut *b) };
            let input = if index == 0 { features } else { &from[..] };
            run_layer(layer, input, &mut into[..size]);
        }
        let last = if self.layers.len() % 2 == 1 { &*a } else { &*b };
        for (margin, y) in margins.iter_mut().zip(last) {
            *margin = (f64::from(*y) * self.scale + self.shift) as f32;
        }
    }
}

fn run_layer(layer: &DenseLayer, input: &[f32], out: &mut [f32]) {
    let width = layer.inputs as usize;
    for (row, out) in out.chunks_exact_mut(layer.bias.len()).enumerate() {
        let x = &input[row * width..(row + 1) * width];
        for (k, slot) in out.iter_mut().enumerate() {
            let y = dot(&layer.weights[k * width..(k + 1) * width], x) + layer.bias[k];
            *slot = match layer.activation {
                // NaN is kept, so that an overflow is reported rather than hidden.
                Activation::Relu if y < 0.0 => 0.0,
                Activation::Identity | Activation::Relu => y,
            };
        }
    }
}

/// Returns the sum of products in the order given in the module's description.
fn dot(weights: &[f32], x: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (weight_chunks, x_chunks) = (weights.chunks_exact(LANES), x.chunks_exact(LANES));
    let rest = weight_chunks.remainder().iter().zip(x_chunks.remainder());
    for (weight, value) in weight_chunks.zip(x_chunks) {
        for lane in 0..LANES {
            lanes[lane] += weight[lane] * value[lane];
        }
    }
    for (lane, (weight, value)) in lanes.iter_mut().zip(rest) {
        *lane += weight * value;
    }
    ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_follow_the_documented_order() {
        let weights: Vec<f32> = (0..21).map(|j| 1.0 + (j as f32) * 0.1).collect();
        let x: Vec<f32> = (0..21).map(|j| 0.3 - (j as f32) * 0.07).collect();
        let mut lanes = [0.0_f32; 8];
        for j in 0..21 {
            lanes[j % 8] += weights[j] * x[j];
        }
        let pairs: Vec<f32> = lanes.chunks(2).map(|pair| pair[0] + pair[1]).collect();
        assert_eq!(dot(&weights, &x), (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]));
        assert_eq!(dot(&[], &[]), 0.0);
    }
}
