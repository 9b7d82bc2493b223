//! The model server: library and the stand-alone binary `yard-serve`.
//!
//! Serves many models in one process, over HTTP/1.1 and gRPC on loopback: predictions as records and as tensors
//! (Open Inference Protocol v2), explanations, labels, metrics, and the management of versions. Knows
//! nothing of projects, training and polars; a prediction is made by `yard_score` alone.
//!
//! The way of a request: one guard (`http::guard`), one table of routes (`http::routes`), limits
//! (`http::intake`), rows that point into the body (`rows`), the scorer (`served`), the answer (`api`), and
//! then, off its way, the log's thread (`log`). What is served is said by one durable pointer for each
//! model (`store`) and one immutable routing table (`registry::table`).
//!
//! ```
//! use yard_serve::{Config, start};
//! let store = tempfile::tempdir()?;
//! let running = start(&Config { log_level: yard_serve::LogLevel::Off, ..Config::new(store.path()) })?;
//! assert!(running.url.starts_with("http://127.0.0.1:"));
//! running.shut_down();
//! running.wait()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api;
mod cli;
mod clock;
mod config;
mod connection;
mod error;
mod files;
mod grpc;
mod http;
mod ids;
mod json;
mod lock;
mod log;
mod material;
mod registry;
mod rollout;
mod rows;
mod run;
mod served;
mod server;
mod split;
mod stats;
mod store;
mod tls;
mod tokens;
mod workers;

pub use cli::ServeArgs;
pub use clock::{Clock, SystemClock};
pub use config::{Config, Limits, LogLevel, LogOptions, TlsOptions};
pub use error::ServeError;
pub use grpc::methods::{MethodInfo, method_table};
pub use http::routes::{RouteInfo, route_table};
pub use lock::read_server_file;
pub use run::{Running, run_blocking, start};
pub use tokens::Scope;
