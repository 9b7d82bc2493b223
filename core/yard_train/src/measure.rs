//! Predictions of the scorer on rows with a target, and their metrics.

use crate::{TrainError, target::Part};
use rayon::prelude::*;
use std::collections::BTreeMap;
use yard_metrics::{
    BinaryRows, Decision, MulticlassRows, RegressionRows, Rows,
    bootstrap::{self, Bootstrap},
    metric_set,
};
use yard_score::{
    encode,
    math::{ln, sigmoid, softmax},
    predictions::Predictions,
    scorer::Scorer,
};
use yard_types::{
    frame::{Frame, Task},
    metric::{MetricSet, MetricValue},
    table::Table,
};

/// Rows that one thread scores at a time.
const CHUNK: usize = 4096;
/// Row draws that intervals may cost.
const DRAWS: usize = 10_000_000;

/// Scores rows of a table; threads take whole chunks, the answers don't depend on it.
pub(crate) fn score(scorer: &Scorer, table: &Table, rows: &[u32]) -> Result<Predictions, TrainError> {
    let failed = |error| TrainError::part("scorer", &error);
    let bound = scorer.encoder().bind(table).map_err(failed)?;
    let mut parts = rows
        .par_chunks(CHUNK)
        .map(|chunk| scorer.score_bound(&bound, encode::Rows::List(chunk)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?
        .into_iter();
    let Some(mut all) = parts.next() else {
        return scorer.score_bound(&bound, encode::Rows::List(&[])).map_err(failed);
    };
    parts.for_each(|part| all.append(part));
    Ok(all)
}

/// Truth and predictions of rows, as the metrics take them.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    truth: Truth,
    /// Probability of the positive class, of all classes, or the prediction.
    values: Vec<f32>,
    weights: Option<Vec<f64>>,
}

#[derive(Clone, Debug)]
enum Truth {
    Binary(Vec<u8>),
    Multiclass(Vec<usize>, usize),
    Regression(Vec<f64>),
}

impl Scored {
    pub(crate) fn new(frame: &Frame, part: &Part, predictions: &Predictions) -> Self {
        let (truth, values) = match frame.task {
            Task::Binary => {
                let codes = part.y.iter().map(|y| *y as u8).collect();
                (Truth::Binary(codes), predictions.class_probabilities(1))
            }
            Task::Multiclass => {
                let codes = part.y.iter().map(|y| *y as usize).collect();
                (Truth::Multiclass(codes, frame.classes.len()), predictions.probabilities.clone())
            }
            Task::Regression => (Truth::Regression(part.y.clone()), predictions.margins.clone()),
        };
        Self { truth, values, weights: part.weights.clone() }
    }

    /// Makes rows of a part with predictions as [`Self::values`] gives them; `None` when their number is
    /// another one.
    pub(crate) fn of(frame: &Frame, part: &Part, values: Vec<f32>) -> Option<Self> {
        let codes = || part.y.iter().map(|y| *y as usize);
        let truth = match frame.task {
            Task::Binary => Truth::Binary(codes().map(|code| code as u8).collect()),
            Task::Multiclass => Truth::Multiclass(codes().collect(), frame.classes.len()),
            Task::Regression => Truth::Regression(part.y.clone()),
        };
        let scored = Self { truth, values, weights: part.weights.clone() };
        (scored.values.len() == part.y.len() * scored.width()).then_some(scored)
    }

    /// Returns the predictions: probabilities of the positive class, of all classes row by row, or values.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns what a weighted sum of models adds up: the prediction, the log-odds of the positive class,
    /// or the logarithm of each class's probability.
    pub(crate) fn scores(&self) -> Vec<f64> {
        let inside = |p: f32| f64::from(p).clamp(1e-9, 1.0 - 1e-9);
        match &self.truth {
            Truth::Binary(_) => self.values.iter().map(|p| ln(inside(*p)) - ln(1.0 - inside(*p))).collect(),
            Truth::Multiclass(..) => self.values.iter().map(|p| ln(inside(*p))).collect(),
            Truth::Regression(_) => self.values.iter().map(|value| f64::from(*value)).collect(),
        }
    }

    /// Returns the same rows with the predictions that such scores give.
    pub(crate) fn with_scores(&self, mut scores: Vec<f64>) -> Self {
        match &self.truth {
            Truth::Binary(_) => {
                for score in &mut scores {
                    *score = sigmoid(*score);
                }
            }
            Truth::Multiclass(_, classes) => scores.chunks_exact_mut(*classes).for_each(softmax),
            Truth::Regression(_) => {}
        }
        let values = scores.into_iter().map(|score| score as f32).collect();
        Self { truth: self.truth.clone(), values, weights: self.weights.clone() }
    }

    /// Makes rows of a regression.
    #[cfg(test)]
    pub(crate) fn of_values(part: &Part, values: Vec<f32>) -> Self {
        Self { truth: Truth::Regression(part.y.clone()), values, weights: part.weights.clone() }
    }

    /// Returns the values per row.
    fn width(&self) -> usize {
        if let Truth::Multiclass(_, classes) = &self.truth { *classes } else { 1 }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width()
    }

    /// Returns some rows, in the order given.
    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        let width = self.width();
        let truth = match &self.truth {
            Truth::Binary(y) => Truth::Binary(rows.iter().map(|row| y[*row]).collect()),
            Truth::Multiclass(y, classes) => {
                Truth::Multiclass(rows.iter().map(|row| y[*row]).collect(), *classes)
            }
            Truth::Regression(y) => Truth::Regression(rows.iter().map(|row| y[*row]).collect()),
        };
        Self {
            truth,
            values: rows
                .iter()
                .flat_map(|row| &self.values[row * width..(row + 1) * width])
                .copied()
                .collect(),
            weights: self.weights.as_ref().map(|all| rows.iter().map(|row| all[*row]).collect()),
        }
    }

    /// Returns the same rows with other predictions.
    pub(crate) fn with_predictions(&self, predictions: &Predictions) -> Self {
        let values = match &self.truth {
            Truth::Binary(_) => predictions.class_probabilities(1),
            Truth::Multiclass(..) => predictions.probabilities.clone(),
            Truth::Regression(_) => predictions.margins.clone(),
        };
        Self { truth: self.truth.clone(), values, weights: self.weights.clone() }
    }

    /// Returns the rows of the positive class (binary), else 0.
    pub(crate) fn positives(&self) -> u64 {
        if let Truth::Binary(y) = &self.truth { y.iter().map(|y| u64::from(*y)).sum() } else { 0 }
    }

    /// Returns the rows of a binary task.
    pub(crate) fn binary(&self) -> Result<Option<BinaryRows<'_>>, TrainError> {
        match self.rows()? {
            Rows::Binary(rows) => Ok(Some(rows)),
            _ => Ok(None),
        }
    }

    /// Returns the rows for the metrics crate.
    pub(crate) fn rows(&self) -> Result<Rows<'_>, TrainError> {
        let (values, weights) = (&self.values, self.weights.as_deref());
        let rows = match &self.truth {
            Truth::Binary(y) => BinaryRows::new(y, values)
                .and_then(|rows| weights.map_or(Ok(rows), |w| rows.with_weights(w)))
                .map(Rows::Binary),
            Truth::Multiclass(y, classes) => MulticlassRows::new(y, values, *classes)
                .and_then(|rows| weights.map_or(Ok(rows), |w| rows.with_weights(w)))
                .map(Rows::Multiclass),
            Truth::Regression(y) => RegressionRows::new(y, values)
                .and_then(|rows| weights.map_or(Ok(rows), |w| rows.with_weights(w)))
                .map(Rows::Regression),
        };
        rows.map_err(|error| TrainError::part("metrics", &error))
    }

    /// Returns the metrics without intervals.
    pub(crate) fn points(&self, decision: &Decision) -> Result<BTreeMap<String, f64>, TrainError> {
        Ok(metric_set(self.rows()?, decision))
    }

    /// Returns the metrics as a set without intervals.
    pub(crate) fn point_set(&self, decision: &Decision) -> Result<MetricSet, TrainError> {
        let points = self.points(decision)?;
        Ok(points.into_iter().map(|(name, value)| (name, MetricValue::point(value))).collect())
    }

    /// Returns the metrics with 95 % bootstrap intervals: `resamples` of them, fewer (at least 100) when
    /// the rows are many.
    pub(crate) fn intervals(
        &self,
        decision: &Decision,
        resamples: u32,
        seed: u64,
    ) -> Result<MetricSet, TrainError> {
        let bootstrap = Bootstrap { resamples: resamples_for(self.len(), resamples), seed };
        Ok(bootstrap::intervals(self.rows()?, decision, &bootstrap))
    }
}

/// Returns how many resamples fit the effort for this many rows: at least 100.
pub(crate) fn resamples_for(rows: usize, wanted: u32) -> u32 {
    ((DRAWS / rows.max(1)) as u32).clamp(100.min(wanted), wanted)
}

/// Returns the decision of a frame at a threshold.
pub(crate) fn decision(frame: &Frame, threshold: Option<f64>) -> Decision {
    Decision { threshold: threshold.unwrap_or_else(|| frame.threshold()), costs: frame.costs_or_default() }
}
