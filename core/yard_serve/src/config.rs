//! What a server is started with. Everything that a request could not be allowed to choose (store, log,
//! listen address, limits) is here and nowhere else.

use crate::clock::{Clock, SystemClock};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

/// Start-up configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on, `127.0.0.1:0` by default (port 0: any free port). Others than loopback need TLS.
    pub listen: String,
    /// Address for gRPC, e.g. `127.0.0.1:0`; `None` serves HTTP alone. Others than loopback need TLS.
    pub grpc: Option<String>,
    /// TLS; without it the server listens on loopback alone.
    pub tls: Option<TlsOptions>,
    /// Whether predictions and metadata are answered without a token; on loopback alone.
    pub open: bool,
    /// Names by which clients call the server, beside the address that it listens on.
    pub names: Vec<String>,
    /// Folder with `store.sqlite`, `packages/`, `tokens/` and `server.json`; made when absent.
    pub store: PathBuf,
    /// Folder of the token files; `None` is `tokens/` in the store.
    pub tokens: Option<PathBuf>,
    /// Packages to serve from the start: each becomes the stable version of its model.
    pub packages: Vec<PathBuf>,
    /// Limits.
    pub limits: Limits,
    /// Request log and windows.
    pub log: LogOptions,
    /// Time between "not ready" and the end of accepting connections, at shutdown.
    pub drain_delay: Duration,
    /// Longest time that requests in flight are waited for, at shutdown.
    pub drain_grace: Duration,
    /// Worker threads; `None` is one for each core.
    pub threads: Option<usize>,
    /// Messages on standard error.
    pub log_level: LogLevel,
    /// Wall clock.
    pub clock: Arc<dyn Clock>,
}

impl Config {
    /// Returns the defaults for a store.
    pub fn new(store: impl Into<PathBuf>) -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            grpc: None,
            tls: None,
            open: false,
            names: Vec::new(),
            store: store.into(),
            tokens: None,
            packages: Vec::new(),
            limits: Limits::default(),
            log: LogOptions::default(),
            drain_delay: Duration::ZERO,
            drain_grace: Duration::from_secs(30),
            threads: None,
            log_level: LogLevel::Info,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Where certificate and key come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsOptions {
    /// Made at the first start and kept in the store.
    SelfSigned,
    /// PEM files.
    Files {
        /// Certificate, followed by those that vouch for it.
        certificate: PathBuf,
        /// Private key.
        key: PathBuf,
    },
}

/// Limits of requests; beyond one, the request is refused with a message that names it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Request line and headers, bytes.
    pub header_bytes: usize,
    /// Body of an inference or management request, bytes.
    pub body_bytes: usize,
    /// An uploaded package, bytes.
    pub package_bytes: u64,
    /// Pieces in which a chunked body may arrive.
    pub body_chunks: usize,
    /// Instances in a request.
    pub rows: usize,
    /// Labels in a feedback request.
    pub labels: usize,
    /// Time for a request's head, from the end of the request before.
    pub header_timeout: Duration,
    /// Time for a body.
    pub body_timeout: Duration,
    /// Time for an uploaded package.
    pub upload_timeout: Duration,
    /// Time that a request may wait for its turn.
    pub queue_timeout: Duration,
    /// Inference requests that are read and answered at a time.
    pub in_flight: usize,
    /// Inference requests that wait; more are refused with 503.
    pub queue: usize,
    /// Open connections; more wait to be accepted.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 << 10,
            body_bytes: 64 << 20,
            package_bytes: 1 << 30,
            body_chunks: 1 << 16,
            rows: 100_000,
            labels: 100_000,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_mins(10),
            queue_timeout: Duration::from_secs(30),
            in_flight: 256,
            queue: 1024,
            connections: 4096,
        }
    }
}

/// Request log and windows.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Fields whose values are not logged (sketches still count them): `field` or `model.field`.
    pub drop_fields: BTreeSet<String>,
    /// Fields of which a keyed digest is logged instead of the value: `field` or `model.field`.
    pub hash_fields: BTreeSet<String>,
    /// Rows kept; older requests are deleted with their labels.
    pub retain_rows: u64,
    /// Rows at which a window closes.
    pub window_rows: u64,
    /// Bytes of requests that may wait for the log; more are counted and left out.
    pub backlog_bytes: usize,
    /// Longest time until a request is on disk.
    pub flush: Duration,
    /// Whether requests are logged and counted in windows at all.
    pub enabled: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            drop_fields: BTreeSet::new(),
            hash_fields: BTreeSet::new(),
            retain_rows: 10_000_000,
            window_rows: 1_000,
            backlog_bytes: 64 << 20,
            flush: Duration::from_millis(50),
            enabled: true,
        }
    }
}

/// Which messages appear on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum LogLevel {
    /// None.
    Off,
    /// What went wrong.
    Error,
    /// Also what was repaired or left out.
    Warn,
    /// Also starts, switches and stops.
    Info,
}

/// Writes messages to standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console(pub(crate) LogLevel);

impl Console {
    pub(crate) fn error(self, message: impl std::fmt::Display) {
        self.write(LogLevel::Error, "error", message);
    }

    pub(crate) fn warn(self, message: impl std::fmt::Display) {
        self.write(LogLevel::Warn, "warning", message);
    }

    pub(crate) fn info(self, message: impl std::fmt::Display) {
        self.write(LogLevel::Info, "info", message);
    }

    fn write(self, level: LogLevel, word: &str, message: impl std::fmt::Display) {
        use std::io::Write as _;
        if level <= self.0 {
            // A closed standard error must not stop the server.
            let _ = writeln!(std::io::stderr(), "yard-serve: {word}: {message}");
        }
    }
}
