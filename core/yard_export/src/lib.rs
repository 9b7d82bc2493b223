//! Exports of a package in the field's own formats, and models read from them.
//!
//! An export is a set of files made from a package alone, the same bytes each time; writing them is the
//! caller's part. What a format can't hold is stated in [`Exported::notes`] and in the export's README; a
//! model that a format can't hold at all is an error that says what would be lost and which format keeps
//! it. Knows nothing of projects, file systems and the network.
//!
//! ```
//! use yard_export::{Format, import};
//! assert_eq!(Format::from_word("onnx")?.word(), "onnx");
//! let error = import(b"\x80\x04\x95 a pickle").map(|_| ()).unwrap_err();
//! assert!(error.to_string().contains("pickle"));
//! # Ok::<(), yard_export::ExportError>(())
//! ```

mod archive;
mod c;
mod cluster;
mod error;
mod exported;
mod flat;
mod foreign;
mod format;
mod grid;
mod image;
mod imported;
mod kind;
mod lightgbm;
mod mlflow;
mod onnx;
mod pmml;
mod python;
mod sbom;
#[cfg(test)]
mod structure_tests;
mod subject;
mod tensorflow;
#[cfg(test)]
mod testing;
mod torchscript;
mod triton;
mod wasm;
mod xgboost;

pub use error::{ExportError, ImportError};
pub use exported::Exported;
pub use format::{Format, Options, export, export_with};
pub use imported::{ImportFacts, Imported, mlflow_model_file};
pub use kind::import;
