//! `POST /invocations`: the scoring protocol of MLflow, which `SageMaker` and Vertex containers share in part. Its
//! forms of a table become the records of `:predict`, so that one reader, one scorer and one log serve all.
//!
//! JSON with exactly one of `dataframe_split`, `dataframe_records`, `instances`, `inputs`, and CSV with a head
//! line. An empty cell of a CSV is a missing value.

mod csv;

use crate::{http::reply::Refusal, json};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The keys of which exactly one must be there.
const FORMS: [&str; 4] = ["dataframe_split", "dataframe_records", "instances", "inputs"];
/// Keys that may stand beside it and change nothing here.
const BESIDE: [&str; 2] = ["params", "parameters"];

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::bad("invocations", message)
}

/// Returns the body of a `:predict` request with the same rows. `names` are the fields by which the values of
/// rows without names are taken, in the contract's order.
pub(crate) fn to_instances(body: &[u8], is_csv: bool, names: &[String]) -> Result<Vec<u8>, Refusal> {
    let records = if is_csv { csv::records(body)? } else { of_json(body, names)? };
    if records.is_empty() {
        return Err(bad("no rows; expected at least one"));
    }
    let body = Map::from_iter([("instances".to_owned(), Value::Array(records))]);
    serde_json::to_vec(&body).map_err(|error| Refusal::internal(error.to_string()))
}

fn of_json(body: &[u8], names: &[String]) -> Result<Vec<Value>, Refusal> {
    // Duplicate keys, depth and numbers are checked by the strict reader; then the tree may be taken.
    json::check(body)?;
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let Value::Object(mut object) = value else {
        return Err(bad(format!("body: expected an object with one of {}", FORMS.join(", "))));
    };
    let given: Vec<&str> = FORMS.into_iter().filter(|form| object.contains_key(*form)).collect();
    let [form] = given[..] else {
        return Err(bad(format!("body: expected exactly one of {}, got {}", FORMS.join(", "), given.len())));
    };
    let known = |key: &String| FORMS.contains(&key.as_str()) || BESIDE.contains(&key.as_str());
    if let Some(key) = object.keys().find(|key| !known(key)) {
        return Err(bad(format!("body: unknown key \"{}\"", json::shortened(key))));
    }
    let value = object.remove(form).unwrap_or_default();
    match form {
        "dataframe_split" => split(value),
        "dataframe_records" => list(value, form),
        "instances" => rows(list(value, form)?, names),
        _ => columns(value, names),
    }
}

fn list(value: Value, form: &str) -> Result<Vec<Value>, Refusal> {
    match value {
        Value::Array(list) => Ok(list),
        _ => Err(bad(format!("{form}: expected a list"))),
    }
}

fn split(value: Value) -> Result<Vec<Value>, Refusal> {
    let expected = || bad("dataframe_split: expected {\"columns\": [..], \"data\": [[..], ..]}");
    let Value::Object(mut frame) = value else { return Err(expected()) };
    let (Some(Value::Array(columns)), Some(Value::Array(data))) =
        (frame.remove("columns"), frame.remove("data"))
    else {
        return Err(expected());
    };
    frame.remove("index");
    if !frame.is_empty() {
        return Err(expected());
    }
    let mut names = Vec::with_capacity(columns.len());
    for column in columns {
        let Value::String(name) = column else { return Err(expected()) };
        names.push(name);
    }
    check_names(&names, "dataframe_split")?;
    rows(data, &names)
}

fn check_names(names: &[String], form: &str) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(bad(format!("{form}: column \"{}\" appears twice", json::shortened(name)))),
    }
}

/// Names the values of rows that are lists; a row that is an object has its names.
fn rows(data: Vec<Value>, names: &[String]) -> Result<Vec<Value>, Refusal> {
    let named = |(row, value): (usize, Value)| match value {
        Value::Object(_) => Ok(value),
        Value::Array(values) if values.len() == names.len() => {
            Ok(Value::Object(names.iter().cloned().zip(values).collect()))
        }
        Value::Array(values) => {
            Err(bad(format!("row {row}: expected {} values, got {}", names.len(), values.len())))
        }
        value if names.len() == 1 => Ok(Value::Object(names.iter().cloned().zip([value]).collect())),
        _ => Err(bad(format!("row {row}: expected a list of {} values, or an object", names.len()))),
    };
    data.into_iter().enumerate().map(named).collect()
}

/// Reads `inputs`: columns by name, or a nested list of rows.
fn columns(value: Value, names: &[String]) -> Result<Vec<Value>, Refusal> {
    let columns = match value {
        Value::Array(data) => return rows(data, names),
        Value::Object(columns) => columns,
        _ => return Err(bad("inputs: expected columns by name, or a list of rows")),
    };
    let mut records: Vec<Map<String, Value>> = Vec::new();
    for (index, (name, values)) in columns.into_iter().enumerate() {
        let Value::Array(values) = values else {
            return Err(bad(format!("inputs: column \"{}\": expected a list", json::shortened(&name))));
        };
        if index == 0 {
            records = vec![Map::new(); values.len()];
        }
        if values.len() != records.len() {
            let (got, expected) = (values.len(), records.len());
            let name = json::shortened(&name);
            return Err(bad(format!("inputs: column \"{name}\": expected {expected} values, got {got}")));
        }
        for (record, value) in records.iter_mut().zip(values) {
            // A column of shape [n, 1] is one value a row.
            let value = match value {
                Value::Array(mut one) if one.len() == 1 => one.pop().unwrap_or_default(),
                value => value,
            };
            record.insert(name.clone(), value);
        }
    }
    Ok(records.into_iter().map(Value::Object).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn names() -> Vec<String> {
        vec!["age".to_owned(), "plan".to_owned()]
    }

    #[test]
    fn every_form_gives_the_same_records() {
        let expected = r#"{"instances":[{"age":41.5,"plan":"pro"},{"age":null,"plan":"free"}]}"#;
        for body in [
            r#"{"dataframe_split":{"columns":["age","plan"],"data":[[41.5,"pro"],[null,"free"]],"index":[0,1]}}"#,
            r#"{"dataframe_records":[{"age":41.5,"plan":"pro"},{"age":null,"plan":"free"}],"params":{}}"#,
            r#"{"instances":[[41.5,"pro"],{"age":null,"plan":"free"}]}"#,
            r#"{"inputs":{"age":[41.5,null],"plan":[["pro"],["free"]]}}"#,
            r#"{"inputs":[[41.5,"pro"],[null,"free"]]}"#,
        ] {
            let got = to_instances(body.as_bytes(), false, &names()).expect(body);
            assert_eq!(String::from_utf8(got).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn numbers_keep_their_bits() {
        for value in [0.1_f64 + 0.2, 5e-324, 1.797_693_134_862_315_7e308, -0.0, 123_456_789.123_456_79] {
            let body = format!(r#"{{"inputs":[[{value:?},"x"]]}}"#);
            let got = to_instances(body.as_bytes(), false, &names()).unwrap();
            let read: Value = serde_json::from_slice(&got).unwrap();
            assert_eq!(read["instances"][0]["age"].as_f64().unwrap().to_bits(), value.to_bits(), "{body}");
        }
    }

    #[test]
    fn other_bodies_are_refused() {
        for (body, part) in [
            ("[]", "expected an object"),
            ("{}", "exactly one of"),
            (r#"{"inputs":[[1,2]],"instances":[[1,2]]}"#, "exactly one of"),
            (r#"{"instances":[[1,2]],"rows":1}"#, "unknown key \"rows\""),
            (r#"{"instances":[[1,2]],"instances":[[1,2]]}"#, "appears twice"),
            (r#"{"instances":[[1]]}"#, "row 0: expected 2 values, got 1"),
            (r#"{"instances":[1]}"#, "row 0: expected a list of 2 values"),
            (r#"{"instances":[]}"#, "no rows"),
            (r#"{"dataframe_split":{"columns":["age","age"],"data":[]}}"#, "column \"age\" appears twice"),
            (r#"{"dataframe_split":{"columns":["age"]}}"#, "expected {\"columns\""),
            (r#"{"inputs":{"age":[1,2],"plan":["a"]}}"#, "column \"plan\": expected 2 values, got 1"),
            (r#"{"inputs":{"age":1}}"#, "column \"age\": expected a list"),
            (r#"{"inputs":[[NaN,1]]}"#, "expected a value"),
        ] {
            let refusal = to_instances(body.as_bytes(), false, &names()).expect_err(body);
            assert!(refusal.message.contains(part), "{body}: {}", refusal.message);
        }
    }
}
