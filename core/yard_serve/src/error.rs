//! Why a server can't start or its store can't be used.

use std::path::PathBuf;

/// Failure of the server itself; refusals of single requests are answers, not errors.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listen address can't be read.
    #[error("listen address \"{address}\" is not an address; expected HOST:PORT such as 127.0.0.1:8080")]
    Address {
        /// As given.
        address: String,
    },
    /// The listen address is reachable from other machines.
    #[error(
        "listen address {address} can be reached from other machines; that needs TLS; add --tls, or --tls-cert and --tls-key, or listen on 127.0.0.1 and use a tunnel"
    )]
    NotLoopback {
        /// Address.
        address: std::net::SocketAddr,
    },
    /// Predictions without a token were asked for on an address that others reach.
    #[error(
        "listen address {address} can be reached from other machines; predictions without a token are for loopback; leave --no-token out"
    )]
    Open {
        /// Address.
        address: std::net::SocketAddr,
    },
    /// Certificate or key can't be used.
    #[error(
        "TLS: {reason}; expected a PEM certificate and its PEM key (--tls-cert, --tls-key), or --tls alone"
    )]
    Tls {
        /// Cause.
        reason: String,
    },
    /// The port is taken.
    #[error(
        "port of {address} is in use by another program; choose another with --listen, or port 0 for any free one"
    )]
    PortInUse {
        /// Address.
        address: std::net::SocketAddr,
    },
    /// The port can't be opened.
    #[error("can't listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// Address.
        address: std::net::SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// Another server uses the store.
    #[error("the store is served already by {by}; use that server, stop it, or choose another --store: {}", store.display())]
    StoreInUse {
        /// The other server.
        by: String,
        /// Store.
        store: PathBuf,
    },
    /// The store was written by a newer program.
    #[error("the store has format {found}; this program reads up to {known}; update the program: {}", path.display())]
    NewerStore {
        /// Format found.
        found: i64,
        /// Newest format known.
        known: i64,
        /// Database file.
        path: PathBuf,
    },
    /// The database file belongs to something else.
    #[error("not a server store; choose an empty folder with --store: {}", path.display())]
    NotAStore {
        /// Database file.
        path: PathBuf,
    },
    /// A file can't be read or written.
    #[error("can't {action}: {source}: {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("store.sqlite: can't {action}: {source}; check the disk and its free space")]
    Database {
        /// What was tried.
        action: &'static str,
        /// Cause.
        source: rusqlite::Error,
    },
    /// A token file does not hold a token.
    #[error("token file does not hold 64 hexadecimal digits; delete it to have a new one made: {}", path.display())]
    Token {
        /// File.
        path: PathBuf,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers ({cause}); tokens can't be made")]
    Random {
        /// Cause.
        cause: String,
    },
    /// A package given at the start was refused.
    #[error("package refused: {reason}: {}", path.display())]
    Package {
        /// Why.
        reason: String,
        /// File.
        path: PathBuf,
    },
    /// Threads could not be started, or one ended by a panic.
    #[error("can't {action}: {source}")]
    Threads {
        /// What was tried.
        action: &'static str,
        /// Cause.
        source: std::io::Error,
    },
}

impl ServeError {
    /// Builds a file error for `map_err`.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// Builds a database error for `map_err`.
    pub(crate) fn database(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Database { action, source }
    }
}
