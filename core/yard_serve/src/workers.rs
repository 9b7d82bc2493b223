//! Worker threads: each has an event loop of its own and keeps the connections that it was handed, so that a
//! request never moves between cores. Work that would hold the loop up goes to threads beside it.

use crate::{config::Limits, connection, error::ServeError, server::Server, tls::Tls};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Connections that wait for one worker to take them.
const WAITING: usize = 256;
/// Threads for long requests beside one worker: more would only take turns on its core, each with its memory.
const LONG_AT_ONCE: usize = 4;
/// Longest time for blocking work that goes on after the end.
const LAST_WORK: Duration = Duration::from_secs(5);

/// What a listener's connections speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

/// A connection that was accepted; the permit is given back when it ends.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) protocol: Protocol,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What connections need of the server.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) server: Arc<Server>,
    pub(crate) limits: Limits,
    pub(crate) tls: Option<Tls>,
    /// True when requests in flight are to be answered and no more are taken.
    pub(crate) ended: watch::Receiver<bool>,
    /// True when connections are to be cut off.
    pub(crate) cut: watch::Receiver<bool>,
}

/// The worker threads.
#[derive(Debug)]
pub(crate) struct Workers {
    senders: Vec<mpsc::Sender<Accepted>>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts `count` threads.
    pub(crate) fn start(count: usize, setting: &Setting) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Threads { action: "start the worker threads", source };
        let mut workers = Self { senders: Vec::new(), threads: Vec::new(), next: AtomicUsize::new(0) };
        for _ in 0..count.max(1) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .max_blocking_threads(LONG_AT_ONCE)
                .enable_all()
                .build()
                .map_err(failed)?;
            let (sender, receiver) = mpsc::channel(WAITING);
            let setting = setting.clone();
            let thread = std::thread::Builder::new()
                .name("worker".to_owned())
                .spawn(move || {
                    runtime.block_on(work(receiver, setting));
                    runtime.shutdown_timeout(LAST_WORK);
                })
                .map_err(failed)?;
            workers.senders.push(sender);
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Hands a connection to the next worker in turn.
    pub(crate) async fn take(&self, accepted: Accepted) {
        let turn = self.next.fetch_add(1, Relaxed) % self.senders.len().max(1);
        if let Some(sender) = self.senders.get(turn) {
            // A worker that has ended takes no more connections: this one is closed.
            let _ = sender.send(accepted).await;
        }
    }

    /// Lets the threads end once their connections have, and waits for them.
    pub(crate) fn join(self) {
        drop(self.senders);
        for thread in self.threads {
            // A worker that ended by a panic has said so on standard error.
            let _ = thread.join();
        }
    }
}

async fn work(mut receiver: mpsc::Receiver<Accepted>, setting: Setting) {
    let mut cut = setting.cut.clone();
    let mut tasks = JoinSet::new();
    let all = async {
        loop {
            tokio::select! {
                accepted = receiver.recv() => match accepted {
                    Some(accepted) => drop(tasks.spawn(serve(accepted, setting.clone()))),
                    None => break,
                },
                Some(_) = tasks.join_next() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    };
    tokio::select! {
        () = all => {}
        _ = cut.wait_for(|cut| *cut) => {}
    }
}

async fn serve(accepted: Accepted, setting: Setting) {
    let Accepted { stream, protocol, permit } = accepted;
    if let Ok(stream) = TcpStream::from_std(stream) {
        // Small answers leave at once; a socket that can't do so works all the same.
        let _ = stream.set_nodelay(true);
        match setting.tls.clone() {
            None => spoken(stream, protocol, setting).await,
            Some(tls) => {
                let config = if protocol == Protocol::Http { tls.http } else { tls.grpc };
                let greeted = TlsAcceptor::from(config).accept(stream);
                // A client that does not greet in time, or not as it should, is let go.
                if let Ok(Ok(stream)) = timeout(setting.limits.header_timeout, greeted).await {
                    spoken(stream, protocol, setting).await;
                }
            }
        }
    }
    drop(permit);
}

async fn spoken<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    protocol: Protocol,
    setting: Setting,
) {
    match protocol {
        Protocol::Http => connection::http(stream, setting).await,
        Protocol::Grpc => Box::pin(connection::grpc(stream, setting)).await,
    }
}
