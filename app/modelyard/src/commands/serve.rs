//! `serve`: the model server in this process.

use super::Session;
use crate::args::ServeArgs;
use anyhow::Result;
use serde_json::json;
use std::process::ExitCode;
use yard_serve::Config;

/// Serves until it is told to stop.
pub(crate) fn serve(session: &Session, args: &ServeArgs) -> Result<ExitCode> {
    let store = args.store.clone().unwrap_or_else(|| "modelyard-server".into());
    let mut config = Config::new(store);
    config.listen.clone_from(&args.listen);
    config.grpc.clone_from(&args.grpc);
    config.packages.clone_from(&args.packages);
    config.threads = session.global.threads.map(usize::try_from).transpose()?;
    config.log.drop_fields = args.log_drop.iter().cloned().collect();
    if let Some(rows) = args.window {
        config.log.window_rows = rows.max(1);
    }
    if session.global.quiet {
        config.log_level = yard_serve::LogLevel::Error;
    }
    yard_serve::run_blocking(&config, |running| {
        let value = json!({"url": running.url, "tokens": running.tokens, "grpc": running.grpc});
        let shown = session.output.result(&value, || {
            let grpc = running.grpc.as_ref().map_or_else(String::new, |grpc| format!(", gRPC at {grpc}"));
            format!("serving at {}{grpc}\n  token for requests: {}\n", running.url, running.tokens.infer)
        });
        if let Err(error) = shown {
            session.output.remark(&format!("standard output can't be written ({error})"));
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
