//! Which rows and features a tree sees: draws by counter, the same for any number of threads.

use yard_types::rng;

const STREAM_BAG: u64 = 1 << 32;
const STREAM_FEATURE: u64 = 2 << 32;

/// Whether a row is in the sample of a round: each is with probability `fraction`.
pub(crate) fn bag(fraction: f64, seed: u64, round: u32) -> impl Fn(usize) -> bool {
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
