//! How the text of a cell becomes a value. One place for readers (training) and for the scorer
//! (serving), so that both read "1.234,5" or "n/a" alike.

use serde::{Deserialize, Serialize};

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

    /// Parses a number by these rules: optional sign, digits, decimal part, exponent; `inf`,
    /// `Infinity` in any case. `None` for anything else, `1e999` gives infinity as IEEE rounding does.
    pub fn number(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        let unsigned = text.trim_start_matches(['+', '-']);
        if text.len() - unsigned.len() > 1 {
            return None;
        }
        let lower = unsigned.to_ascii_lowercase();
        if lower == "inf" || lower == "infinity" {
            return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == self.decimal) {
            return None;
        }
        if self.decimal == '.' && self.thousands.is_none() {
            return text.parse().ok();
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
