//! Losses of classes: log loss of one margin, and of one margin per class.

use super::{Block, Loss, check_targets, weighted};
use crate::{
    error::BoostError,
    math::{exp, ln, sigmoid, softplus},
    simd,
};

/// Usual sum of the largest leaf values of a classifier, in log-odds.
const LOG_ODDS_SPAN: f64 = 48.0;

pub(super) struct Logistic;

impl Loss for Logistic {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "0 or 1", |value| value == 0.0 || value == 1.0)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        let (ones, total) = weighted(y, weights, f64::from);
        let p = (ones / total).clamp(1e-12, 1.0 - 1e-12);
        vec![ln(p) - ln(1.0 - p)]
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_ODDS_SPAN
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((1.0, 0.25))
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let rows = block.margins.iter().zip(block.y);
        simd::wide(|| {
            for ((&m, &y), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let p = sigmoid(f64::from(m));
                *g = p - f64::from(y);
                *h = p * (1.0 - p);
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        simd::wide(|| {
            for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
                let m = f64::from(m);
                *loss = softplus(if y > 0.5 { -m } else { m });
            }
        });
    }
}

pub(super) struct Softmax {
    pub(super) classes: u32,
}

/// `ln Σ e^m` of one row.
fn log_sum_exp(margins: &[&[f32]], row: usize) -> f64 {
    let top = margins.iter().map(|m| f64::from(m[row])).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for output in margins {
        sum += exp(f64::from(output[row]) - top);
    }
    top + ln(sum)
}

impl Loss for Softmax {
    fn outputs(&self) -> usize {
        self.classes as usize
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        let classes = self.classes as f32;
        let expected = format!("a class number in 0..{}", self.classes);
        check_targets(y, &expected, |value| value >= 0.0 && value < classes && value.fract() == 0.0)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        let share = |class: u32| {
            let (sum, total) = weighted(y, weights, |value| f64::from(u8::from(value == class as f32)));
            ln((sum / total).max(1e-12))
        };
        (0..self.classes).map(share).collect()
    }

    fn needs_prepare(&self) -> bool {
        true
    }

    fn prepare(&self, margins: &[&[f32]], out: &mut [f64]) {
        for (row, value) in out.iter_mut().enumerate() {
            *value = log_sum_exp(margins, row);
        }
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_ODDS_SPAN
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((1.0, 0.25 * self.factor()))
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let (class, factor) = (block.output as f32, self.factor());
        let rows = block.margins.iter().zip(block.y).zip(block.prepared);
        simd::wide(|| {
            for (((&m, &y), &sum), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let p = exp(f64::from(m) - sum);
                *g = p - f64::from(u8::from(y == class));
                *h = factor * p * (1.0 - p);
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for (row, loss) in out.iter_mut().enumerate() {
            *loss = log_sum_exp(margins, row) - f64::from(margins[y[row] as usize][row]);
        }
    }
}

impl Softmax {
    /// Friedman (2001, doi:10.1214/aos/1013203451): one of k margins is redundant, so steps of one
    /// margin at a time are `(k − 1) / k` of the diagonal Newton step.
    fn factor(&self) -> f64 {
        let k = f64::from(self.classes.max(2));
        k / (k - 1.0)
    }
}
