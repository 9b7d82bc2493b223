//! Target and weights of rows. Rows whose target can't be used (missing,
//! infinite, of a class that the frame lacks) are left out and counted.

use crate::TrainError;
use yard_data::{NO_CLASS, Target};
use yard_metrics::sum::{dot, sum};
use yard_types::{
    frame::{Frame, Task},
    schema::{Role, Schema},
    table::{FieldValue, Table},
};

/// Rows with target and weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    /// Rows of the table that have a target, in the order given.
    pub(crate) rows: Vec<u32>,
    /// Class code or value per row.
    pub(crate) y: Vec<f64>,
    /// Weight per row, when the schema has a weight column.
    pub(crate) weights: Option<Vec<f64>>,
    /// Rows left out because their target can't be used.
    pub(crate) dropped: usize,
}

impl Part {
    /// Reads the target of `rows`.
    pub(crate) fn read(
        table: &Table,
        schema: &Schema,
        frame: &Frame,
        rows: &[u32],
    ) -> Result<Self, TrainError> {
        Self::of(&yard_data::target(table, schema, frame)?, (table, schema), frame, rows)
    }

    /// Takes `rows` of a target that was read before.
    pub(crate) fn of(
        target: &Target,
        (table, schema): (&Table, &Schema),
        frame: &Frame,
        rows: &[u32],
    ) -> Result<Self, TrainError> {
        let value = |row: u32| match frame.task {
            Task::Regression => target.values.get(row as usize).copied().filter(|value| !value.is_nan()),
            _ => target.codes.get(row as usize).filter(|code| **code != NO_CLASS).map(|c| f64::from(*c)),
        };
        let mut part = Self::default();
        for row in rows {
            match value(*row) {
                Some(y) => {
                    part.rows.push(*row);
                    part.y.push(y);
                }
                None => part.dropped += 1,
            }
        }
        part.weights = read_weights(table, schema, &part.rows)?;
        Ok(part)
    }

    /// Returns the positions given, in that order.
    pub(crate) fn take(&self, positions: &[usize]) -> Self {
        Self {
            rows: positions.iter().map(|at| self.rows[*at]).collect(),
            y: positions.iter().map(|at| self.y[*at]).collect(),
            weights: self.weights.as_ref().map(|all| positions.iter().map(|at| all[*at]).collect()),
            dropped: 0,
        }
    }

    /// Returns the weighted mean and standard deviation (with n) of the target.
    pub(crate) fn mean_and_sd(&self) -> (f64, f64) {
        let ones;
        let weights = if let Some(weights) = &self.weights {
            weights
        } else {
            ones = vec![1.0; self.y.len()];
            &ones
        };
        let total = sum(weights);
        let mean = dot(&self.y, weights) / total;
        let squares: Vec<f64> = self.y.iter().map(|y| (y - mean) * (y - mean)).collect();
        (mean, (dot(&squares, weights) / total).sqrt())
    }

    /// Returns the rows of each class.
    pub(crate) fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for y in &self.y {
            if let Some(count) = counts.get_mut(*y as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// Returns the weights as f32, for learners that take them so.
    pub(crate) fn weights_f32(&self) -> Option<Vec<f32>> {
        self.weights.as_ref().map(|weights| weights.iter().map(|w| *w as f32).collect())
    }
}

fn read_weights(table: &Table, schema: &Schema, rows: &[u32]) -> Result<Option<Vec<f64>>, TrainError> {
    let Some(field) = schema.with_role(Role::Weight) else { return Ok(None) };
    let problem = |what: String| TrainError::Settings {
        what: format!("weight column \"{}\": {what}; expected a finite number of at least 0", field.name),
        advice: "correct the column or give it another role".to_owned(),
    };
    let column = table.column(&field.name).ok_or_else(|| problem("not in the data".to_owned()))?;
    let mut weights = Vec::with_capacity(rows.len());
    for row in rows {
        match column.value(*row as usize) {
            FieldValue::Number(weight) if weight.is_finite() && weight >= 0.0 => weights.push(weight),
            FieldValue::Number(weight) => return Err(problem(format!("row {row} holds {weight}"))),
            FieldValue::Missing => return Err(problem(format!("row {row} holds no value"))),
            _ => return Err(problem(format!("row {row} holds no number"))),
        }
    }
    if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        return Err(problem("all weights are 0".to_owned()));
    }
    Ok(Some(weights))
}
