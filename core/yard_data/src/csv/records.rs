//! Splits UTF-8 text into records and cells in one linear pass. Lenient: a quote that is never closed
//! is an ordinary character, NUL bytes are taken out, text after a closing quote is kept; each repair is
//! noted with its line. Knows nothing of columns, types or files.

use std::collections::BTreeSet;
use std::io::Read;

/// Longest record in bytes.
pub(crate) const MAX_RECORD: usize = 64 << 20;
const BLOCK: usize = 1 << 16;
/// Line breaks inside one quoted cell from which on a forgotten quote is suspected.
const MANY_BREAKS: u64 = 100;

/// A count with the lines of the first cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) count: u64,
    pub(crate) lines: Vec<u64>,
}

impl Noted {
    pub(crate) fn add(&mut self, line: u64) {
        self.count += 1;
        if self.lines.len() < 10 {
            self.lines.push(line);
        }
    }
}

/// Repairs made while splitting.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordNotes {
    pub(crate) open_quotes: Noted,
    pub(crate) nul_bytes: Noted,
    pub(crate) stray_text: Noted,
    pub(crate) many_breaks: Noted,
}

/// One record. Cells lie one after the other in `bytes`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Line where it starts, from 1.
    pub(crate) line: u64,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a cell; out of range is empty.
    pub(crate) fn cell(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(0) };
        let end = self.ends.get(index).copied().unwrap_or(start);
        // Cells are cut at ASCII bytes of valid UTF-8, so this never falls back to empty.
        std::str::from_utf8(self.bytes.get(start..end).unwrap_or(&[])).unwrap_or("")
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.cell(index))
    }

    /// Returns whether every cell is empty or blank.
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// What stopped the reading.
#[derive(Debug)]
pub(crate) enum RecordError {
    Io(std::io::Error),
    TooLong { line: u64 },
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Bare,
    Quoted,
    AfterQuote,
}

/// The splitter.
pub(crate) struct Records<R> {
    input: R,
    delimiter: u8,
    buffer: Vec<u8>,
    /// Offset in the text of `buffer[0]`.
    base: u64,
    /// Start of the record in hand.
    start: usize,
    at: usize,
    ended: bool,
    line: u64,
    /// Offsets of quotes that are ordinary characters.
    literal: BTreeSet<u64>,
    quote_at: u64,
    breaks: u64,
    pub(crate) notes: RecordNotes,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            buffer: Vec::new(),
            base: 0,
            start: 0,
            at: 0,
            ended: false,
            line: 1,
            literal: BTreeSet::new(),
            quote_at: 0,
            breaks: 0,
            notes: RecordNotes::default(),
        }
    }

    /// Reads the next record; false at the end.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool, RecordError> {
        self.start = self.at;
        let first_line = self.line;
        record.clear();
        record.line = first_line;
        let mut state = State::Start;
        loop {
            if self.at == self.buffer.len() && !self.refill()? {
                if state != State::Quoted {
                    return Ok(self.finish_at_end(record));
                }
                state = self.reopen(record, first_line);
                continue;
            }
            if self.at - self.start > MAX_RECORD {
                if state != State::Quoted {
                    return Err(RecordError::TooLong { line: first_line });
                }
                state = self.reopen(record, first_line);
                continue;
            }
            match self.step(state, record) {
                Some(next) => state = next,
                None => return Ok(true),
            }
        }
    }

    /// Takes a run of bytes; `None` when the record is complete.
    fn step(&mut self, state: State, record: &mut Record) -> Option<State> {
        let byte = self.buffer[self.at];
        match state {
            State::Start if byte == b'"' && !self.is_literal() => {
                self.quote_at = self.base + self.at as u64;
                self.breaks = 0;
                self.at += 1;
                Some(State::Quoted)
            }
            State::Start | State::Bare => self.step_bare(record),
            State::Quoted => {
                let rest = &self.buffer[self.at..];
                let run = rest.iter().position(|b| *b == b'"').unwrap_or(rest.len());
                let (line, run) = (self.line, &self.buffer[self.at..self.at + run]);
                push(record, run, line, &mut self.notes);
                let breaks = line_breaks(run);
                self.breaks += breaks;
                self.line += breaks;
                self.at += run.len();
                if self.at < self.buffer.len() {
                    self.at += 1;
                    return Some(State::AfterQuote);
                }
                Some(State::Quoted)
            }
            State::AfterQuote => self.step_after_quote(byte, record),
        }
    }

    fn step_after_quote(&mut self, byte: u8, record: &mut Record) -> Option<State> {
        if byte == b'"' {
            record.bytes.push(b'"');
            self.at += 1;
            return Some(State::Quoted);
        }
        if self.breaks >= MANY_BREAKS {
            self.notes.many_breaks.add(record.line);
            self.breaks = 0;
        }
        if byte != self.delimiter && byte != b'\n' && byte != b'\r' {
            if byte == b' ' {
                self.at += 1;
                return Some(State::AfterQuote);
            }
            self.notes.stray_text.add(self.line);
        }
        self.step_bare(record)
    }

    fn step_bare(&mut self, record: &mut Record) -> Option<State> {
        let delimiter = self.delimiter;
        let rest = &self.buffer[self.at..];
        let special = |b: &u8| *b == delimiter || *b == b'\n' || *b == b'\r';
        let run = rest.iter().position(special).unwrap_or(rest.len());
        push(record, &self.buffer[self.at..self.at + run], self.line, &mut self.notes);
        self.at += run;
        let Some(byte) = self.buffer.get(self.at).copied() else { return Some(State::Bare) };
        self.at += 1;
        record.ends.push(record.bytes.len());
        if byte == delimiter {
            return Some(State::Start);
        }
        self.line += 1;
        if byte == b'\r' {
            self.skip_line_feed();
        }
        None
    }

    fn skip_line_feed(&mut self) {
        let more = self.at < self.buffer.len() || matches!(self.refill(), Ok(true));
        if more && self.buffer[self.at] == b'\n' {
            self.at += 1;
        }
    }

    fn is_literal(&self) -> bool {
        !self.literal.is_empty() && self.literal.contains(&(self.base + self.at as u64))
    }

    /// The quote in hand is never closed: takes it as an ordinary character and reads the record again.
    fn reopen(&mut self, record: &mut Record, first_line: u64) -> State {
        self.notes.open_quotes.add(first_line + self.lines_before_quote());
        self.literal.insert(self.quote_at);
        record.clear();
        self.line = first_line;
        self.at = self.start;
        State::Start
    }

    fn lines_before_quote(&self) -> u64 {
        let end = (self.quote_at - self.base) as usize;
        line_breaks(&self.buffer[self.start..end])
    }

    fn finish_at_end(&mut self, record: &mut Record) -> bool {
        if self.at == self.start {
            return false;
        }
        record.ends.push(record.bytes.len());
        true
    }

    /// Reads more text behind the record in hand; false at the end.
    fn refill(&mut self) -> Result<bool, RecordError> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.base += self.start as u64;
            self.at -= self.start;
            self.start = 0;
        }
        let kept = self.buffer.len();
        let block = BLOCK.max(kept.min(8 << 20));
        self.buffer.resize(kept + block, 0);
        let got = loop {
            match self.input.read(&mut self.buffer[kept..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let got = got.map_err(|error| {
            self.buffer.truncate(kept);
            RecordError::Io(error)
        })?;
        self.buffer.truncate(kept + got);
        self.ended = got == 0;
        Ok(got > 0)
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Appends cell bytes without NUL bytes.
fn push(record: &mut Record, run: &[u8], line: u64, notes: &mut RecordNotes) {
    if !run.contains(&0) {
        record.bytes.extend_from_slice(run);
        return;
    }
    let mut line = line;
    for byte in run {
        line += u64::from(*byte == b'\n');
        if *byte == 0 {
            notes.nul_bytes.add(line);
        } else {
            record.bytes.push(*byte);
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;

    /// Gives one byte a read, so that every state meets the end of the buffer.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn rows<R: Read>(input: R) -> (Vec<Vec<String>>, Vec<u64>, RecordNotes) {
        let mut records = Records::new(input, b',');
        let mut record = Record::default();
        let (mut out, mut lines) = (Vec::new(), Vec::new());
        loop {
            match records.next(&mut record) {
                Ok(true) => {
                    out.push(record.cells().map(str::to_owned).collect());
                    lines.push(record.line);
                }
                Ok(false) => return (out, lines, records.notes),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn check(text: &str, expected: &[&[&str]]) {
        assert_eq!(rows(text.as_bytes()).0, expected, "{text:?}");
        assert_eq!(rows(Drip(text.as_bytes())).0, expected, "{text:?} byte by byte");
    }

    #[test]
    fn records_and_cells() {
        check("", &[]);
        check("a,b\n1,2\n", &[&["a", "b"], &["1", "2"]]);
        check("a,b\r\n1,2", &[&["a", "b"], &["1", "2"]]);
        check("a\rb\r", &[&["a"], &["b"]]);
        check(",\n", &[&["", ""]]);
        check("\"x, y\",\"line\nbreak\",\"say \"\"hi\"\"\"\n", &[&["x, y", "line\nbreak", "say \"hi\""]]);
        check("\"\",\"\"\n\"\"\"\"\n", &[&["", ""], &["\""]]);
        check("\"a\" ,b\n", &[&["a", "b"]]);
        check("a\"b,c\n", &[&["a\"b", "c"]]);
        check("\"a\"b,c\n", &[&["ab", "c"]]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_a_character() {
        check("a,b,c\n1,\"two,0\n3,four,1\n", &[&["a", "b", "c"], &["1", "\"two", "0"], &["3", "four", "1"]]);
        let (_, _, notes) = rows("a,b,c\n1,\"two,0\n3,\"\",1\n".as_bytes());
        assert_eq!((notes.open_quotes.count, notes.open_quotes.lines), (1, vec![2]));
    }

    #[test]
    fn lines_and_nul_bytes_are_noted() {
        let (out, lines, notes) = rows("a\n\"x\ny\"\nb\0c\n".as_bytes());
        assert_eq!(out, [["a"], ["x\ny"], ["bc"]]);
        assert_eq!(lines, [1, 2, 4]);
        assert_eq!(notes.nul_bytes.lines, [4]);
    }
}
