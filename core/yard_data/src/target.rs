//! The target as the learners need it: class codes or numbers per row, and the rows without one.

use crate::error::{DataError, did_you_mean};
use crate::findings::counted;
use crate::text::Labels;
use yard_types::{
    frame::{Frame, Task},
    schema::{Field, Schema},
    table::{Column, Table},
};

/// Code of a row without a class.
pub const NO_CLASS: u32 = u32::MAX;

/// The target of each row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// Classes in model order (binary: negative, positive); empty for regression.
    pub classes: Vec<String>,
    /// Class of each row as an index of `classes`, [`NO_CLASS`] without one; empty for regression.
    pub codes: Vec<u32>,
    /// Value of each row, NaN without one; empty for classification.
    pub values: Vec<f64>,
    /// Rows that can't be used: target missing, infinite, or of a class that the frame lacks. Ascending.
    pub dropped: Vec<u32>,
    /// What was dropped, in words.
    pub notes: Vec<String>,
}

impl Target {
    /// Returns the rows that can be used, ascending.
    pub fn rows(&self) -> Vec<u32> {
        let rows = self.codes.len().max(self.values.len()) as u32;
        let mut dropped = self.dropped.iter().copied().peekable();
        (0..rows)
            .filter(|row| {
                let out = dropped.peek() == Some(row);
                if out {
                    dropped.next();
                }
                !out
            })
            .collect()
    }
}

/// Returns field and column of a name, or the error that says which there are.
pub(crate) fn column_of<'a>(
    table: &'a Table,
    schema: &'a Schema,
    name: &str,
    what: &'static str,
) -> Result<(&'a Field, &'a Column), DataError> {
    match (schema.field(name), table.column(name)) {
        (Some(field), Some(column)) => Ok((field, column)),
        _ => Err(unknown_column(table.names(), name, what)),
    }
}

/// Builds the error for a name that is no column.
pub(crate) fn unknown_column(names: &[String], name: &str, what: &'static str) -> DataError {
    DataError::UnknownColumn {
        what,
        column: name.to_owned(),
        near: did_you_mean(name, names),
        columns: names.to_vec(),
    }
}

/// Reads the target by the frame. With classes in the frame, rows of other classes are dropped (stated);
/// without, the classes are those of the column, sorted (binary: the positive class last).
pub fn target(table: &Table, schema: &Schema, frame: &Frame) -> Result<Target, DataError> {
    let (field, column) = column_of(table, schema, &frame.target, "target")?;
    if frame.task == Task::Regression { numbers(field, column) } else { classes(field, column, frame) }
}

fn numbers(field: &Field, column: &Column) -> Result<Target, DataError> {
    let Column::Number(values) = column else {
        return Err(DataError::TargetType {
            target: field.name.clone(),
            got: format!("{} values", field.field_type.word()),
            task: "regression",
            expected: "numbers",
        });
    };
    let values: Vec<f64> =
        values.iter().map(|value| if value.is_finite() { *value } else { f64::NAN }).collect();
    let dropped: Vec<u32> = (0..values.len() as u32).filter(|row| values[*row as usize].is_nan()).collect();
    let notes = dropped_note(&field.name, dropped.len(), "a missing or infinite value");
    Ok(Target { values, dropped, notes, ..Target::default() })
}

fn classes(field: &Field, column: &Column, frame: &Frame) -> Result<Target, DataError> {
    let found = Labels::of(field, column);
    let classes =
        if frame.classes.is_empty() { ordered(&found.labels, frame)? } else { frame.classes.clone() };
    let place: Vec<u32> = found
        .labels
        .iter()
        .map(|label| classes.iter().position(|class| class == label).map_or(NO_CLASS, |at| at as u32))
        .collect();
    let codes: Vec<u32> =
        found.codes.iter().map(|code| place.get(*code as usize).copied().unwrap_or(NO_CLASS)).collect();
    let dropped: Vec<u32> = (0..codes.len() as u32).filter(|row| codes[*row as usize] == NO_CLASS).collect();
    let missing = found.codes.iter().filter(|code| **code == u32::MAX).count();
    let mut notes = dropped_note(&field.name, missing, "a missing value");
    let strangers: Vec<&str> =
        found.labels.iter().filter(|label| !classes.contains(label)).map(String::as_str).collect();
    if !strangers.is_empty() {
        let reason = format!("a class that the frame lacks ({})", strangers.join(", "));
        notes.extend(dropped_note(&field.name, dropped.len() - missing, &reason));
    }
    Ok(Target { classes, codes, dropped, notes, ..Target::default() })
}

fn ordered(labels: &[String], frame: &Frame) -> Result<Vec<String>, DataError> {
    let mut classes = labels.to_vec();
    if let (Task::Binary, Some(positive)) = (frame.task, &frame.positive) {
        let Some(at) = classes.iter().position(|class| class == positive) else {
            return Err(DataError::PositiveNotFound {
                positive: positive.clone(),
                target: frame.target.clone(),
                classes,
            });
        };
        let positive = classes.remove(at);
        classes.push(positive);
    }
    Ok(classes)
}

fn dropped_note(target: &str, count: usize, reason: &str) -> Vec<String> {
    if count == 0 {
        return Vec::new();
    }
    vec![format!("{} left out: target \"{target}\" has {reason} there", counted(count as u64, "row", "rows"))]
}
