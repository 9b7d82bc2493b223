//! `cargo gate`: format, clippy without warnings, all tests with the fences. Stops at the first step
//! that fails and says which.

use anyhow::{Context as _, bail};
use std::process::Command;

const STEPS: &[(&str, &[&str])] = &[
    ("format", &["fmt", "--all", "--check"]),
    ("clippy", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    // All targets in one go, so that programs and tests share one build of the dependencies.
    ("build", &["build", "--workspace", "--all-targets", "--locked"]),
    ("tests", &["test", "--workspace", "--locked", "--no-fail-fast"]),
];

fn main() -> anyhow::Result<()> {
    let root = yard_tests::repository();
    // The programs that the tests start lie beside this one after the step "build".
    let programs = std::env::current_exe().context("the gate's own path is not known")?;
    let programs = programs.parent().context("the gate lies in no folder")?.to_path_buf();
    for (name, arguments) in STEPS {
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(*arguments)
            .current_dir(&root)
            .env("MODELYARD_BIN_DIR", &programs)
            .status()
            .with_context(|| format!("could not start cargo for the step \"{name}\""))?;
        if !status.success() {
            bail!("the step \"{name}\" failed: cargo {}", arguments.join(" "));
        }
    }
    Ok(())
}
