//! Commands in; events, notices and files out. No window, no server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod bad_files;
mod jobs;
mod log;
mod open;
mod project;
mod samples;
