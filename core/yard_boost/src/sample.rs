//! Which rows and features a tree sees: draws by counter, the same for any number of threads.

use yard_types::rng;

const STREAM_BAG: u64 = 1 << 32;
const STREAM_FEATURE: u64 = 2 << 32;

/// Rows of a round: all (`None`), or each with probability `fraction`, ascending.
pub(crate) fn bag(rows: usize, fraction: f64, seed: u64, round: u32) -> Option<Vec<u32>> {
    if fraction >= 1.0 {
        return None;
    }
    let all = 0..rows as u32;
    let stream = STREAM_BAG + u64::from(round);
    let drawn: Vec<u32> = all.filter(|&row| rng::uniform(seed, stream, u64::from(row)) < fraction).collect();
    if drawn.is_empty() { None } else { Some(drawn) }
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
        let rows = bag(100_000, 0.3, 1, 5).unwrap_or_default();
        assert!(rows.len().abs_diff(30_000) < 600, "{}", rows.len());
        assert_ne!(Some(rows), bag(100_000, 0.3, 1, 6));
        assert_eq!(bag(10, 1.0, 1, 5), None);
        let some = features(28, 0.5, 1, 3);
        assert_eq!(some.len(), 14);
        assert!(some.windows(2).all(|pair| pair[0] < pair[1]));
        assert_ne!(some, features(28, 0.5, 1, 4));
        assert_eq!(features(28, 0.001, 1, 4).len(), 1);
        assert_eq!(features(3, 1.0, 0, 0), [0, 1, 2]);
    }
}
