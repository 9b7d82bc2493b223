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

/// A CSV file being read.
pub(crate) struct CsvSource {
    path: PathBuf,
    records: Records<Utf8Reader<Bytes>>,
    record: Record,
    /// Columns of the header.
    width: usize,
    delimiter: u8,
    header: bool,
    short: Noted,
    short_examples: Vec<String>,
    long: Noted,
    trailing: Noted,
    blank_lines: Noted,
    blank_rows: Noted,
}

impl CsvSource {
    /// Starts behind the header (when there is one). `width` is the number of columns.
    pub(crate) fn new(
        path: PathBuf,
        input: Utf8Reader<Bytes>,
        delimiter: u8,
        header: bool,
        width: usize,
    ) -> Self {
        Self {
            path,
            records: Records::new(input, delimiter),
            record: Record::default(),
            width,
            delimiter,
            header,
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
            if self.header {
                self.header = false;
                continue;
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
            let noted = if self.record.len() > 1 { &mut self.blank_rows } else { &mut self.blank_lines };
            noted.add(self.record.line);
        }
    }

    fn give<S: CellSink>(&mut self, sinks: &mut [Option<S>]) {
        let cells = self.record.len();
        for (index, sink) in sinks.iter_mut().take(self.width).enumerate() {
            if let Some(sink) = sink {
                let cell = self.record.cell(index);
                sink.push(if cell.is_empty() { Raw::Missing } else { Raw::Text(cell) });
            }
        }
        if cells < self.width {
            if self.short_examples.len() < 10 {
                self.short_examples
                    .push(format!("line {}: {cells} of {} cells", self.record.line, self.width));
            }
            self.short.add(self.record.line);
        }
        let extra = self.extra_cells();
        if let Some(Some(sink)) = sinks.get_mut(self.width) {
            sink.push(extra.as_deref().map_or(Raw::Missing, Raw::Text));
        }
    }

    fn extra_cells(&mut self) -> Option<String> {
        if self.record.len() <= self.width {
            return None;
        }
        let cells: Vec<&str> = self.record.cells().skip(self.width).collect();
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            self.trailing.add(self.record.line);
            return None;
        }
        self.long.add(self.record.line);
        Some(cells.join(&char::from(self.delimiter).to_string()))
    }

    /// Returns the repairs made so far.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut out = Vec::new();
        let mut add = |severity, code, noted: &Noted, text: &dyn Fn(&str) -> String| {
            if noted.count > 0 {
                let at = lines(&noted.lines, noted.count);
                let examples = noted.lines.iter().map(|line| format!("line {line}")).collect();
                out.push(finding(severity, code, noted.count, text(&at)).examples(examples));
            }
        };
        let notes = &self.records.notes;
        let rows = |noted: &Noted| counted(noted.count, "row", "rows");
        add(Severity::Warning, "ragged_rows", &self.short, &|at| {
            format!(
                "{} fewer cells than the {} columns ({at}); the cells at the end were read as missing; check whether a delimiter is lost there",
                counted(self.short.count, "row has", "rows have"),
                self.width
            )
        });
        add(Severity::Warning, "ragged_rows", &self.long, &|at| {
            format!(
                "{} more cells than the {} columns ({at}); the cells beyond are kept in column \"{EXTRA}\", which is left out of training; check whether a text with the delimiter lacks quotes",
                counted(self.long.count, "row has", "rows have"),
                self.width
            )
        });
        add(Severity::Warning, "ragged_rows", &self.trailing, &|at| {
            format!(
                "{} delimiters behind the {} columns with nothing after them ({at}); the empty cells beyond were left out",
                counted(self.trailing.count, "row has", "rows have"),
                self.width
            )
        });
        add(Severity::Info, "blank_rows", &self.blank_rows, &|at| {
            format!("{} with empty cells only ({at}) left out", rows(&self.blank_rows))
        });
        add(Severity::Info, "blank_lines", &self.blank_lines, &|at| {
            format!("{} ({at}) left out", counted(self.blank_lines.count, "blank line", "blank lines"))
        });
        add(Severity::Warning, "nul_bytes", &notes.nul_bytes, &|at| {
            format!(
                "{} in {at} taken out of the cells; the rest of each cell is kept; check what wrote the file",
                counted(notes.nul_bytes.count, "NUL byte", "NUL bytes")
            )
        });
        add(Severity::Warning, "open_quote", &notes.open_quotes, &|at| {
            format!(
                "a quote in {at} is never closed; it was read as an ordinary character, so the rows after it are kept; check that line"
            )
        });
        add(Severity::Warning, "stray_text", &notes.stray_text, &|at| {
            format!(
                "text follows a closing quote in {at}; it was kept as part of the cell; check the quotes there"
            )
        });
        add(Severity::Warning, "long_quote", &notes.many_breaks, &|at| {
            format!(
                "a quoted cell that starts in {at} holds 100 line breaks or more; if a quote is lost there, rows are inside that cell; check that line"
            )
        });
        if let Some(first) = out.iter_mut().find(|f| f.code == "ragged_rows")
            && self.short.count > 0
        {
            first.examples.clone_from(&self.short_examples);
        }
        out
    }
}
