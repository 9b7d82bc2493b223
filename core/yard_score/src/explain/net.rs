//! Integrated gradients of a dense net, in f64 along the straight line from the reference to the row:
//! `(x_j − r_j) × mean over the line of ∂margin/∂x_j`, by the midpoint rule with 64 steps.
//! Method: Sundararajan, Taly and Yan (2017), "Axiomatic attribution for deep networks",
//! arXiv:1703.01365.

use crate::model::{Activation, DenseLayer, DenseNet};

const STEPS: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Gradients {
    model: DenseNet,
    reference: Vec<f64>,
    base: Vec<f64>,
}

impl Gradients {
    pub(super) fn new(model: DenseNet, reference: Vec<f32>) -> Self {
        let reference: Vec<f64> = reference.into_iter().map(f64::from).collect();
        let mut out = Self { model, reference, base: Vec::new() };
        let layers = out.forward(&out.reference);
        let (scale, shift) = (f64::from(out.model.scale), f64::from(out.model.shift));
        out.base = layers.last().map(|y| y.iter().map(|y| y * scale + shift).collect()).unwrap_or_default();
        out
    }

    /// Returns the margins at the reference.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns `[outputs, n_features]`.
    pub(super) fn contributions(&self, x: &[f32]) -> Vec<f64> {
        let (n, outputs) = (x.len(), self.base.len());
        let mut sums = vec![0.0; n * outputs];
        for step in 0..STEPS {
            let along = (step as f64 + 0.5) / STEPS as f64;
            let point = |(r, x): (&f64, &f32)| r + along * (f64::from(*x) - r);
            let point: Vec<f64> = self.reference.iter().zip(x).map(point).collect();
            let layers = self.forward(&point);
            for output in 0..outputs {
                let gradient = self.gradient(&layers, output);
                for (sum, g) in sums[output * n..(output + 1) * n].iter_mut().zip(&gradient) {
                    *sum += g;
                }
            }
        }
        let scale = f64::from(self.model.scale) / STEPS as f64;
        for row in sums.chunks_exact_mut(n.max(1)) {
            for ((sum, x), r) in row.iter_mut().zip(x).zip(&self.reference) {
                *sum *= scale * (f64::from(*x) - r);
            }
        }
        sums
    }

    /// Returns the values after each layer.
    fn forward(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let mut layers: Vec<Vec<f64>> = Vec::with_capacity(self.model.layers.len());
        for layer in &self.model.layers {
            let input = layers.last().map_or(x, Vec::as_slice);
            let y = layer.weights.chunks_exact(input.len().max(1)).zip(&layer.bias).map(|(weights, bias)| {
                let products = weights.iter().zip(input).map(|(w, v)| f64::from(*w) * v);
                let y = products.sum::<f64>() + f64::from(*bias);
                if layer.activation == Activation::Relu { y.max(0.0) } else { y }
            });
            let y = y.collect();
            layers.push(y);
        }
        layers
    }

    /// Returns the gradient of an unscaled output at the point whose layer values are given.
    fn gradient(&self, layers: &[Vec<f64>], output: usize) -> Vec<f64> {
        let mut upstream = vec![0.0; self.base.len()];
        upstream[output] = 1.0;
        for (layer, values) in self.model.layers.iter().zip(layers).rev() {
            upstream = back(layer, values, &upstream);
        }
        upstream
    }
}

fn back(layer: &DenseLayer, values: &[f64], upstream: &[f64]) -> Vec<f64> {
    let width = layer.inputs as usize;
    let mut out = vec![0.0; width];
    for ((weights, value), up) in layer.weights.chunks_exact(width.max(1)).zip(values).zip(upstream) {
        if layer.activation == Activation::Relu && *value <= 0.0 {
            continue;
        }
        for (slot, weight) in out.iter_mut().zip(weights) {
            *slot += f64::from(*weight) * up;
        }
    }
    out
}
