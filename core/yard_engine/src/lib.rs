//! The facade of the product: project file, job queue, lineage. A [`yard_types::command::Command`]
//! goes in, [`yard_types::event::Event`]s are committed and [`yard_types::event::Notice`]s come out.
//!
//! The only crate that knows all the others. Way in: [`engine::Engine`]. Knows nothing of windows,
//! terminals or argument parsing.

pub mod batch;
pub mod canonical;
pub mod clock;
mod commands;
mod devices;
pub mod drift;
pub mod engine;
#[cfg(test)]
mod engine_tests;
pub mod error;
pub mod home;
mod images;
pub mod jobs;
pub mod lineage;
mod models;
pub mod notices;
pub mod project;
#[cfg(test)]
mod resume_tests;
pub mod sample;
mod tables;
pub mod targets;

pub use clock::{Clock, SystemClock};
pub use commands::import::profile_file;
pub use devices::devices;
pub use engine::{Accepted, Engine, EngineOptions};
pub use error::{EngineError, ProjectError};
pub use home::Home;
pub use jobs::Done;
pub use lineage::{describe, lineage};
pub use project::Project;
/// Checks a package: hashes, signature, golden examples, claims.
pub use yard_package::verify;
