//! Data files: open, infer types, profile, findings, recipe fit, split.
//!
//! Ways in: [`open()`] reads a file of unknown make, [`read_table`] and [`ChunkReader`] read one by the types
//! and rules of training, [`TableWriter`] writes scores.

mod bytes;
mod column;
mod contract;
mod csv;
mod encoding;
mod error;
mod findings;
mod frame;
mod infer;
mod layout;
mod ndjson;
mod numbers;
mod open;
mod options;
mod parquet;
mod profile;
mod raw;
mod read;
mod recipe;
mod scan;
mod split;
mod target;
mod text;
mod words;
mod writer;

pub use bytes::fingerprint;
pub use column::Wanted;
pub use contract::{ContractInput, contract};
pub use error::DataError;
pub use frame::{Framed, assign_roles, infer_frame};
pub use open::{Dataset, open};
pub use options::{ReadOptions, Watch};
pub use profile::profile;
pub use read::{ChunkReader, ReadTable, column_names, read_table};
pub use recipe::{RecipeFit, fit_recipe, recipe_lines};
pub use split::split;
pub use target::{NO_CLASS, Target, target};
pub use text::{cell_text, number_text, number_text_f32, rows_page};
pub use writer::{OutColumn, OutFormat, OutKind, TableWriter};
