//! The feature matrix of linear models: compressed rows (one-hot features are mostly zero), and sums
//! over rows that have the same bits for any number of threads.

use rayon::prelude::*;
use std::ops::Range;
use yard_metrics::sum::BLOCK;
use yard_score::encode::{DENSE_LIMIT, SparseRows};

/// Blocks whose sums are held at once.
const GROUP: usize = 16;

/// Rows of features without their zeros.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f32>,
    features: usize,
}

impl Matrix {
    /// Joins consecutive parts of encoded rows.
    pub(crate) fn new(parts: Vec<SparseRows>, features: usize) -> Self {
        let mut out = Self { starts: vec![0], columns: Vec::new(), values: Vec::new(), features };
        for part in parts {
            let before = out.values.len();
            out.starts.extend(part.starts.iter().skip(1).map(|start| before + start));
            out.columns.extend(part.columns);
            out.values.extend(part.values);
        }
        out
    }

    /// Compresses dense rows, `[rows, features]` row-major.
    #[cfg(test)]
    pub(crate) fn of_dense(rows: &[Vec<f32>]) -> Self {
        let mut part = SparseRows { starts: vec![0], ..SparseRows::default() };
        for row in rows {
            for (column, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                part.columns.push(column as u32);
                part.values.push(*value);
            }
            part.starts.push(part.values.len());
        }
        Self::new(vec![part], rows.first().map_or(0, Vec::len))
    }

    /// Returns the same entries by columns.
    pub(super) fn columns(&self) -> Columns {
        let mut starts = vec![0_usize; self.features + 1];
        for column in &self.columns {
            starts[*column as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let (mut rows, mut values) = (vec![0_u32; self.values.len()], vec![0.0_f32; self.values.len()]);
        for row in 0..self.rows() {
            let (columns, own) = self.row(row);
            for (column, value) in columns.iter().zip(own) {
                let slot = &mut next[*column as usize];
                (rows[*slot], values[*slot]) = (row as u32, *value);
                *slot += 1;
            }
        }
        Columns { starts, rows, values }
    }

    pub(crate) fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Returns the mean number of entries of a row that are not zero.
    pub(crate) fn density(&self) -> usize {
        self.values.len() / self.rows().max(1)
    }

    /// Returns the first feature with a value at the limit of the encoding (where infinities end), and how
    /// many it has.
    pub(crate) fn saturated(&self) -> Option<(usize, usize)> {
        let at_limit = |value: &f32| value.is_nan() || value.abs() >= DENSE_LIMIT;
        let first = self.values.iter().position(at_limit)?;
        let column = self.columns[first];
        let entries = self.columns.iter().zip(&self.values);
        Some((column as usize, entries.filter(|(own, value)| **own == column && at_limit(value)).count()))
    }

    pub(super) fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let span = self.starts[row]..self.starts[row + 1];
        (&self.columns[span.clone()], &self.values[span])
    }

    /// Writes the margins of a row: `theta` is `[features + 1, outputs]`, the last line the bias.
    pub(super) fn margins(&self, row: usize, theta: &[f64], margins: &mut [f64]) {
        let outputs = margins.len();
        margins.copy_from_slice(&theta[self.features * outputs..]);
        let (columns, values) = self.row(row);
        if let [margin] = margins {
            for (column, value) in columns.iter().zip(values) {
                *margin += f64::from(*value) * theta[*column as usize];
            }
            return;
        }
        for (column, value) in columns.iter().zip(values) {
            let line = &theta[*column as usize * outputs..][..outputs];
            for (margin, weight) in margins.iter_mut().zip(line) {
                *margin += f64::from(*value) * weight;
            }
        }
    }
}

/// The entries of a matrix by columns, rows rising within each.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f32>,
}

impl Columns {
    pub(super) fn column(&self, column: usize) -> (&[u32], &[f32]) {
        let span = self.starts[column]..self.starts[column + 1];
        (&self.rows[span.clone()], &self.values[span])
    }
}

/// Sums vectors over blocks of 4,096 rows: blocks in parallel, their sums pairwise in block order.
/// `part(rows)` returns a vector of `length`.
pub(super) fn sum_blocks(
    rows: usize,
    length: usize,
    part: impl Fn(Range<usize>) -> Vec<f64> + Sync,
) -> Vec<f64> {
    let blocks = rows.div_ceil(BLOCK);
    let mut tree = PairwiseTree::default();
    for group in (0..blocks).step_by(GROUP) {
        let sums: Vec<Vec<f64>> = (group..blocks.min(group + GROUP))
            .into_par_iter()
            .map(|block| part(block * BLOCK..rows.min((block + 1) * BLOCK)))
            .collect();
        for sum in sums {
            tree.push(sum);
        }
    }
    tree.total().unwrap_or_else(|| vec![0.0; length])
}

/// Adds vectors pairwise in the order of their arrival, holding one for each level.
#[derive(Default)]
struct PairwiseTree {
    levels: Vec<(u32, Vec<f64>)>,
}

impl PairwiseTree {
    fn push(&mut self, vector: Vec<f64>) {
        let (mut level, mut vector) = (0, vector);
        while let Some((_, earlier)) = self.levels.pop_if(|(own, _)| *own == level) {
            vector = added(earlier, &vector);
            level += 1;
        }
        self.levels.push((level, vector));
    }

    fn total(mut self) -> Option<Vec<f64>> {
        let (_, mut total) = self.levels.pop()?;
        while let Some((_, earlier)) = self.levels.pop() {
            total = added(earlier, &total);
        }
        Some(total)
    }
}

fn added(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_of_compressed_rows() {
        let matrix = Matrix::of_dense(&[vec![1.0, 0.0, 2.0], vec![0.0, 0.0, 0.0]]);
        let theta = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 0.5, 5.0];
        let mut margins = [0.0; 2];
        matrix.margins(0, &theta, &mut margins);
        assert_eq!(margins, [7.5, 75.0]);
        matrix.margins(1, &theta, &mut margins);
        assert_eq!(margins, [0.5, 5.0]);
        assert_eq!((matrix.rows(), matrix.density(), matrix.saturated()), (2, 1, None));
        let columns = matrix.columns();
        assert_eq!(columns.column(1), (&[][..], &[][..]));
        assert_eq!(columns.column(2), (&[0][..], &[2.0][..]));
        let limit = Matrix::of_dense(&[vec![0.0, DENSE_LIMIT], vec![0.0, -DENSE_LIMIT]]);
        assert_eq!(limit.saturated(), Some((1, 2)));
    }

    #[test]
    fn block_sums_do_not_depend_on_threads() {
        let value = |row: usize| (row as f64 * 0.7).sin() / 3.0;
        let total = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map(|pool| {
                pool.install(|| sum_blocks(300_001, 1, |rows| vec![rows.map(value).sum::<f64>()]))
            })
        };
        let (one, three) = (total(1).ok(), total(3).ok());
        assert!(one.is_some());
        assert_eq!(one, three);
        let expected: f64 = (0..300_001).map(value).sum();
        assert!((one.map_or(0.0, |sum| sum[0]) - expected).abs() < 1e-9);
        assert_eq!(sum_blocks(0, 2, |_| Vec::new()), [0.0, 0.0]);
    }
}
