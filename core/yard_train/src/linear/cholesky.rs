//! Cholesky factorisation of symmetric positive definite matrices in f64, for Newton steps.
//! Method: Golub and Van Loan, 2013, "Matrix Computations", 4th edition, section 4.2.
//! One thread, one operation order: the same bits on every machine.

/// Solves `A x = b` in place of `b`; `a` is `[n, n]` row-major, its lower triangle is read and replaced
/// by the factor. Returns whether `A` was positive definite (else `b` is not the solution).
pub(super) fn solve(a: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    for row in 0..n {
        for column in 0..=row {
            let (left, right) = (&a[row * n..row * n + column], &a[column * n..column * n + column]);
            let rest = a[row * n + column] - dot(left, right);
            if row == column {
                if rest.is_nan() || rest <= 0.0 {
                    return false;
                }
                a[row * n + row] = rest.sqrt();
            } else {
                a[row * n + column] = rest / a[column * n + column];
            }
        }
    }
    for row in 0..n {
        let known = dot(&a[row * n..row * n + row], &b[..row]);
        b[row] = (b[row] - known) / a[row * n + row];
    }
    for row in (0..n).rev() {
        b[row] /= a[row * n + row];
        let value = b[row];
        for (column, slot) in b[..row].iter_mut().enumerate() {
            *slot -= a[row * n + column] * value;
        }
    }
    true
}

/// Returns the sum of products in eight lanes, added pairwise.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (mut left, mut right) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in left.by_ref().zip(right.by_ref()) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    for (lane, (x, y)) in lanes.iter_mut().zip(left.remainder().iter().zip(right.remainder())) {
        *lane += x * y;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_refuses() {
        // A = [[4, 2], [2, 3]], x = [1, -2].
        let (mut a, mut b) = (vec![4.0, 0.0, 2.0, 3.0], vec![0.0, -4.0]);
        assert!(solve(&mut a, &mut b));
        assert!((b[0] - 1.0).abs() < 1e-15 && (b[1] + 2.0).abs() < 1e-15, "{b:?}");
        assert!(!solve(&mut [1.0, 0.0, 2.0, 1.0], &mut [1.0, 1.0]));
        assert!(!solve(&mut [f64::NAN], &mut [1.0]));
    }
}
