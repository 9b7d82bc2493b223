//! `AdamW` with decay on weights alone, and the one-cycle step size.
//! Papers: Loshchilov and Hutter, 2019, "Decoupled weight decay regularization", arXiv:1711.05101; Smith
//! and Topin, 2018, "Super-convergence", arXiv:1708.07120.

use candle_core::{Result, Tensor, Var, backprop::GradStore};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A variable with its running means.
pub(super) struct Trained {
    pub(super) var: Var,
    first: Tensor,
    second: Tensor,
    decay: bool,
}

impl Trained {
    /// Starts at `values`; `decay` says whether the weight decay concerns it.
    pub(super) fn new(values: &Tensor, decay: bool) -> Result<Self> {
        Ok(Self {
            first: values.zeros_like()?,
            second: values.zeros_like()?,
            var: Var::from_tensor(values)?,
            decay,
        })
    }

    pub(super) fn tensor(&self) -> &Tensor {
        self.var.as_tensor()
    }

    /// Takes step number `step` (from 1) of size `rate`.
    pub(super) fn step(&mut self, gradients: &GradStore, (step, rate, decay): (i32, f64, f64)) -> Result<()> {
        // Without its history: running means would keep the tensors of every step alive.
        let Some(gradient) = gradients.get(self.var.as_tensor()).map(Tensor::detach) else { return Ok(()) };
        self.first = ((&self.first * BETA1)? + (&gradient * (1.0 - BETA1))?)?;
        self.second = ((&self.second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
        let (first, second) = (1.0 - BETA1.powi(step), 1.0 - BETA2.powi(step));
        let denominator = ((&self.second * (1.0 / second))?.sqrt()? + EPSILON)?;
        let change = ((&self.first * (rate / first))? / denominator)?;
        let kept = 1.0 - if self.decay { rate * decay } else { 0.0 };
        self.var.set(&((self.var.as_tensor() * kept)? - change)?)
    }
}

/// Returns the factor on the step size at a point of the training, 0..=1: up for 0.3 of it, then down to
/// nothing, both along a half cosine.
pub(super) fn one_cycle(done: f64) -> f64 {
    let half = |from: f64, to: f64, share: f64| {
        to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * share.clamp(0.0, 1.0)).cos())
    };
    if done < 0.3 { half(0.04, 1.0, done / 0.3) } else { half(1.0, 1e-3, (done - 0.3) / 0.7) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    #[test]
    fn steps_lead_to_the_minimum() {
        let target = Tensor::new(&[1.0_f32, -2.0], &Device::Cpu).unwrap();
        let mut own = Trained::new(&target.zeros_like().unwrap(), false).unwrap();
        for step in 1..=400 {
            let loss = (own.tensor() - &target).unwrap().sqr().unwrap().sum_all().unwrap();
            let rate = 0.05 * one_cycle(f64::from(step) / 400.0);
            own.step(&loss.backward().unwrap(), (step, rate, 0.0)).unwrap();
        }
        let got: Vec<f32> = own.tensor().to_vec1().unwrap();
        assert!((got[0] - 1.0).abs() < 1e-2 && (got[1] + 2.0).abs() < 1e-2, "{got:?}");
        assert!((one_cycle(0.3) - 1.0).abs() < 1e-9 && one_cycle(0.0) < 0.05 && one_cycle(1.0) < 0.01);
    }
}
