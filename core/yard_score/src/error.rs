//! What can be wrong with a model or with what it is asked to score.

/// Why a model can't be executed or a row can't be scored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// Two lengths or counts of the model disagree.
    #[error(
        "model: {what} is {got}; expected {expected}; the model is damaged or was written by another program"
    )]
    Shape {
        /// What was counted.
        what: String,
        /// Expected count.
        expected: usize,
        /// Count found.
        got: usize,
    },
    /// A parameter is NaN or infinite.
    #[error("model: {what} is {value}; expected a finite number; train the model again")]
    NotFinite {
        /// Which parameter.
        what: String,
        /// Its value.
        value: f64,
    },
    /// Task, link, classes and calibration don't fit together.
    #[error("model: {what}; expected {expected}")]
    Inconsistent {
        /// What was found.
        what: String,
        /// What was expected.
        expected: String,
    },
    /// A tree is not a tree, or refers to something that does not exist.
    #[error("model: tree {tree}, node {node}: {problem}; the model is damaged")]
    Tree {
        /// Index of the tree.
        tree: usize,
        /// Index of the node.
        node: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A leaf value or base margin is not a multiple of the grid step, or sums could be inexact.
    #[error(
        "model: {what} {value} does not lie on the grid of step {grid}; round leaf values before the model is stored"
    )]
    OffGrid {
        /// Which value.
        what: String,
        /// Value.
        value: f64,
        /// Grid step.
        grid: f64,
    },
    /// The recipe refers to an input that does not exist, or a step does not fit the type of its input.
    #[error("recipe: {what}: {problem}; fit the recipe again")]
    Recipe {
        /// Input or feature.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// The table lacks a column that the model needs.
    #[error("column \"{column}\" is missing; the model needs it; add the column (empty cells are allowed)")]
    MissingColumn {
        /// Column.
        column: String,
    },
    /// A value can't be read as the type of its field.
    #[error("field \"{field}\"{}: got {got}; expected {expected}; correct the value or leave it empty", place(*.row))]
    Value {
        /// Field.
        field: String,
        /// Row in the table, from 0; `None` for a single row.
        row: Option<usize>,
        /// What was expected.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// None of the given fields belongs to the model.
    #[error(
        "no field of the row is known (first: \"{first}\"); expected fields such as \"{expected}\"; check the names"
    )]
    NoKnownField {
        /// First field given.
        first: String,
        /// First field of the model.
        expected: String,
    },
    /// A row has another number of values than the model has inputs.
    #[error("a row has {got} values; expected {expected}, one for each input")]
    InputCount {
        /// Inputs of the model.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A row index is beyond the table.
    #[error("row {row} does not exist; the table has {rows} rows")]
    Row {
        /// Row asked for.
        row: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// The forward pass overflowed.
    #[error(
        "row {row}: the result is not a number; an input is too large for this model; correct the value or leave it empty"
    )]
    Overflow {
        /// Row within the call.
        row: usize,
    },
}

fn place(row: Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!(", row {row}"))
}

/// Shortens a value for a message: at most 40 characters, quoted, control characters escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
