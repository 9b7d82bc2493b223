//! The rows that metrics are computed on: truth, scores and weights, checked once at the door.

use crate::error::MetricsError;
use yard_types::frame::{Costs, Task};

/// Rows of a binary task: class codes (0 negative, 1 positive) and the probability of the positive class.
#[derive(Clone, Copy, Debug)]
pub struct BinaryRows<'a> {
    y: &'a [u8],
    p: &'a [f32],
    weights: Option<&'a [f64]>,
}

impl<'a> BinaryRows<'a> {
    /// Checks and holds `y` (0 or 1) and `p` (0..=1), one of each per row. Zero rows are allowed: every
    /// metric is then undefined.
    pub fn new(y: &'a [u8], p: &'a [f32]) -> Result<Self, MetricsError> {
        same_length("probabilities", y.len(), p.len())?;
        if let Some(row) = y.iter().position(|code| *code > 1) {
            return Err(MetricsError::Class { row, code: y[row].into(), classes: 2 });
        }
        check_probabilities(p, 1)?;
        Ok(Self { y, p, weights: None })
    }

    /// Adds row weights (finite, at least 0).
    pub fn with_weights(mut self, weights: &'a [f64]) -> Result<Self, MetricsError> {
        check_weights(weights, self.y.len())?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// Returns the class codes.
    pub fn y(&self) -> &'a [u8] {
        self.y
    }

    /// Returns the probabilities of the positive class.
    pub fn p(&self) -> &'a [f32] {
        self.p
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Returns the weights, ones when none were given.
    pub fn weights(&self) -> Vec<f64> {
        weights_or_ones(self.weights, self.y.len())
    }
}

/// Rows of a task with several classes.
#[derive(Clone, Copy, Debug)]
pub struct MulticlassRows<'a> {
    y: &'a [usize],
    p: &'a [f32],
    classes: usize,
    weights: Option<&'a [f64]>,
}

impl<'a> MulticlassRows<'a> {
    /// Checks and holds class codes `y` (below `classes`) and probabilities `p`, `[n_rows, classes]`,
    /// row-major.
    pub fn new(y: &'a [usize], p: &'a [f32], classes: usize) -> Result<Self, MetricsError> {
        same_length("probabilities", y.len().saturating_mul(classes), p.len())?;
        if let Some(row) = y.iter().position(|code| *code >= classes) {
            return Err(MetricsError::Class { row, code: y[row], classes });
        }
        check_probabilities(p, classes)?;
        Ok(Self { y, p, classes, weights: None })
    }

    /// Adds row weights (finite, at least 0).
    pub fn with_weights(mut self, weights: &'a [f64]) -> Result<Self, MetricsError> {
        check_weights(weights, self.y.len())?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// Returns the class codes.
    pub fn y(&self) -> &'a [usize] {
        self.y
    }

    /// Returns the probabilities, `[n_rows, classes]`.
    pub fn p(&self) -> &'a [f32] {
        self.p
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Returns the weights, ones when none were given.
    pub fn weights(&self) -> Vec<f64> {
        weights_or_ones(self.weights, self.y.len())
    }

    /// Returns the class of the largest probability of each row; the first of equal ones.
    pub fn predicted(&self) -> Vec<usize> {
        self.p
            .chunks_exact(self.classes.max(1))
            .map(|row| {
                (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
            })
            .collect()
    }
}

/// Rows of a regression.
#[derive(Clone, Copy, Debug)]
pub struct RegressionRows<'a> {
    truth: &'a [f64],
    prediction: &'a [f32],
    weights: Option<&'a [f64]>,
}

impl<'a> RegressionRows<'a> {
    /// Checks and holds truth and prediction, both finite.
    pub fn new(truth: &'a [f64], prediction: &'a [f32]) -> Result<Self, MetricsError> {
        same_length("predictions", truth.len(), prediction.len())?;
        for (row, (t, p)) in truth.iter().zip(prediction).enumerate() {
            if !t.is_finite() {
                return Err(MetricsError::NotFinite { what: "truth", row, value: *t });
            }
            if !p.is_finite() {
                return Err(MetricsError::NotFinite { what: "prediction", row, value: f64::from(*p) });
            }
        }
        Ok(Self { truth, prediction, weights: None })
    }

    /// Adds row weights (finite, at least 0).
    pub fn with_weights(mut self, weights: &'a [f64]) -> Result<Self, MetricsError> {
        check_weights(weights, self.truth.len())?;
        self.weights = Some(weights);
        Ok(self)
    }

    /// Returns the true values.
    pub fn truth(&self) -> &'a [f64] {
        self.truth
    }

    /// Returns the predictions.
    pub fn prediction(&self) -> &'a [f32] {
        self.prediction
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    /// Returns the weights, ones when none were given.
    pub fn weights(&self) -> Vec<f64> {
        weights_or_ones(self.weights, self.truth.len())
    }
}

/// Rows of any task.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// Two classes.
    Binary(BinaryRows<'a>),
    /// Several classes.
    Multiclass(MulticlassRows<'a>),
    /// A number.
    Regression(RegressionRows<'a>),
}

impl Rows<'_> {
    /// Returns the task.
    pub fn task(&self) -> Task {
        match self {
            Self::Binary(_) => Task::Binary,
            Self::Multiclass(_) => Task::Multiclass,
            Self::Regression(_) => Task::Regression,
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Binary(rows) => rows.len(),
            Self::Multiclass(rows) => rows.len(),
            Self::Regression(rows) => rows.len(),
        }
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the weights, ones when none were given.
    pub fn weights(&self) -> Vec<f64> {
        match self {
            Self::Binary(rows) => rows.weights(),
            Self::Multiclass(rows) => rows.weights(),
            Self::Regression(rows) => rows.weights(),
        }
    }
}

/// How a binary score becomes a decision, and what it costs. Other tasks ignore it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Probability at or above which one acts.
    pub threshold: f64,
    /// Costs per outcome.
    pub costs: Costs,
}

impl Default for Decision {
    /// Threshold 0.5, both errors cost 1.
    fn default() -> Self {
        Self { threshold: 0.5, costs: Costs::default() }
    }
}

fn same_length(what: &'static str, expected: usize, got: usize) -> Result<(), MetricsError> {
    if expected == got { Ok(()) } else { Err(MetricsError::Length { what, expected, got }) }
}

fn check_probabilities(p: &[f32], per_row: usize) -> Result<(), MetricsError> {
    match p.iter().position(|value| !(0.0..=1.0).contains(value)) {
        Some(index) => {
            Err(MetricsError::Probability { row: index / per_row.max(1), value: f64::from(p[index]) })
        }
        None => Ok(()),
    }
}

fn check_weights(weights: &[f64], rows: usize) -> Result<(), MetricsError> {
    same_length("weights", rows, weights.len())?;
    match weights.iter().position(|value| !value.is_finite() || *value < 0.0) {
        Some(row) => Err(MetricsError::Weight { row, value: weights[row] }),
        None => Ok(()),
    }
}

fn weights_or_ones(weights: Option<&[f64]>, rows: usize) -> Vec<f64> {
    weights.map_or_else(|| vec![1.0; rows], <[f64]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_named_with_row_and_value() {
        let wrong = BinaryRows::new(&[0, 1, 2], &[0.1, 0.2, 0.3]).err();
        assert_eq!(wrong, Some(MetricsError::Class { row: 2, code: 2, classes: 2 }));
        assert!(BinaryRows::new(&[0, 1], &[0.1]).is_err());
        assert!(BinaryRows::new(&[0, 1], &[0.1, f32::NAN]).is_err());
        assert!(BinaryRows::new(&[0, 1], &[0.1, 1.5]).is_err());
        assert!(MulticlassRows::new(&[0, 3], &[0.5; 6], 3).is_err());
        assert!(RegressionRows::new(&[0.0, f64::INFINITY], &[0.0, 1.0]).is_err());
        let weights = [1.0, -1.0];
        let rows = RegressionRows::new(&[0.0, 1.0], &[0.0, 1.0]);
        assert!(rows.is_ok_and(|rows| rows.with_weights(&weights).is_err()));
    }

    #[test]
    fn message_says_what_failed_what_was_expected_and_what_to_do() {
        let message = MetricsError::Length { what: "weights", expected: 3, got: 2 }.to_string();
        assert_eq!(message, "weights: 2 values for 3 rows; pass one value per row");
    }
}
