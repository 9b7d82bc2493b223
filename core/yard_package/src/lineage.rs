//! Where a model comes from, as stored in `lineage.json`. Names and hashes only; no path of a machine.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yard_types::run::{Params, RunSpec};

/// Lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// Project name.
    pub project: String,
    /// File name of the dataset, without folders.
    pub dataset: String,
    /// Fingerprint (SHA-256) of the dataset's file.
    pub fingerprint: String,
    /// Rows of the dataset.
    pub rows: u64,
    /// The split in words, with the number of rows of each part.
    pub split: String,
    /// What was asked for.
    pub run: RunSpec,
    /// All hyperparameters in force.
    pub params: Params,
    /// Device that trained it.
    pub device: String,
    /// Time of training, RFC 3339.
    pub trained_at: String,
    /// The steps of the fitted recipe, for people.
    #[serde(default)]
    pub recipe: Vec<String>,
    /// Further facts.
    #[serde(default)]
    pub more: BTreeMap<String, String>,
}
