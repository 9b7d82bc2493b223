//! The log's thread: takes notes in batches, counts them in the windows, and writes one transaction for each
//! batch, so that log, windows and labels on disk always belong together.

use super::{
    chain::{self, Chain},
    inbox::Inbox,
    note::{Asked, Note, Outcome},
    privacy::Privacy,
    shadow,
    window::OpenWindow,
    write,
};
use crate::{
    config::{Console, LogOptions},
    error::ServeError,
    served::Served,
    store,
};
use rusqlite::Connection;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
};
use tokio::sync::oneshot;
use yard_types::{audit::EraseReply, serving::FeedbackReply};

/// What the log says of itself.
#[derive(Debug, Default)]
pub(crate) struct LogFigures {
    /// Position of the last request on disk.
    pub(crate) last_seq: AtomicU64,
    /// Batches that the store refused.
    pub(crate) failures: AtomicU64,
    /// Requests counted in the windows and left out of the log because the thread was behind.
    pub(crate) skipped: AtomicU64,
}

/// The log, as the request path sees it.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) inbox: Inbox,
    pub(crate) figures: LogFigures,
}

struct Writer {
    log: Arc<Log>,
    chain: Chain,
    privacy: Privacy,
    connection: Connection,
    options: LogOptions,
    console: Console,
    /// Open windows; the version itself is not held, so that it can be unloaded.
    windows: BTreeMap<(String, u64), (Weak<Served>, OpenWindow)>,
    total: u64,
    failing: bool,
}

/// Starts the log's thread on a store.
pub(crate) fn start(
    folder: &Path,
    options: LogOptions,
    console: Console,
) -> Result<(Arc<Log>, JoinHandle<()>), ServeError> {
    let connection = store::open_database(&store::database_path(folder), false)?;
    let chain = Chain::resume(&connection).map_err(ServeError::database("read the log"))?;
    let (last, total) = connection
        .query_row("select seq, total from request order by seq desc limit 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok((0, 0)),
            other => Err(other),
        })
        .map_err(ServeError::database("read the log"))?;
    let log = Arc::new(Log {
        inbox: Inbox::new(options.backlog_bytes, options.enabled),
        figures: LogFigures::default(),
    });
    log.figures.last_seq.store(last as u64, Relaxed);
    let privacy = Privacy::open(folder, &options)?;
    let writer = Writer {
        log: log.clone(),
        connection,
        options,
        console,
        chain,
        privacy,
        windows: BTreeMap::new(),
        total: total as u64,
        failing: false,
    };
    let thread = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.run())
        .map_err(|source| ServeError::Threads { action: "start the log", source })?;
    Ok((log, thread))
}

/// Answers that wait for the end of a batch.
#[derive(Default)]
struct Waiting {
    flushes: Vec<oneshot::Sender<()>>,
    labels: Vec<(oneshot::Sender<Option<FeedbackReply>>, FeedbackReply)>,
    erased: Vec<(oneshot::Sender<Option<EraseReply>>, EraseReply)>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let notes = self.log.inbox.take(self.options.flush);
            let bytes = notes.iter().map(Note::bytes).sum();
            let stop = notes.iter().any(|note| matches!(note, Note::Stop));
            if catch_unwind(AssertUnwindSafe(|| self.batch(notes))).is_err() {
                self.failed(&"the log failed on a batch");
            }
            self.log.inbox.done(bytes);
            if stop {
                return;
            }
        }
    }

    /// Takes a failed batch back; the next one is tried all the same.
    fn failed(&mut self, error: &dyn std::fmt::Display) {
        self.log.figures.failures.fetch_add(1, Relaxed);
        self.windows.values_mut().for_each(|(_, window)| window.store_again());
        if !self.failing {
            self.console.error(format!("request log: {error}; requests are answered but not logged"));
        }
        self.failing = true;
        if !self.connection.is_autocommit() {
            // When even this fails, the next batch can't begin, and says so.
            let _ = self.connection.execute_batch("rollback");
        }
        // What was taken back is not in the chain either.
        if let Ok(chain) = Chain::resume(&self.connection) {
            self.chain = chain;
        }
    }

    /// Writes a batch and answers those who wait for it.
    fn batch(&mut self, notes: Vec<Note>) {
        let mut waiting = Waiting::default();
        let result = self.write(notes, &mut waiting);
        match &result {
            Err(error) => self.failed(error),
            Ok(()) if self.failing => {
                self.console.info("request log: writes again");
                self.failing = false;
            }
            Ok(()) => {}
        }
        // Whoever waited may be gone.
        for flush in waiting.flushes {
            let _ = flush.send(());
        }
        for (sender, reply) in waiting.erased {
            let _ = sender.send(result.is_ok().then_some(reply));
        }
        for (sender, reply) in waiting.labels {
            let _ = sender.send(result.is_ok().then_some(reply));
        }
    }

    fn write(&mut self, notes: Vec<Note>, waiting: &mut Waiting) -> rusqlite::Result<()> {
        let begun = self.connection.execute_batch("begin immediate");
        let mut written = 0;
        let mut first_error = None;
        for note in notes {
            if begun.is_err() && matches!(note, Note::Asked(_) | Note::Labels { .. } | Note::Erase { .. }) {
                // Labels are answered with a failure when their sender is dropped.
                self.log.inbox.dropped.fetch_add(1, Relaxed);
                continue;
            }
            let done = match note {
                Note::Asked(asked) => self.asked(&asked, &mut written),
                Note::Labels { model, items, at_us, done } => {
                    let stored = write::insert_labels(&self.connection, &model, &items, at_us);
                    stored.map(|reply| waiting.labels.push((done, reply)))
                }
                Note::Erase { model, ids, done } => {
                    let erased = chain::erase(&self.connection, &model, &ids);
                    erased.map(|reply| waiting.erased.push((done, reply)))
                }
                Note::Flush(done) => {
                    waiting.flushes.push(done);
                    Ok(())
                }
                Note::Stop => Ok(()),
            };
            first_error = first_error.or(done.err());
        }
        begun?;
        for (_, window) in self.windows.values_mut() {
            first_error = first_error.or(window.store(&self.connection, true).err());
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        if written > 0 {
            self.chain.store(&self.connection)?;
        }
        write::delete_old(&self.connection, self.total, self.options.retain_rows, written)?;
        let last = self.connection.last_insert_rowid();
        self.connection.execute_batch("commit")?;
        if written > 0 {
            self.log.figures.last_seq.fetch_max(last as u64, Relaxed);
        }
        Ok(())
    }

    /// Counts and logs a request, and its shadow.
    fn asked(&mut self, asked: &Asked, written: &mut u64) -> rusqlite::Result<()> {
        let shadowed = match &asked.outcome {
            Outcome::Answered { rows, answers, shadow: Some(shadow) } => {
                if self.log.inbox.behind() {
                    shadow.figures.skipped.fetch_add(1, Relaxed);
                    None
                } else {
                    Some(shadow::score(asked, rows, answers, shadow))
                }
            }
            _ => None,
        };
        let done = self.record(asked, written);
        match shadowed {
            None => done,
            Some(shadowed) => done.and(self.record(&shadowed, written)),
        }
    }

    fn record(&mut self, asked: &Asked, written: &mut u64) -> rusqlite::Result<()> {
        let window = if asked.traffic { self.count(asked)? } else { write::NO_WINDOW };
        if self.log.inbox.behind() {
            self.log.figures.skipped.fetch_add(1, Relaxed);
            return Ok(());
        }
        if let Outcome::Answered { rows, .. } = &asked.outcome {
            self.total += rows.len() as u64;
        }
        let more = (&self.privacy, &mut self.chain);
        write::insert_request(&self.connection, asked, (window, self.total), more)?;
        *written += 1;
        Ok(())
    }

    /// Counts a request in the open window of its version and returns the window's number.
    fn count(&mut self, asked: &Asked) -> rusqlite::Result<i64> {
        let served = &asked.served;
        let key = (served.identity.model.clone(), served.identity.version);
        let fresh =
            self.windows.get(&key).is_none_or(|(own, _)| !std::ptr::eq(own.as_ptr(), Arc::as_ptr(served)));
        if fresh {
            if let Some((_, window)) = self.windows.get_mut(&key) {
                window.store(&self.connection, true)?;
            }
            let window = OpenWindow::resume(&self.connection, served)?;
            self.windows.insert(key.clone(), (Arc::downgrade(served), window));
        }
        let Some((_, window)) = self.windows.get_mut(&key) else { return Ok(write::NO_WINDOW) };
        let scored = match &asked.outcome {
            Outcome::Answered { rows, answers, .. } => Some((rows.as_ref(), answers)),
            Outcome::Refused { .. } => None,
        };
        let (sum, count) = window.count(served, (asked.at_us, asked.nanos), scored);
        if count > 0 {
            let mut score = served.figures.score.lock().unwrap_or_else(PoisonError::into_inner);
            (score.0, score.1) = (score.0 + sum, score.1 + count);
        }
        let number = window.figures.number as i64;
        if window.figures.rows >= self.options.window_rows {
            window.close(&self.connection, served)?;
        }
        Ok(number)
    }
}
