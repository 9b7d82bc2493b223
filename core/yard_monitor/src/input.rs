//! What a window is made of, and how pieces become windows.

use crate::error::MonitorError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yard_metrics::{
    BinaryRows, MetricsError, MulticlassRows, RegressionRows, Rows,
    sketch::{LatencyHistogram, SketchCounts},
};
use yard_types::frame::Task;

/// Rows whose label has arrived, in the order of the requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Labelled {
    /// No labels yet.
    #[default]
    None,
    /// Binary task.
    Binary {
        /// Class codes, 0 or 1.
        y: Vec<u8>,
        /// Probability of the positive class that was served.
        p: Vec<f32>,
    },
    /// Several classes.
    Multiclass {
        /// Class codes.
        y: Vec<usize>,
        /// Probabilities that were served, `[n_rows, classes]`.
        p: Vec<f32>,
        /// Number of classes.
        classes: usize,
    },
    /// Regression.
    Regression {
        /// True values.
        truth: Vec<f64>,
        /// Predictions that were served.
        prediction: Vec<f32>,
    },
}

impl Labelled {
    /// Returns the number of labelled rows.
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Binary { y, .. } => y.len(),
            Self::Multiclass { y, .. } => y.len(),
            Self::Regression { truth, .. } => truth.len(),
        }
    }

    /// Returns whether no labels have arrived.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the task of the rows; `None` without labels.
    pub fn task(&self) -> Option<Task> {
        match self {
            Self::None => None,
            Self::Binary { .. } => Some(Task::Binary),
            Self::Multiclass { .. } => Some(Task::Multiclass),
            Self::Regression { .. } => Some(Task::Regression),
        }
    }

    /// Returns the rows for the metrics; `None` without labels.
    pub(crate) fn rows(&self) -> Result<Option<Rows<'_>>, MetricsError> {
        Ok(match self {
            Self::None => None,
            Self::Binary { y, p } => Some(Rows::Binary(BinaryRows::new(y, p)?)),
            Self::Multiclass { y, p, classes } => {
                Some(Rows::Multiclass(MulticlassRows::new(y, p, *classes)?))
            }
            Self::Regression { truth, prediction } => {
                Some(Rows::Regression(RegressionRows::new(truth, prediction)?))
            }
        })
    }

    /// Adds the rows of another piece; false when they are of another task.
    fn append(&mut self, other: &Self) -> bool {
        match (&mut *self, other) {
            (_, Self::None) => {}
            (Self::None, other) => *self = other.clone(),
            (Self::Binary { y, p }, Self::Binary { y: more, p: scores }) => {
                y.extend(more);
                p.extend(scores);
            }
            (Self::Multiclass { y, p, classes }, Self::Multiclass { y: more, p: scores, classes: same })
                if classes == same =>
            {
                y.extend(more);
                p.extend(scores);
            }
            (
                Self::Regression { truth, prediction },
                Self::Regression { truth: more, prediction: scores },
            ) => {
                truth.extend(more);
                prediction.extend(scores);
            }
            _ => return false,
        }
        true
    }
}

/// One window of requests, or a piece of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowInput {
    /// Start, RFC 3339.
    pub from: String,
    /// End, RFC 3339.
    pub to: String,
    /// Version that answered, 0 for several.
    pub version: u64,
    /// Rows answered or failed.
    pub requests: u64,
    /// Rows failed.
    pub errors: u64,
    /// Response times.
    pub latency: LatencyHistogram,
    /// Counts per field, in the bins of the reference sketches. A field of the reference that is absent here
    /// is not judged.
    pub fields: BTreeMap<String, SketchCounts>,
    /// Counts of the score, in the bins of the reference's score.
    pub score: Option<SketchCounts>,
    /// Rows whose label has arrived.
    #[serde(default)]
    pub labelled: Labelled,
}

impl WindowInput {
    /// Adds a later piece of the same version.
    pub fn merge(&mut self, later: &Self) -> Result<(), MonitorError> {
        let problem = |problem: String| MonitorError::Merge {
            first: self.from.clone(),
            second: later.from.clone(),
            problem,
        };
        if self.version != later.version {
            return Err(problem(format!("versions {} and {} differ", self.version, later.version)));
        }
        let mut merged = self.clone();
        merged.to.clone_from(&later.to);
        merged.requests += later.requests;
        merged.errors += later.errors;
        merged.latency.merge(&later.latency);
        for (field, counts) in &later.fields {
            match merged.fields.get_mut(field) {
                Some(known) => known.merge(counts).map_err(|error| problem(format!("{field}: {error}")))?,
                None => {
                    merged.fields.insert(field.clone(), counts.clone());
                }
            }
        }
        match (&mut merged.score, &later.score) {
            (Some(known), Some(counts)) => known.merge(counts).map_err(|error| problem(error.to_string()))?,
            (None, Some(counts)) => merged.score = Some(counts.clone()),
            (_, None) => {}
        }
        if !merged.labelled.append(&later.labelled) {
            return Err(problem("their labels are of different tasks".to_owned()));
        }
        *self = merged;
        Ok(())
    }
}

/// Joins pieces, oldest first, into windows of at least `rows` rows of one version each; the last window of
/// a version may be smaller. Pieces of several versions may be mixed: each version has its own windows.
/// Windows come in the order of their start.
pub fn windows_by_count(pieces: &[WindowInput], rows: u64) -> Result<Vec<WindowInput>, MonitorError> {
    let mut windows: Vec<WindowInput> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for piece in pieces {
        let index = if let Some(index) = open.get(&piece.version) {
            windows[*index].merge(piece)?;
            *index
        } else {
            windows.push(piece.clone());
            windows.len() - 1
        };
        if windows[index].requests >= rows.max(1) {
            open.remove(&piece.version);
        } else {
            open.insert(piece.version, index);
        }
    }
    Ok(windows)
}
