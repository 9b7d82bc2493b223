//! Functions of single values in f32, by additions, multiplications and divisions in one order: the same
//! bits on every machine, and loops over them can be vectorised. Errors are stated at each function.

use super::Pointwise;

impl Pointwise {
    /// Applies the function to each value.
    pub(crate) fn apply(self, values: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Relu => values.iter_mut().for_each(|x| *x = relu(*x)),
            Self::Gelu => values.iter_mut().for_each(|x| *x = gelu(*x)),
            Self::Tanh => values.iter_mut().for_each(|x| *x = tanh(*x)),
        }
    }
}

/// NaN is kept, so that an overflow is reported rather than hidden.
#[inline]
fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

#[inline]
fn gelu(x: f32) -> f32 {
    x * (0.5 + 0.5 * erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

fn tanh(x: f32) -> f32 {
    let e = crate::math::exp(2.0 * f64::from(x));
    (1.0 - 2.0 / (e + 1.0)) as f32
}

/// Returns the error function: a rational approximation on [−4, 4], constant beyond; absolute error below
/// 5e-7.
#[inline]
pub(super) fn erf(x: f32) -> f32 {
    const UP: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_5e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const DOWN: [f32; 5] =
        [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_2e-3, -1.426_473_9e-2];
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let square = x * x;
    let mut up = UP[0];
    for coefficient in &UP[1..] {
        up = up * square + coefficient;
    }
    let mut down = DOWN[0];
    for coefficient in &DOWN[1..] {
        down = down * square + coefficient;
    }
    x * up / down
}

/// Returns e^x of an x that is at most 0; 0 below −87. Relative error below 3e-7. Cephes' polynomial
/// (Moshier, 1992) after the reduction of Cody and Waite, 1980.
#[inline]
pub(super) fn exp_of_negative(x: f32) -> f32 {
    /// Adding it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    let bounded = if x < -87.0 { -87.0 } else { x };
    let k = (bounded * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (bounded - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let mut series = 1.987_569_2e-4_f32;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        series = series * r + coefficient;
    }
    let y = series * r * r + r + 1.0;
    let power = f32::from_bits(((k as i32 + 127) as u32) << 23);
    if x < -87.0 { 0.0 } else { y * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the error function by Python's `math.erf`.
    #[test]
    fn the_error_function_is_near_its_values() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_9),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (1.7, 0.983_790_458_590_774_6),
            (2.5, 0.999_593_047_982_555),
            (3.9, 0.999_999_965_207_751),
            (9.0, 1.0),
        ] {
            assert!((f64::from(erf(x as f32)) - expected).abs() < 5e-7, "{x}: {}", erf(x as f32));
            assert_eq!(erf(-x as f32), -erf(x as f32));
        }
        assert!(erf(f32::NAN).is_nan() && gelu(f32::NAN).is_nan() && relu(f32::NAN).is_nan());
    }

    #[test]
    fn exponentials_are_near_those_in_double_precision() {
        for step in 0..86_999 {
            let x = -(step as f32) * 1e-3;
            let expected = crate::math::exp(f64::from(x));
            let got = f64::from(exp_of_negative(x));
            assert!((got / expected - 1.0).abs() < 3e-7, "{x}: {got} {expected}");
        }
        assert_eq!(exp_of_negative(0.0), 1.0);
        assert_eq!(exp_of_negative(f32::NEG_INFINITY), 0.0);
        assert!(exp_of_negative(f32::NAN).is_nan());
    }

    #[test]
    fn the_tangent_is_near_its_values() {
        for (x, expected) in [(0.0, 0.0), (0.5, 0.462_117_16), (-2.0, -0.964_027_6), (50.0, 1.0)] {
            assert!((tanh(x) - expected).abs() < 1e-7, "{x}");
        }
    }
}
