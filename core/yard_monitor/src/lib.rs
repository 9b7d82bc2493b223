//! Windows, drift, live quality, alerts and retrain triggers.
//!
//! This crate knows nothing of servers, files or clocks: it takes windows of counts and labelled rows
//! ([`WindowInput`]), the package's reference sketches, the frame and the evaluation's figures, and gives a
//! report. The way in is [`monitor`]; [`windows_by_count`] makes windows of smaller pieces.
//!
//! The rules, each a field of [`Rules`]:
//! - A window below 500 rows is shown and never raises an alert.
//! - Drift of a field: the population stability index is above its threshold
//!   (`max(0.1, (1/n + 1/m) χ²)`, see `yard_metrics::drift`) and its p-value, corrected for the number of
//!   fields (Benjamini and Hochberg, 1995), is at most 1 %.
//! - Missing and unseen rates: above what chance explains, given the reference's rate.
//! - Quality and cost: the live value is worse than the evaluation's, and the 99 % interval of the
//!   difference leaves out 0.
//! - An alert needs two windows in a row (small ones are passed over) and is raised once.
//! - A retrain is called for by a drop of quality, or by drift in fields that together hold 20 % of the
//!   importance; after that, not again within the cool-down.
//!
//! ```
//! use yard_metrics::sketch::{ReferenceSet, ReferenceSketch};
//! use yard_monitor::{MonitorInput, Rules, WindowInput, monitor};
//! # let frame: yard_types::frame::Frame = serde_json::from_str(
//! #     r#"{"decision":"","unit":"","action":"","cost_unit":"","task":"regression","target":"price",
//! #         "positive":null,"costs":null,"metric":"rmse","latency_budget_ms":5.0,"size_budget_bytes":null}"#,
//! # ).unwrap();
//!
//! let reference = ReferenceSet {
//!     rows: 3,
//!     fields: vec![ReferenceSketch::from_values("carat", &[0.2, 0.5, 1.1])],
//!     score: ReferenceSketch::from_values("prediction", &[300.0, 900.0, 4_000.0]),
//! };
//! let mut slow = WindowInput { requests: 600, ..WindowInput::default() };
//! slow.latency.push_us(9_000.0);
//! let report = monitor(&MonitorInput {
//!     deployment: "diamonds",
//!     windows: &[slow.clone(), slow],
//!     reference: &reference,
//!     frame: &frame,
//!     importance: &[],
//!     baseline: None,
//!     rules: Rules::default(),
//! })?;
//! assert_eq!(report.alerts[0].kind, "latency");
//! # Ok::<(), yard_monitor::MonitorError>(())
//! ```

mod alerts;
mod drift;
mod error;
mod input;
mod quality;
mod report;
mod rules;

pub use error::MonitorError;
pub use input::{Labelled, WindowInput, windows_by_count};
pub use report::{MonitorInput, monitor};
pub use rules::Rules;

#[cfg(test)]
mod tests;
