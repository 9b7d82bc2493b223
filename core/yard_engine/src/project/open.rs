//! Making and opening project files, with every check before the first write.

use super::{Author, NewObject, Project, lock, migrate, read_events, sync_folder_of};
use crate::error::ProjectError;
use rusqlite::{Connection, OpenFlags};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yard_types::{
    event::Event,
    ids::{CommandId, Sha256},
    project::ProjectState,
};

/// Files up to this size are checked page by page when opened.
const QUICK_CHECK_BYTES: u64 = 64 << 20;

pub(super) fn create(path: &Path, name: &str, author: Author) -> Result<Project, ProjectError> {
    if path.is_dir() {
        return Err(ProjectError::Directory { path: path.to_owned() });
    }
    if path.exists() {
        return Err(ProjectError::Exists { path: path.to_owned() });
    }
    let temporary = temporary_beside(path);
    let made = write_new(&temporary, name, &author).and_then(|()| {
        // A link fails when the name was taken meanwhile; a rename would replace it.
        std::fs::hard_link(&temporary, path)
            .or_else(|error| if path.exists() { Err(error) } else { std::fs::rename(&temporary, path) })
            .map_err(|source| ProjectError::Io { act: "make", path: path.to_owned(), source })
    });
    let _ = std::fs::remove_file(&temporary);
    made?;
    sync_folder_of(path)?;
    open(path, author)
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write_new(path: &Path, name: &str, author: &Author) -> Result<(), ProjectError> {
    let _ = std::fs::remove_file(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let io = |source: std::io::Error| ProjectError::Io { act: "make", path: path.to_owned(), source };
    // Made by us first, so that a missing or read-only folder gives the system's own words.
    std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(io)?;
    let mut connection = Connection::open_with_flags(path, flags).map_err(written)?;
    configure(&connection).map_err(written)?;
    migrate::apply(&mut connection, 0).map_err(written)?;
    let mut project = bare(connection, path, author.clone());
    project.append(CommandId(0), Event::ProjectCreated { name: name.to_owned() })?;
    let Project { connection, .. } = &project;
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
        .map_err(written)?;
    drop(project);
    std::fs::OpenOptions::new().write(true).open(path).and_then(|file| file.sync_all()).map_err(io)
}

fn bare(connection: Connection, path: &Path, author: Author) -> Project {
    Project {
        connection,
        path: path.to_owned(),
        author,
        lock: None,
        read_only: None,
        records: Vec::new(),
        state: Arc::new(ProjectState::default()),
        notes: Vec::new(),
    }
}

pub(super) fn open(path: &Path, author: Author) -> Result<Project, ProjectError> {
    check_header(path)?;
    let (lock, mut read_only) = match lock::WriterLock::acquire(path, &author.clock.now())? {
        lock::Attempt::Held(lock) => (Some(lock), None),
        lock::Attempt::Taken(who) => (None, Some(who)),
    };
    let mut connection = connect(path, lock.is_some())?;
    let (application, version) =
        migrate::versions(&connection).map_err(|error| damaged_or(path, error, "read"))?;
    if application != migrate::APPLICATION_ID {
        let found = format!("an SQLite database of another program (application id {application})");
        return Err(ProjectError::NotAProject { found, path: path.to_owned() });
    }
    if version > migrate::newest() {
        let known = migrate::newest();
        return Err(ProjectError::Newer { found: version, known, path: path.to_owned() });
    }
    check_pages(&connection, path)?;
    let mut notes = Vec::new();
    if version < migrate::newest() && lock.is_some() {
        let copy = migrate::backup(&connection, path, version)?;
        migrate::apply(&mut connection, version).map_err(|error| damaged_or(path, error, "upgraded"))?;
        let new = migrate::newest();
        notes.push(format!(
            "upgraded from file version {version} to {new}; a copy is in \"{}\"",
            copy.display()
        ));
    }
    let (records, broken) =
        read_events(&connection, 0, Sha256([0; 32])).map_err(|error| damaged_or(path, error, "read"))?;
    if let Some((seq, what)) = broken {
        if records.is_empty() {
            return Err(ProjectError::Chain { seq, what });
        }
        read_only =
            Some(format!("the event log was changed at event {seq} ({what}); shown up to event {}", seq - 1));
    }
    let mut project = bare(connection, path, author);
    project.state = Arc::new(ProjectState::from_events(&records));
    project.records = records;
    project.lock = lock;
    project.read_only = read_only;
    project.notes = notes;
    Ok(project)
}

fn check_header(path: &Path) -> Result<(), ProjectError> {
    if path.is_dir() {
        return Err(ProjectError::Directory { path: path.to_owned() });
    }
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(ProjectError::NotFound { path: path.to_owned() });
        }
        Err(source) => return Err(ProjectError::Io { act: "open", path: path.to_owned(), source }),
    };
    let mut head = Vec::new();
    let io = |source| ProjectError::Io { act: "read", path: path.to_owned(), source };
    file.by_ref().take(100).read_to_end(&mut head).map_err(io)?;
    let not = |found: &str| Err(ProjectError::NotAProject { found: found.to_owned(), path: path.to_owned() });
    if head.is_empty() {
        return not("the file is empty");
    }
    if !head.starts_with(b"SQLite format 3\0") {
        return not("it does not begin as an SQLite database does");
    }
    if head.len() < 100 {
        let what = format!("it has {} bytes, its header alone needs 100", head.len());
        return Err(ProjectError::Damaged { what, path: path.to_owned() });
    }
    Ok(())
}

fn connect(path: &Path, writing: bool) -> Result<Connection, ProjectError> {
    let access = if writing { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| damaged_or(path, error, "opened"))?;
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .map_err(|source| ProjectError::Sqlite { act: "opened", source })?;
    if writing {
        configure(&connection).map_err(|error| damaged_or(path, error, "opened"))?;
    }
    Ok(connection)
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )
}

fn check_pages(connection: &Connection, path: &Path) -> Result<(), ProjectError> {
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    if bytes > QUICK_CHECK_BYTES {
        return Ok(());
    }
    let answer: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged_or(path, error, "read"))?;
    if answer == "ok" {
        return Ok(());
    }
    Err(ProjectError::Damaged { what: answer, path: path.to_owned() })
}

fn damaged_or(path: &Path, source: rusqlite::Error, act: &'static str) -> ProjectError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match source.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            ProjectError::Damaged { what: source.to_string(), path: path.to_owned() }
        }
        _ => ProjectError::Sqlite { act, source },
    }
}

fn written(source: rusqlite::Error) -> ProjectError {
    ProjectError::Sqlite { act: "written", source }
}

impl NewObject {
    /// Makes an object of a kind.
    pub fn new(kind: &str, bytes: Vec<u8>) -> Self {
        Self { kind: kind.to_owned(), bytes }
    }

    /// Returns the hash under which it is stored.
    pub fn sha256(&self) -> Sha256 {
        crate::canonical::sha256(&[&self.bytes])
    }
}
