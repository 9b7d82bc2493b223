//! The loop by the command line, from a data file to a retrained model in service; and what must hold
//! when it is killed, given bad files, or told nonsense.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod failures;
mod images;
mod kills;
mod releases;
mod resume;
mod shapes;
mod story;
mod tasks;
mod texts;
