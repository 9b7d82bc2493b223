//! Arguments of `yard-serve`, which `modelyard serve` takes too.

use crate::config::{Config, LogLevel, TlsOptions};
use std::{path::PathBuf, time::Duration};

/// Serves model packages over HTTP on this machine.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Packages to serve; each becomes the stable version of its model.
    #[arg(value_name = "M.modelpack")]
    pub models: Vec<PathBuf>,
    /// Package to serve (as above; may be repeated).
    #[arg(long = "package", value_name = "FILE")]
    pub packages: Vec<PathBuf>,
    /// Address to listen on; port 0 takes any free port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// Address for gRPC; port 0 takes any free port. Without it gRPC is off.
    #[arg(long, value_name = "HOST:PORT")]
    pub grpc: Option<String>,
    /// Serves TLS 1.3 with a certificate of the server's own making.
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    pub tls: bool,
    /// Certificate for TLS, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key for TLS, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Answers predictions without a token, for clients that can't send one; on loopback alone.
    #[arg(long)]
    pub no_token: bool,
    /// Name by which clients call the server (may be repeated); addresses that it listens on count anyway.
    #[arg(long = "name", value_name = "HOST")]
    pub names: Vec<String>,
    /// Folder that keeps packages, states, tokens and the request log.
    #[arg(long, value_name = "FOLDER", default_value = "modelyard-server")]
    pub store: PathBuf,
    /// Folder of the token files; by default in the store.
    #[arg(long, value_name = "FOLDER")]
    pub token_dir: Option<PathBuf>,
    /// Messages on standard error.
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: LogLevel,
    /// Field whose values are not logged: FIELD or MODEL.FIELD (may be repeated).
    #[arg(long = "log-drop", value_name = "FIELD")]
    pub log_drop: Vec<String>,
    /// Field of which a keyed digest is logged instead of the value (may be repeated).
    #[arg(long = "log-hash", value_name = "FIELD")]
    pub log_hash: Vec<String>,
    /// Neither logs requests nor counts them in monitoring windows.
    #[arg(long)]
    pub no_log: bool,
    /// Rows kept in the request log.
    #[arg(long, value_name = "N")]
    pub log_rows: Option<u64>,
    /// Rows at which a monitoring window closes.
    #[arg(long, value_name = "N")]
    pub window: Option<u64>,
    /// Largest request body in MiB.
    #[arg(long, value_name = "MIB")]
    pub max_body: Option<usize>,
    /// Milliseconds between "not ready" and the end of accepting connections, at shutdown.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub drain_delay: u64,
    /// Worker threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

impl ServeArgs {
    /// Makes the configuration.
    pub fn config(self) -> Config {
        let mut config = Config::new(self.store);
        config.listen = self.listen;
        config.grpc = self.grpc;
        config.tls = match (self.tls, self.tls_cert, self.tls_key) {
            (_, Some(certificate), Some(key)) => Some(TlsOptions::Files { certificate, key }),
            (true, ..) => Some(TlsOptions::SelfSigned),
            _ => None,
        };
        config.names = self.names;
        config.open = self.no_token;
        config.tokens = self.token_dir;
        config.log.enabled = !self.no_log;
        config.packages = self.models.into_iter().chain(self.packages).collect();
        config.log_level = self.log_level;
        config.log.drop_fields = self.log_drop.into_iter().collect();
        config.log.hash_fields = self.log_hash.into_iter().collect();
        config.log.retain_rows = self.log_rows.unwrap_or(config.log.retain_rows).max(1);
        config.log.window_rows = self.window.unwrap_or(config.log.window_rows).max(1);
        if let Some(mib) = self.max_body {
            config.limits.body_bytes = mib.clamp(1, 1 << 20) << 20;
        }
        config.drain_delay = Duration::from_millis(self.drain_delay);
        config.threads = self.threads;
        config
    }
}
