//! The tables of a project file and the way from older versions of them.
//!
//! `user_version` counts the steps of [`MIGRATIONS`] that were applied. Before the first step on an
//! existing file, a whole copy is written beside it and synced.

use crate::error::ProjectError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// "MYRD": marks the file as a Modelyard project for `file` and other tools.
pub const APPLICATION_ID: i64 = 0x4d59_5244;

/// SQL of each version, oldest first. Applied steps never change; a new version appends one.
pub const MIGRATIONS: &[&str] = &[
    // 1: the log and the objects. The triggers keep the log append-only for every program.
    "CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        actor TEXT NOT NULL,
        command_id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        body_json TEXT NOT NULL,
        prev_hash TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE
     ) STRICT;
     CREATE TRIGGER event_never_updated BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
     CREATE TRIGGER event_never_deleted BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
     CREATE TABLE object (
        sha256 TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        bytes BLOB NOT NULL
     ) STRICT;",
    // 2: for readers with any SQLite tool; views hold nothing of their own.
    "CREATE VIEW model AS
        SELECT json_extract(body_json, '$.model.id') AS id,
               json_extract(body_json, '$.run') AS run,
               json_extract(body_json, '$.model.family') AS family,
               json_extract(body_json, '$.model.model_sha256') AS model_sha256,
               json_extract(body_json, '$.model.dataset') AS dataset,
               at
        FROM event WHERE kind = 'run_finished';
     CREATE VIEW run AS
        SELECT json_extract(started.body_json, '$.run') AS id,
               json_extract(started.body_json, '$.spec.family') AS family,
               json_extract(started.body_json, '$.dataset') AS dataset,
               started.at AS started_at,
               (SELECT substr(ended.kind, 5) FROM event AS ended
                 WHERE ended.kind IN ('run_finished', 'run_failed', 'run_cancelled')
                   AND json_extract(ended.body_json, '$.run') = json_extract(started.body_json, '$.run')
                 ORDER BY ended.seq DESC LIMIT 1) AS state
        FROM event AS started WHERE started.kind = 'run_started';",
];

/// Newest version of the file that this program knows.
pub fn newest() -> i64 {
    MIGRATIONS.len() as i64
}

/// Reads `application_id` and `user_version`.
pub fn versions(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let read = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0));
    Ok((read("application_id")?, read("user_version")?))
}

/// Applies the steps after version `from`, all in one transaction.
pub fn apply(connection: &mut Connection, from: i64) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for sql in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        transaction.execute_batch(sql)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
        newest()
    ))?;
    transaction.commit()
}

/// Writes a whole copy beside the project, named after its version, and returns its path. A copy of
/// an earlier attempt is kept under its own name.
pub fn backup(connection: &Connection, project: &Path, version: i64) -> Result<PathBuf, ProjectError> {
    let name = project.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..1000)
        .map(|n| project.with_file_name(format!("{name}.v{version}-{n}.backup")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| project.with_file_name(format!("{name}.v{version}.backup")));
    connection
        .execute("VACUUM INTO ?1", [free.to_string_lossy()])
        .map_err(|source| ProjectError::Sqlite { act: "copied before the upgrade", source })?;
    sync_file(&free)?;
    super::sync_folder_of(&free)?;
    Ok(free)
}

fn sync_file(path: &Path) -> Result<(), ProjectError> {
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| ProjectError::Io { act: "sync", path: path.to_owned(), source })
}
