//! The engine's only source of wall-clock time, so that tests and replays can fix it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

/// Tells the time. Every timestamp in a project comes from here.
pub trait Clock: Send + Sync {
    /// Returns the time as RFC 3339 in UTC with microseconds.
    fn now(&self) -> String;
    /// Returns seconds since an arbitrary fixed point, never going back (for durations).
    fn elapsed_secs(&self) -> f64;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> String {
        yard_types::date::format_iso(jiff::Timestamp::now().as_microsecond())
    }

    fn elapsed_secs(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

/// A clock that advances by a fixed step each time it is read; for tests.
#[derive(Debug)]
pub struct StepClock {
    micros: AtomicI64,
    step: i64,
}

impl StepClock {
    /// Starts at `micros` since 1970 and advances by `step_micros` a reading.
    pub fn new(micros: i64, step_micros: i64) -> Self {
        Self { micros: AtomicI64::new(micros), step: step_micros }
    }
}

impl Clock for StepClock {
    fn now(&self) -> String {
        yard_types::date::format_iso(self.micros.fetch_add(self.step, Ordering::Relaxed))
    }

    fn elapsed_secs(&self) -> f64 {
        self.micros.load(Ordering::Relaxed) as f64 * 1e-6
    }
}
