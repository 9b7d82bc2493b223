//! Golden examples: requests with their exact answers, by which anyone can check that a package scores
//! as it did when it was built.

use crate::error::PackageError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use yard_score::{error::ScoreError, scorer::Scorer};
use yard_types::{
    contract::{Contract, ContractField},
    package::GoldenCheck,
    schema::FieldType,
    table::{FieldValue, Table},
};

/// Fewest examples of a package.
pub const MIN_EXAMPLES: usize = 20;
/// Rows of the sample that are taken as they are.
const PLAIN: usize = 16;
/// Rows that get a null, and rows that get an unseen category.
const CHANGED: usize = 4;
/// A category that no training data has.
const UNSEEN: &str = "\u{2014} unseen category \u{2014}";

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Field values.
    pub request: Map<String, Value>,
    /// Margins.
    pub margins: Vec<f32>,
    /// Probabilities in class order; empty for regression.
    pub probabilities: Vec<f32>,
    /// Predicted class or number.
    pub prediction: Value,
    /// Decision of a binary model at the threshold of the frame.
    pub decision: Option<bool>,
}

/// Makes examples from rows of a table: rows spread over it, rows with a field set to null, rows with
/// unseen categories, and one request in which every field is null. `threshold` is the probability
/// threshold of the decision (binary).
pub fn make(
    scorer: &Scorer,
    contract: &Contract,
    sample: &Table,
    threshold: Option<f64>,
) -> Result<Vec<Golden>, ScoreError> {
    let n = sample.rows();
    let mut requests = Vec::new();
    for at in 0..PLAIN.min(n) {
        requests.push(request(contract, sample, at * n / PLAIN.min(n)));
    }
    let plain = requests.clone();
    let blank: Map<String, Value> = contract.fields.iter().map(|f| (f.name.clone(), Value::Null)).collect();
    requests.push(blank.clone());
    let words: Vec<&ContractField> =
        contract.fields.iter().filter(|f| f.field_type == FieldType::Category).collect();
    let mut turn = 0;
    while turn < CHANGED || requests.len() < MIN_EXAMPLES {
        let mut with_null = plain.get(turn % plain.len().max(1)).unwrap_or(&blank).clone();
        let mut unseen = with_null.clone();
        if let Some(field) = contract.fields.get(turn % contract.fields.len().max(1)) {
            with_null.insert(field.name.clone(), Value::Null);
        }
        requests.push(with_null);
        if !words.is_empty() {
            unseen.insert(words[turn % words.len()].name.clone(), Value::from(UNSEEN));
            requests.push(unseen);
        }
        turn += 1;
    }
    requests.into_iter().map(|request| answer(scorer, request, threshold)).collect()
}

/// Scores a request.
pub fn answer(
    scorer: &Scorer,
    request: Map<String, Value>,
    threshold: Option<f64>,
) -> Result<Golden, ScoreError> {
    let mut scratch = scorer.scratch();
    let row = scorer.row_from_json(&request)?;
    let answer = scorer.score_row(&row, &mut scratch)?;
    let label = answer.label().map(Value::from);
    let golden = Golden {
        margins: answer.margins.to_vec(),
        probabilities: answer.probabilities.to_vec(),
        prediction: label.unwrap_or_else(|| Value::from(f64::from(answer.margins[0]))),
        decision: threshold.and_then(|threshold| answer.decision(threshold)),
        request: Map::new(),
    };
    Ok(Golden { request, ..golden })
}

/// Scores the requests again and counts answers with the same bits.
pub fn check(scorer: &Scorer, golden: &[Golden], threshold: Option<f64>) -> GoldenCheck {
    let same_bits =
        |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
    let equal = golden.iter().filter(|expected| {
        answer(scorer, expected.request.clone(), threshold).is_ok_and(|got| {
            same_bits(&got.margins, &expected.margins)
                && same_bits(&got.probabilities, &expected.probabilities)
                && got.prediction == expected.prediction
                && got.decision == expected.decision
        })
    });
    GoldenCheck { total: golden.len() as u64, equal: equal.count() as u64 }
}

/// Returns whether nulls, and unseen categories where the contract has categories, are among examples.
pub fn covers_edges(golden: &[Golden], contract: &Contract) -> bool {
    let fields =
        || golden.iter().flat_map(|golden| contract.fields.iter().map(|f| (f, golden.request.get(&f.name))));
    let null = fields().any(|(_, value)| value.is_none_or(Value::is_null));
    let categories = contract.fields.iter().any(|f| f.field_type == FieldType::Category);
    let unseen = fields().any(|(field, value)| {
        let word = value.and_then(Value::as_str);
        field.field_type == FieldType::Category
            && word.is_some_and(|word| !field.categories.iter().any(|own| own == word))
    });
    null && (unseen || !categories)
}

/// Returns a row of a table as a request; what JSON can't hold (infinities) becomes null.
pub fn request(contract: &Contract, table: &Table, row: usize) -> Map<String, Value> {
    let value = |field: &ContractField| {
        let cell = table.column(&field.name).map_or(FieldValue::Missing, |column| column.value(row));
        json_value(cell, field.field_type)
    };
    contract.fields.iter().map(|field| (field.name.clone(), value(field))).collect()
}

/// Returns a cell as JSON: booleans as true and false, whole numbers of integer fields without a point,
/// points in time as ISO text.
pub fn json_value(cell: FieldValue<'_>, field_type: FieldType) -> Value {
    match (cell, field_type) {
        (FieldValue::Missing, _) => Value::Null,
        (FieldValue::Number(number), FieldType::Boolean) if number == 0.0 || number == 1.0 => {
            Value::from(number == 1.0)
        }
        (FieldValue::Number(number), FieldType::Integer) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Value::from(number as i64)
        }
        (FieldValue::Number(number), _) => Value::from(number),
        (FieldValue::Text(text), _) => Value::from(text),
        (FieldValue::Instant(micros), _) => Value::from(yard_types::date::format_iso(micros)),
    }
}

/// Writes one canonical line per example.
pub(crate) fn to_lines(golden: &[Golden]) -> Result<Vec<u8>, PackageError> {
    let mut out = Vec::new();
    for golden in golden {
        out.extend(crate::parts::json_entry("golden.jsonl", golden)?);
        out.push(b'\n');
    }
    Ok(out)
}

pub(crate) fn from_lines(bytes: &[u8]) -> Result<Vec<Golden>, PackageError> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    let parsed = lines.map(|(index, line)| {
        crate::json::from_slice(line).map_err(|problem| PackageError::Json {
            name: "golden.jsonl".to_owned(),
            problem: format!("line {}: {problem}", index + 1),
        })
    });
    parsed.collect()
}
