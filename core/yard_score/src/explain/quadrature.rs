//! Gauss-Legendre quadrature on 0..1: points and weights that integrate polynomials of degree
//! `2 × points − 1` exactly. Roots of the Legendre polynomial by Newton's method from Tricomi's estimate,
//! in additions, multiplications and divisions alone, so that the bits are the same on every machine.
//! Method: Abramowitz and Stegun (1964), "Handbook of mathematical functions", 25.4.29 and 22.16.6.

/// Points within 0..1, ascending, and their weights, whose sum is 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) points: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Rule {
    pub(super) fn new(n: usize) -> Self {
        let mut out = Self { points: vec![0.5; n], weights: vec![1.0; n] };
        for i in 0..n.div_ceil(2) {
            let angle = std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5);
            let mut x = cosine(angle);
            for _ in 0..8 {
                let (value, slope) = legendre(n, x);
                x -= value / slope;
            }
            if 2 * i + 1 == n {
                x = 0.0;
            }
            let (_, slope) = legendre(n, x);
            let weight = 1.0 / ((1.0 - x * x) * slope * slope);
            (out.points[i], out.points[n - 1 - i]) = (0.5 - 0.5 * x, 0.5 + 0.5 * x);
            (out.weights[i], out.weights[n - 1 - i]) = (weight, weight);
        }
        out
    }
}

/// Returns the Legendre polynomial of degree `n` and its derivative, for |x| < 1.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for k in 2..=n {
        let k = k as f64;
        (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
    }
    (value, n as f64 * (x * value - before) / (x * x - 1.0))
}

/// Returns an estimate of the cosine, for angles up to π/2 and a little beyond.
fn cosine(angle: f64) -> f64 {
    let square = angle * angle;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..12 {
        let even = f64::from(2 * k);
        term *= -square / (even * (even - 1.0));
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly() {
        for n in (1..=40).chain([100, 256]) {
            let rule = Rule::new(n);
            assert!(rule.points.windows(2).all(|pair| pair[0] < pair[1]), "{n} points ascend");
            assert!(rule.points[0] > 0.0 && rule.points[n - 1] < 1.0);
            for power in 0..2 * n {
                let terms = rule.points.iter().zip(&rule.weights);
                let sum: f64 = terms.map(|(x, w)| w * x.powi(power as i32)).sum();
                let expected = 1.0 / (power as f64 + 1.0);
                assert!((sum - expected).abs() < 1e-14, "{n} points, power {power}: {sum}");
            }
        }
    }

    #[test]
    fn one_power_more_is_not() {
        let rule = Rule::new(2);
        let sum: f64 = rule.points.iter().zip(&rule.weights).map(|(x, w)| w * x.powi(4)).sum();
        assert!((sum - 0.2).abs() > 1e-3);
    }
}
