//! The stand-alone model server.

use clap::Parser;
use std::process::ExitCode;
use yard_serve::{ServeArgs, run_blocking};

/// The Modelyard model server.
#[derive(Parser)]
#[command(name = "yard-serve", version)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run_blocking(&arguments.serve.config(), |_| {}) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            // Without standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "yard-serve: {error}");
            ExitCode::FAILURE
        }
    }
}
