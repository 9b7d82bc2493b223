//! Distances between shares per bin.
//!
//! Population stability index: Siddiqi, 2006, "Credit risk scorecards", and for its null distribution
//! Yurdakul and Naranjo, 2020, "Statistical properties of the population stability index",
//! doi:10.21314/JRMV.2020.227. Jensen-Shannon distance: Lin, 1991, doi:10.1109/18.61115, here with
//! logarithm base 2 so that it lies in 0..=1.

use crate::special::{chi2_quantile, chi2_sf};

/// Share that stands for an empty bin in the population stability index.
pub const EMPTY_SHARE: f64 = 1e-4;

/// Returns counts as shares of their sum; `None` when the sum is 0.
pub fn shares(counts: &[f64]) -> Option<Vec<f64>> {
    let total = crate::sum::sum(counts);
    (total > 0.0).then(|| counts.iter().map(|count| count / total).collect())
}

fn pairs<'a>(p: &'a [f64], q: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    p.iter().copied().zip(q.iter().copied())
}

/// Returns `Σ (q − p) ln(q / p)` over bins, empty bins counted as [`EMPTY_SHARE`]. `p` holds the
/// reference's shares, `q` the current ones, both the same number of bins.
pub fn psi(p: &[f64], q: &[f64]) -> f64 {
    let fill = |share: f64| if share > 0.0 { share } else { EMPTY_SHARE };
    pairs(p, q)
        .filter(|(p, q)| *p > 0.0 || *q > 0.0)
        .map(|(p, q)| (fill(p), fill(q)))
        .map(|(p, q)| (q - p) * (q / p).ln())
        .sum()
}

/// Returns the alarm threshold of the population stability index for `n` reference and `m` current rows
/// in `bins` bins: `max(0.1, (1/n + 1/m) χ²_{bins−1, 0.99})`. Infinite when a side is empty.
pub fn psi_threshold(n: u64, m: u64, bins: usize) -> f64 {
    let df = bins.saturating_sub(1) as f64;
    let noise = (1.0 / n as f64 + 1.0 / m as f64) * chi2_quantile(0.99, df);
    if n == 0 || m == 0 { f64::INFINITY } else { noise.max(0.1) }
}

/// Returns the p-value of a population stability index without drift: `PSI / (1/n + 1/m)` is about
/// chi-square with `bins − 1` degrees of freedom. 1 when a side is empty.
pub fn psi_p_value(psi: f64, n: u64, m: u64, bins: usize) -> f64 {
    if n == 0 || m == 0 {
        return 1.0;
    }
    chi2_sf(psi / (1.0 / n as f64 + 1.0 / m as f64), bins.saturating_sub(1) as f64)
}

/// Returns the Jensen-Shannon distance `sqrt(KL(p‖m)/2 + KL(q‖m)/2)`, m the mean of both, base 2.
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let part = |a: f64, m: f64| if a > 0.0 { a * (a / m).log2() } else { 0.0 };
    let divergence: f64 = pairs(p, q)
        .map(|(p, q)| {
            let m = 0.5 * (p + q);
            0.5 * (part(p, m) + part(q, m))
        })
        .sum();
    divergence.max(0.0).sqrt()
}

/// Returns the Hellinger distance `sqrt(Σ (√p − √q)² / 2)`, in 0..=1.
pub fn hellinger(p: &[f64], q: &[f64]) -> f64 {
    (0.5 * pairs(p, q).map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).sum::<f64>()).sqrt()
}

/// Returns the largest difference of a share.
pub fn l_infinity(p: &[f64], q: &[f64]) -> f64 {
    pairs(p, q).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_have_distance_zero() {
        let p = [0.2, 0.3, 0.5, 0.0];
        for distance in [psi(&p, &p), jensen_shannon(&p, &p), hellinger(&p, &p), l_infinity(&p, &p)] {
            assert_eq!(distance, 0.0);
        }
    }

    #[test]
    fn bernoulli_half_against_four_fifths() {
        let (p, q) = ([0.5, 0.5], [0.2, 0.8]);
        assert!((psi(&p, &q) - 0.4159).abs() < 5e-5);
        assert!((jensen_shannon(&p, &q) - 0.2704).abs() < 5e-5);
    }

    #[test]
    fn disjoint_shares_have_the_largest_bounded_distances() {
        let (p, q) = ([1.0, 0.0], [0.0, 1.0]);
        assert_eq!((jensen_shannon(&p, &q), hellinger(&p, &q), l_infinity(&p, &q)), (1.0, 1.0, 1.0));
        assert!((psi(&p, &q) - 2.0 * (1.0 - EMPTY_SHARE) * (1.0 / EMPTY_SHARE).ln()).abs() < 1e-12);
    }

    #[test]
    fn threshold_grows_for_small_windows_only() {
        assert_eq!(psi_threshold(10_000, 10_000, 10), 0.1);
        // χ² with 9 degrees of freedom, 99 %: 21.666.
        assert!((psi_threshold(100, 100, 10) - 0.02 * 21.665_994_333_461_93).abs() < 1e-12);
        assert_eq!(psi_threshold(0, 100, 10), f64::INFINITY);
        assert_eq!(psi_p_value(0.3, 0, 10, 10), 1.0);
    }
}
