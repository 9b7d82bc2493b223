//! Places of the window in the order of the loop.

use serde::{Deserialize, Serialize};

/// A place of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Recent projects, samples, goal of the open project.
    #[default]
    Start,
    /// The decision and its costs.
    Frame,
    /// Columns, findings, rows.
    Data,
    /// Recipe, curves, runs.
    Train,
    /// Metrics, costs, slices, fairness.
    Evaluate,
    /// Contents, checks, card.
    Package,
    /// Targets, versions, traffic.
    Deploy,
    /// Windows, drift, alerts.
    Monitor,
    /// Versions, lineage, event log.
    Registry,
    /// What this user prefers; no stage of the loop.
    Settings,
    /// Pages about places, terms and commands; no stage of the loop.
    Help,
}

impl Place {
    /// The stages of the loop in order; the position plus one is the digit of the shortcut.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Frame,
        Self::Data,
        Self::Train,
        Self::Evaluate,
        Self::Package,
        Self::Deploy,
        Self::Monitor,
        Self::Registry,
    ];

    /// The stages and, after them, the places beside the loop.
    pub const EVERY: [Self; 11] = [
        Self::Start,
        Self::Frame,
        Self::Data,
        Self::Train,
        Self::Evaluate,
        Self::Package,
        Self::Deploy,
        Self::Monitor,
        Self::Registry,
        Self::Settings,
        Self::Help,
    ];

    /// Returns the name shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Frame => "Frame",
            Self::Data => "Data",
            Self::Train => "Train",
            Self::Evaluate => "Evaluate",
            Self::Package => "Package",
            Self::Deploy => "Deploy",
            Self::Monitor => "Monitor",
            Self::Registry => "Registry",
            Self::Settings => "Settings",
            Self::Help => "Help",
        }
    }

    /// Returns the digit of the shortcut, 1..=9; none beside the loop.
    pub fn digit(self) -> Option<usize> {
        Self::ALL.iter().position(|place| *place == self).map(|at| at + 1)
    }

    /// Finds a place by its name in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|place| place.label().eq_ignore_ascii_case(word))
    }
}

/// What the inspector shows: the thing selected last.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Selection {
    /// Nothing.
    #[default]
    None,
    /// A column of the current dataset.
    Column(String),
    /// A run.
    Run(yard_types::ids::RunId),
    /// A model.
    Model(yard_types::ids::ModelId),
    /// A package by its version.
    Package(u64),
    /// A slice of the evaluation.
    Slice(String),
    /// A field in the drift table.
    Drift(String),
    /// An event of the log.
    Event(u64),
}

/// What "Explain this" speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A finding of the current dataset by its code and column.
    Finding {
        /// Code.
        code: String,
        /// Column; `None` = the whole table.
        column: Option<String>,
    },
    /// A metric of the chosen model.
    Metric(String),
    /// A gate of the newest report by its name.
    Gate(String),
    /// An alert by its kind, field and window.
    Alert {
        /// Kind.
        kind: String,
        /// Field concerned.
        field: Option<String>,
        /// Index of the window.
        window: u64,
    },
}
