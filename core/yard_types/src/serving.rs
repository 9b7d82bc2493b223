//! What a server and its clients say to each other: JSON bodies of the management, monitoring and
//! inference routes, and the file by which a running server is found again. Deployment, monitoring and
//! simulation read these; `yard_serve` writes them. Knows nothing of HTTP.

use crate::{
    deploy::{VersionState, VersionStats},
    ids::Sha256,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// `server.json` in a server's store: how a running server is found again. The store's lock says whether
/// the process still runs; a file whose `/v2/health/live` does not answer is stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    /// Process id.
    pub pid: u32,
    /// Base URL, e.g. `http://127.0.0.1:40123`.
    pub url: String,
    /// Address for gRPC, `HOST:PORT`, when it is served.
    #[serde(default)]
    pub grpc: Option<String>,
    /// SHA-256 of the public key of the server's certificate, when it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Start, RFC 3339.
    pub started: String,
    /// Version of the program.
    pub program: String,
    /// Files that hold the tokens.
    pub tokens: TokenFiles,
}

/// Files of the tokens by scope. `manage` may do everything, `observe` and `infer` only their own routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFiles {
    /// Predict, infer, explain, feedback.
    pub infer: String,
    /// Metrics, states, windows.
    pub observe: String,
    /// Upload, route, promote, roll back, stop, request log, shut down.
    pub manage: String,
}

/// Reply of `POST /manage/models/{m}/versions` (the body is the package).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadReply {
    /// Model name.
    pub model: String,
    /// Number under which the server holds it: the package's own when free, else the next free one. The
    /// same package uploaded again keeps its number.
    pub version: u64,
    /// SHA-256 of the package.
    pub sha256: Sha256,
    /// State; `ready` after a complete upload.
    pub state: VersionState,
}

/// A challenger's share of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CanaryRoute {
    /// Version.
    pub version: u64,
    /// Share of requests, percent 0..=100.
    pub percent: f64,
    /// Scores every request without answering; then `percent` is not used.
    #[serde(default)]
    pub shadow: bool,
}

/// Body of `POST /manage/models/{m}/route`. The reply is [`ServerModel`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRequest {
    /// Version that answers; `None` keeps the one that does.
    #[serde(default)]
    pub stable: Option<u64>,
    /// Challenger; `None` ends a running one.
    #[serde(default)]
    pub canary: Option<CanaryRoute>,
    /// How the challenger is watched; `None` is the default plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<crate::rollout::WatchPlan>,
}

/// Body of `POST /manage/models/{m}/stop`; an empty body stops the whole deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopRequest {
    /// Unload this version only (refused while it answers requests).
    #[serde(default)]
    pub version: Option<u64>,
}

/// A version held by a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerVersion {
    /// Version number.
    pub version: u64,
    /// SHA-256 of the package.
    pub sha256: Sha256,
    /// Identity of the model in it.
    pub model_sha256: Sha256,
    /// Size of the package.
    pub bytes: u64,
    /// State.
    pub state: VersionState,
    /// Why it failed.
    #[serde(default)]
    pub reason: Option<String>,
    /// Live figures since the server started.
    pub stats: VersionStats,
}

/// Rows on which a shadow version was compared with the version that answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowStats {
    /// Rows compared.
    pub rows: u64,
    /// Rows with another decision (classification: another class or decision; regression: another number).
    pub disagreements: u64,
    /// Requests that the shadow could not score.
    pub errors: u64,
    /// Requests left out because the server was behind.
    pub skipped: u64,
}

/// Reply of `GET /manage/models/{m}` and of route, promote, rollback and stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerModel {
    /// Model name.
    pub name: String,
    /// Version that answers.
    pub stable: Option<u64>,
    /// Version that a rollback goes back to.
    pub previous: Option<u64>,
    /// Challenger.
    pub canary: Option<CanaryRoute>,
    /// Whether requests are refused because the deployment was stopped.
    pub stopped: bool,
    /// Versions, ascending.
    pub versions: Vec<ServerVersion>,
    /// Comparison of the shadow.
    #[serde(default)]
    pub shadow: ShadowStats,
}

/// Reply of `GET /manage/models`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerModels {
    /// Models by name.
    pub models: Vec<ServerModel>,
}

/// A row whose label has arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelledRow {
    /// Request.
    pub request_id: String,
    /// Row within the request, from 0.
    pub index: u32,
    /// Probabilities in class order; regression: the prediction alone.
    pub scores: Vec<f64>,
    /// Decision of a binary model at its threshold.
    pub decision: Option<bool>,
    /// Label as given: a class, a number or a boolean.
    pub label: Value,
}

/// A run of requests of one version, in order of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServedWindow {
    /// Version that answered.
    pub version: u64,
    /// Number within the version, from 0.
    pub index: u64,
    /// First request, RFC 3339.
    pub from: String,
    /// Last request, RFC 3339.
    pub to: String,
    /// Whether it still fills.
    pub open: bool,
    /// Rows scored.
    pub rows: u64,
    /// Requests, failed ones too.
    pub requests: u64,
    /// Failed requests.
    pub errors: u64,
    /// Latency percentiles in the server, milliseconds.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Latencies: a `yard_metrics` latency histogram as JSON.
    pub latency: Value,
    /// Mean probability of the positive class or mean prediction; `None` with several classes.
    pub mean_score: Option<f64>,
    /// Counts of each field in the bins of the package's reference: `yard_metrics` sketch counts as JSON.
    pub fields: BTreeMap<String, Value>,
    /// Counts of the score, likewise.
    pub score: Value,
    /// Rows whose label has arrived.
    pub labelled: Vec<LabelledRow>,
}

/// Reply of `GET /manage/models/{m}/windows?size=N`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowsReply {
    /// Model name.
    pub model: String,
    /// Rows at which a window closes: the asked size rounded up to a multiple of the server's own.
    pub size: u64,
    /// Windows, oldest first (by version, then number).
    pub windows: Vec<ServedWindow>,
    /// Rows that the log left out because the server was behind.
    pub dropped: u64,
}

/// A logged row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedRow {
    /// Field values, canonical (contract order); dropped fields are absent.
    pub fields: Value,
    /// Margins.
    pub margins: Vec<f32>,
    /// Probabilities in class order; regression: the prediction alone.
    pub scores: Vec<f64>,
    /// Decision of a binary model.
    pub decision: Option<bool>,
    /// Label, when it has arrived.
    pub label: Option<Value>,
}

/// A logged request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Position in the log; ask for the next page with `after`.
    pub seq: u64,
    /// Request id.
    pub request_id: String,
    /// Time, RFC 3339.
    pub at: String,
    /// Version that answered.
    pub version: u64,
    /// Route: `predict`, `infer`, `explain` or `shadow`.
    pub route: String,
    /// HTTP status.
    pub status: u16,
    /// Time in the server, milliseconds.
    pub latency_ms: f64,
    /// Message of a failed request.
    pub error: Option<String>,
    /// Rows.
    pub rows: Vec<LoggedRow>,
}

/// Reply of `GET /manage/models/{m}/log?after=SEQ&limit=N`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogReply {
    /// Entries, ascending.
    pub entries: Vec<LogEntry>,
    /// Highest position in this reply, or `after` when it is empty.
    pub last: u64,
}

/// One label of a past prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackItem {
    /// Request id, as in the reply to predict.
    pub request_id: String,
    /// Row within the request, from 0.
    #[serde(default)]
    pub index: u32,
    /// What happened: a class, a number or a boolean.
    pub label: Value,
}

/// Reply of `POST /v1/models/{m}:feedback` (the body is a list of [`FeedbackItem`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackReply {
    /// Labels stored.
    pub accepted: u64,
    /// Labels among them whose request is not in the log (kept, joined if it appears).
    pub unknown: u64,
}

/// One prediction of `POST /v1/models/{m}:predict`, for clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionRow {
    /// Class or number.
    pub prediction: Value,
    /// Probability by class (classification).
    #[serde(default)]
    pub probabilities: BTreeMap<String, f64>,
    /// Decision at the frame's threshold (binary).
    #[serde(default)]
    pub decision: Option<bool>,
}

/// Reply of `POST /v1/models/{m}:predict`, for clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictReply {
    /// Model name.
    pub model: String,
    /// Version that answered.
    pub version: u64,
    /// Request id for feedback.
    pub request_id: String,
    /// Predictions in the order of the instances.
    pub predictions: Vec<PredictionRow>,
}
