//! Start and end of a server: address, store, threads, connections, signals, drain.

use crate::{
    api::manage::LogReader,
    config::{Config, Console},
    error::ServeError,
    http::{guard::Guard, intake::Gate},
    ids::Ids,
    lock::StoreLock,
    log::{note::Note, writer},
    registry::Registry,
    rollout::{self, Order},
    server::Server,
    store::Store,
    tls::Tls,
    tokens::Tokens,
    workers::{Accepted, Protocol, Setting, Workers},
};
use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use yard_types::serving::{ServerFile, TokenFiles};

/// A server that runs in threads of this process.
#[derive(Debug)]
pub struct Running {
    /// Address that it listens on.
    pub addr: SocketAddr,
    /// Base URL.
    pub url: String,
    /// Address for gRPC, `HOST:PORT`, when it is served.
    pub grpc: Option<String>,
    /// Files that hold the tokens.
    pub tokens: TokenFiles,
    server: Arc<Server>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Running {
    /// Begins to end the server: not ready, then no new connections, then, when the requests in flight are
    /// answered and the log is on disk, gone. Returns at once.
    pub fn shut_down(&self) {
        self.server.shut_down();
    }

    /// Waits until the server has ended.
    pub fn wait(mut self) -> Result<(), ServeError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), ServeError> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(done)) => done,
            Some(Err(_)) => Err(ServeError::Threads {
                action: "finish: the server's thread ended by a panic",
                source: std::io::Error::other("panic"),
            }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.shut_down();
        // Nobody is left to tell.
        let _ = self.join();
    }
}

/// Starts a server. Returns when it listens and the packages of the configuration are ready; versions of
/// the store are loaded meanwhile (`/v2/health/ready` says when they are).
pub fn start(config: &Config) -> Result<Running, ServeError> {
    let console = Console(config.log_level);
    let secure = config.tls.is_some();
    let wanted = listen_address(&config.listen, secure)?;
    if config.open && !wanted.ip().is_loopback() {
        return Err(ServeError::Open { address: wanted });
    }
    let folder =
        std::path::absolute(&config.store).map_err(ServeError::file("find the store", &config.store))?;
    let lock = StoreLock::take(&folder)?;
    let listener = bind(wanted)?;
    let addr = listener.local_addr().map_err(|source| ServeError::Listen { address: wanted, source })?;
    let tls = config.tls.as_ref().map(|options| Tls::open(&folder, options)).transpose()?;
    let grpc_address = config.grpc.as_deref().map(|text| listen_address(text, secure)).transpose()?;
    let grpc = grpc_address.map(bind).transpose()?;
    let local = |listener: &std::net::TcpListener| {
        listener.local_addr().map_err(|source| ServeError::Listen { address: wanted, source })
    };
    let grpc_addr = grpc.as_ref().map(local).transpose()?;
    let listen: Vec<SocketAddr> = [Some(addr), grpc_addr].into_iter().flatten().collect();
    let grpc_addr = grpc_addr.map(|addr| addr.to_string());
    let token_folder = config.tokens.clone().unwrap_or_else(|| folder.join("tokens"));
    let (tokens, token_files) = Tokens::open(&token_folder)?;
    let registry = Registry::open(Store::open(&folder)?, config.clock.clone(), console)?;
    let (log, log_thread) = writer::start(&folder, config.log.clone(), console)?;
    let (orders, received) = rollout::channel();
    let server = Arc::new(Server {
        guard: Guard::new(tokens, &listen, config),
        gate: Gate::new(&config.limits),
        limits: config.limits.clone(),
        registry,
        log,
        reader: LogReader::new(folder.clone(), config.log.window_rows),
        clock: config.clock.clone(),
        ids: Ids::new()?,
        console,
        refused: AtomicU64::new(0),
        draining: AtomicBool::new(false),
        orders,
        stop: watch::channel(false).0,
    });
    let url = format!("{}://{addr}", if secure { "https" } else { "http" });
    let pin = tls.as_ref().map(|tls| tls.pin.clone());
    lock.publish(&ServerFile {
        pid: std::process::id(),
        url: url.clone(),
        grpc: grpc_addr.clone(),
        pin: pin.clone(),
        started: yard_types::date::format_iso(config.clock.now_micros()),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        tokens: token_files.clone(),
    })?;
    let rollouts = rollout::start(server.clone(), received)?;
    let (server_of_life, config_of_life) = (server.clone(), config.clone());
    let life = Life {
        server: server_of_life,
        listener,
        grpc,
        tls,
        lock,
        log_thread,
        rollouts,
        config: config_of_life,
    };
    let thread = std::thread::Builder::new()
        .name("serve".to_owned())
        .spawn(move || life.run())
        .map_err(|source| ServeError::Threads { action: "start the server", source })?;
    let running = Running { addr, url, grpc: grpc_addr, tokens: token_files, server, thread: Some(thread) };
    running.server.registry.load_all();
    for path in &config.packages {
        deploy_file(&running.server, path)?;
    }
    let grpc = running.grpc.as_ref().map_or_else(String::new, |grpc| format!(", gRPC at {grpc}"));
    let pin = pin.map_or_else(String::new, |pin| format!("#sha256={pin}"));
    console.info(format!("listening at {}{pin}{grpc}, store {}", running.url, folder.display()));
    Ok(running)
}

/// Starts a server, ends it at SIGTERM or Ctrl-C, and returns when it has ended.
pub fn run_blocking(config: &Config, started: impl FnOnce(&Running)) -> Result<(), ServeError> {
    let running = start(config)?;
    started(&running);
    running.wait()
}

/// Makes a package of this machine the stable version of its model.
fn deploy_file(server: &Server, path: &Path) -> Result<(), ServeError> {
    let upload = server.registry.upload_file(path)?;
    let refused = |refusal: crate::http::reply::Refusal| ServeError::Package {
        reason: refusal.message,
        path: path.to_owned(),
    };
    let reply = server.registry.admit(None, &upload).map_err(refused)?;
    let request = yard_types::serving::RouteRequest { stable: Some(reply.version), ..Default::default() };
    server.registry.route(&reply.model, &request).map(drop).map_err(refused)
}

fn listen_address(text: &str, secure: bool) -> Result<SocketAddr, ServeError> {
    let wrong = || ServeError::Address { address: text.to_owned() };
    let address = match text.parse::<SocketAddr>() {
        Ok(address) => address,
        Err(_) => match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}")
                .to_socket_addrs()
                .ok()
                .and_then(|mut found| found.next())
                .ok_or_else(wrong)?,
            None => return Err(wrong()),
        },
    };
    if !secure && !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    Ok(address)
}

fn bind(address: SocketAddr) -> Result<std::net::TcpListener, ServeError> {
    std::net::TcpListener::bind(address).map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::PortInUse { address },
        _ => ServeError::Listen { address, source },
    })
}

/// What the server's thread owns until its end.
struct Life {
    server: Arc<Server>,
    listener: std::net::TcpListener,
    grpc: Option<std::net::TcpListener>,
    tls: Option<Tls>,
    lock: StoreLock,
    log_thread: JoinHandle<()>,
    rollouts: JoinHandle<()>,
    config: Config,
}

impl Life {
    fn run(self) -> Result<(), ServeError> {
        let failed = |source| ServeError::Threads { action: "start the event loop", source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let served =
            runtime.block_on(serve(&self.server, (self.listener, self.grpc), self.tls, &self.config));
        self.server.draining.store(true, std::sync::atomic::Ordering::Relaxed);
        // A thread that has ended already needs no order.
        let _ = self.server.orders.send(Order::Stop);
        let _ = self.rollouts.join();
        self.server.log.inbox.push(Note::Stop);
        // A log that ended by a panic has said so on standard error.
        let _ = self.log_thread.join();
        self.server.console.info("ended");
        drop(self.lock);
        served
    }
}

async fn serve(
    server: &Arc<Server>,
    (http, grpc): (std::net::TcpListener, Option<std::net::TcpListener>),
    tls: Option<Tls>,
    config: &Config,
) -> Result<(), ServeError> {
    let failed = |source| ServeError::Threads { action: "listen", source };
    let listen = |listener: std::net::TcpListener| {
        listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)).map_err(failed)
    };
    let (http, grpc) = (listen(http)?, grpc.map(listen).transpose()?);
    let mut stop = server.stop.subscribe();
    let ((end_connections, ended), (cut_off, cut)) = (watch::channel(false), watch::channel(false));
    let setting = Setting { server: server.clone(), limits: config.limits.clone(), tls, ended, cut };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let workers = Workers::start(config.threads.unwrap_or(cores), &setting)?;
    let connections = Arc::new(Semaphore::new(config.limits.connections));
    let mut signals = Signals::new().map_err(failed)?;
    let accept_grpc = async {
        match grpc {
            Some(listener) => accept(listener, Protocol::Grpc, &connections, &workers).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = accept(http, Protocol::Http, &connections, &workers) => {}
        () = accept_grpc => {}
        () = async {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                () = signals.next() => {
                    server.console.info("got the signal to end");
                    server.shut_down();
                }
            }
            tokio::time::sleep(config.drain_delay).await;
        } => {}
    }
    end_connections.send_replace(true);
    let all = connections.acquire_many(config.limits.connections as u32);
    if tokio::time::timeout(config.drain_grace, all).await.is_err() {
        server.console.warn("some requests did not end in time and were cut off");
    }
    cut_off.send_replace(true);
    workers.join();
    Ok(())
}

/// Takes connections in; the listener is closed when this is dropped.
async fn accept(listener: TcpListener, protocol: Protocol, connections: &Arc<Semaphore>, workers: &Workers) {
    loop {
        // The semaphore is never closed.
        let Ok(permit) = connections.clone().acquire_owned().await else { return };
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => workers.take(Accepted { stream, protocol, permit }).await,
            // Out of file descriptors, or a client that went away at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// SIGTERM and Ctrl-C.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        // Without a handler for Ctrl-C the process ends at it anyway.
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["127.0.0.1:8080", "localhost:0", "[::1]:1", "127.1.2.3:4"] {
            assert!(listen_address(text, false).is_ok(), "{text}");
        }
        for text in ["8080", "localhost", "example.com:80", "127.0.0.1:99999", ""] {
            assert!(matches!(listen_address(text, true), Err(ServeError::Address { .. })), "{text}");
        }
        for text in ["0.0.0.0:80", "192.168.0.1:80", "[::]:80"] {
            assert!(matches!(listen_address(text, false), Err(ServeError::NotLoopback { .. })), "{text}");
            assert!(listen_address(text, true).is_ok(), "{text}");
        }
    }
}
