//! Distances between raw samples: Kolmogorov-Smirnov and Wasserstein. NaN values are left out.
//!
//! Massey, 1951, "The Kolmogorov-Smirnov test for goodness of fit", doi:10.1080/01621459.1951.10500769;
//! Ramdas, Trillos and Cuturi, 2017, doi:10.3390/e19020047 (Wasserstein distance in one dimension).

use crate::{special::kolmogorov_sf, sum::Accumulator};

/// Result of the two-sample Kolmogorov-Smirnov test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ks {
    /// `sup |F_p − F_q|`.
    pub statistic: f64,
    /// Asymptotic p-value. At large n it flags trifles: read it beside the statistic.
    pub p_value: f64,
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// Calls `visit(value, next value, F_p, F_q)` for each step of the two distribution functions.
fn walk(p: &[f64], q: &[f64], mut visit: impl FnMut(f64, f64, f64, f64)) {
    let (mut i, mut j) = (0, 0);
    while i < p.len() || j < q.len() {
        let at = match (p.get(i), q.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, Some(b)) => *b,
            (None, None) => return,
        };
        while p.get(i).is_some_and(|value| *value <= at) {
            i += 1;
        }
        while q.get(j).is_some_and(|value| *value <= at) {
            j += 1;
        }
        let next = match (p.get(i), q.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) => *a,
            (None, Some(b)) => *b,
            (None, None) => at,
        };
        visit(at, next, i as f64 / p.len() as f64, j as f64 / q.len() as f64);
    }
}

/// Returns statistic and p-value of two samples; `None` when one is empty.
pub fn ks(p: &[f64], q: &[f64]) -> Option<Ks> {
    let (p, q) = (sorted(p), sorted(q));
    if p.is_empty() || q.is_empty() {
        return None;
    }
    let mut statistic: f64 = 0.0;
    walk(&p, &q, |_, _, fp, fq| statistic = statistic.max((fp - fq).abs()));
    let (n, m) = (p.len() as f64, q.len() as f64);
    Some(Ks { statistic, p_value: kolmogorov_sf(statistic * (n * m / (n + m)).sqrt()) })
}

/// Returns the Wasserstein-1 distance `∫ |F_p − F_q| dx`; `None` when a sample is empty.
pub fn wasserstein(p: &[f64], q: &[f64]) -> Option<f64> {
    let (p, q) = (sorted(p), sorted(q));
    if p.is_empty() || q.is_empty() {
        return None;
    }
    let mut area = Accumulator::default();
    walk(&p, &q, |at, next, fp, fq| {
        if fp != fq {
            area.push((fp - fq).abs() * (next - at));
        }
    });
    Some(area.total())
}

/// Returns the Wasserstein-1 distance over the reference's standard deviation (at least 0.001), the form
/// whose usual alarm threshold is 0.1; `None` when a sample is empty.
pub fn normed_wasserstein(reference: &[f64], current: &[f64]) -> Option<f64> {
    let values = sorted(reference);
    let mean = crate::sum::mean(&values)?;
    let squares = crate::sum::sum_by(values.len(), |row| (values[row] - mean).powi(2));
    let sd = (squares / values.len() as f64).sqrt();
    Some(wasserstein(reference, current)? / sd.max(0.001))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use yard_types::rng::Rng;

    #[test]
    fn a_sample_against_itself_is_zero() {
        let x = [3.0, 1.0, 1.0, 2.0];
        assert_eq!(ks(&x, &x), Some(Ks { statistic: 0.0, p_value: 1.0 }));
        assert_eq!(wasserstein(&x, &x), Some(0.0));
        assert_eq!(ks(&x, &[f64::NAN]), None);
        assert_eq!(wasserstein(&[], &x), None);
    }

    #[test]
    fn a_shift_moves_all_mass_by_its_length() {
        let x: Vec<f64> = (0..100).map(f64::from).collect();
        let shifted: Vec<f64> = x.iter().map(|v| v + 2.5).collect();
        assert!((wasserstein(&x, &shifted).unwrap() - 2.5).abs() < 1e-12);
    }

    /// N(0,1) against N(1,1): W1 = 1 and D = 2Φ(1/2) − 1 = 0.3829.
    #[test]
    fn shifted_normals_reach_the_known_distances() {
        let mut rng = Rng::new(7, 0);
        let x: Vec<f64> = (0..200_000).map(|_| rng.normal()).collect();
        let y: Vec<f64> = (0..200_000).map(|_| rng.normal() + 1.0).collect();
        assert!((wasserstein(&x, &y).unwrap() - 1.0).abs() < 0.01);
        assert!((normed_wasserstein(&x, &y).unwrap() - 1.0).abs() < 0.015);
        assert!((ks(&x, &y).unwrap().statistic - 0.3829).abs() < 0.005);
    }

    /// Without drift the test at 5 % fires in about 5 % of the windows.
    #[test]
    fn false_alarm_rate_is_the_level() {
        let mut rng = Rng::new(8, 0);
        let mut alarms = 0;
        for _ in 0..2_000 {
            let x: Vec<f64> = (0..200).map(|_| rng.uniform()).collect();
            let y: Vec<f64> = (0..200).map(|_| rng.uniform()).collect();
            alarms += u32::from(ks(&x, &y).unwrap().p_value < 0.05);
        }
        // The asymptotic p-value is conservative; 4 binomial sd above 5 % is 139.
        assert!((40..=139).contains(&alarms), "{alarms} of 2000");
    }
}
