//! Columns divided into groups, for slices and fairness: each category, each value of a number that has
//! few, thirds of other numbers and points in time.

use super::EvaluateInput;
use std::collections::BTreeMap;
use yard_metrics::interval::quantile_sorted;
use yard_types::{
    date::format_iso,
    schema::FieldType,
    table::{Column, FieldValue, MISSING_CODE},
};

/// A number with at most so many values is divided by value.
const FEW_VALUES: usize = 8;

/// A column as groups.
pub(super) struct Groups {
    /// Group per row; [`MISSING_CODE`] when the cell is missing.
    pub(super) codes: Vec<u32>,
    /// Names that go with the column name: `Month-to-month`, `≤ 12`.
    pub(super) values: Vec<String>,
    /// Names in words: `Contract = Month-to-month`, `tenure ≤ 12`.
    pub(super) names: Vec<String>,
}

impl Groups {
    /// Divides a column of the evaluated table; `None` when it is not there.
    pub(super) fn of(input: &EvaluateInput<'_>, name: &str, rows: &[u32]) -> Option<Self> {
        let column = input.table.column(name)?;
        let boolean = input.schema.field(name).is_some_and(|field| field.field_type == FieldType::Boolean);
        let (codes, values) = match column {
            Column::Text(text) => {
                let code = |row: &u32| text.codes.get(*row as usize).copied().unwrap_or(MISSING_CODE);
                (rows.iter().map(code).collect(), text.words.clone())
            }
            Column::Number(_) => divide(&numbers(column, rows), |value| match (boolean, value) {
                (true, 0.0) => "false".to_owned(),
                (true, 1.0) => "true".to_owned(),
                _ => value.to_string(),
            }),
            Column::Instant(_) => divide(&numbers(column, rows), |value| format_iso(value as i64)),
        };
        let names = values.iter().map(|value| {
            if value.starts_with(['≤', '>', '(']) {
                format!("{name} {value}")
            } else {
                format!("{name} = {value}")
            }
        });
        Some(Self { codes, names: names.collect(), values })
    }

    /// Returns the positions of each group's rows, then of the rows without a value.
    pub(super) fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.values.len() + 1];
        for (at, code) in self.codes.iter().enumerate() {
            members[(*code as usize).min(self.values.len())].push(at);
        }
        members
    }
}

fn numbers(column: &Column, rows: &[u32]) -> Vec<f64> {
    let number = |row: &u32| match column.value(*row as usize) {
        FieldValue::Number(number) => number,
        FieldValue::Instant(micros) => micros as f64,
        _ => f64::NAN,
    };
    rows.iter().map(number).collect()
}

/// Divides numbers by value when they have few, else into thirds.
fn divide(numbers: &[f64], text: impl Fn(f64) -> String) -> (Vec<u32>, Vec<String>) {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let thirds = [1.0 / 3.0, 2.0 / 3.0].map(|q| quantile_sorted(&sorted, q).unwrap_or(f64::NAN));
    let mut distinct = sorted;
    distinct.dedup();
    if distinct.len() <= FEW_VALUES {
        let index: BTreeMap<u64, u32> =
            distinct.iter().enumerate().map(|(code, value)| ((value + 0.0).to_bits(), code as u32)).collect();
        let code = |value: &f64| index.get(&(value + 0.0).to_bits()).copied().unwrap_or(MISSING_CODE);
        return (numbers.iter().map(code).collect(), distinct.into_iter().map(text).collect());
    }
    let [low, high] = thirds;
    let code = |value: &f64| match value {
        value if value.is_nan() => MISSING_CODE,
        value if *value <= low => 0,
        value if *value <= high => 1,
        _ => 2,
    };
    let names = vec![
        format!("≤ {}", text(low)),
        format!("({}, {}]", text(low), text(high)),
        format!("> {}", text(high)),
    ];
    (numbers.iter().map(code).collect(), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_groups_and_many_are_thirds() {
        let (codes, names) = divide(&[1.0, 0.0, f64::NAN, -0.0], |value| value.to_string());
        assert_eq!(names.len(), 2);
        assert_eq!(codes, [1, 0, MISSING_CODE, 0]);
        let numbers: Vec<f64> = (0..30).map(f64::from).collect();
        let (codes, names) = divide(&numbers, |value| format!("{value:.1}"));
        assert_eq!(names, ["≤ 9.7", "(9.7, 19.3]", "> 19.3"]);
        for third in 0..3 {
            assert_eq!(codes.iter().filter(|code| **code == third).count(), 10);
        }
        assert_eq!(divide(&[], |value| value.to_string()), (Vec::new(), Vec::new()));
    }
}
