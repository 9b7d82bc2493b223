//! Crash reports: a panic of the window's thread is written into the user's folder, with where it happened
//! and the end of the log, and offered at the next start. Nothing is sent anywhere.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use yard_engine::Home;
use yard_state::settings::CrashReport;

const FOLDER: &str = "crashes";
/// Lines of the log that a report holds.
const LINES: usize = 60;

/// The end of the log: what the window did and was told.
#[derive(Clone, Default)]
pub(crate) struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl Tail {
    /// Adds a line.
    pub(crate) fn push(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn text(&self) -> String {
        // The thread that panics may hold the lock: then the report goes without the tail.
        let Ok(lines) = self.lines.try_lock() else { return String::new() };
        let lines: Vec<String> = lines.iter().map(|line| format!("  {line}")).collect();
        lines.join("\n")
    }
}

/// From now on a panic of this thread writes a report; other threads keep their own fences.
pub(crate) fn keep(home: &Home, tail: &Tail) {
    let folder = home.root().join(FOLDER);
    let tail = tail.clone();
    let window = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == window {
            let trace = std::backtrace::Backtrace::force_capture().to_string();
            // A report that can't be written leaves the message on standard error.
            let _ = write(&folder, &report(&info.to_string(), &tail.text(), &trace));
        }
        before(info);
    }));
}

fn report(what: &str, tail: &str, trace: &str) -> String {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let tail = if tail.is_empty() { "  empty" } else { tail };
    format!(
        "{name} {version} on {os} {arch}\n\nWhat happened\n  {what}\n\nEnd of the log\n{tail}\n\nWhere\n{trace}\n"
    )
}

fn write(folder: &Path, text: &str) -> std::io::Result<PathBuf> {
    yard_engine::home::make_private(folder)?;
    let mut number = 1;
    loop {
        let path = folder.join(format!("crash-{number:04}.txt"));
        if !path.exists() {
            std::fs::write(&path, text)?;
            return Ok(path);
        }
        number += 1;
    }
}

/// The newest report that was not offered before; it counts as offered from now on.
pub(crate) fn offered(home: &Home) -> Option<CrashReport> {
    let folder = home.root().join(FOLDER);
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(&folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    names.sort();
    let path = names.pop()?;
    let text = String::from_utf8_lossy(&std::fs::read(&path).ok()?).into_owned();
    let seen = folder.join("offered");
    let name = path.file_name()?.to_string_lossy().into_owned();
    if std::fs::read_to_string(&seen).is_ok_and(|last| last.trim() == name) {
        return None;
    }
    let _ = std::fs::write(&seen, &name);
    Some(CrashReport { path: path.display().to_string(), text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_report_is_offered_once() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        assert_eq!(offered(&home), None);
        let tail = Tail::default();
        for number in 0..100 {
            tail.push(format!("line {number}"));
        }
        let text = report("index out of bounds", &tail.text(), "trace");
        assert!(
            text.contains("line 99") && !text.contains("line 39\n") && text.contains("index out of bounds")
        );
        let path = write(&home.root().join(FOLDER), &text).unwrap();
        let found = offered(&home).unwrap();
        assert_eq!((found.path, found.text), (path.display().to_string(), text));
        assert_eq!(offered(&home), None, "once only");
        write(&home.root().join(FOLDER), "second").unwrap();
        assert_eq!(offered(&home).unwrap().text, "second");
    }
}
