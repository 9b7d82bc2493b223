//! Finds the delimiter of a text table and whether its first row holds names, from a sample.
//!
//! Rule for the delimiter: of comma, tab, semicolon and bar, the one under which most sampled records
//! have the same number (at least two) of cells and the first record has that number too; ties go to
//! more cells. Rule for the header: the first row holds names unless one of its cells is empty or twice
//! there and some is a number, or every column that holds numbers below starts with a number.

use super::records::{Record, Records};

const RECORDS: usize = 300;

/// Returns the delimiter of a sample; `complete` tells that the sample is the whole text.
pub(crate) fn delimiter(sample: &str, complete: bool) -> u8 {
    let mut best = (b',', 0.0, 1);
    for candidate in *b",\t;|" {
        let rows = sample_rows(sample, candidate, complete);
        let Some((score, width)) = score(&rows) else { continue };
        if score > best.1 + 1e-9 || ((score - best.1).abs() <= 1e-9 && width > best.2) {
            best = (candidate, score, width);
        }
    }
    best.0
}

fn score(rows: &[Vec<String>]) -> Option<(f64, usize)> {
    let widths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let mut counts = std::collections::BTreeMap::new();
    for width in &widths {
        *counts.entry(*width).or_insert(0_usize) += 1;
    }
    let (width, count) =
        counts.into_iter().filter(|(width, _)| *width > 1).max_by_key(|(_, count)| *count)?;
    let share = count as f64 / widths.len() as f64;
    let agrees = widths.first() == Some(&width);
    Some((share + if agrees { 1.0 } else { 0.0 }, width))
}

/// Returns the first records of a sample; the last is left out when the sample may cut it.
pub(crate) fn sample_rows(sample: &str, delimiter: u8, complete: bool) -> Vec<Vec<String>> {
    let mut records = Records::new(sample.as_bytes(), delimiter);
    let mut record = Record::default();
    let mut rows = Vec::new();
    while rows.len() < RECORDS && matches!(records.next(&mut record), Ok(true)) {
        if !record.is_blank() {
            rows.push(record.cells().map(|cell| cell.trim().to_owned()).collect());
        }
    }
    if !complete && rows.len() > 1 && rows.len() < RECORDS {
        rows.pop();
    }
    rows
}

/// Returns whether the first of the rows holds names.
pub(crate) fn has_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return true };
    if !first.iter().any(|cell| is_number(cell)) {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    let unique: std::collections::BTreeSet<&String> = first.iter().collect();
    let doubtful = unique.len() < first.len() || first.iter().any(String::is_empty);
    let numeric = |column: &usize| {
        let mut cells = rest.iter().filter_map(|row| row.get(*column)).filter(|cell| !cell.is_empty());
        cells.clone().next().is_some() && cells.all(|cell| is_number(cell))
    };
    let numeric: Vec<usize> = (0..first.len()).filter(numeric).collect();
    let data_above = !numeric.is_empty() && numeric.iter().all(|column| is_number(&first[*column]));
    !(doubtful || data_above)
}

fn is_number(cell: &str) -> bool {
    let plain = cell.strip_suffix('%').unwrap_or(cell).trim();
    plain.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | ','))
        && plain.replace(',', ".").parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        let check = |text: &str, expected: u8| assert_eq!(delimiter(text, true), expected, "{text:?}");
        check("a,b\n1,2\n", b',');
        check("x;y;target\n1,5;1.234,50;a\n2,25;99,00;b\n", b';');
        check("a\tb\n1,2\t3,4\n", b'\t');
        check("a|b|c\n1|2|3\n", b'|');
        check("target\nyes\nno\n", b',');
        check("id;text\n1;hello, world\n2;a, b, c\n3;none\n", b';');
        check("id,text\n1,\"a;b;c\"\n2,\"d;e;f\"\n", b',');
    }

    #[test]
    fn headers() {
        let check = |text: &str, expected: bool| {
            assert_eq!(has_header(&sample_rows(text, b',', true)), expected, "{text:?}");
        };
        check("a,b\n1,2\n", true);
        check("a,a,target\n1,2,0\n", true);
        check("name,city\nann,rome\n", true);
        check("1,2\n3,4\n", false);
        check("5.1,setosa\n4.9,setosa\n", false);
        check("country,2019\nIT,x\n", true);
        check("target,1st\n0,4\n", true);
        check("a,b,target", true);
    }
}
