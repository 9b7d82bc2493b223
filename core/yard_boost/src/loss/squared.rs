//! Squared error, and Huber's loss, which is squared up to a distance and absolute beyond.

use super::{
    Block, Loss, check_targets,
    quantile::{Weighted, weighted_quantile},
    weighted,
};
use crate::error::BoostError;

/// Steps of the fixed point of Huber's location.
const STEPS: usize = 30;

pub(super) struct Squared;

impl Loss for Squared {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "a finite number", f32::is_finite)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        let (sum, total) = weighted(y, weights, f64::from);
        vec![sum / total]
    }

    fn constant_hessian(&self) -> Option<f64> {
        Some(1.0)
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        for ((&m, &y), (g, h)) in block.margins.iter().zip(block.y).zip(gradient.iter_mut().zip(hessian)) {
            *g = f64::from(m) - f64::from(y);
            *h = 1.0;
        }
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            let error = f64::from(m) - f64::from(y);
            *loss = error * error;
        }
    }
}

/// Huber's loss; second derivatives beyond `delta` are taken as 1 too, so that hessians count rows.
pub(super) struct Huber {
    pub(super) delta: f64,
}

/// The 0.9 quantile of the distances from the median; 1 where all targets are equal.
pub(super) fn huber_delta(y: &[f32], weights: Option<&[f32]>) -> f64 {
    let mut values = Weighted::of(y, weights);
    let median = weighted_quantile(&mut values, 0.5);
    for (value, _) in &mut values {
        *value = (*value - median).abs();
    }
    let delta = weighted_quantile(&mut values, 0.9);
    if delta > 0.0 { delta } else { 1.0 }
}

impl Huber {
    /// Huber's location: from the median by steps of the mean clipped distance.
    fn location(&self, values: &mut [(f64, f64)]) -> f64 {
        let mut at = weighted_quantile(values, 0.5);
        for _ in 0..STEPS {
            let (mut sum, mut total) = (0.0, 0.0);
            for &(value, weight) in values.iter() {
                sum += weight * (value - at).clamp(-self.delta, self.delta);
                total += weight;
            }
            let step = if total > 0.0 { sum / total } else { 0.0 };
            at += step;
            if step.abs() <= 1e-9 * self.delta {
                break;
            }
        }
        at
    }
}

impl Loss for Huber {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "a finite number", f32::is_finite)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        vec![self.location(&mut Weighted::of(y, weights))]
    }

    fn constant_hessian(&self) -> Option<f64> {
        Some(1.0)
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((self.delta, 1.0))
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        for ((&m, &y), (g, h)) in block.margins.iter().zip(block.y).zip(gradient.iter_mut().zip(hessian)) {
            *g = (f64::from(m) - f64::from(y)).clamp(-self.delta, self.delta);
            *h = 1.0;
        }
    }

    fn renews(&self) -> bool {
        true
    }

    fn leaf(&self, residuals: &mut [(f64, f64)]) -> f64 {
        self.location(residuals)
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            let error = (f64::from(m) - f64::from(y)).abs();
            let inner = error.min(self.delta);
            *loss = inner * (error - 0.5 * inner);
        }
    }
}
