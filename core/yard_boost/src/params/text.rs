//! Reading one hyperparameter from text: numbers within ranges, lists, and names in quotes.

use crate::error::BoostError;
use std::{collections::BTreeMap, ops::RangeInclusive, str::FromStr};

/// Other names of hyperparameters.
const ALIASES: [(&str, &str); 1] = [("max_depth", "depth")];

/// A hyperparameter as given.
pub(super) struct Entry<'a> {
    /// Name as given.
    given: &'a str,
    /// Name with aliases resolved.
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// Entries by their own names; the same one under two names is an error.
pub(super) fn entries(params: &BTreeMap<String, String>) -> Result<Vec<Entry<'_>>, BoostError> {
    let mut out: Vec<Entry> = Vec::with_capacity(params.len());
    for (given, text) in params {
        let alias = ALIASES.iter().find(|alias| alias.0 == given);
        let name = alias.map_or(given.as_str(), |alias| alias.1);
        if let Some(other) = out.iter().find(|entry| entry.name == name) {
            let expected = format!("{} or {given}, not both", other.given);
            return Err(Entry { given, name, text }.bad(expected));
        }
        out.push(Entry { given, name, text });
    }
    Ok(out)
}

impl Entry<'_> {
    pub(super) fn whole(&self, range: RangeInclusive<u32>) -> Result<u32, BoostError> {
        self.parse("a whole number", range)
    }

    /// 0 or a whole number in a range.
    pub(super) fn whole_or_0(&self, range: RangeInclusive<u32>) -> Result<u32, BoostError> {
        if self.text.trim() == "0" { Ok(0) } else { self.whole(range) }
    }

    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Result<f64, BoostError> {
        self.parse("a number", range)
    }

    fn parse<T>(&self, kind: &str, range: RangeInclusive<T>) -> Result<T, BoostError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        match self.text.trim().parse::<T>() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(self.bad(format!("{kind} from {} to {}", range.start(), range.end()))),
        }
    }

    /// The error for a value that can't be used.
    pub(super) fn bad(&self, expected: impl Into<String>) -> BoostError {
        let (name, value) = (self.given.to_owned(), self.text.to_owned());
        BoostError::ParamValue { name, value, expected: expected.into() }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, BoostError> {
        let known = || words.iter().map(|word| word.0).collect::<Vec<_>>().join(", ");
        let found = words.iter().find(|word| word.0 == self.text.trim());
        found.map(|word| word.1).ok_or_else(|| self.bad(format!("one of {}", known())))
    }

    /// Numbers in a list, all within a range.
    pub(super) fn numbers(&self, range: RangeInclusive<f64>) -> Option<Vec<f64>> {
        let number = |part: &str| part.trim().parse::<f64>().ok().filter(|value| range.contains(value));
        self.text.split(',').map(number).collect()
    }

    pub(super) fn unknown(&self, known: &str) -> BoostError {
        BoostError::UnknownParam { name: self.given.to_owned(), known: known.to_owned() }
    }
}

/// Parts between separators, except within double quotes; blanks around parts are dropped.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            parts.push(text[start..at].trim());
            start = at + c.len_utf8();
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// A name without the quotes around it.
pub(super) fn unquote(name: &str) -> &str {
    name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name)
}

/// A name, in quotes if it holds a separator.
pub(super) fn quote(name: &str) -> String {
    if name.contains([',', ';', ':']) { format!("\"{name}\"") } else { name.to_owned() }
}
