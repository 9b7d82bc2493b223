//! What can be wrong with the slices given to this crate.

/// An input that no figure can be computed from.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricsError {
    /// Slices of different length.
    #[error("{what}: {got} values for {expected} rows; pass one value per row")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Expected values.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A class code outside of the classes.
    #[error("row {row}: class code {code}, but there are {classes} classes; use codes 0..{classes}")]
    Class {
        /// Row.
        row: usize,
        /// Code given.
        code: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A probability that isn't one.
    #[error("row {row}: probability {value} is outside of 0..=1; check the scores that were passed")]
    Probability {
        /// Row.
        row: usize,
        /// Value given.
        value: f64,
    },
    /// A number that is not finite.
    #[error("row {row}: {what} is {value}, not a finite number; leave the row out or repair the value")]
    NotFinite {
        /// Which slice.
        what: &'static str,
        /// Row.
        row: usize,
        /// Value given.
        value: f64,
    },
    /// A weight that is negative or not finite.
    #[error("row {row}: weight {value} is not a finite number of at least 0; repair the weight column")]
    Weight {
        /// Row.
        row: usize,
        /// Value given.
        value: f64,
    },
    /// Two models that were not scored on the same rows.
    #[error(
        "row {row}: the two models were not scored on the same rows (their truths differ); score both on one set of rows"
    )]
    DifferentRows {
        /// First row that differs.
        row: usize,
    },
    /// A metric that the task doesn't have.
    #[error("metric \"{metric}\" is not defined for this task; use one of {known}")]
    UnknownMetric {
        /// Name given.
        metric: String,
        /// Names of the task's metrics.
        known: String,
    },
    /// A metric that has no value on these rows.
    #[error(
        "metric \"{metric}\" has no value on these {rows} rows (a class without rows?); add labelled rows"
    )]
    Undefined {
        /// Metric.
        metric: String,
        /// Rows.
        rows: usize,
    },
    /// Two sketches that were made for different bins.
    #[error(
        "sketch of field \"{field}\": {got} bins, expected {expected}; use sketches made from the same reference"
    )]
    Bins {
        /// Field, empty when unknown.
        field: String,
        /// Bins expected.
        expected: usize,
        /// Bins given.
        got: usize,
    },
    /// A reference sketch that can't be used.
    #[error("reference sketch of field \"{field}\": {problem}; build the package again")]
    Reference {
        /// Field.
        field: String,
        /// What is wrong.
        problem: String,
    },
}
