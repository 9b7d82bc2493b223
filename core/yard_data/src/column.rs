//! Fills a column of a given type from cells, by the rules of training. A cell that does not fit becomes
//! missing and is counted.

use crate::findings::{With, counted, finding, shown};
use crate::raw::{CellSink, Raw};
use std::collections::HashMap;
use yard_types::{
    cell::{CellRules, DateFormat},
    date,
    profile::{Finding, Severity},
    recipe::FittedInput,
    schema::{Field, FieldType},
    table::{Column, MISSING_CODE, MISSING_INSTANT, TextColumn},
};

/// A column to read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Name in the file.
    pub name: String,
    /// Type to read it as.
    pub field_type: FieldType,
    /// How text becomes a value.
    pub rules: CellRules,
    /// Absent columns are an error unless this is true; then the table lacks them.
    pub optional: bool,
    /// Keep text as in the file: no trimming, no null words but the empty cell.
    pub verbatim: bool,
}

impl Wanted {
    /// A column whose text is kept as in the file, such as an identifier; not an error when absent.
    pub fn verbatim(name: &str) -> Self {
        let rules = CellRules { null_words: Vec::new(), ..CellRules::default() };
        Self { name: name.to_owned(), field_type: FieldType::Text, rules, optional: true, verbatim: true }
    }

    /// The same column, not an error when absent.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

impl From<&Field> for Wanted {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            field_type: field.field_type,
            rules: field.rules.clone(),
            optional: false,
            verbatim: false,
        }
    }
}

impl From<&FittedInput> for Wanted {
    fn from(input: &FittedInput) -> Self {
        Self {
            name: input.name.clone(),
            field_type: input.field_type,
            rules: input.rules.clone(),
            optional: false,
            verbatim: false,
        }
    }
}

/// Fills one column.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    wanted: Wanted,
    values: Values,
    null_numbers: Vec<f64>,
    rows: u64,
    misfits: u64,
    examples: Vec<String>,
}

#[derive(Debug)]
enum Values {
    Number(Vec<f64>),
    Text { text: TextColumn, index: HashMap<Box<str>, u32> },
    Instant(Vec<i64>),
}

impl Values {
    fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Number | FieldType::Integer | FieldType::Boolean => Self::Number(Vec::new()),
            FieldType::Category | FieldType::Text | FieldType::Image => {
                Self::Text { text: TextColumn::default(), index: HashMap::new() }
            }
            FieldType::Datetime => Self::Instant(Vec::new()),
        }
    }
}

impl ColumnBuilder {
    pub(crate) fn new(wanted: Wanted) -> Self {
        let null_numbers = wanted.rules.null_numbers();
        let values = Values::new(wanted.field_type);
        Self { wanted, values, null_numbers, rows: 0, misfits: 0, examples: Vec::new() }
    }

    /// Takes the column filled so far and starts the next; counts go on.
    pub(crate) fn take(&mut self) -> Column {
        let values = std::mem::replace(&mut self.values, Values::new(self.wanted.field_type));
        match values {
            Values::Number(values) => Column::Number(values),
            Values::Text { text, .. } => Column::Text(text),
            Values::Instant(values) => Column::Instant(values),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.wanted.name
    }

    /// Returns what did not fit, if anything.
    pub(crate) fn finding(&self) -> Option<Finding> {
        if self.misfits == 0 {
            return None;
        }
        let message = format!(
            "{} not fit the column's type ({}; first: {}) and read as missing; mend them or change the type",
            counted(self.misfits, "cell does", "cells do"),
            self.wanted.field_type.word(),
            self.examples.first().map_or("", String::as_str)
        );
        let found = finding(Severity::Warning, "misfit", self.misfits, message);
        Some(found.on(&self.wanted.name).examples(self.examples.clone()))
    }

    fn misfit(&mut self, cell: &str) {
        self.misfits += 1;
        if self.examples.len() < 5 {
            self.examples.push(format!("row {}: \"{}\"", self.rows, shown(cell)));
        }
        self.push_missing();
    }

    fn push_missing(&mut self) {
        match &mut self.values {
            Values::Number(values) => values.push(f64::NAN),
            Values::Text { text, .. } => text.codes.push(MISSING_CODE),
            Values::Instant(values) => values.push(MISSING_INSTANT),
        }
    }

    fn push_text(&mut self, cell: &str) {
        if self.wanted.verbatim {
            self.push_word(cell);
            return;
        }
        if self.wanted.rules.missing(cell) {
            self.push_missing();
            return;
        }
        let rules = &self.wanted.rules;
        let fits = match &mut self.values {
            Values::Number(values) => {
                let number = if self.wanted.field_type == FieldType::Boolean {
                    CellRules::boolean(cell).map(f64::from)
                } else {
                    rules.number(cell)
                };
                number.map(|number| values.push(number)).is_some()
            }
            Values::Instant(values) => rules.instant(cell).map(|micros| values.push(micros)).is_some(),
            Values::Text { text, index } => {
                push_coded(text, index, &rules.word(cell));
                true
            }
        };
        if !fits {
            self.misfit(cell);
        }
    }

    fn push_word(&mut self, word: &str) {
        if let Values::Text { text, index } = &mut self.values {
            push_coded(text, index, word);
        }
    }

    fn push_number(&mut self, number: f64, shown: &dyn Fn() -> String) {
        if number.is_nan() || self.null_numbers.contains(&number) {
            self.push_missing();
            return;
        }
        let boolean = self.wanted.field_type == FieldType::Boolean;
        match &mut self.values {
            Values::Number(values) if !boolean || number == 0.0 || number == 1.0 => values.push(number),
            Values::Number(_) => self.misfit(&shown()),
            Values::Text { .. } => self.push_text(&shown()),
            Values::Instant(values) => {
                let compact = self.wanted.rules.date_format == Some(DateFormat::Compact);
                let micros = if compact {
                    self.wanted.rules.instant(&shown())
                } else {
                    (number.fract() == 0.0 && number.abs() <= crate::ndjson::EXACT as f64)
                        .then_some(number as i64)
                };
                match micros {
                    Some(micros) => values.push(micros),
                    None => self.misfit(&shown()),
                }
            }
        }
    }

    fn push_boolean(&mut self, yes: bool) {
        match &mut self.values {
            Values::Number(values) => values.push(f64::from(yes)),
            Values::Text { .. } => self.push_text(if yes { "true" } else { "false" }),
            Values::Instant(_) => self.misfit(if yes { "true" } else { "false" }),
        }
    }

    fn push_instant(&mut self, micros: i64) {
        match &mut self.values {
            Values::Instant(values) => values.push(micros),
            Values::Text { .. } => self.push_text(&instant_text(micros)),
            Values::Number(_) => self.misfit(&instant_text(micros)),
        }
    }
}

fn push_coded(text: &mut TextColumn, index: &mut HashMap<Box<str>, u32>, word: &str) {
    let code = if let Some(code) = index.get(word) {
        *code
    } else {
        let code = text.words.len() as u32;
        text.words.push(word.to_owned());
        index.insert(word.into(), code);
        code
    };
    text.codes.push(code);
}

/// Returns a point in time as text: the date alone at midnight, else ISO 8601 in UTC.
pub(crate) fn instant_text(micros: i64) -> String {
    let text = date::format_iso(micros);
    text.strip_suffix("T00:00:00Z").map_or_else(|| text.clone(), str::to_owned)
}

impl CellSink for ColumnBuilder {
    fn push(&mut self, cell: Raw<'_>) {
        self.rows += 1;
        match cell {
            Raw::Missing => self.push_missing(),
            Raw::Text(text) => self.push_text(text),
            Raw::Number(number) => self.push_number(number, &|| format!("{}", number + 0.0)),
            Raw::Integer(integer) => self.push_number(integer as f64, &|| integer.to_string()),
            Raw::Boolean(yes) => self.push_boolean(yes),
            Raw::Instant(micros) => self.push_instant(micros),
        }
    }
}
