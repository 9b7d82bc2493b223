//! Linear models: products of f32 are exact in f64, the sum starts at the bias and goes in feature
//! order, and the margin is rounded to f32 once. A margin beyond the range of f32 is the largest f32.
//! Features that are zero add nothing and are passed over, as most terms of a text are.

use super::{Work, check_finite, check_len};
use crate::{error::ScoreError, model::LinearModel};

#[derive(Clone, Debug)]
pub(crate) struct Linear {
    n_features: usize,
    /// `[n_features, outputs]`, row-major.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    pub(crate) fn new(model: &LinearModel, n_features: usize) -> Result<Self, ScoreError> {
        check_len("number of features", model.n_features as usize, n_features)?;
        let outputs = model.bias.len();
        let expected = n_features.saturating_mul(outputs);
        check_len("number of weights", model.weights.len(), expected)?;
        check_finite("weight", &model.weights)?;
        check_finite("bias", &model.bias)?;
        let mut weights = vec![0.0; expected];
        for (output, line) in model.weights.chunks_exact(n_features.max(1)).enumerate() {
            for (feature, weight) in line.iter().enumerate() {
                weights[feature * outputs + output] = *weight;
            }
        }
        Ok(Self { n_features, weights, bias: model.bias.clone() })
    }

    pub(crate) fn run(&self, features: &[f32], work: &mut Work, margins: &mut [f32]) {
        let outputs = self.bias.len();
        let Work { present, sums, .. } = work;
        for (row, out) in margins.chunks_exact_mut(outputs).enumerate() {
            let x = &features[row * self.n_features..(row + 1) * self.n_features];
            present.clear();
            present.extend(x.iter().zip(0_u32..).filter(|(value, _)| **value != 0.0).map(|(_, at)| at));
            sums.clear();
            sums.extend(self.bias.iter().map(|bias| f64::from(*bias)));
            for feature in present.iter().map(|at| *at as usize) {
                let value = f64::from(x[feature]);
                let line = &self.weights[feature * outputs..(feature + 1) * outputs];
                for (sum, weight) in sums.iter_mut().zip(line) {
                    *sum += f64::from(*weight) * value;
                }
            }
            for (slot, sum) in out.iter_mut().zip(sums.iter()) {
                *slot = sum.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
            }
        }
    }
}
