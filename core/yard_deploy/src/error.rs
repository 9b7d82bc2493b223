//! What can go wrong between this program and a server.

use std::path::PathBuf;

/// Errors of deployment.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// Nothing answers.
    #[error("no server answers ({reason}); start it again with a deploy, or check that it runs: {url}")]
    Unreachable {
        /// URL asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server answered with an error.
    #[error("the server refused ({status}): {message}: {url}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's message.
        message: String,
        /// URL asked.
        url: String,
    },
    /// The server's answer is not what this program knows.
    #[error(
        "the server's answer can't be read ({reason}); expected a Modelyard server of this version: {url}"
    )]
    Answer {
        /// What was wrong.
        reason: String,
        /// URL asked.
        url: String,
    },
    /// The server process could not be started.
    #[error("the server could not be started: {reason}; its log: \"{}\"", log.display())]
    Start {
        /// Why, with the last lines of the log.
        reason: String,
        /// Log file.
        log: PathBuf,
    },
    /// A token file could not be read.
    #[error("the token file can't be used ({reason}); expected one line with the token: \"{}\"", path.display())]
    Token {
        /// Why.
        reason: String,
        /// Path.
        path: PathBuf,
    },
    /// The server stored other bytes than were sent.
    #[error("the server holds a package with SHA-256 {got}; expected {expected}; deploy again")]
    OtherPackage {
        /// Hash of the bytes sent.
        expected: String,
        /// Hash on the server.
        got: String,
    },
    /// The golden requests got other answers.
    #[error(
        "{equal} of {total} golden requests got the same bits over HTTP ({first}); expected all; \
         the version was not switched on"
    )]
    Golden {
        /// Equal answers.
        equal: usize,
        /// Requests.
        total: usize,
        /// First difference.
        first: String,
    },
    /// A version did not become ready.
    #[error("version {version} is {state}, expected ready{reason}")]
    NotReady {
        /// Version.
        version: u64,
        /// State.
        state: String,
        /// `: reason` or empty.
        reason: String,
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
