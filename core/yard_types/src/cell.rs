//! How the text of a cell becomes a value. One place for readers (training) and for the scorer
//! (serving), so that both read "1.234,5" or "n/a" alike.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Rules of one column, found at import and carried by the recipe into the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellRules {
    /// Words that mean missing, compared exactly after trimming spaces. The empty cell always does.
    pub null_words: Vec<String>,
    /// Decimal separator.
    pub decimal: char,
    /// Thousands separator that is dropped, if any.
    pub thousands: Option<char>,
    /// Format of a datetime column.
    pub date_format: Option<DateFormat>,
    /// Unit that may stand before or after a number and is dropped ("%", "€"); the number is not scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether words that differ only in case are one word (the lower-case one).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fold_case: bool,
    /// The words of a boolean column as in the file, false first, for class labels and display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean_words: Option<[String; 2]>,
}

impl Default for CellRules {
    fn default() -> Self {
        Self {
            null_words: ["NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A"]
                .map(str::to_owned)
                .to_vec(),
            decimal: '.',
            thousands: None,
            date_format: None,
            unit: None,
            fold_case: false,
            boolean_words: None,
        }
    }
}

/// The date formats that can be read, each unambiguous once chosen for a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateFormat {
    /// `2021-09-25`, also with a time: `2021-09-25T13:45:00.5Z`, `2021-09-25 13:45`, offset `+02:00`.
    Iso,
    /// `9/25/2021`, month first; a time may follow after a space.
    MonthDayYear,
    /// `25/9/2021` or `25.9.2021` or `25-9-2021`, day first; a time may follow after a space.
    DayMonthYear,
    /// `2021/9/25`.
    YearMonthDay,
    /// `September 25, 2021` or `Sep 25, 2021` or `25 Sep 2021`, English month names.
    MonthName,
    /// `20210925`.
    Compact,
}

impl CellRules {
    /// Returns whether the trimmed text means missing.
    pub fn missing(&self, text: &str) -> bool {
        let text = text.trim();
        text.is_empty() || self.null_words.iter().any(|word| word == text)
    }

    /// Returns the null words that are numbers by these rules (such as -200), for cells that arrive as
    /// numbers and not as text.
    pub fn null_numbers(&self) -> Vec<f64> {
        self.null_words.iter().filter_map(|word| self.number(word)).filter(|value| !value.is_nan()).collect()
    }

    /// Returns the word of a category or text cell: trimmed, and in lower case when the column folds case.
    pub fn word<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = text.trim();
        if self.fold_case && text.chars().any(char::is_uppercase) {
            Cow::Owned(text.to_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    }

    /// Parses a number by these rules: optional sign, digits, decimal part, exponent; `inf`,
    /// `Infinity` in any case; the column's unit before or after it. Thousands separators must stand
    /// before groups of three digits. `None` for anything else, `1e999` gives infinity as IEEE rounding
    /// does.
    pub fn number(&self, text: &str) -> Option<f64> {
        let mut text = text.trim();
        if let Some(unit) = &self.unit {
            text =
                text.strip_suffix(unit.as_str()).or(text.strip_prefix(unit.as_str())).unwrap_or(text).trim();
        }
        let unsigned = text.trim_start_matches(['+', '-']);
        if text.len() - unsigned.len() > 1 {
            return None;
        }
        if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
            return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == self.decimal) {
            return None;
        }
        if self.decimal == '.' && self.thousands.is_none() {
            return text.parse().ok();
        }
        if !self.grouped(unsigned) {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            if Some(c) == self.thousands {
                continue;
            }
            if c == self.decimal {
                plain.push('.');
            } else if c == '.' {
                return None;
            } else {
                plain.push(c);
            }
        }
        plain.parse().ok()
    }

    /// Returns whether thousands separators, if any, stand in the whole part before groups of three.
    fn grouped(&self, unsigned: &str) -> bool {
        let Some(thousands) = self.thousands else { return true };
        let whole = unsigned.split([self.decimal, 'e', 'E']).next().unwrap_or("");
        let rest = &unsigned[whole.len()..];
        let mut groups = whole.split(thousands);
        let first = groups.next().map_or(0, str::len);
        let more: Vec<usize> = groups.map(str::len).collect();
        !rest.contains(thousands)
            && (more.is_empty() || ((1..=3).contains(&first) && more.iter().all(|digits| *digits == 3)))
    }

    /// Parses a boolean: `true`/`false`, `yes`/`no`, `t`/`f`, `y`/`n`, `1`/`0`, in any case.
    pub fn boolean(text: &str) -> Option<bool> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "t" | "y" | "1" => Some(true),
            "false" | "no" | "f" | "n" | "0" => Some(false),
            _ => None,
        }
    }

    /// Parses a point in time by the column's format (ISO when none is set).
    pub fn instant(&self, text: &str) -> Option<i64> {
        crate::date::parse(text.trim(), self.date_format.unwrap_or(DateFormat::Iso))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn european_numbers() {
        let rules = CellRules {
            decimal: ',',
            thousands: Some('.'),
            unit: Some("%".to_owned()),
            ..CellRules::default()
        };
        let check = |text: &str, expected: Option<f64>| assert_eq!(rules.number(text), expected, "{text}");
        check("1.234,50", Some(1234.5));
        check("12.000.100", Some(12_000_100.0));
        check("99,00", Some(99.0));
        check("-0,5", Some(-0.5));
        check("9,9 %", Some(9.9));
        check("1.5", None);
        check("1.234.5", None);
        check("1,234.500", None);
        check("1234.500", None);
        check("12,5,1", None);
    }

    #[test]
    fn plain_numbers_and_words() {
        let rules = CellRules::default();
        assert_eq!(rules.number(" 1e999 "), Some(f64::INFINITY));
        assert_eq!(rules.number("-Inf"), Some(f64::NEG_INFINITY));
        assert_eq!(rules.number("1,5"), None);
        assert_eq!(rules.number("nan"), None);
        assert_eq!(rules.word(" Ja "), "Ja");
        let folding = CellRules { fold_case: true, ..CellRules::default() };
        assert_eq!(folding.word(" NEIN"), "nein");
        let sentinel = CellRules { null_words: vec!["NA".to_owned(), "-200".to_owned()], ..rules };
        assert_eq!(sentinel.null_numbers(), [-200.0]);
    }
}
