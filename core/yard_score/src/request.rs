//! Rows as JSON objects: field name to number, string, boolean or null. The server, the command line
//! and "Try it" all read rows here.

use crate::{error::ScoreError, scorer::Scorer, value::shown};
use serde_json::{Map, Value};
use yard_types::{schema::FieldType, table::FieldValue};

impl Scorer {
    /// Reads a JSON object into values in input order. An absent field or null is missing. Fields that
    /// the model doesn't know (the id, the target, dropped columns) are ignored; an object in which no
    /// field is known is an error, as is a value that does not fit the type of its field.
    pub fn row_from_json<'a>(
        &self,
        object: &'a Map<String, Value>,
    ) -> Result<Vec<FieldValue<'a>>, ScoreError> {
        let mut row = Vec::with_capacity(self.encoder().n_inputs());
        self.read_json_row(object, &mut row)?;
        Ok(row)
    }

    /// As [`Self::row_from_json`], into a vector that is cleared first and can be reused.
    pub fn read_json_row<'a>(
        &self,
        object: &'a Map<String, Value>,
        row: &mut Vec<FieldValue<'a>>,
    ) -> Result<(), ScoreError> {
        row.clear();
        let mut known = object.is_empty();
        for input in self.encoder().inputs() {
            let value = match object.get(&input.name) {
                None => FieldValue::Missing,
                Some(value) => {
                    known = true;
                    let wrong = |got: String| ScoreError::Value {
                        field: input.name.clone(),
                        row: None,
                        expected: input.expected(),
                        got,
                    };
                    let read = field_value(value, input.field_type).map_err(|got| wrong(got.to_owned()))?;
                    if input.read(read).is_none() {
                        return Err(wrong(shown(read)));
                    }
                    read
                }
            };
            row.push(value);
        }
        if known {
            return Ok(());
        }
        Err(ScoreError::NoKnownField {
            first: object.keys().next().cloned().unwrap_or_default(),
            expected: self.input_names().next().unwrap_or_default().to_owned(),
        })
    }
}

/// Turns a JSON value into a field's value; an error says what was given instead.
fn field_value(value: &Value, field_type: FieldType) -> Result<FieldValue<'_>, &'static str> {
    let words = matches!(field_type, FieldType::Category | FieldType::Text);
    match value {
        Value::Null => Ok(FieldValue::Missing),
        Value::Bool(yes) if field_type == FieldType::Boolean => Ok(FieldValue::Number(f64::from(*yes))),
        Value::Bool(yes) if words => Ok(FieldValue::Text(if *yes { "true" } else { "false" })),
        Value::Bool(_) => Err("a boolean"),
        Value::Number(number) => number.as_f64().map(FieldValue::Number).ok_or("a number beyond f64"),
        Value::String(text) => Ok(FieldValue::Text(text)),
        Value::Array(_) => Err("an array"),
        Value::Object(_) => Err("an object"),
    }
}
