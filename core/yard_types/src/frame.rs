//! The frame: the decision that a model serves and what a wrong answer costs. One object; threshold,
//! gate, canary verdict, drift alarm and retrain trigger read it.

use serde::{Deserialize, Serialize};

/// Kind of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Two classes, one of them positive.
    Binary,
    /// Three or more classes.
    Multiclass,
    /// A number.
    Regression,
}

impl Task {
    /// Returns whether the target is a class.
    pub fn is_classification(self) -> bool {
        self != Self::Regression
    }
}

/// Cost of each outcome of one decision in the frame's unit; a benefit is negative.
/// (Elkan, 2001, "The foundations of cost-sensitive learning", IJCAI.)
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Acting although the truth is negative.
    pub false_positive: f64,
    /// Not acting although the truth is positive.
    pub false_negative: f64,
    /// Acting when the truth is positive.
    #[serde(default)]
    pub true_positive: f64,
    /// Not acting when the truth is negative.
    #[serde(default)]
    pub true_negative: f64,
}

impl Default for Costs {
    /// Both errors cost 1.
    fn default() -> Self {
        Self { false_positive: 1.0, false_negative: 1.0, true_positive: 0.0, true_negative: 0.0 }
    }
}

impl Costs {
    /// Returns the probability above which acting is cheaper:
    /// `(c10 − c00) / (c10 − c00 + c01 − c11)`; `None` unless an error costs more than the right answer.
    pub fn threshold(&self) -> Option<f64> {
        let act = self.false_positive - self.true_negative;
        let wait = self.false_negative - self.true_positive;
        (act > 0.0 && wait > 0.0).then(|| act / (act + wait))
    }
}

/// A floor or ceiling that a model must keep to pass the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Metric name, as scikit-learn's.
    pub metric: String,
    /// Value that must be reached (a minimum or maximum, by the metric's direction).
    pub value: f64,
}

/// The frame of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The decision in words: who acts, on what, when.
    pub decision: String,
    /// What one row is ("customer", "loan", "diamond").
    pub unit: String,
    /// What acting means ("offer"), for labels.
    pub action: String,
    /// Unit of the costs ("EUR", "retention offers").
    pub cost_unit: String,
    /// Task.
    pub task: Task,
    /// Target column.
    pub target: String,
    /// Positive class of a binary task.
    pub positive: Option<String>,
    /// Classes in model order (binary: negative, positive). Empty for regression.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Costs of a binary decision; `None` when not stated (then 1 and 1 are used and shown as such).
    pub costs: Option<Costs>,
    /// Metric that chooses between models, scikit-learn's name.
    pub metric: String,
    /// Columns whose groups are compared for fairness.
    #[serde(default)]
    pub protected: Vec<String>,
    /// Floors that the gate checks.
    #[serde(default)]
    pub floors: Vec<Floor>,
    /// Largest p99 latency of one request, milliseconds.
    pub latency_budget_ms: Option<f64>,
    /// Largest package size, bytes.
    pub size_budget_bytes: Option<u64>,
}

impl Frame {
    /// Returns the costs in force.
    pub fn costs_or_default(&self) -> Costs {
        self.costs.unwrap_or_default()
    }

    /// Returns the cost-optimal probability threshold of a binary task (0.5 when the costs give none).
    pub fn threshold(&self) -> f64 {
        self.costs_or_default().threshold().unwrap_or(0.5)
    }
}
