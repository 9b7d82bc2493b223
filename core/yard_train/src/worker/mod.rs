//! The training worker `yard-trainer`: a process of its own, so that a GPU build, a crash or exhausted
//! memory never takes the program down.
//!
//! [`probe`] asks what it can use, [`run`] hands it a job and follows it, [`serve()`] is its own side.
//! They speak JSON lines over standard input and output; the data go through a file of
//! little-endian f32 numbers.

mod client;
mod exchange;
mod protocol;
mod serve;

pub use client::{probe, run};
pub use protocol::Probe;
pub use serve::{serve, write_probe};
