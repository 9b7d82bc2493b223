//! `package` and `verify`.

use super::{Session, absolute, choice};
use crate::{
    args::{ModelArg, ProjectArgs},
    output::bytes,
};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::ExitCode;
use yard_types::command::Command;

/// Largest package that is read into memory to be verified.
const MOST_BYTES: u64 = 1 << 30;

/// Builds a package.
pub(crate) fn package(
    session: &Session,
    project: &ProjectArgs,
    model: &ModelArg,
    out: Option<&Path>,
) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let out = out.map(absolute).transpose()?;
    let command = Command::PackageModel { model: choice(&model.model)?, out };
    session.run_and_print(&engine, command, |done| {
        let text = |key: &str| done.result[key].as_str().unwrap_or_default().to_owned();
        let size = bytes(done.result["bytes"].as_u64().unwrap_or(0));
        format!(
            "{}\n  model     {} version {}\n  size      {size}\n  sha256    {}\n  signed by {}\n",
            text("package"),
            text("name"),
            done.result["version"],
            text("sha256"),
            text("signed_by")
        )
    })
}

/// Reads a package file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let place = || format!("could not read the package; expected a .modelpack file: \"{}\"", path.display());
    let size = std::fs::metadata(path).with_context(place)?;
    if size.is_dir() {
        anyhow::bail!("expected a package file, found a folder: \"{}\"", path.display());
    }
    if size.len() > MOST_BYTES {
        anyhow::bail!("the package has {} bytes; expected at most 1 GiB: \"{}\"", size.len(), path.display());
    }
    std::fs::read(path).with_context(place)
}

/// Verifies a package; one that does not hold is exit code 1.
pub(crate) fn verify(session: &Session, path: &Path) -> Result<ExitCode> {
    let report = yard_engine::verify(&read(path)?);
    session.output.result(&serde_json::to_value(&report)?, || {
        let word = if report.ok { "holds" } else { "DOES NOT HOLD" };
        let mut out = format!("{} {word}\n  sha256    {}\n", path.display(), report.sha256);
        add!(out, "  signed by {}\n", report.signed_by.as_deref().unwrap_or("nobody"));
        add!(out, "  golden    {} of {} equal\n", report.golden.equal, report.golden.total);
        for claim in &report.claims {
            add!(out, "  {}  {}: {}\n", if claim.ok { "pass" } else { "FAIL" }, claim.name, claim.detail);
        }
        out
    })?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
