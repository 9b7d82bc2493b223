//! Target and weights of rows. Rows whose target is missing are left out and counted.

use crate::TrainError;
use yard_metrics::sum::{dot, sum};
use yard_types::{
    cell::CellRules,
    frame::{Frame, Task},
    schema::{Role, Schema},
    table::{Column, FieldValue, Table},
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
    /// Rows left out because their target is missing.
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
        let column = table.column(&frame.target).ok_or_else(|| TrainError::NoTarget {
            column: frame.target.clone(),
            found: table.names().join(", "),
        })?;
        let reader = TargetReader::new(frame, column);
        let mut part = Self::default();
        for row in rows {
            match reader.read(column, *row)? {
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

/// Turns cells into class codes or numbers.
struct TargetReader<'a> {
    frame: &'a Frame,
    /// Class code of each word of a text column.
    codes: Vec<Option<usize>>,
}

impl<'a> TargetReader<'a> {
    fn new(frame: &'a Frame, column: &Column) -> Self {
        let words: &[String] = if let Column::Text(text) = column { &text.words } else { &[] };
        let codes = words.iter().map(|word| class_of_text(&frame.classes, word)).collect();
        Self { frame, codes }
    }

    fn read(&self, column: &Column, row: u32) -> Result<Option<f64>, TrainError> {
        let value = column.value(row as usize);
        if self.frame.task == Task::Regression {
            return self.number(value, row);
        }
        let classes = &self.frame.classes;
        let code = match (value, column) {
            (FieldValue::Missing, _) => return Ok(None),
            (FieldValue::Text(word), _) if word.trim().is_empty() => return Ok(None),
            (FieldValue::Number(number), _) => class_of_number(classes, number),
            (FieldValue::Text(_), Column::Text(text)) => {
                text.codes.get(row as usize).and_then(|code| self.codes[*code as usize])
            }
            (FieldValue::Text(word), _) => class_of_text(classes, word),
            (FieldValue::Instant(micros), _) => class_of_text(classes, &yard_types::date::format_iso(micros)),
        };
        code.map(|code| Some(code as f64)).ok_or_else(|| TrainError::BadTarget {
            column: self.frame.target.clone(),
            reason: format!(
                "row {row} holds \"{}\"; expected one of {}; correct the cell, or set the classes in the frame",
                shown(value),
                classes.join(", ")
            ),
        })
    }

    fn number(&self, value: FieldValue<'_>, row: u32) -> Result<Option<f64>, TrainError> {
        let number = match value {
            FieldValue::Missing => return Ok(None),
            FieldValue::Number(number) => Some(number),
            FieldValue::Text(text) if CellRules::default().missing(text) => return Ok(None),
            FieldValue::Text(text) => CellRules::default().number(text),
            FieldValue::Instant(_) => None,
        };
        match number {
            Some(number) if number.is_finite() && number.abs() < 1e30 => Ok(Some(number)),
            _ => Err(TrainError::BadTarget {
                column: self.frame.target.clone(),
                reason: format!(
                    "row {row} holds \"{}\"; regression needs finite numbers below 1e30; correct the cell or choose classification",
                    shown(value)
                ),
            }),
        }
    }
}

fn shown(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Missing => String::new(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) => text.chars().take(40).collect(),
        FieldValue::Instant(micros) => yard_types::date::format_iso(micros),
    }
}

fn class_of_text(classes: &[String], word: &str) -> Option<usize> {
    let exact = classes.iter().position(|class| class == word);
    exact.or_else(|| classes.iter().position(|class| class.trim() == word.trim()))
}

/// Finds a number among classes: as a number, else as the boolean that the class's word means.
fn class_of_number(classes: &[String], number: f64) -> Option<usize> {
    let as_number = |class: &String| class.trim().parse::<f64>().ok() == Some(number);
    let as_boolean = |class: &String| CellRules::boolean(class).map(f64::from) == Some(number);
    classes.iter().position(as_number).or_else(|| classes.iter().position(as_boolean))
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
            other => return Err(problem(format!("row {row} holds \"{}\"", shown(other)))),
        }
    }
    if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        return Err(problem("all weights are 0".to_owned()));
    }
    Ok(Some(weights))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_match_classes_by_value_or_meaning() {
        let classes = |list: &[&str]| list.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        assert_eq!(class_of_number(&classes(&["0", "1"]), 1.0), Some(1));
        assert_eq!(class_of_number(&classes(&["1.0", "2.0"]), 2.0), Some(1));
        assert_eq!(class_of_number(&classes(&["false", "true"]), 0.0), Some(0));
        assert_eq!(class_of_number(&classes(&["no", "yes"]), 1.0), Some(1));
        assert_eq!(class_of_number(&classes(&["0", "1"]), 2.0), None);
        assert_eq!(class_of_text(&classes(&["a", "b "]), "b"), Some(1));
    }
}
