//! The durable state: which versions exist and which one answers. One `SQLite` file; a change is one
//! transaction with a full sync, so that a crash leaves the old pointer or the new one.
//!
//! Packages lie beside it, named by their SHA-256 and written before a row refers to them.

use crate::{error::ServeError, files};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use yard_types::{
    ids::Sha256,
    rollout::{RolloutEvent, WatchPlan},
    serving::CanaryRoute,
};

/// `PRAGMA application_id` of a store: the letters M, Y, s, v.
const APPLICATION: i64 = 0x4d59_7376;
/// Format of the tables.
const FORMAT: i64 = 1;

const TABLES: &str = "
create table version(
    model text not null, version integer not null, sha256 text not null, model_sha256 text not null,
    bytes integer not null, added_us integer not null, primary key(model, version)) without rowid;
create table pointer(
    model text primary key, stable integer, previous integer, canary integer, percent real not null,
    shadow integer not null, stopped integer not null) without rowid;
create table request(
    seq integer primary key autoincrement, id text not null, model text not null, version integer not null,
    at_us integer not null, route text not null, status integer not null, nanos integer not null,
    rows integer not null, total integer not null, window integer not null, error text, fields text not null, margins blob not null,
    scores blob not null, decisions blob not null);
create index request_id on request(id);
create table window(
    model text not null, version integer not null, number integer not null, from_us integer not null,
    to_us integer not null, open integer not null, rows integer not null, requests integer not null,
    errors integer not null, score_sum real not null, score_count integer not null, body text not null,
    primary key(model, version, number)) without rowid;
create table label(
    model text not null, request_id text not null, row integer not null, label text not null,
    at_us integer not null, primary key(model, request_id, row)) without rowid;
";

/// Tables that came after the first format; an older program leaves them alone.
const LATER_TABLES: &str = "
create table if not exists watch(model text primary key, plan text not null) without rowid;
create table if not exists rollout(
    number integer primary key autoincrement, model text not null, at_us integer not null, kind text not null,
    version integer not null, automatic integer not null, reason text not null);
create index if not exists rollout_model on rollout(model, number);
create table if not exists chain(
    one integer primary key check(one = 1), anchor blob not null, head blob not null) without rowid;
";
/// Events shown of a model's rollouts.
const EVENTS: i64 = 100;

/// What is known of a version without its package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionRecord {
    pub(crate) model: String,
    pub(crate) version: u64,
    pub(crate) sha256: Sha256,
    pub(crate) model_sha256: Sha256,
    pub(crate) bytes: u64,
}

/// What says which version of a model answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pointer {
    pub(crate) stable: Option<u64>,
    pub(crate) previous: Option<u64>,
    pub(crate) canary: Option<CanaryRoute>,
    pub(crate) stopped: bool,
}

/// The store's state connection.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    packages: PathBuf,
}

/// Opens the store's database with the store's settings; makes and checks its tables.
pub(crate) fn open_database(path: &Path, durable: bool) -> Result<Connection, ServeError> {
    let failed = || ServeError::database("open the store");
    let connection = Connection::open(path).map_err(failed())?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(failed())?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let not_a_store = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => ServeError::NotAStore { path: path.to_owned() },
        _ => ServeError::Database { action: "open the store", source: error },
    };
    let (application, format) =
        (pragma("application_id").map_err(not_a_store)?, pragma("user_version").map_err(failed())?);
    let tables: i64 =
        connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0)).map_err(failed())?;
    if application != APPLICATION && tables > 0 {
        return Err(ServeError::NotAStore { path: path.to_owned() });
    }
    if format > FORMAT {
        return Err(ServeError::NewerStore { found: format, known: FORMAT, path: path.to_owned() });
    }
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed())?;
    connection
        .pragma_update(None, "synchronous", if durable { "full" } else { "normal" })
        .map_err(failed())?;
    if tables == 0 {
        let make = format!(
            "begin immediate; {TABLES} pragma application_id={APPLICATION}; pragma user_version={FORMAT}; commit;"
        );
        connection.execute_batch(&make).map_err(failed())?;
    }
    // Fewer and larger checkpoints: each one waits for the disk and writes pages again that change all the time.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000).map_err(failed())?;
    connection.execute_batch(LATER_TABLES).map_err(failed())?;
    let hashes = "select count(*) from pragma_table_info('request') where name = 'hash'";
    if connection.query_row(hashes, [], |row| row.get::<_, i64>(0)).map_err(failed())? == 0 {
        connection.execute_batch("alter table request add column hash blob").map_err(failed())?;
    }
    Ok(connection)
}

impl Store {
    /// Opens or makes the store in a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, ServeError> {
        let packages = folder.join("packages");
        files::private_folder(&packages)?;
        Ok(Self { connection: open_database(&database_path(folder), true)?, packages })
    }

    /// Returns the file of a package.
    pub(crate) fn package_path(&self, sha256: Sha256) -> PathBuf {
        self.packages.join(format!("{}.modelpack", sha256.to_hex()))
    }

    /// Reads all versions, by model and number.
    pub(crate) fn versions(&self) -> Result<Vec<VersionRecord>, ServeError> {
        let failed = || ServeError::database("read the versions");
        let mut query = self
            .connection
            .prepare(
                "select model, version, sha256, model_sha256, bytes from version order by model, version",
            )
            .map_err(failed())?;
        let rows = query
            .query_map([], |row| {
                Ok(VersionRecord {
                    model: row.get(0)?,
                    version: row.get::<_, i64>(1)? as u64,
                    sha256: digest(row, 2)?,
                    model_sha256: digest(row, 3)?,
                    bytes: row.get::<_, i64>(4)? as u64,
                })
            })
            .map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }

    /// Reads all pointers by model.
    pub(crate) fn pointers(&self) -> Result<BTreeMap<String, Pointer>, ServeError> {
        let failed = || ServeError::database("read the pointers");
        let mut query = self
            .connection
            .prepare("select model, stable, previous, canary, percent, shadow, stopped from pointer")
            .map_err(failed())?;
        let rows = query
            .query_map([], |row| {
                let number = |at| row.get::<_, Option<i64>>(at).map(|value| value.map(|value| value as u64));
                let (percent, shadow) = (row.get(4)?, row.get(5)?);
                let canary = number(3)?.map(|version| CanaryRoute { version, percent, shadow });
                let pointer =
                    Pointer { stable: number(1)?, previous: number(2)?, canary, stopped: row.get(6)? };
                Ok((row.get(0)?, pointer))
            })
            .map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }

    /// Adds a version whose package is in place.
    pub(crate) fn add_version(&self, record: &VersionRecord, now_us: i64) -> Result<(), ServeError> {
        let values = params![
            record.model,
            record.version as i64,
            record.sha256.to_hex(),
            record.model_sha256.to_hex(),
            record.bytes as i64,
            now_us
        ];
        self.connection
            .execute("insert into version values(?1, ?2, ?3, ?4, ?5, ?6)", values)
            .map(|_| ())
            .map_err(ServeError::database("add a version"))
    }

    /// Replaces the pointer of a model.
    pub(crate) fn set_pointer(&self, model: &str, pointer: &Pointer) -> Result<(), ServeError> {
        let canary = pointer.canary.unwrap_or(CanaryRoute { version: 0, percent: 0.0, shadow: false });
        let number = |version: Option<u64>| version.map(|version| version as i64);
        let values = params![
            model,
            number(pointer.stable),
            number(pointer.previous),
            number(pointer.canary.map(|canary| canary.version)),
            canary.percent,
            canary.shadow,
            pointer.stopped
        ];
        self.connection
            .execute("insert or replace into pointer values(?1, ?2, ?3, ?4, ?5, ?6, ?7)", values)
            .map(|_| ())
            .map_err(ServeError::database("set the pointer"))
    }

    /// Replaces the plan by which a model's canary is watched.
    pub(crate) fn set_watch(&self, model: &str, plan: &WatchPlan) -> Result<(), ServeError> {
        let text = serde_json::to_string(plan).unwrap_or_default();
        self.connection
            .execute("insert or replace into watch values(?1, ?2)", params![model, text])
            .map(|_| ())
            .map_err(ServeError::database("store a watch"))
    }

    /// Reads the plan of a model; one that can't be read is the default.
    pub(crate) fn watch(&self, model: &str) -> Result<WatchPlan, ServeError> {
        let text: Option<String> = self
            .connection
            .query_row("select plan from watch where model = ?1", [model], |row| row.get(0))
            .optional()
            .map_err(ServeError::database("read a watch"))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Keeps an event of a rollout.
    pub(crate) fn add_event(&self, model: &str, at_us: i64, event: &RolloutEvent) -> Result<(), ServeError> {
        let values = params![model, at_us, event.kind, event.version as i64, event.automatic, event.reason];
        self.connection
            .execute(
                "insert into rollout(model, at_us, kind, version, automatic, reason) values(?1, ?2, ?3, ?4, ?5, ?6)",
                values,
            )
            .map(|_| ())
            .map_err(ServeError::database("keep an event"))
    }

    /// Reads the latest events of a model's rollouts, latest first.
    pub(crate) fn events(&self, model: &str) -> Result<Vec<RolloutEvent>, ServeError> {
        let failed = || ServeError::database("read the events");
        let mut query = self
            .connection
            .prepare(
                "select at_us, kind, version, automatic, reason from rollout where model = ?1
                 order by number desc limit ?2",
            )
            .map_err(failed())?;
        let rows = query
            .query_map(params![model, EVENTS], |row| {
                Ok(RolloutEvent {
                    at: yard_types::date::format_iso(row.get(0)?),
                    kind: row.get(1)?,
                    version: row.get::<_, i64>(2)? as u64,
                    automatic: row.get(3)?,
                    reason: row.get(4)?,
                })
            })
            .map_err(failed())?;
        rows.collect::<Result<_, _>>().map_err(failed())
    }

    /// Returns whether some version refers to a package.
    pub(crate) fn refers_to(&self, sha256: Sha256) -> Result<bool, ServeError> {
        self.connection
            .query_row("select 1 from version where sha256 = ?1", [sha256.to_hex()], |_| Ok(()))
            .optional()
            .map(|found| found.is_some())
            .map_err(ServeError::database("look up a package"))
    }

    /// Deletes uploads that a crash interrupted: temporary files and packages without a version. Returns
    /// how many.
    pub(crate) fn sweep(&self) -> Result<usize, ServeError> {
        let failed = || ServeError::file("list the packages", &self.packages);
        let mut deleted = 0;
        for entry in fs::read_dir(&self.packages).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let digest = name.strip_suffix(".modelpack").and_then(Sha256::from_hex);
            let orphan = match digest {
                Some(sha256) => !self.refers_to(sha256)?,
                None => name.starts_with("upload-"),
            };
            if orphan && fs::remove_file(&path).is_ok() {
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Returns a new name for an upload; the file does not exist.
    pub(crate) fn upload_path(&self, number: u64) -> PathBuf {
        self.packages.join(format!("upload-{}-{number}", std::process::id()))
    }
}

/// Returns the database file of a store.
pub(crate) fn database_path(folder: &Path) -> PathBuf {
    folder.join("store.sqlite")
}

fn digest(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Sha256> {
    let text: String = row.get(at)?;
    Sha256::from_hex(&text).ok_or(rusqlite::Error::InvalidColumnType(
        at,
        "sha256".to_owned(),
        rusqlite::types::Type::Text,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn state_survives_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let record = VersionRecord {
            model: "m".to_owned(),
            version: 3,
            sha256: Sha256([1; 32]),
            model_sha256: Sha256([2; 32]),
            bytes: 10,
        };
        let pointer = Pointer {
            stable: Some(3),
            previous: None,
            canary: Some(CanaryRoute { version: 4, percent: 12.5, shadow: true }),
            stopped: false,
        };
        let store = Store::open(folder.path()).unwrap();
        store.add_version(&record, 1).unwrap();
        store.set_pointer("m", &pointer).unwrap();
        assert!(store.add_version(&record, 2).is_err(), "a version is never overwritten");
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.versions().unwrap(), vec![record]);
        assert_eq!(store.pointers().unwrap(), BTreeMap::from([("m".to_owned(), pointer)]));
    }

    #[test]
    fn sweeping_deletes_what_nothing_refers_to() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let kept = VersionRecord {
            model: "m".to_owned(),
            version: 1,
            sha256: Sha256([1; 32]),
            model_sha256: Sha256([2; 32]),
            bytes: 1,
        };
        store.add_version(&kept, 1).unwrap();
        for path in
            [store.package_path(kept.sha256), store.package_path(Sha256([9; 32])), store.upload_path(1)]
        {
            fs::write(path, "x").unwrap();
        }
        assert_eq!(store.sweep().unwrap(), 2);
        assert!(store.package_path(kept.sha256).exists());
    }

    #[test]
    fn foreign_and_newer_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = database_path(folder.path());
        fs::write(&path, "this is not a database, but long enough to look like a file").unwrap();
        assert!(matches!(Store::open(folder.path()), Err(ServeError::NotAStore { .. })));
        fs::remove_file(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch("create table t(x)").unwrap();
        assert!(matches!(Store::open(folder.path()), Err(ServeError::NotAStore { .. })));
        fs::remove_file(&path).unwrap();
        drop(Store::open(folder.path()).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(ServeError::NewerStore { found: 99, .. })));
    }
}
