//! The objective of linear models: `mean over weights of loss + l2 / (2 Σw) × Σ weight²`, the bias not
//! penalised. With that, `l2` is scikit-learn's `1 / C` (logistic) and `alpha` (ridge).

use super::matrix::{Matrix, sum_blocks};
use yard_score::math::{exp, ln, sigmoid};
use yard_score::model::Link;

/// Rows with target and weights.
pub(crate) struct Rows<'a> {
    pub(crate) matrix: &'a Matrix,
    /// Class code or value per row.
    pub(crate) y: &'a [f64],
    /// Weight per row; ones when `None`.
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) link: Link,
    /// Margins per row.
    pub(crate) outputs: usize,
}

impl Rows<'_> {
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// Returns the sum of weights.
    pub(crate) fn total_weight(&self) -> f64 {
        sum_blocks(self.matrix.rows(), 1, |rows| vec![rows.map(|row| self.weight(row)).sum()])[0]
    }

    /// Returns the number of parameters: weights and biases.
    pub(super) fn size(&self) -> usize {
        (self.matrix.features() + 1) * self.outputs
    }

    /// Returns the mean loss without penalty.
    pub(crate) fn mean_loss(&self, theta: &[f64]) -> f64 {
        let sums = sum_blocks(self.matrix.rows(), 2, |rows| {
            let mut margins = vec![0.0; self.outputs];
            let mut sums = vec![0.0; 2];
            for row in rows {
                self.matrix.margins(row, theta, &mut margins);
                sums[0] += self.weight(row) * loss(self.link, self.y[row], &mut margins);
                sums[1] += self.weight(row);
            }
            sums
        });
        sums[0] / sums[1]
    }

    /// Returns the margins of all rows, `[rows, outputs]`.
    pub(super) fn margins(&self, theta: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.matrix.rows() * self.outputs];
        for (row, margins) in out.chunks_exact_mut(self.outputs).enumerate() {
            self.matrix.margins(row, theta, margins);
        }
        out
    }

    /// Returns the mean loss and writes its gradient, `[features + 1, outputs]`, without penalty.
    pub(super) fn loss_and_gradient(&self, theta: &[f64], gradient: &mut Vec<f64>) -> f64 {
        let size = self.size();
        let mut sums = sum_blocks(self.matrix.rows(), size + 2, |rows| {
            let mut margins = vec![0.0; self.outputs];
            let mut sums = vec![0.0; size + 2];
            for row in rows {
                let weight = self.weight(row);
                self.matrix.margins(row, theta, &mut margins);
                sums[size] += weight * loss(self.link, self.y[row], &mut margins);
                sums[size + 1] += weight;
                self.add_gradient(row, weight, &margins, &mut sums);
            }
            sums
        });
        let total = sums[size + 1];
        let mean = sums[size] / total;
        sums.truncate(size);
        for value in &mut sums {
            *value /= total;
        }
        *gradient = sums;
        mean
    }

    /// Adds a row's gradient; `slopes` are the derivatives of its loss by its margins.
    fn add_gradient(&self, row: usize, weight: f64, slopes: &[f64], sums: &mut [f64]) {
        let outputs = self.outputs;
        let (columns, values) = self.matrix.row(row);
        let bias = self.matrix.features() * outputs;
        for (slot, slope) in sums[bias..bias + outputs].iter_mut().zip(slopes) {
            *slot += weight * slope;
        }
        if let [slope] = slopes {
            let factor = weight * slope;
            for (column, value) in columns.iter().zip(values) {
                sums[*column as usize] += factor * f64::from(*value);
            }
            return;
        }
        for (column, value) in columns.iter().zip(values) {
            let factor = weight * f64::from(*value);
            let line = &mut sums[*column as usize * outputs..][..outputs];
            for (slot, slope) in line.iter_mut().zip(slopes) {
                *slot += factor * slope;
            }
        }
    }

    /// Returns the Hessian of the mean loss for one output, `[features + 1, features + 1]` row-major,
    /// lower triangle.
    pub(super) fn hessian(&self, theta: &[f64]) -> Vec<f64> {
        let n = self.size();
        let total = self.total_weight();
        let mut sums = sum_blocks(self.matrix.rows(), n * n, |rows| {
            let mut sums = vec![0.0; n * n];
            for row in rows {
                self.add_curvature(row, theta, &mut sums);
            }
            sums
        });
        for value in &mut sums {
            *value /= total;
        }
        sums
    }

    fn add_curvature(&self, row: usize, theta: &[f64], sums: &mut [f64]) {
        let n = self.size();
        let mut margin = [0.0];
        let curvature = if self.link == Link::Logistic {
            self.matrix.margins(row, theta, &mut margin);
            let p = sigmoid(margin[0]);
            p * (1.0 - p)
        } else {
            1.0
        };
        let factor = self.weight(row) * curvature;
        let (columns, values) = self.matrix.row(row);
        for (index, (column, value)) in columns.iter().zip(values).enumerate() {
            let scaled = factor * f64::from(*value);
            let line = &mut sums[*column as usize * n..][..n];
            for (other, value) in columns[..=index].iter().zip(values) {
                line[*other as usize] += scaled * f64::from(*value);
            }
        }
        let last = &mut sums[(n - 1) * n..];
        for (column, value) in columns.iter().zip(values) {
            last[*column as usize] += factor * f64::from(*value);
        }
        last[n - 1] += factor;
    }
}

/// Returns the loss of a row and replaces its margins by the derivatives of the loss.
pub(crate) fn loss(link: Link, y: f64, margins: &mut [f64]) -> f64 {
    match (link, margins) {
        (Link::Softmax, margins) => softmax_loss(y as usize, margins),
        (Link::Logistic, [margin]) => {
            let m = *margin;
            let loss = m.max(0.0) - y * m + ln(1.0 + exp(-m.abs()));
            *margin = sigmoid(m) - y;
            loss
        }
        (_, [margin]) => {
            let residual = *margin - y;
            *margin = residual;
            0.5 * residual * residual
        }
        (_, _) => f64::NAN,
    }
}

fn softmax_loss(class: usize, margins: &mut [f64]) -> f64 {
    let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = margins.get(class).copied().unwrap_or(f64::NAN);
    let mut sum = 0.0;
    for margin in margins.iter_mut() {
        *margin = exp(*margin - largest);
        sum += *margin;
    }
    for margin in margins.iter_mut() {
        *margin /= sum;
    }
    if let Some(slot) = margins.get_mut(class) {
        *slot -= 1.0;
    }
    ln(sum) + largest - own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_gradient(link: Link, outputs: usize, y: &[f64]) {
        let matrix = Matrix::of_dense(&[vec![1.0, 2.0], vec![-0.5, 0.0], vec![0.3, -1.5]]);
        let weights = [1.0, 0.5, 2.0];
        let rows = Rows { matrix: &matrix, y, weights: Some(&weights), link, outputs };
        let theta: Vec<f64> = (0..rows.size()).map(|i| 0.3 * (i as f64).sin()).collect();
        let mut gradient = Vec::new();
        let value = rows.loss_and_gradient(&theta, &mut gradient);
        assert!((value - rows.mean_loss(&theta)).abs() < 1e-15);
        for at in 0..rows.size() {
            let moved = |by: f64| {
                let mut theta = theta.clone();
                theta[at] += by;
                rows.mean_loss(&theta)
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - gradient[at]).abs() < 1e-9, "{link:?} {at}: {slope} {}", gradient[at]);
        }
        if outputs > 1 {
            return;
        }
        let hessian = rows.hessian(&theta);
        for at in 0..rows.size() {
            let mut moved = theta.clone();
            moved[at] += 1e-5;
            let mut shifted = Vec::new();
            rows.loss_and_gradient(&moved, &mut shifted);
            for row in at..rows.size() {
                let slope = (shifted[row] - gradient[row]) / 1e-5;
                assert!((slope - hessian[row * rows.size() + at]).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn gradients_are_the_slopes_of_the_loss() {
        check_gradient(Link::Logistic, 1, &[0.0, 1.0, 1.0]);
        check_gradient(Link::Identity, 1, &[0.3, -1.0, 2.0]);
        check_gradient(Link::Softmax, 3, &[0.0, 2.0, 1.0]);
    }
}
