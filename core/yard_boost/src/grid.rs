//! The grid of leaf values: multiples of a power of two, so fine that accuracy does not change and so
//! coarse that every partial sum of a model is exact in f32, in any order.
//!
//! With `B = |base| + Σ over trees of max |leaf|` and a step `g` of at least `2^(⌈log2 B⌉ − 24)`, every
//! partial sum is a whole multiple of `g` of at most `2^24 g`, and f32 holds all of those.

/// Bits of an f32's significand.
const BITS: i32 = 24;

/// A grid of multiples of a power of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    step: f64,
}

impl Grid {
    /// The finest grid on which sums up to `bound` are exact.
    pub(crate) fn for_bound(bound: f64) -> Self {
        // 2^-100 keeps the step of an all-zero model a normal f32.
        let bound = if bound.is_finite() {
            bound.max(f64::from_bits((1023 - 76) << 52))
        } else {
            f64::from(f32::MAX)
        };
        let bits = bound.to_bits();
        let log = (bits >> 52) as i32 - 1023 + i32::from(bits << 12 != 0);
        Self { step: f64::from_bits(((log - BITS + 1023) as u64) << 52) }
    }

    /// The step.
    pub(crate) fn step(self) -> f32 {
        self.step as f32
    }

    /// Rounds to the grid, ties to even; values beyond f32's range become the nearest multiple inside.
    pub(crate) fn round(self, value: f64) -> f32 {
        let limit = self.step * f64::from(1 << BITS);
        ((value / self.step).round_ties_even() * self.step).clamp(-limit, limit) as f32
    }

    /// Whether all sums up to `bound` are exact.
    pub(crate) fn holds(self, bound: f64) -> bool {
        bound <= self.step * f64::from(1 << BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yard_types::rng;

    #[test]
    fn the_step_follows_the_bound() {
        assert_eq!(Grid::for_bound(1.0).step(), 2.0_f32.powi(-24));
        assert_eq!(Grid::for_bound(1.1).step(), 2.0_f32.powi(-23));
        assert_eq!(Grid::for_bound(64.0).step(), 2.0_f32.powi(-18));
        assert!(Grid::for_bound(0.0).step().is_normal());
        assert!(Grid::for_bound(f64::INFINITY).step().is_finite());
        assert!(Grid::for_bound(64.0).holds(64.0) && !Grid::for_bound(64.0).holds(64.1));
    }

    #[test]
    fn sums_on_the_grid_are_exact_in_any_order() {
        let draws: Vec<f64> = (0..500).map(|i| rng::uniform(5, 0, i) - 0.5).collect();
        let bound: f64 = draws.iter().map(|v| v.abs() + 1e-3).sum();
        let grid = Grid::for_bound(bound);
        let mut values: Vec<f32> = draws.iter().map(|&v| grid.round(v)).collect();
        for (value, draw) in values.iter().zip(&draws) {
            assert!((f64::from(*value) - draw).abs() <= grid.step / 2.0);
        }
        let exact: f64 = values.iter().map(|&v| f64::from(v)).sum();
        for seed in 0..20 {
            rng::Rng::new(seed, 1).shuffle(&mut values);
            let mut sum = 0.0_f32;
            for value in &values {
                sum += value;
            }
            assert_eq!(f64::from(sum), exact);
        }
    }
}
