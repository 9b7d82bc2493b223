//! Counter-based random numbers: a draw depends on (seed, stream, index) alone, so that any thread
//! can compute any row's draw.
//! Method: the `SplitMix64` finaliser (Steele, Lea and Flood, 2014, doi:10.1145/2714064.2660195) over the
//! three counters.

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns 64 random bits for a counter.
pub fn bits(seed: u64, stream: u64, index: u64) -> u64 {
    let golden = 0x9e37_79b9_7f4a_7c15_u64;
    let a = mix(seed.wrapping_add(golden));
    let b = mix(a ^ stream.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(golden));
    mix(b ^ index.wrapping_mul(golden).wrapping_add(golden))
}

/// Returns a uniform draw in `[0, 1)` with 53 bits.
pub fn uniform(seed: u64, stream: u64, index: u64) -> f64 {
    (bits(seed, stream, index) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// Returns a uniform integer in `0..n` (0 when `n` is 0); bias below 2^-32 for `n` under 2^32.
pub fn below(seed: u64, stream: u64, index: u64, n: u64) -> u64 {
    ((u128::from(bits(seed, stream, index)) * u128::from(n)) >> 64) as u64
}

/// A sequence of draws of one stream.
#[derive(Clone, Debug)]
pub struct Rng {
    seed: u64,
    stream: u64,
    index: u64,
}

impl Rng {
    /// Starts at index 0.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream, index: 0 }
    }

    /// Draws 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.index += 1;
        bits(self.seed, self.stream, self.index)
    }

    /// Draws from `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.index += 1;
        uniform(self.seed, self.stream, self.index)
    }

    /// Draws an integer from `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.index += 1;
        below(self.seed, self.stream, self.index, n)
    }

    /// Draws from the standard normal distribution (Box and Muller, 1958, doi:10.1214/aoms/1177706645).
    /// Uses the platform's logarithm and cosine: not for anything that a model hash depends on
    /// across platforms.
    pub fn normal(&mut self) -> f64 {
        let u = 1.0 - self.uniform();
        let v = self.uniform();
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            values.swap(last, other);
        }
    }
}
