//! Metrics, curves, intervals, costs, fairness, drift statistics and sketches, on slices.
//!
//! This crate knows nothing of files, tables, models or threads: it takes slices and gives numbers.
//! The ways in: [`metric_set`] for all metrics of a task, [`bootstrap`] for their intervals and for the
//! paired comparison of two models, [`curve`], [`cost`], [`fairness`] for the rest of an evaluation,
//! [`drift`] and [`sketch`] for monitoring. Metric names and values are scikit-learn's (1.9).
//!
//! A figure without a definition (AUC of one class, rate of an empty group) is `None`, never 0.
//! All sums go through [`sum`], so that they don't depend on the number of threads.
//!
//! ```
//! use yard_metrics::{BinaryRows, Decision, Rows, metric_set};
//!
//! let y = [0, 0, 1, 1];
//! let p = [0.1, 0.4, 0.35, 0.8];
//! let rows = Rows::Binary(BinaryRows::new(&y, &p)?);
//! let metrics = metric_set(rows, &Decision::default());
//! assert_eq!(metrics["roc_auc"], 0.75);
//! # Ok::<(), yard_metrics::MetricsError>(())
//! ```

pub mod bootstrap;
pub mod classification;
pub mod cost;
pub mod curve;
pub mod drift;
mod error;
pub mod fairness;
pub mod interval;
mod prepared;
mod ranked;
pub mod ranking;
pub mod regression;
mod rows;
pub mod rule;
pub mod sequential;
pub mod sketch;
pub mod special;
pub mod sum;

pub use error::MetricsError;
pub use prepared::metric_set;
pub use rows::{BinaryRows, Decision, MulticlassRows, RegressionRows, Rows};

#[cfg(test)]
mod fixture_tests;
