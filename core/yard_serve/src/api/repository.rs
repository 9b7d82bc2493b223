//! The model repository and statistics extensions of the Open Inference Protocol: which versions there are,
//! starting and stopping a model, and what each version has answered. Both REST and gRPC give them.

use crate::{
    http::reply::{Refusal, Reply},
    served::Served,
    server::Server,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, atomic::Ordering::Relaxed};
use yard_types::{deploy::VersionState, serving::StopRequest};

/// A version in the index.
#[derive(Debug, Serialize)]
pub(crate) struct IndexEntry {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) state: &'static str,
    pub(crate) reason: String,
}

/// Body of `POST /v2/repository/index`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndexRequest {
    #[serde(default)]
    pub(crate) ready: bool,
}

/// Figures of a version: requests with their nanoseconds, and rows.
#[derive(Debug)]
pub(crate) struct Statistics {
    pub(crate) model: String,
    pub(crate) version: u64,
    pub(crate) rows: u64,
    pub(crate) success: (u64, u64),
    pub(crate) fail: (u64, u64),
}

/// Returns the protocol's word for a state.
fn word(state: VersionState) -> &'static str {
    match state {
        VersionState::Ready => "READY",
        VersionState::Staging | VersionState::Verifying | VersionState::Loading | VersionState::Warming => {
            "LOADING"
        }
        VersionState::Draining => "UNLOADING",
        _ => "UNAVAILABLE",
    }
}

impl Server {
    /// Lists the versions of all models; with `ready` only those that answer.
    pub(crate) fn repository_index(&self, ready: bool) -> Vec<IndexEntry> {
        let mut entries = Vec::new();
        for model in self.registry.shown_all().models {
            for version in model.versions {
                let entry = IndexEntry {
                    name: model.name.clone(),
                    version: version.version.to_string(),
                    state: word(version.state),
                    reason: version.reason.unwrap_or_default(),
                };
                if !ready || entry.state == "READY" {
                    entries.push(entry);
                }
            }
        }
        entries
    }

    /// Starts a stopped model with the version that it had, or stops one. Blocks.
    pub(crate) fn set_loaded(&self, model: &str, loaded: bool) -> Result<(), Refusal> {
        if loaded {
            return self.registry.start(model).map(drop);
        }
        self.registry.stop(model, StopRequest::default()).map(drop)
    }

    /// Returns the figures of the versions in memory: of all models when `model` is empty, of all versions
    /// when none is named.
    pub(crate) fn statistics(&self, model: &str, version: Option<u64>) -> Result<Vec<Statistics>, Refusal> {
        let table = self.registry.table();
        let of = |served: &Arc<Served>| statistics_of(served);
        if model.is_empty() {
            return Ok(table.sorted().iter().flat_map(|routed| routed.versions.values().map(of)).collect());
        }
        let routed = table.model(model)?;
        match version {
            Some(version) => Ok(vec![of(&routed.pinned(version)?)]),
            None => Ok(routed.versions.values().map(of).collect()),
        }
    }
}

fn statistics_of(served: &Arc<Served>) -> Statistics {
    let figures = &served.figures;
    let (good, bad) = figures.totals();
    let failed = figures.failed_nanos.load(Relaxed);
    Statistics {
        model: served.identity.model.clone(),
        version: served.identity.version,
        rows: figures.rows.load(Relaxed),
        success: (good, figures.latencies.sum_nanos().saturating_sub(failed)),
        fail: (bad, failed),
    }
}

/// Writes `GET /v2/models/{m}/stats`.
pub(crate) fn write_statistics(found: &[Statistics]) -> Result<Reply, Refusal> {
    let duration = |(count, ns): (u64, u64)| serde_json::json!({"count": count, "ns": ns});
    let one = |own: &Statistics| {
        serde_json::json!({
            "name": own.model,
            "version": own.version.to_string(),
            "inference_count": own.rows,
            "execution_count": own.success.0,
            "inference_stats": {"success": duration(own.success), "fail": duration(own.fail)},
        })
    };
    Reply::of(&serde_json::json!({"model_stats": found.iter().map(one).collect::<Vec<_>>()}))
}
