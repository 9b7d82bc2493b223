//! Which rows and features a tree sees: draws by counter, the same for any number of threads.

use crate::params::Goss;
use yard_types::rng;

const STREAM_BAG: u64 = 1 << 32;
const STREAM_FEATURE: u64 = 2 << 32;

/// Rows that the trees of a round are grown on.
#[derive(Debug)]
pub(crate) enum Sample {
    /// All.
    All,
    /// Each with probability `fraction`.
    Bag {
        /// Share of the rows.
        fraction: f64,
        /// Seed.
        seed: u64,
        /// Round, from 0.
        round: u32,
    },
    /// By gradient.
    Goss {
        /// What a row's gradient and hessian are multiplied by; 0 leaves it out.
        factors: Vec<f32>,
        /// Factor of the rows that were drawn.
        amplified: f64,
    },
}

impl Sample {
    /// Factors on gradients and hessians, where rows have them.
    pub(crate) fn factors(&self) -> Option<&[f32]> {
        match self {
            Self::Goss { factors, .. } => Some(factors),
            _ => None,
        }
    }

    /// Largest factor.
    pub(crate) fn largest_factor(&self) -> f64 {
        match self {
            Self::Goss { amplified, .. } => amplified.max(1.0),
            _ => 1.0,
        }
    }

    /// Factor of a row in the sample.
    pub(crate) fn factor(&self, row: usize) -> f64 {
        self.factors().map_or(1.0, |factors| f64::from(factors[row]))
    }

    /// Whether a row is in the sample.
    pub(crate) fn has(&self, row: usize) -> bool {
        match self {
            Self::All => true,
            Self::Bag { fraction, seed, round } => bag(*fraction, *seed, *round)(row),
            Self::Goss { factors, .. } => factors[row] > 0.0,
        }
    }

    /// Keeps the rows that say most (ties by row number) and draws others, which then count for all.
    pub(crate) fn goss(goss: Goss, importance: &[f32], seed: u64, round: u32) -> Self {
        let rows = importance.len();
        let keep = ((rows as f64 * goss.top).ceil() as usize).clamp(1, rows);
        let mut order = importance.to_vec();
        let (_, &mut least, _) = order.select_nth_unstable_by(keep - 1, |a, b| b.total_cmp(a));
        let above = importance.iter().filter(|value| value.total_cmp(&least).is_gt()).count();
        let mut ties = keep - above;
        let amplified = (1.0 - goss.top) / goss.other;
        let drawn = bag((goss.other / (1.0 - goss.top)).min(1.0), seed, round);
        let factor = |(row, value): (usize, &f32)| {
            let order = value.total_cmp(&least);
            if order.is_eq() && ties > 0 {
                ties -= 1;
                return 1.0;
            }
            if order.is_gt() { 1.0 } else { f32::from(u8::from(drawn(row))) * amplified as f32 }
        };
        Self::Goss { factors: importance.iter().enumerate().map(factor).collect(), amplified }
    }
}

/// Whether a row is in the sample of a round: each is with probability `fraction`.
fn bag(fraction: f64, seed: u64, round: u32) -> impl Fn(usize) -> bool {
    let stream = STREAM_BAG + u64::from(round);
    move |row| rng::uniform(seed, stream, row as u64) < fraction
}

/// `⌈fraction × features⌉` different features for a draw, ascending.
pub(crate) fn features(count: usize, fraction: f64, seed: u64, draw: u64) -> Vec<u32> {
    let take = ((count as f64 * fraction).ceil() as usize).clamp(1, count);
    let mut order: Vec<u32> = (0..count as u32).collect();
    if take < count {
        let key = |&feature: &u32| {
            (rng::bits(seed, STREAM_FEATURE, draw * count as u64 + u64::from(feature)), feature)
        };
        order.sort_by_cached_key(key);
        order.truncate(take);
        order.sort_unstable();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_sampling_keeps_the_largest_and_weighs_the_others_up() {
        let importance: Vec<f32> = (0..50_000).map(|row| ((row * 7919) % 1000) as f32).collect();
        let sample = Sample::goss(Goss { top: 0.2, other: 0.1 }, &importance, 3, 0);
        let factors = sample.factors().unwrap_or_default();
        assert_eq!(factors.iter().filter(|&&f| f == 1.0).count(), 10_000);
        assert!((0..50_000).all(|row| importance[row] < 800.0 || factors[row] == 1.0));
        let total: f32 = factors.iter().sum();
        assert!((total / 50_000.0 - 1.0).abs() < 0.03, "{total}");
        let equal = Sample::goss(Goss { top: 0.5, other: 0.5 }, &[1.0; 10], 3, 0);
        assert_eq!(equal.factors().unwrap_or_default(), [1.0; 10]);
    }

    #[test]
    fn shares_are_as_asked_and_draws_differ() {
        let draw = |round| (0..100_000).filter(|&row| bag(0.3, 1, round)(row)).collect::<Vec<_>>();
        assert!(draw(5).len().abs_diff(30_000) < 600, "{}", draw(5).len());
        assert_ne!(draw(5), draw(6));
        let some = features(28, 0.5, 1, 3);
        assert_eq!(some.len(), 14);
        assert!(some.windows(2).all(|pair| pair[0] < pair[1]));
        assert_ne!(some, features(28, 0.5, 1, 4));
        assert_eq!(features(28, 0.001, 1, 4).len(), 1);
        assert_eq!(features(3, 1.0, 0, 0), [0, 1, 2]);
    }
}
