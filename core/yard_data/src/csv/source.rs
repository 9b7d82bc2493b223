//! Rows of a CSV file: short rows are padded, cells beyond the header are kept in a column of their own,
//! blank rows are left out; each of these is noted and becomes a finding.

use super::records::{MAX_RECORD, Noted, Record, RecordError, Records};
use crate::bytes::Bytes;
use crate::encoding::Utf8Reader;
use crate::error::DataError;
use crate::findings::{With, counted, finding, lines};
use crate::raw::{CellSink, Raw};
use std::path::PathBuf;
use yard_types::profile::{Finding, Severity};

/// Name of the column that keeps cells beyond the header.
pub(crate) const EXTRA: &str = "extra cells";

/// How the records of a file become rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CsvShape {
    pub(crate) delimiter: u8,
    /// Whether the first record holds names.
    pub(crate) header: bool,
    /// Number of columns.
    pub(crate) width: usize,
    /// Whether rows of empty cells are kept.
    pub(crate) keep_empty: bool,
}

/// A CSV file being read.
pub(crate) struct CsvSource {
    path: PathBuf,
    records: Records<Utf8Reader<Bytes>>,
    record: Record,
    shape: CsvShape,
    started: bool,
    short: Noted,
    short_examples: Vec<String>,
    long: Noted,
    trailing: Noted,
    blank_lines: Noted,
    blank_rows: Noted,
}

impl CsvSource {
    /// Starts at the beginning of the text.
    pub(crate) fn new(path: PathBuf, input: Utf8Reader<Bytes>, shape: CsvShape) -> Self {
        Self {
            path,
            records: Records::new(input, shape.delimiter),
            record: Record::default(),
            shape,
            started: false,
            short: Noted::default(),
            short_examples: Vec::new(),
            long: Noted::default(),
            trailing: Noted::default(),
            blank_lines: Noted::default(),
            blank_rows: Noted::default(),
        }
    }

    /// Gives rows to the sinks; the sink after the last column takes the cells beyond the header.
    pub(crate) fn fill<S: CellSink>(
        &mut self,
        sinks: &mut [Option<S>],
        most: usize,
    ) -> Result<usize, DataError> {
        let mut rows = 0;
        while rows < most && self.advance()? {
            if !self.started {
                self.started = true;
                if self.shape.header {
                    continue;
                }
            }
            self.give(sinks);
            rows += 1;
        }
        Ok(rows)
    }

    /// Reads the next record that is not blank.
    fn advance(&mut self) -> Result<bool, DataError> {
        loop {
            let more = self.records.next(&mut self.record).map_err(|error| match error {
                RecordError::Io(source) => DataError::io("read", &self.path, source),
                RecordError::TooLong { line } => {
                    DataError::LongRecord { line, limit: MAX_RECORD, path: self.path.clone() }
                }
            })?;
            if !more {
                return Ok(false);
            }
            if !self.record.is_blank() {
                return Ok(true);
            }
            if self.started && self.shape.keep_empty && self.record.len() > 1 {
                return Ok(true);
            }
            let noted = if self.record.len() > 1 { &mut self.blank_rows } else { &mut self.blank_lines };
            noted.add(self.record.line);
        }
    }

    fn give<S: CellSink>(&mut self, sinks: &mut [Option<S>]) {
        let cells = self.record.len();
        for (index, sink) in sinks.iter_mut().take(self.shape.width).enumerate() {
            if let Some(sink) = sink {
                let cell = self.record.cell(index);
                sink.push(if cell.is_empty() { Raw::Missing } else { Raw::Text(cell) });
            }
        }
        if cells < self.shape.width {
            if self.short_examples.len() < 10 {
                self.short_examples
                    .push(format!("line {}: {cells} of {} cells", self.record.line, self.shape.width));
            }
            self.short.add(self.record.line);
        }
        let extra = self.extra_cells();
        if let Some(Some(sink)) = sinks.get_mut(self.shape.width) {
            sink.push(extra.as_deref().map_or(Raw::Missing, Raw::Text));
        }
    }

    fn extra_cells(&mut self) -> Option<String> {
        if self.record.len() <= self.shape.width {
            return None;
        }
        let cells: Vec<&str> = self.record.cells().skip(self.shape.width).collect();
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            self.trailing.add(self.record.line);
            return None;
        }
        self.long.add(self.record.line);
        Some(cells.join(&char::from(self.shape.delimiter).to_string()))
    }

    /// Returns the repairs made so far.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut out = self.ragged_rows();
        let noted = &self.blank_rows;
        out.extend(note(Severity::Info, "blank_rows", noted, |at| {
            format!("{} with empty cells only ({at}) left out", counted(noted.count, "row", "rows"))
        }));
        let noted = &self.blank_lines;
        out.extend(note(Severity::Info, "blank_lines", noted, |at| {
            format!("{} ({at}) left out", counted(noted.count, "blank line", "blank lines"))
        }));
        out.extend(self.record_repairs());
        out
    }

    fn ragged_rows(&self) -> Vec<Finding> {
        let width = self.shape.width;
        let add = |noted, text: &dyn Fn(&str, &str) -> String| {
            note(Severity::Warning, "ragged_rows", noted, |at| {
                text(&counted(noted.count, "row has", "rows have"), at)
            })
        };
        let short = add(&self.short, &|rows, at| {
            format!(
                "{rows} fewer cells than the {width} columns ({at}); the cells at the end were read as missing; check whether a delimiter is lost there"
            )
        });
        let long = add(&self.long, &|rows, at| {
            format!(
                "{rows} more cells than the {width} columns ({at}); the cells beyond are kept in column \"{EXTRA}\", which is left out of training; check whether a text with the delimiter lacks quotes"
            )
        });
        let trailing = add(&self.trailing, &|rows, at| {
            format!(
                "{rows} delimiters behind the {width} columns with nothing after them ({at}); the empty cells beyond were left out"
            )
        });
        let short = short.map(|found| found.examples(self.short_examples.clone()));
        [short, long, trailing].into_iter().flatten().collect()
    }

    fn record_repairs(&self) -> Vec<Finding> {
        let notes = &self.records.notes;
        let add = |code, noted, text: &dyn Fn(&str) -> String| note(Severity::Warning, code, noted, text);
        let nul = add("nul_bytes", &notes.nul_bytes, &|at| {
            let count = counted(notes.nul_bytes.count, "NUL byte", "NUL bytes");
            format!(
                "{count} in {at} taken out of the cells; the rest of each cell is kept; check what wrote the file"
            )
        });
        let open = add("open_quote", &notes.open_quotes, &|at| {
            format!(
                "a quote in {at} is never closed; it was read as an ordinary character, so the rows after it are kept; check that line"
            )
        });
        let stray = add("stray_text", &notes.stray_text, &|at| {
            format!(
                "text follows a closing quote in {at}; it was kept as part of the cell; check the quotes there"
            )
        });
        let long = add("long_quote", &notes.many_breaks, &|at| {
            format!(
                "a quoted cell that starts in {at} holds 100 line breaks or more; if a quote is lost there, rows are inside that cell; check that line"
            )
        });
        [nul, open, stray, long].into_iter().flatten().collect()
    }
}

/// Makes the finding of a repair, if there was any.
fn note(severity: Severity, code: &str, noted: &Noted, text: impl Fn(&str) -> String) -> Option<Finding> {
    let at = lines(&noted.lines, noted.count);
    let examples = noted.lines.iter().map(|line| format!("line {line}")).collect();
    (noted.count > 0).then(|| finding(severity, code, noted.count, text(&at)).examples(examples))
}
