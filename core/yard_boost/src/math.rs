//! Exponential, logarithm and sums with one fixed order of operations, so that gradients and losses
//! have the same bits on every machine. No fused multiply-add, no platform library.
//!
//! The scorer has functions of the same accuracy; these have no branches, so that loops over rows become
//! vector code (hence the forced inlining), and they clamp instead of overflowing.
//!
//! Range reduction by ln 2 in two parts (Cody and Waite, 1980, Software Manual for the Elementary
//! Functions), then a Taylor polynomial; both functions are within 2 ulp.

#![allow(clippy::inline_always, reason = "vector loops need the bodies inside")]

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// `1.5 × 2^52`: adding it rounds a double to a whole number, ties to even.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `1 / n!` for n = 13 down to 2.
const EXP: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// `e^x` for `x` clamped to ±700; NaN stays NaN.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let mut p = EXP[0];
    for coefficient in &EXP[1..] {
        p = p * r + coefficient;
    }
    let value = (p * r + 1.0) * r + 1.0;
    let power = (shifted.to_bits() << 52).wrapping_add(1023 << 52);
    value * f64::from_bits(power)
}

/// Natural logarithm of a positive, normal number; smaller ones give the logarithm of the smallest
/// normal number.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    let x = x.max(f64::MIN_POSITIVE);
    let bits = x.to_bits();
    let offset = bits.wrapping_sub(0x3fe6_a09e_667f_3bcd);
    let k = (offset as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((k as u64) << 52));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut p = 1.0 / 23.0;
    for n in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        p = p * z + 1.0 / n;
    }
    let tail = 2.0 * s * (z * p);
    let k = k as f64;
    k * LN2_HIGH + ((2.0 * s + tail) + k * LN2_LOW)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// `ln(1 + e^x)` without overflow.
#[inline(always)]
pub(crate) fn softplus(x: f64) -> f64 {
    let tail = exp(-x.abs());
    // ln(1 + t) with the rounding of 1 + t put back (Goldberg, 1991, doi:10.1145/103162.103163).
    let sum = 1.0 + tail;
    let log = ln(sum) + (tail - (sum - 1.0)) / sum;
    x.max(0.0) + log
}

/// Rows of one block of a sum.
pub(crate) const BLOCK: usize = 4096;

/// Sums pairwise in order.
pub(crate) fn pairwise(values: &[f64]) -> f64 {
    match values {
        [] => 0.0,
        [one] => *one,
        _ => {
            let (left, right) = values.split_at(values.len() / 2);
            pairwise(left) + pairwise(right)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn exp_and_ln_agree_with_the_platform() {
        for step in -7000..7000 {
            let x = f64::from(step) / 10.3;
            let (got, want) = (exp(x), x.exp());
            assert!((got / want - 1.0).abs() < 5e-16, "exp({x}): {got} {want}");
            let y = want;
            let (got, want) = (ln(y), y.ln());
            assert!((got - want).abs() <= 5e-16 * want.abs().max(1e-3), "ln({y}): {got} {want}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(ln(1.0), 0.0);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn softplus_and_sigmoid_keep_their_tails() {
        for step in -600..600 {
            let x = f64::from(step) / 10.0;
            let want = x.max(0.0) + (-x.abs()).exp().ln_1p();
            assert!((softplus(x) / want - 1.0).abs() < 1e-14, "{x}");
            assert!((sigmoid(x) * (1.0 + (-x).exp()) - 1.0).abs() < 1e-14, "{x}");
        }
    }

    #[test]
    fn pairwise_sums_all() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(pairwise(&values), 499_500.0);
        assert_eq!(pairwise(&[]), 0.0);
    }
}
