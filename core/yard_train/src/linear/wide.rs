//! The objective of a linear model with very many parameters (a vocabulary × classes): loss, gradient and
//! products with the Hessian. Rows are walked for margins and columns for gradients, so that nothing as
//! large as the parameters is held per thread. Each number is summed by one thread in row order (the bias
//! by blocks of 4,096 rows), so that the bits do not depend on the number of threads.

use super::{
    loss::{Rows, loss},
    matrix::{Columns, sum_blocks},
};
use rayon::prelude::*;
use yard_metrics::sum;
use yard_score::model::Link;

/// Rows or columns that one thread takes at a time.
const SHARE: usize = 64;

/// Rows of a wide problem with their columns.
pub(super) struct Wide<'a> {
    rows: &'a Rows<'a>,
    columns: &'a Columns,
    total: f64,
    /// L2 penalty divided by the sum of weights.
    penalty: f64,
}

/// What a point in parameter space looks like.
pub(super) struct Point {
    /// Mean loss with the penalty.
    pub(super) value: f64,
    /// `[features + 1, outputs]`.
    pub(super) gradient: Vec<f64>,
    /// Derivatives of the loss of each row by its margins, `[rows, outputs]`.
    slopes: Vec<f64>,
}

impl<'a> Wide<'a> {
    pub(super) fn new(rows: &'a Rows<'a>, columns: &'a Columns, l2: f64) -> Self {
        let total = rows.total_weight();
        Self { rows, columns, total, penalty: l2 / total }
    }

    /// Computes loss and gradient at `theta`, `[features + 1, outputs]`.
    pub(super) fn point(&self, theta: &[f64]) -> Point {
        let (rows, outputs) = (self.rows, self.rows.outputs);
        let mut slopes = vec![0.0; rows.matrix.rows() * outputs];
        let mut losses = vec![0.0; rows.matrix.rows()];
        slopes.par_chunks_mut(outputs).zip(losses.par_iter_mut()).with_min_len(SHARE).enumerate().for_each(
            |(row, (slopes, own))| {
                rows.matrix.margins(row, theta, slopes);
                *own = rows.weight(row) * loss(rows.link, rows.y[row], slopes);
            },
        );
        let weights = theta.len() - outputs;
        let squares = sum::sum_by(weights, |at| theta[at] * theta[at]);
        let value = sum::sum(&losses) / self.total + 0.5 * self.penalty * squares;
        let gradient = self.by_columns(&slopes, theta);
        Point { value, gradient, slopes }
    }

    /// Computes the Hessian at a point times a direction.
    pub(super) fn times(&self, point: &Point, direction: &[f64]) -> Vec<f64> {
        let (rows, outputs) = (self.rows, self.rows.outputs);
        let mut turned = vec![0.0; rows.matrix.rows() * outputs];
        turned.par_chunks_mut(outputs).with_min_len(SHARE).enumerate().for_each(|(row, turned)| {
            rows.matrix.margins(row, direction, turned);
            let slopes = &point.slopes[row * outputs..(row + 1) * outputs];
            let p = |at: usize, slope: f64| slope + self.own_class(row, at);
            if rows.link == Link::Softmax {
                let mean: f64 =
                    turned.iter().zip(slopes).enumerate().map(|(at, (u, slope))| p(at, *slope) * u).sum();
                for (at, (u, slope)) in turned.iter_mut().zip(slopes).enumerate() {
                    *u = p(at, *slope) * (*u - mean);
                }
            } else if rows.link == Link::Logistic {
                let p = slopes[0] + rows.y[row];
                turned[0] *= p * (1.0 - p);
            }
        });
        self.by_columns(&turned, direction)
    }

    /// Returns the diagonal of the Hessian at a point.
    pub(super) fn diagonal(&self, point: &Point) -> Vec<f64> {
        let (rows, outputs) = (self.rows, self.rows.outputs);
        let curvature = |row: usize, at: usize| {
            let slope = point.slopes[row * outputs + at];
            let p = match rows.link {
                Link::Softmax => slope + self.own_class(row, at),
                Link::Logistic => slope + rows.y[row],
                Link::Identity | Link::Log => return rows.weight(row),
            };
            rows.weight(row) * p * (1.0 - p)
        };
        let features = rows.matrix.features();
        let mut out = vec![0.0; (features + 1) * outputs];
        let (lines, bias) = out.split_at_mut(features * outputs);
        lines.par_chunks_mut(outputs).with_min_len(SHARE).enumerate().for_each(|(column, line)| {
            let (own, values) = self.columns.column(column);
            for (row, value) in own.iter().zip(values) {
                let square = f64::from(*value) * f64::from(*value);
                for (at, slot) in line.iter_mut().enumerate() {
                    *slot += square * curvature(*row as usize, at);
                }
            }
            for slot in line.iter_mut() {
                *slot = *slot / self.total + self.penalty;
            }
        });
        for (at, slot) in bias.iter_mut().enumerate() {
            *slot = sum::sum_by(rows.matrix.rows(), |row| curvature(row, at)) / self.total;
        }
        out
    }

    /// Returns 1 for the class of a row, 0 for the others.
    fn own_class(&self, row: usize, output: usize) -> f64 {
        f64::from(u8::from(self.rows.y[row] as usize == output))
    }

    /// Returns the mean over rows of feature × value by column and output, with the penalty's share.
    fn by_columns(&self, by_row: &[f64], theta: &[f64]) -> Vec<f64> {
        let (rows, outputs) = (self.rows, self.rows.outputs);
        let features = rows.matrix.features();
        let mut out = vec![0.0; (features + 1) * outputs];
        let (lines, bias) = out.split_at_mut(features * outputs);
        lines.par_chunks_mut(outputs).with_min_len(SHARE).enumerate().for_each(|(column, line)| {
            let (own, values) = self.columns.column(column);
            for (row, value) in own.iter().zip(values) {
                let row = *row as usize;
                let factor = f64::from(*value) * rows.weight(row);
                let source = &by_row[row * outputs..(row + 1) * outputs];
                for (slot, slope) in line.iter_mut().zip(source) {
                    *slot += factor * slope;
                }
            }
            let theta = &theta[column * outputs..(column + 1) * outputs];
            for (slot, theta) in line.iter_mut().zip(theta) {
                *slot = *slot / self.total + self.penalty * theta;
            }
        });
        let sums = sum_blocks(rows.matrix.rows(), outputs, |range| {
            let mut sums = vec![0.0; outputs];
            for row in range {
                let source = &by_row[row * outputs..(row + 1) * outputs];
                for (slot, slope) in sums.iter_mut().zip(source) {
                    *slot += rows.weight(row) * slope;
                }
            }
            sums
        });
        for (slot, sum) in bias.iter_mut().zip(sums) {
            *slot = sum / self.total;
        }
        out
    }
}
