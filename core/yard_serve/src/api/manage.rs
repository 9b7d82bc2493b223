//! Management: bodies and query strings of the routes that change or show states.

use crate::{
    http::reply::Refusal,
    json,
    log::{chain, note::Note, read, writer::Log},
    store,
};
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use tokio::sync::oneshot;
use yard_types::{
    audit::ChainReply,
    serving::{LogReply, WindowsReply},
};

/// Reads a body of the type's fields; an empty body is the default.
pub(crate) fn read_json<T: DeserializeOwned + Default>(body: &[u8], expected: &str) -> Result<T, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    json::check(body)?;
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad("body", format!("body: {error}; expected {expected}")))
}

/// Reads the numbers of a query string; `names` are those allowed, with their defaults.
pub(crate) fn read_query<const N: usize>(
    query: Option<&str>,
    names: [(&str, u64); N],
) -> Result<[u64; N], Refusal> {
    let mut values = names.map(|(_, default)| default);
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(at) = names.iter().position(|(own, _)| *own == name) else {
            let known: Vec<&str> = names.iter().map(|(own, _)| *own).collect();
            let message =
                format!("query: unknown \"{}\"; expected {}", json::shortened(name), known.join(", "));
            return Err(Refusal::bad("query", message));
        };
        values[at] = text.parse().map_err(|_| {
            let message = format!("query: {name} is \"{}\"; expected a whole number", json::shortened(text));
            Refusal::bad("query", message)
        })?;
    }
    Ok(values)
}

/// Reads the log and its windows over a connection of its own.
#[derive(Debug)]
pub(crate) struct LogReader {
    folder: PathBuf,
    window_rows: u64,
    connection: Mutex<Option<Connection>>,
}

impl LogReader {
    pub(crate) fn new(folder: PathBuf, window_rows: u64) -> Self {
        Self { folder, window_rows: window_rows.max(1), connection: Mutex::new(None) }
    }

    /// Reads a page of the log.
    pub(crate) fn log(&self, model: &str, after: u64, limit: usize) -> Result<LogReply, Refusal> {
        self.with(|connection| read::read_log(connection, model, after, limit))
    }

    /// Reads the latest `last` windows of each version.
    pub(crate) fn windows(
        &self,
        model: &str,
        size: u64,
        last: u64,
        dropped: u64,
    ) -> Result<WindowsReply, Refusal> {
        let merged = size.div_ceil(self.window_rows).clamp(1, 1 << 32);
        let windows =
            self.with(|connection| read::read_windows(connection, model, merged, last.min(1 << 32)))?;
        Ok(WindowsReply { model: model.to_owned(), size: merged * self.window_rows, windows, dropped })
    }

    /// Goes through the chain over the log.
    pub(crate) fn verify(&self) -> Result<ChainReply, Refusal> {
        self.with(chain::verify)
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Refusal> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            *slot = Some(store::open_database(&store::database_path(&self.folder), false)?);
        }
        let Some(connection) = slot.as_ref() else {
            return Err(Refusal::internal("the log can't be opened"));
        };
        read(connection)
            .map_err(|_| Refusal::internal("the log can't be read; see the messages of the server"))
    }
}

/// Waits until everything that was answered so far is on disk.
pub(crate) async fn flush(log: &Log) {
    let (done, flushed) = oneshot::channel();
    log.inbox.push(Note::Flush(done));
    // The log ended: then it has flushed.
    let _ = flushed.await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn query_strings() {
        let read = |query| read_query(Some(query), [("after", 0), ("limit", 100)]);
        assert_eq!(read("").unwrap(), [0, 100]);
        assert_eq!(read("limit=5&after=7").unwrap(), [7, 5]);
        assert!(read("limit=five").unwrap_err().message.contains("limit is \"five\""));
        assert!(read("size=1").unwrap_err().message.contains("unknown \"size\""));
    }
}
