//! The text as keys and values: the header, then one block for each tree, then what follows the trees.
//! Memory stays proportional to the text: nothing is made from a count that the text only claims.

use crate::error::ImportError;
use std::{collections::BTreeMap, str::FromStr};

const FORMAT: &str = "LightGBM text";

/// Keys and values of a part of the text.
#[derive(Debug, Default)]
pub(crate) struct Part<'a> {
    /// Where it is, for messages.
    place: String,
    values: BTreeMap<&'a str, &'a str>,
}

/// The whole text.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) header: Part<'a>,
    pub(crate) trees: Vec<Part<'a>>,
    /// The line `pandas_categorical:..`, as JSON.
    pub(crate) pandas: Option<&'a str>,
}

pub(crate) fn malformed(place: &str, problem: impl Into<String>, expected: &'static str) -> ImportError {
    ImportError::Malformed { format: FORMAT, place: place.to_owned(), problem: problem.into(), expected }
}

pub(crate) fn unsupported(what: impl Into<String>, lost: &'static str, instead: &'static str) -> ImportError {
    ImportError::Unsupported { format: FORMAT, what: what.into(), lost, instead }
}

/// Splits the text.
pub(crate) fn split(text: &str) -> Result<Parts<'_>, ImportError> {
    let mut parts =
        Parts { header: Part { place: "header".to_owned(), ..Part::default() }, ..Parts::default() };
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some("tree") {
        return Err(malformed("line 1", "the first line is not \"tree\"", "a text model"));
    }
    let mut ended = false;
    for line in lines.by_ref() {
        if line == "end of trees" {
            ended = true;
            break;
        }
        if line.is_empty() {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key == "Tree" {
            if value != parts.trees.len().to_string() {
                let problem = format!("tree \"{}\" follows {} trees", short(value), parts.trees.len());
                return Err(malformed("trees", problem, "trees numbered from 0 in order"));
            }
            parts.trees.push(Part { place: format!("tree {value}"), ..Part::default() });
            continue;
        }
        let part = parts.trees.last_mut().unwrap_or(&mut parts.header);
        if part.values.insert(key, value).is_some() {
            return Err(malformed(&part.place, format!("\"{}\" appears twice", short(key)), "each key once"));
        }
    }
    if !ended {
        return Err(malformed("end", "the line \"end of trees\" is missing", "a whole file"));
    }
    parts.pandas = lines.find_map(|line| line.strip_prefix("pandas_categorical:"));
    Ok(parts)
}

/// Shortens text of the file for a message.
pub(crate) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().count() > 40 {
        out.push('…');
    }
    out
}

impl<'a> Part<'a> {
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(crate) fn text(&self, key: &str) -> Result<&'a str, ImportError> {
        let found = self.values.get(key).copied();
        found
            .ok_or_else(|| malformed(&self.place, format!("\"{key}\" is missing"), "every key of version v4"))
    }

    /// Reads a number; `default` when the key is absent.
    pub(crate) fn count(&self, key: &str, default: Option<usize>) -> Result<usize, ImportError> {
        if let (None, Some(default)) = (self.values.get(key), default) {
            return Ok(default);
        }
        let text = self.text(key)?;
        let wrong = || malformed(&self.place, format!("\"{key}\" is \"{}\"", short(text)), "a whole number");
        text.parse().map_err(|_| wrong())
    }

    /// Reads numbers divided by spaces; exactly `expected` of them.
    pub(crate) fn list<T: FromStr>(&self, key: &str, expected: usize) -> Result<Vec<T>, ImportError> {
        let values = self.any_list(key)?;
        if values.len() == expected {
            return Ok(values);
        }
        let problem = format!("\"{key}\" has {} values, not {expected}", values.len());
        Err(malformed(&self.place, problem, "one value for each leaf or split"))
    }

    /// Reads numbers divided by spaces.
    pub(crate) fn any_list<T: FromStr>(&self, key: &str) -> Result<Vec<T>, ImportError> {
        let mut out = Vec::new();
        for word in self.text(key)?.split_ascii_whitespace() {
            let wrong = || malformed(&self.place, format!("\"{key}\" holds \"{}\"", short(word)), "numbers");
            out.push(word.parse().map_err(|_| wrong())?);
        }
        Ok(out)
    }
}
