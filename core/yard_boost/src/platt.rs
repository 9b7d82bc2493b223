//! Lines from averaged class shares to log-odds, fitted by Newton's method on held-out rows.
//!
//! Platt (1999), "Probabilistic Outputs for Support Vector Machines"; one slope for several classes as
//! in Guo et al. (2017, doi:10.48550/arXiv.1706.04599). Sums run in row order on one thread, with this
//! crate's own exponential.

use crate::math::{exp, sigmoid};

/// Newton steps at most.
const STEPS: usize = 50;
/// Largest slope: shares are within 0..=1, so this is a margin of at most 100.
const STEEPEST: f64 = 100.0;
/// Pull of the slope and the intercept towards a plain start, in rows.
const PRIOR: f64 = 1.0;

/// `margin = slope × share + intercept`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
}

/// Fits the line of the positive class's share.
pub(crate) fn fit_binary(shares: &[f64], y: &[f32], weights: &[f64]) -> Line {
    let mut line = Line { slope: 4.0, intercept: -2.0 };
    for _ in 0..STEPS {
        // Gradient and hessian with a weak pull towards the start, which keeps a separable set finite.
        let pull = PRIOR * 1e-3;
        let mut g = [pull * (line.slope - 4.0), pull * (line.intercept + 2.0)];
        let mut h = [pull, 0.0, pull];
        for ((&share, &y), &w) in shares.iter().zip(y).zip(weights) {
            let p = sigmoid(line.slope * share + line.intercept);
            let (error, curve) = (w * (p - f64::from(y)), w * p * (1.0 - p));
            g[0] += error * share;
            g[1] += error;
            h[0] += curve * share * share;
            h[1] += curve * share;
            h[2] += curve;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let slope = (h[2] * g[0] - h[1] * g[1]) / determinant;
        let intercept = (h[0] * g[1] - h[1] * g[0]) / determinant;
        if !(slope.is_finite() && intercept.is_finite()) {
            break;
        }
        // Damped: at most 5 at a time.
        let factor = 5.0 / slope.abs().max(intercept.abs()).max(5.0);
        line.slope = (line.slope - factor * slope).clamp(0.1, STEEPEST);
        line.intercept -= factor * intercept;
        if slope.abs().max(intercept.abs()) < 1e-9 {
            break;
        }
    }
    line
}

/// Fits the slope shared by all classes; `shares` is `[rows, classes]`.
pub(crate) fn fit_slope(shares: &[f64], classes: usize, y: &[f32], weights: &[f64]) -> Line {
    let mut slope = 4.0;
    for _ in 0..STEPS {
        let pull = PRIOR * 1e-3;
        let (mut g, mut h) = (pull * (slope - 4.0), pull);
        for ((row, &y), &w) in shares.chunks_exact(classes.max(1)).zip(y).zip(weights) {
            let top = row.iter().fold(0.0_f64, |a, &b| a.max(b));
            let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
            for &share in row {
                let p = exp(slope * (share - top));
                sum += p;
                first += p * share;
                second += p * share * share;
            }
            let mean = first / sum;
            g += w * (mean - row[y as usize]);
            h += w * (second / sum - mean * mean);
        }
        let step = g / h;
        if !step.is_finite() {
            break;
        }
        slope = (slope - step.clamp(-5.0, 5.0)).clamp(0.1, STEEPEST);
        if step.abs() < 1e-9 {
            break;
        }
    }
    Line { slope, intercept: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yard_types::rng::uniform;

    #[test]
    fn the_line_of_made_up_odds_is_found() {
        let n = 40_000;
        let shares: Vec<f64> = (0..n).map(|i| uniform(1, 1, i)).collect();
        let truth = |i: usize| sigmoid(7.0 * shares[i] - 3.0);
        let y: Vec<f32> = (0..shares.len()).map(|i| f32::from(uniform(1, 2, i as u64) < truth(i))).collect();
        let line = fit_binary(&shares, &y, &vec![1.0; shares.len()]);
        assert!((line.slope - 7.0).abs() < 0.2 && (line.intercept + 3.0).abs() < 0.1, "{line:?}");
    }

    #[test]
    fn separable_and_empty_sets_stay_finite() {
        let line = fit_binary(&[0.0, 0.1, 0.9, 1.0], &[0.0, 0.0, 1.0, 1.0], &[1.0; 4]);
        assert!(line.slope > 4.0 && line.slope <= STEEPEST && line.intercept.is_finite());
        assert_eq!(fit_binary(&[], &[], &[]), Line { slope: 4.0, intercept: -2.0 });
        assert_eq!(fit_slope(&[], 3, &[], &[]).slope, 4.0);
    }

    #[test]
    fn the_shared_slope_is_found() {
        let n = 20_000;
        let shares: Vec<f64> = (0..n)
            .flat_map(|i| {
                let raw = [uniform(2, 1, i), uniform(2, 2, i), uniform(2, 3, i)];
                let sum: f64 = raw.iter().sum();
                raw.map(|r| r / sum)
            })
            .collect();
        let y: Vec<f32> = shares
            .chunks_exact(3)
            .enumerate()
            .map(|(i, row)| {
                let odds: Vec<f64> = row.iter().map(|s| exp(6.0 * s)).collect();
                let mut left = uniform(2, 4, i as u64) * odds.iter().sum::<f64>();
                let hit = odds.iter().position(|o| {
                    left -= o;
                    left < 0.0
                });
                hit.unwrap_or(2) as f32
            })
            .collect();
        let line = fit_slope(&shares, 3, &y, &vec![1.0; y.len()]);
        assert!((line.slope - 6.0).abs() < 0.2, "{line:?}");
    }
}
