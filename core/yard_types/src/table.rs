//! A table in memory in the form that every part shares: readers produce it, the scorer consumes it.
//! Knows nothing about polars; files that cells name are read through [`Files`].

use crate::files::Files;

/// One cell as the scorer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// No value: JSON null, an empty cell, a null word, or NaN.
    Missing,
    /// A number, integer or boolean (false 0, true 1).
    Number(f64),
    /// Text: a category, free text, or anything not yet parsed (the scorer parses by the field's rules).
    Text(&'a str),
    /// A point in time, microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
}

/// Code of a missing cell in [`TextColumn::codes`].
pub const MISSING_CODE: u32 = u32::MAX;
/// Missing point in time in [`Column::Instant`].
pub const MISSING_INSTANT: i64 = i64::MIN;

/// A text column, dictionary-coded: `codes[row]` indexes `words`; [`MISSING_CODE`] is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextColumn {
    /// One code a row.
    pub codes: Vec<u32>,
    /// Distinct words, in order of first appearance.
    pub words: Vec<String>,
}

impl TextColumn {
    /// Returns the word of a row, `None` when missing or out of range.
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = *self.codes.get(row)?;
        self.words.get(code as usize).map(String::as_str)
    }

    /// Builds the dictionary from cells in row order.
    pub fn from_cells<'a>(cells: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut out = Self::default();
        let mut index: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
        for cell in cells {
            let Some(word) = cell else {
                out.codes.push(MISSING_CODE);
                continue;
            };
            let code = if let Some(code) = index.get(word) {
                *code
            } else {
                let code = out.words.len() as u32;
                out.words.push(word.to_owned());
                index.insert(word.to_owned(), code);
                code
            };
            out.codes.push(code);
        }
        out
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers, integers and booleans; NaN is missing; infinities are kept.
    Number(Vec<f64>),
    /// Categories and free text.
    Text(TextColumn),
    /// Points in time in microseconds since 1970-01-01T00:00:00Z; [`MISSING_INSTANT`] is missing.
    Instant(Vec<i64>),
}

impl Column {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Text(text) => text.codes.len(),
            Self::Instant(values) => values.len(),
        }
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the cell of a row; out of range is missing.
    pub fn value(&self, row: usize) -> FieldValue<'_> {
        match self {
            Self::Number(values) => match values.get(row) {
                Some(value) if !value.is_nan() => FieldValue::Number(*value),
                _ => FieldValue::Missing,
            },
            Self::Text(text) => text.get(row).map_or(FieldValue::Missing, FieldValue::Text),
            Self::Instant(values) => match values.get(row) {
                Some(value) if *value != MISSING_INSTANT => FieldValue::Instant(*value),
                _ => FieldValue::Missing,
            },
        }
    }

    /// Returns the rows named, in that order; an index out of range becomes missing.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        match self {
            Self::Number(values) => Self::Number(
                rows.iter().map(|row| values.get(*row as usize).copied().unwrap_or(f64::NAN)).collect(),
            ),
            Self::Text(text) => Self::Text(TextColumn {
                codes: rows
                    .iter()
                    .map(|row| text.codes.get(*row as usize).copied().unwrap_or(MISSING_CODE))
                    .collect(),
                words: text.words.clone(),
            }),
            Self::Instant(values) => Self::Instant(
                rows.iter()
                    .map(|row| values.get(*row as usize).copied().unwrap_or(MISSING_INSTANT))
                    .collect(),
            ),
        }
    }
}

/// Named columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
    files: Option<Files>,
}

/// Why a table can't be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A column has another length than the first.
    #[error("column \"{name}\" has {got} rows; expected {expected}, as in the first column")]
    Length {
        /// Column name.
        name: String,
        /// Rows of the first column.
        expected: usize,
        /// Rows found.
        got: usize,
    },
    /// Two columns of one name.
    #[error("column \"{name}\" appears twice; rename one of them")]
    Duplicate {
        /// Column name.
        name: String,
    },
}

impl Table {
    /// Builds a table from columns in order; lengths must agree and names must be distinct.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self, TableError> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        let mut seen = std::collections::BTreeSet::new();
        for (name, column) in &columns {
            if column.len() != rows {
                return Err(TableError::Length { name: name.clone(), expected: rows, got: column.len() });
            }
            if !seen.insert(name.clone()) {
                return Err(TableError::Duplicate { name: name.clone() });
            }
        }
        let (names, columns) = columns.into_iter().unzip();
        Ok(Self { names, columns, rows, files: None })
    }

    /// Sets where the files that cells name are read from.
    #[must_use]
    pub fn with_files(mut self, files: Option<Files>) -> Self {
        self.files = files;
        self
    }

    /// Returns where the files that cells name are read from, if there are any.
    pub fn files(&self) -> Option<&Files> {
        self.files.as_ref()
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the column names in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.position(name).map(|index| &self.columns[index])
    }

    /// Returns the position of a name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// Returns the rows named, in that order.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column.take(rows)).collect(),
            rows: rows.len(),
            files: self.files.clone(),
        }
    }
}
