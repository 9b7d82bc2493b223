//! A place for one test: a home of its own (key, servers, tokens) and a folder for files. What was
//! started there ends with it.

use crate::program::{Run, program, runs, signal};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Longest time for one command of the program.
const PATIENCE: Duration = Duration::from_mins(5);

/// A home and a folder, removed at the end; servers started there are ended first.
#[derive(Debug)]
pub struct Place {
    folder: tempfile::TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// Makes a place.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("home")).expect("a folder");
        std::fs::create_dir(folder.path().join("files")).expect("a folder");
        Self { folder }
    }

    /// Returns the user's folder of this place.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns the path of a file of this place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("files").join(name)
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Makes a command of the program in this place. Arguments are separated by blanks.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(program("modelyard"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.path(""))
            .env("MODELYARD_HOME", self.home())
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program in this place to its end; arguments are separated by blanks.
    pub fn run(&self, arguments: &str) -> Run {
        finish(self.command(arguments))
    }

    /// Runs the program with `--json` and returns its value; fails unless it exits with 0.
    pub fn json(&self, arguments: &str) -> Value {
        self.run(&format!("{arguments} --json")).exits(0).json()
    }

    /// Returns the process ids in the server files of this place that still run.
    pub fn servers(&self) -> Vec<u32> {
        let mut found = Vec::new();
        collect_servers(self.folder.path(), &mut found);
        found.retain(|pid| runs(*pid));
        found
    }
}

/// Runs a command to its end, at most [`PATIENCE`]. Output goes through files, so that a server that
/// outlives the command can't hold it up.
pub fn finish(mut command: Command) -> Run {
    let (out, error) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
    command.stdout(out.try_clone().expect("a handle")).stderr(error.try_clone().expect("a handle"));
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{command:?} takes longer than {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = std::process::Output { status, stdout: whole(out), stderr: whole(error) };
    Run::new(&command, &output)
}

fn whole(mut file: std::fs::File) -> Vec<u8> {
    use std::io::{Read as _, Seek as _};
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a file can be read");
    bytes
}

fn collect_servers(folder: &Path, found: &mut Vec<u32>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_servers(&path, found);
        } else if path.file_name().is_some_and(|name| name == "server.json")
            && let Ok(bytes) = std::fs::read(&path)
            && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
            && let Some(pid) = value["pid"].as_u64()
        {
            found.push(pid as u32);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for pid in self.servers() {
            if pid != std::process::id() {
                signal(pid, "KILL");
            }
        }
    }
}
