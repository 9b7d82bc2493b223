//! The server over real connections on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod audit;
mod client;
mod crash;
mod evidence;
mod fixture;
mod grpc;
mod grpc_client;
mod guard;
mod invocations;
mod life;
mod limits;
mod monitoring;
#[allow(dead_code, reason = "the server writes what a client only reads")]
#[path = "../../src/grpc/proto.rs"]
mod proto;
mod rollout;
