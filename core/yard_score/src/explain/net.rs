//! Integrated gradients of a dense net, in f64 along the straight line from the reference to the row:
//! `(x_j − r_j) × ∫ ∂margin/∂x_j`. A net of `ReLU` units is linear between the points of the line at which
//! a unit switches, so the integral is a sum over those pieces, exact up to rounding.
//! Method: Sundararajan, Taly and Yan (2017), "Axiomatic attribution for deep networks",
//! arXiv:1703.01365.

use crate::model::{Activation, DenseLayer, DenseNet};

/// Pieces after which the rest of the line is taken as one; the residual then shows what is left.
const MAX_PIECES: usize = 4096;
/// How far past a switch the next piece is looked at, as a fraction of the line.
const PAST: f64 = 1e-10;

#[derive(Clone, Debug)]
pub(super) struct Gradients {
    model: DenseNet,
    reference: Vec<f64>,
    base: Vec<f64>,
}

/// Sums before activation of one layer, and their change per unit of the line.
struct Sums {
    value: Vec<f64>,
    slope: Vec<f64>,
}

impl Gradients {
    pub(super) fn new(model: DenseNet, reference: Vec<f32>) -> Self {
        let reference: Vec<f64> = reference.into_iter().map(f64::from).collect();
        let mut out = Self { model, reference, base: Vec::new() };
        let layers = out.forward(&out.reference, &out.reference);
        let (scale, shift) = (f64::from(out.model.scale), f64::from(out.model.shift));
        if let (Some(sums), Some(layer)) = (layers.last(), out.model.layers.last()) {
            out.base = sums.value.iter().map(|y| activated(layer, *y, *y) * scale + shift).collect();
        }
        out
    }

    /// Returns the margins at the reference.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns `[outputs, n_features]`.
    pub(super) fn contributions(&self, x: &[f32]) -> Vec<f64> {
        let (n, outputs) = (x.len(), self.base.len());
        let way: Vec<f64> = x.iter().zip(&self.reference).map(|(x, r)| f64::from(*x) - r).collect();
        let mut sums = vec![0.0; n * outputs];
        let (mut from, mut pieces) = (0.0, 0);
        while from < 1.0 {
            let point: Vec<f64> = self.reference.iter().zip(&way).map(|(r, way)| r + from * way).collect();
            let layers = self.forward(&point, &way);
            pieces += 1;
            let left = 1.0 - from;
            let length =
                if pieces >= MAX_PIECES { left } else { (self.next_switch(&layers) + PAST).min(left) };
            for output in 0..outputs {
                let gradient = self.gradient(&layers, output);
                for (sum, g) in sums[output * n..(output + 1) * n].iter_mut().zip(&gradient) {
                    *sum += g * length;
                }
            }
            from = if length >= left { 1.0 } else { from + length };
        }
        let scale = f64::from(self.model.scale);
        for row in sums.chunks_exact_mut(n.max(1)) {
            for (sum, way) in row.iter_mut().zip(&way) {
                *sum *= scale * way;
            }
        }
        sums
    }

    /// Returns the sums of each layer at a point, and their slopes in a direction.
    fn forward(&self, point: &[f64], way: &[f64]) -> Vec<Sums> {
        let (mut input, mut change) = (point.to_vec(), way.to_vec());
        let mut out = Vec::with_capacity(self.model.layers.len());
        for layer in &self.model.layers {
            let rows = || layer.weights.chunks_exact((layer.inputs as usize).max(1));
            let product = |weights: &[f32], values: &[f64]| {
                weights.iter().zip(values).map(|(weight, value)| f64::from(*weight) * value).sum::<f64>()
            };
            let value: Vec<f64> =
                rows().zip(&layer.bias).map(|(w, bias)| product(w, &input) + f64::from(*bias)).collect();
            let slope: Vec<f64> = rows().map(|weights| product(weights, &change)).collect();
            input = value.iter().map(|value| activated(layer, *value, *value)).collect();
            change =
                value.iter().zip(&slope).map(|(value, slope)| activated(layer, *value, *slope)).collect();
            out.push(Sums { value, slope });
        }
        out
    }

    /// Returns how far along the line the next unit switches; infinity when none does.
    fn next_switch(&self, layers: &[Sums]) -> f64 {
        let mut next = f64::INFINITY;
        for (layer, sums) in self.model.layers.iter().zip(layers) {
            if layer.activation == Activation::Identity {
                continue;
            }
            for (value, slope) in sums.value.iter().zip(&sums.slope) {
                let distance = -value / slope;
                if distance > 0.0 && distance < next {
                    next = distance;
                }
            }
        }
        next
    }

    /// Returns the gradient of an unscaled output at the point whose sums are given.
    fn gradient(&self, layers: &[Sums], output: usize) -> Vec<f64> {
        let mut upstream = vec![0.0; self.base.len()];
        upstream[output] = 1.0;
        for (layer, sums) in self.model.layers.iter().zip(layers).rev() {
            upstream = back(layer, &sums.value, &upstream);
        }
        upstream
    }
}

/// Returns `result` if the unit with this sum is on, else 0.
fn activated(layer: &DenseLayer, sum: f64, result: f64) -> f64 {
    if layer.activation == Activation::Relu && sum <= 0.0 { 0.0 } else { result }
}

fn back(layer: &DenseLayer, sums: &[f64], upstream: &[f64]) -> Vec<f64> {
    let width = layer.inputs as usize;
    let mut out = vec![0.0; width];
    for ((weights, sum), up) in layer.weights.chunks_exact(width.max(1)).zip(sums).zip(upstream) {
        let up = activated(layer, *sum, *up);
        for (slot, weight) in out.iter_mut().zip(weights) {
            *slot += f64::from(*weight) * up;
        }
    }
    out
}
