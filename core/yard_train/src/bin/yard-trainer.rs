//! `yard-trainer`: the training worker. `--probe` prints what it can use as JSON; without an argument it
//! does one job given by JSON lines on standard input. See [`yard_train::worker`].

use std::{
    io::{self, BufReader, Write},
    process::ExitCode,
};
use yard_train::worker;

const USAGE: &str = "yard-trainer: training worker, started by modelyard
  yard-trainer --probe   prints {\"devices\":[..],\"reason\":\"..\"}
  yard-trainer           trains one job given by JSON lines on standard input";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => worker::serve(BufReader::new(io::stdin()), io::stdout()),
        ["--probe"] => worker::write_probe(&mut io::stdout()),
        ["--help" | "-h"] => writeln!(io::stdout(), "{USAGE}"),
        ["--version" | "-V"] => writeln!(io::stdout(), "yard-trainer {}", env!("CARGO_PKG_VERSION")),
        _ => {
            // Standard error may be closed; the exit status tells as well.
            let _ = writeln!(io::stderr(), "unknown arguments: {}\n{USAGE}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
