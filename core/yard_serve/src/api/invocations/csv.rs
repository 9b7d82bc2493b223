//! CSV with a head line (RFC 4180) into records of text; an empty cell is missing.

use super::{bad, check_names};
use crate::http::reply::Refusal;
use serde_json::{Map, Value};

/// Reads all records.
pub(super) fn records(body: &[u8]) -> Result<Vec<Value>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| bad("CSV: not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(bad("CSV: it begins with a byte order mark; send it without"));
    }
    let mut lines = Lines { text, at: 0, line: 1 };
    let Some(names) = lines.next()? else { return Err(bad("CSV: no head line")) };
    check_names(&names, "CSV")?;
    let mut records = Vec::new();
    loop {
        let line = lines.line;
        let Some(cells) = lines.next()? else { return Ok(records) };
        if cells.len() != names.len() {
            let (got, expected) = (cells.len(), names.len());
            return Err(bad(format!("CSV, line {line}: expected {expected} cells, got {got}")));
        }
        let value = |cell: String| if cell.is_empty() { Value::Null } else { Value::String(cell) };
        let record: Map<String, Value> = names.iter().cloned().zip(cells.into_iter().map(value)).collect();
        records.push(Value::Object(record));
    }
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// Returns the cells of the next line; `None` at the end.
    fn next(&mut self) -> Result<Option<Vec<String>>, Refusal> {
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let mut cells = Vec::new();
        loop {
            let (cell, more) = self.cell()?;
            cells.push(cell);
            if !more {
                return Ok(Some(cells));
            }
        }
    }

    /// Returns a cell and whether another follows in its line.
    fn cell(&mut self) -> Result<(String, bool), Refusal> {
        let rest = &self.text[self.at..];
        let (cell, used) = match rest.strip_prefix('"') {
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let cell = rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]);
                (cell.to_owned(), end)
            }
            Some(quoted) => {
                let (cell, used) = self.quoted(quoted)?;
                (cell, used + 1)
            }
        };
        self.line += rest[..used].matches('\n').count();
        self.at += used;
        let rest = &self.text[self.at..];
        let end = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
        match (rest.strip_prefix(','), end) {
            (Some(_), _) => {
                self.at += 1;
                Ok((cell, true))
            }
            (None, Some(tail)) => {
                self.at = self.text.len() - tail.len();
                self.line += 1;
                Ok((cell, false))
            }
            (None, None) if rest.is_empty() => Ok((cell, false)),
            _ => Err(bad(format!("CSV, line {}: text after a closing quote", self.line))),
        }
    }

    /// Reads to the closing quote; returns the text and the bytes up to and with that quote.
    fn quoted(&self, text: &str) -> Result<(String, usize), Refusal> {
        let (mut cell, mut at) = (String::new(), 0);
        loop {
            let Some(quote) = text[at..].find('"') else {
                return Err(bad(format!("CSV, line {}: a quote is not closed", self.line)));
            };
            cell.push_str(&text[at..at + quote]);
            at += quote + 1;
            if !text[at..].starts_with('"') {
                return Ok((cell, at));
            }
            cell.push('"');
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_of_every_kind() {
        let expected = json!([{"a": "1", "b": "x,\"y\"\nz"}, {"a": null, "b": "é"}]);
        for text in [
            "a,b\n1,\"x,\"\"y\"\"\nz\"\n,é\n",
            "a,b\r\n1,\"x,\"\"y\"\"\nz\"\r\n,é",
            "a,b\n\"1\",\"x,\"\"y\"\"\nz\"\n\"\",é",
        ] {
            assert_eq!(Value::Array(records(text.as_bytes()).unwrap()), expected, "{text:?}");
        }
        assert!(records(b"a,b\n").unwrap().is_empty());
    }

    #[test]
    fn damage_is_named() {
        for (text, part) in [
            ("", "no head line"),
            ("a,a\n1,2", "column \"a\" appears twice"),
            ("a,b\n1", "line 2: expected 2 cells, got 1"),
            ("a,b\n1,\"2", "line 2: a quote is not closed"),
            ("a,b\n1,\"2\"x", "line 2: text after a closing quote"),
            ("\u{feff}a\n1", "byte order mark"),
        ] {
            let refusal = records(text.as_bytes()).expect_err(text);
            assert!(refusal.message.contains(part), "{text:?}: {}", refusal.message);
        }
    }
}
