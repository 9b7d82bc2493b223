//! The queue of notices from the engine to the window or the command line.
//!
//! Bounded where it matters: progress of a job replaces its unread predecessor, and when more than
//! [`CAPACITY`] notices wait, the oldest curve points go first (the whole curve is in the event that
//! ends the run). Commits and the beginnings and ends of jobs are never dropped. The reader is woken
//! once per unread batch.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use yard_types::event::Notice;

/// Notices kept unread before curve points are dropped.
pub const CAPACITY: usize = 4096;

/// Called when the first notice of an unread batch arrives.
pub type Notify = Arc<dyn Fn() + Send + Sync>;

/// The queue.
pub struct Notices {
    queue: Mutex<VecDeque<Notice>>,
    arrived: Condvar,
    notify: Notify,
}

impl Notices {
    /// Makes an empty queue.
    pub fn new(notify: Notify) -> Self {
        Self { queue: Mutex::new(VecDeque::new()), arrived: Condvar::new(), notify }
    }

    /// Adds a notice.
    pub fn push(&self, notice: Notice) {
        let mut queue = self.guard();
        let first = queue.is_empty();
        if let Notice::JobProgress { job, .. } = &notice {
            let old = queue
                .iter()
                .rposition(|own| matches!(own, Notice::JobProgress { job: other, .. } if other == job));
            if let Some(index) = old {
                queue.remove(index);
            }
        }
        if queue.len() >= CAPACITY
            && let Some(index) = queue.iter().position(|own| matches!(own, Notice::TrainingPoint { .. }))
        {
            queue.remove(index);
        }
        queue.push_back(notice);
        drop(queue);
        self.arrived.notify_all();
        if first {
            (self.notify)();
        }
    }

    /// Takes at most `most` notices, oldest first.
    pub fn drain(&self, most: usize) -> Vec<Notice> {
        let mut queue = self.guard();
        let count = most.min(queue.len());
        let taken = queue.drain(..count).collect();
        let left = !queue.is_empty();
        drop(queue);
        if left {
            // The reader took a bounded part: it must come again.
            (self.notify)();
        }
        taken
    }

    /// Waits until a notice is there or the time is over, then takes all.
    pub fn wait(&self, most: Duration) -> Vec<Notice> {
        let queue = self.guard();
        let (mut queue, _) = self
            .arrived
            .wait_timeout_while(queue, most, |queue| queue.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        queue.drain(..).collect()
    }

    fn guard(&self) -> MutexGuard<'_, VecDeque<Notice>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use yard_types::{
        event::Progress,
        ids::{JobId, RunId},
        run::TrainPoint,
    };

    fn progress(job: u64, done: u64) -> Notice {
        let progress = Progress { phase: "rows".into(), done, total: None, unit: "rows".into() };
        Notice::JobProgress { job: JobId(job), progress, elapsed_secs: 0.0, left_secs: None }
    }

    #[test]
    fn progress_is_coalesced_per_job_and_the_reader_is_woken_once_a_batch() {
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        let notices = Notices::new(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        for done in 0..1000 {
            notices.push(progress(1, done));
            notices.push(progress(2, done));
        }
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(notices.drain(100), vec![progress(1, 999), progress(2, 999)]);
        notices.push(progress(1, 0));
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_flood_of_curve_points_drops_the_oldest_points_only() {
        let notices = Notices::new(Arc::new(|| {}));
        notices.push(Notice::JobStarted { job: JobId(1) });
        for step in 0..10_000 {
            let point = TrainPoint { step, train_loss: 0.0, validation_loss: None, validation_metric: None };
            notices.push(Notice::TrainingPoint { run: RunId(1), point });
        }
        let all = notices.drain(usize::MAX);
        assert_eq!(all.len(), CAPACITY);
        assert_eq!(all[0], Notice::JobStarted { job: JobId(1) });
        let last = all
            .last()
            .map(|notice| matches!(notice, Notice::TrainingPoint { point, .. } if point.step == 9_999));
        assert_eq!(last, Some(true));
    }
}
