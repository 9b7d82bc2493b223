//! Files dropped onto the window: what becomes of each, or why nothing does. Pure: the names decide, and
//! the text that the binary read. Knows nothing of files.

use crate::{route::Place, state::StudioState};
use std::collections::BTreeMap;

/// What becomes of a dropped file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// A project: it is opened.
    Project,
    /// Data: the next version of the open project's, or a new project.
    Import,
    /// One row for "Try it".
    TryRow,
    /// Nothing, and why, and what to do instead.
    Refused(String),
}

/// Endings of the formats that are read, without `.gz`.
const READ: [&str; 7] = ["csv", "tsv", "txt", "parquet", "ndjson", "jsonl", "json"];

/// Decides about the files of one drop by their paths.
pub fn dropped(state: &StudioState, paths: &[String]) -> Dropped {
    let [path] = paths else {
        return Dropped::Refused(format!(
            "{} files were dropped; expected one: drop the others after it",
            paths.len()
        ));
    };
    let lower = path.to_lowercase();
    let file = lower.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = file.strip_suffix(".gz").unwrap_or(file);
    let ending = plain.rsplit_once('.').map(|(_, ending)| ending);
    let one_row = matches!(ending, Some("json" | "csv" | "tsv")) && plain == file;
    match ending {
        Some("modelyard") => Dropped::Project,
        Some("modelpack") => Dropped::Refused(format!(
            "\"{file}\" is a package, not data; expected a table or a project: serve it with modelyard serve"
        )),
        Some("xlsx" | "xls" | "ods") => Dropped::Refused(format!(
            "\"{file}\" is a spreadsheet; expected CSV, TSV, Parquet or NDJSON: save the sheet as CSV"
        )),
        _ if one_row && tries_rows(state) => Dropped::TryRow,
        Some("json") => Dropped::Refused(format!(
            "\"{file}\" can be tried as one row once there is a model, on Evaluate or Deploy; expected CSV, TSV, \
             Parquet or NDJSON for an import"
        )),
        Some(own) if !READ.contains(&own) => Dropped::Refused(format!(
            "\"{file}\" ends in .{own}; expected CSV, TSV, Parquet, NDJSON, a folder of images or a .modelyard project"
        )),
        _ if state.open && state.read_only => Dropped::Refused(
            "another window has this project open for writing; expected this one to: import it there"
                .to_owned(),
        ),
        _ => Dropped::Import,
    }
}

/// Whether a table dropped here is a row for "Try it": that is shown on Evaluate and Deploy.
fn tries_rows(state: &StudioState) -> bool {
    matches!(state.place, Place::Evaluate | Place::Deploy) && !state.project.models.is_empty()
}

/// The sentence shown while files are held over the window.
pub fn drop_words(state: &StudioState, paths: &[String]) -> String {
    match dropped(state, paths) {
        // Some systems name the files only once they are dropped.
        _ if paths.iter().all(String::is_empty) => "Drop a table or a project".to_owned(),
        Dropped::Project => "Drop to open this project".to_owned(),
        Dropped::Import if state.open => "Drop to import as the next version of the data".to_owned(),
        Dropped::Import => "Drop to make a project of this file".to_owned(),
        Dropped::TryRow => "Drop to try the first row of this file".to_owned(),
        Dropped::Refused(why) => format!("Nothing will happen: {why}"),
    }
}

/// Reads the first row of a JSON text (an object, a list of objects, or a request with `instances`) or of
/// a delimited text with a header, as texts by field.
pub fn first_row(text: &str) -> Result<BTreeMap<String, String>, String> {
    let trimmed = text.trim_start_matches('\u{feff}').trim_start();
    if trimmed.starts_with(['{', '[']) { json_row(trimmed) } else { table_row(trimmed) }
}

fn json_row(text: &str) -> Result<BTreeMap<String, String>, String> {
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| format!("the file is not JSON: {error}; expected one object of fields"))?;
    let value = value.get("instances").cloned().unwrap_or(value);
    let value = match value {
        serde_json::Value::Array(rows) => rows.into_iter().next().unwrap_or_default(),
        own => own,
    };
    let serde_json::Value::Object(fields) = value else {
        return Err("the file holds no object; expected {\"field\": value, ..}".to_owned());
    };
    let words = |value: serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(word) => word,
        other => other.to_string(),
    };
    Ok(fields.into_iter().map(|(name, value)| (name, words(value))).collect())
}

fn table_row(text: &str) -> Result<BTreeMap<String, String>, String> {
    let header_line = text.lines().next().unwrap_or_default();
    let delimiter = ['\t', ';', ','].into_iter().find(|own| header_line.contains(*own)).unwrap_or(',');
    let mut records = records(text, delimiter);
    let header = records.next().ok_or("the file is empty; expected a header and a row")?;
    let row = records.next().ok_or("the file holds a header alone; expected a row below it")?;
    if header.len() != row.len() {
        return Err(format!("row 1 has {} cells; expected {} as in the header", row.len(), header.len()));
    }
    Ok(header.into_iter().zip(row).collect())
}

/// Records of a delimited text; a quoted cell may hold delimiters, line ends and doubled quotes.
fn records(text: &str, delimiter: char) -> impl Iterator<Item = Vec<String>> {
    let mut letters = text.chars().peekable();
    std::iter::from_fn(move || {
        letters.peek()?;
        let mut cells = vec![String::new()];
        let mut quoted = false;
        while let Some(letter) = letters.next() {
            let last = cells.len() - 1;
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cells[last].push('"');
                }
                '"' => quoted = !quoted,
                '\r' if !quoted => {}
                '\n' if !quoted => break,
                own if own == delimiter && !quoted => cells.push(String::new()),
                own => cells[last].push(own),
            }
        }
        Some(cells)
    })
}

impl StudioState {
    /// Fills "Try it" from a row of texts by field; returns what was done in words, or why nothing was.
    pub fn fill_try(&mut self, file: &str, row: &BTreeMap<String, String>) -> Result<String, String> {
        let Some(dataset) = self.project.dataset() else {
            return Err(format!("\"{file}\" can't be tried: the project has no data yet; import data first"));
        };
        let fields: Vec<String> = dataset.schema.features().map(|field| field.name.clone()).collect();
        let known: Vec<&String> = fields.iter().filter(|name| row.contains_key(*name)).collect();
        if known.is_empty() {
            let wanted = fields.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
            return Err(format!("no field of \"{file}\" is one of the model's; expected {wanted} and so on"));
        }
        let done = format!("{} of {} fields filled from the first row of {file}", known.len(), fields.len());
        let values: Vec<(String, String)> =
            fields.iter().map(|name| (name.clone(), row.get(name).cloned().unwrap_or_default())).collect();
        self.before_edit("row to try");
        self.drafts.try_it.values.extend(values);
        self.drafts.try_it.row = None;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn check(path: &str, wanted: &Dropped) {
        assert_eq!(&dropped(&StudioState::new(), &[path.to_owned()]), wanted, "{path}");
    }

    #[test]
    fn files_by_their_endings() {
        check("/a/B.CSV", &Dropped::Import);
        check("/a/b.csv.gz", &Dropped::Import);
        check("/a/images", &Dropped::Import);
        check("C:\\x\\p.modelyard", &Dropped::Project);
    }

    #[test]
    fn refusals_say_why_and_what_to_do() {
        let state = StudioState::new();
        let refused = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|own| (*own).to_owned()).collect();
            match dropped(&state, &paths) {
                Dropped::Refused(why) => why,
                other => panic!("{other:?}"),
            }
        };
        assert!(refused(&["a.csv", "b.csv"]).contains("one"));
        assert!(refused(&["m.modelpack"]).contains("modelyard serve"));
        assert!(refused(&["t.xlsx"]).contains("save the sheet as CSV"));
        assert!(refused(&["t.docx"]).contains(".docx"));
        assert!(refused(&["row.json"]).contains("Evaluate or Deploy"));
        assert!(drop_words(&state, &["t.docx".to_owned()]).starts_with("Nothing will happen"));
    }

    #[test]
    fn first_rows() {
        let row = first_row("a;b\r\n\"x; \"\"y\"\"\";2\r\n3;4\r\n").unwrap();
        assert_eq!(row["a"], "x; \"y\"");
        assert_eq!(row["b"], "2");
        for text in [
            "{\"a\": 1.5, \"b\": null}",
            "[{\"a\": 1.5, \"b\": null}, {}]",
            "{\"instances\": [{\"a\": 1.5, \"b\": null}]}",
        ] {
            let row = first_row(text).unwrap();
            assert_eq!((row["a"].as_str(), row["b"].as_str()), ("1.5", ""), "{text}");
        }
    }

    #[test]
    fn broken_rows_are_errors() {
        for text in ["", "a,b", "a,b\n1", "[1]", "{", "[]", "a,b\n\"1,2"] {
            assert!(first_row(text).is_err(), "{text:?}");
        }
    }
}
