//! What was measured: statuses, raw latencies, digests of answers.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Counts of one connection, or of all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    statuses: BTreeMap<u16, u64>,
    /// Nanoseconds of each answer with status 200, in order of arrival.
    latencies: Vec<u64>,
    /// Nanoseconds of each other answer.
    refused: Vec<u64>,
    broken: u64,
    first_error: Option<String>,
    digests: BTreeSet<(usize, u64)>,
    pub(crate) seconds: f64,
}

impl Tally {
    /// Counts an answer; `digest` is the body's position and the answer.
    pub(crate) fn count(&mut self, status: u16, latency: Duration, digest: Option<(usize, &[u8])>) {
        *self.statuses.entry(status).or_default() += 1;
        let nanos = latency.as_nanos() as u64;
        if status == 200 {
            self.latencies.push(nanos);
        } else {
            self.refused.push(nanos);
        }
        if let Some((body, answer)) = digest {
            // FNV-1a (Fowler, Noll and Vo, 1991).
            let hash = answer.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
            self.digests.insert((body, hash));
        }
    }

    /// Counts a request without answer.
    pub(crate) fn broken(&mut self, error: &str) {
        self.broken += 1;
        self.first_error.get_or_insert_with(|| error.to_owned());
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.latencies.extend(other.latencies);
        self.refused.extend(other.refused);
        self.broken += other.broken;
        self.first_error = self.first_error.take().or(other.first_error);
        self.digests.extend(other.digests);
    }

    pub(crate) fn to_json(&self, digests: bool) -> Value {
        let requests: u64 = self.statuses.values().sum::<u64>() + self.broken;
        let good = self.latencies.len() as u64;
        let mut out = json!({
            "requests": requests,
            "good": good,
            "failures": requests - good,
            "broken": self.broken,
            "error": self.first_error,
            "statuses": self.statuses.iter().map(|(status, n)| (status.to_string(), *n)).collect::<BTreeMap<_, _>>(),
            "seconds": self.seconds,
            "rate": good as f64 / self.seconds,
            "ms": percentiles(&self.latencies),
            "refused_ms": percentiles(&self.refused),
        });
        if digests {
            out["digests"] = self.digests.iter().map(|(body, hash)| format!("{body}:{hash:016x}")).collect();
        }
        out
    }
}

/// Percentiles by nearest rank, milliseconds.
fn percentiles(nanos: &[u64]) -> Value {
    let mut sorted = nanos.to_vec();
    sorted.sort_unstable();
    let at = |quantile: f64| {
        let rank = (quantile * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank - 1).map(|nanos| *nanos as f64 / 1e6)
    };
    json!({"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "p999": at(0.999), "max": at(1.0)})
}
