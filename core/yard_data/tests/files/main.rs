//! Integration tests with files made on the spot: bad and messy inputs, and reading by given rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests stop at the first surprise"
)]

mod bad_inputs;
mod common;
mod images;
mod reading;
