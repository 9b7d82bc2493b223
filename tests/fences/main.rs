//! The fences between crates and the house rules that no lint checks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod dependencies;
mod rules;
