//! Sums with one fixed order: blocks of 4,096 values from the first to the last, then the block sums
//! pairwise. Threads that take whole blocks get the same bits as one thread.
//!
//! Method: pairwise summation (Higham, 1993, "The accuracy of floating point summation",
//! doi:10.1137/0914050); the error grows with the block length and the logarithm of the number of blocks.

/// Values per block.
pub const BLOCK: usize = 4096;

/// Returns the sum of a slice by halves, down to single values; 0 for an empty slice.
pub fn pairwise(values: &[f64]) -> f64 {
    match values {
        [] => 0.0,
        [one] => *one,
        _ => {
            let (left, right) = values.split_at(values.len() / 2);
            pairwise(left) + pairwise(right)
        }
    }
}

/// Returns the sum of `value(0) .. value(n - 1)`.
pub fn sum_by(n: usize, value: impl Fn(usize) -> f64) -> f64 {
    let block = |start: usize| (start..n.min(start + BLOCK)).fold(0.0, |total, index| total + value(index));
    if n <= BLOCK {
        return block(0);
    }
    let blocks: Vec<f64> = (0..n).step_by(BLOCK).map(block).collect();
    pairwise(&blocks)
}

/// Returns the sum of a slice.
pub fn sum(values: &[f64]) -> f64 {
    sum_by(values.len(), |index| values[index])
}

/// Returns the mean of a slice; `None` when it is empty.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| sum(values) / values.len() as f64)
}

/// Returns the sum of `values[i] * weights[i]` over the shorter of both.
pub fn dot(values: &[f64], weights: &[f64]) -> f64 {
    sum_by(values.len().min(weights.len()), |index| values[index] * weights[index])
}

/// A sum that is fed value by value, with the same blocks as [`sum`].
#[derive(Clone, Debug, Default)]
pub struct Accumulator {
    block: f64,
    in_block: usize,
    blocks: Vec<f64>,
}

impl Accumulator {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        if self.in_block == BLOCK {
            self.blocks.push(self.block);
            self.block = 0.0;
            self.in_block = 0;
        }
        self.block += value;
        self.in_block += 1;
    }

    /// Returns the sum so far.
    pub fn total(&self) -> f64 {
        if self.blocks.is_empty() {
            return self.block;
        }
        let mut blocks = self.blocks.clone();
        blocks.push(self.block);
        pairwise(&blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accumulator_and_slice_give_the_same_bits() {
        for n in [0, 1, 5, BLOCK, BLOCK + 1, 3 * BLOCK, 50_001] {
            let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37).sin() / 3.0).collect();
            let mut accumulator = Accumulator::default();
            for value in &values {
                accumulator.push(*value);
            }
            assert_eq!(sum(&values).to_bits(), accumulator.total().to_bits(), "n = {n}");
        }
    }

    #[test]
    fn blocks_summed_apart_give_the_same_bits() {
        let values: Vec<f64> = (0..20_000).map(|i| 1.0 / f64::from(i + 1)).collect();
        let blocks: Vec<f64> = values.chunks(BLOCK).map(|chunk| chunk.iter().sum()).collect();
        assert_eq!(sum(&values).to_bits(), pairwise(&blocks).to_bits());
    }

    #[test]
    fn a_million_tenths_are_exact_to_eleven_digits() {
        let values = vec![0.1; 1_000_000];
        assert!((sum(&values) - 100_000.0).abs() < 1e-7);
        assert_eq!(mean(&[]), None);
    }
}
