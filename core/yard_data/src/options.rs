//! How a file shall be read. Everything that isn't given is found out from the file.

use std::sync::Arc;
use yard_types::{event::Progress, schema::SourceFormat};

/// Is told how far a reader is; returns false to stop it.
pub type Watch = Arc<dyn Fn(Progress) -> bool + Send + Sync>;

/// Options of every reader. The default finds everything out.
#[derive(Clone, Default)]
pub struct ReadOptions {
    /// Delimiter of a CSV file.
    pub delimiter: Option<char>,
    /// Whether the first row of a CSV file holds names.
    pub header: Option<bool>,
    /// Words that mean missing, beside the usual ones.
    pub null_words: Vec<String>,
    /// Largest unpacked size of a gzip file in bytes. `None`: 200 times the packed size, at least 64 MiB.
    pub max_unpacked_bytes: Option<u64>,
    /// Keep rows of a CSV file whose cells are all empty (`;;;`), as batch scoring needs one answer a row.
    /// They are left out and noted otherwise; blank lines are left out always.
    pub keep_empty_rows: bool,
    /// Is told of progress and can stop.
    pub watch: Option<Watch>,
}

impl ReadOptions {
    /// Makes the options for a further file of a dataset: header or none as in the first file; delimiter
    /// and encoding are found out again.
    pub fn like(format: &SourceFormat) -> Self {
        let header = (format.kind == "csv").then_some(format.header);
        Self { header, ..Self::default() }
    }
}

impl std::fmt::Debug for ReadOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadOptions")
            .field("delimiter", &self.delimiter)
            .field("header", &self.header)
            .field("null_words", &self.null_words)
            .field("max_unpacked_bytes", &self.max_unpacked_bytes)
            .field("keep_empty_rows", &self.keep_empty_rows)
            .finish_non_exhaustive()
    }
}
