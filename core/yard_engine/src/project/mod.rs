//! The project file: one `SQLite` database with an append-only, hash-chained event log and a
//! content-addressed object store. State is the fold of the events.
//!
//! Every act is one transaction ([`Project::commit`]), synced before it returns, so that a process
//! killed at any moment loses nothing that was acknowledged. The first opener writes; a second one
//! gets the project read-only. Knows nothing of jobs, data or models.

pub mod lock;
pub mod migrate;
mod open;
#[cfg(test)]
mod tests;

use crate::{
    canonical::{sha256, to_canonical},
    clock::Clock,
    error::ProjectError,
};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yard_types::{
    event::{Event, EventRecord},
    ids::{CommandId, Sha256},
    project::ProjectState,
};

/// Bytes to be stored with an act.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// `model`, `recipe`, `curve`, ...
    pub kind: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Who writes, and what tells the time.
#[derive(Clone)]
pub struct Author {
    /// User name.
    pub actor: String,
    /// Clock.
    pub clock: Arc<dyn Clock>,
}

/// An open project.
pub struct Project {
    connection: Connection,
    path: PathBuf,
    author: Author,
    lock: Option<lock::WriterLock>,
    read_only: Option<String>,
    records: Vec<EventRecord>,
    state: Arc<ProjectState>,
    notes: Vec<String>,
}

impl Project {
    /// Makes a new project file; nothing may exist at the path. The file appears whole, or not at all.
    pub fn create(path: &Path, name: &str, author: Author) -> Result<Self, ProjectError> {
        open::create(path, name, author)
    }

    /// Opens a project: for writing when no other process does, else read-only.
    pub fn open(path: &Path, author: Author) -> Result<Self, ProjectError> {
        open::open(path, author)
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns why the project is read-only; `None` when it may be written.
    pub fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    /// Returns what was done while opening (an upgrade and its backup).
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns all events, oldest first.
    pub fn events(&self) -> &[EventRecord] {
        &self.records
    }

    /// Returns the state.
    pub fn state(&self) -> Arc<ProjectState> {
        Arc::clone(&self.state)
    }

    /// Stores one event. The same as [`Project::commit`] without objects.
    pub fn append(&mut self, command: CommandId, event: Event) -> Result<EventRecord, ProjectError> {
        let kind = kind_of(&event);
        self.commit(command, &[], vec![event])?
            .pop()
            .ok_or(ProjectError::Event { kind, what: "nothing was written".to_owned() })
    }

    /// Stores objects and events in one transaction. When this returns, they are on the disk.
    pub fn commit(
        &mut self,
        command: CommandId,
        objects: &[NewObject],
        events: Vec<Event>,
    ) -> Result<Vec<EventRecord>, ProjectError> {
        if let Some(reason) = &self.read_only {
            return Err(ProjectError::ReadOnly { reason: reason.clone() });
        }
        let mut records: Vec<EventRecord> = Vec::with_capacity(events.len());
        let mut bodies = Vec::with_capacity(events.len());
        let (mut seq, mut prev_hash) = self.head();
        for body in events {
            let text = body_text(&body)?;
            seq += 1;
            let (at, actor) = (self.author.clock.now(), self.author.actor.clone());
            let mut record =
                EventRecord { seq, at, actor, command_id: command, body, prev_hash, hash: Sha256([0; 32]) };
            record.hash = record_hash(&record, &text);
            prev_hash = record.hash;
            records.push(record);
            bodies.push(text);
        }
        self.write(objects, &records, &bodies)
            .map_err(|source| ProjectError::Sqlite { act: "written", source })?;
        let state = Arc::make_mut(&mut self.state);
        for record in &records {
            state.apply(record);
        }
        self.records.extend(records.iter().cloned());
        Ok(records)
    }

    /// Reads an object and checks its hash.
    pub fn object(&self, sha: Sha256) -> Result<Vec<u8>, ProjectError> {
        let missing = |what: &str| ProjectError::Object { sha256: sha.to_hex(), what: what.to_owned() };
        let found: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT bytes FROM object WHERE sha256 = ?1", [sha.to_hex()], |row| row.get(0))
            .optional()
            .map_err(|source| ProjectError::Sqlite { act: "read", source })?;
        let bytes = found.ok_or_else(|| missing("is not in the project"))?;
        if sha256(&[&bytes]) != sha {
            return Err(missing("has other bytes than its hash says"));
        }
        Ok(bytes)
    }

    /// Reads the log again from the file and checks every hash; the error names the first bad event.
    pub fn verify_chain(&self) -> Result<u64, ProjectError> {
        let (records, broken) = read_events(&self.connection, 0, Sha256([0; 32]))
            .map_err(|source| ProjectError::Sqlite { act: "read", source })?;
        match broken {
            Some((seq, what)) => Err(ProjectError::Chain { seq, what }),
            None => Ok(records.len() as u64),
        }
    }

    /// Picks up what the writing process committed since (for a read-only project) and returns it.
    pub fn reload(&mut self) -> Result<Vec<EventRecord>, ProjectError> {
        let (seq, hash) = self.head();
        let (records, _) = read_events(&self.connection, seq, hash)
            .map_err(|source| ProjectError::Sqlite { act: "read", source })?;
        let state = Arc::make_mut(&mut self.state);
        for record in &records {
            state.apply(record);
        }
        self.records.extend(records.iter().cloned());
        Ok(records)
    }

    fn head(&self) -> (u64, Sha256) {
        self.records.last().map_or((0, Sha256([0; 32])), |record| (record.seq, record.hash))
    }

    fn write(
        &mut self,
        objects: &[NewObject],
        records: &[EventRecord],
        bodies: &[String],
    ) -> Result<(), rusqlite::Error> {
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for object in objects {
            transaction.execute(
                "INSERT OR IGNORE INTO object (sha256, kind, bytes) VALUES (?1, ?2, ?3)",
                params![sha256(&[&object.bytes]).to_hex(), object.kind, object.bytes],
            )?;
        }
        for (record, body) in records.iter().zip(bodies) {
            transaction.execute(
                "INSERT INTO event (seq, at, actor, command_id, kind, body_json, prev_hash, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    record.seq as i64,
                    record.at,
                    record.actor,
                    record.command_id.0 as i64,
                    kind_of(&record.body),
                    body,
                    record.prev_hash.to_hex(),
                    record.hash.to_hex(),
                ],
            )?;
        }
        transaction.commit()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // One file to copy: the write-ahead log is folded back when nobody else reads.
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }
}

/// Returns the word of an event's kind, as stored in the column `kind`.
pub fn kind_of(event: &Event) -> String {
    serde_json::to_value(event)
        .ok()
        .and_then(|value| value.get("kind").and_then(|kind| kind.as_str().map(str::to_owned)))
        .unwrap_or_default()
}

/// Makes the folder's entry of a new or renamed file durable.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), ProjectError> {
    #[cfg(unix)]
    {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::File::open(folder).and_then(|file| file.sync_all()).map_err(|source| ProjectError::Io {
            act: "sync",
            path: folder.to_owned(),
            source,
        })?;
    }
    let _ = path;
    Ok(())
}

/// Canonical text of a body; refused when it would not come back the same (a figure that is not finite).
fn body_text(event: &Event) -> Result<String, ProjectError> {
    let refuse = |what: String| ProjectError::Event { kind: kind_of(event), what };
    let value = serde_json::to_value(event).map_err(|error| refuse(error.to_string()))?;
    let text = to_canonical(&value);
    let back: Event = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    if back != *event {
        return Err(refuse("it reads back as another value".to_owned()));
    }
    Ok(text)
}

/// `SHA-256(prev_hash || canonical record without hash)`.
fn record_hash(record: &EventRecord, body: &str) -> Sha256 {
    let head = to_canonical(&serde_json::json!({
        "seq": record.seq, "at": record.at, "actor": record.actor, "command_id": record.command_id,
        "prev_hash": record.prev_hash.to_hex(),
    }));
    sha256(&[record.prev_hash.to_hex().as_bytes(), head.as_bytes(), b"\n", body.as_bytes()])
}

type Broken = Option<(u64, String)>;

/// Reads events after `seq`, checking the chain from `hash` on; stops at the first bad one and names it.
fn read_events(
    connection: &Connection,
    seq: u64,
    hash: Sha256,
) -> Result<(Vec<EventRecord>, Broken), rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT seq, at, actor, command_id, kind, body_json, prev_hash, hash FROM event
         WHERE seq > ?1 ORDER BY seq",
    )?;
    let mut rows = statement.query([seq as i64])?;
    let (mut records, mut expected_seq, mut expected_hash) = (Vec::new(), seq, hash);
    while let Some(row) = rows.next()? {
        expected_seq += 1;
        match checked_record(row, expected_seq, expected_hash)? {
            Ok(record) => {
                expected_hash = record.hash;
                records.push(record);
            }
            Err(what) => return Ok((records, Some((expected_seq, what)))),
        }
    }
    Ok((records, None))
}

fn checked_record(
    row: &rusqlite::Row<'_>,
    seq: u64,
    prev: Sha256,
) -> Result<Result<EventRecord, String>, rusqlite::Error> {
    let found: i64 = row.get(0)?;
    if found != seq as i64 {
        return Ok(Err(format!("event {seq} is missing, the next one is {found}")));
    }
    let (kind, body): (String, String) = (row.get(4)?, row.get(5)?);
    let (prev_text, hash_text): (String, String) = (row.get(6)?, row.get(7)?);
    let event: Event = match serde_json::from_str(&body) {
        Ok(event) => event,
        Err(error) => return Ok(Err(format!("its body can't be read ({error})"))),
    };
    let (Some(prev_hash), Some(hash)) = (Sha256::from_hex(&prev_text), Sha256::from_hex(&hash_text)) else {
        return Ok(Err("its hash is not 64 hexadecimal digits".to_owned()));
    };
    let record = EventRecord {
        seq,
        at: row.get(1)?,
        actor: row.get(2)?,
        command_id: CommandId(row.get::<_, i64>(3)? as u64),
        body: event,
        prev_hash,
        hash,
    };
    if prev_hash != prev {
        return Ok(Err("it does not follow the event before it".to_owned()));
    }
    if record_hash(&record, &body) != hash || kind_of(&record.body) != kind {
        return Ok(Err("its content does not match its hash".to_owned()));
    }
    Ok(Ok(record))
}
