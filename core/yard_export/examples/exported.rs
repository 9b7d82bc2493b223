//! Writes an export of a package, as `modelyard export` does, with the light crates alone.
//!
//! `exported M.modelpack FORMAT OUT`: OUT is a folder to make; what the format can't hold goes to standard error.

use std::{error::Error, path::Path};
use yard_export::{Format, export};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(package), Some(format), Some(out)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: exported M.modelpack FORMAT OUT".into());
    };
    let exported = export(std::fs::read(package)?, Format::from_word(&format)?)?;
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
