//! Opens each file named on the command line and writes one JSON line about it: rows, columns with
//! sums, and findings; or the error.

use std::io::Write;
use std::path::Path;
use yard_data::{Dataset, ReadOptions, open};
use yard_types::table::{Column, FieldValue};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let line = match open(Path::new(&path), &ReadOptions::default()) {
            Ok(dataset) => describe(&path, &dataset),
            Err(error) => serde_json::json!({ "file": path, "error": error.to_string() }),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn describe(path: &str, dataset: &Dataset) -> serde_json::Value {
    let columns: Vec<serde_json::Value> = dataset
        .schema
        .fields
        .iter()
        .zip(dataset.table.columns())
        .map(|(field, column)| {
            let values = || (0..column.len()).map(|row| column.value(row));
            let missing = values().filter(|value| *value == FieldValue::Missing).count();
            let sum: f64 =
                values().map(|value| if let FieldValue::Number(x) = value { x } else { 0.0 }).sum();
            let words = if let Column::Text(text) = column { text.words.len() } else { 0 };
            serde_json::json!({
                "name": field.name, "type": field.field_type.word(), "role": field.role,
                "missing": missing, "sum": sum, "words": words,
            })
        })
        .collect();
    serde_json::json!({
        "file": path, "rows": dataset.table.rows(), "format": dataset.schema.format,
        "columns": columns, "findings": dataset.findings,
    })
}
