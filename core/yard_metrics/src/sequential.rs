//! Tests and intervals that hold at every moment, so that one may look after each request and stop when one
//! likes: whether a second stream fails more often than a first, and where the mean of bounded values lies.
//! Knows nothing of requests and versions.
//!
//! - Two rates: the safe test of two proportions in blocks (Turner, Ly and Grünwald, 2024, "Generic E-variables
//!   for exact sequential k-sample tests that allow for optional stopping", DOI 10.1016/j.jspi.2023.106116),
//!   with alternatives learned from the past. The evidence is an e-value: under "not more often" it exceeds 1/α
//!   at any time with probability of at most α (Ville, 1939).
//! - Mean: the predictable plug-in empirical Bernstein sequence of Waudby-Smith and Ramdas (2024, "Estimating means of
//!   bounded random variables by betting", DOI 10.1093/jrsssb/qkad009, theorem 2).

/// How fast the second expert forgets: about the last 50 requests count.
const MEMORY: f64 = 0.98;
/// Rate and weight, in requests, of what is believed before anything is seen.
const PRIOR: (f64, f64) = (0.1, 1.0);

/// A rate learned from the past.
#[derive(Clone, Copy, Debug, Default)]
struct Learned {
    failures: f64,
    count: f64,
}

impl Learned {
    fn push(&mut self, failures: f64, count: f64, memory: f64) {
        self.failures = self.failures * memory + failures;
        self.count = self.count * memory + count;
    }

    fn rate(self) -> f64 {
        (self.failures + PRIOR.0 * PRIOR.1) / (self.count + PRIOR.1)
    }
}

/// One way to learn the alternative, and the evidence that it has gathered.
#[derive(Clone, Copy, Debug)]
struct Expert {
    memory: f64,
    first: Learned,
    second: Learned,
    log_e: f64,
}

impl Expert {
    fn new(memory: f64) -> Self {
        Self { memory, first: Learned::default(), second: Learned::default(), log_e: 0.0 }
    }

    /// Multiplies the e-value of a block: `n` of the first stream with `k` failures, one of the second.
    fn block(&mut self, (n, k): (f64, f64), failed: bool) {
        let (a, b) = (self.first.rate(), self.second.rate());
        if b > a {
            let pooled = (n * a + b) / (n + 1.0);
            let own = if failed { (b / pooled).ln() } else { ((1.0 - b) / (1.0 - pooled)).ln() };
            self.log_e += k * (a / pooled).ln() + (n - k) * ((1.0 - a) / (1.0 - pooled)).ln() + own;
        }
        self.first.push(k, n, self.memory);
        self.second.push(f64::from(u8::from(failed)), 1.0, self.memory);
    }
}

/// Evidence that a second stream fails more often than a first. Cost: O(1) for each outcome.
#[derive(Clone, Copy, Debug)]
pub struct TwoRates {
    counts: [u64; 2],
    failures: [u64; 2],
    /// Outcomes of the first stream since the last of the second: count and failures.
    waiting: (f64, f64),
    experts: [Expert; 2],
}

impl Default for TwoRates {
    fn default() -> Self {
        Self {
            counts: [0; 2],
            failures: [0; 2],
            waiting: (0.0, 0.0),
            experts: [Expert::new(1.0), Expert::new(MEMORY)],
        }
    }
}

impl TwoRates {
    /// Counts an outcome. Which stream it belongs to must not depend on how it ends.
    pub fn push(&mut self, second: bool, failed: bool) {
        let stream = usize::from(second);
        self.counts[stream] += 1;
        self.failures[stream] += u64::from(failed);
        if !second {
            self.waiting.0 += 1.0;
            self.waiting.1 += f64::from(u8::from(failed));
            return;
        }
        for expert in &mut self.experts {
            expert.block(self.waiting, failed);
        }
        self.waiting = (0.0, 0.0);
    }

    /// Returns ln of the e-value: the mean of the experts'. It may be compared with ln(1/α) at any time.
    pub fn log_e(&self) -> f64 {
        let [a, b] = self.experts.map(|expert| expert.log_e);
        let high = a.max(b);
        high + f64::midpoint((a - high).exp(), (b - high).exp()).ln()
    }

    /// Returns outcomes of the first and the second stream.
    pub fn counts(&self) -> [u64; 2] {
        self.counts
    }

    /// Returns failures of the first and the second stream.
    pub fn failures(&self) -> [u64; 2] {
        self.failures
    }
}

/// An interval for the mean of values in 0..=1 that holds at all times together with probability 1 − α.
#[derive(Clone, Copy, Debug)]
pub struct BoundedMean {
    log_two_over_alpha: f64,
    count: f64,
    sum: f64,
    squares: f64,
    weights: f64,
    weighted: f64,
    penalty: f64,
    low: f64,
    high: f64,
}

impl BoundedMean {
    /// Starts with the interval 0..=1; `alpha` is the probability that it ever misses the mean.
    pub fn new(alpha: f64) -> Self {
        Self {
            log_two_over_alpha: (2.0 / alpha.clamp(1e-12, 1.0)).ln(),
            count: 0.0,
            sum: 0.0,
            squares: 0.0,
            weights: 0.0,
            weighted: 0.0,
            penalty: 0.0,
            low: 0.0,
            high: 1.0,
        }
    }

    /// Adds a value; one outside 0..=1 counts as the nearer end, NaN not at all.
    pub fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let x = value.clamp(0.0, 1.0);
        let mean_before = (0.5 + self.sum) / (self.count + 1.0);
        let variance_before = (0.25 + self.squares) / (self.count + 1.0);
        self.count += 1.0;
        let t = self.count;
        let bet = (2.0 * self.log_two_over_alpha / (variance_before * t * (1.0 + t).ln())).sqrt().min(0.5);
        self.weights += bet;
        self.weighted += bet * x;
        let psi = (-(1.0 - bet).ln() - bet) / 4.0;
        self.penalty += 4.0 * (x - mean_before).powi(2) * psi;
        self.sum += x;
        self.squares += (x - (0.5 + self.sum) / (t + 1.0)).powi(2);
        let (centre, radius) =
            (self.weighted / self.weights, (self.log_two_over_alpha + self.penalty) / self.weights);
        self.low = self.low.max(centre - radius);
        self.high = self.high.min(centre + radius);
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.count as u64
    }

    /// Returns the mean of the values; `None` before the first.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// Returns the bounds of the mean: the narrowest so far.
    pub fn bounds(&self) -> (f64, f64) {
        (self.low, self.high)
    }
}

#[cfg(test)]
#[path = "sequential_tests.rs"]
mod tests;
