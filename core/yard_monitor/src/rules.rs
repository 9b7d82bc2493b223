//! When a figure becomes an alert, and an alert a retrain.

use serde::{Deserialize, Serialize};

/// The rules with their defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Windows below this many rows never alert.
    pub min_rows: u64,
    /// Windows in a row that an alert needs.
    pub consecutive: u32,
    /// Level of the corrected p-value of drift.
    pub drift_level: f64,
    /// Chance of a false alarm of the missing and unseen rates of a window, over all fields.
    pub rate_level: f64,
    /// Labelled rows that a judgement of quality needs.
    pub min_labels: u64,
    /// Share of importance in drifting fields that calls for a retrain.
    pub importance_share: f64,
    /// Share of failed requests that is tolerated.
    pub max_error_rate: f64,
    /// Windows after a call for a retrain in which there is no other.
    pub cool_down: u64,
    /// Resamples of the intervals of live quality.
    pub resamples: u32,
    /// Seed of the resamples.
    pub seed: u64,
    /// Probability threshold that the deployment decides by; the frame's when absent.
    pub threshold: Option<f64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            min_rows: 500,
            consecutive: 2,
            drift_level: 0.01,
            rate_level: 0.001,
            min_labels: 100,
            importance_share: 0.2,
            max_error_rate: 0.01,
            cool_down: 5,
            resamples: 300,
            seed: 0,
            threshold: None,
        }
    }
}
