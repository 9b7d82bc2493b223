//! What keeps a report from being made.

use yard_metrics::MetricsError;

/// A window that can't be judged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MonitorError {
    /// The sketch of a field doesn't fit the reference.
    #[error("window {window} (from {from}): {source}")]
    Sketch {
        /// Index of the window.
        window: usize,
        /// Start of the window.
        from: String,
        /// Problem.
        source: MetricsError,
    },
    /// The labelled rows can't be scored.
    #[error("labelled rows of window {window} (from {from}): {source}")]
    Labels {
        /// Index of the window.
        window: usize,
        /// Start of the window.
        from: String,
        /// Problem.
        source: MetricsError,
    },
    /// Labelled rows of another task than the frame's.
    #[error(
        "labelled rows of window {window} (from {from}) are {got}, but the frame's task is {expected}; pass rows of the deployed model"
    )]
    Task {
        /// Index of the window.
        window: usize,
        /// Start of the window.
        from: String,
        /// Task of the frame.
        expected: String,
        /// Task of the rows.
        got: String,
    },
    /// Two pieces that can't be one window.
    #[error("pieces from {first} and {second} can't be one window: {problem}; pass pieces of one version")]
    Merge {
        /// Start of the first piece.
        first: String,
        /// Start of the second piece.
        second: String,
        /// Problem.
        problem: String,
    },
}
