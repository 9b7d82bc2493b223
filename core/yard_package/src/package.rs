//! Reading a package: everything is checked before anything is used, on the very bytes that are used.

use crate::{
    archive::{self, Entry},
    content::{ExplainEntry, PackageContent},
    error::PackageError,
    golden, json,
    key::Signature,
    parts::{self, MODEL_ENTRIES, read_json, required},
};
use yard_score::{error::ScoreError, explain::Explainer, scorer::Scorer};
use yard_types::{
    contract::valid_name,
    ids::Sha256,
    package::{Manifest, ManifestEntry},
};

const REQUIRED: [&str; 11] = [
    "calibration.json",
    "card.md",
    "contract.json",
    "evaluation.json",
    "frame.json",
    "golden.jsonl",
    "lineage.json",
    "model.json",
    "recipe.json",
    "reference.json",
    "weights.safetensors",
];
const OPTIONAL: [&str; 1] = ["explain.json"];

/// A package that passed every check of structure, hashes and signature, and whose model can be run.
/// Golden examples and claims are checked by [`crate::verify::verify`].
#[derive(Clone, Debug)]
pub struct Package {
    /// Content.
    pub content: PackageContent,
    /// Manifest.
    pub manifest: Manifest,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Public key that signed it, hexadecimal; `None` when unsigned. Whether that key is trusted is the
    /// reader's decision.
    pub signed_by: Option<String>,
    scorer: Scorer,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Package {
    /// Reads and checks a package.
    pub fn read(bytes: Vec<u8>) -> Result<Self, PackageError> {
        let entries = archive::read(&bytes)?;
        let entry = |name: &str| {
            let found = entries.iter().find(|entry| entry.name == name);
            found.map(|entry| &bytes[entry.range.clone()])
        };
        let manifest = read_manifest(required(&entry, "manifest.json")?)?;
        check_names(&entries, &manifest)?;
        for listed in &manifest.entries {
            check_entry(required(&entry, &listed.name)?, listed)?;
        }
        let signed_by = match entry("signature") {
            None => None,
            Some(signature) => Some(check_signature(signature, required(&entry, "manifest.json")?)?),
        };
        check_model_hash(&entry, &manifest)?;
        let content = read_content(&entry, &manifest)?;
        let scorer = Scorer::new(&content.parts)?;
        check_content(&content, &scorer)?;
        let sha256 = parts::sha256(&bytes);
        Ok(Self { content, manifest, sha256, signed_by, scorer, bytes, entries })
    }

    /// Returns the scorer.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Makes an explainer, with the means of the features as reference where the package has them.
    pub fn explainer(&self) -> Result<Explainer, ScoreError> {
        Explainer::new(&self.content.parts, self.content.feature_means.as_deref())
    }

    /// Returns the bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes of an entry.
    pub fn entry(&self, name: &str) -> Option<&[u8]> {
        let found = self.entries.iter().find(|entry| entry.name == name)?;
        self.bytes.get(found.range.clone())
    }

    /// Returns the model's name.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Returns the version within the project.
    pub fn version(&self) -> u64 {
        self.manifest.version
    }
}

fn manifest_problem(problem: impl Into<String>) -> PackageError {
    PackageError::Manifest { problem: problem.into() }
}

fn read_manifest(bytes: &[u8]) -> Result<Manifest, PackageError> {
    let value = json::parse(bytes).map_err(|problem| manifest_problem(problem.0))?;
    if json::to_canonical(&value).map_err(|problem| manifest_problem(problem.0))? != bytes {
        return Err(manifest_problem("not in canonical form"));
    }
    if let Some(version) = value.get("format_version").and_then(serde_json::Value::as_u64)
        && version > 1
    {
        return Err(PackageError::Version { got: u32::try_from(version).unwrap_or(u32::MAX) });
    }
    let manifest: Manifest =
        serde_json::from_value(value).map_err(|error| manifest_problem(error.to_string()))?;
    if manifest.format != "modelpack" || manifest.format_version != 1 {
        return Err(manifest_problem("the format is not modelpack, version 1"));
    }
    if !valid_name(&manifest.name) || manifest.version == 0 {
        return Err(manifest_problem("model name or version is not allowed"));
    }
    Ok(manifest)
}

/// Checks that the archive holds the entries of format version 1 and the manifest lists exactly those.
fn check_names(entries: &[Entry], manifest: &Manifest) -> Result<(), PackageError> {
    let special = ["manifest.json", "signature"];
    for entry in entries {
        let name = entry.name.as_str();
        if special.contains(&name) {
            continue;
        }
        if !REQUIRED.contains(&name) && !OPTIONAL.contains(&name) {
            return Err(PackageError::UnknownEntry { name: name.to_owned() });
        }
        if !manifest.entries.iter().any(|listed| listed.name == name) {
            return Err(manifest_problem(format!("entry \"{name}\" is not listed")));
        }
    }
    if manifest.entries.windows(2).any(|pair| pair[0].name >= pair[1].name) {
        return Err(manifest_problem("entries are not sorted and distinct"));
    }
    for listed in &manifest.entries {
        if special.contains(&listed.name.as_str()) {
            return Err(manifest_problem("it lists itself or the signature"));
        }
    }
    match REQUIRED.iter().find(|name| !entries.iter().any(|entry| entry.name == **name)) {
        None => Ok(()),
        Some(name) => Err(PackageError::MissingEntry { name: (*name).to_owned() }),
    }
}

fn check_entry(bytes: &[u8], listed: &ManifestEntry) -> Result<(), PackageError> {
    let name = listed.name.clone();
    if bytes.len() as u64 != listed.bytes {
        return Err(PackageError::Size { name, expected: listed.bytes, got: bytes.len() as u64 });
    }
    if parts::sha256(bytes) == listed.sha256 { Ok(()) } else { Err(PackageError::Hash { name }) }
}

fn check_signature(bytes: &[u8], manifest: &[u8]) -> Result<String, PackageError> {
    let format = |problem: json::JsonProblem| PackageError::SignatureFormat { problem: problem.0 };
    let signature: Signature = json::from_slice(bytes).map_err(format)?;
    if json::to_canonical(&signature).map_err(format)? != bytes {
        return Err(PackageError::SignatureFormat { problem: "not in canonical form".to_owned() });
    }
    signature.verify(manifest)?;
    Ok(signature.public_key)
}

fn check_model_hash<'a>(
    entry: &dyn Fn(&str) -> Option<&'a [u8]>,
    manifest: &Manifest,
) -> Result<(), PackageError> {
    let mut entries = Vec::with_capacity(MODEL_ENTRIES.len());
    for name in MODEL_ENTRIES {
        entries.push((name, required(entry, name)?));
    }
    let hash = parts::sha256(&archive::write(&entries)?);
    if hash == manifest.model_sha256 { Ok(()) } else { Err(PackageError::ModelHash) }
}

fn read_content<'a>(
    entry: &dyn Fn(&str) -> Option<&'a [u8]>,
    manifest: &Manifest,
) -> Result<PackageContent, PackageError> {
    let card = required(entry, "card.md")?.to_vec();
    let explain: Option<ExplainEntry> = match entry("explain.json") {
        None => None,
        Some(_) => Some(read_json(entry, "explain.json")?),
    };
    Ok(PackageContent {
        version: manifest.version,
        written_by: manifest.written_by.clone(),
        parts: parts::parts_from_entries(entry)?,
        contract: read_json(entry, "contract.json")?,
        frame: read_json(entry, "frame.json")?,
        golden: golden::from_lines(required(entry, "golden.jsonl")?)?,
        reference: read_json(entry, "reference.json")?,
        evaluations: read_json(entry, "evaluation.json")?,
        card: String::from_utf8(card).map_err(|_| PackageError::Text { name: "card.md".to_owned() })?,
        lineage: read_json(entry, "lineage.json")?,
        feature_means: explain.map(|explain| explain.feature_means),
    })
}

fn mismatch(name: &str, problem: impl Into<String>) -> PackageError {
    PackageError::Mismatch { name: name.to_owned(), problem: problem.into() }
}

/// Checks that contract, frame, reference and explanation belong to the model.
fn check_content(content: &PackageContent, scorer: &Scorer) -> Result<(), PackageError> {
    let (contract, parts) = (&content.contract, &content.parts);
    let inputs = &parts.recipe.inputs;
    if !valid_name(&contract.name) {
        return Err(mismatch("contract.json", "the model name is not allowed"));
    }
    if contract.task != parts.task || contract.classes != parts.classes {
        return Err(mismatch("contract.json", "task or classes are not those of the model"));
    }
    let names = contract.fields.len() == inputs.len()
        && contract.fields.iter().zip(inputs).all(|(field, input)| {
            field.name == input.name
                && field.field_type == input.field_type
                && field.categories == input.categories
        });
    if !names {
        return Err(mismatch("contract.json", "fields, types or categories are not those of the recipe"));
    }
    if content.frame.task != parts.task || content.frame.target != contract.target {
        return Err(mismatch("frame.json", "task or target are not those of the model"));
    }
    content.reference.check().map_err(|error| mismatch("reference.json", error.to_string()))?;
    if let Some(means) = &content.feature_means
        && (means.len() != scorer.encoder().n_features() || means.iter().any(|mean| !mean.is_finite()))
    {
        return Err(mismatch("explain.json", "not one finite mean for each feature"));
    }
    Ok(())
}
