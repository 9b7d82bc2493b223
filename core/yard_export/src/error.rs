//! Why a model can't be exported or a file of another program can't be read.

use yard_package::PackageError;
use yard_score::error::ScoreError;

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The package does not hold.
    #[error("the package can't be exported: {0}")]
    Package(#[from] PackageError),
    /// The format has no form for this model.
    #[error("{format} can't hold {what}: {lost}; export as {instead}")]
    Unsupported {
        /// Format asked for.
        format: &'static str,
        /// What does not fit.
        what: String,
        /// What would be lost.
        lost: &'static str,
        /// Formats that hold it.
        instead: &'static str,
    },
    /// There is no program to put into a container.
    #[error("{what}; expected the static Linux program yard-serve; give it with --scorer")]
    Scorer {
        /// What is wrong.
        what: String,
    },
    /// The format's name is unknown.
    #[error("--to is \"{got}\"; expected one of {expected}")]
    UnknownFormat {
        /// Name given.
        got: String,
        /// Names known.
        expected: String,
    },
}

/// Why a model file of another program can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no model of a known kind.
    #[error("not a model that can be read: {found}; expected {expected}")]
    Kind {
        /// What was found.
        found: String,
        /// What can be read, and the way out.
        expected: &'static str,
    },
    /// The text does not have the form of its kind.
    #[error("{format}: {place}: {problem}; expected {expected}; save the model again")]
    Malformed {
        /// Format.
        format: &'static str,
        /// Line, tree or key.
        place: String,
        /// What is wrong.
        problem: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The model does something that the scorer can't do.
    #[error("{format}: {what} can't be kept: {lost}; {instead}")]
    Unsupported {
        /// Format.
        format: &'static str,
        /// What the model uses.
        what: String,
        /// What would be lost.
        lost: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// The model is larger than what is read.
    #[error("{format}: {what} is {got}; expected at most {limit}")]
    TooLarge {
        /// Format.
        format: &'static str,
        /// What was counted.
        what: &'static str,
        /// Count.
        got: usize,
        /// Limit.
        limit: usize,
    },
    /// The model was read, but it can't be executed.
    #[error("the model that was read can't be executed: {0}")]
    Score(#[from] ScoreError),
    /// The package could not be made.
    #[error("the model was read, but no package can be made of it: {0}")]
    Package(#[from] PackageError),
}
