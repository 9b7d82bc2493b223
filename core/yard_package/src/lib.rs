//! The `.modelpack`: read, verify, write, sign. A package holds data only, no code; anyone can verify it
//! without a project. Knows nothing of projects, polars, servers or the network.
//!
//! Way in: [`content::write`], [`package::Package::read`], [`verify::verify`]; [`parts`] for the identity
//! of a model. Layout of the file: [`archive`]; of JSON: [`json`].
//!
//! ```
//! let report = yard_package::verify(b"not a package, only some text");
//! assert!(!report.ok);
//! assert!(report.claims[0].detail.contains("archive structure"));
//! ```

pub mod archive;
pub mod card;
pub mod content;
pub mod error;
pub mod golden;
pub mod json;
pub mod key;
pub mod lineage;
pub mod package;
pub mod parts;
pub mod verify;
mod weights;

pub use content::{PackageContent, write};
pub use error::{KeyError, PackageError};
pub use golden::Golden;
pub use key::SigningKey;
pub use lineage::Lineage;
pub use package::Package;
pub use parts::{model_hash, parts_from_bytes, parts_to_bytes, sha256};
pub use verify::verify;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
