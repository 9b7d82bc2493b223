//! Made-up change of real rows, for demonstrations and tests: stated kinds of drift with stated sizes.
//! The same rows, kind and seed give the same result, whoever computes it.
//!
//! Knows tables and fields only; nothing of servers or projects.

use std::collections::BTreeMap;
use yard_types::{
    rng,
    table::{Column, MISSING_CODE, Table, TextColumn},
};

/// Fields that a drift touches, at most: the most important ones.
const FIELDS: usize = 3;
/// Shift of a drifted number, in standard deviations.
const SHIFT_SD: f64 = 1.0;
/// Share of rows whose category moves to the field's rarer half.
const CATEGORY_SHARE: f64 = 0.5;
/// Share of cells that go missing.
const MISSING_SHARE: f64 = 0.3;

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    None,
    /// Numbers move up by one standard deviation.
    Numeric,
    /// Half of the rows take a category of the field's rarer half; one in ten of these an unseen one.
    Category,
    /// 30 % of the cells are missing.
    Missing,
    /// Inputs stay; 35 % of the outcomes are those of other rows.
    Concept,
    /// Inputs and outcomes stay; the source of the numbers fails for a third of the time.
    Outage,
}

impl Kind {
    /// Parses the word of the command line.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "numeric" => Self::Numeric,
            "category" => Self::Category,
            "missing" => Self::Missing,
            "concept" => Self::Concept,
            "outage" => Self::Outage,
            _ => return None,
        })
    }
}

/// Share of outcomes that a concept drift takes from other rows.
pub const CONCEPT_SHARE: f64 = 0.35;

/// Changes a table. `fields` names the inputs, most important first; `target` is changed by a concept
/// drift alone.
#[must_use]
pub fn drifted(table: &Table, kind: Kind, (fields, target): (&[String], &str), seed: u64) -> Table {
    let is_number = |name: &String| matches!(table.column(name), Some(Column::Number(_)));
    let is_text = |name: &String| matches!(table.column(name), Some(Column::Text(_)));
    let touched: Vec<&String> = match kind {
        Kind::None | Kind::Outage | Kind::Concept => Vec::new(),
        Kind::Numeric => fields.iter().filter(|name| is_number(name)).take(FIELDS).collect(),
        Kind::Category => fields.iter().filter(|name| is_text(name)).take(FIELDS).collect(),
        Kind::Missing => fields.iter().take(FIELDS).collect(),
    };
    let columns = table.names().iter().zip(table.columns()).enumerate().map(|(index, (name, column))| {
        let stream = index as u64;
        let changed = match column {
            _ if kind == Kind::Concept && name == target => exchanged(column, seed),
            _ if !touched.contains(&name) => column.clone(),
            Column::Number(values) if kind == Kind::Numeric => Column::Number(shifted(values)),
            Column::Text(text) if kind == Kind::Category => Column::Text(moved(text, (seed, stream))),
            _ => with_gaps(column, (seed, stream)),
        };
        (name.clone(), changed)
    });
    // Names and lengths are those of the table given.
    let changed = Table::new(columns.collect()).map(|own| own.with_files(table.files().cloned()));
    changed.unwrap_or_else(|_| table.clone())
}

/// Moves numbers up by one standard deviation; whole numbers stay whole.
fn shifted(values: &[f64]) -> Vec<f64> {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let n = finite.len().max(1) as f64;
    let mean = finite.iter().sum::<f64>() / n;
    let sd = (finite.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n).sqrt();
    let whole = finite.iter().all(|value| value.fract() == 0.0);
    let two_values = finite.iter().all(|value| *value == 0.0 || *value == 1.0);
    let shift = if whole { (sd * SHIFT_SD).round().max(1.0) } else { sd * SHIFT_SD };
    if two_values {
        // A flag can't be shifted: it is turned on everywhere.
        return values.iter().map(|value| if value.is_nan() { *value } else { 1.0 }).collect();
    }
    values.iter().map(|value| value + shift).collect()
}

fn moved(text: &TextColumn, (seed, stream): (u64, u64)) -> TextColumn {
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for code in text.codes.iter().filter(|code| **code != MISSING_CODE) {
        *counts.entry(*code).or_default() += 1;
    }
    let mut codes: Vec<(u32, u64)> = counts.into_iter().collect();
    codes.sort_by(|a, b| a.1.cmp(&b.1).then(a.0.cmp(&b.0)));
    codes.truncate((codes.len() / 2).max(1));
    let mut words = text.words.clone();
    let unseen = words.len() as u32;
    words.push("newly introduced".to_owned());
    let moved = text.codes.iter().enumerate().map(|(row, code)| {
        let at = row as u64;
        if *code == MISSING_CODE || rng::uniform(seed, 2 * stream, at) >= CATEGORY_SHARE {
            return *code;
        }
        let pick = rng::below(seed, 2 * stream + 1, at, codes.len() as u64 * 10);
        if pick.is_multiple_of(10) {
            unseen
        } else {
            codes.get(pick as usize / 10).map_or(*code, |(code, _)| *code)
        }
    });
    TextColumn { codes: moved.collect(), words }
}

fn with_gaps(column: &Column, (seed, stream): (u64, u64)) -> Column {
    // An index beyond the end takes a missing cell.
    let rows: Vec<u32> = (0..column.len() as u32)
        .map(|row| {
            let gone = rng::uniform(seed, 1_000 + stream, u64::from(row)) < MISSING_SHARE;
            if gone { u32::MAX } else { row }
        })
        .collect();
    column.take(&rows)
}

/// Gives a share of the rows the outcome of another row.
fn exchanged(column: &Column, seed: u64) -> Column {
    let n = column.len() as u64;
    let rows: Vec<u32> = (0..n)
        .map(|row| {
            let other = rng::below(seed, 7_001, row, n) as u32;
            if rng::uniform(seed, 7_000, row) < CONCEPT_SHARE { other } else { row as u32 }
        })
        .collect();
    column.take(&rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn table() -> Table {
        let n = 2_000_u32;
        let words = ["a", "b", "c", "d"];
        let text = TextColumn::from_cells((0..n).map(|row| Some(words[(row % 7).min(3) as usize])));
        Table::new(vec![
            ("x".into(), Column::Number((0..n).map(|row| f64::from(row % 100) / 10.0).collect())),
            ("flag".into(), Column::Number((0..n).map(|row| f64::from(row % 2)).collect())),
            ("c".into(), Column::Text(text)),
            ("y".into(), Column::Number((0..n).map(f64::from).collect())),
        ])
        .unwrap()
    }

    fn fields() -> Vec<String> {
        ["x", "flag", "c"].map(str::to_owned).to_vec()
    }

    fn changed_share(a: &Table, b: &Table, name: &str) -> f64 {
        let (a, b) = (a.column(name).unwrap(), b.column(name).unwrap());
        let differ = (0..a.len()).filter(|row| a.value(*row) != b.value(*row)).count();
        differ as f64 / a.len() as f64
    }

    #[test]
    fn each_kind_changes_what_it_says_and_nothing_else() {
        let table = table();
        let check = |kind, expected: [(f64, f64); 4]| {
            let after = drifted(&table, kind, (&fields(), "y"), 3);
            let again = drifted(&table, kind, (&fields(), "y"), 3);
            for (name, (low, high)) in ["x", "flag", "c", "y"].iter().zip(expected) {
                assert_eq!(changed_share(&after, &again, name), 0.0, "the same seed, the same rows");
                let share = changed_share(&table, &after, name);
                assert!((low..=high).contains(&share), "{kind:?} {name}: {share}");
            }
        };
        let (none, all) = ((0.0, 0.0), (1.0, 1.0));
        check(Kind::None, [none; 4]);
        check(Kind::Numeric, [all, (0.5, 0.5), none, none]);
        check(Kind::Category, [none, none, (0.3, 0.5), none]);
        check(Kind::Missing, [(0.25, 0.35), (0.25, 0.35), (0.25, 0.35), none]);
        check(Kind::Concept, [none, none, none, (0.3, 0.4)]);
    }
}
