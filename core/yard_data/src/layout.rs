//! Finds out what a file is and how to read it: format, encoding, delimiter, header, column names. A
//! [`Layout`] can start any number of passes over the same file.

use crate::bytes::{Bytes, head, is_gzip, open_file};
use crate::csv::{
    dialect,
    records::{Record, Records},
    source::{CsvShape, CsvSource, EXTRA},
};
use crate::encoding::{Encoding, Survey, Utf8Reader, survey};
use crate::error::DataError;
use crate::findings::{With, counted, finding};
use crate::images::folder::{FolderSource, ImageFolder};
use crate::ndjson::NdjsonSource;
use crate::options::ReadOptions;
use crate::parquet::ParquetSource;
use crate::raw::Source;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yard_types::{
    profile::{Finding, Severity},
    schema::SourceFormat,
};

/// Most columns of a file.
pub(crate) const MAX_COLUMNS: usize = 100_000;
const SAMPLE: usize = 1 << 18;

/// How a file is read.
pub(crate) struct Layout {
    path: PathBuf,
    options: ReadOptions,
    pub(crate) format: SourceFormat,
    /// Column names after repairs. For CSV the last one is the column of extra cells.
    pub(crate) names: Vec<String>,
    /// Names that the file itself gives nothing for, so that an empty column can be left out.
    pub(crate) unnamed: Vec<bool>,
    pub(crate) findings: Vec<Finding>,
    encoding: Encoding,
    bom: bool,
    delimiter: u8,
    rows: usize,
    images: Option<ImageFolder>,
}

impl Layout {
    /// Looks at a file.
    pub(crate) fn detect(path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        if path.is_dir() {
            return Self::of_folder(path, options);
        }
        let (_, bytes) = open_file(path)?;
        let start = head(path, 8)?;
        if bytes == 0 {
            return Err(DataError::Empty { bytes, path: path.to_owned() });
        }
        let mut layout = Self::empty(path, options);
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        if crate::parquet::has_magic(path)? || has_ending(&name, &["parquet", "pq"]) {
            layout.detect_parquet()?;
        } else {
            refuse_known_binaries(path, &start)?;
            layout.detect_text(&name, is_gzip(&start))?;
        }
        Ok(layout)
    }

    fn empty(path: &Path, options: &ReadOptions) -> Self {
        Self {
            path: path.to_owned(),
            options: options.clone(),
            format: SourceFormat::default(),
            names: Vec::new(),
            unnamed: Vec::new(),
            findings: Vec::new(),
            encoding: Encoding::Utf8,
            bom: false,
            delimiter: b',',
            rows: 0,
            images: None,
        }
    }

    /// A folder of images; one without any is an error.
    fn of_folder(path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        let found = ImageFolder::list(path)?;
        if found.paths.is_empty() {
            return Err(DataError::Folder { path: path.to_owned() });
        }
        let mut layout = Self::empty(path, options);
        layout.format = SourceFormat {
            kind: crate::images::KIND.to_owned(),
            encoding: "utf-8".to_owned(),
            ..SourceFormat::default()
        };
        layout.names = found.names();
        layout.unnamed = vec![false; layout.names.len()];
        layout.findings = found.findings();
        layout.images = Some(found);
        Ok(layout)
    }

    fn detect_parquet(&mut self) -> Result<(), DataError> {
        if !crate::parquet::has_magic(&self.path)? {
            let reason = "it does not start with PAR1".to_owned();
            return Err(DataError::Parquet { reason, path: self.path.clone() });
        }
        let shape = crate::parquet::shape(&self.path)?;
        self.format = SourceFormat {
            kind: "parquet".to_owned(),
            encoding: "utf-8".to_owned(),
            header: true,
            ..SourceFormat::default()
        };
        self.unnamed = vec![false; shape.names.len()];
        self.names = shape.names;
        self.rows = shape.rows;
        self.check_width()
    }

    fn detect_text(&mut self, name: &str, gzip: bool) -> Result<(), DataError> {
        let found = survey(Bytes::open(&self.path, &self.options)?)
            .map_err(|source| DataError::io("read", &self.path, source))?;
        self.encoding = found.encoding;
        self.bom = found.bom;
        self.note_encoding(&found)?;
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let (sample, complete) = self.sample()?;
        let json = has_ending(plain, &["ndjson", "jsonl", "json"]) || looks_like_json(&sample);
        self.format = SourceFormat {
            kind: if json { "ndjson" } else { "csv" }.to_owned(),
            encoding: found.encoding.word().to_owned(),
            header: true,
            compression: gzip.then(|| "gzip".to_owned()),
            ..SourceFormat::default()
        };
        if sample.trim().is_empty() && complete {
            return Err(DataError::Empty { bytes: found.bytes, path: self.path.clone() });
        }
        if json {
            if sample.trim_start().starts_with('[') {
                return Err(DataError::Unsupported {
                    found: "the file holds a JSON array".to_owned(),
                    advice: "write one object a line without brackets and commas between them",
                    path: self.path.clone(),
                });
            }
            self.names = crate::ndjson::names(&self.path, self.text()?)?;
            self.unnamed = vec![false; self.names.len()];
            return self.check_width();
        }
        self.detect_csv(&sample, complete)
    }

    fn detect_csv(&mut self, sample: &str, complete: bool) -> Result<(), DataError> {
        self.delimiter = match self.options.delimiter {
            Some(given) => {
                u8::try_from(given).ok().filter(u8::is_ascii).ok_or_else(|| DataError::Argument {
                    what: "delimiter",
                    got: format!("\"{given}\""),
                    expected: "one ASCII character".to_owned(),
                })?
            }
            None => dialect::delimiter(sample, complete),
        };
        let rows = dialect::sample_rows(sample, self.delimiter, complete);
        let header = self.options.header.unwrap_or_else(|| dialect::has_header(&rows));
        self.format.delimiter = Some(char::from(self.delimiter));
        self.format.quote = Some('"');
        self.format.header = header;
        let mut first = self.first_record()?;
        if header && has_row_names(&first, &rows) {
            first.insert(0, String::new());
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(0).max(first.len());
        let given: Vec<String> = if header { first } else { vec![String::new(); width] };
        self.name_columns(&given, header);
        self.check_width()?;
        let width = self.names.len();
        if !header {
            let message = format!(
                "the first row holds values, not names; the {} called column_1, column_2, ...; add a header line to give them names",
                counted(width as u64, "column is", "columns are")
            );
            self.findings.push(finding(Severity::Warning, "no_header", 1, message));
        }
        self.names.push(self.extra_name());
        self.unnamed.push(true);
        Ok(())
    }

    /// Returns the cells of the first record that isn't blank, whatever its length.
    fn first_record(&self) -> Result<Vec<String>, DataError> {
        let mut records = Records::new(self.text()?, self.delimiter);
        let mut record = Record::default();
        while matches!(records.next(&mut record), Ok(true)) {
            if !record.is_blank() {
                return Ok(record.cells().map(|cell| cell.trim().to_owned()).collect());
            }
        }
        Ok(Vec::new())
    }

    fn name_columns(&mut self, given: &[String], header: bool) {
        let mut taken: std::collections::BTreeSet<String> = given.iter().cloned().collect();
        let mut used = std::collections::BTreeSet::new();
        let mut next = std::collections::BTreeMap::new();
        let (mut renamed, mut filled) = (Vec::new(), Vec::new());
        for (at, name) in given.iter().enumerate() {
            if !name.is_empty() && used.insert(name.clone()) {
                self.names.push(name.clone());
                continue;
            }
            let stem = if name.is_empty() { "column".to_owned() } else { name.clone() };
            let first = if name.is_empty() { at + 1 } else { 2 };
            let number = next.entry(stem.clone()).or_insert(first);
            let mut fresh = format!("{stem}_{number}");
            while taken.contains(&fresh) {
                *number += 1;
                fresh = format!("{stem}_{number}");
            }
            taken.insert(fresh.clone());
            if name.is_empty() {
                filled.push(format!("column {}: \"{fresh}\"", at + 1));
            } else {
                renamed.push(format!("column {}: \"{name}\" is now \"{fresh}\"", at + 1));
            }
            used.insert(fresh.clone());
            self.names.push(fresh);
        }
        self.unnamed = given.iter().map(String::is_empty).collect();
        self.note_names(renamed, if header { filled } else { Vec::new() });
    }

    fn note_names(&mut self, renamed: Vec<String>, filled: Vec<String>) {
        if !renamed.is_empty() {
            let message = format!(
                "{} an earlier name; all are kept under new names: {}",
                counted(renamed.len() as u64, "column repeats", "columns repeat"),
                renamed.iter().take(5).cloned().collect::<Vec<_>>().join("; ")
            );
            let count = renamed.len() as u64;
            self.findings.push(finding(Severity::Warning, "renamed", count, message).examples(renamed));
        }
        if !filled.is_empty() {
            let message = format!(
                "{} no name in the header; they are called by their position: {}",
                counted(filled.len() as u64, "column has", "columns have"),
                filled.iter().take(5).cloned().collect::<Vec<_>>().join("; ")
            );
            let count = filled.len() as u64;
            self.findings.push(finding(Severity::Warning, "renamed", count, message).examples(filled));
        }
    }

    fn extra_name(&self) -> String {
        let mut name = EXTRA.to_owned();
        while self.names.contains(&name) {
            name.push('_');
        }
        name
    }

    fn check_width(&self) -> Result<(), DataError> {
        if self.names.len() <= MAX_COLUMNS {
            return Ok(());
        }
        Err(DataError::TooLarge { what: "columns", limit: MAX_COLUMNS as u64, path: self.path.clone() })
    }

    fn note_encoding(&mut self, found: &Survey) -> Result<(), DataError> {
        if found.control_bytes * 20 > found.bytes && found.control_bytes > 0 && !is_utf16(found.encoding) {
            return Err(DataError::Unsupported {
                found: format!(
                    "{} of {} bytes are control characters, this is no text",
                    found.control_bytes, found.bytes
                ),
                advice: "choose a data file",
                path: self.path.clone(),
            });
        }
        let (severity, text) = match found.encoding {
            Encoding::Utf8 => return Ok(()),
            Encoding::Utf8Damaged => (
                Severity::Warning,
                format!(
                    "{} no valid UTF-8 (first in line {}); each was replaced by U+FFFD",
                    counted(found.bad_bytes, "byte is", "bytes are"),
                    found.first_bad_line
                ),
            ),
            Encoding::Utf16Le => {
                (Severity::Info, "the file is UTF-16 (little endian) and was read as such".to_owned())
            }
            Encoding::Utf16Be => {
                (Severity::Info, "the file is UTF-16 (big endian) and was read as such".to_owned())
            }
            Encoding::Windows1252 => (
                Severity::Info,
                format!(
                    "the file is no UTF-8 ({}, first in line {}); it was read as Windows-1252, which includes Latin-1; check the letters with accents",
                    counted(found.bad_bytes, "byte", "bytes"),
                    found.first_bad_line
                ),
            ),
        };
        self.findings.push(finding(severity, "encoding", found.bad_bytes, text));
        Ok(())
    }

    fn text(&self) -> Result<Utf8Reader<Bytes>, DataError> {
        Ok(Utf8Reader::new(Bytes::open(&self.path, &self.options)?, self.encoding, self.bom))
    }

    /// Returns the first text and whether it is the whole text.
    fn sample(&self) -> Result<(String, bool), DataError> {
        let mut bytes = Vec::new();
        let mut text = self.text()?.take(SAMPLE as u64);
        text.read_to_end(&mut bytes).map_err(|source| DataError::io("read", &self.path, source))?;
        let complete = bytes.len() < SAMPLE;
        while std::str::from_utf8(&bytes).is_err() && bytes.pop().is_some() {}
        Ok((String::from_utf8(bytes).unwrap_or_default(), complete))
    }

    /// Starts a pass over the rows.
    pub(crate) fn source(&self) -> Result<Source, DataError> {
        let path = self.path.clone();
        if let Some(images) = &self.images {
            return Ok(Source::Images(FolderSource::new(Arc::clone(&images.paths))));
        }
        Ok(match self.format.kind.as_str() {
            "parquet" => Source::Parquet(Box::new(ParquetSource::new(path, self.rows))),
            "ndjson" => Source::Ndjson(Box::new(NdjsonSource::new(path, self.text()?, &self.names))),
            _ => {
                let shape = CsvShape {
                    delimiter: self.delimiter,
                    header: self.format.header,
                    width: self.names.len().saturating_sub(1),
                    keep_empty: self.options.keep_empty_rows,
                };
                Source::Csv(Box::new(CsvSource::new(path, self.text()?, shape)))
            }
        })
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns whether every row has one cell more than the header, as R writes tables with row names.
fn has_row_names(first: &[String], rows: &[Vec<String>]) -> bool {
    let mut below = rows.iter().skip(1).peekable();
    let filled = rows.iter().skip(1).any(|row| row.last().is_some_and(|cell| !cell.is_empty()));
    below.peek().is_some() && filled && below.all(|row| row.len() == first.len() + 1)
}

fn is_utf16(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be)
}

/// Returns whether a lower-case file name ends with one of the extensions.
pub(crate) fn has_ending(name: &str, endings: &[&str]) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| endings.contains(&extension))
}

fn looks_like_json(sample: &str) -> bool {
    let first = sample.trim_start().lines().next().unwrap_or_default().trim();
    first.starts_with('{')
        && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(first).is_ok()
}

fn refuse_known_binaries(path: &Path, start: &[u8]) -> Result<(), DataError> {
    let known: [(&[u8], &str, &'static str); 7] = [
        (b"PK\x03\x04", "the file is a ZIP archive or an Excel workbook", "save the sheet as CSV"),
        (&[0xd0, 0xcf, 0x11, 0xe0], "the file is an old Excel workbook", "save the sheet as CSV"),
        (b"SQLite f", "the file is an SQLite database", "export the table as CSV"),
        (
            b"\x89PNG",
            "the file is a picture",
            "choose the folder that holds one sub-folder of images a class",
        ),
        (b"%PDF", "the file is a PDF document", "choose a data file"),
        (b"ARROW1", "the file is an Arrow or Feather file", "write it as Parquet"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "the file is packed with zstd", "unpack it or pack it with gzip"),
    ];
    match known.iter().find(|(magic, _, _)| start.starts_with(magic)) {
        None => Ok(()),
        Some((_, found, advice)) => {
            Err(DataError::Unsupported { found: (*found).to_owned(), advice, path: path.to_owned() })
        }
    }
}
