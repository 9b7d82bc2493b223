//! What the log keeps of a field's values: the value, a keyed digest by which equal values can be told and no more, or
//! nothing.

use crate::{config::LogOptions, error::ServeError, files, served::Served};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, fs, path::Path};

/// Bytes of the key.
const KEY: usize = 32;

/// What is kept of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Value,
    Digest,
    Nothing,
}

/// The rules of a server.
#[derive(Debug)]
pub(crate) struct Privacy {
    drop: BTreeSet<String>,
    digest: BTreeSet<String>,
    /// Without it digests of small sets of values, such as cities, could be looked up.
    key: [u8; KEY],
}

impl Privacy {
    /// Reads the rules; the key lies in the store and is made when a field first needs it.
    pub(crate) fn open(folder: &Path, options: &LogOptions) -> Result<Self, ServeError> {
        let mut key = [0; KEY];
        if !options.hash_fields.is_empty() {
            let path = folder.join("log.key");
            match fs::read(&path) {
                Ok(bytes) if bytes.len() == KEY => key.copy_from_slice(&bytes),
                _ => {
                    getrandom::fill(&mut key)
                        .map_err(|error| ServeError::Random { cause: error.to_string() })?;
                    files::write_private(&path, &key)?;
                }
            }
        }
        Ok(Self { drop: options.drop_fields.clone(), digest: options.hash_fields.clone(), key })
    }

    /// Returns what is kept of a model's field.
    pub(crate) fn of(&self, served: &Served, field: &str) -> Kept {
        if self.drop.is_empty() && self.digest.is_empty() {
            return Kept::Value;
        }
        let named = |set: &BTreeSet<String>| {
            set.contains(field) || set.contains(&format!("{}.{field}", served.identity.model))
        };
        match (named(&self.drop), named(&self.digest)) {
            (true, _) => Kept::Nothing,
            (_, true) => Kept::Digest,
            _ => Kept::Value,
        }
    }

    /// Replaces a value, written as JSON from `start` on, by its digest.
    pub(crate) fn digest(&self, out: &mut Vec<u8>, start: usize, field: &str) {
        let mut hasher = Sha256::new();
        hasher.update(self.key);
        hasher.update((field.len() as u64).to_le_bytes());
        hasher.update(field);
        hasher.update(out.get(start..).unwrap_or_default());
        let digest = yard_types::ids::Sha256(hasher.finalize().into()).to_hex();
        out.truncate(start);
        out.extend_from_slice(b"\"sha256:");
        out.extend_from_slice(digest.as_bytes());
        out.push(b'"');
    }
}
