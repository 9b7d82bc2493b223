//! Counts and latencies of a version, written by many threads without a lock.
//!
//! Latencies go to bins whose width is a sixteenth of the power of two below (at most 6.25 % wide), from
//! 1 ns to about 18 minutes, as in an HDR histogram (Tene, 2012).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;
const OCTAVES: usize = 36;
/// Number of bins.
const BINS: usize = SUB * (OCTAVES + 1);

/// Returns the bin of a latency.
fn bin(nanos: u64) -> usize {
    if nanos < SUB as u64 {
        return nanos as usize;
    }
    let octave = nanos.ilog2() - SUB_BITS;
    let sub = (nanos >> octave) as usize - SUB;
    ((octave as usize + 1) * SUB + sub).min(BINS - 1)
}

/// Returns the upper bound of a bin in nanoseconds, itself in the next bin.
pub(crate) fn upper(bin: usize) -> u64 {
    let (octave, sub) = (bin / SUB, (bin % SUB) as u64);
    if octave == 0 { sub + 1 } else { (SUB as u64 + sub + 1) << (octave - 1) }
}

/// Counts of [`SharedLatencies`] at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    bins: Vec<u64>,
}

impl Latencies {
    /// Returns the non-empty bins with their counts, ascending.
    pub(crate) fn nonzero(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.bins.iter().enumerate().filter(|(_, count)| **count > 0).map(|(bin, count)| (bin, *count))
    }

    /// Returns how many were counted.
    pub(crate) fn count(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// Returns how many lie in bins up to the one that holds `nanos`: those of at most `nanos`, and those
    /// up to a sixteenth above.
    pub(crate) fn at_most(&self, nanos: u64) -> u64 {
        self.bins.iter().take(bin(nanos) + 1).sum()
    }

    /// Returns the upper bound of the bin that holds the quantile, milliseconds; 0 when empty.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        let total = self.count();
        let rank = ((quantile * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        for (bin, count) in self.nonzero() {
            seen += count;
            if seen >= rank {
                return upper(bin) as f64 / 1e6;
            }
        }
        0.0
    }
}

/// Latencies counted by many threads.
#[derive(Debug)]
pub(crate) struct SharedLatencies {
    bins: Box<[AtomicU64]>,
    sum_nanos: AtomicU64,
}

impl Default for SharedLatencies {
    fn default() -> Self {
        Self { bins: (0..BINS).map(|_| AtomicU64::new(0)).collect(), sum_nanos: AtomicU64::new(0) }
    }
}

impl SharedLatencies {
    /// Counts a latency.
    pub(crate) fn add(&self, nanos: u64) {
        if let Some(slot) = self.bins.get(bin(nanos)) {
            slot.fetch_add(1, Relaxed);
        }
        self.sum_nanos.fetch_add(nanos, Relaxed);
    }

    /// Returns the counts at this moment.
    pub(crate) fn snapshot(&self) -> Latencies {
        Latencies { bins: self.bins.iter().map(|slot| slot.load(Relaxed)).collect() }
    }

    /// Returns the sum in nanoseconds.
    pub(crate) fn sum_nanos(&self) -> u64 {
        self.sum_nanos.load(Relaxed)
    }

    /// Returns the sum in seconds.
    pub(crate) fn sum_secs(&self) -> f64 {
        self.sum_nanos() as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_contiguous_and_at_most_a_sixteenth_wide() {
        for index in 0..BINS - 1 {
            assert_eq!(bin(upper(index) - 1), index, "last of bin {index}");
            assert_eq!(bin(upper(index)), index + 1, "first after bin {index}");
        }
        for nanos in [17, 1_000, 123_456, 9_999_999, 5_000_000_000] {
            let high = upper(bin(nanos));
            assert!(high > nanos && (high - nanos) as f64 <= nanos as f64 / 16.0 + 1.0, "{nanos}: {high}");
        }
        assert_eq!(bin(u64::MAX), BINS - 1);
    }

    #[test]
    fn quantiles_of_a_known_sample() {
        let shared = SharedLatencies::default();
        for micros in 1..=1_000_u64 {
            shared.add(micros * 1_000);
        }
        let latencies = shared.snapshot();
        assert_eq!(latencies.count(), 1_000);
        for (quantile, expected) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99), (1.0, 1.0)] {
            let got = latencies.quantile_ms(quantile);
            assert!((expected..=expected * 1.0626).contains(&got), "{quantile}: {got}");
        }
        assert_eq!(Latencies::default().quantile_ms(0.5), 0.0);
        assert!((shared.sum_secs() - 0.5005).abs() < 1e-9);
    }
}
