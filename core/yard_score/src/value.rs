//! From the value of a field, in whatever form it arrives, to what the recipe computes with. One place
//! for tables, JSON rows and single rows, so that "12", 12 and a column of numbers read alike.
//!
//! - Text that the field's rules call missing is missing, for every type; so is a number that one of
//!   these words means (such as −200), as in the readers of files.
//! - Number and integer fields: numbers, or text parsed by the field's rules.
//! - Boolean fields: 0 and 1, or the words of [`CellRules::boolean`].
//! - Category and text fields: the exact word, else as [`CellRules::word`] reads it; a number matches the category
//!   with its canonical text (`1` and `1.0` match "1"); a point in time its ISO text.
//! - Datetime fields: points in time, text by the field's date format or ISO 8601, or a number of microseconds
//!   since 1970 (digits such as 20210925 where the field's format is compact).
//! - Image fields: `data:image/png;base64,...` (or JPEG) whose image can be decoded.

use std::borrow::Cow;
use yard_types::{
    cell::{CellRules, DateFormat},
    recipe::FittedInput,
    schema::FieldType,
    table::FieldValue,
};

/// A value as the features are computed from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum InputValue {
    Missing,
    Number(f64),
    Code(u32),
    Instant(i64),
}

/// One input field, ready to read values.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) field_type: FieldType,
    rules: CellRules,
    null_numbers: Vec<f64>,
    categories: Vec<String>,
    /// Categories that are the text of a number: (ordered key of the number, code), sorted.
    numbers: Vec<(u64, u32)>,
}

impl Input {
    pub(crate) fn new(fitted: &FittedInput) -> Self {
        let mut numbers = Vec::new();
        for (code, category) in fitted.categories.iter().enumerate() {
            if let Some(number) = canonical_number(category) {
                numbers.push((number.to_bits(), code as u32));
            }
        }
        numbers.sort_unstable();
        numbers.dedup_by_key(|(key, _)| *key);
        Self {
            name: fitted.name.clone(),
            field_type: fitted.field_type,
            rules: fitted.rules.clone(),
            null_numbers: fitted.rules.null_numbers(),
            categories: fitted.categories.clone(),
            numbers,
        }
    }

    /// Returns the code of an unseen category.
    pub(crate) fn other(&self) -> u32 {
        self.categories.len() as u32
    }

    /// Returns what this field expects, for messages.
    pub(crate) fn expected(&self) -> &'static str {
        match self.field_type {
            FieldType::Number => "a number",
            FieldType::Integer => "a whole number",
            FieldType::Boolean => "true or false",
            FieldType::Category | FieldType::Text => "text",
            FieldType::Datetime => "a date and time",
            FieldType::Image => "a PNG or JPEG as data:image/png;base64,...",
        }
    }

    /// Reads a value; `None` when it does not fit the type.
    pub(crate) fn read(&self, value: FieldValue<'_>) -> Option<InputValue> {
        match value {
            FieldValue::Missing => Some(InputValue::Missing),
            FieldValue::Number(number) if self.missing_number(number) => Some(InputValue::Missing),
            FieldValue::Number(number) => self.read_number(number),
            FieldValue::Text(text) => self.read_text(text),
            FieldValue::Instant(micros) => self.read_instant(micros),
        }
    }

    /// Returns whether a number means missing.
    pub(crate) fn missing_number(&self, number: f64) -> bool {
        number.is_nan() || self.null_numbers.contains(&number)
    }

    /// Returns the text of a value, trimmed; `None` when it is missing.
    pub(crate) fn text<'a>(&self, value: FieldValue<'a>) -> Option<Cow<'a, str>> {
        match value {
            FieldValue::Missing => None,
            FieldValue::Number(number) if self.missing_number(number) => None,
            FieldValue::Number(number) => Some(Cow::Owned(format!("{}", number + 0.0))),
            FieldValue::Text(text) if self.rules.missing(text) => None,
            FieldValue::Text(text) => Some(self.rules.word(text)),
            FieldValue::Instant(micros) => Some(Cow::Owned(yard_types::date::format_iso(micros))),
        }
    }

    fn read_number(&self, number: f64) -> Option<InputValue> {
        match self.field_type {
            FieldType::Number | FieldType::Integer => Some(InputValue::Number(number)),
            FieldType::Boolean => (number == 0.0 || number == 1.0).then_some(InputValue::Number(number)),
            FieldType::Category | FieldType::Text => {
                let key = (number + 0.0).to_bits();
                let found = self.numbers.binary_search_by_key(&key, |(own, _)| *own);
                Some(InputValue::Code(found.map_or(self.other(), |at| self.numbers[at].1)))
            }
            FieldType::Datetime => self.number_as_instant(number).map(InputValue::Instant),
            FieldType::Image => None,
        }
    }

    fn number_as_instant(&self, number: f64) -> Option<i64> {
        let whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        if !whole {
            return None;
        }
        if self.rules.date_format == Some(DateFormat::Compact) {
            let number = number as i64;
            let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
            if !(0..=9_999).contains(&year) {
                return None;
            }
            let days = yard_types::date::days_from_civil(year as i32, month as u32, day as u32)?;
            return days.checked_mul(86_400_000_000);
        }
        Some(number as i64)
    }

    fn read_text(&self, text: &str) -> Option<InputValue> {
        if self.rules.missing(text) {
            return Some(InputValue::Missing);
        }
        match self.field_type {
            FieldType::Number | FieldType::Integer => self.rules.number(text).map(InputValue::Number),
            FieldType::Boolean => CellRules::boolean(text).map(|yes| InputValue::Number(f64::from(yes))),
            FieldType::Category | FieldType::Text => Some(InputValue::Code(self.code(text))),
            FieldType::Datetime => {
                let instant = self.rules.instant(text);
                let instant = instant.or_else(|| yard_types::date::parse(text.trim(), DateFormat::Iso));
                instant.map(InputValue::Instant)
            }
            FieldType::Image => crate::image::read(text, None).ok().map(|_| InputValue::Code(0)),
        }
    }

    fn read_instant(&self, micros: i64) -> Option<InputValue> {
        match self.field_type {
            FieldType::Datetime => Some(InputValue::Instant(micros)),
            FieldType::Category | FieldType::Text => {
                let text = yard_types::date::format_iso(micros);
                let code = self.code(&text);
                let date = text.strip_suffix("T00:00:00Z").filter(|_| code == self.other());
                Some(InputValue::Code(date.map_or(code, |date| self.code(date))))
            }
            _ => None,
        }
    }

    fn find(&self, word: &str) -> Option<u32> {
        let found = self.categories.binary_search_by(|own| own.as_str().cmp(word));
        found.ok().map(|at| at as u32)
    }

    fn code(&self, word: &str) -> u32 {
        self.find(word).or_else(|| self.find(&self.rules.word(word))).unwrap_or_else(|| self.other())
    }
}

/// Returns the number whose canonical text (shortest digits, no exponent; a trailing ".0" is allowed)
/// this is.
fn canonical_number(text: &str) -> Option<f64> {
    if !text.ends_with(|c: char| c.is_ascii_digit()) || text.len() > 330 {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let plain = text.strip_suffix(".0").unwrap_or(text);
    (number.is_finite() && format!("{}", number + 0.0) == plain).then_some(number + 0.0)
}

/// Returns a value as it is shown in a message.
pub(crate) fn shown(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Missing => "nothing".to_owned(),
        FieldValue::Number(number) => format!("{number}"),
        FieldValue::Text(text) => crate::error::quoted(text),
        FieldValue::Instant(micros) => yard_types::date::format_iso(micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(field_type: FieldType, categories: &[&str]) -> Input {
        Input::new(&FittedInput {
            name: "f".to_owned(),
            field_type,
            rules: CellRules::default(),
            categories: categories.iter().map(|word| (*word).to_owned()).collect(),
        })
    }

    #[test]
    fn readings() {
        use InputValue::{Code, Instant, Missing, Number};
        let check = |field_type, value, expected: Option<InputValue>| {
            let input = input(field_type, &["-1", "0.5", "1", "10.0", "2021-09-25", "yes"]);
            assert_eq!(input.read(value), expected, "{field_type:?} {value:?}");
        };
        let text = FieldValue::Text;
        check(FieldType::Number, text(" 12.5 "), Some(Number(12.5)));
        check(FieldType::Number, text("n/a"), Some(Missing));
        check(FieldType::Number, text("twelve"), None);
        check(FieldType::Number, FieldValue::Number(f64::NAN), Some(Missing));
        check(FieldType::Number, FieldValue::Instant(0), None);
        check(FieldType::Integer, FieldValue::Number(f64::INFINITY), Some(Number(f64::INFINITY)));
        check(FieldType::Boolean, text("TRUE"), Some(Number(1.0)));
        check(FieldType::Boolean, FieldValue::Number(0.0), Some(Number(0.0)));
        check(FieldType::Boolean, FieldValue::Number(2.0), None);
        check(FieldType::Category, text("yes"), Some(Code(5)));
        check(FieldType::Category, text(" yes"), Some(Code(5)));
        check(FieldType::Category, text("no"), Some(Code(6)));
        check(FieldType::Category, text(""), Some(Missing));
        check(FieldType::Category, FieldValue::Number(1.0), Some(Code(2)));
        check(FieldType::Category, FieldValue::Number(-1.0), Some(Code(0)));
        check(FieldType::Category, FieldValue::Number(10.0), Some(Code(3)));
        check(FieldType::Category, FieldValue::Number(-0.0), Some(Code(6)));
        check(FieldType::Category, FieldValue::Instant(1_632_528_000_000_000), Some(Code(4)));
        check(FieldType::Datetime, text("1970-01-02"), Some(Instant(86_400_000_000)));
        check(FieldType::Datetime, FieldValue::Number(5.0), Some(Instant(5)));
        check(FieldType::Datetime, FieldValue::Number(5.5), None);
        check(FieldType::Datetime, text("soon"), None);
    }

    #[test]
    fn numbers_that_mean_missing() {
        for field_type in [FieldType::Number, FieldType::Integer, FieldType::Category, FieldType::Text] {
            let rules = CellRules { null_words: vec!["-200".to_owned()], ..CellRules::default() };
            let (name, categories) = ("f".to_owned(), vec!["-200".to_owned(), "3".to_owned()]);
            let input = Input::new(&FittedInput { name, field_type, rules, categories });
            let read = |value| input.read(value);
            assert_eq!(read(FieldValue::Number(-200.0)), Some(InputValue::Missing), "{field_type:?}");
            assert_eq!(read(FieldValue::Text("-200")), Some(InputValue::Missing));
            assert_eq!(read(FieldValue::Number(3.0)), read(FieldValue::Text("3")));
            assert_eq!(input.text(FieldValue::Number(-200.0)), None);
            assert_eq!(input.text(FieldValue::Number(3.0)).as_deref(), Some("3"));
        }
    }

    #[test]
    fn compact_dates_given_as_numbers() {
        let mut input = input(FieldType::Datetime, &[]);
        input.rules.date_format = Some(DateFormat::Compact);
        let number = input.read(FieldValue::Number(20_210_925.0));
        assert_eq!(number, input.read(FieldValue::Text("20210925")));
        assert_eq!(input.read(FieldValue::Number(20_211_325.0)), None);
        assert_eq!(input.read(FieldValue::Number(-5.0)), None);
    }
}
