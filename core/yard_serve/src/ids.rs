//! Request ids: 32 hexadecimal digits that grow with time, so that the log's index grows at its end alone:
//! 12 of milliseconds, 8 of a counter, 12 random for each start of the server.

use crate::error::ServeError;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Makes request ids.
#[derive(Debug)]
pub(crate) struct Ids {
    counter: AtomicU32,
    random: u64,
}

impl Ids {
    pub(crate) fn new() -> Result<Self, ServeError> {
        let mut bytes = [0_u8; 8];
        getrandom::fill(&mut bytes).map_err(|error| ServeError::Random { cause: error.to_string() })?;
        Ok(Self { counter: AtomicU32::new(0), random: u64::from_le_bytes(bytes) & 0xffff_ffff_ffff })
    }

    /// Returns the next id.
    pub(crate) fn next(&self, now_us: i64) -> String {
        let millis = (now_us / 1_000) as u64 & 0xffff_ffff_ffff;
        let count = self.counter.fetch_add(1, Relaxed);
        let value = u128::from(millis) << 80 | u128::from(count) << 48 | u128::from(self.random);
        let mut out = String::with_capacity(32);
        for shift in (0..32).rev() {
            let digit = (value >> (shift * 4)) as u32 & 15;
            out.push(char::from_digit(digit, 16).unwrap_or('0'));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_distinct_and_grow() {
        let ids = Ids::new().unwrap();
        let made: Vec<String> = (0..1_000).map(|step| ids.next(1_700_000_000_000_000 + step * 10)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.len() == 32));
    }
}
