//! Deployment targets, rollout steps, health, rollback.
//!
//! A target is a model server at a URL with a token. [`local::LocalServer`] starts one on this machine
//! (the program's own executable with `serve`), finds it again and stops it; from there on local and
//! remote are one code path: [`client::ServerClient`] speaks to it, [`rollout`] brings a package into
//! service step by step. Knows nothing of projects, data or training; time enters as a closure.

pub mod client;
pub mod error;
pub mod local;
pub mod pin;
pub mod rollout;
pub mod ssh;
pub mod status;

pub use client::{ServerClient, Tokens};
pub use error::DeployError;
pub use local::LocalServer;
pub use rollout::{GoldenCase, Mode, Rollout, RolloutFailure};
