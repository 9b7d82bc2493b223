//! Gates: what a challenger must show before it may serve.

use crate::ids::ModelId;
use serde::{Deserialize, Serialize};

/// One gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// `quality`, `expected_cost`, `latency`, `size`, `golden`, `floor roc_auc`, `fairness`.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// Sentence with figures: what was found, what was needed.
    pub detail: String,
    /// Whether a failure stops the rollout.
    pub required: bool,
}

/// Result of all gates for a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Challenger.
    pub model: ModelId,
    /// Champion, if there is one.
    pub champion: Option<ModelId>,
    /// Whether every required gate passed.
    pub ok: bool,
    /// Gates.
    pub gates: Vec<Gate>,
}
