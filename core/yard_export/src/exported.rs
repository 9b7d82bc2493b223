//! What an export is: files by relative path, and what could not be kept.

use std::collections::BTreeMap;

/// The files of an export.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Bytes by relative path with `/`; every path stays inside the folder of the export.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The file that alone is the model, where the format has one: it may be written without its folder.
    pub main: Option<&'static str>,
    /// What the format can't hold of this model, in whole sentences.
    pub notes: Vec<String>,
}

impl Exported {
    /// Returns the size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|bytes| bytes.len() as u64).sum()
    }
}
