//! Rows of an NDJSON file: one JSON object a line. Columns are the union of the keys in order of first
//! appearance; an absent key is missing; an array or object inside a cell is kept as its JSON text.

use crate::bytes::Bytes;
use crate::encoding::Utf8Reader;
use crate::error::DataError;
use crate::raw::{CellSink, Raw};
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Largest whole number up to which every whole number is an f64.
pub(crate) const EXACT: u64 = 1 << 53;

/// An NDJSON file being read.
pub(crate) struct NdjsonSource {
    path: PathBuf,
    input: BufReader<Utf8Reader<Bytes>>,
    index: BTreeMap<String, usize>,
    line: String,
    number: u64,
    row: Vec<Cell>,
}

/// A cell of a JSON object.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Missing,
    Text(String),
    Number(f64),
    Integer(i64),
    Boolean(bool),
}

impl NdjsonSource {
    pub(crate) fn new(path: PathBuf, input: Utf8Reader<Bytes>, names: &[String]) -> Self {
        Self {
            path,
            input: BufReader::new(input),
            index: names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect(),
            line: String::new(),
            number: 0,
            row: Vec::new(),
        }
    }

    /// Gives up to `most` further rows to the sinks.
    pub(crate) fn fill<S: CellSink>(
        &mut self,
        sinks: &mut [Option<S>],
        most: usize,
    ) -> Result<usize, DataError> {
        let mut rows = 0;
        while rows < most && next_line(&mut self.input, &mut self.line, &mut self.number, &self.path)? {
            self.row.clear();
            self.row.resize(sinks.len(), Cell::Missing);
            let (row, index) = (&mut self.row, &self.index);
            each_entry(&self.line, |name, cell| {
                if let Some(slot) = index.get(name).and_then(|at| row.get_mut(*at)) {
                    *slot = cell;
                }
            })
            .map_err(|error| json_error(&self.path, self.number, &error))?;
            for (sink, cell) in sinks.iter_mut().zip(&self.row) {
                if let Some(sink) = sink {
                    sink.push(cell.raw());
                }
            }
            rows += 1;
        }
        Ok(rows)
    }
}

impl Cell {
    fn raw(&self) -> Raw<'_> {
        match self {
            Self::Missing => Raw::Missing,
            Self::Text(text) => Raw::Text(text),
            Self::Number(number) => Raw::Number(*number),
            Self::Integer(integer) => Raw::Integer(*integer),
            Self::Boolean(yes) => Raw::Boolean(*yes),
        }
    }
}

/// Returns the keys of all lines in order of first appearance.
pub(crate) fn names(path: &Path, input: impl Read) -> Result<Vec<String>, DataError> {
    let mut input = BufReader::new(input);
    let (mut line, mut number) = (String::new(), 0);
    let mut names = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    while next_line(&mut input, &mut line, &mut number, path)? {
        each_entry(&line, |name, _| {
            if !seen.contains(name) {
                seen.insert(name.to_owned());
                names.push(name.to_owned());
            }
        })
        .map_err(|error| json_error(path, number, &error))?;
        if names.len() > crate::layout::MAX_COLUMNS {
            let limit = crate::layout::MAX_COLUMNS as u64;
            return Err(DataError::TooLarge { what: "columns", limit, path: path.to_owned() });
        }
    }
    Ok(names)
}

fn json_error(path: &Path, line: u64, error: &serde_json::Error) -> DataError {
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
    DataError::Json { line, reason: format!("{reason} (column {})", error.column()), path: path.to_owned() }
}

/// Reads the next line that isn't blank, at most [`crate::csv::records::MAX_RECORD`] bytes.
fn next_line(
    input: &mut impl BufRead,
    line: &mut String,
    number: &mut u64,
    path: &Path,
) -> Result<bool, DataError> {
    let limit = crate::csv::records::MAX_RECORD;
    loop {
        line.clear();
        let got = input.by_ref().take(limit as u64 + 1).read_line(line);
        let got = got.map_err(|source| DataError::io("read", path, source))?;
        *number += 1;
        if got == 0 {
            return Ok(false);
        }
        if got > limit {
            return Err(DataError::LongRecord { line: *number, limit, path: path.to_owned() });
        }
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}

/// Calls `take` for each entry of a JSON object, in order.
fn each_entry(line: &str, take: impl FnMut(&str, Cell)) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    Entries(take).deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Entries<F>(F);

impl<'de, F: FnMut(&str, Cell)> DeserializeSeed<'de> for Entries<F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, Cell)> Visitor<'de> for Entries<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
            (self.0)(&name, cell_of(value));
        }
        Ok(())
    }
}

fn cell_of(value: serde_json::Value) -> Cell {
    match value {
        serde_json::Value::Null => Cell::Missing,
        serde_json::Value::Bool(yes) => Cell::Boolean(yes),
        serde_json::Value::String(text) => Cell::Text(text),
        serde_json::Value::Number(number) => {
            if let Some(integer) = number.as_i64()
                && integer.unsigned_abs() <= EXACT
            {
                return Cell::Integer(integer);
            }
            if number.is_f64() {
                return Cell::Number(number.as_f64().unwrap_or(f64::NAN));
            }
            Cell::Text(number.to_string())
        }
        nested => Cell::Text(nested.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;

    fn entries(line: &str) -> Result<Vec<(String, Cell)>, serde_json::Error> {
        let mut out = Vec::new();
        each_entry(line, |name, cell| out.push((name.to_owned(), cell)))?;
        Ok(out)
    }

    #[test]
    fn cells_keep_their_kind() {
        let line = r#"{"b":1.5,"a":-3,"id":12345678901234567890,"t":"x","n":null,"y":true,"l":[1,2]}"#;
        let cells: Vec<Cell> = entries(line).unwrap().into_iter().map(|(_, cell)| cell).collect();
        let text = |text: &str| Cell::Text(text.to_owned());
        let expected = [
            Cell::Number(1.5),
            Cell::Integer(-3),
            text("12345678901234567890"),
            text("x"),
            Cell::Missing,
            Cell::Boolean(true),
            text("[1,2]"),
        ];
        assert_eq!(cells, expected);
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for line in ["[1]", "3", "{\"a\":1", "{\"a\":1} x", "{\"a\":1e999}"] {
            assert!(entries(line).is_err(), "{line}");
        }
    }
}
