//! Calibration of margins on validation rows: slope and intercept for two classes, slope alone (a
//! temperature) for several.
//!
//! Papers: Platt, 1999, "Probabilistic outputs for support vector machines" (with his smoothed targets);
//! Guo et al., 2017, "On calibration of modern neural networks", arXiv:1706.04599.

use crate::target::Part;
use yard_metrics::sum::sum_by;
use yard_score::{
    math::{exp, ln, sigmoid},
    model::{Calibration, Link},
};

/// Fewest validation rows that a calibration is fitted on.
const FEWEST_ROWS: usize = 30;
const STEPS: usize = 100;
/// An improvement counts when it is this many standard errors above 0 and this share of the loss.
const ERRORS: f64 = 3.0;
const SHARE: f64 = 0.01;

/// Fits a calibration; [`Calibration::None`] when rows are too few, a class is absent, or the fitted
/// slope isn't positive. `margins` is `[rows, outputs]`.
pub(crate) fn fit(link: Link, margins: &[f32], part: &Part) -> Calibration {
    let classes = margins.len().checked_div(part.y.len()).unwrap_or(1).max(2);
    if part.y.len() < FEWEST_ROWS || part.class_counts(classes).iter().filter(|n| **n > 0).count() < 2 {
        return Calibration::None;
    }
    let (slope, intercept) = match link {
        Link::Identity | Link::Log => return Calibration::None,
        Link::Logistic => platt(margins, part),
        Link::Softmax => (temperature(margins, part, classes), 0.0),
    };
    if slope.is_finite() && slope > 1e-6 && slope < 1e6 && intercept.is_finite() {
        Calibration::Platt { slope, intercept }
    } else {
        Calibration::None
    }
}

/// Fits a calibration and keeps it only if it lowers the validation log loss beyond noise.
pub(crate) fn fit_if_better(link: Link, margins: &[f32], part: &Part) -> Calibration {
    let fitted = fit(link, margins, part);
    let outputs = margins.len().checked_div(part.y.len()).unwrap_or(1);
    let losses = |calibration: &Calibration| -> Vec<f64> {
        let rows = margins.chunks_exact(outputs.max(1)).zip(&part.y);
        rows.map(|(margins, y)| log_loss(calibration, link, margins, *y)).collect()
    };
    let (before, after) = (losses(&Calibration::None), losses(&fitted));
    let n = before.len();
    let weight = |row: usize| part.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let total = sum_by(n, weight);
    let mean_before = sum_by(n, |row| weight(row) * before[row]) / total;
    let gain = |row: usize| before[row] - after[row];
    let mean = sum_by(n, |row| weight(row) * gain(row)) / total;
    let square = sum_by(n, |row| (weight(row) * (gain(row) - mean)).powi(2));
    let error = square.sqrt() / total;
    if mean > ERRORS * error && mean > SHARE * mean_before { fitted } else { Calibration::None }
}

fn log_loss(calibration: &Calibration, link: Link, margins: &[f32], y: f64) -> f64 {
    let (slope, intercept) = match calibration {
        Calibration::None => (1.0, 0.0),
        Calibration::Platt { slope, intercept } => (*slope, *intercept),
    };
    let mut scores: Vec<f64> = margins.iter().map(|margin| slope * f64::from(*margin)).collect();
    if link == Link::Logistic {
        scores[0] += intercept;
    }
    crate::linear::loss(link, y, &mut scores)
}

/// Returns slope and intercept by Newton's method on the smoothed targets.
fn platt(margins: &[f32], part: &Part) -> (f64, f64) {
    let weight = |row: usize| part.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let n = margins.len();
    let positives = sum_by(n, |row| part.y[row] * weight(row));
    let negatives = sum_by(n, weight) - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let target = |row: usize| if part.y[row] == 1.0 { high } else { low };
    let (mut a, mut b) = (1.0, 0.0);
    let value = |a: f64, b: f64| {
        sum_by(n, |row| {
            let z = a * f64::from(margins[row]) + b;
            weight(row) * (z.max(0.0) - target(row) * z + ln(1.0 + exp(-z.abs())))
        })
    };
    let mut current = value(a, b);
    for _ in 0..STEPS {
        let term = |row: usize| {
            let x = f64::from(margins[row]);
            let p = sigmoid(a * x + b);
            (x, weight(row) * (p - target(row)), weight(row) * p * (1.0 - p))
        };
        let (ga, gb) = (sum_by(n, |r| term(r).0 * term(r).1), sum_by(n, |r| term(r).1));
        let haa = sum_by(n, |r| term(r).0.powi(2) * term(r).2) + 1e-10;
        let hab = sum_by(n, |r| term(r).0 * term(r).2);
        let hbb = sum_by(n, |r| term(r).2) + 1e-10;
        let determinant = haa * hbb - hab * hab;
        if determinant <= 0.0 || ga.abs().max(gb.abs()) < 1e-9 * n as f64 {
            break;
        }
        let (da, db) = (-(hbb * ga - hab * gb) / determinant, -(haa * gb - hab * ga) / determinant);
        let mut length = 1.0;
        while length > 1e-8 && value(a + length * da, b + length * db) > current {
            length *= 0.5;
        }
        (a, b) = (a + length * da, b + length * db);
        let next = value(a, b);
        if current - next <= 1e-12 * current.abs() {
            break;
        }
        current = next;
    }
    (a, b)
}

/// Returns the slope of least log loss by golden-section search over its logarithm (the loss is convex in
/// the slope, so it has one minimum).
fn temperature(margins: &[f32], part: &Part, classes: usize) -> f64 {
    let weight = |row: usize| part.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let value = |slope: f64| {
        let calibration = Calibration::Platt { slope, intercept: 0.0 };
        sum_by(part.y.len(), |row| {
            let margins = &margins[row * classes..(row + 1) * classes];
            weight(row) * log_loss(&calibration, Link::Softmax, margins, part.y[row])
        })
    };
    let ratio = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (ln(0.01), ln(100.0));
    for _ in 0..60 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if value(exp(left)) <= value(exp(right)) {
            high = right;
        } else {
            low = left;
        }
    }
    exp(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;
    use yard_types::rng::Rng;

    fn part(y: Vec<f64>) -> Part {
        Part { rows: (0..y.len() as u32).collect(), y, weights: None, dropped: 0 }
    }

    #[test]
    fn platt_finds_slope_and_intercept_that_made_the_labels() {
        let mut rng = Rng::new(1, 1);
        let margins: Vec<f32> = (0..20_000).map(|_| (6.0 * rng.uniform() - 3.0) as f32).collect();
        let y = margins
            .iter()
            .map(|m| f64::from(u8::from(rng.uniform() < sigmoid(0.5 * f64::from(*m) - 0.7))))
            .collect();
        let part = part(y);
        let Calibration::Platt { slope, intercept } = fit_if_better(Link::Logistic, &margins, &part) else {
            panic!("a wrong slope of 2 must be corrected");
        };
        assert!((slope - 0.5).abs() < 0.03 && (intercept + 0.7).abs() < 0.05, "{slope} {intercept}");
        let right: Vec<f32> = margins.iter().map(|m| 0.5 * m - 0.7).collect();
        assert_eq!(fit_if_better(Link::Logistic, &right, &part), Calibration::None);
    }

    #[test]
    fn temperature_finds_the_slope_that_made_the_labels() {
        let mut rng = Rng::new(2, 1);
        let (mut margins, mut y) = (Vec::new(), Vec::new());
        for _ in 0..10_000 {
            let row: Vec<f32> = (0..3).map(|_| (8.0 * rng.uniform()) as f32).collect();
            let mut p: Vec<f64> = row.iter().map(|m| 0.4 * f64::from(*m)).collect();
            yard_score::math::softmax(&mut p);
            let draw = rng.uniform();
            y.push(if draw < p[0] {
                0.0
            } else if draw < p[0] + p[1] {
                1.0
            } else {
                2.0
            });
            margins.extend(row);
        }
        let Calibration::Platt { slope, .. } = fit(Link::Softmax, &margins, &part(y)) else {
            panic!("three classes have a temperature");
        };
        assert!((slope - 0.4).abs() < 0.03, "{slope}");
    }

    #[test]
    fn few_rows_or_one_class_are_left_alone() {
        assert_eq!(fit(Link::Logistic, &[0.1; 20], &part(vec![1.0; 20])), Calibration::None);
        assert_eq!(fit(Link::Logistic, &[0.1; 50], &part(vec![1.0; 50])), Calibration::None);
        let reversed: Vec<f32> = (0..100).map(|i| if i < 50 { 1.0 } else { -1.0 }).collect();
        let y = (0..100).map(|i| f64::from(u8::from(i >= 50))).collect();
        assert_eq!(fit(Link::Logistic, &reversed, &part(y)), Calibration::None);
    }
}
