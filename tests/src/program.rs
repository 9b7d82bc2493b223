//! The program `modelyard` and its siblings, built once for a run of the tests, and one run of it with
//! its exit code and output.

use crate::{repository, sources};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::SystemTime,
};

/// Programs that the tests run.
const PROGRAMS: [&str; 2] = ["modelyard", "yard-serve"];

/// Returns a program of the workspace: `modelyard`, `yard-serve`. A test of the whole workspace has them
/// built already; when one is missing or older than a source, cargo builds them into the folder of the
/// running test. `MODELYARD_BIN_DIR` names a folder with programs that are taken as they are.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let path = file(FOLDER.get_or_init(folder), name);
    assert!(path.is_file(), "no program \"{}\"", path.display());
    path
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("MODELYARD_BIN_DIR") {
        return folder.into();
    }
    // target/PROFILE/deps/TEST
    let test = std::env::current_exe().expect("the test knows where it is");
    let folder = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps").to_owned();
    let newest = newest_source();
    if !PROGRAMS.iter().all(|name| changed_at(&file(&folder, name)) > newest) {
        build(&folder);
    }
    folder
}

/// Builds the programs with the features that the tests of their packages have, so that nothing which a
/// test of the workspace built is built again.
fn build(folder: &Path) {
    let target = folder.parent().expect("a profile lies in target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--no-run", "--locked", "--workspace"]);
    if !folder.ends_with("debug") {
        command.arg("--release");
    }
    command.args(["--test", "usage", "--test", "serving"]).arg("--target-dir").arg(target);
    let built = command.current_dir(repository()).output().expect("cargo starts");
    assert!(built.status.success(), "cargo failed:\n{}", String::from_utf8_lossy(&built.stderr));
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn newest_source() -> Option<SystemTime> {
    let root = repository();
    let all = ["app", "core"].into_iter().flat_map(|folder| sources(&root.join(folder)));
    all.filter_map(|(path, _)| changed_at(&path)).max()
}

/// A finished run of a program.
#[derive(Clone, Debug)]
pub struct Run {
    /// Arguments, for messages.
    pub arguments: String,
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Takes what a process left.
    pub fn new(command: &Command, output: &Output) -> Self {
        let arguments: Vec<_> = command.get_args().map(|text| text.to_string_lossy()).collect();
        Self {
            arguments: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails unless the exit code is this one and nothing panicked.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(!self.stderr.contains("panicked"), "{self}");
        self
    }

    /// Returns standard output, which must be exactly one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Fails unless standard error has every one of these texts.
    #[must_use]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "expected \"{text}\" in the message: {self}");
        }
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "modelyard {}\nexit code {:?}", self.arguments, self.code)?;
        write!(f, "--- standard output\n{}\n--- standard error\n{}", self.stdout, self.stderr)
    }
}

/// Returns whether a process runs (a zombie does not).
pub fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    if Path::new("/proc/self/stat").exists() {
        return stat.is_ok_and(|text| !text.rsplit(") ").next().unwrap_or("Z").starts_with(['Z', 'X']));
    }
    Command::new("kill").args(["-0", &pid.to_string()]).output().is_ok_and(|output| output.status.success())
}

/// Sends a signal (`TERM`, `KILL`) to a process.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output();
}
