//! Special functions: logarithm of the gamma function, regularised incomplete gamma function, the
//! chi-square distribution and the Kolmogorov distribution.
//!
//! Lanczos, 1964, "A precision approximation of the gamma function", doi:10.1137/0701008; series and
//! continued fraction of the incomplete gamma function: Press et al., 2007, Numerical Recipes, 6.2.

const TINY: f64 = 1e-300;
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// Returns ln Γ(x) for x > 0 (relative error about 1e-15); NaN otherwise.
pub fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    if x < 0.5 {
        // Reflection: Γ(x) Γ(1 − x) = π / sin(πx).
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + 7.5;
    let series = LANCZOS[1..]
        .iter()
        .enumerate()
        .fold(LANCZOS[0], |sum, (index, c)| sum + c / (x + index as f64 + 1.0));
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + series.ln()
}

/// Returns the lower and upper regularised incomplete gamma function, P(a, x) and Q(a, x) = 1 − P, each
/// with full relative precision where it is small. NaN for a <= 0 or x < 0.
pub fn gamma_p_q(a: f64, x: f64) -> (f64, f64) {
    if a.is_nan() || x.is_nan() || a <= 0.0 || x < 0.0 {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if x == f64::INFINITY {
        return (1.0, 0.0);
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let p = (scale * gamma_series(a, x)).min(1.0);
        (p, 1.0 - p)
    } else {
        let q = (scale * gamma_fraction(a, x)).min(1.0);
        (1.0 - q, q)
    }
}

fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut total, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..10_000 {
        n += 1.0;
        term *= x / n;
        total += term;
        if term < total * 1e-17 {
            break;
        }
    }
    total
}

/// Lentz's method for the continued fraction of Q.
fn gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + an / c;
        c = if c.abs() < TINY { TINY } else { c };
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// Returns P(X > x) for X chi-square with `df` degrees of freedom; 1 without degrees of freedom.
pub fn chi2_sf(x: f64, df: f64) -> f64 {
    if df <= 0.0 { 1.0 } else { gamma_p_q(0.5 * df, 0.5 * x.max(0.0)).1 }
}

/// Returns x with P(X <= x) = q for X chi-square with `df` degrees of freedom; 0 without degrees of
/// freedom. Bisection on a bracket, to full precision.
pub fn chi2_quantile(q: f64, df: f64) -> f64 {
    if df.is_nan() || q.is_nan() || df <= 0.0 || q <= 0.0 {
        return 0.0;
    }
    if q >= 1.0 {
        return f64::INFINITY;
    }
    // The smaller tail decides, so that neither end loses precision.
    let above = |x: f64| {
        let (p, upper) = gamma_p_q(0.5 * df, 0.5 * x);
        if q < 0.5 { p >= q } else { upper <= 1.0 - q }
    };
    let mut high = df.max(1.0);
    while !above(high) {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..2_000 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if above(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Returns P(K > x) of the Kolmogorov distribution: `2 Σ (−1)^(k−1) exp(−2 k² x²)`; below 1 the
/// equivalent theta series, which converges there (Marsaglia, Tsang and Wang, 2003,
/// doi:10.18637/jss.v008.i18).
pub fn kolmogorov_sf(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let exponent = |k: f64| -((2.0 * k - 1.0) * std::f64::consts::PI).powi(2) / (8.0 * x * x);
        let below: f64 = (1..=10).map(|k| exponent(f64::from(k)).exp()).sum();
        return (1.0 - std::f64::consts::TAU.sqrt() / x * below).clamp(0.0, 1.0);
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (2.0 * (1..=20).map(term).sum::<f64>()).clamp(0.0, 1.0)
}
