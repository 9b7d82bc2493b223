//! One server for each store, and how it is found again: a lock that ends with the process, and
//! `server.json` beside it.

use crate::{error::ServeError, files};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};
use yard_types::serving::ServerFile;

/// Holds a store; released when dropped, or by the system when the process ends in any way.
#[derive(Debug)]
pub(crate) struct StoreLock {
    file: File,
    server_file: PathBuf,
}

impl StoreLock {
    /// Takes a store. A `server.json` that a killed server left behind is replaced later.
    pub(crate) fn take(store: &Path) -> Result<Self, ServeError> {
        files::private_folder(store)?;
        let path = store.join("server.lock");
        let server_file = store.join("server.json");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(ServeError::file("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, server_file }),
            Err(TryLockError::WouldBlock) => {
                let by = match read_server_file(store) {
                    Some(server) => format!("process {} at {}", server.pid, server.url),
                    None => "another process that is starting".to_owned(),
                };
                Err(ServeError::StoreInUse { by, store: store.to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(ServeError::file("lock the store", &path)(source)),
        }
    }

    /// Writes `server.json`.
    pub(crate) fn publish(&self, server: &ServerFile) -> Result<(), ServeError> {
        let mut text = serde_json::to_vec_pretty(server).unwrap_or_default();
        text.push(b'\n');
        files::write_private(&self.server_file, &text)
    }
}

impl Drop for StoreLock {
    fn drop(&mut self) {
        // Both are for others to see; a failure leaves a file that its lock shows to be stale.
        let _ = std::fs::remove_file(&self.server_file);
        let _ = self.file.unlock();
    }
}

/// Reads the `server.json` of a store; `None` when there is none. The server may be gone all the same.
pub fn read_server_file(store: &Path) -> Option<ServerFile> {
    let text = std::fs::read(store.join("server.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use yard_types::serving::TokenFiles;

    #[test]
    fn a_second_server_is_refused_and_a_stale_file_is_not_a_lock() {
        let store = tempfile::tempdir().unwrap();
        let server = ServerFile {
            pin: None,
            grpc: None,
            pid: 42,
            url: "http://127.0.0.1:1".to_owned(),
            started: String::new(),
            program: String::new(),
            tokens: TokenFiles { infer: String::new(), observe: String::new(), manage: String::new() },
        };
        let lock = StoreLock::take(store.path()).unwrap();
        lock.publish(&server).unwrap();
        let error = StoreLock::take(store.path()).unwrap_err().to_string();
        assert!(error.contains("process 42 at http://127.0.0.1:1"), "{error}");
        drop(lock);
        assert!(read_server_file(store.path()).is_none());
        std::fs::write(store.path().join("server.json"), serde_json::to_vec(&server).unwrap()).unwrap();
        drop(StoreLock::take(store.path()).expect("a file without a lock is stale"));
    }
}
