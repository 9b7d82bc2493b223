//! Regression metrics with scikit-learn's names and values. Predictions are f32 and are widened to f64
//! before anything is computed.

use crate::{
    rows::RegressionRows,
    sum::{dot, sum, sum_by},
};

/// Returns the square root of the mean squared error; `None` without rows.
pub fn rmse(rows: &RegressionRows<'_>) -> Option<f64> {
    value(rows, 0)
}

/// Returns the mean absolute error; `None` without rows.
pub fn mae(rows: &RegressionRows<'_>) -> Option<f64> {
    value(rows, 1)
}

/// Returns `1 − Σ(y − ŷ)² / Σ(y − mean y)²`; `None` below two rows. A constant truth gives 1 when it is
/// predicted exactly, else 0.
pub fn r2(rows: &RegressionRows<'_>) -> Option<f64> {
    value(rows, 2)
}

/// Returns the (weighted) median of the absolute error, the mean of the two middle ones when the halves
/// weigh the same; `None` without rows.
pub fn median_absolute_error(rows: &RegressionRows<'_>) -> Option<f64> {
    value(rows, 3)
}

fn value(rows: &RegressionRows<'_>, index: usize) -> Option<f64> {
    let values = RegressionPrepared::new(rows).values(&rows.weights(), &mut Vec::new());
    values.get(index).copied().flatten()
}

/// Errors of each row, and the rows in order of the absolute error.
pub(crate) struct RegressionPrepared {
    truth: Vec<f64>,
    absolute: Vec<f64>,
    squared: Vec<f64>,
    order: Vec<u32>,
}

impl RegressionPrepared {
    pub(crate) const NAMES: &'static [&'static str] = &["rmse", "mae", "r2", "median_absolute_error"];

    pub(crate) fn new(rows: &RegressionRows<'_>) -> Self {
        let errors: Vec<f64> =
            rows.truth().iter().zip(rows.prediction()).map(|(t, p)| t - f64::from(*p)).collect();
        let absolute: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        let mut order: Vec<u32> = (0..errors.len() as u32).collect();
        order.sort_by(|a, b| absolute[*a as usize].total_cmp(&absolute[*b as usize]));
        Self {
            truth: rows.truth().to_vec(),
            squared: errors.iter().map(|error| error * error).collect(),
            absolute,
            order,
        }
    }

    pub(crate) fn values(&self, weights: &[f64], scratch: &mut Vec<f64>) -> Vec<Option<f64>> {
        let total = sum(weights);
        if total <= 0.0 {
            return vec![None; Self::NAMES.len()];
        }
        let residual = dot(&self.squared, weights);
        scratch.clear();
        scratch.extend(self.order.iter().map(|row| weights[*row as usize]));
        vec![
            Some((residual / total).sqrt()),
            Some(dot(&self.absolute, weights) / total),
            self.r2(weights, total, residual),
            self.weighted_median(scratch, sum(scratch)),
        ]
    }

    fn r2(&self, weights: &[f64], total: f64, residual: f64) -> Option<f64> {
        if self.truth.len() < 2 {
            return None;
        }
        let mean = dot(&self.truth, weights) / total;
        let spread = sum_by(self.truth.len(), |row| weights[row] * (self.truth[row] - mean).powi(2));
        if spread > 0.0 {
            return Some(1.0 - residual / spread);
        }
        Some(if residual > 0.0 { 0.0 } else { 1.0 })
    }

    fn weighted_median(&self, ordered_weights: &[f64], total: f64) -> Option<f64> {
        let half = 0.5 * total;
        let error = |rank: usize| self.absolute[self.order[rank] as usize];
        let mut below = 0.0;
        let mut ranks = (0..ordered_weights.len()).filter(|rank| ordered_weights[*rank] > 0.0);
        while let Some(rank) = ranks.next() {
            below += ordered_weights[rank];
            if below < half - f64::EPSILON {
                continue;
            }
            let even = (below - half).abs() <= f64::EPSILON;
            let next = if even { ranks.next() } else { None };
            return Some(next.map_or(error(rank), |next| 0.5 * (error(rank) + error(next))));
        }
        None
    }
}
