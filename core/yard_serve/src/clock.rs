//! Time as the server reads it, so that tests set it. Durations are measured by the monotonic clock of
//! the standard library; this is only for the times that are written down.

/// Wall clock.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the server reads the wall clock")]
    fn now_micros(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
    }
}
