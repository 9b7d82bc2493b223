//! What can go wrong in the engine. Each message says what failed, what was expected and what to do.

use std::path::PathBuf;

/// Errors of the project file.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is nothing at the path.
    #[error("no project at \"{}\"; make one with `modelyard new`, or check the path", path.display())]
    NotFound {
        /// Path.
        path: PathBuf,
    },
    /// A project is to be made where something is already.
    #[error("\"{}\" exists already; choose another name, or open it", path.display())]
    Exists {
        /// Path.
        path: PathBuf,
    },
    /// A folder.
    #[error("\"{}\" is a folder; expected a project file (NAME.modelyard)", path.display())]
    Directory {
        /// Path.
        path: PathBuf,
    },
    /// Another kind of file.
    #[error("not a Modelyard project: {found}; expected a NAME.modelyard file: \"{}\"", path.display())]
    NotAProject {
        /// What was found.
        found: String,
        /// Path.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "the project has file version {found}, this program reads up to {known}; \
         update Modelyard to open it: \"{}\"",
        path.display()
    )]
    Newer {
        /// Version found.
        found: i64,
        /// Newest known version.
        known: i64,
        /// Path.
        path: PathBuf,
    },
    /// Part of the file is missing or overwritten.
    #[error(
        "the project file is damaged: {what}; restore a copy (a backup made before an upgrade lies \
         beside it as *.backup): \"{}\"",
        path.display()
    )]
    Damaged {
        /// What was found.
        what: String,
        /// Path.
        path: PathBuf,
    },
    /// The hash chain of the log is broken.
    #[error("the event log was changed at event {seq}: {what}; expected an unbroken chain of hashes")]
    Chain {
        /// First bad event.
        seq: u64,
        /// What was found.
        what: String,
    },
    /// A writing act on a project that was opened read-only.
    #[error("the project is open read-only: {reason}; close the other one and open it again")]
    ReadOnly {
        /// Why.
        reason: String,
    },
    /// An event that would not come back the same.
    #[error("an event of kind \"{kind}\" can't be stored: {what}; expected finite figures")]
    Event {
        /// Kind.
        kind: String,
        /// What was found.
        what: String,
    },
    /// An object that is not in the store or has other bytes than its hash.
    #[error("object {sha256} {what}; the project file lacks what the log refers to")]
    Object {
        /// Hash.
        sha256: String,
        /// What was found.
        what: String,
    },
    /// `SQLite` refused.
    #[error("the project file could not be {act}: {source}; check that the disk is writable and not full")]
    Sqlite {
        /// `read`, `written`, ...
        act: &'static str,
        /// Cause.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("could not {act} \"{}\": {source}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Path.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}

/// Errors of commands.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The project file.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A command that makes no sense in this state of the project: refused at once.
    #[error("{message}")]
    Refused {
        /// What, what was expected, what to do.
        message: String,
    },
    /// A part of the engine failed.
    #[error("{message}")]
    Failed {
        /// What, what was expected, what to do.
        message: String,
    },
    /// The user stopped the job.
    #[error("stopped by the user")]
    Cancelled,
    /// A file could not be read or written.
    #[error("could not {act} \"{}\": {source}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Path.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}

impl EngineError {
    /// Makes a refusal.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into() }
    }

    /// Wraps the error of a part, keeping its message.
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed { message: error.to_string() }
    }
}
