//! The way of notes to the log's thread: bounded in bytes, and so cheap for the request that a push is one
//! short lock. The thread is woken only when it sleeps.

use super::note::Note;
use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// The inbox.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    wake: Condvar,
    /// Bytes pushed and not yet done.
    bytes: AtomicUsize,
    limit: usize,
    /// Whether requests are taken at all.
    enabled: bool,
    /// Requests left out because the thread was behind.
    pub(crate) dropped: AtomicU64,
    /// Rows among them.
    pub(crate) dropped_rows: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    notes: Vec<Note>,
    /// Somebody waits for an answer.
    urgent: bool,
    asleep: bool,
}

impl Inbox {
    pub(crate) fn new(limit: usize, enabled: bool) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            bytes: AtomicUsize::new(0),
            limit,
            enabled,
            dropped: AtomicU64::new(0),
            dropped_rows: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Returns whether the thread is so far behind that work which can be left out should be.
    pub(crate) fn behind(&self) -> bool {
        self.bytes() > self.limit / 2
    }

    /// Hands a note over. A request that finds the inbox full is counted and left out; a single one larger
    /// than the whole limit still passes an empty inbox.
    pub(crate) fn push(&self, note: Note) {
        if !self.enabled && matches!(note, Note::Asked(_)) {
            return;
        }
        let bytes = note.bytes();
        if let Note::Asked(asked) = &note {
            let before = self.bytes();
            if before > 0 && before.saturating_add(bytes) > self.limit {
                self.dropped.fetch_add(1, Relaxed);
                if let super::note::Outcome::Answered { answers, .. } = &asked.outcome {
                    self.dropped_rows.fetch_add(answers.rows as u64, Relaxed);
                }
                return;
            }
        }
        self.bytes.fetch_add(bytes, Relaxed);
        let mut state = self.lock();
        let urgent = !matches!(note, Note::Asked(_));
        state.urgent |= urgent;
        state.notes.push(note);
        if state.asleep {
            state.asleep = false;
            drop(state);
            self.wake.notify_one();
        } else if urgent {
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Waits for notes, then for `gather` longer unless somebody waits for an answer, and takes them all.
    pub(crate) fn take(&self, gather: Duration) -> Vec<Note> {
        let mut state = self.lock();
        while state.notes.is_empty() {
            state.asleep = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
        let until = Instant::now() + gather;
        while !state.urgent {
            let Some(rest) = until.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
            else {
                break;
            };
            state = self.wake.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.urgent = false;
        std::mem::take(&mut state.notes)
    }

    /// Says that the work of notes of this size is done.
    pub(crate) fn done(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn flush_ends_the_gathering() {
        let inbox = std::sync::Arc::new(Inbox::new(1_000, true));
        let pusher = inbox.clone();
        let thread = std::thread::spawn(move || pusher.push(Note::Flush(oneshot::channel().0)));
        let start = Instant::now();
        let notes = inbox.take(Duration::from_mins(1));
        thread.join().unwrap();
        assert_eq!(notes.len(), 1);
        assert!(start.elapsed() < Duration::from_secs(30));
        inbox.done(notes.iter().map(Note::bytes).sum());
        assert_eq!(inbox.bytes(), 0);
    }
}
