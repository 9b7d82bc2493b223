//! The server over real connections on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod client;
mod crash;
mod fixture;
mod guard;
mod life;
mod limits;
mod monitoring;
mod rollout;
