//! Losses of targets that are not negative, with a log link: Poisson, Gamma, Tweedie.
//!
//! Generalised linear models: `McCullagh` and Nelder (1989, doi:10.1007/978-1-4899-3242-6). The reported
//! losses are negative log-likelihoods without the terms that no margin changes.

use super::{Block, Loss, check_targets, weighted};
use crate::{
    error::BoostError,
    math::{exp, ln},
    simd,
};

/// Usual sum of the largest leaf values, in logarithms.
const LOG_SPAN: f64 = 24.0;
/// Added to the margin in Poisson's hessian: keeps steps small where counts are near 0.
const POISSON_STEP: f64 = 0.7;
/// Smallest mean that a base is made of.
const LEAST_MEAN: f64 = 1e-12;

fn check_not_negative(y: &[f32]) -> Result<(), BoostError> {
    check_targets(y, "a finite number of at least 0", |value| value.is_finite() && value >= 0.0)
}

/// Logarithm of the mean.
fn log_mean(y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
    let (sum, total) = weighted(y, weights, f64::from);
    vec![ln((sum / total).max(LEAST_MEAN))]
}

pub(super) struct Poisson;

impl Loss for Poisson {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_not_negative(y)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        log_mean(y, weights)
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_SPAN
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let larger = exp(POISSON_STEP);
        let rows = block.margins.iter().zip(block.y);
        simd::wide(|| {
            for ((&m, &y), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let mean = exp(f64::from(m));
                *g = mean - f64::from(y);
                *h = mean * larger;
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            *loss = exp(f64::from(m)) - f64::from(y) * f64::from(m);
        }
    }
}

pub(super) struct Gamma;

impl Loss for Gamma {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "a finite number above 0", |value| value.is_finite() && value > 0.0)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        log_mean(y, weights)
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_SPAN
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let rows = block.margins.iter().zip(block.y);
        simd::wide(|| {
            for ((&m, &y), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let ratio = f64::from(y) * exp(-f64::from(m));
                *g = 1.0 - ratio;
                *h = ratio;
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            *loss = f64::from(y) * exp(-f64::from(m)) + f64::from(m);
        }
    }
}

pub(super) struct Tweedie {
    pub(super) power: f64,
}

impl Loss for Tweedie {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_not_negative(y)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        log_mean(y, weights)
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_SPAN
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let (one, two) = (1.0 - self.power, 2.0 - self.power);
        let rows = block.margins.iter().zip(block.y);
        simd::wide(|| {
            for ((&m, &y), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let m = f64::from(m);
                let (first, second) = (f64::from(y) * exp(one * m), exp(two * m));
                *g = second - first;
                *h = two * second - one * first;
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        let (one, two) = (1.0 - self.power, 2.0 - self.power);
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            let m = f64::from(m);
            *loss = exp(two * m) / two - f64::from(y) * exp(one * m) / one;
        }
    }
}
