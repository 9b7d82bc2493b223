//! A model from the data file to the server: the same bits on every way, the same model for any number of
//! threads, and packages that were changed are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod bits;
mod damage;
mod hashes;
mod model;
mod ways;
