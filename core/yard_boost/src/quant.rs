//! Gradients and hessians as fixed-point integers.
//!
//! A row's pair takes 32 bits and travels with its row number in one 64-bit [`Entry`], so that building
//! a histogram reads both in order. In a histogram both are added in one 64-bit word, `gradient <<
//! shift` plus `hessian`; words are added as integers, so a histogram is the same in any order of rows
//! and for any number of threads. Scales are powers of two, chosen from the largest absolute gradient
//! and the number of rows so that [`Quant::chunk`] rows never overflow a word; longer sums are kept in
//! two 64-bit integers. Rounding is to nearest, ties to even.

/// Largest number of rows whose words are added before they are unpacked.
pub(crate) const MAX_CHUNK: usize = 1 << 16;
/// Bits of a gradient next to a hessian, without the sign.
const G_BITS: u32 = 15;
/// Bits of a hessian.
const H_BITS: u32 = 16;
/// `1.5 × 2^52`: adding it rounds a double to a whole number, ties to even.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// A row number in the lower half, its pair of gradient and hessian in the upper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry(u64);

impl Entry {
    /// Joins a row with its pair.
    #[inline]
    pub(crate) fn new(row: u32, pair: u32) -> Self {
        Self(u64::from(pair) << 32 | u64::from(row))
    }

    /// The row.
    #[inline]
    pub(crate) fn row(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline]
    fn pair(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Scales and layout of the words of one tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quant {
    shift: u32,
    /// Rows that may be added in words.
    pub(crate) chunk: usize,
    g_scale: f64,
    h_scale: f64,
    g_limit: f64,
    h_limit: f64,
    /// Whether a row's hessian is 1 in its units, so that sums of them count rows.
    pub(crate) counts: bool,
}

/// Largest values of one tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
    /// All hessians equal [`Range::hessian`].
    pub(crate) constant: bool,
}

/// Smallest `e` with `x <= 2^e`; 0 for what is no positive normal number.
fn ceil_log2(x: f64) -> i32 {
    if !x.is_normal() || x < 0.0 {
        return 0;
    }
    let bits = x.to_bits();
    let floor = (bits >> 52) as i32 - 1023;
    floor + i32::from(bits << 12 != 0)
}

fn power(exponent: i32) -> f64 {
    f64::from_bits(((exponent.clamp(-1000, 1000) + 1023) as u64) << 52)
}

fn round(x: f64) -> i64 {
    (x + ROUND).to_bits() as i64 - ROUND.to_bits() as i64
}

impl Quant {
    /// Chooses scales for a number of rows and the largest values.
    pub(crate) fn new(rows: usize, range: Range) -> Self {
        let chunk = rows.next_power_of_two().clamp(2, MAX_CHUNK);
        let log = chunk.trailing_zeros();
        let rows_log = rows.max(2).next_power_of_two().trailing_zeros();
        let (g_bits, h_bits) =
            if range.constant { ((62 - 2 * log).min(62 - rows_log).min(31), 1) } else { (G_BITS, H_BITS) };
        let h_scale = if range.constant {
            1.0 / range.hessian
        } else {
            power(h_bits as i32 - ceil_log2(range.hessian))
        };
        Self {
            shift: h_bits + log,
            chunk,
            g_scale: power(g_bits as i32 - ceil_log2(range.gradient)),
            h_scale,
            g_limit: ((1_u64 << g_bits) - 1) as f64,
            h_limit: ((1_u64 << h_bits) - 1) as f64,
            counts: range.constant,
        }
    }

    /// Rounds one row's gradient and hessian. A hessian above 0 becomes at least 1 unit.
    #[inline]
    pub(crate) fn pair(&self, gradient: f64, hessian: f64) -> u32 {
        let g = round((gradient * self.g_scale).clamp(-self.g_limit, self.g_limit));
        if self.counts {
            return g as u32;
        }
        let least = if hessian > 0.0 { 1.0 } else { 0.0 };
        let h = round((hessian * self.h_scale).max(least).min(self.h_limit));
        (g as u32) << H_BITS | h as u32
    }

    /// Word of a row.
    #[inline]
    pub(crate) fn word(&self, entry: Entry) -> u64 {
        let pair = entry.pair();
        if self.counts {
            ((i64::from(pair as i32) << self.shift) as u64).wrapping_add(1)
        } else {
            ((i64::from(pair as i32 >> H_BITS) << self.shift) as u64).wrapping_add(u64::from(pair & 0xffff))
        }
    }

    /// Unpacks a sum of at most [`Quant::chunk`] words.
    #[inline]
    pub(crate) fn unpack(&self, word: u64) -> Sum {
        Sum { g: (word as i64) >> self.shift, h: (word & ((1 << self.shift) - 1)) as i64 }
    }

    /// Sums some rows.
    pub(crate) fn total(&self, entries: &[Entry]) -> Sum {
        let chunk = |part: &[Entry]| {
            self.unpack(part.iter().fold(0_u64, |sum, &entry| sum.wrapping_add(self.word(entry))))
        };
        entries.chunks(self.chunk).map(chunk).fold(Sum::default(), |a, b| a + b)
    }

    /// Packs a sum of at most [`Quant::chunk`] words again.
    #[inline]
    pub(crate) fn repack(&self, sum: Sum) -> u64 {
        ((sum.g << self.shift) as u64).wrapping_add(sum.h as u64)
    }

    /// Units of the gradient and of the hessian.
    pub(crate) fn units(&self) -> (f64, f64) {
        (1.0 / self.g_scale, 1.0 / self.h_scale)
    }
}

/// Sums of gradients and hessians in their units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) g: i64,
    pub(crate) h: i64,
}

impl std::ops::Add for Sum {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self { g: self.g.wrapping_add(other.g), h: self.h.wrapping_add(other.h) }
    }
}

impl std::ops::Sub for Sum {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self { g: self.g.wrapping_sub(other.g), h: self.h.wrapping_sub(other.h) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(gradient: f64, hessian: f64, constant: bool) -> Range {
        Range { gradient, hessian, constant }
    }

    fn pack(quant: &Quant, g: f64, h: f64) -> u64 {
        quant.word(Entry::new(7, quant.pair(g, h)))
    }

    #[test]
    fn a_full_chunk_of_the_largest_values_does_not_overflow() {
        for rows in [1, 2, 3, 1000, 32_768, 1 << 20, 1 << 31] {
            for constant in [false, true] {
                for sign in [-1.0, 1.0] {
                    let quant = Quant::new(rows, range(3.7, 0.3, constant));
                    let word = pack(&quant, sign * 3.7, 0.3);
                    let sum = (0..quant.chunk).fold(0_u64, |sum, _| sum.wrapping_add(word));
                    let (one, all) = (quant.unpack(word), quant.unpack(sum));
                    assert_eq!(all.g, one.g * quant.chunk as i64, "{rows} {constant}");
                    assert_eq!(all.h, one.h * quant.chunk as i64);
                    assert!(one.g.checked_mul(rows as i64).is_some());
                }
            }
        }
    }

    #[test]
    fn rounding_is_within_half_a_unit() {
        let quant = Quant::new(1_000_000, range(1.0, 0.25, false));
        let (gu, hu) = quant.units();
        assert!(gu <= 1.0 / 16_384.0 && hu <= 1.0 / 131_072.0, "{gu} {hu}");
        for step in 0..1000 {
            let (g, h) = (f64::from(step) / 500.0 - 1.0, f64::from(step) / 4000.0);
            let sum = quant.unpack(pack(&quant, g, h));
            assert!((sum.g as f64 * gu - g).abs() <= gu, "{g}");
            assert!((sum.h as f64 * hu - h).abs() <= hu, "{h}");
        }
        assert_eq!(quant.unpack(pack(&quant, 0.0, 1e-9)).h, 1);
        assert_eq!(quant.unpack(pack(&quant, 0.0, 0.0)).h, 0);
    }

    #[test]
    fn constant_hessians_count_rows() {
        let quant = Quant::new(1000, range(50.0, 1.0, true));
        assert_eq!(quant.unpack(pack(&quant, -50.0, 1.0)).h, 1);
        assert!(quant.units().0 < 1e-7);
    }

    #[test]
    fn logarithms_round_up() {
        for (x, want) in [(1.0, 0), (1.1, 1), (2.0, 1), (0.25, -2), (0.3, -1), (0.0, 0), (f64::NAN, 0)] {
            assert_eq!(ceil_log2(x), want, "{x}");
        }
    }
}
