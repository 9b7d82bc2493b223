//! Linear models: products of f32 are exact in f64, the sum starts at the bias and goes in feature
//! order, and the margin is rounded to f32 once. A margin beyond the range of f32 is the largest f32.

use super::{check_finite, check_len};
use crate::{error::ScoreError, model::LinearModel};

#[derive(Clone, Debug)]
pub(crate) struct Linear {
    n_features: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    pub(crate) fn new(model: &LinearModel, n_features: usize) -> Result<Self, ScoreError> {
        check_len("number of features", model.n_features as usize, n_features)?;
        let expected = n_features.saturating_mul(model.bias.len());
        check_len("number of weights", model.weights.len(), expected)?;
        check_finite("weight", &model.weights)?;
        check_finite("bias", &model.bias)?;
        Ok(Self { n_features, weights: model.weights.clone(), bias: model.bias.clone() })
    }

    pub(crate) fn run(&self, features: &[f32], margins: &mut [f32]) {
        for (row, out) in margins.chunks_exact_mut(self.bias.len()).enumerate() {
            let x = &features[row * self.n_features..(row + 1) * self.n_features];
            for (k, slot) in out.iter_mut().enumerate() {
                let weights = &self.weights[k * self.n_features..(k + 1) * self.n_features];
                let mut sum = f64::from(self.bias[k]);
                for (weight, value) in weights.iter().zip(x) {
                    sum += f64::from(*weight) * f64::from(*value);
                }
                *slot = sum.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
            }
        }
    }
}
