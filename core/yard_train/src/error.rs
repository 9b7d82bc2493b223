//! Errors of training and evaluation, with what was expected and what to do.

/// Why a run or an evaluation failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The observer asked to stop.
    #[error("training was stopped")]
    Cancelled,
    /// A hyperparameter that the family doesn't have.
    #[error("hyperparameter \"{name}\" is unknown to {family}; allowed: {allowed}; correct or remove it")]
    UnknownParam {
        /// Name.
        name: String,
        /// Family.
        family: &'static str,
        /// Allowed names.
        allowed: String,
    },
    /// A hyperparameter with a value out of range.
    #[error(
        "hyperparameter {name}={value} can't be used by {family}; expected {expected}; correct or remove it"
    )]
    BadParam {
        /// Name.
        name: String,
        /// Value as given.
        value: String,
        /// Family.
        family: &'static str,
        /// What is allowed.
        expected: String,
    },
    /// Target or recipe can't be read from the data.
    #[error(transparent)]
    Data(#[from] yard_data::DataError),
    /// The training rows hold one class only.
    #[error(
        "target column \"{column}\": all {rows} training rows hold \"{class}\"; expected at least 2 classes; check the target, the split, or add rows of the other class"
    )]
    OneClass {
        /// Target column.
        column: String,
        /// Training rows with a target.
        rows: usize,
        /// The class.
        class: String,
    },
    /// Too few rows.
    #[error(
        "{part}: {rows} rows with a target; expected at least {needed}; add rows or change the split shares"
    )]
    TooFewRows {
        /// Part of the split.
        part: &'static str,
        /// Rows with a target.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
    /// A feature with infinite values, which linear models and nets can't hold.
    #[error(
        "feature \"{feature}\": {rows} training rows are not finite, which {family} can't use; read such cells as missing (null words), drop the column, or use boosting"
    )]
    NotFinite {
        /// Feature.
        feature: String,
        /// Rows concerned.
        rows: usize,
        /// Family.
        family: &'static str,
    },
    /// The solver didn't come to a finite result.
    #[error("{family} did not converge: {detail}; raise l2 or check for columns with huge values")]
    Diverged {
        /// Family.
        family: &'static str,
        /// What was seen.
        detail: String,
    },
    /// The device asked for can't be used.
    #[error("device \"{device}\" can't be used: {reason}")]
    Device {
        /// Device as given.
        device: String,
        /// Why, and how to get it.
        reason: String,
    },
    /// The training worker failed.
    #[error("the training worker failed: {reason}; {advice}")]
    Worker {
        /// What happened.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// All families of `auto` or all trials failed.
    #[error("no model could be trained: {reasons}")]
    NothingTrained {
        /// Reason per family.
        reasons: String,
    },
    /// The run's settings contradict the data.
    #[error("{what}; {advice}")]
    Settings {
        /// What is wrong.
        what: String,
        /// What to do.
        advice: String,
    },
    /// A part of the product failed in a way that training can't mend.
    #[error("{part}: {message}")]
    Part {
        /// Part: `recipe`, `scorer`, `boosting`, `net`, `metrics`.
        part: &'static str,
        /// Message of that part.
        message: String,
    },
}

impl TrainError {
    /// Wraps the error of a part.
    pub(crate) fn part(part: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self::Part { part, message: error.to_string() }
    }
}
