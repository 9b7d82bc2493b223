//! Deployments as shown and as printed by `deploy` and `status`.

use crate::ids::{ModelId, Sha256};
use serde::{Deserialize, Serialize};

/// State of a version on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Unknown to the server.
    Absent,
    /// Bytes are being stored.
    Staging,
    /// Hashes, signature and golden examples are checked.
    Verifying,
    /// The scorer is built.
    Loading,
    /// First rows are scored.
    Warming,
    /// Answers requests.
    Ready,
    /// Finishes requests in flight.
    Draining,
    /// Stored, not loaded.
    Unloaded,
    /// Could not be loaded; the reason is kept beside it.
    Failed,
}

/// A version in service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServedVersion {
    /// Model of the project; 0 when the server doesn't know it.
    pub model: ModelId,
    /// Version number.
    pub version: u64,
    /// SHA-256 of the package.
    pub sha256: Sha256,
}

/// A challenger in service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CanaryVersion {
    /// Version.
    #[serde(flatten)]
    pub served: ServedVersion,
    /// Share of requests, percent 0..=100.
    pub percent: f64,
    /// Scores every request without answering.
    pub shadow: bool,
}

/// Live figures of a version since the server started it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VersionStats {
    /// Version number.
    pub version: u64,
    /// Requests answered.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Latency percentiles in the server, milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Mean probability of the positive class or mean prediction.
    pub mean_score: Option<f64>,
}

/// State of one deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentStatus {
    /// Deployment name, the model name on the server.
    pub deployment: String,
    /// Target name: `local` or a remote's name.
    pub target: String,
    /// Base URL of the server.
    pub url: String,
    /// gRPC address, when served.
    pub grpc: Option<String>,
    /// Champion.
    pub stable: Option<ServedVersion>,
    /// Challenger.
    pub canary: Option<CanaryVersion>,
    /// `running`, `stopped` or `unreachable`.
    pub state: String,
    /// File that holds the token for requests.
    pub token_file: String,
    /// Live figures per version.
    #[serde(default)]
    pub stats: Vec<VersionStats>,
    /// Version that a rollback goes back to.
    #[serde(default)]
    pub previous: Option<ServedVersion>,
}

/// A step of a rollout with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutStep {
    /// What was done: `server started`, `package uploaded`, `verified`, `ready`, `golden requests`, `switched`.
    pub name: String,
    /// Whether it worked.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// Milliseconds.
    pub ms: f64,
}
