//! Elastic net: proximal Newton with coordinate descent, one output at a time, until the optimality
//! conditions hold. Single-threaded in a fixed order: the same bits for any number of threads.
//!
//! Objective: `mean loss + strength / Σw × (l1_ratio × Σ|weight| + (1 − l1_ratio) / 2 × Σ weight²)`, the bias
//! not penalised, as scikit-learn's `LogisticRegression` (`strength` = `1 / C`) and `ElasticNet` (`alpha` × Σw).
//! Papers: Friedman, Hastie and Tibshirani, 2010, "Regularization paths for generalized linear models via
//! coordinate descent", doi:10.18637/jss.v033.i01; Yuan, Ho and Lin, 2012, "An improved GLMNET for
//! l1-regularized logistic regression", Journal of Machine Learning Research 13.

use super::{
    loss::{Rows, loss},
    matrix::Columns,
};
use crate::TrainError;
use yard_metrics::sum;
use yard_score::{
    math::{exp, ln},
    model::Link,
};

/// Largest violation of the optimality conditions at which the solver stops, as a share of 1 + objective.
pub(super) const TOLERANCE: f64 = 1e-6;
const OUTER: u32 = 200;
const SWEEPS: usize = 50;

/// A strength and its mixture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mixture {
    pub(super) strength: f64,
    pub(super) l1_ratio: f64,
}

/// Rows of an elastic net with their columns; the bias is one more column of ones.
pub(super) struct Elastic<'a> {
    rows: &'a Rows<'a>,
    columns: &'a Columns,
    total: f64,
}

/// Margins and what follows from them.
struct State {
    /// `[rows, outputs]`.
    margins: Vec<f64>,
    /// Logarithm of the sum of `e^margin` of each row (softmax).
    log_sums: Vec<f64>,
}

/// One output's share of a Newton step.
struct Step {
    /// Parameters of the output after the whole step, bias last.
    to: Vec<f64>,
    /// Change of each row's margin.
    moved: Vec<f64>,
    /// Parameters that changed.
    active: Vec<usize>,
}

impl<'a> Elastic<'a> {
    pub(super) fn new(rows: &'a Rows<'a>, columns: &'a Columns) -> Self {
        Self { total: rows.total_weight(), rows, columns }
    }

    /// Returns the strength from which on all weights are zero.
    pub(super) fn largest_strength(&self, l1_ratio: f64) -> f64 {
        let mut theta = vec![0.0; self.rows.size()];
        // A strength without bound leaves the bias alone free.
        let only_bias = Mixture { strength: f64::MAX, l1_ratio: 1.0 };
        let bias = self.minimise(only_bias, &mut theta, TOLERANCE, &|| Ok(()));
        if bias.is_err() {
            return 1.0;
        }
        let state = self.state(&theta);
        let features = self.rows.matrix.features();
        let mut most = 0.0_f64;
        for output in 0..self.rows.outputs {
            let (slopes, _) = self.slopes(&state, output);
            for column in 0..features {
                most = most.max(self.along(column, &slopes).abs());
            }
        }
        most * self.total / l1_ratio.max(1e-3)
    }

    /// Moves `theta`, `[features + 1, outputs]`, to the minimum; returns the passes over all outputs.
    pub(super) fn minimise(
        &self,
        mixture: Mixture,
        theta: &mut [f64],
        tolerance: f64,
        proceed: &dyn Fn() -> Result<(), TrainError>,
    ) -> Result<u32, TrainError> {
        for pass in 0..OUTER {
            let mut state = self.state(theta);
            let value = self.objective(mixture, theta);
            let mut worst = 0.0_f64;
            for output in 0..self.rows.outputs {
                proceed()?;
                let (slopes, curvatures) = self.slopes(&state, output);
                worst = worst.max(self.violation(mixture, theta, output, &slopes));
                let step = self.step(mixture, theta, output, (&slopes, &curvatures));
                self.take(mixture, theta, (output, &step, &slopes), &mut state);
            }
            if !value.is_finite() || worst <= tolerance * (1.0 + value.abs()) {
                return Ok(pass + 1);
            }
        }
        Ok(OUTER)
    }

    fn state(&self, theta: &[f64]) -> State {
        let (rows, outputs) = (self.rows.matrix.rows(), self.rows.outputs);
        let mut margins = vec![0.0; rows * outputs];
        for (row, margins) in margins.chunks_exact_mut(outputs).enumerate() {
            self.rows.matrix.margins(row, theta, margins);
        }
        let log_sum = |margins: &[f64]| {
            let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            ln(margins.iter().map(|margin| exp(margin - largest)).sum()) + largest
        };
        let softmax = self.rows.link == Link::Softmax;
        let log_sums =
            if softmax { margins.chunks_exact(outputs).map(log_sum).collect() } else { Vec::new() };
        State { margins, log_sums }
    }

    /// Returns objective, for the stop.
    fn objective(&self, mixture: Mixture, theta: &[f64]) -> f64 {
        let weights = &theta[..theta.len() - self.rows.outputs];
        let (l1, l2) = self.penalties(mixture);
        let penalty = |at: usize| {
            let weight = weights[at];
            if weight == 0.0 { 0.0 } else { l1 * weight.abs() + 0.5 * l2 * weight * weight }
        };
        self.rows.mean_loss(theta) + sum::sum_by(weights.len(), penalty)
    }

    fn penalties(&self, mixture: Mixture) -> (f64, f64) {
        let strength = mixture.strength / self.total;
        (strength * mixture.l1_ratio, strength * (1.0 - mixture.l1_ratio))
    }

    /// Returns weighted derivatives and curvatures of the mean loss by the margin of an output, per row.
    fn slopes(&self, state: &State, output: usize) -> (Vec<f64>, Vec<f64>) {
        let rows = self.rows;
        let of_row = |row: usize| {
            let share = rows.weight(row) / self.total;
            let margin = state.margins[row * rows.outputs + output];
            if rows.link == Link::Softmax {
                let p = exp(margin - state.log_sums[row]);
                let own = f64::from(u8::from(rows.y[row] as usize == output));
                return (share * (p - own), share * (p * (1.0 - p)).max(1e-8));
            }
            let mut slope = [margin];
            loss(rows.link, rows.y[row], &mut slope);
            let p = slope[0] + rows.y[row];
            let curvature = if rows.link == Link::Logistic { (p * (1.0 - p)).max(1e-8) } else { 1.0 };
            (share * slope[0], share * curvature)
        };
        (0..rows.matrix.rows()).map(of_row).unzip()
    }

    /// Returns Σ feature × value over rows.
    fn along(&self, column: usize, by_row: &[f64]) -> f64 {
        let (rows, values) = self.columns.column(column);
        rows.iter().zip(values).map(|(row, value)| f64::from(*value) * by_row[*row as usize]).sum()
    }

    /// Returns by how much the optimality conditions of an output are violated at most.
    fn violation(&self, mixture: Mixture, theta: &[f64], output: usize, slopes: &[f64]) -> f64 {
        let (l1, l2) = self.penalties(mixture);
        let features = self.rows.matrix.features();
        let mut worst = sum::sum(slopes).abs();
        for column in 0..features {
            let weight = theta[column * self.rows.outputs + output];
            let slope = self.along(column, slopes);
            let own = if weight == 0.0 {
                (slope.abs() - l1).max(0.0)
            } else {
                (slope + l2 * weight + l1.copysign(weight)).abs()
            };
            worst = worst.max(own);
        }
        worst
    }

    /// Minimises the quadratic model of one output by coordinate descent.
    fn step(
        &self,
        mixture: Mixture,
        theta: &[f64],
        output: usize,
        (slopes, curvatures): (&[f64], &[f64]),
    ) -> Step {
        let (l1, l2) = self.penalties(mixture);
        let (features, outputs) = (self.rows.matrix.features(), self.rows.outputs);
        let squares: Vec<f64> = (0..features).map(|column| self.square(column, curvatures)).collect();
        let gradients: Vec<f64> = (0..features).map(|column| self.along(column, slopes)).collect();
        let bias = (sum::sum(slopes), sum::sum(curvatures));
        let to = theta.iter().skip(output).step_by(outputs).copied().collect();
        let mut step = Step { to, moved: vec![0.0; slopes.len()], active: Vec::new() };
        let all: Vec<usize> = (0..features).collect();
        let mut goal = f64::NAN;
        for sweep in 0..SWEEPS {
            let full = sweep == 0 || step.active.is_empty();
            let columns = if full { &all } else { &std::mem::take(&mut step.active) };
            let mut kept = Vec::new();
            let mut change = sweep_bias(bias, curvatures, &mut step);
            for column in columns.iter().copied().filter(|column| squares[*column] + l2 > 0.0) {
                let weight = step.to[column];
                let turned = self.turned(column, curvatures, &step.moved);
                let slope = gradients[column] + turned + l2 * weight;
                let square = squares[column] + l2;
                let next = shrunk(square * weight - slope, l1) / square;
                if next != weight {
                    change = change.max(square * (next - weight) * (next - weight));
                    self.shift(column, next, &mut step);
                }
                if next != 0.0 || theta[column * outputs + output] != 0.0 {
                    kept.push(column);
                }
            }
            step.active = kept;
            if goal.is_nan() {
                goal = 1e-4 * change;
            }
            if change <= goal.clamp(1e-22, 1e-3) && sweep > 0 {
                break;
            }
        }
        step
    }

    fn square(&self, column: usize, curvatures: &[f64]) -> f64 {
        let (rows, values) = self.columns.column(column);
        let own = |(row, value): (&u32, &f32)| f64::from(*value).powi(2) * curvatures[*row as usize];
        rows.iter().zip(values).map(own).sum()
    }

    fn turned(&self, column: usize, curvatures: &[f64], moved: &[f64]) -> f64 {
        let (rows, values) = self.columns.column(column);
        let own = |(row, value): (&u32, &f32)| {
            let row = *row as usize;
            f64::from(*value) * curvatures[row] * moved[row]
        };
        rows.iter().zip(values).map(own).sum()
    }

    fn shift(&self, column: usize, to: f64, step: &mut Step) {
        let by = to - step.to[column];
        step.to[column] = to;
        let (rows, values) = self.columns.column(column);
        for (row, value) in rows.iter().zip(values) {
            step.moved[*row as usize] += by * f64::from(*value);
        }
    }

    /// Goes along a step as far as the objective falls enough.
    fn take(
        &self,
        mixture: Mixture,
        theta: &mut [f64],
        (output, step, slopes): (usize, &Step, &[f64]),
        state: &mut State,
    ) {
        let (l1, l2) = self.penalties(mixture);
        let (features, outputs) = (self.rows.matrix.features(), self.rows.outputs);
        let weight = |column: usize| theta[column * outputs + output];
        let penalty = |length: f64| {
            let own = |at: usize| {
                let column = step.active[at];
                let weight = weight(column) + length * (step.to[column] - weight(column));
                if weight == 0.0 { 0.0 } else { l1 * weight.abs() + 0.5 * l2 * weight * weight }
            };
            sum::sum_by(step.active.len(), own)
        };
        let before = penalty(0.0);
        let slope = sum::sum_by(slopes.len(), |row| slopes[row] * step.moved[row]);
        let promised = slope + penalty(1.0) - before;
        let mut length = 1.0;
        for _ in 0..40 {
            let change = self.loss_change(state, output, &step.moved, length) + penalty(length) - before;
            if change <= 1e-3 * length * promised.min(0.0) + 1e-16 {
                break;
            }
            length *= 0.5;
        }
        for column in step.active.iter().copied().chain([features]) {
            let slot = &mut theta[column * outputs + output];
            *slot = if length == 1.0 { step.to[column] } else { *slot + length * (step.to[column] - *slot) };
        }
        for (row, moved) in step.moved.iter().enumerate() {
            let slot = &mut state.margins[row * outputs + output];
            if let Some(log_sum) = state.log_sums.get_mut(row) {
                *log_sum += grown(exp(*slot - *log_sum), length * moved);
            }
            *slot += length * moved;
        }
    }

    /// Returns the change of the mean loss when an output's margins move.
    fn loss_change(&self, state: &State, output: usize, moved: &[f64], length: f64) -> f64 {
        let rows = self.rows;
        let of_row = |row: usize| {
            let margin = state.margins[row * rows.outputs + output];
            let by = length * moved[row];
            let change = if rows.link == Link::Softmax {
                let own = if rows.y[row] as usize == output { by } else { 0.0 };
                grown(exp(margin - state.log_sums[row]), by) - own
            } else {
                loss(rows.link, rows.y[row], &mut [margin + by]) - loss(rows.link, rows.y[row], &mut [margin])
            };
            rows.weight(row) * change
        };
        sum::sum_by(moved.len(), of_row) / self.total
    }
}

/// Moves the bias to the minimum of the quadratic model; returns the change, weighed.
fn sweep_bias((slope, square): (f64, f64), curvatures: &[f64], step: &mut Step) -> f64 {
    let turned = sum::sum_by(step.moved.len(), |row| curvatures[row] * step.moved[row]);
    let by = -(slope + turned) / square.max(f64::MIN_POSITIVE);
    for moved in &mut step.moved {
        *moved += by;
    }
    if let Some(bias) = step.to.last_mut() {
        *bias += by;
    }
    square * by * by
}

/// Returns the growth of a log-sum when the margin of a class with probability `p` grows.
fn grown(p: f64, by: f64) -> f64 {
    ln(1.0 + p * (exp(by) - 1.0))
}

fn shrunk(value: f64, by: f64) -> f64 {
    if value > by {
        value - by
    } else if value < -by {
        value + by
    } else {
        0.0
    }
}
