//! The scorer's own exponential, logarithm, sigmoid and softmax in f64, so that probabilities have the
//! same bits on every machine that runs this scorer: additions, multiplications and divisions of
//! IEEE 754 in one fixed order, no fused multiply-add, no call into the platform's mathematics library.
//!
//! Error of `exp`, `ln` and `sigmoid`: at most 2 units in the last place (checked against 40-digit
//! references over the whole range; results below the normal range are rounded once more).
//! Method: argument reduction by powers of two with a split constant (Cody and Waite, 1980, "Software
//! Manual for the Elementary Functions"), then the Taylor series of `exp` and the series of the inverse
//! hyperbolic tangent for `ln`.

/// Upper part of ln 2: 32 significant bits, so that its product with an exponent is exact.
const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
/// ln 2 − [`LN2_HIGH`].
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const INVERSE_LN2: f64 = std::f64::consts::LOG2_E;

/// 1/n! for n = 2..=13.
const EXP_SERIES: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// Returns 2^k for a k of the normal range (−1022..=1023).
fn power_of_two(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// Returns e^x. NaN gives NaN, above 709.79 infinity, below −745.14 zero.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 709.782_712_893_384 {
        return f64::INFINITY;
    }
    if x < -745.133_219_101_941_1 {
        return 0.0;
    }
    let scaled = x * INVERSE_LN2;
    let k = (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i64;
    let high = x - k as f64 * LN2_HIGH;
    let low = k as f64 * LN2_LOW;
    let r = high - low;
    // What the rounding of `r` lost; it enters to first order.
    let lost = (high - r) - low;
    let mut series = EXP_SERIES[11];
    for coefficient in EXP_SERIES[..11].iter().rev() {
        series = series * r + coefficient;
    }
    let y = 1.0 + (r + (r * r * series + lost));
    let half = k / 2;
    y * power_of_two(half) * power_of_two(k - half)
}

/// Returns the natural logarithm. NaN and negative numbers give NaN, zero −∞, infinity infinity.
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let (mut k, mut bits) = (0_i64, x.to_bits());
    if bits >> 52 == 0 {
        bits = (x * 18_014_398_509_481_984.0).to_bits(); // 2^54
        k = -54;
    }
    k += (bits >> 52) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023_u64 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        k += 1;
    }
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let mut series = 1.0 / 25.0;
    for odd in (3..=23).rev().step_by(2) {
        series = series * square + 1.0 / f64::from(odd);
    }
    // ln(1 + f) = f − (f²/2 − s (f²/2 + 2 s² (1/3 + s²/5 + ..))), with f exact.
    let half_square = 0.5 * f * f;
    let tail = s * (half_square + 2.0 * square * series);
    k as f64 * LN2_HIGH - ((half_square - (tail + k as f64 * LN2_LOW)) - f)
}

/// Returns 1 / (1 + e^−x). NaN gives NaN.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + exp(-x))
    } else {
        let e = exp(x);
        e / (1.0 + e)
    }
}

/// Returns ln(p / (1 − p)), the inverse of [`sigmoid`]: −∞ at 0 and below, +∞ at 1 and above.
pub fn logit(p: f64) -> f64 {
    if p.is_nan() {
        f64::NAN
    } else if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p >= 1.0 {
        f64::INFINITY
    } else {
        ln(p) - ln(1.0 - p)
    }
}

/// Replaces scores by e^score / Σ e^score, with the largest score subtracted first and the sum taken in
/// order. An empty slice is left alone.
pub fn softmax(scores: &mut [f64]) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a });
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn distance(a: f64, b: f64) -> u64 {
        let key = |v: f64| {
            let bits = v.to_bits() as i64;
            if bits < 0 { i64::MIN - bits } else { bits }
        };
        key(a).abs_diff(key(b))
    }

    /// Lines `function x y` with both numbers as hexadecimal bits; made by `math_reference.py`.
    #[test]
    fn within_two_units_of_forty_digit_references() {
        let text = include_str!("../tests/fixtures/math_reference.txt");
        let (mut worst, mut lines) = (0, 0);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| f64::from_bits(u64::from_str_radix(words[at], 16).unwrap());
            let (x, expected) = (number(1), number(2));
            let got = match words[0] {
                "exp" => exp(x),
                "ln" => ln(x),
                "sigmoid" => sigmoid(x),
                other => panic!("unknown function {other}"),
            };
            let apart = distance(got, expected);
            assert!(apart <= 2, "{line}: {x:e} gave {got:e}, expected {expected:e}, {apart} units apart");
            worst = worst.max(apart);
            lines += 1;
        }
        assert!(lines >= 3_000, "{lines} lines");
        assert!(worst >= 1, "a correctly rounded result everywhere would mean that nothing was compared");
    }

    #[test]
    fn edges() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan() && sigmoid(f64::NAN).is_nan());
        assert!(exp(709.78) < f64::INFINITY && exp(709.79) == f64::INFINITY);
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert!(ln(-1.0).is_nan());
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(f64::INFINITY), 1.0);
        assert_eq!(sigmoid(f64::NEG_INFINITY), 0.0);
        assert_eq!(logit(0.5), 0.0);
        let mut scores = [1000.0, 1000.0, -1000.0];
        softmax(&mut scores);
        assert_eq!(scores, [0.5, 0.5, 0.0]);
        softmax(&mut []);
    }

    #[test]
    fn sigmoid_does_not_fall() {
        let mut last = 0.0;
        for step in -400_000..=400_000 {
            let p = sigmoid(f64::from(step) * 1e-4);
            assert!(p >= last - 2.0 * f64::EPSILON * last, "at {step}");
            last = p;
        }
    }
}
