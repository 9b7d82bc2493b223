//! Cells as text: for tables in the window, class labels, group and split words. Knows nothing of files.

use crate::column::instant_text;
use yard_types::{
    event::RowPage,
    ids::DatasetId,
    schema::{Field, FieldType, Schema},
    table::{Column, FieldValue, Table},
};

/// Returns a number as text that parses back to the same bits: whole numbers below 10^15 without a
/// decimal point, else the shortest digits; `inf` and `-inf` for infinities.
pub fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{}", number + 0.0);
    }
    let digits = format!("{number:?}");
    digits.strip_suffix(".0").map_or_else(|| digits.clone(), str::to_owned)
}

/// Returns the same for an f32, with the shortest digits that parse back to the same f32.
pub fn number_text_f32(number: f32) -> String {
    if number.fract() == 0.0 && number.abs() < 1e7 {
        return format!("{}", number + 0.0);
    }
    let digits = format!("{number:?}");
    digits.strip_suffix(".0").map_or_else(|| digits.clone(), str::to_owned)
}

/// Returns a cell as text, `None` when missing: numbers by [`number_text`], booleans by the words of the
/// file (else `true` and `false`), dates as `2021-09-25` or ISO 8601 with time.
pub fn cell_text(field: &Field, value: FieldValue<'_>) -> Option<String> {
    Some(match value {
        FieldValue::Missing => return None,
        FieldValue::Text(text) => text.to_owned(),
        FieldValue::Instant(micros) => instant_text(micros),
        FieldValue::Number(number) if field.field_type == FieldType::Boolean => {
            let yes = number != 0.0;
            match &field.rules.boolean_words {
                Some(words) => words[usize::from(yes)].clone(),
                None => if yes { "true" } else { "false" }.to_owned(),
            }
        }
        FieldValue::Number(number) => number_text(number),
    })
}

/// A column as codes of its distinct texts: `codes[row]` indexes `labels`; `u32::MAX` is missing. Labels
/// are sorted: by number when all are numbers, else by text (byte order).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) codes: Vec<u32>,
    pub(crate) labels: Vec<String>,
}

impl Labels {
    /// Codes a column of any type.
    pub(crate) fn of(field: &Field, column: &Column) -> Self {
        let coded = match column {
            Column::Text(text) => text.clone(),
            Column::Number(values) => {
                coded(values.iter().map(|value| value.to_bits()), |row| column.value(row), field)
            }
            Column::Instant(values) => {
                coded(values.iter().map(|value| *value as u64), |row| column.value(row), field)
            }
        };
        let mut used: Vec<bool> = vec![false; coded.words.len()];
        for code in &coded.codes {
            if let Some(slot) = used.get_mut(*code as usize) {
                *slot = true;
            }
        }
        let mut order: Vec<u32> = (0..coded.words.len() as u32).filter(|code| used[*code as usize]).collect();
        let word = |code: u32| coded.words[code as usize].as_str();
        let numbers: Option<Vec<f64>> = order.iter().map(|code| word(*code).parse().ok()).collect();
        if numbers.is_some() {
            let number = |code: u32| word(code).parse::<f64>().unwrap_or(f64::NAN);
            order.sort_by(|a, b| number(*a).total_cmp(&number(*b)).then_with(|| word(*a).cmp(word(*b))));
        } else {
            order.sort_by(|a, b| word(*a).cmp(word(*b)));
        }
        let mut place = vec![u32::MAX; coded.words.len()];
        for (at, code) in order.iter().enumerate() {
            place[*code as usize] = at as u32;
        }
        Self {
            codes: coded
                .codes
                .iter()
                .map(|code| place.get(*code as usize).copied().unwrap_or(u32::MAX))
                .collect(),
            labels: order.iter().map(|code| word(*code).to_owned()).collect(),
        }
    }

    /// Returns the rows of each label.
    pub(crate) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.labels.len()];
        for code in &self.codes {
            if let Some(count) = counts.get_mut(*code as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// Codes values that repeat by their bits; equal texts (0 and -0) share a code.
fn coded<'a>(
    bits: impl Iterator<Item = u64>,
    value: impl Fn(usize) -> FieldValue<'a>,
    field: &Field,
) -> yard_types::table::TextColumn {
    let mut of_bits: std::collections::HashMap<u64, u32> = std::collections::HashMap::new();
    let mut of_text: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
    let mut out = yard_types::table::TextColumn::default();
    for (row, bits) in bits.enumerate() {
        let code = if let Some(code) = of_bits.get(&bits) {
            *code
        } else {
            let code = match cell_text(field, value(row)) {
                None => u32::MAX,
                Some(text) => *of_text.entry(text).or_insert_with_key(|text| {
                    out.words.push(text.clone());
                    out.words.len() as u32 - 1
                }),
            };
            of_bits.insert(bits, code);
            code
        };
        out.codes.push(code);
    }
    out
}

/// Returns rows as text for the window's table. Rows beyond the end are left out.
pub fn rows_page(table: &Table, schema: &Schema, dataset: DatasetId, start: u64, count: u64) -> RowPage {
    let total = table.rows() as u64;
    let first = start.min(total);
    let last = first.saturating_add(count).min(total);
    let columns: Vec<(Option<&Field>, &Column)> =
        table.names().iter().map(|name| schema.field(name)).zip(table.columns()).collect();
    let cell = |row: u64, (field, column): &(Option<&Field>, &Column)| {
        field.and_then(|field| cell_text(field, column.value(row as usize)))
    };
    let rows = (first..last).map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect();
    RowPage { dataset: dataset.0, start: first, total, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yard_types::{cell::CellRules, schema::Role};

    fn field(field_type: FieldType) -> Field {
        Field { name: "x".to_owned(), field_type, role: Role::Feature, rules: CellRules::default() }
    }

    #[test]
    fn numbers_parse_back_to_the_same_bits() {
        let check = |number: f64, text: &str| {
            assert_eq!(number_text(number), text);
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok((number + 0.0).to_bits()), "{text}");
        };
        check(1.0, "1");
        check(-0.0, "0");
        check(0.1, "0.1");
        check(1e300, "1e300");
        check(123_456_789.125, "123456789.125");
        check(f64::INFINITY, "inf");
        check(5e-324, "5e-324");
        assert_eq!(number_text_f32(0.1), "0.1");
        assert_eq!(number_text_f32(16_777_216.0), "16777216");
    }

    #[test]
    fn labels_are_sorted_as_numbers_when_they_are() {
        let column = Column::Number(vec![10.0, 9.0, f64::NAN, 10.0]);
        let labels = Labels::of(&field(FieldType::Integer), &column);
        assert_eq!(labels.labels, ["9", "10"]);
        assert_eq!(labels.codes, [1, 0, u32::MAX, 1]);
        let column = Column::Number(vec![1.0, 0.0]);
        assert_eq!(Labels::of(&field(FieldType::Boolean), &column).labels, ["false", "true"]);
    }
}
