//! A load generator for model servers: HTTP/1.1 with keep-alive, and gRPC; closed loop (each connection sends
//! when its answer is there) and open loop (requests are due at fixed times, and a late one counts its wait:
//! Tene's coordinated omission, corrected). Percentiles are of the raw times, by nearest rank.
//!
//! `loadgen --addr 127.0.0.1:8000 --path /v1/models/m:predict --bodies FILE --connections 16 --seconds 10`
//!
//! FILE holds bodies, each behind its length as four bytes, big-endian. Prints one JSON object.
#![allow(clippy::print_stdout)]

mod grpc;
mod http;
mod tally;

use anyhow::Context as _;
use clap::Parser;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tally::Tally;

/// What to send, and how.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Arguments {
    /// `HOST:PORT`.
    #[arg(long)]
    pub(crate) addr: String,
    /// Path of the request; of the method for gRPC.
    #[arg(long)]
    pub(crate) path: String,
    /// File of bodies.
    #[arg(long)]
    pub(crate) bodies: PathBuf,
    /// Speaks gRPC.
    #[arg(long)]
    pub(crate) grpc: bool,
    /// Bearer token.
    #[arg(long, default_value = "")]
    pub(crate) token: String,
    /// Content type of HTTP bodies.
    #[arg(long, default_value = "application/json")]
    pub(crate) content_type: String,
    /// Connections.
    #[arg(long, default_value_t = 1)]
    pub(crate) connections: usize,
    /// Longest time.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Ends after this many requests.
    #[arg(long, default_value_t = u64::MAX)]
    pub(crate) requests: u64,
    /// Requests per second in all, due at fixed times; 0 is a closed loop.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) rate: f64,
    /// Prints the digests of the distinct answers to each body.
    #[arg(long)]
    pub(crate) digests: bool,
}

/// What the connections share.
pub(crate) struct Plan {
    pub(crate) arguments: Arguments,
    pub(crate) bodies: Vec<Vec<u8>>,
    start: Instant,
    issued: AtomicU64,
}

/// Decides when a connection sends, and what.
pub(crate) struct Pace {
    plan: Arc<Plan>,
    connection: usize,
    sent: u64,
}

/// A request that is due.
pub(crate) struct Due {
    /// Position of the body.
    pub(crate) body: usize,
    /// When it was due, from which its latency counts.
    pub(crate) at: Instant,
}

impl Pace {
    pub(crate) fn new(plan: Arc<Plan>, connection: usize) -> Self {
        Self { plan, connection, sent: 0 }
    }

    /// Waits until the next request is due; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Due> {
        let Arguments { connections, seconds, requests, rate, .. } = self.plan.arguments;
        let end = self.plan.start + Duration::from_secs_f64(seconds);
        let mut at = Instant::now();
        if rate > 0.0 {
            let number = self.sent as f64 * connections as f64 + self.connection as f64;
            let due = self.plan.start + Duration::from_secs_f64(number / rate);
            if due >= end || at >= end {
                return None;
            }
            if due > at {
                tokio::time::sleep_until(due.into()).await;
            }
            at = due;
        }
        if at >= end || self.plan.issued.fetch_add(1, Relaxed) >= requests {
            return None;
        }
        let body = (self.connection * 31 + self.sent as usize) % self.plan.bodies.len();
        self.sent += 1;
        Some(Due { body, at })
    }
}

fn read_bodies(file: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    let (mut rest, mut bodies) = (file, Vec::new());
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        bodies.push(tail.get(..length).context("the file of bodies is cut off")?.to_vec());
        rest = &tail[length..];
    }
    anyhow::ensure!(!bodies.is_empty(), "no bodies");
    Ok(bodies)
}

async fn load(arguments: Arguments) -> anyhow::Result<Tally> {
    let bodies = read_bodies(&std::fs::read(&arguments.bodies)?)?;
    let connections = arguments.connections;
    let plan = Arc::new(Plan { arguments, bodies, start: Instant::now(), issued: AtomicU64::new(0) });
    let tasks: Vec<_> = (0..connections)
        .map(|connection| {
            let pace = Pace::new(plan.clone(), connection);
            let plan = plan.clone();
            tokio::spawn(async move {
                let mut tally = Tally::default();
                let ended = if plan.arguments.grpc {
                    grpc::run(&plan, pace, &mut tally).await
                } else {
                    http::run(&plan, pace, &mut tally).await
                };
                if let Err(error) = ended {
                    tally.broken(&error.to_string());
                }
                tally
            })
        })
        .collect();
    let mut all = Tally::default();
    for task in tasks {
        all.add(task.await?);
    }
    all.seconds = plan.start.elapsed().as_secs_f64();
    Ok(all)
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let digests = arguments.digests;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = runtime.block_on(load(arguments))?;
    println!("{}", tally.to_json(digests));
    Ok(())
}
