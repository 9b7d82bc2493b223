//! How many threads a round gets: all of them, or one while other programs keep the processor busy.
//!
//! A round has many short parallel stretches, each as slow as its slowest thread. Where another program
//! takes a core, all threads but one wait most of the time, and one thread alone is faster. The measure is
//! processor time per wall time of the rounds just done. Nothing but time depends on the choice: a round
//! gives the same bits for any number of threads.

use crate::{error::BoostError, train::workers};
use rayon::ThreadPool;
use std::time::Instant;

/// Processor time per wall time below which one thread alone is at least as fast: the parallel way costs
/// about a sixth more in all.
const WORTH: f64 = 1.15;
/// Shortest stretch that is judged, in nanoseconds.
const STRETCH: u64 = 20_000_000;
/// Rounds with one thread before all are tried again: at first, and at most.
const ALONE: (u32, u32) = (8, 64);

/// The thread pools of a training and what was seen of them.
pub(crate) struct Pace {
    all: ThreadPool,
    one: Option<ThreadPool>,
    /// Rounds still to do with one thread.
    alone: u32,
    next_alone: u32,
    since: Option<(Instant, u64)>,
}

impl Pace {
    /// Starts the threads.
    pub(crate) fn new(threads: usize) -> Result<Self, BoostError> {
        let one = if threads > 1 { Some(workers(1)?) } else { None };
        Ok(Self { all: workers(threads)?, one, alone: 0, next_alone: ALONE.0, since: None })
    }

    /// The pool of the next stretch of work.
    pub(crate) fn pool(&self) -> &ThreadPool {
        self.one.as_ref().filter(|_| self.alone > 0).unwrap_or(&self.all)
    }

    /// All threads.
    pub(crate) fn all(&self) -> &ThreadPool {
        &self.all
    }

    /// Looks at the round just done.
    pub(crate) fn round_done(&mut self) {
        if self.one.is_none() {
            return;
        }
        if self.alone > 0 {
            self.alone -= 1;
            self.since = None;
            return;
        }
        let Some(used) = self.used() else { return };
        let Some((start, before)) = self.since else {
            self.since = Some((Instant::now(), used));
            return;
        };
        let wall = start.elapsed().as_nanos() as u64;
        if wall < STRETCH {
            return;
        }
        self.since = Some((Instant::now(), used));
        self.judge(used.saturating_sub(before) as f64 / wall as f64);
    }

    fn judge(&mut self, parallel: f64) {
        if parallel < WORTH {
            self.alone = self.next_alone;
            self.next_alone = (self.next_alone * 2).min(ALONE.1);
        } else {
            self.next_alone = ALONE.0;
        }
    }

    /// Processor time of all threads so far in nanoseconds, where the system tells.
    fn used(&self) -> Option<u64> {
        self.all.broadcast(|_| thread_time()).into_iter().sum()
    }
}

/// Processor time of this thread in nanoseconds: the first number of the kernel's `schedstat`.
#[cfg(target_os = "linux")]
fn thread_time() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Not told on this system: all threads are used all the time.
#[cfg(not(target_os = "linux"))]
fn thread_time() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_crowded_processor_gets_one_thread_for_a_while() {
        let mut pace = Pace::new(3).unwrap();
        assert_eq!(pace.pool().current_num_threads(), 3);
        pace.judge(2.9);
        assert_eq!(pace.pool().current_num_threads(), 3);
        for rounds in [8, 16, 32, 64, 64] {
            pace.judge(0.9);
            for _ in 0..rounds {
                assert_eq!(pace.pool().current_num_threads(), 1);
                pace.round_done();
            }
            assert_eq!(pace.pool().current_num_threads(), 3);
        }
        pace.judge(2.0);
        pace.judge(1.0);
        assert_eq!(pace.alone, 8);
    }

    #[test]
    fn one_thread_is_never_measured() {
        let mut pace = Pace::new(1).unwrap();
        pace.round_done();
        assert!(pace.since.is_none() && pace.alone == 0);
    }
}
