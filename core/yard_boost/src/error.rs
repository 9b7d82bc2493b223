//! What can go wrong while training, with what was expected and what to do.

/// An error of this crate. Nothing here is a bug of the caller's data that a repair could hide:
/// training stops and says what was wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BoostError {
    /// There is nothing to learn from.
    #[error(
        "training needs rows and features, got {rows} rows and {features} features; \
         check the split and the recipe"
    )]
    Empty {
        /// Rows.
        rows: usize,
        /// Features.
        features: usize,
    },
    /// More rows than a row index can hold.
    #[error("{rows} rows are more than {limit}; train on a sample of the rows")]
    TooManyRows {
        /// Rows.
        rows: usize,
        /// Largest number of rows.
        limit: usize,
    },
    /// A column, target or weight vector has another length than the rows.
    #[error("{what} has {got} values, expected {expected} (one per row); pass columns of equal length")]
    Length {
        /// What has the wrong length.
        what: String,
        /// Values given.
        got: usize,
        /// Values expected.
        expected: usize,
    },
    /// Validation features are not those of training.
    #[error(
        "validation part has {got} features, training part has {expected}; \
         apply the same fitted recipe to both"
    )]
    FeatureCount {
        /// Features of the validation part.
        got: usize,
        /// Features of the training part.
        expected: usize,
    },
    /// A category code is negative, fractional or too large.
    #[error(
        "feature {feature}, row {row}: {value} is not a category code; \
         expected a whole number in 0..={limit} or NaN; encode the categories first"
    )]
    CategoryCode {
        /// Column index.
        feature: usize,
        /// Row index.
        row: usize,
        /// Value found.
        value: f32,
        /// Largest code.
        limit: u32,
    },
    /// A target value that the objective can't take.
    #[error("target of row {row} is {value}, expected {expected}; drop the row or mend the target")]
    Target {
        /// Row index.
        row: usize,
        /// Value found.
        value: f32,
        /// Values expected, in words.
        expected: String,
    },
    /// A sample weight that is negative or not finite.
    #[error("weight of row {row} is {value}, expected a finite number of at least 0; mend the weight column")]
    Weight {
        /// Row index.
        row: usize,
        /// Value found.
        value: f32,
    },
    /// All weights are zero.
    #[error("all {rows} weights are 0, expected at least one above 0; check the weight column")]
    NoWeight {
        /// Rows.
        rows: usize,
    },
    /// A hyperparameter that does not exist.
    #[error("hyperparameter {name:?} is unknown; expected one of {known}; correct or remove it")]
    UnknownParam {
        /// Name given.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// A hyperparameter whose value can't be used.
    #[error("hyperparameter {name}={value:?} can't be used; expected {expected}; correct it or leave it out")]
    ParamValue {
        /// Name.
        name: String,
        /// Value given.
        value: String,
        /// Values expected, in words.
        expected: String,
    },
    /// A model that training can't go on from.
    #[error(
        "training can't go on from the model: {problem}; expected a model of the same features and outputs"
    )]
    Start {
        /// What does not fit.
        problem: String,
    },
    /// A stream of rows that is not what was announced.
    #[error("the stream of rows {problem}; give the same rows in both passes")]
    Stream {
        /// What is wrong.
        problem: String,
    },
    /// The worker threads could not be started.
    #[error("{threads} worker threads could not be started: {reason}; use fewer threads")]
    Threads {
        /// Threads asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}
