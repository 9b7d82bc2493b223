//! What monitoring reports: windows, drift, quality from labels, alerts.

use crate::metric::MetricSet;
use serde::{Deserialize, Serialize};

/// Drift of one field (or of the score, field `prediction`) in one window against the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftFigure {
    /// Field.
    pub field: String,
    /// `psi`, `missing_rate` or `unseen_rate`.
    pub method: String,
    /// Value.
    pub value: f64,
    /// Threshold from the null distribution.
    pub threshold: f64,
    /// Whether it is above the threshold (never for a window of fewer than 500 rows).
    pub alert: bool,
    /// Shares per bin in the reference.
    #[serde(default)]
    pub reference: Vec<f64>,
    /// Shares per bin in the window.
    #[serde(default)]
    pub current: Vec<f64>,
    /// Labels of the bins.
    #[serde(default)]
    pub bins: Vec<String>,
    /// Importance of the field in the model, share 0..=1.
    #[serde(default)]
    pub importance: Option<f64>,
}

/// One window of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Start, RFC 3339.
    pub from: String,
    /// End, RFC 3339.
    pub to: String,
    /// Version that answered, 0 for several.
    pub version: u64,
    /// Requests (rows).
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// Latency percentiles, milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Drift.
    pub drift: Vec<DriftFigure>,
    /// Labels that arrived.
    pub labels: u64,
    /// Live quality from these labels, with intervals; empty without labels.
    pub quality: MetricSet,
    /// Mean cost per decision from labels, if the frame has costs.
    pub cost: Option<f64>,
    /// Mean score.
    pub mean_score: Option<f64>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// `drift`, `quality`, `errors`, `latency`, `cost`, `missing`, `unseen`.
    pub kind: String,
    /// Field concerned.
    pub field: Option<String>,
    /// Sentence: what, how much, against which threshold, since when.
    pub message: String,
    /// Index of the window that raised it.
    pub window: u64,
    /// Whether it calls for a retrain by the trigger's rule.
    pub retrain: bool,
}

/// What `monitor` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitorReport {
    /// Deployment.
    pub deployment: String,
    /// Windows, oldest first.
    pub windows: Vec<Window>,
    /// Alerts, newest first.
    pub alerts: Vec<Alert>,
}
