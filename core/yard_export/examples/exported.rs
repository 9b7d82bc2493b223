//! Writes an export of a package, as `modelyard export` does, with the light crates alone.
//!
//! `exported M.modelpack FORMAT OUT [SCORER]`: SCORER is the static `yard-serve` of a container image, OUT is a folder to make; what the format can't hold goes to standard error.

use std::{error::Error, path::Path, process::ExitCode};
use yard_export::{Format, Options, export_with};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(package), Some(format), Some(out)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: exported M.modelpack FORMAT OUT".into());
    };
    let options = Options { scorer: args.next().map(std::fs::read).transpose()? };
    let exported = export_with(std::fs::read(package)?, Format::from_word(&format)?, &options)?;
    for (name, bytes) in &exported.files {
        let path = Path::new(&out).join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(&out)))?;
        std::fs::write(path, bytes)?;
    }
    for note in &exported.notes {
        eprintln!("{note}");
    }
    Ok(())
}
