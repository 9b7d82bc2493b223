//! Decides on type and reading rules of each column from its scan, and states what it chose.
//!
//! Rules, in this order: nothing but missing cells → category, left out; typed columns keep their type;
//! `true`/`false` → boolean; all cells numbers under one convention → integer or number; at least 98 % of
//! cells numbers and at most 10 other words → number, those words mean missing (stated); all cells dates of
//! one format → datetime; several formats → text (stated); few repeated words → category; else text.

use crate::findings::{With, counted, finding, shown};
use crate::numbers;
use crate::scan::{ColumnScan, Misfits};
use crate::words::Mask;
use std::path::PathBuf;
use yard_types::{
    cell::{CellRules, DateFormat},
    profile::{Finding, Fix, Severity},
    schema::{Field, FieldType, Role},
};

/// Most distinct words of a category.
pub(crate) const MOST_CATEGORIES: usize = 1_000;
/// Distinct words up to which a column is a category whatever its length.
const SURE_CATEGORIES: usize = 20;
/// Mean characters of a word from which on it is text.
const LONG_WORDS: u64 = 60;

/// A decided column.
pub(crate) struct Decided {
    pub(crate) field: Field,
    pub(crate) findings: Vec<Finding>,
}

/// Facts about the whole file that help with single columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileFacts {
    pub(crate) null_words: Vec<String>,
    /// Some column can only be read with a decimal comma.
    pub(crate) decimal_comma: bool,
    /// Some date column can only be read day first / month first.
    pub(crate) day_first: bool,
    pub(crate) month_first: bool,
    /// Sentinel value that is read as missing, by position in `SENTINELS`.
    pub(crate) sentinel: Option<usize>,
    /// Folder that paths of images are relative to.
    pub(crate) folder: PathBuf,
}

/// Looks at all columns for what they have in common.
pub(crate) fn file_facts(scans: &[ColumnScan], null_words: &[String]) -> FileFacts {
    let date = |scan: &&ColumnScan, own: usize, other: usize| {
        let filled = scan.filled;
        filled > 0 && scan.count(Mask::date(own)) == filled && scan.count(Mask::date(other)) < filled
    };
    FileFacts {
        null_words: null_words.to_vec(),
        decimal_comma: scans.iter().any(numbers::needs_comma),
        day_first: scans.iter().any(|scan| date(&scan, 2, 1)),
        month_first: scans.iter().any(|scan| date(&scan, 1, 2)),
        sentinel: numbers::common_sentinel(scans),
        folder: PathBuf::new(),
    }
}

/// Decides on one column.
pub(crate) fn decide(name: &str, scan: &ColumnScan, facts: &FileFacts) -> Decided {
    let mut field = Field {
        name: name.to_owned(),
        field_type: FieldType::Category,
        role: Role::Feature,
        rules: CellRules { null_words: facts.null_words.clone(), ..CellRules::default() },
    };
    let mut findings = Vec::new();
    if scan.filled == 0 && scan.missing == 0 {
        return Decided { field, findings };
    }
    if scan.filled == 0 {
        field.role = Role::Dropped;
        let message = "no cell has a value; the column is left out of training".to_owned();
        findings.push(finding(Severity::Warning, "empty_column", scan.missing, message));
    } else if !decide_typed(&mut field, scan) && !numbers::decide(&mut field, scan, facts, &mut findings) {
        decide_dates(&mut field, scan, facts, &mut findings);
    }
    let words = field.field_type == FieldType::Category && scan.filled > 0;
    if words && !crate::images::infer::decide(&mut field, scan, &facts.folder, &mut findings) {
        decide_words(&mut field, scan, &mut findings);
    }
    let findings = findings.into_iter().map(|found| found.on(name)).collect();
    Decided { field, findings }
}

fn decide_typed(field: &mut Field, scan: &ColumnScan) -> bool {
    if scan.typed_booleans == scan.filled {
        field.field_type = FieldType::Boolean;
    } else if scan.typed_instants == scan.filled {
        field.field_type = FieldType::Datetime;
        field.rules.date_format = Some(DateFormat::Iso);
    } else if scan.count(Mask::BOOLEAN) + scan.typed_booleans == scan.filled {
        field.field_type = FieldType::Boolean;
        if let [Some(no), Some(yes)] = &scan.boolean_words {
            field.rules.boolean_words = Some([no.clone(), yes.clone()]);
        }
    } else {
        return false;
    }
    true
}

fn decide_dates(field: &mut Field, scan: &ColumnScan, facts: &FileFacts, findings: &mut Vec<Finding>) {
    let nullish = scan.count(Mask::NULLISH);
    let dated = scan.filled - nullish;
    let fits = |at: &usize| dated > 0 && scan.count(Mask::date(*at)) == dated;
    let fitting: Vec<usize> = (0..Mask::FORMATS.len()).filter(fits).collect();
    if let Some(first) = fitting.first().copied() {
        let both = fitting.contains(&1) && fitting.contains(&2);
        let dotted = scan.words().keys().next().is_some_and(|word| word.contains('.'));
        let day_first = both && (facts.day_first || (dotted && !facts.month_first));
        let at = if day_first { 2 } else { first };
        field.field_type = FieldType::Datetime;
        field.rules.date_format = Some(Mask::FORMATS[at]);
        numbers::add_nullish(field, scan, findings);
        if both {
            let (chosen, other) = if at == 2 { ("day", "month") } else { ("month", "day") };
            let message = format!(
                "the dates can be read day first or month first; they were read {chosen} first; if the {other} comes first, write the dates as 2024-01-31"
            );
            findings.push(finding(Severity::Warning, "date_order", dated, message));
        }
        if at == 5 {
            let message = "eight digits such as 20240131 were read as dates".to_owned();
            findings.push(finding(Severity::Info, "date_format", dated, message));
        }
        return;
    }
    mixed_dates(field, scan, findings);
}

/// More than half of the cells are dates, but of several formats or not all.
fn mixed_dates(field: &mut Field, scan: &ColumnScan, findings: &mut Vec<Finding>) {
    let dates: Vec<u64> = (0..Mask::FORMATS.len()).map(|at| scan.count(Mask::date(at))).collect();
    let like = scan.count(Mask::DATE_LIKE).max(dates.iter().copied().max().unwrap_or(0));
    if like * 2 < scan.filled || dates.iter().all(|count| *count == 0) {
        return;
    }
    field.field_type = FieldType::Text;
    let names = [
        "year-month-day",
        "month/day/year",
        "day/month/year",
        "year/month/day",
        "month name",
        "eight digits",
    ];
    let mut parts: Vec<String> = names
        .iter()
        .zip(&dates)
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| format!("{count} as {name}"))
        .collect();
    let none = scan.not_dates.cells();
    if none > 0 {
        let first = scan
            .not_dates
            .first()
            .map_or(String::new(), |(word, row)| format!(" (first \"{}\" in row {row})", shown(word)));
        parts.push(format!("{none} as none of them{first}"));
    }
    if scan.missing > 0 {
        parts.push(format!("{} missing", scan.missing));
    }
    let message = format!(
        "mixed date formats: {} (a cell can fit several); the column is kept as text; write all dates as 2024-01-31",
        parts.join(", ")
    );
    findings.push(
        finding(Severity::Warning, "mixed_types", scan.filled, message).examples(examples(&scan.not_dates)),
    );
}

/// Category or text, and how its words are read.
fn decide_words(field: &mut Field, scan: &ColumnScan, findings: &mut Vec<Finding>) {
    numbers::note_mixed(scan, findings);
    let distinct = scan.distinct();
    let repeated = (distinct as u64) * 2 <= scan.filled;
    let few = !scan.many_words && distinct <= MOST_CATEGORIES && (distinct <= SURE_CATEGORIES || repeated);
    let long = scan.texts > 0 && scan.characters / scan.texts > LONG_WORDS && distinct > SURE_CATEGORIES;
    if !few || long {
        field.field_type = FieldType::Text;
        return;
    }
    if scan.padded > 0 {
        let message = format!(
            "{} blanks before or after the word; they were trimmed",
            counted(scan.padded, "cell has", "cells have")
        );
        findings.push(finding(Severity::Info, "trimmed", scan.padded, message));
    }
    fold_case(field, scan, findings);
}

fn fold_case(field: &mut Field, scan: &ColumnScan, findings: &mut Vec<Finding>) {
    let mut folded: std::collections::BTreeMap<String, Vec<(&str, u64)>> = std::collections::BTreeMap::new();
    let words = scan.words();
    for (word, count) in &words {
        folded.entry(word.to_lowercase()).or_default().push((word, *count));
    }
    let merged: Vec<(&String, &Vec<(&str, u64)>)> =
        folded.iter().filter(|(_, same)| same.len() > 1).collect();
    // Single letters in both cases are more likely codes than spellings.
    if merged.is_empty() || merged.iter().any(|(word, _)| word.chars().count() < 2) {
        return;
    }
    field.rules.fold_case = true;
    let spellings: Vec<String> = merged
        .iter()
        .map(|(word, same)| {
            let same: Vec<String> = same.iter().map(|(word, _)| format!("\"{}\"", shown(word))).collect();
            format!("{} are read as \"{}\"", same.join(" and "), shown(word))
        })
        .collect();
    let count = merged.iter().flat_map(|(_, same)| same.iter().map(|(_, count)| count)).sum();
    let message = format!(
        "{} words differ only in upper and lower case; they were read as {} lower-case words: {}",
        words.len(),
        folded.len(),
        spellings.iter().take(3).cloned().collect::<Vec<_>>().join("; ")
    );
    findings.push(finding(Severity::Warning, "case_variants", count, message).examples(spellings));
}

/// Returns words that do not fit as examples with their rows.
pub(crate) fn examples(misfits: &Misfits) -> Vec<String> {
    let mut all: Vec<(&String, u64, u64)> =
        misfits.words.iter().map(|(word, seen)| (word, seen.first_row, seen.count)).collect();
    all.sort_by_key(|(_, row, _)| *row);
    all.iter()
        .take(5)
        .map(|(word, row, count)| {
            format!("row {row}: \"{}\" ({})", shown(word), counted(*count, "cell", "cells"))
        })
        .collect()
}

/// Fix that reads a column as a category.
pub(crate) fn as_category(name: &str) -> Fix {
    Fix::MakeCategory { column: name.to_owned() }
}
