//! What a package holds, typed, and how it is written.

use crate::{
    archive,
    error::PackageError,
    golden::{self, Golden},
    json,
    key::SigningKey,
    lineage::Lineage,
    parts::{self, json_entry},
};
use serde::{Deserialize, Serialize};
use yard_metrics::sketch::ReferenceSet;
use yard_score::model::ScorerParts;
use yard_types::{
    contract::Contract,
    evaluation::Evaluation,
    frame::Frame,
    metric::MetricSet,
    package::{Manifest, ManifestEntry},
};

/// All parts of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageContent {
    /// Version of the model within its project, from 1. The name is the contract's.
    pub version: u64,
    /// Version of the program that writes it.
    pub written_by: String,
    /// Recipe, model, calibration.
    pub parts: ScorerParts,
    /// Contract.
    pub contract: Contract,
    /// Frame.
    pub frame: Frame,
    /// Golden examples.
    pub golden: Vec<Golden>,
    /// Sketches of each field and of the score.
    pub reference: ReferenceSet,
    /// Evaluations, the most telling one (test) first.
    pub evaluations: Vec<Evaluation>,
    /// Model card in Markdown.
    pub card: String,
    /// Lineage.
    pub lineage: Lineage,
    /// Means of the features over training rows, from which contributions of linear models and nets
    /// are measured.
    pub feature_means: Option<Vec<f32>>,
}

/// `explain.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainEntry {
    pub(crate) feature_means: Vec<f32>,
}

impl PackageContent {
    /// Returns the probability threshold of the decision: the frame's, for a binary task.
    pub fn threshold(&self) -> Option<f64> {
        (self.frame.task == yard_types::frame::Task::Binary).then(|| self.frame.threshold())
    }
}

/// Writes a package; the same content and key give the same bytes. Metrics that are not finite are left
/// out; any other value that JSON can't hold is an error. What is written has been read back.
pub fn write(content: &PackageContent, key: Option<&SigningKey>) -> Result<Vec<u8>, PackageError> {
    let mut entries = parts::model_entries(&content.parts)?;
    let model_sha256 = parts::sha256(&parts::archive_of(&entries)?);
    let evaluations: Vec<Evaluation> = content.evaluations.iter().map(defined_only).collect();
    entries.insert("contract.json", json_entry("contract.json", &content.contract)?);
    entries.insert("frame.json", json_entry("frame.json", &content.frame)?);
    entries.insert("golden.jsonl", golden::to_lines(&content.golden)?);
    entries.insert("reference.json", json_entry("reference.json", &content.reference)?);
    entries.insert("evaluation.json", json_entry("evaluation.json", &evaluations)?);
    entries.insert("card.md", content.card.clone().into_bytes());
    entries.insert("lineage.json", json_entry("lineage.json", &content.lineage)?);
    if let Some(means) = &content.feature_means {
        let entry = ExplainEntry { feature_means: means.clone() };
        entries.insert("explain.json", json_entry("explain.json", &entry)?);
    }
    let listed = entries.iter().map(|(name, bytes)| ManifestEntry {
        name: (*name).to_owned(),
        bytes: bytes.len() as u64,
        sha256: parts::sha256(bytes),
    });
    let manifest = Manifest {
        format: "modelpack".to_owned(),
        format_version: 1,
        name: content.contract.name.clone(),
        version: content.version,
        model_sha256,
        written_by: content.written_by.clone(),
        entries: listed.collect(),
    };
    let manifest = json_entry("manifest.json", &manifest)?;
    if let Some(key) = key {
        let signature = json::to_canonical(&key.sign(&manifest));
        let unwritable =
            |problem: json::JsonProblem| PackageError::SignatureFormat { problem: problem.to_string() };
        entries.insert("signature", signature.map_err(unwritable)?);
    }
    entries.insert("manifest.json", manifest);
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let bytes = archive::write(&entries)?;
    crate::package::Package::read(bytes.clone())?;
    Ok(bytes)
}

/// Drops metrics that are not finite; an absent metric is an undefined one.
fn defined_only(evaluation: &Evaluation) -> Evaluation {
    let clean = |metrics: &mut MetricSet| {
        metrics.retain(|_, metric| metric.value.is_finite());
        for metric in metrics.values_mut() {
            metric.low = metric.low.filter(|low| low.is_finite());
            metric.high = metric.high.filter(|high| high.is_finite());
        }
    };
    let mut out = evaluation.clone();
    clean(&mut out.metrics);
    out.slices.iter_mut().for_each(|slice| clean(&mut slice.metrics));
    out
}
