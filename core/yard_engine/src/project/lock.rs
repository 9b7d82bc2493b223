//! The writer's lock of a project: a file beside it with pid, host and start time, held by an
//! advisory lock of the operating system that ends with the process, however it ends.
//!
//! A lock file left by a process of this host that is gone is taken over. One left by another host
//! (a network drive) is respected, because nothing here can tell whether that process lives.

use crate::error::ProjectError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Who holds a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// When it opened the project, RFC 3339.
    pub since: String,
}

/// The lock, released on drop.
#[derive(Debug)]
pub struct WriterLock {
    file: File,
    path: PathBuf,
}

/// Outcome of an attempt.
#[derive(Debug)]
pub enum Attempt {
    /// The project may be written.
    Held(WriterLock),
    /// Another process writes it; the sentence says which.
    Taken(String),
}

impl WriterLock {
    /// Tries to become the writer of `project`.
    pub fn acquire(project: &Path, now: &str) -> Result<Attempt, ProjectError> {
        let mut name = project.file_name().unwrap_or_default().to_os_string();
        name.push(".lock");
        let path = project.with_file_name(name);
        let own = Holder { pid: std::process::id(), host: host_name(), since: now.to_owned() };
        // The file may be removed by its holder between our open and our lock: then try again.
        for _ in 0..16 {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = match opened {
                Ok(file) => file,
                Err(source) => {
                    return Ok(Attempt::Taken(format!("no lock file could be made beside it ({source})")));
                }
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Ok(Attempt::Taken(describe(read_holder(&mut file).as_ref())));
                }
                Err(TryLockError::Error(source)) => {
                    return Ok(Attempt::Taken(format!("the drive refuses locks ({source})")));
                }
            }
            if !same_file(&file, &path) {
                continue;
            }
            if let Some(holder) = read_holder(&mut file)
                && holder.host != own.host
            {
                return Ok(Attempt::Taken(describe(Some(&holder))));
            }
            write_holder(&mut file, &own).map_err(|source| ProjectError::Io {
                act: "write",
                path: path.clone(),
                source,
            })?;
            return Ok(Attempt::Held(Self { file, path }));
        }
        Ok(Attempt::Taken("its lock file keeps changing".to_owned()))
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Removed while still locked, so that nobody is left holding a name that is gone.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(serde_json::to_string(holder)?.as_bytes())?;
    file.sync_data()
}

fn describe(holder: Option<&Holder>) -> String {
    match holder {
        Some(holder) => format!(
            "process {} on host \"{}\" has it open since {} (if that host is gone, delete the .lock file)",
            holder.pid, holder.host, holder.since
        ),
        None => "another process has it open".to_owned(),
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(own), Ok(named)) => own.ino() == named.ino() && own.dev() == named.dev(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Returns the host's name, "localhost" when it can't be told.
fn host_name() -> String {
    let from_file = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    from_file("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}
