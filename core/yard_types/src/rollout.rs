//! What is said about a rollout: when a canary is to be ended or promoted, the evidence so far, and what
//! happened. Knows nothing of HTTP and of how the evidence is computed.

use serde::{Deserialize, Serialize};

/// How a canary is watched. What is absent takes its default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchPlan {
    /// Probability, 0..1, that a canary which is not worse is ever rolled back; divided evenly over the signals.
    pub alpha: f64,
    /// Whether the canary is rolled back when it fails, or is slow, more often than the stable version.
    pub rollback: bool,
    /// Whether the canary is promoted when it is shown to be not worse.
    pub promote: bool,
    /// Requests of the canary before it may be promoted.
    pub at_least: u64,
    /// Largest difference, fraction 0..=1, of error rates and of rates of slow answers at which it counts as not worse.
    pub margin: f64,
    /// Largest difference of the mean probability, 0..=1, at which it may be promoted by itself.
    pub score_margin: f64,
    /// A request is slow when it takes longer than this many times the 95th percentile of the stable version.
    pub slow: f64,
    /// Evidence is gathered and nothing is done.
    pub frozen: bool,
}

impl Default for WatchPlan {
    fn default() -> Self {
        Self {
            alpha: 0.01,
            rollback: true,
            promote: false,
            at_least: 1_000,
            margin: 0.02,
            score_margin: 0.1,
            slow: 2.0,
            frozen: false,
        }
    }
}

impl WatchPlan {
    /// Returns what is wrong with a plan.
    pub fn problem(&self) -> Option<String> {
        let share = |name: &str, value: f64| {
            let right = value > 0.0 && value < 1.0;
            (!right).then(|| format!("watch: {name} is {value}; expected a number between 0 and 1"))
        };
        share("alpha", self.alpha)
            .or_else(|| share("margin", self.margin))
            .or_else(|| share("score_margin", self.score_margin))
            .or_else(|| {
                let wrong = !(1.0..=1_000.0).contains(&self.slow);
                wrong.then(|| format!("watch: slow is {}; expected 1 to 1000", self.slow))
            })
    }
}

/// Body of `POST /manage/models/{m}/watch`: stops or resumes acting on the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeRequest {
    /// Whether nothing is to be done on the evidence.
    pub frozen: bool,
    /// Why; kept with the event.
    pub reason: String,
}

/// Body of promote and rollback; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why; kept with the event.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What is known of one side of a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideEvidence {
    /// Requests.
    pub requests: u64,
    /// Requests that failed.
    pub errors: u64,
    /// Answered requests that are compared for latency.
    pub timed: u64,
    /// Slow ones among them.
    pub slow: u64,
    /// Mean probability of the positive class; `None` for other tasks.
    pub score: Option<f64>,
    /// Bounds of its long-run mean that hold at all times.
    pub score_low: Option<f64>,
    /// Upper bound.
    pub score_high: Option<f64>,
}

/// The evidence after so many requests of the canary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvidencePoint {
    /// Requests of the canary.
    pub requests: u64,
    /// log10 of the e-value of "fails more often".
    pub errors: f64,
    /// log10 of the e-value of "is slow more often".
    pub latency: f64,
}

/// The evidence about a canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Canary.
    pub version: u64,
    /// How it is watched.
    pub plan: WatchPlan,
    /// log10 of an e-value at which it is rolled back.
    pub limit: f64,
    /// Stable version.
    pub stable: SideEvidence,
    /// Canary.
    pub canary: SideEvidence,
    /// Latency above which an answer is slow, milliseconds; `None` until enough is known of the stable version.
    pub slow_ms: Option<f64>,
    /// Latest evidence.
    pub latest: EvidencePoint,
    /// Its course, at most 200 points.
    pub curve: Vec<EvidencePoint>,
    /// What the evidence says: `watching`, `roll_back` or `promote`.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

/// Something that happened to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutEvent {
    /// Time, RFC 3339.
    pub at: String,
    /// `canary`, `rolled_back`, `promoted`, `frozen` or `resumed`.
    pub kind: String,
    /// Version that it happened to.
    pub version: u64,
    /// Whether the server did it on the evidence; otherwise a person or program asked for it.
    pub automatic: bool,
    /// Why.
    pub reason: String,
}

/// Reply of `GET /manage/models/{m}/rollout`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RolloutReply {
    /// Evidence about the canary that runs, or ran last.
    pub evidence: Option<Evidence>,
    /// Events, latest first, at most 100.
    pub events: Vec<RolloutEvent>,
}
