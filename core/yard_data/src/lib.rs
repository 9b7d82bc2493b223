//! Data files: open, infer types, profile, findings, recipe fit, split.
//!
//! Ways in: [`open()`] reads a file of unknown make, [`read_table`] and [`ChunkReader`] read one by the types
//! and rules of training, [`TableWriter`] writes scores.

mod bytes;
mod column;
mod csv;
mod encoding;
mod error;
mod findings;
mod infer;
mod layout;
mod ndjson;
mod numbers;
mod open;
mod options;
mod parquet;
mod raw;
mod read;
mod scan;
mod words;

pub use bytes::fingerprint;
pub use column::Wanted;
pub use error::DataError;
pub use open::{Dataset, open};
pub use options::{ReadOptions, Watch};
pub use read::{ChunkReader, ReadTable, column_names, read_table};
