//! Histogram of response times on a logarithmic scale.
//!
//! Buckets grow by 4 %, so that a percentile is within 2 % of a value that occurred (the idea of Masson,
//! Rim and Lee, 2019, `DDSketch`, doi:10.14778/3352063.3352135). From 1 µs to about 20 minutes; shorter
//! and longer times count in the first and last bucket.

use serde::{Deserialize, Serialize};

const GROWTH: f64 = 1.04;
const BUCKETS: usize = 532;

/// Response times of a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct LatencyHistogram {
    buckets: Vec<u64>,
    total: u64,
}

/// Stored form: (bucket, count) of the buckets in use.
#[derive(Serialize, Deserialize)]
struct Stored {
    buckets: Vec<(u32, u64)>,
}

impl From<Stored> for LatencyHistogram {
    fn from(stored: Stored) -> Self {
        let mut histogram = Self::default();
        for (bucket, count) in stored.buckets {
            histogram.add((bucket as usize).min(BUCKETS - 1), count);
        }
        histogram
    }
}

impl From<LatencyHistogram> for Stored {
    fn from(histogram: LatencyHistogram) -> Self {
        let used = histogram.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        Self { buckets: used.map(|(bucket, count)| (bucket as u32, *count)).collect() }
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], total: 0 }
    }
}

impl LatencyHistogram {
    fn add(&mut self, bucket: usize, count: u64) {
        if let Some(slot) = self.buckets.get_mut(bucket) {
            *slot = slot.saturating_add(count);
            self.total = self.total.saturating_add(count);
        }
    }

    /// Counts one response time in microseconds; NaN and negative values count as the shortest.
    pub fn push_us(&mut self, us: f64) {
        let bucket = if us > 1.0 { (us.ln() / GROWTH.ln()) as usize } else { 0 };
        self.add(bucket.min(BUCKETS - 1), 1);
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.buckets.iter().enumerate() {
            self.add(bucket, *count);
        }
    }

    /// Returns the number of response times.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Returns the percentile `q` (0..=1) in milliseconds, within 2 % of the time of that rank; 0 when
    /// empty.
    pub fn percentile_ms(&self, q: f64) -> f64 {
        let rank = ((q.clamp(0.0, 1.0) * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return GROWTH.powf(bucket as f64 + 0.5) / 1_000.0;
            }
        }
        0.0
    }

    /// Returns the 50th, 95th and 99th percentile in milliseconds.
    pub fn p50_p95_p99_ms(&self) -> (f64, f64, f64) {
        (self.percentile_ms(0.5), self.percentile_ms(0.95), self.percentile_ms(0.99))
    }

    /// Sets everything to zero and keeps the memory.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        self.total = 0;
    }
}
