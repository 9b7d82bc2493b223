//! Facts about a `.modelpack` as shown and as printed by `verify`.

use crate::ids::Sha256;
use serde::{Deserialize, Serialize};

/// One entry of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// Entry name in the archive.
    pub name: String,
    /// Size in bytes, unpacked.
    pub bytes: u64,
    /// SHA-256 of the unpacked bytes.
    pub sha256: Sha256,
}

/// `manifest.json`: lists every other entry except `signature`, which signs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `modelpack`.
    pub format: String,
    /// Format version, 1.
    pub format_version: u32,
    /// Model name.
    pub name: String,
    /// Version of the model within its project, from 1.
    pub version: u64,
    /// Hash over recipe, model and calibration, as `train` printed it.
    pub model_sha256: Sha256,
    /// Version of the program that wrote it.
    pub written_by: String,
    /// Entries by name.
    pub entries: Vec<ManifestEntry>,
}

/// Result of re-computing the golden examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldenCheck {
    /// Examples.
    pub total: u64,
    /// Examples whose answer has the same bits.
    pub equal: u64,
}

/// A claim of the package and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Claim in words.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// What `verify` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Whether everything holds.
    pub ok: bool,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Public key that signed it, hexadecimal; `None` when unsigned.
    pub signed_by: Option<String>,
    /// Golden examples.
    pub golden: GoldenCheck,
    /// Claims.
    pub claims: Vec<Claim>,
}

/// A package that a project built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackageRecord {
    /// Model in it.
    pub model: crate::ids::ModelId,
    /// Model name.
    pub name: String,
    /// Version within the project.
    pub version: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Size of the file.
    pub bytes: u64,
    /// Where it was written.
    pub path: String,
    /// Entries, for display.
    pub entries: Vec<ManifestEntry>,
    /// Checks made when it was built.
    pub checks: Vec<Claim>,
    /// The model card (Markdown).
    pub card: String,
    /// Signing key.
    pub signed_by: Option<String>,
}
