//! What can go wrong with a data file, a target, a split or a recipe. Each message says what failed,
//! what was expected and what to do. Problems inside readable data are findings, not errors.

use std::path::{Path, PathBuf};

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Nothing at this path.
    #[error("no file is at this path; check the spelling or choose another file: {}", path.display())]
    NotFound {
        /// Path.
        path: PathBuf,
    },
    /// The path is a folder.
    #[error("this is a folder without images, expected a file (CSV, Parquet or NDJSON) or a folder of images (.png, .jpg) with one sub-folder a class; choose a file in it: {}", path.display())]
    Folder {
        /// Path.
        path: PathBuf,
    },
    /// The system refused to read or write.
    #[error("can't {action}: {source}: {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Path.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Zero bytes, or nothing but blank lines.
    #[error("the file is empty ({bytes} bytes, no header and no rows); expected a header line and rows: {}", path.display())]
    Empty {
        /// Size.
        bytes: u64,
        /// Path.
        path: PathBuf,
    },
    /// Not a format that can be read.
    #[error("{found}; expected CSV, Parquet or NDJSON; {advice}: {}", path.display())]
    Unsupported {
        /// What the file seems to be.
        found: String,
        /// What to do.
        advice: &'static str,
        /// Path.
        path: PathBuf,
    },
    /// A compressed file grows beyond the limit.
    #[error(
        "the gzip file unpacks to more than {limit} bytes ({packed} bytes packed); the limit is {rule}; \
         if you trust the file, unpack it and open the unpacked file: {}", path.display()
    )]
    Unpacked {
        /// Limit in bytes.
        limit: u64,
        /// Packed size.
        packed: u64,
        /// The rule in words.
        rule: &'static str,
        /// Path.
        path: PathBuf,
    },
    /// A damaged Parquet file.
    #[error("the Parquet file can't be read: {reason}; expected a complete file that starts and ends with PAR1; copy or write it again: {}", path.display())]
    Parquet {
        /// What the reader said.
        reason: String,
        /// Path.
        path: PathBuf,
    },
    /// A line that is not a JSON object.
    #[error("line {line} is not a JSON object: {reason}; expected one object a line (NDJSON); mend or remove the line: {}", path.display())]
    Json {
        /// Line, from 1.
        line: u64,
        /// What the parser said.
        reason: String,
        /// Path.
        path: PathBuf,
    },
    /// A record longer than any sensible one.
    #[error("the record that starts in line {line} is longer than {limit} bytes; expected line ends between records; check the file's format: {}", path.display())]
    LongRecord {
        /// Line, from 1.
        line: u64,
        /// Limit.
        limit: usize,
        /// Path.
        path: PathBuf,
    },
    /// More than a table can hold.
    #[error("the file has more than {limit} {what}; expected at most that many; split the file: {}", path.display())]
    TooLarge {
        /// `rows` or `columns`.
        what: &'static str,
        /// Limit.
        limit: u64,
        /// Path.
        path: PathBuf,
    },
    /// The file changed while it was read.
    #[error("the file changed while it was read ({expected} rows at first, then {got}); open it again when it is complete: {}", path.display())]
    Changed {
        /// Rows of the first pass.
        expected: u64,
        /// Rows of the second pass.
        got: u64,
        /// Path.
        path: PathBuf,
    },
    /// A needed column is not in the file.
    #[error("column {} is missing{near}; expected the columns of training; add it (empty cells are allowed) or rename the right one: {}", quote_list(columns), path.display())]
    MissingColumns {
        /// Names.
        columns: Vec<String>,
        /// ` (did you mean …)` or empty.
        near: String,
        /// Path.
        path: PathBuf,
    },
    /// The user named a column that isn't there.
    #[error("{what} column \"{column}\" is not in the data{near}; the columns are {}", short_list(columns))]
    UnknownColumn {
        /// `target`, `id`, ...
        what: &'static str,
        /// Name given.
        column: String,
        /// ` (did you mean …)` or empty.
        near: String,
        /// Columns there are.
        columns: Vec<String>,
    },
    /// A column was given two uses that exclude each other.
    #[error(
        "column \"{column}\" is named both as {first} and as {second}; expected one use; remove one of them"
    )]
    TwoRoles {
        /// Name.
        column: String,
        /// First use.
        first: &'static str,
        /// Second use.
        second: &'static str,
    },
    /// No rows.
    #[error(
        "the data has no rows with a value in target \"{target}\"; expected at least {needed}; add rows or choose another target"
    )]
    NoRows {
        /// Target.
        target: String,
        /// Rows needed.
        needed: u64,
    },
    /// One class only.
    #[error(
        "target \"{target}\" has one class only (\"{class}\", {rows} rows); expected at least two; add rows of another class or choose another target"
    )]
    OneClass {
        /// Target.
        target: String,
        /// The class.
        class: String,
        /// Rows.
        rows: u64,
    },
    /// A constant number as target.
    #[error(
        "target \"{target}\" has one value only ({value}, {rows} rows); expected at least two; choose another target"
    )]
    ConstantTarget {
        /// Target.
        target: String,
        /// The value.
        value: String,
        /// Rows.
        rows: u64,
    },
    /// Too many classes to be classes.
    #[error(
        "target \"{target}\" has {classes} different values in {rows} rows; expected at most {limit} classes; choose another target or group the values"
    )]
    ManyClasses {
        /// Target.
        target: String,
        /// Classes.
        classes: u64,
        /// Rows.
        rows: u64,
        /// Limit.
        limit: u64,
    },
    /// The target's type does not fit the task.
    #[error(
        "target \"{target}\" holds {got}, but {task} needs {expected}; choose the other task or another target"
    )]
    TargetType {
        /// Target.
        target: String,
        /// What it holds.
        got: String,
        /// Task in words.
        task: &'static str,
        /// What is needed.
        expected: &'static str,
    },
    /// No feature is left.
    #[error(
        "no features are left beside target \"{target}\" ({reason}); expected at least one column to learn from; add columns or give one back the role feature"
    )]
    NoFeatures {
        /// Target.
        target: String,
        /// Why.
        reason: String,
    },
    /// The positive class isn't among the classes.
    #[error(
        "positive class \"{positive}\" does not occur in target \"{target}\"; its classes are {}; name one of them",
        short_list(classes)
    )]
    PositiveNotFound {
        /// Given.
        positive: String,
        /// Target.
        target: String,
        /// Classes.
        classes: Vec<String>,
    },
    /// A positive class or costs for a task that has none.
    #[error(
        "{what} is given, but target \"{target}\" is {task}; expected a target with two classes; leave {what} out or choose a binary target"
    )]
    NotBinary {
        /// `a positive class` or `a cost`.
        what: &'static str,
        /// Target.
        target: String,
        /// Task in words.
        task: &'static str,
    },
    /// An unknown metric, or one of another task.
    #[error("metric \"{metric}\" does not fit {task}; expected one of {}", short_list(expected))]
    Metric {
        /// Given.
        metric: String,
        /// Task in words.
        task: &'static str,
        /// Allowed.
        expected: Vec<String>,
    },
    /// A split that can't be made.
    #[error("can't split the rows: {reason}; {advice}")]
    Split {
        /// What failed, with expected and got.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// A value of the wrong size or kind handed to a function here.
    #[error("{what}: got {got}, expected {expected}")]
    Argument {
        /// What.
        what: &'static str,
        /// Got.
        got: String,
        /// Expected.
        expected: String,
    },
    /// Stopped by the user.
    #[error("reading was stopped by the user; open the file again to read it")]
    Cancelled,
}

/// Marker inside an `io::Error`: the unpack limit was passed.
#[derive(Debug, thiserror::Error)]
#[error("unpack limit")]
pub(crate) struct UnpackLimit {
    pub(crate) limit: u64,
    pub(crate) packed: u64,
    pub(crate) rule: &'static str,
}

/// Marker inside an `io::Error`: the watcher said stop.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub(crate) struct Stopped;

impl DataError {
    /// Wraps a system error, recognising the markers of the byte readers.
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        if let Some(inner) = source.get_ref() {
            if inner.is::<Stopped>() {
                return Self::Cancelled;
            }
            if let Some(limit) = inner.downcast_ref::<UnpackLimit>() {
                return Self::Unpacked { limit: limit.limit, packed: limit.packed, rule: limit.rule, path };
            }
        }
        if source.kind() == std::io::ErrorKind::NotFound {
            return Self::NotFound { path };
        }
        Self::Io { action, path, source }
    }
}

/// Quotes names for a message: `"a", "b" and 3 more`.
pub(crate) fn quote_list(names: &[String]) -> String {
    list(names, 5)
}

fn short_list(names: &[String]) -> String {
    list(names, 12)
}

fn list(names: &[String], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| format!("\"{name}\"")).collect();
    let more = names.len().saturating_sub(most);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Returns ` (did you mean "x"?)` when a name is near one that exists, else an empty string.
/// Distance: Levenshtein over lower-case characters, at most a third of the length.
pub(crate) fn did_you_mean(name: &str, names: &[String]) -> String {
    let lower = name.to_lowercase();
    let most = (lower.chars().count() / 3).max(1);
    let best = names
        .iter()
        .map(|own| (distance(&lower, &own.to_lowercase()), own))
        .filter(|(steps, _)| *steps <= most)
        .min_by_key(|(steps, _)| *steps);
    best.map_or(String::new(), |(_, own)| format!(" (did you mean \"{own}\"?)"))
}

/// Fewest insertions, deletions, changes and swaps of neighbours, no part changed twice (Damerau, 1964,
/// doi:10.1145/363958.363994).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        let names = ["Churn".to_owned(), "tenure".to_owned()];
        assert_eq!(did_you_mean("chrun", &names), " (did you mean \"Churn\"?)");
        assert_eq!(did_you_mean("churn", &names), " (did you mean \"Churn\"?)");
        assert_eq!(did_you_mean("tenur", &names), " (did you mean \"tenure\"?)");
        assert_eq!(did_you_mean("zzz", &names), "");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!((distance("ab", "ba"), distance("", "abc"), distance("abc", "")), (1, 3, 3));
    }
}
