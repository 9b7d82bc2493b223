//! Opens each file named on the command line and writes one JSON line about it: rows, columns with
//! sums, and findings; or the error. A target may follow the file after a colon: `data.csv:price`; then
//! frame, split and recipe are made too.

use std::io::Write;
use std::path::Path;
use yard_data::{Dataset, ReadOptions, cell_text, fit_recipe, infer_frame, open, profile, split};
use yard_types::command::NewProject;
use yard_types::recipe::{Encoding, RecipeSpec};
use yard_types::table::FieldValue;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for argument in std::env::args().skip(1) {
        let (path, target) = match argument.rsplit_once(':') {
            Some((path, target)) => (path, Some(target.to_owned())),
            None => (argument.as_str(), None),
        };
        let started = std::time::Instant::now();
        let mut line = match open(Path::new(path), &ReadOptions::default()) {
            Ok(dataset) => describe(path, dataset, target),
            Err(error) => serde_json::json!({ "file": path, "error": error.to_string() }),
        };
        line["seconds"] = started.elapsed().as_secs_f64().into();
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn describe(path: &str, mut dataset: Dataset, target: Option<String>) -> serde_json::Value {
    let facts = NewProject { target, ..NewProject::default() };
    let framed = infer_frame(&mut dataset, &facts);
    let frame = framed.as_ref().ok().and_then(|framed| framed.as_ref());
    let profile = profile(&dataset, frame.map(|framed| &framed.frame));
    let columns = dataset.schema.fields.iter().zip(dataset.table.columns()).zip(&profile.columns);
    let columns: Vec<serde_json::Value> = columns
        .map(|((field, column), profile)| {
            let values = || (0..column.len()).map(|row| column.value(row));
            let number = |value| if let FieldValue::Number(x) = value { x } else { 0.0 };
            let sum: f64 = values().map(number).sum();
            let first = cell_text(field, column.value(0));
            serde_json::json!({ "profile": profile, "role": field.role, "sum": sum, "first": first })
        })
        .collect();
    let mut line = serde_json::json!({
        "file": path, "rows": dataset.table.rows(), "format": dataset.schema.format,
        "columns": columns, "findings": profile.findings,
    });
    match &framed {
        Ok(None) => {}
        Err(error) => line["frame_error"] = error.to_string().into(),
        Ok(Some(framed)) => {
            line["frame"] = serde_json::json!({ "frame": framed.frame, "notes": framed.notes });
            match split(&dataset.table, &dataset.schema, &framed.frame, &framed.split) {
                Err(error) => line["split_error"] = error.to_string().into(),
                Ok((split, notes)) => {
                    line["split"] = serde_json::json!({ "counts": split.counts(), "notes": notes });
                    let spec = RecipeSpec::default();
                    let fit =
                        fit_recipe(&dataset.table, &split.train, &dataset.schema, &spec, Encoding::Trees);
                    line["recipe"] = match fit {
                        Ok(fit) => {
                            serde_json::json!({ "features": fit.recipe.features.len(), "notes": fit.notes })
                        }
                        Err(error) => error.to_string().into(),
                    };
                }
            }
        }
    }
    line
}
