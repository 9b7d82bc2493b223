//! Rollouts on evidence: what is seen of a canary beside the stable version, and what is done about it. A
//! verdict is carried out by a thread of its own, since a switch is written to disk first.

pub(crate) mod watch;

use crate::{error::ServeError, server::Server};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};
use watch::Verdict;

/// Verdicts that may wait; one rollout gives one.
const WAITING: usize = 256;

/// A message to the thread.
#[derive(Debug)]
pub(crate) enum Order {
    /// Carry a verdict out.
    Act { model: String, version: u64, verdict: Verdict },
    /// End.
    Stop,
}

/// Makes the way to the thread.
pub(crate) fn channel() -> (SyncSender<Order>, Receiver<Order>) {
    sync_channel(WAITING)
}

/// Starts the thread that carries verdicts out.
pub(crate) fn start(server: Arc<Server>, orders: Receiver<Order>) -> Result<JoinHandle<()>, ServeError> {
    let run = move || {
        while let Ok(Order::Act { model, version, verdict }) = orders.recv() {
            // Meanwhile somebody may have ended the canary: then there is nothing to do.
            if let Err(refusal) = server.registry.conclude(&model, version, &verdict) {
                server.console.warn(format!("{model}: {}", refusal.message));
            }
        }
    };
    std::thread::Builder::new()
        .name("rollout".to_owned())
        .spawn(run)
        .map_err(|source| ServeError::Threads { action: "start the rollouts", source })
}
