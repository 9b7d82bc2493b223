//! Margins, the probabilities made of them, and the decisions taken on them.
//!
//! A probability is computed in f64 from the f32 margin by the calibration and the link, and rounded to
//! f32 once. A decision compares margins with the margin of the probability threshold, never rounded
//! probabilities.
//!
//! Numbers are printed everywhere (JSON, CSV) as the f64 of the same value, in the shortest text that
//! gives that f64 back: `f64::from(p)`; then a Parquet file of f32 and a text file compare equal.
//!
//! Calibration: Platt (1999), "Probabilistic outputs for support vector machines"; Guo et al. (2017),
//! "On calibration of modern neural networks", arXiv:1706.04599.

use crate::{
    math,
    model::{Calibration, Link},
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// How margins become probabilities and labels: link, calibration and class names of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    link: Link,
    calibration: Calibration,
    classes: Arc<[String]>,
}

/// The answer to one row, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct RowPrediction<'a> {
    outcome: &'a Outcome,
    /// Margins, one per output; of a regression the prediction, on the scale of the target.
    pub margins: &'a [f32],
    /// Probabilities, one per class (binary: negative, positive); empty for regression.
    pub probabilities: &'a [f32],
}

/// The answers to many rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    outcome: Outcome,
    /// Margins per row.
    pub outputs: usize,
    /// `[rows, outputs]`, row-major; of a regression the predictions, on the scale of the target.
    pub margins: Vec<f32>,
    /// `[rows, classes]`, row-major (binary: negative, positive); empty for regression.
    pub probabilities: Vec<f32>,
}

impl Outcome {
    pub(crate) fn new(link: Link, calibration: Calibration, classes: &[String]) -> Self {
        Self { link, calibration, classes: classes.into() }
    }

    /// Returns the classes in model order; empty for regression.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Returns the link.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Turns margins of a regression into predictions on the scale of the target.
    pub(crate) fn respond(&self, margins: &mut [f32]) {
        if self.link == Link::Log {
            for margin in margins {
                *margin = math::exp(f64::from(*margin)) as f32;
            }
        }
    }

    fn calibrated(&self, margin: f32) -> f64 {
        match self.calibration {
            Calibration::None => f64::from(margin),
            Calibration::Platt { slope, intercept } => slope * f64::from(margin) + intercept,
        }
    }

    /// Computes the probabilities of one row of margins. `scratch` holds at least one f64 per class.
    pub(crate) fn probabilities(&self, margins: &[f32], scratch: &mut [f64], out: &mut [f32]) {
        match self.link {
            Link::Identity | Link::Log => {}
            Link::Logistic => {
                let p = math::sigmoid(self.calibrated(margins[0]));
                out[0] = (1.0 - p) as f32;
                out[1] = p as f32;
            }
            Link::Softmax => {
                let slope = if let Calibration::Platt { slope, .. } = self.calibration { slope } else { 1.0 };
                let scores = &mut scratch[..margins.len()];
                for (score, margin) in scores.iter_mut().zip(margins) {
                    *score = slope * f64::from(*margin);
                }
                math::softmax(scores);
                for (slot, score) in out.iter_mut().zip(scores) {
                    *slot = *score as f32;
                }
            }
        }
    }

    /// Returns the margin at and above which a binary row counts as positive, for a probability
    /// threshold: 0 and below gives −∞ (always), 1 and above +∞ (never).
    pub fn margin_threshold(&self, probability: f64) -> f64 {
        let logit = math::logit(probability);
        match self.calibration {
            Calibration::None => logit,
            Calibration::Platt { slope, intercept } => (logit - intercept) / slope,
        }
    }

    fn label_index(&self, margins: &[f32]) -> usize {
        match self.link {
            Link::Identity | Link::Log => 0,
            Link::Logistic => usize::from(f64::from(margins[0]) >= self.margin_threshold(0.5)),
            Link::Softmax => {
                let mut best = 0;
                for (index, margin) in margins.iter().enumerate() {
                    if *margin > margins[best] {
                        best = index;
                    }
                }
                best
            }
        }
    }

    fn decision(&self, margins: &[f32], threshold: f64) -> Option<bool> {
        (self.link == Link::Logistic).then(|| f64::from(margins[0]) >= self.margin_threshold(threshold))
    }
}

impl RowPrediction<'_> {
    /// Returns the index of the predicted class: the largest margin, the first of equal ones; binary:
    /// 1 when the calibrated probability is at least one half. 0 for regression.
    pub fn label_index(&self) -> usize {
        self.outcome.label_index(self.margins)
    }

    /// Returns the predicted class; `None` for regression.
    pub fn label(&self) -> Option<&str> {
        self.outcome.classes.get(self.label_index()).map(String::as_str)
    }

    /// Returns whether a binary row is at or above a probability threshold; `None` for other tasks.
    pub fn decision(&self, threshold: f64) -> Option<bool> {
        self.outcome.decision(self.margins, threshold)
    }

    /// Returns the answer as the server and the golden examples print it:
    /// `{"prediction", "probabilities": {CLASS: p, ..}, "decision"}`; regression has `prediction` alone,
    /// several classes have no `decision`. `threshold` is the probability threshold of the decision.
    pub fn to_json(self, threshold: Option<f64>) -> Value {
        let mut answer = Map::new();
        if matches!(self.outcome.link, Link::Identity | Link::Log) {
            answer.insert("prediction".to_owned(), Value::from(f64::from(self.margins[0])));
            return Value::Object(answer);
        }
        answer.insert("prediction".to_owned(), Value::from(self.label().unwrap_or_default()));
        let named = self.outcome.classes.iter().zip(self.probabilities);
        let named = named.map(|(class, p)| (class.clone(), Value::from(f64::from(*p))));
        answer.insert("probabilities".to_owned(), Value::Object(named.collect()));
        if let Some(decision) = threshold.and_then(|threshold| self.decision(threshold)) {
            answer.insert("decision".to_owned(), Value::from(decision));
        }
        Value::Object(answer)
    }
}

impl<'a> RowPrediction<'a> {
    pub(crate) fn new(outcome: &'a Outcome, margins: &'a [f32], probabilities: &'a [f32]) -> Self {
        Self { outcome, margins, probabilities }
    }
}

impl Predictions {
    pub(crate) fn with_capacity(outcome: &Outcome, outputs: usize, rows: usize) -> Self {
        Self {
            outcome: outcome.clone(),
            outputs,
            margins: Vec::with_capacity(rows * outputs),
            probabilities: Vec::with_capacity(rows * outcome.classes.len()),
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.margins.len() / self.outputs.max(1)
    }

    /// Returns link, calibration and classes.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns the answer to a row; `None` out of range.
    pub fn row(&self, row: usize) -> Option<RowPrediction<'_>> {
        let classes = self.outcome.classes.len();
        Some(RowPrediction {
            outcome: &self.outcome,
            margins: self.margins.get(row * self.outputs..(row + 1) * self.outputs)?,
            probabilities: self.probabilities.get(row * classes..(row + 1) * classes)?,
        })
    }

    /// Returns the predicted class of a row; `None` for regression or out of range.
    pub fn label(&self, row: usize) -> Option<&str> {
        let index = self.row(row)?.label_index();
        self.outcome.classes.get(index).map(String::as_str)
    }

    /// Returns the index of the predicted class of each row.
    pub fn label_indices(&self) -> Vec<usize> {
        self.margins.chunks_exact(self.outputs.max(1)).map(|row| self.outcome.label_index(row)).collect()
    }

    /// Returns whether a binary row is at or above a probability threshold; `None` for other tasks or
    /// out of range. For many rows take [`Self::decisions`].
    pub fn decision(&self, row: usize, threshold: f64) -> Option<bool> {
        self.row(row)?.decision(threshold)
    }

    /// Returns the decision of every row at a probability threshold; empty unless the task is binary.
    pub fn decisions(&self, threshold: f64) -> Vec<bool> {
        if self.outcome.link != Link::Logistic {
            return Vec::new();
        }
        let margin = self.outcome.margin_threshold(threshold);
        self.margins.iter().map(|own| f64::from(*own) >= margin).collect()
    }

    /// Returns the probability of a class for every row; empty when the class does not exist.
    pub fn class_probabilities(&self, class: usize) -> Vec<f32> {
        let classes = self.outcome.classes.len();
        if class >= classes {
            return Vec::new();
        }
        self.probabilities.iter().skip(class).step_by(classes).copied().collect()
    }

    /// Appends the rows of `other`, which must come from the same scorer.
    pub fn append(&mut self, other: Self) {
        self.margins.extend(other.margins);
        self.probabilities.extend(other.probabilities);
    }
}
