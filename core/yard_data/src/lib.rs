//! Data files: open, infer types, profile, findings, recipe fit, split.
//!
//! Ways in: [`open()`] reads a file of unknown make, [`read_table`] and [`ChunkReader`] read one by the types
//! and rules of training, [`profile()`] describes it, [`infer_frame`] sets roles and frame, [`split()`] divides the
//! rows, [`fit_recipe`] and [`contract()`] prepare training and serving, [`TableWriter`] writes scores.
//!
//! Text of CSV files is split and typed by rules of this crate's own, through `yard_types::cell`, so that
//! training and serving read a cell alike; polars reads and writes Parquet. Repairs and doubtful choices are
//! findings; only what can't be read is an error. Knows no learner, no project and no clock.
//!
//! ```
//! use yard_data::{ReadOptions, infer_frame, open, profile, split};
//! use yard_types::command::NewProject;
//!
//! let path = std::env::temp_dir().join("yard_data_example.csv");
//! let rows: String = (0..50).map(|row| format!("{row};{},5;{}\n", row % 7, row % 2)).collect();
//! std::fs::write(&path, format!("id;size;late\n{rows}"))?;
//!
//! let mut dataset = open(&path, &ReadOptions::default())?;
//! let facts = NewProject { target: Some("late".to_owned()), ..NewProject::default() };
//! let framed = infer_frame(&mut dataset, &facts)?.ok_or("no target")?;
//! let profile = profile(&dataset, Some(&framed.frame));
//! assert_eq!(profile.columns[1].max, Some(6.5));
//! let (split, _) = split(&dataset.table, &dataset.schema, &framed.frame, &framed.split)?;
//! assert_eq!(split.counts().test, 10);
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bytes;
mod column;
mod contract;
mod csv;
mod encoding;
mod error;
mod findings;
mod frame;
mod images;
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
mod recipe_text;
mod scan;
mod split;
mod target;
mod text;
mod words;
mod writer;

pub use bytes::{fingerprint, fingerprint_of};
pub use column::Wanted;
pub use contract::{ContractInput, contract};
pub use error::DataError;
pub use frame::{Framed, assign_roles, infer_frame};
pub use open::{Dataset, open};
pub use options::{ReadOptions, Watch};
pub use profile::profile;
pub use read::{ChunkReader, ReadTable, column_names, read_table};
pub use recipe::{RecipeFit, fit_recipe, recipe_lines};
pub use split::{marks_validation, split};
pub use target::{NO_CLASS, Target, target};
pub use text::{cell_text, number_text, number_text_f32, rows_page};
pub use writer::{OutColumn, OutFormat, OutKind, TableWriter};
