//! Objectives: the base margin, gradients and hessians per row, and the loss that is reported.
//!
//! [`Loss`] is what an objective must say; [`Objective`] names the ones that exist. Sample weights are
//! multiplied in by the caller. Knows nothing of trees, bins and threads.

use crate::{
    error::BoostError,
    math::{BLOCK, exp, ln, pairwise, sigmoid, softplus},
    simd,
};

/// Usual sum of the largest leaf values of a classifier, in log-odds.
const LOG_ODDS_SPAN: f64 = 48.0;

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// Targets 0 or 1; one margin, the log-odds of 1; loss `ln(1 + e^m) − y m`.
    Binary,
    /// Targets `0..k`; one margin per class; loss `−ln softmax(m)[y]`.
    Multiclass(u32),
    /// Any finite target; the margin is the prediction; loss `(m − y)²`, gradients of its half.
    Regression,
}

impl Objective {
    /// Returns the loss of this objective.
    pub fn loss(self) -> Box<dyn Loss> {
        match self {
            Self::Binary => Box::new(Logistic),
            Self::Multiclass(classes) => Box::new(Softmax { classes }),
            Self::Regression => Box::new(Squared),
        }
    }
}

/// Some rows of one output: margins, targets and what [`Loss::prepare`] left for them.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Output (class).
    pub output: u32,
    /// Margins of this output, `[rows]`.
    pub margins: &'a [f32],
    /// Targets, `[rows]`.
    pub y: &'a [f32],
    /// Values of [`Loss::prepare`], `[rows]`; empty when the loss needs none.
    pub prepared: &'a [f64],
}

/// An objective: a twice differentiable loss of one or more margins.
///
/// Everything that reaches a gradient must be computed with operations that are the same on every
/// machine (no platform `exp`), or models stop being equal bit for bit.
pub trait Loss: Sync {
    /// Margins per row.
    fn outputs(&self) -> usize;

    /// Checks the targets.
    fn check(&self, y: &[f32]) -> Result<(), BoostError>;

    /// Best constant margins, `[outputs]`.
    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64>;

    /// Estimates the sum over all trees of the largest leaf value, from which the grid is chosen.
    fn span(&self, y: &[f32], base: &[f64]) -> f64 {
        let base = base.first().copied().unwrap_or(0.0);
        4.0 * y.iter().fold(0.0_f64, |top, &value| top.max((f64::from(value) - base).abs()))
    }

    /// Whether [`Loss::prepare`] fills a value per row at the start of each round.
    fn needs_prepare(&self) -> bool {
        false
    }

    /// Computes a value per row from all its margins (`[outputs][rows]`).
    fn prepare(&self, _margins: &[&[f32]], _out: &mut [f64]) {}

    /// The hessian of every row when it is the same for all.
    fn constant_hessian(&self) -> Option<f64> {
        None
    }

    /// Upper bounds of `|gradient|` and hessian when they are known beforehand.
    fn bounds(&self) -> Option<(f64, f64)> {
        None
    }

    /// Computes gradient and hessian (above 0) per row.
    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]);

    /// Computes the loss per row from all its margins (`[outputs][rows]`).
    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]);
}

fn check_targets(y: &[f32], expected: &str, good: impl Fn(f32) -> bool) -> Result<(), BoostError> {
    match y.iter().position(|&value| !good(value)) {
        Some(row) => Err(BoostError::Target { row, value: y[row], expected: expected.to_owned() }),
        None => Ok(()),
    }
}

/// `Σ w f(y)` and `Σ w`, by fixed blocks.
fn weighted(y: &[f32], weights: Option<&[f32]>, f: impl Fn(f32) -> f64) -> (f64, f64) {
    let mut sums = Vec::new();
    let mut totals = Vec::new();
    for (index, block) in y.chunks(BLOCK).enumerate() {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, &value) in block.iter().enumerate() {
            let w = weights.map_or(1.0, |weights| f64::from(weights[index * BLOCK + row]));
            sum += w * f(value);
            total += w;
        }
        sums.push(sum);
        totals.push(total);
    }
    (pairwise(&sums), pairwise(&totals))
}

struct Logistic;

impl Loss for Logistic {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "0 or 1", |value| value == 0.0 || value == 1.0)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        let (ones, total) = weighted(y, weights, f64::from);
        let p = (ones / total).clamp(1e-12, 1.0 - 1e-12);
        vec![ln(p) - ln(1.0 - p)]
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_ODDS_SPAN
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((1.0, 0.25))
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let rows = block.margins.iter().zip(block.y);
        simd::wide(|| {
            for ((&m, &y), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let p = sigmoid(f64::from(m));
                *g = p - f64::from(y);
                *h = p * (1.0 - p);
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        simd::wide(|| {
            for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
                let m = f64::from(m);
                *loss = softplus(if y > 0.5 { -m } else { m });
            }
        });
    }
}

struct Softmax {
    classes: u32,
}

/// `ln Σ e^m` of one row.
fn log_sum_exp(margins: &[&[f32]], row: usize) -> f64 {
    let top = margins.iter().map(|m| f64::from(m[row])).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for output in margins {
        sum += exp(f64::from(output[row]) - top);
    }
    top + ln(sum)
}

impl Loss for Softmax {
    fn outputs(&self) -> usize {
        self.classes as usize
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        let classes = self.classes as f32;
        let expected = format!("a class number in 0..{}", self.classes);
        check_targets(y, &expected, |value| value >= 0.0 && value < classes && value.fract() == 0.0)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        let share = |class: u32| {
            let (sum, total) = weighted(y, weights, |value| f64::from(u8::from(value == class as f32)));
            ln((sum / total).max(1e-12))
        };
        (0..self.classes).map(share).collect()
    }

    fn needs_prepare(&self) -> bool {
        true
    }

    fn prepare(&self, margins: &[&[f32]], out: &mut [f64]) {
        for (row, value) in out.iter_mut().enumerate() {
            *value = log_sum_exp(margins, row);
        }
    }

    fn span(&self, _y: &[f32], _base: &[f64]) -> f64 {
        LOG_ODDS_SPAN
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        Some((1.0, 0.25 * self.factor()))
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        let (class, factor) = (block.output as f32, self.factor());
        let rows = block.margins.iter().zip(block.y).zip(block.prepared);
        simd::wide(|| {
            for (((&m, &y), &sum), (g, h)) in rows.zip(gradient.iter_mut().zip(hessian)) {
                let p = exp(f64::from(m) - sum);
                *g = p - f64::from(u8::from(y == class));
                *h = factor * p * (1.0 - p);
            }
        });
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for (row, loss) in out.iter_mut().enumerate() {
            *loss = log_sum_exp(margins, row) - f64::from(margins[y[row] as usize][row]);
        }
    }
}

impl Softmax {
    /// Friedman (2001, doi:10.1214/aos/1013203451): one of k margins is redundant, so steps of one
    /// margin at a time are `(k − 1) / k` of the diagonal Newton step.
    fn factor(&self) -> f64 {
        let k = f64::from(self.classes.max(2));
        k / (k - 1.0)
    }
}

struct Squared;

impl Loss for Squared {
    fn outputs(&self) -> usize {
        1
    }

    fn check(&self, y: &[f32]) -> Result<(), BoostError> {
        check_targets(y, "a finite number", f32::is_finite)
    }

    fn base(&self, y: &[f32], weights: Option<&[f32]>) -> Vec<f64> {
        let (sum, total) = weighted(y, weights, f64::from);
        vec![sum / total]
    }

    fn constant_hessian(&self) -> Option<f64> {
        Some(1.0)
    }

    fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
        for ((&m, &y), (g, h)) in block.margins.iter().zip(block.y).zip(gradient.iter_mut().zip(hessian)) {
            *g = f64::from(m) - f64::from(y);
            *h = 1.0;
        }
    }

    fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
        for ((&m, &y), loss) in margins[0].iter().zip(y).zip(out) {
            let error = f64::from(m) - f64::from(y);
            *loss = error * error;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Gradients against central differences of the reported loss (times `scale`).
    fn check(objective: Objective, margins: &[Vec<f32>], y: &[f32], scale: f64) {
        let loss = objective.loss();
        loss.check(y).unwrap();
        let rows = y.len();
        let views = |m: &[Vec<f32>]| m.to_vec();
        let at = |m: &[Vec<f32>]| {
            let mut out = vec![0.0; rows];
            loss.losses(&m.iter().map(|v| v.as_slice()).collect::<Vec<_>>(), y, &mut out);
            out
        };
        let mut prepared = vec![0.0; rows];
        loss.prepare(&margins.iter().map(|v| v.as_slice()).collect::<Vec<_>>(), &mut prepared);
        for output in 0..loss.outputs() {
            let (mut g, mut h) = (vec![0.0; rows], vec![0.0; rows]);
            let block = Block { output: output as u32, margins: &margins[output], y, prepared: &prepared };
            loss.gradients(&block, &mut g, &mut h);
            let step = 1.0 / 64.0;
            let (mut up, mut down) = (views(margins), views(margins));
            up[output].iter_mut().for_each(|m| *m += step as f32);
            down[output].iter_mut().for_each(|m| *m -= step as f32);
            let (up, down) = (at(&up), at(&down));
            for row in 0..rows {
                let want = scale * (up[row] - down[row]) / (2.0 * step);
                assert!((g[row] - want).abs() < 1e-4, "row {row}: {} {want}", g[row]);
                assert!(h[row] > 0.0);
            }
        }
    }

    #[test]
    fn gradients_are_the_slopes_of_the_loss() {
        let m = vec![-3.0, -0.5, 0.0, 1.25, 4.0];
        check(Objective::Binary, std::slice::from_ref(&m), &[1.0, 0.0, 1.0, 0.0, 1.0], 1.0);
        check(Objective::Regression, std::slice::from_ref(&m), &[1.5, -2.0, 0.0, 7.0, 1.0], 0.5);
        let three = [m.clone(), m.iter().map(|x| -x).collect(), vec![0.5; 5]];
        check(Objective::Multiclass(3), &three, &[0.0, 1.0, 2.0, 1.0, 0.0], 1.0);
    }

    #[test]
    fn vector_loops_have_the_bits_of_single_rows() {
        let margins: Vec<f32> = (0..1003).map(|row| (row as f32 - 500.0) / 37.0).collect();
        let y: Vec<f32> = (0..1003).map(|row| f32::from(row % 3 == 0)).collect();
        let all = |rows: std::ops::Range<usize>| {
            let (mut g, mut h, mut l) = (vec![0.0; rows.len()], vec![0.0; rows.len()], vec![0.0; rows.len()]);
            let (margins, y) = (&margins[rows.clone()], &y[rows]);
            Logistic.gradients(&Block { output: 0, margins, y, prepared: &[] }, &mut g, &mut h);
            Logistic.losses(&[margins], y, &mut l);
            [g, h, l].concat().into_iter().map(f64::to_bits).collect::<Vec<u64>>()
        };
        let together = all(0..1003);
        for row in 0..1003 {
            assert_eq!(all(row..row + 1), [together[row], together[1003 + row], together[2006 + row]]);
        }
        let p = sigmoid(f64::from(margins[123]));
        assert_eq!(together[1003 + 123], (p * (1.0 - p)).to_bits());
    }

    #[test]
    fn the_base_is_the_best_constant() {
        let y = [1.0, 0.0, 0.0, 0.0];
        assert!((Objective::Binary.loss().base(&y, None)[0] - (0.25_f64 / 0.75).ln()).abs() < 1e-15);
        let weights = [3.0, 1.0, 1.0, 1.0];
        assert_eq!(Objective::Binary.loss().base(&y, Some(&weights)), [0.0]);
        assert_eq!(Objective::Regression.loss().base(&[1.0, 2.0, 6.0], None), [3.0]);
        let base = Objective::Multiclass(2).loss().base(&y, None);
        assert!((base[0] - 0.75_f64.ln()).abs() < 1e-15 && (base[1] - 0.25_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn bad_targets_are_named() {
        let text = Objective::Binary.loss().check(&[0.0, 2.0]).unwrap_err().to_string();
        assert!(text.contains("row 1 is 2") && text.contains("0 or 1"), "{text}");
        assert!(Objective::Multiclass(3).loss().check(&[3.0]).is_err());
        assert!(Objective::Regression.loss().check(&[f32::NAN]).is_err());
    }
}
