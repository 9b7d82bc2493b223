//! Counts per bin and moments: the part of a sketch that is stored per window and merged.

use crate::error::MetricsError;
use serde::{Deserialize, Serialize};

/// Count, mean and spread of finite numbers.
///
/// Update: Welford, 1962, doi:10.1080/00401706.1962.10490022; merge: Chan, Golub and `LeVeque`, 1983,
/// doi:10.1080/00031305.1983.10483115.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Finite values.
    pub count: u64,
    /// Mean, 0 when empty.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub m2: f64,
    /// Smallest value, 0 when empty.
    pub min: f64,
    /// Largest value, 0 when empty.
    pub max: f64,
}

impl Moments {
    /// Adds a value; values that are not finite are ignored.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.count == 0 {
            *self = Self { count: 1, mean: value, m2: 0.0, min: value, max: value };
            return;
        }
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.m2 += delta * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds another summary.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        self.count += other.count;
        self.mean += delta * (m / (n + m));
        self.m2 += other.m2 + delta * delta * (n * m / (n + m));
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Returns the sample standard deviation (divisor n − 1); `None` below two values.
    pub fn sd(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.m2 / (self.count - 1) as f64).sqrt())
    }
}

/// Counts of one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SketchCounts {
    /// Values per bin (numbers) or per known category.
    pub bins: Vec<u64>,
    /// Missing values.
    #[serde(default)]
    pub missing: u64,
    /// Numbers below the reference's smallest value.
    #[serde(default)]
    pub below: u64,
    /// Numbers above the reference's largest value.
    #[serde(default)]
    pub above: u64,
    /// Categories that the reference doesn't know, and values of the wrong kind.
    #[serde(default)]
    pub unseen: u64,
    /// Moments of the numbers; empty for categories.
    #[serde(default)]
    pub moments: Moments,
}

impl SketchCounts {
    /// Makes empty counts for a number of bins.
    pub fn empty(bins: usize) -> Self {
        Self { bins: vec![0; bins], ..Self::default() }
    }

    /// Returns the number of rows counted.
    pub fn rows(&self) -> u64 {
        self.bins.iter().sum::<u64>() + self.missing + self.outside()
    }

    /// Returns the rows outside of the reference: below, above or unseen.
    pub fn outside(&self) -> u64 {
        self.below + self.above + self.unseen
    }

    /// Adds other counts of the same bins; errors when their number differs.
    pub fn merge(&mut self, other: &Self) -> Result<(), MetricsError> {
        if self.bins.len() != other.bins.len() {
            return Err(MetricsError::Bins {
                field: String::new(),
                expected: self.bins.len(),
                got: other.bins.len(),
            });
        }
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            *bin += more;
        }
        self.missing += other.missing;
        self.below += other.below;
        self.above += other.above;
        self.unseen += other.unseen;
        self.moments.merge(&other.moments);
        Ok(())
    }

    /// Sets everything to zero and keeps the memory.
    pub fn clear(&mut self) {
        self.bins.fill(0);
        (self.missing, self.below, self.above, self.unseen) = (0, 0, 0, 0);
        self.moments = Moments::default();
    }
}
