//! Chi-square test of homogeneity of counts in a reference and a current sample.
//!
//! Pearson, 1900, doi:10.1080/14786440009463897; cells whose expected count is below 5 are pooled
//! (Cochran, 1954, doi:10.2307/3001616). Effect size: Cramér, 1946, "Mathematical methods of statistics".

use crate::special::chi2_sf;

/// Smallest expected count of a cell that stands alone.
const SMALLEST_EXPECTED: f64 = 5.0;

/// Result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquare {
    /// `Σ (O − E)² / E` over the 2 × k table.
    pub statistic: f64,
    /// Degrees of freedom, cells − 1 after pooling.
    pub df: u64,
    /// P-value.
    pub p_value: f64,
}

/// Returns the test of two lists of counts over the same cells; cells with an expected count below 5 in
/// either sample are pooled into one. `None` when a sample is empty or fewer than two cells remain.
pub fn chi_square(reference: &[f64], current: &[f64]) -> Option<ChiSquare> {
    let (n, m): (f64, f64) = (reference.iter().sum(), current.iter().sum());
    if n.is_nan() || m.is_nan() || n <= 0.0 || m <= 0.0 {
        return None;
    }
    let smaller = n.min(m) / (n + m);
    let mut cells = Vec::with_capacity(reference.len());
    let mut pooled = (0.0, 0.0);
    for (r, c) in reference.iter().zip(current) {
        if (r + c) * smaller < SMALLEST_EXPECTED {
            pooled = (pooled.0 + r, pooled.1 + c);
        } else {
            cells.push((*r, *c));
        }
    }
    if pooled.0 + pooled.1 > 0.0 {
        cells.push(pooled);
    }
    let df = cells.len().checked_sub(1).filter(|df| *df > 0)?;
    let term = |(r, c): &(f64, f64)| {
        let (er, ec) = ((r + c) * n / (n + m), (r + c) * m / (n + m));
        (r - er).powi(2) / er + (c - ec).powi(2) / ec
    };
    let statistic = cells.iter().map(term).sum();
    Some(ChiSquare { statistic, df: df as u64, p_value: chi2_sf(statistic, df as f64) })
}

/// Returns Cramér's V of the test over `rows` observations of both samples together: `sqrt(χ² / N)`, as
/// the table has two rows.
pub fn cramers_v(test: &ChiSquare, rows: u64) -> f64 {
    if rows == 0 { 0.0 } else { (test.statistic / rows as f64).sqrt() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn equal_proportions_give_zero() {
        let test = chi_square(&[30.0, 70.0], &[60.0, 140.0]).unwrap();
        assert_eq!((test.statistic, test.df), (0.0, 1));
        assert!((test.p_value - 1.0).abs() < 1e-12);
    }

    #[test]
    fn rare_cells_are_pooled_and_empty_samples_undefined() {
        let test = chi_square(&[50.0, 50.0, 1.0, 1.0, 1.0], &[50.0, 50.0, 1.0, 1.0, 0.0]).unwrap();
        assert_eq!(test.df, 2);
        assert_eq!(chi_square(&[0.0, 0.0], &[1.0, 2.0]), None);
        assert_eq!(chi_square(&[10.0], &[12.0]), None);
    }
}
