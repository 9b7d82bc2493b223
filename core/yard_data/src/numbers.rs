//! Decides whether a column holds numbers and by which convention its text is read: decimal point or
//! comma, thousands, unit, words and sentinel values that mean missing. States every choice that a reader
//! could have made otherwise.

use crate::findings::{With, counted, finding, grouped, shown};
use crate::infer::{FileFacts, examples};
use crate::scan::{ColumnScan, SENTINELS};
use crate::words::Mask;
use yard_types::{
    profile::{Finding, Severity},
    schema::{Field, FieldType},
};

const MOST_STRAY_WORDS: usize = 10;
/// Columns in which a sentinel must stand alone below all other values to be read as missing.
const SENTINEL_COLUMNS: usize = 3;

/// A way to write numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Convention {
    fits: Mask,
    decimal: char,
    thousands: Option<char>,
}

const DOT: Convention = Convention { fits: Mask::DOT, decimal: '.', thousands: None };
const DOT_GROUPED: Convention = Convention { fits: Mask::DOT_GROUPED, decimal: '.', thousands: Some(',') };
const COMMA: Convention = Convention { fits: Mask::COMMA, decimal: ',', thousands: None };
const COMMA_GROUPED: Convention =
    Convention { fits: Mask::COMMA_GROUPED, decimal: ',', thousands: Some('.') };

/// Returns whether a column holds numbers that only a decimal comma explains.
pub(crate) fn needs_comma(scan: &ColumnScan) -> bool {
    let numeric = scan.filled - scan.count(Mask::NULLISH);
    numeric > 0
        && nearly(scan.count(Mask::COMMA_GROUPED), numeric)
        && !nearly(scan.count(Mask::DOT_GROUPED), numeric)
}

fn nearly(part: u64, whole: u64) -> bool {
    part * 50 >= whole * 49
}

/// Decides; false when the column holds no numbers.
pub(crate) fn decide(
    field: &mut Field,
    scan: &ColumnScan,
    facts: &FileFacts,
    findings: &mut Vec<Finding>,
) -> bool {
    let numeric = scan.filled - scan.count(Mask::NULLISH);
    if numeric == 0 || scan.typed_booleans + scan.typed_instants > 0 {
        return false;
    }
    let Some(convention) = choose(scan, facts, numeric) else { return false };
    let fit = scan.count(convention.fits);
    if !stray_words_are_few(scan, numeric, fit) || is_code(field, scan, numeric, findings) {
        return false;
    }
    if scan.count(Mask::date(5)) == numeric && scan.typed_numbers == 0 && fit == numeric {
        return false;
    }
    field.rules.decimal = convention.decimal;
    field.rules.thousands = convention.thousands;
    field.rules.unit = scan.unit.map(str::to_owned);
    let whole =
        scan.count(Mask::INTEGER) == fit && (convention.decimal == '.' || scan.count(Mask::SEPARATED) == 0);
    field.field_type = if whole { FieldType::Integer } else { FieldType::Number };
    add_nullish(field, scan, findings);
    if fit < numeric {
        stray_words_mean_missing(field, scan, findings);
    }
    note_convention(scan, convention, findings);
    note_infinities(scan, findings);
    sentinel(field, scan, facts, findings);
    true
}

/// Chooses the convention under which most cells are numbers; the plain one when several fit alike,
/// unless the file writes decimal commas elsewhere.
fn choose(scan: &ColumnScan, facts: &FileFacts, numeric: u64) -> Option<Convention> {
    let order = if facts.decimal_comma && scan.typed_numbers == 0 {
        [COMMA, COMMA_GROUPED, DOT, DOT_GROUPED]
    } else {
        [DOT, DOT_GROUPED, COMMA, COMMA_GROUPED]
    };
    let best = order.iter().map(|convention| scan.count(convention.fits)).max()?;
    if !nearly(best, numeric) || scan.units_differ {
        return None;
    }
    order.into_iter().find(|convention| scan.count(convention.fits) == best)
}

fn stray_words_are_few(scan: &ColumnScan, numeric: u64, fit: u64) -> bool {
    fit == numeric
        || (!scan.not_numbers.too_many && stray(scan).len() <= MOST_STRAY_WORDS && fit > 0)
            && scan.not_numbers.cells() == scan.filled - fit
}

/// Words that are no numbers and no usual sign for missing.
fn stray(scan: &ColumnScan) -> Vec<&String> {
    let nullish = |word: &&String| !crate::words::judge(word).mask.has(Mask::NULLISH);
    scan.not_numbers.words.keys().filter(nullish).collect()
}

/// Digits that are codes, not quantities: too long for an f64, or with leading zeros.
fn is_code(field: &mut Field, scan: &ColumnScan, numeric: u64, findings: &mut Vec<Finding>) -> bool {
    let long = scan.count(Mask::LONG) + scan.long_integers;
    let whole = scan.count(Mask::INTEGER) == numeric;
    if long > 0 && whole {
        let message = format!(
            "{} more than 15 digits, which a number can't hold exactly; the column is kept as text, digit by digit",
            counted(long, "whole number has", "whole numbers have")
        );
        findings.push(finding(Severity::Info, "long_integers", long, message));
        field.field_type = FieldType::Text;
        return true;
    }
    let zeros = scan.count(Mask::LEADING_ZERO);
    if zeros > 0 && whole {
        let message = format!(
            "{} with a zero (such as a postcode); the column is kept as codes, not numbers",
            counted(zeros, "cell starts", "cells start")
        );
        findings.push(finding(Severity::Info, "leading_zeros", zeros, message));
        return true;
    }
    false
}

/// Adds the signs for missing that the column uses to its null words.
pub(crate) fn add_nullish(field: &mut Field, scan: &ColumnScan, findings: &mut Vec<Finding>) {
    let count = scan.count(Mask::NULLISH);
    if count == 0 {
        return;
    }
    let words: Vec<String> = scan
        .not_numbers
        .words
        .keys()
        .filter(|word| crate::words::judge(word).mask.has(Mask::NULLISH))
        .cloned()
        .collect();
    let shown_words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let message =
        format!("{} {} read as missing", counted(count, "cell with", "cells with"), shown_words.join(", "));
    findings.push(finding(Severity::Info, "null_words", count, message));
    field.rules.null_words.extend(words);
}

fn stray_words_mean_missing(field: &mut Field, scan: &ColumnScan, findings: &mut Vec<Finding>) {
    let words: Vec<String> = stray(scan).into_iter().cloned().collect();
    let cells: u64 =
        words.iter().filter_map(|word| scan.not_numbers.words.get(word)).map(|seen| seen.count).sum();
    let first = scan.not_numbers.words.iter().filter(|(word, _)| words.contains(word));
    let first = first.min_by_key(|(_, seen)| seen.first_row);
    let first = first.map_or(String::new(), |(word, seen)| {
        format!(" (first: \"{}\", row {})", shown(word), seen.first_row)
    });
    let message = format!(
        "{} of {} values are not numbers{first}; they were read as missing; make the column categorical if they mean something",
        grouped(cells),
        grouped(scan.filled)
    );
    let found =
        finding(Severity::Warning, "mixed_types", cells, message).examples(examples(&scan.not_numbers));
    findings.push(found.fix(crate::infer::as_category(&field.name)));
    field.rules.null_words.extend(words);
}

fn note_convention(scan: &ColumnScan, convention: Convention, findings: &mut Vec<Finding>) {
    let separated = scan.count(Mask::SEPARATED);
    if separated > 0 && convention != DOT {
        let also_plain = scan.count(Mask::DOT) >= scan.count(convention.fits);
        let rule = match (convention.decimal, convention.thousands) {
            (',', Some(_)) => "decimal comma and points between thousands (1.234,5 is 1234.5)",
            (',', None) => "decimal comma (1,5 is 1.5)",
            _ => "decimal point and commas between thousands (1,234.5 is 1234.5)",
        };
        let doubt = if also_plain {
            "; other columns have decimal commas, so a point was not taken for a decimal point"
        } else {
            ""
        };
        let message = format!("numbers were read with {rule}{doubt}");
        findings.push(finding(Severity::Info, "number_format", separated, message));
    }
    if let Some(unit) = scan.unit {
        let count = scan.count(Mask::UNIT);
        let message = format!(
            "{} the unit \"{unit}\"; it was dropped and the numbers were kept as written (9.9 {unit} is 9.9)",
            counted(count, "cell has", "cells have")
        );
        findings.push(finding(Severity::Info, "unit", count, message));
    }
}

fn note_infinities(scan: &ColumnScan, findings: &mut Vec<Finding>) {
    let count = scan.count(Mask::INFINITE);
    if count > 0 {
        let message = format!(
            "{} infinite (written so, or too large such as 1e999); they are kept as infinity and left out of the statistics",
            counted(count, "cell is", "cells are")
        );
        findings.push(finding(Severity::Warning, "infinities", count, message));
    }
}

/// A value far below all others that stands in several columns is how the file writes "missing".
fn sentinel(field: &mut Field, scan: &ColumnScan, facts: &FileFacts, findings: &mut Vec<Finding>) {
    let Some(at) = (0..SENTINELS.len()).find(|at| stands_alone(scan, *at)) else { return };
    let (value, count) = (SENTINELS[at], scan.sentinels[at]);
    let cells = counted(count, "cell is", "cells are");
    if facts.sentinel == Some(at) {
        let mut words: Vec<String> =
            scan.sentinel_words.iter().filter(|(_, own)| **own == at).map(|(word, _)| word.clone()).collect();
        let plain = format!("{value}");
        if !words.contains(&plain) {
            words.push(plain);
        }
        field.rules.null_words.extend(words);
        let message = format!(
            "{cells} {value}, far below all other values, and so in {SENTINEL_COLUMNS} columns or more; they were read as missing"
        );
        findings.push(finding(Severity::Warning, "sentinel", count, message));
    } else {
        let message = format!(
            "{cells} {value}, far below all other values; if it means missing, give it as a null word; it was kept as a number"
        );
        findings.push(finding(Severity::Warning, "sentinel", count, message));
    }
}

fn stands_alone(scan: &ColumnScan, at: usize) -> bool {
    let others: u64 = scan.sentinels.iter().sum::<u64>() - scan.sentinels[at];
    scan.sentinels[at] >= 3 && others == 0 && scan.rest_min.is_finite() && scan.rest_min > SENTINELS[at] / 2.0
}

/// Returns the sentinel that stands alone in at least three columns.
pub(crate) fn common_sentinel(scans: &[ColumnScan]) -> Option<usize> {
    (0..SENTINELS.len())
        .find(|at| scans.iter().filter(|scan| stands_alone(scan, *at)).count() >= SENTINEL_COLUMNS)
}

/// States that a column of words is partly numbers.
pub(crate) fn note_mixed(scan: &ColumnScan, findings: &mut Vec<Finding>) {
    let numbers = scan.count(Mask::DOT_GROUPED).max(scan.count(Mask::COMMA_GROUPED));
    let others = scan.filled - numbers;
    if others == 0 || numbers * 2 < scan.filled || findings.iter().any(|found| found.code == "mixed_types") {
        return;
    }
    let first = scan
        .not_numbers
        .first()
        .map_or(String::new(), |(word, row)| format!(" (first: \"{}\", row {row})", shown(word)));
    let message = format!(
        "{} of {} values are not numbers{first}; the column is kept as words; list those words as missing or make them numbers if it measures something",
        grouped(others),
        grouped(scan.filled)
    );
    findings.push(
        finding(Severity::Warning, "mixed_types", others, message).examples(examples(&scan.not_numbers)),
    );
}
