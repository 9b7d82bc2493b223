//! Cells on their way from a file to columns, and the sources that give them. A sink per column takes
//! cells: the scan that infers types and the builder that fills a column are both such sinks.

use crate::csv::source::CsvSource;
use crate::error::DataError;
use crate::images::folder::FolderSource;
use crate::ndjson::NdjsonSource;
use crate::parquet::ParquetSource;
use yard_types::profile::Finding;

/// A cell as the file has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Raw<'a> {
    Missing,
    Text(&'a str),
    Number(f64),
    Integer(i64),
    Boolean(bool),
    Instant(i64),
}

/// Takes the cells of one column in row order.
pub(crate) trait CellSink {
    fn push(&mut self, cell: Raw<'_>);
}

/// The rows of a file, given in portions.
pub(crate) enum Source {
    Csv(Box<CsvSource>),
    Ndjson(Box<NdjsonSource>),
    Parquet(Box<ParquetSource>),
    Images(FolderSource),
}

impl Source {
    /// Gives up to `most` further rows to the sinks, one sink (or none) a source column. Returns the
    /// number of rows, 0 at the end.
    pub(crate) fn fill<S: CellSink>(
        &mut self,
        sinks: &mut [Option<S>],
        most: usize,
    ) -> Result<usize, DataError> {
        match self {
            Self::Csv(source) => source.fill(sinks, most),
            Self::Ndjson(source) => source.fill(sinks, most),
            Self::Parquet(source) => source.fill(sinks, most),
            Self::Images(source) => Ok(source.fill(sinks, most)),
        }
    }

    /// Returns the repairs made so far.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Csv(source) => source.findings(),
            Self::Ndjson(_) | Self::Parquet(_) | Self::Images(_) => Vec::new(),
        }
    }
}
