//! Trust-region Newton with conjugate gradients: for linear models with very many parameters, where a
//! Hessian can be multiplied with but not held. Coordinates are scaled by the root of the Hessian's diagonal.
//! Papers: Lin, Weng and Keerthi, 2008, "Trust region Newton method for large-scale logistic
//! regression", Journal of Machine Learning Research 9; Steihaug, 1983, doi:10.1137/0720042.

use super::{
    cholesky::dot,
    wide::{Point, Wide},
};
use crate::TrainError;

/// Largest slope, as a share of 1 + objective, at which the solver stops.
const TOLERANCE: f64 = 1e-6;
const NEWTON_STEPS: u32 = 100;
const GRADIENT_STEPS: usize = 100;
/// Residual of the linear system, as a share of the gradient, at which conjugate gradients stop.
const RESIDUAL: f64 = 0.1;

/// Moves `theta` to the minimum; returns the steps taken. `proceed()` is asked between products.
pub(super) fn minimise(
    wide: &Wide<'_>,
    theta: &mut Vec<f64>,
    tolerance: Option<f64>,
    proceed: &dyn Fn() -> Result<(), TrainError>,
) -> Result<u32, TrainError> {
    let tolerance = tolerance.unwrap_or(TOLERANCE);
    let mut point = wide.point(theta);
    let mut radius = f64::INFINITY;
    for step in 0..NEWTON_STEPS {
        proceed()?;
        let steepest = point.gradient.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        if !point.value.is_finite() || steepest <= tolerance * (1.0 + point.value.abs()) {
            return Ok(step);
        }
        let scales: Vec<f64> =
            wide.diagonal(&point).into_iter().map(|value| 1.0 / value.max(1e-12).sqrt()).collect();
        let direction = Direction { wide, point: &point, scales: &scales };
        let found = direction.within(radius, proceed)?;
        let mut next: Vec<f64> =
            theta.iter().zip(&found.step).zip(&scales).map(|((at, step), scale)| at + step * scale).collect();
        let reached = wide.point(&next);
        let gained = point.value - reached.value;
        let ratio = gained / found.promised;
        let length = dot(&found.step, &found.step).sqrt();
        // Where the objective can't tell points apart, the model is believed.
        let still = found.promised <= 1e-14 * (1.0 + point.value.abs());
        if ratio.is_nan() || ratio < 0.25 {
            radius = 0.25 * length;
        } else if ratio > 0.75 && found.at_edge {
            radius = 2.0 * length;
        }
        if ratio > 1e-4 || (still && reached.value <= point.value + 1e-13) {
            std::mem::swap(theta, &mut next);
            point = reached;
        }
        if still || radius < 1e-12 {
            return Ok(step + 1);
        }
    }
    Ok(NEWTON_STEPS)
}

/// The linear system of a Newton step in scaled coordinates.
struct Direction<'a> {
    wide: &'a Wide<'a>,
    point: &'a Point,
    scales: &'a [f64],
}

struct Found {
    step: Vec<f64>,
    /// By how much the quadratic model falls.
    promised: f64,
    at_edge: bool,
}

impl Direction<'_> {
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let unscaled: Vec<f64> = v.iter().zip(self.scales).map(|(v, scale)| v * scale).collect();
        let mut product = self.wide.times(self.point, &unscaled);
        product.iter_mut().zip(self.scales).for_each(|(value, scale)| *value *= scale);
        product
    }

    /// Solves H s = −g by conjugate gradients, no further than the radius.
    fn within(&self, radius: f64, proceed: &dyn Fn() -> Result<(), TrainError>) -> Result<Found, TrainError> {
        let mut residual: Vec<f64> =
            self.point.gradient.iter().zip(self.scales).map(|(slope, scale)| -slope * scale).collect();
        let gradient = residual.clone();
        let mut step = vec![0.0; residual.len()];
        let mut turned = vec![0.0; residual.len()]; // H × step
        let mut along = residual.clone();
        let mut square = dot(&residual, &residual);
        let goal = RESIDUAL * RESIDUAL * square;
        let mut at_edge = false;
        for _ in 0..GRADIENT_STEPS {
            if square <= goal {
                break;
            }
            proceed()?;
            let product = self.times(&along);
            let curvature = dot(&along, &product);
            let free = if curvature > 0.0 { square / curvature } else { f64::INFINITY };
            let edge = if radius.is_finite() { to_edge(&step, &along, radius) } else { f64::INFINITY };
            let length = free.min(edge);
            if !length.is_finite() {
                break;
            }
            add_scaled(&mut step, &along, length);
            add_scaled(&mut turned, &product, length);
            if edge <= free {
                at_edge = true;
                break;
            }
            add_scaled(&mut residual, &product, -length);
            let next = dot(&residual, &residual);
            let factor = next / square;
            along.iter_mut().zip(&residual).for_each(|(along, residual)| *along = residual + factor * *along);
            square = next;
        }
        let promised = dot(&gradient, &step) - 0.5 * dot(&turned, &step);
        Ok(Found { step, promised, at_edge })
    }
}

/// Returns how far along a direction the radius is met.
fn to_edge(step: &[f64], along: &[f64], radius: f64) -> f64 {
    let (a, b) = (dot(along, along), dot(step, along));
    let c = dot(step, step) - radius * radius;
    let root = (b * b - a * c).max(0.0).sqrt();
    // The form without cancellation.
    if b <= 0.0 { (root - b) / a } else { -c / (b + root) }
}

fn add_scaled(to: &mut [f64], other: &[f64], factor: f64) {
    to.iter_mut().zip(other).for_each(|(value, other)| *value += factor * other);
}
