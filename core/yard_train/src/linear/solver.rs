//! Minimises the objective of a linear model with an L2 penalty: Newton steps with Cholesky for one output
//! and moderately many features, trust-region Newton ([`super::trust`]) for very many parameters, else L-BFGS;
//! with an L1 part coordinate descent ([`super::elastic`]). All are deterministic to the bit.
//!
//! Papers: Newton's method for logistic regression (iteratively reweighted least squares): `McCullagh` and
//! Nelder, 1989, "Generalized Linear Models", section 2.5. L-BFGS: Liu and Nocedal, 1989, "On the limited
//! memory BFGS method for large scale optimization", doi:10.1007/BF01589116. Line search by bisection
//! to the weak Wolfe conditions: Lewis and Overton, 2013, doi:10.1007/s10107-012-0514-2.

use super::cholesky::{dot, solve};
use super::elastic::{self, Elastic, Mixture};
use super::loss::Rows;
use super::matrix::Columns;
use super::trust;
use super::wide::Wide;
use crate::TrainError;
use yard_score::model::Link;

/// Newton is used up to this many multiplications for a Hessian.
const HESSIAN_WORK: usize = 3_000_000_000;
const NEWTON_FEATURES: usize = 500;
/// Parameters from which on a problem is wide, and the derivatives of all rows that may be held for it.
const WIDE: usize = 20_000;
const WIDE_ROWS: usize = 64_000_000;
const NEWTON_TOLERANCE: f64 = 1e-10;
const LBFGS_TOLERANCE: f64 = 1e-7;
const NEWTON_STEPS: u32 = 60;
const LBFGS_STEPS: u32 = 1_000;
const MEMORY: usize = 12;

/// How the objective is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Newton,
    Lbfgs,
    Trust,
}

/// Penalised objective of one set of rows; keeps what can be used again along the path of penalties.
pub(super) struct Problem<'a> {
    rows: Rows<'a>,
    total: f64,
    method: Method,
    /// Hessian of the squared loss, which doesn't depend on the parameters.
    squared: Option<Vec<f64>>,
    /// Entries by columns, for the methods that walk them.
    columns: Option<Columns>,
    /// Instead of the methods' own.
    tolerance: Option<f64>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(rows: Rows<'a>) -> Self {
        let total = rows.total_weight();
        let matrix = rows.matrix;
        let work = matrix.rows().saturating_mul(matrix.density().saturating_mul(matrix.density()) / 2);
        let small = rows.outputs == 1 && matrix.features() <= NEWTON_FEATURES && work <= HESSIAN_WORK;
        let wide = rows.size() >= WIDE && matrix.rows().saturating_mul(rows.outputs) <= WIDE_ROWS && !small;
        let method = match (small, wide) {
            (true, _) => Method::Newton,
            (false, true) => Method::Trust,
            (false, false) => Method::Lbfgs,
        };
        Self { rows, total, method, squared: None, columns: None, tolerance: None }
    }

    #[cfg(test)]
    pub(super) fn with_method(self, method: Method) -> Self {
        Self { method, tolerance: Some(1e-10), ..self }
    }

    pub(super) fn rows(&self) -> &Rows<'a> {
        &self.rows
    }

    /// Returns the strength from which on an L1 part makes all weights zero.
    pub(super) fn largest_strength(&mut self, l1_ratio: f64) -> f64 {
        let columns = self.columns.get_or_insert_with(|| self.rows.matrix.columns());
        Elastic::new(&self.rows, columns).largest_strength(l1_ratio)
    }

    /// As [`Self::minimise`], with a part of the penalty on absolute values.
    pub(super) fn minimise_mixed(
        &mut self,
        mixture: Mixture,
        theta: &mut Vec<f64>,
        proceed: &dyn Fn() -> Result<(), TrainError>,
    ) -> Result<u32, TrainError> {
        if mixture.l1_ratio == 0.0 {
            return self.minimise(mixture.strength, theta, proceed);
        }
        let columns = self.columns.get_or_insert_with(|| self.rows.matrix.columns());
        let tolerance = self.tolerance.unwrap_or(elastic::TOLERANCE);
        let steps = Elastic::new(&self.rows, columns).minimise(mixture, theta, tolerance, proceed)?;
        centre_biases(theta, self.rows.outputs);
        finite(theta, steps, mixture.strength)
    }

    /// Moves `theta` (`[features + 1, outputs]`) to the minimum for a penalty; returns the steps taken.
    /// `proceed()` is asked between steps.
    pub(super) fn minimise(
        &mut self,
        l2: f64,
        theta: &mut Vec<f64>,
        proceed: &dyn Fn() -> Result<(), TrainError>,
    ) -> Result<u32, TrainError> {
        let steps = match self.method {
            Method::Newton => self.newton(l2, theta, proceed),
            Method::Lbfgs => self.lbfgs(l2, theta, proceed),
            Method::Trust => {
                let columns = self.columns.get_or_insert_with(|| self.rows.matrix.columns());
                let wide = Wide::new(&self.rows, columns, l2);
                let steps = trust::minimise(&wide, theta, self.tolerance, proceed);
                centre_biases(theta, self.rows.outputs);
                steps
            }
        }?;
        finite(theta, steps, l2)
    }

    /// Returns objective and gradient with the penalty.
    fn objective(&self, l2: f64, theta: &[f64], gradient: &mut Vec<f64>) -> f64 {
        let penalty = l2 / self.total;
        let weights = theta.len() - self.rows.outputs;
        let mean = self.rows.loss_and_gradient(theta, gradient);
        for (slope, value) in gradient[..weights].iter_mut().zip(theta) {
            *slope += penalty * value;
        }
        mean + 0.5 * penalty * dot(&theta[..weights], &theta[..weights])
    }

    fn newton(
        &mut self,
        l2: f64,
        theta: &mut Vec<f64>,
        proceed: &dyn Fn() -> Result<(), TrainError>,
    ) -> Result<u32, TrainError> {
        let mut gradient = Vec::new();
        let mut value = self.objective(l2, theta, &mut gradient);
        for step in 0..NEWTON_STEPS {
            proceed()?;
            if largest(&gradient) <= NEWTON_TOLERANCE * (1.0 + value.abs()) {
                return Ok(step);
            }
            let direction = self.newton_direction(l2, theta, &gradient)?;
            let slope = dot(&direction, &gradient);
            let mut length = 1.0;
            let (mut next, mut next_gradient) = (Vec::new(), Vec::new());
            let mut next_value = f64::NAN;
            while length > 1e-10 {
                next = moved(theta, &direction, length);
                next_value = self.objective(l2, &next, &mut next_gradient);
                if next_value <= value + 1e-4 * length * slope + rounding(value) {
                    break;
                }
                length *= 0.5;
            }
            let still = value - next_value <= rounding(value);
            if next_value.is_nan() || next_value > value + rounding(value) {
                return Ok(step);
            }
            (*theta, gradient, value) = (next, next_gradient, next_value);
            if still && largest(&gradient) <= 1e3 * NEWTON_TOLERANCE {
                return Ok(step + 1);
            }
        }
        Ok(NEWTON_STEPS)
    }

    /// Solves `H d = −g`, with a growing addition to the diagonal while H is not positive definite.
    fn newton_direction(&mut self, l2: f64, theta: &[f64], gradient: &[f64]) -> Result<Vec<f64>, TrainError> {
        let n = gradient.len();
        let hessian = match (&self.squared, self.rows.link) {
            (Some(hessian), _) => hessian.clone(),
            (None, Link::Identity) => {
                let hessian = self.rows.hessian(theta);
                self.squared = Some(hessian.clone());
                hessian
            }
            (None, _) => self.rows.hessian(theta),
        };
        let scale = (0..n).map(|i| hessian[i * n + i]).fold(0.0, f64::max).max(1e-300);
        let mut added = 0.0;
        for _ in 0..12 {
            let mut matrix = hessian.clone();
            for i in 0..n {
                let penalty = if i + 1 < n { l2 / self.total } else { 0.0 };
                matrix[i * n + i] += penalty + added;
            }
            let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
            if solve(&mut matrix, &mut direction) && direction.iter().all(|d| d.is_finite()) {
                return Ok(direction);
            }
            added = if added == 0.0 { scale * 1e-12 } else { added * 10.0 };
        }
        Err(TrainError::Diverged { family: "linear", detail: "the normal equations are singular".to_owned() })
    }

    fn lbfgs(
        &self,
        l2: f64,
        theta: &mut Vec<f64>,
        proceed: &dyn Fn() -> Result<(), TrainError>,
    ) -> Result<u32, TrainError> {
        let mut gradient = Vec::new();
        let mut value = self.objective(l2, theta, &mut gradient);
        let mut memory = Memory::default();
        for step in 0..LBFGS_STEPS {
            proceed()?;
            if largest(&gradient) <= LBFGS_TOLERANCE * (1.0 + value.abs()) || !value.is_finite() {
                return Ok(step);
            }
            let direction = memory.direction(&gradient);
            let first = if step == 0 { 1.0 / largest(&gradient).max(1.0) } else { 1.0 };
            let Some(found) = self.line_search(l2, (theta, value, &gradient), &direction, first) else {
                if memory.pairs.is_empty() {
                    return Ok(step);
                }
                memory = Memory::default();
                continue;
            };
            memory.push(theta, &found.0, &gradient, &found.2);
            (*theta, value, gradient) = found;
        }
        Ok(LBFGS_STEPS)
    }

    /// Returns the next point, its objective and gradient; `None` when no step makes it smaller.
    fn line_search(
        &self,
        l2: f64,
        (theta, value, gradient): (&[f64], f64, &[f64]),
        direction: &[f64],
        first: f64,
    ) -> Option<(Vec<f64>, f64, Vec<f64>)> {
        let slope = dot(direction, gradient);
        let (mut low, mut high, mut length) = (0.0, f64::INFINITY, first);
        let mut best = None;
        for _ in 0..40 {
            let next = moved(theta, direction, length);
            let mut next_gradient = Vec::new();
            let next_value = self.objective(l2, &next, &mut next_gradient);
            if next_value.is_nan() || next_value > value + 1e-4 * length * slope {
                high = length;
            } else {
                let curved = dot(direction, &next_gradient) >= 0.9 * slope;
                best = Some((next, next_value, next_gradient));
                if curved {
                    return best;
                }
                low = length;
            }
            length = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * low };
        }
        best
    }
}

/// Moves the biases of a softmax, which are free up to a common shift, to mean 0.
fn centre_biases(theta: &mut [f64], outputs: usize) {
    if outputs > 1 {
        let from = theta.len() - outputs;
        let mean = theta[from..].iter().sum::<f64>() / outputs as f64;
        for bias in &mut theta[from..] {
            *bias -= mean;
        }
    }
}

/// Returns the steps when all weights are finite.
fn finite(theta: &[f64], steps: u32, l2: f64) -> Result<u32, TrainError> {
    if theta.iter().all(|value| value.is_finite()) {
        return Ok(steps);
    }
    let detail = format!("a weight is not finite after {steps} iterations with l2 = {l2}");
    Err(TrainError::Diverged { family: "linear", detail })
}

/// The last steps and changes of the gradient.
#[derive(Default)]
struct Memory {
    /// Step, change of gradient, 1 / (step · change), oldest first.
    pairs: std::collections::VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Memory {
    fn push(&mut self, from: &[f64], to: &[f64], old: &[f64], new: &[f64]) {
        let step = difference(to, from);
        let change = difference(new, old);
        let product = dot(&step, &change);
        if product > 1e-14 * dot(&change, &change) {
            self.pairs.push_back((step, change, 1.0 / product));
            if self.pairs.len() > MEMORY {
                self.pairs.pop_front();
            }
        }
    }

    /// Returns the descent direction by the two-loop recursion.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
        let mut factors = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let factor = inverse * dot(step, &direction);
            add_scaled(&mut direction, change, -factor);
            factors.push(factor);
        }
        if let Some((_, change, inverse)) = self.pairs.back() {
            let scale = 1.0 / (inverse * dot(change, change));
            for value in &mut direction {
                *value *= scale;
            }
        }
        for ((step, change, inverse), factor) in self.pairs.iter().zip(factors.iter().rev()) {
            let other = inverse * dot(change, &direction);
            add_scaled(&mut direction, step, factor - other);
        }
        direction
    }
}

fn moved(from: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
    from.iter().zip(direction).map(|(value, by)| value + length * by).collect()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add_scaled(to: &mut [f64], other: &[f64], factor: f64) {
    for (value, other) in to.iter_mut().zip(other) {
        *value += factor * other;
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| if value.abs() > largest { value.abs() } else { largest })
}

/// Returns the change of an objective that rounding alone can make.
fn rounding(value: f64) -> f64 {
    1e-14 * (1.0 + value.abs())
}
