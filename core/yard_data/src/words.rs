//! What a single cell could be: number under which convention, boolean, date of which format, missing.
//! Knows one word at a time; columns are judged in `scan` and `infer`.

use yard_types::{
    cell::{CellRules, DateFormat},
    date,
};

/// Set of things that a word can be, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask(pub(crate) u32);

/// Number of bits in use.
pub(crate) const BITS: usize = 20;

impl Mask {
    /// A number with a decimal point and no thousands.
    pub(crate) const DOT: Self = Self(1);
    /// A number with a decimal point and, if any, grouped commas.
    pub(crate) const DOT_GROUPED: Self = Self(1 << 1);
    /// A number with a decimal comma and no thousands.
    pub(crate) const COMMA: Self = Self(1 << 2);
    /// A number with a decimal comma and, if any, grouped points.
    pub(crate) const COMMA_GROUPED: Self = Self(1 << 3);
    /// A whole number written with digits only (commas between groups of three allowed).
    pub(crate) const INTEGER: Self = Self(1 << 4);
    /// A whole number beyond 2^53, which an f64 can't hold exactly.
    pub(crate) const LONG: Self = Self(1 << 5);
    /// Digits that start with a zero.
    pub(crate) const LEADING_ZERO: Self = Self(1 << 6);
    /// A number with a unit.
    pub(crate) const UNIT: Self = Self(1 << 7);
    /// An infinity, written so or too large.
    pub(crate) const INFINITE: Self = Self(1 << 8);
    /// `true` or `false`.
    pub(crate) const BOOLEAN: Self = Self(1 << 9);
    /// A word that means missing among numbers or dates (`-`, `?`, `k.A.`).
    pub(crate) const NULLISH: Self = Self(1 << 11);
    /// Text with a point or comma in it.
    pub(crate) const SEPARATED: Self = Self(1 << 12);
    /// Looks like a date of some format with parts out of range.
    pub(crate) const DATE_LIKE: Self = Self(1 << 13);
    const FIRST_DATE: u32 = 14;

    pub(crate) const FORMATS: [DateFormat; 6] = [
        DateFormat::Iso,
        DateFormat::MonthDayYear,
        DateFormat::DayMonthYear,
        DateFormat::YearMonthDay,
        DateFormat::MonthName,
        DateFormat::Compact,
    ];

    /// Returns the bit of the date format at a position of [`Self::FORMATS`].
    pub(crate) fn date(position: usize) -> Self {
        Self(1 << (Self::FIRST_DATE + position as u32))
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the bits of a typed number (Parquet, NDJSON).
    pub(crate) fn typed_number(integer: bool) -> Self {
        Self(Self::DOT.0 | Self::DOT_GROUPED.0 | if integer { Self::INTEGER.0 } else { 0 })
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Words that mean missing where the rest of the column is numbers or dates; lower case.
const NULLISH: [&str; 17] = [
    "-", "--", "---", "?", "??", ".", "..", "k.a.", "n.a.", "nil", "missing", "unknown", "#n/a", "#value!",
    "#div/0!", "#ref!", "(null)",
];

/// Units that may stand beside a number.
const UNITS: [&str; 4] = ["%", "€", "$", "£"];

/// A word with what it can be and, for numbers, its value and unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) mask: Mask,
    pub(crate) value: f64,
    pub(crate) unit: Option<&'static str>,
}

/// Judges a trimmed word that isn't empty.
pub(crate) fn judge(text: &str) -> Judged {
    let mut mask = Mask::default();
    let (plain, unit) = strip_unit(text);
    let value = judge_number(plain, &mut mask);
    if value.is_nan() {
        judge_word(text, &mut mask);
    } else if unit.is_some() {
        mask.add(Mask::UNIT);
    }
    let number = !value.is_nan();
    if !number || (plain.len() == 8 && mask.has(Mask::INTEGER)) {
        judge_date(text, &mut mask);
    }
    Judged { mask, value, unit: if number { unit } else { None } }
}

fn strip_unit(text: &str) -> (&str, Option<&'static str>) {
    for unit in UNITS {
        let Some(rest) = text.strip_suffix(unit).or_else(|| text.strip_prefix(unit)) else { continue };
        let rest = rest.trim();
        if !rest.is_empty() {
            return (rest, Some(unit));
        }
    }
    (text, None)
}

/// Sets the number bits and returns the value (by the first convention that fits), NaN when none does.
fn judge_number(text: &str, mask: &mut Mask) -> f64 {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let bytes = unsigned.as_bytes();
    let Some(first) = bytes.first() else { return f64::NAN };
    if !(first.is_ascii_digit() || matches!(first, b'.' | b',' | b'i' | b'I')) || bytes.len() > 400 {
        return f64::NAN;
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        return judge_whole(text, unsigned, mask);
    }
    let (points, commas) = (unsigned.contains('.'), unsigned.contains(','));
    if points || commas {
        mask.add(Mask::SEPARATED);
    }
    let mut value = f64::NAN;
    let mut attempt = |decimal: char, thousands: Option<char>, bit: Mask, possible: bool| {
        if !possible {
            return;
        }
        let rules = CellRules {
            null_words: Vec::new(),
            decimal,
            thousands,
            date_format: None,
            unit: None,
            fold_case: false,
            boolean_words: None,
        };
        if let Some(number) = rules.number(text) {
            mask.add(bit);
            if value.is_nan() {
                value = number;
            }
        }
    };
    attempt('.', None, Mask::DOT, !commas);
    attempt('.', Some(','), Mask::DOT_GROUPED, true);
    attempt(',', None, Mask::COMMA, !points);
    attempt(',', Some('.'), Mask::COMMA_GROUPED, true);
    if value.is_infinite() {
        mask.add(Mask::INFINITE);
    }
    if mask.has(Mask::DOT_GROUPED) && bytes.iter().all(|b| b.is_ascii_digit() || *b == b',') {
        mask.add(Mask::INTEGER);
    }
    value
}

fn judge_whole(text: &str, unsigned: &str, mask: &mut Mask) -> f64 {
    let all = Mask::DOT.0 | Mask::DOT_GROUPED.0 | Mask::COMMA.0 | Mask::COMMA_GROUPED.0 | Mask::INTEGER.0;
    mask.add(Mask(all));
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    if value.abs() > crate::ndjson::EXACT as f64 {
        mask.add(Mask::LONG);
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') {
        mask.add(Mask::LEADING_ZERO);
    }
    value
}

fn judge_word(text: &str, mask: &mut Mask) {
    if text.len() > 8 {
        return;
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        mask.add(Mask::BOOLEAN);
    }
    if NULLISH.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        mask.add(Mask::NULLISH);
    }
}

fn judge_date(text: &str, mask: &mut Mask) {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || bytes.len() > 40 || !bytes.iter().any(u8::is_ascii_digit) {
        return;
    }
    if !bytes[0].is_ascii_digit() && !bytes[0].is_ascii_alphabetic() {
        return;
    }
    for (position, format) in Mask::FORMATS.into_iter().enumerate() {
        let compact = format == DateFormat::Compact;
        if date::parse(text, format).is_some()
            && (!compact || (b"19"..=b"20").contains(&&[bytes[0], bytes[1]]))
        {
            mask.add(Mask::date(position));
        }
    }
    let shape: Vec<&str> = text.split(['-', '/', '.']).collect();
    let digits = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    if shape.len() == 3 && shape.iter().all(digits) && shape.iter().any(|part| part.len() == 4) {
        mask.add(Mask::DATE_LIKE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |text: &str, bits: &[Mask], value: f64| {
            let judged = judge(text);
            let expected = bits.iter().fold(0, |all, bit| all | bit.0);
            let conventions = Mask::DOT.0 | Mask::DOT_GROUPED.0 | Mask::COMMA.0 | Mask::COMMA_GROUPED.0;
            assert_eq!(judged.mask.0 & conventions, expected, "{text}");
            assert!(
                judged.value == value || (judged.value.is_nan() && value.is_nan()),
                "{text}: {}",
                judged.value
            );
        };
        let (d, dg, c, cg) = (Mask::DOT, Mask::DOT_GROUPED, Mask::COMMA, Mask::COMMA_GROUPED);
        check("12", &[d, dg, c, cg], 12.0);
        check("-1.5", &[d, dg], -1.5);
        check("1,5", &[c, cg], 1.5);
        check("1.234", &[d, dg, cg], 1.234);
        check("1,234", &[dg, c, cg], 1234.0);
        check("1.234,50", &[cg], 1234.5);
        check("1,234.50", &[dg], 1234.5);
        check("9,9 %", &[c, cg], 9.9);
        check("€ 30", &[d, dg, c, cg], 30.0);
        check("1e999", &[d, dg, c, cg], f64::INFINITY);
        check("18.00.00", &[], f64::NAN);
        check("€ 30 paid", &[], f64::NAN);
        check("index", &[], f64::NAN);
        check("5more", &[], f64::NAN);
    }

    #[test]
    fn other_kinds() {
        let check = |text: &str, bit: Mask, expected: bool| {
            assert_eq!(judge(text).mask.has(bit), expected, "{text} {bit:?}");
        };
        check("TRUE", Mask::BOOLEAN, true);
        check("k.A.", Mask::NULLISH, true);
        check("2024-01-05", Mask::date(0), true);
        check("2024-02-30", Mask::date(0), false);
        check("2024-02-30", Mask::DATE_LIKE, true);
        check("05/01/2024", Mask::date(1), true);
        check("05/01/2024", Mask::date(2), true);
        check("01/13/2024", Mask::date(2), false);
        check("Jan 9 2024", Mask::date(4), true);
        check("20240105", Mask::date(5), true);
        check("10142018", Mask::date(5), false);
        check("123456789012345678", Mask::LONG, true);
        check("00123", Mask::LEADING_ZERO, true);
        check("0.5", Mask::LEADING_ZERO, false);
    }
}
