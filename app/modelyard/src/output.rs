//! Writing for people and for programs: tables and one JSON value on standard output, progress and
//! remarks on standard error.

/// Appends formatted text to a string.
macro_rules! add {
    ($out:expr, $($text:tt)*) => {{
        use std::fmt::Write as _;
        // Writing to a String can't fail.
        let _ = write!($out, $($text)*);
    }};
}

use std::io::{IsTerminal as _, Write as _};
use yard_types::event::Notice;

/// Where and how a command writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// One JSON value instead of text.
    pub(crate) json: bool,
    /// Nothing on standard error but errors.
    pub(crate) quiet: bool,
}

impl Output {
    /// Writes the JSON value, or the text made by `human`.
    pub(crate) fn result(
        self,
        value: &serde_json::Value,
        human: impl FnOnce() -> String,
    ) -> std::io::Result<()> {
        let mut text = if self.json { serde_json::to_string_pretty(value)? } else { human() };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // The reader closed the pipe (`| head`): it has what it wanted.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes a line for people: on standard output, or on standard error when that is kept for JSON.
    pub(crate) fn say(self, text: &str) {
        if self.json {
            self.remark(text);
            return;
        }
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
    }

    /// Writes a remark on standard error.
    pub(crate) fn remark(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }
}

/// Writes an error on standard error.
pub(crate) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}

/// Shows the progress of a job on standard error: one line that is rewritten on a terminal, else one
/// line per phase.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    shown: bool,
    terminal: bool,
    phase: String,
    width: usize,
}

impl ProgressLine {
    /// Makes a silent line when `output` is quiet.
    pub(crate) fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { shown: !output.quiet, terminal, phase: String::new(), width: 0 }
    }

    /// Takes a notice.
    pub(crate) fn listen(&mut self, notice: &Notice) {
        if !self.shown {
            return;
        }
        match notice {
            Notice::JobProgress { progress, left_secs, .. } => {
                let amount = match progress.total {
                    Some(total) => format!(" {} of {total} {}", progress.done, progress.unit),
                    None if progress.done > 0 => format!(" {} {}", progress.done, progress.unit),
                    None => String::new(),
                };
                let left = left_secs.map_or_else(String::new, |left| format!(", {} left", duration(left)));
                self.show(&progress.phase, &format!("{}{amount}{left}", progress.phase));
            }
            Notice::Warning { message } => {
                self.clear();
                let _ = writeln!(std::io::stderr().lock(), "warning: {message}");
            }
            Notice::JobFinished { .. } | Notice::JobFailed { .. } | Notice::JobCancelled { .. } => {
                self.clear();
            }
            _ => {}
        }
    }

    fn show(&mut self, phase: &str, text: &str) {
        let mut out = std::io::stderr().lock();
        if self.terminal {
            let padding = self.width.saturating_sub(text.chars().count());
            let _ = write!(out, "\r  {text}{}", " ".repeat(padding));
            let _ = out.flush();
            self.width = text.chars().count();
        } else if self.phase != phase {
            let _ = writeln!(out, "  {phase}");
        }
        phase.clone_into(&mut self.phase);
    }

    /// Removes the line.
    pub(crate) fn clear(&mut self) {
        if self.terminal && self.width > 0 {
            let _ = write!(std::io::stderr().lock(), "\r{}\r", " ".repeat(self.width + 2));
        }
        self.width = 0;
    }
}

/// A table for people: columns padded, numbers to the right.
#[derive(Debug, Default)]
pub(crate) struct TextTable {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// Starts with the names of the columns.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Renders it, one line per row.
    pub(crate) fn render(&self) -> String {
        let columns = self.head.len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.chain(self.head.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let right: Vec<bool> = (0..columns).map(|column| self.numeric(column)).collect();
        let mut out = line(&self.head, &widths, &right);
        for row in &self.rows {
            out.push_str(&line(row, &widths, &right));
        }
        out
    }

    fn numeric(&self, column: usize) -> bool {
        let number = |cell: &String| {
            cell.is_empty()
                || cell == "-"
                || cell.starts_with(|c: char| c.is_ascii_digit() || "-+".contains(c))
        };
        !self.rows.is_empty() && self.rows.iter().filter_map(|row| row.get(column)).all(number)
    }
}

fn line(cells: &[String], widths: &[usize], right: &[bool]) -> String {
    let mut out = String::new();
    for ((cell, width), right) in cells.iter().zip(widths).zip(right) {
        let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
        let (before, after) = if *right { (padding.as_str(), "") } else { ("", padding.as_str()) };
        out.push_str(before);
        out.push_str(cell);
        out.push_str(after);
        out.push_str("  ");
    }
    format!("{}\n", out.trim_end())
}

/// Shows a number with at most `decimals` decimals; large ones with thousands separators.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
        None => (text.as_str(), ""),
    };
    let whole = grouped(whole);
    if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") }
}

/// Shows a count with thousands separators.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}")
}

/// Shows a duration: `0.4 s`, `12 s`, `3 min 5 s`.
pub(crate) fn duration(secs: f64) -> String {
    if secs < 10.0 {
        return format!("{secs:.1} s");
    }
    let secs = secs.round() as u64;
    if secs < 120 { format!("{secs} s") } else { format!("{} min {} s", secs / 60, secs % 60) }
}

/// Shows a size: `640 B`, `1.2 MB`.
pub(crate) fn bytes(value: u64) -> String {
    let value = value as f64;
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] {
        if value >= size {
            return format!("{:.1} {unit}", value / size);
        }
    }
    format!("{value} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(number(1_234_567.891, 2), "1,234,567.89");
        assert_eq!(number(-1234.0, 3), "-1,234");
        assert_eq!(number(0.5, 3), "0.5");
        assert_eq!(number(f64::NAN, 3), "-");
        assert_eq!((count(7), count(53_940)), ("7".to_owned(), "53,940".to_owned()));
        assert_eq!((duration(0.42), duration(185.0)), ("0.4 s".to_owned(), "3 min 5 s".to_owned()));
        assert_eq!((bytes(640), bytes(1_234_567)), ("640 B".to_owned(), "1.2 MB".to_owned()));
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let mut table = TextTable::new(&["column", "n"]);
        table.row(vec!["a".into(), "7".into()]);
        table.row(vec!["longer".into(), "53,940".into()]);
        assert_eq!(table.render(), "column       n\na            7\nlonger  53,940\n");
    }
}
