//! Building findings. Knows nothing of how they are found.

use yard_types::profile::{Finding, Fix, Severity};

/// Starts a finding.
pub(crate) fn finding(severity: Severity, code: &str, count: u64, message: String) -> Finding {
    Finding { severity, code: code.to_owned(), column: None, count, message, examples: Vec::new(), fix: None }
}

/// Adds parts to a finding.
pub(crate) trait With: Sized {
    fn on(self, column: &str) -> Self;
    fn examples(self, examples: Vec<String>) -> Self;
    fn fix(self, fix: Fix) -> Self;
}

impl With for Finding {
    fn on(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    fn examples(mut self, examples: Vec<String>) -> Self {
        self.examples = examples;
        self
    }

    fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// Returns `1 row` or `n rows`, with thousands separated.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Returns a count with commas between groups of three digits.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns `line 8` or `lines 8, 10 and 3 more` for the lines kept of a count.
pub(crate) fn lines(lines: &[u64], count: u64) -> String {
    let shown: Vec<String> = lines.iter().map(u64::to_string).collect();
    let more = count.saturating_sub(lines.len() as u64);
    let tail = if more > 0 { format!(" and {} more", grouped(more)) } else { String::new() };
    format!("{} {}{tail}", if count == 1 { "line" } else { "lines" }, shown.join(", "))
}

/// Shortens text for a message.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}
