//! Intervals of a proportion and the percentile rule of the bootstrap.
//!
//! Wilson, 1927, "Probable inference, the law of succession, and statistical inference",
//! doi:10.1080/01621459.1927.10502953.

use crate::special::ln_gamma;

/// Standard normal quantile of 97.5 %.
pub const Z_95: f64 = 1.959_963_984_540_054;
/// Standard normal quantile of 99.5 %.
pub const Z_99: f64 = 2.575_829_303_548_901;

/// Returns the Wilson score interval of a rate `hits / rows` (both may be fractional, as effective sizes
/// are) for the normal quantile `z`; `None` without rows.
pub fn wilson(hits: f64, rows: f64, z: f64) -> Option<(f64, f64)> {
    if rows.is_nan() || rows <= 0.0 {
        return None;
    }
    let rate = (hits / rows).clamp(0.0, 1.0);
    let z2 = z * z / rows;
    let centre = (rate + 0.5 * z2) / (1.0 + z2);
    let half = z / (1.0 + z2) * (rate * (1.0 - rate) / rows + z2 / (4.0 * rows)).sqrt();
    // At a rate of 0 or 1 the bound is exact; the formula would leave a rounding error.
    let low = if rate == 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if rate == 1.0 { 1.0 } else { (centre + half).min(1.0) };
    Some((low, high))
}

/// Returns the quantile `q` of sorted values by linear interpolation between order statistics
/// (Hyndman and Fan, 1996, definition 7, doi:10.1080/00031305.1996.10473566); `None` when empty.
pub fn quantile_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let low = position.floor() as usize;
    let (a, b) = (*sorted.get(low)?, *sorted.get((low + 1).min(last))?);
    Some(a + (b - a) * (position - low as f64))
}

/// Returns the smallest k with `P(X <= k) >= q` for X binomial of `n` draws with probability `p`.
/// Exact up to rounding; takes about 20 standard deviations of steps.
pub fn binomial_quantile(n: u64, p: f64, q: f64) -> u64 {
    if n == 0 || p.is_nan() || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    let mean = n as f64 * p;
    let sd = (mean * (1.0 - p)).sqrt();
    let start = (mean - 10.0 * sd - 10.0).max(0.0) as u64;
    let mut below = 0.0;
    for k in start..n {
        below += binomial_mass(n as f64, k as f64, p);
        if below >= q {
            return k;
        }
    }
    n
}

fn binomial_mass(n: f64, k: f64, p: f64) -> f64 {
    let ways = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
    (ways + k * p.ln() + (n - k) * (-p).ln_1p()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_has_no_interval_without_rows_and_exact_ends() {
        assert_eq!(wilson(0.0, 0.0, Z_95), None);
        assert_eq!(wilson(0.0, 10.0, Z_95).map(|interval| interval.0), Some(0.0));
        assert_eq!(wilson(10.0, 10.0, Z_95).map(|interval| interval.1), Some(1.0));
    }

    #[test]
    fn quantile_interpolates() {
        assert_eq!(quantile_sorted(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile_sorted(&[], 0.5), None);
        assert_eq!(quantile_sorted(&[7.0], 0.975), Some(7.0));
    }

    #[test]
    fn binomial_ends() {
        assert_eq!(binomial_quantile(10, 0.0, 0.99), 0);
        assert_eq!(binomial_quantile(10, 1.0, 0.99), 10);
        assert_eq!(binomial_quantile(1, 0.5, 0.99), 1);
    }
}
