//! Absolute error and the pinball loss of a quantile, and weighted quantiles.
//!
//! The slopes of these losses say little about how far to go, so trees are grown on the slopes and
//! each leaf then takes the quantile of its residuals (Friedman, 2001, doi:10.1214/aos/1013203451,
//! algorithm 3, for the median).

use super::{Block, Loss, check_targets};
use crate::error::BoostError;

/// `slope × (m − y)` above the target and `−other × (m − y)` below.
pub(super) struct Pinball {
    level: f64,
    /// Slope where the margin is above the target.
    above: f64,
    /// Slope, without its sign, where it is below.
    below: f64,
}

impl Pinball {
    pub(super) fn quantile(level: f64) -> Self {
        Self { level, above: 1.0 - level, below: level }
    }

    pub(super) fn absolute() -> Self {
        Self { level: 0.5, above: 1.0, below: 1.0 }
    }
}

/// Values with their weights.
pub(super) struct Weighted;

impl Weighted {
    pub(super) fn of(y: &[f32], weights: Option<&[f32]>) -> Vec<(f64, f64)> {
        let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
        y.iter().enumerate().map(|(row, &value)| (f64::from(value), weight(row))).collect()
    }
}

/// Quantile of values with weights: the smallest value at which the weights reach `level` of their sum,
/// the middle to the next value where they reach it exactly. Ties and order do not matter; 0 for none.
/// Reorders the values.
pub(super) fn weighted_quantile(values: &mut [(f64, f64)], level: f64) -> f64 {
    let Some(&(_, first)) = values.first() else { return 0.0 };
    if values.iter().all(|&(_, weight)| weight.to_bits() == first.to_bits()) {
        return quantile(values, level);
    }
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = values.iter().map(|value| value.1).sum();
    let wanted = level * total;
    let mut sum = 0.0;
    let mut found: Option<f64> = None;
    for &(value, weight) in values.iter().filter(|value| value.1 > 0.0) {
        match found {
            Some(low) => return f64::midpoint(low, value),
            None => sum += weight,
        }
        if sum > wanted {
            return value;
        }
        if sum == wanted {
            found = Some(value);
        }
    }
    found.or_else(|| values.last().map(|value| value.0)).unwrap_or(0.0)
}

/// The same for equal weights, without sorting all.
fn quantile(values: &mut [(f64, f64)], level: f64) -> f64 {
    let wanted = level * values.len() as f64;
    let order = |a: &(f64, f64), b: &(f64, f64)| a.0.total_cmp(&b.0);
    let whole = wanted.fract() == 0.0 && wanted >= 1.0 && wanted < values.len() as f64;
    let at = (wanted.floor() as usize).min(values.len() - 1);
    let (below, &mut (value, _), _) = values.select_nth_unstable_by(at, order);
    if !whole {
        return value;
    }
    let low = below.iter().map(|value| value.0).fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(low, value)
}

impl Loss for Pinball {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "a finite number", f32::is_finite)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        vec![weighted_quantile(&mut Weighted::of(y, weights), self.level)]
    }

    fn constant_hessian(&self) -> Option<f64> {
        Some(1.0)
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((self.above.max(self.below), 1.0))
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        for ((&m, &y), (g, h)) in block.margins.iter().zip(block.y).zip(gradient.iter_mut().zip(hessian)) {
            *g = match m.total_cmp(&y) {
                std::cmp::Ordering::Greater => self.above,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Less => -self.below,
            };
            *h = 1.0;
        }
    }

    fn renews(&self) -> bool {
        true
    }

    fn leaf(&self, residuals: &mut [(f64, f64)]) -> f64 {
        weighted_quantile(residuals, self.level)
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            let error = f64::from(m) - f64::from(y);
            *loss = if error > 0.0 { self.above * error } else { -self.below * error };
        }
    }
}
