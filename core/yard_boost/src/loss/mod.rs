//! Objectives: the base margin, gradients and hessians per row, and the loss that is reported.
//!
//! [`Loss`] is what an objective must say; [`Objective`] names the ones that exist. Sample weights are
//! multiplied in by the caller. Knows nothing of trees, bins and threads.

use crate::{
    error::BoostError,
    math::{BLOCK, pairwise},
};

mod classes;
mod positive;
mod quantile;
mod rank;
mod squared;
#[cfg(test)]
mod tests;

use classes::{Logistic, Softmax};
use positive::{Gamma, Poisson, Tweedie};
use quantile::Pinball;
pub(crate) use rank::{LambdaRank, Queries};
use squared::{Huber, Squared};

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// Targets 0 or 1; one margin, the log-odds of 1; loss `ln(1 + e^m) − y m`.
    Binary,
    /// Targets `0..k`; one margin per class; loss `−ln softmax(m)[y]`.
    Multiclass(u32),
    /// Any finite target; the margin is the prediction; loss `(m − y)²`, gradients of its half.
    Regression,
    /// Absolute error `|m − y|`: the median. Leaves hold the median of their residuals.
    Absolute,
    /// Huber's loss: half the square up to `delta`, beyond it `delta (|m − y| − delta / 2)` (Huber,
    /// 1964, doi:10.1214/aoms/1177703732). Without a `delta` the 0.9 quantile of the distances of the
    /// targets from their median is taken.
    Huber(Option<f64>),
    /// Pinball loss of a level in (0, 1): that quantile (Koenker and Bassett, 1978,
    /// doi:10.2307/1913643). Leaves hold the quantile of their residuals.
    Quantile(f64),
    /// Counts and rates, at least 0: `e^m − y m`; the prediction is `e^m`.
    Poisson,
    /// Positive amounts: `y e^−m + m`; the prediction is `e^m`.
    Gamma,
    /// Amounts with zeros, variance `mean^power` with a power in (1, 2): `e^((2 − p) m) / (2 − p) −
    /// y e^((1 − p) m) / (1 − p)` (Jørgensen, 1987, doi:10.1111/j.2517-6161.1987.tb01685.x); the
    /// prediction is `e^m`.
    Tweedie(f64),
}

impl Objective {
    /// Returns the loss of this objective; [`Objective::Huber`] without a delta takes 1.
    pub fn loss(self) -> Box<dyn Loss> {
        match self {
            Self::Binary => Box::new(Logistic),
            Self::Multiclass(classes) => Box::new(Softmax { classes }),
            Self::Regression => Box::new(Squared),
            Self::Absolute => Box::new(Pinball::absolute()),
            Self::Huber(delta) => Box::new(Huber { delta: delta.unwrap_or(1.0) }),
            Self::Quantile(level) => Box::new(Pinball::quantile(level)),
            Self::Poisson => Box::new(Poisson),
            Self::Gamma => Box::new(Gamma),
            Self::Tweedie(power) => Box::new(Tweedie { power }),
        }
    }

    /// Returns the objective with the numbers that depend on the target filled in (Huber's delta).
    #[must_use]
    pub fn for_target(self, y: &[f32], weights: Option<&[f32]>) -> Self {
        match self {
            Self::Huber(None) => Self::Huber(Some(squared::huber_delta(y, weights))),
            other => other,
        }
    }

    /// Whether the prediction is `e^margin`.
    pub fn log_link(self) -> bool {
        matches!(self, Self::Poisson | Self::Gamma | Self::Tweedie(_))
    }

    /// Number of classes; `None` for a regression.
    pub fn classes(self) -> Option<u32> {
        match self {
            Self::Binary => Some(2),
            Self::Multiclass(classes) => Some(classes),
            _ => None,
        }
    }
}

/// Some rows of one output: margins, targets and what [`Loss::prepare`] left for them.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Output (class).
    pub output: u32,
    /// Margins of this output, `[rows]`.
    pub margins: &'a [f32],
    /// Targets, `[rows]`.
    pub y: &'a [f32],
    /// Values of [`Loss::prepare`], `[rows]`; empty when the loss needs none.
    pub prepared: &'a [f64],
}

/// An objective: a twice differentiable loss of one or more margins.
///
/// Everything that reaches a gradient must be computed with operations that are the same on every
/// machine (no platform `exp`), or models stop being equal bit for bit.
pub trait Loss: Sync {
    /// Margins per row.
    fn outputs(&self) -> usize;

    /// Checks the targets.
    fn check(&self, y: &[f32]) -> Result<(), BoostError>;

    /// Best constant margins, `[outputs]`.
    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64>;

    /// Estimates the sum over all trees of the largest leaf value, from which the grid is chosen.
    fn span(&self, y: &[f32], base: &[f64]) -> f64 {
        let base = base.first().copied().unwrap_or(0.0);
        4.0 * y.iter().fold(0.0_f64, |top, &value| top.max((f64::from(value) - base).abs()))
    }

    /// Whether [`Loss::prepare`] fills a value per row at the start of each round.
    fn needs_prepare(&self) -> bool {
        false
    }

    /// Computes a value per row from all its margins (`[outputs][rows]`).
    fn prepare(&self, _margins: &[&[f32]], _out: &mut [f64]) {}

    /// Whether a row's gradient depends on other rows, so that [`Loss::joint`] computes all at once and
    /// [`Loss::joint_loss`] the loss. Such a loss has one output.
    fn is_joint(&self) -> bool {
        false
    }

    /// Computes gradient and hessian of all training rows from their margins.
    fn joint(&self, _margins: &[f32], _y: &[f32], _out: &mut [(f64, f64)]) {}

    /// Computes the loss of all training rows, or of all validation rows.
    fn joint_loss(&self, _validation: bool, _margins: &[f32], _y: &[f32]) -> f64 {
        0.0
    }

    /// The hessian of every row when it is the same for all.
    fn constant_hessian(&self) -> Option<f64> {
        None
    }

    /// Upper bounds of `|gradient|` and hessian when they are known beforehand.
    fn bounds(&self) -> Option<(f64, f64)> {
        None
    }

    /// Computes gradient and hessian (above 0) per row.
    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]);

    /// Whether [`Loss::leaf`] gives the leaf values instead of Newton's step.
    fn renews(&self) -> bool {
        false
    }

    /// Computes the best step of a leaf from its rows' (target − margin, weight), which it may reorder.
    fn leaf(&self, _residuals: &mut [(f64, f64)]) -> f64 {
        0.0
    }

    /// Computes the loss per row from all its margins (`[outputs][rows]`).
    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]);
}

fn check_targets(y: &[f32], expected: &str, good: impl Fn(f32) -> bool) -> Result<(), BoostError> {
    match y.iter().position(|&value| !good(value)) {
        Some(row) => Err(BoostError::Target { row, value: y[row], expected: expected.to_owned() }),
        None => Ok(()),
    }
}

/// `Σ w f(y)` and `Σ w`, by fixed blocks.
fn weighted(y: &[f32], weights: Option<&[f32]>, f: impl Fn(f32) -> f64) -> (f64, f64) {
    let mut sums = Vec::new();
    let mut totals = Vec::new();
    for (index, block) in y.chunks(BLOCK).enumerate() {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, &value) in block.iter().enumerate() {
            let w = weights.map_or(1.0, |weights| f64::from(weights[index * BLOCK + row]));
            sum += w * f(value);
            total += w;
        }
        sums.push(sum);
        totals.push(total);
    }
    (pairwise(&sums), pairwise(&totals))
}
