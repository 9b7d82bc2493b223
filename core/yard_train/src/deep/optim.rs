//! `AdamW` with decay on weights alone, clipping by the norm of all gradients, and the step size along the
//! training: up for a tenth of it, then down along a half cosine.
//! Papers: Loshchilov and Hutter, 2019, "Decoupled weight decay regularization", arXiv:1711.05101; the same,
//! 2017, "SGDR", arXiv:1608.03983; Pascanu, Mikolov and Bengio, 2013, arXiv:1211.5063 (clipping).

use super::ops::list;
use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Share of the training in which the step size rises.
const RISE: f64 = 0.1;

/// A flat variable with its running means.
pub(super) struct Trained {
    pub(super) var: Var,
    first: Vec<f32>,
    second: Vec<f32>,
    decay: bool,
}

/// How steps are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Number of the step, from 1.
    pub(super) step: u64,
    pub(super) rate: f64,
    pub(super) decay: f64,
    /// Largest norm of all gradients; 0 never clips.
    pub(super) clip: f64,
}

impl Trained {
    /// Starts at `values`; `decay` says whether the weight decay concerns them.
    pub(super) fn new(values: Vec<f32>, decay: bool) -> Result<Self> {
        let count = values.len();
        let var = Var::from_tensor(&Tensor::from_vec(values, count, &Device::Cpu)?)?;
        Ok(Self { var, first: vec![0.0; count], second: vec![0.0; count], decay })
    }

    pub(super) fn tensor(&self) -> &Tensor {
        self.var.as_tensor()
    }

    fn step(&mut self, gradient: &[f32], shrink: f64, rule: Rule) -> Result<()> {
        let steps = i32::try_from(rule.step).unwrap_or(i32::MAX);
        let (first, second) = (1.0 - BETA1.powi(steps), 1.0 - BETA2.powi(steps));
        let (b1, b2, shrink) = (BETA1 as f32, BETA2 as f32, shrink as f32);
        let kept = (1.0 - if self.decay { rule.rate * rule.decay } else { 0.0 }) as f32;
        let (rate, second, epsilon) = ((rule.rate / first) as f32, (1.0 / second) as f32, EPSILON as f32);
        let mut values = list(self.var.as_tensor())?;
        let means = self.first.iter_mut().zip(&mut self.second);
        for ((value, gradient), (mean, square)) in values.iter_mut().zip(gradient).zip(means) {
            let gradient = gradient * shrink;
            *mean = *mean * b1 + gradient * (1.0 - b1);
            *square = *square * b2 + gradient * gradient * (1.0 - b2);
            *value = *value * kept - rate * *mean / ((*square * second).sqrt() + epsilon);
        }
        let count = values.len();
        self.var.set(&Tensor::from_vec(values, count, &Device::Cpu)?)
    }
}

/// Takes a step of all variables against their gradients.
pub(super) fn step<'a>(
    all: impl Iterator<Item = &'a mut Trained>,
    gradients: &GradStore,
    rule: Rule,
) -> Result<()> {
    let (mut found, mut square) = (Vec::new(), 0.0_f64);
    for own in all {
        if let Some(gradient) = gradients.get(own.var.as_tensor()) {
            let values = list(gradient)?;
            square += values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>();
            found.push((own, values));
        }
    }
    let norm = square.sqrt();
    let shrink = if rule.clip > 0.0 && norm > rule.clip { rule.clip / norm } else { 1.0 };
    found.into_iter().try_for_each(|(own, gradient)| own.step(&gradient, shrink, rule))
}

/// Returns the factor on the step size at a point of the training, 0..=1.
pub(super) fn factor(done: f64) -> f64 {
    if done < RISE {
        return (done / RISE).max(0.01);
    }
    0.5 * (1.0 + (std::f64::consts::PI * ((done - RISE) / (1.0 - RISE)).min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn steps_lead_to_the_minimum() {
        let target = Tensor::new(&[1.0_f32, -2.0], &Device::Cpu).unwrap();
        let mut own = Trained::new(vec![0.0; 2], false).unwrap();
        for number in 1..=400 {
            let loss = (own.tensor() - &target).unwrap().sqr().unwrap().sum_all().unwrap();
            let rate = 0.05 * factor(number as f64 / 400.0);
            let rule = Rule { step: number, rate, decay: 0.0, clip: 1.0 };
            step(std::iter::once(&mut own), &loss.backward().unwrap(), rule).unwrap();
        }
        let got = list(own.tensor()).unwrap();
        assert!((got[0] - 1.0).abs() < 1e-2 && (got[1] + 2.0).abs() < 1e-2, "{got:?}");
        assert!(factor(0.0) < 0.02 && (factor(RISE) - 1.0).abs() < 1e-9 && factor(1.0) < 1e-9);
    }

    /// Two steps as `AdamW` takes them: lr 0.1, decay 0.5, gradient 2 × value.
    #[test]
    fn decay_is_decoupled() {
        let mut own = Trained::new(vec![1.0], true).unwrap();
        let mut expected = 1.0_f64;
        let (mut mean, mut square) = (0.0, 0.0);
        for number in 1..=2_u64 {
            let loss = own.tensor().sqr().unwrap().sum_all().unwrap();
            let rule = Rule { step: number, rate: 0.1, decay: 0.5, clip: 0.0 };
            step(std::iter::once(&mut own), &loss.backward().unwrap(), rule).unwrap();
            let gradient = 2.0 * expected;
            mean = 0.9 * mean + 0.1 * gradient;
            square = 0.999 * square + 0.001 * gradient * gradient;
            let (m, v) =
                (mean / (1.0 - 0.9_f64.powi(number as i32)), square / (1.0 - 0.999_f64.powi(number as i32)));
            expected = expected * (1.0 - 0.1 * 0.5) - 0.1 * m / (v.sqrt() + 1e-8);
        }
        assert!((f64::from(list(own.tensor()).unwrap()[0]) - expected).abs() < 1e-5);
    }
}
