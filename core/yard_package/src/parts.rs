//! The identity of a model: `model_sha256` is the SHA-256 over the canonical bytes of recipe, model and
//! calibration. Those bytes are an archive of four entries, which are also entries of the package, so
//! that the object store, `train` and `verify` speak of the same hash.

use crate::{
    archive,
    error::PackageError,
    json,
    weights::{self, StoredModel},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Digest as _;
use std::collections::BTreeMap;
use yard_score::model::ScorerParts;
use yard_types::ids::Sha256;

/// Entries that hold the model, by name.
pub(crate) const MODEL_ENTRIES: [&str; 4] =
    ["calibration.json", "model.json", "recipe.json", "weights.safetensors"];

/// Returns the SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

/// Returns the hash over recipe, model and calibration.
pub fn model_hash(parts: &ScorerParts) -> Result<Sha256, PackageError> {
    Ok(sha256(&parts_to_bytes(parts)?))
}

/// Writes a model for the object store. The SHA-256 of these bytes is [`model_hash`].
pub fn parts_to_bytes(parts: &ScorerParts) -> Result<Vec<u8>, PackageError> {
    archive_of(&model_entries(parts)?)
}

/// Reads what [`parts_to_bytes`] wrote, as strictly as a package.
pub fn parts_from_bytes(bytes: &[u8]) -> Result<ScorerParts, PackageError> {
    let entries: Vec<(String, &[u8])> =
        archive::read(bytes)?.into_iter().map(|entry| (entry.name, &bytes[entry.range])).collect();
    if let Some((name, _)) = entries.iter().find(|(name, _)| !MODEL_ENTRIES.contains(&name.as_str())) {
        return Err(PackageError::UnknownEntry { name: name.clone() });
    }
    parts_from_entries(&|name| entries.iter().find(|(own, _)| own == name).map(|(_, bytes)| *bytes))
}

pub(crate) type Entries = BTreeMap<&'static str, Vec<u8>>;

pub(crate) fn archive_of(entries: &Entries) -> Result<Vec<u8>, PackageError> {
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    archive::write(&entries)
}

/// Returns the four entries of a model.
pub(crate) fn model_entries(parts: &ScorerParts) -> Result<Entries, PackageError> {
    let (model, arrays) = weights::split(&parts.model)?;
    let stored = StoredModel { task: parts.task, classes: parts.classes.clone(), link: parts.link, model };
    Ok(Entries::from([
        ("calibration.json", json_entry("calibration.json", &parts.calibration)?),
        ("model.json", json_entry("model.json", &stored)?),
        ("recipe.json", json_entry("recipe.json", &parts.recipe)?),
        ("weights.safetensors", arrays),
    ]))
}

pub(crate) fn parts_from_entries<'a>(
    entry: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<ScorerParts, PackageError> {
    let stored: StoredModel = read_json(entry, "model.json")?;
    Ok(ScorerParts {
        task: stored.task,
        classes: stored.classes,
        recipe: read_json(entry, "recipe.json")?,
        link: stored.link,
        calibration: read_json(entry, "calibration.json")?,
        model: weights::join(stored.model, required(entry, "weights.safetensors")?)?,
    })
}

pub(crate) fn required<'a>(
    entry: &dyn Fn(&str) -> Option<&'a [u8]>,
    name: &str,
) -> Result<&'a [u8], PackageError> {
    entry(name).ok_or_else(|| PackageError::MissingEntry { name: name.to_owned() })
}

pub(crate) fn read_json<'a, T: DeserializeOwned>(
    entry: &dyn Fn(&str) -> Option<&'a [u8]>,
    name: &str,
) -> Result<T, PackageError> {
    let bytes = required(entry, name)?;
    json::from_slice(bytes)
        .map_err(|problem| PackageError::Json { name: name.to_owned(), problem: problem.to_string() })
}

/// Writes a canonical JSON entry and makes sure that it can be read back: a NaN becomes null, which a
/// number field refuses.
pub(crate) fn json_entry<T: Serialize + DeserializeOwned>(
    name: &str,
    value: &T,
) -> Result<Vec<u8>, PackageError> {
    let unwritable = |problem: json::JsonProblem| PackageError::Unwritable {
        name: name.to_owned(),
        problem: problem.to_string(),
    };
    let bytes = json::to_canonical(value).map_err(unwritable)?;
    json::from_slice::<T>(&bytes).map_err(unwritable)?;
    Ok(bytes)
}
