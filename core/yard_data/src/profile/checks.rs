//! Findings about columns, the target and the table. Each says what, where, and what to do.

use super::{Figures, TargetView, measures};
use crate::findings::{With, counted, finding, grouped, shown};
use crate::frame::names_every_row;
use crate::open::Dataset;
use crate::recipe_text::{no_prose, word_counts};
use crate::text::number_text;
use std::collections::BTreeMap;
use yard_types::{
    frame::Task,
    profile::{ColumnProfile, Finding, Fix, Severity},
    schema::{Field, FieldType, Role},
    table::{Column, MISSING_CODE, TextColumn},
};

/// Figure of a column alone from which on it is suspected to leak the target.
const LEAK: f64 = 0.99;
/// Fewest rows on which a leak is suspected: in fewer, chance does it.
const LEAK_ROWS: u64 = 30;
const RARE_CLASS: u64 = 10;
const MANY_CATEGORIES: u64 = 100;

/// Checks one column.
pub(super) fn column(field: &Field, column: &Column, figures: &Figures, out: &mut Vec<Finding>) {
    let profile = &figures.profile;
    let rows = column.len() as u64;
    if rows == 0 || profile.missing == rows {
        return;
    }
    let mut found = Vec::new();
    missing(profile, rows, &mut found);
    if profile.distinct == 1 {
        constant(profile, &mut found);
    } else {
        if field.role != Role::Id && field.role != Role::Target {
            identifier(field, column, figures, &mut found);
        }
        if measures(field, column) {
            outliers(figures, &mut found);
            skewed(figures, &mut found);
        }
        if field.role == Role::Feature {
            words(profile, column, &mut found);
        }
    }
    out.extend(found.into_iter().map(|found| found.on(&field.name)));
}

fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    if share >= 10.0 { format!("{share:.0} %") } else { format!("{share:.1} %") }
}

fn missing(profile: &ColumnProfile, rows: u64, out: &mut Vec<Finding>) {
    if profile.missing == 0 {
        return;
    }
    let much = profile.missing * 2 >= rows;
    let severity = if much { Severity::Warning } else { Severity::Info };
    let advice = if much { "check whether the column is worth keeping" } else { "the model handles them" };
    let message = format!(
        "{} of {} cells are missing ({}); {advice}",
        grouped(profile.missing),
        grouped(rows),
        percent(profile.missing, rows)
    );
    let found = finding(severity, "missing", profile.missing, message);
    out.push(if much { found.fix(Fix::Drop { column: profile.name.clone() }) } else { found });
}

fn constant(profile: &ColumnProfile, out: &mut Vec<Finding>) {
    let value = profile.top.first().map_or(String::new(), |top| shown(&top.value));
    let (severity, message) = if profile.missing == 0 {
        (
            Severity::Warning,
            format!(
                "every row has the value \"{value}\"; the column tells nothing and is left out of training"
            ),
        )
    } else {
        (
            Severity::Info,
            format!("the only value is \"{value}\"; only whether it is missing can tell something"),
        )
    };
    let count = profile.top.first().map_or(0, |top| top.count);
    out.push(finding(severity, "constant", count, message).fix(Fix::Drop { column: profile.name.clone() }));
}

fn identifier(field: &Field, column: &Column, figures: &Figures, out: &mut Vec<Finding>) {
    if !names_every_row(field, column) || is_prose(column) {
        return;
    }
    let sorted = &figures.sorted;
    let consecutive = sorted.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
    if matches!(column, Column::Number(_)) && !consecutive {
        return;
    }
    let message = "every row has a value of its own; the column names the row and can't be learnt from; make it the id or drop it";
    let found = finding(Severity::Warning, "identifier", column.len() as u64, message.to_owned());
    out.push(found.fix(Fix::MakeId { column: field.name.clone() }));
}

/// Values further than three interquartile ranges from the quartiles (Tukey, 1977, "Exploratory Data
/// Analysis", far out).
fn outliers(figures: &Figures, out: &mut Vec<Finding>) {
    let (Some(q25), Some(q75)) = (figures.profile.q25, figures.profile.q75) else { return };
    let range = q75 - q25;
    if range <= 0.0 || !range.is_finite() || figures.sorted.len() < 20 {
        return;
    }
    let (low, high) = (q25 - 3.0 * range, q75 + 3.0 * range);
    let sorted = &figures.sorted;
    let below = sorted.partition_point(|value| *value < low);
    let above = sorted.len() - sorted.partition_point(|value| *value <= high);
    let count = (below + above) as u64;
    if count == 0 {
        return;
    }
    let text = |value: Option<&f64>| value.map_or(String::new(), |value| number_text(*value));
    let extreme = match (below, above) {
        (0, _) => format!("up to {}", text(sorted.last())),
        (_, 0) => format!("down to {}", text(sorted.first())),
        _ => format!("from {} to {}", text(sorted.first()), text(sorted.last())),
    };
    let message = format!(
        "{} further than three interquartile ranges from the middle half ({extreme}); check whether they are real; trees bear them well",
        counted(count, "value lies", "values lie")
    );
    out.push(finding(Severity::Info, "outliers", count, message));
}

fn skewed(figures: &Figures, out: &mut Vec<Finding>) {
    if figures.profile.distinct <= 10 {
        return;
    }
    let Some(skewness) = figures.skewness.filter(|skewness| skewness.abs() >= 3.0) else { return };
    let side = if skewness > 0.0 { "large" } else { "small" };
    let message = format!(
        "very uneven: a few {side} values stretch the range (skewness {skewness:.1}); linear models may do better on its logarithm"
    );
    out.push(finding(Severity::Info, "skewed", figures.sorted.len() as u64, message));
}

/// Returns why a column of words is no prose; `None` when it is.
fn why_no_prose(text: &TextColumn) -> Option<&'static str> {
    no_prose(text, &word_counts(text, 0..text.codes.len()).0)
}

fn is_prose(column: &Column) -> bool {
    matches!(column, Column::Text(text) if why_no_prose(text).is_none())
}

fn words(profile: &ColumnProfile, column: &Column, out: &mut Vec<Finding>) {
    match profile.field_type {
        FieldType::Category if profile.distinct > MANY_CATEGORIES => {
            let message = format!(
                "{} categories; rare ones are hard to learn; group them if you can",
                grouped(profile.distinct)
            );
            out.push(finding(Severity::Info, "many_categories", profile.distinct, message));
        }
        FieldType::Text if profile.distinct > MANY_CATEGORIES => {
            let values = grouped(profile.distinct);
            let reason = if let Column::Text(text) = column { why_no_prose(text) } else { None };
            let found = match reason {
                None => {
                    let message = format!(
                        "free text with {values} different values; the weights of its terms are features"
                    );
                    finding(Severity::Info, "free_text", profile.distinct, message)
                }
                Some(reason) => {
                    let message = format!("{values} different values: {reason}; it is not used as a feature");
                    let fix = Fix::Drop { column: profile.name.clone() };
                    finding(Severity::Info, "free_text", profile.distinct, message).fix(fix)
                }
            };
            out.push(found);
        }
        _ => {}
    }
}

/// Checks whether a column tells the target almost alone.
pub(super) fn leak(profile: &ColumnProfile, field: &Field, view: &TargetView, out: &mut Vec<Finding>) {
    let rows = view.sample.len() as u64;
    let Some(alone) = profile.alone.filter(|alone| *alone >= LEAK && rows >= LEAK_ROWS) else { return };
    if field.role == Role::Dropped {
        return;
    }
    let figure = if view.task == Task::Regression { "rank correlation" } else { "ROC AUC" };
    let message = format!(
        "this column alone predicts \"{}\" almost perfectly ({figure} {alone:.3}); if it is only known after the fact, leave it out",
        view.name
    );
    let found = finding(Severity::Warning, "leak_suspect", rows, message).on(&field.name);
    out.push(found.fix(Fix::Drop { column: field.name.clone() }));
}

/// Checks the target.
pub(super) fn target(view: &TargetView, columns: &[ColumnProfile], out: &mut Vec<Finding>) {
    let mut found = Vec::new();
    if view.dropped > 0 {
        let message = format!(
            "{} no usable target and {} left out of training",
            counted(view.dropped, "row has", "rows have"),
            if view.dropped == 1 { "is" } else { "are" }
        );
        found.push(finding(Severity::Warning, "target_missing", view.dropped, message));
    }
    if view.task.is_classification() {
        classes(view, &mut found);
    } else if columns.iter().any(|column| column.name == view.name && column.distinct <= 1) {
        let message = "the target has one value only; training needs at least two".to_owned();
        found.push(finding(Severity::Error, "one_class", view.sample.len() as u64, message));
    }
    out.extend(found.into_iter().map(|found| found.on(&view.name)));
}

fn classes(view: &TargetView, out: &mut Vec<Finding>) {
    let counts = view.class_counts();
    let total: u64 = counts.iter().sum();
    let present: Vec<(&String, u64)> =
        view.classes.iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    if present.len() < 2 {
        let class = present.first().map_or("", |(class, _)| class.as_str());
        let message = format!("the target has one class only (\"{class}\"); training needs at least two");
        out.push(finding(Severity::Error, "one_class", total, message));
        return;
    }
    let Some((class, count)) = present.iter().min_by_key(|(_, count)| *count) else { return };
    if count * 10 < total && (view.task == Task::Binary || count * 100 < total) {
        let message = format!(
            "class \"{class}\" has {} of {} rows ({}); accuracy says little here: judge by average precision or by cost",
            grouped(*count),
            grouped(total),
            percent(*count, total)
        );
        out.push(finding(Severity::Warning, "class_imbalance", *count, message));
    }
    for (class, count) in present.iter().filter(|(_, count)| *count < RARE_CLASS) {
        let message = format!(
            "class \"{class}\" has {} only; with fewer than 3 all go to training and its quality can't be measured; add rows or merge classes",
            counted(*count, "row", "rows")
        );
        out.push(finding(Severity::Warning, "rare_class", *count, message));
    }
}

/// Checks the table as a whole.
pub(super) fn table(dataset: &Dataset, out: &mut Vec<Finding>) {
    duplicate_rows(dataset, out);
    duplicate_columns(dataset, out);
    let (rows, columns) = (dataset.table.rows() as u64, dataset.schema.fields.len() as u64);
    if rows > 0 && columns > rows {
        let message = format!(
            "more columns ({}) than rows ({}); chance patterns are likely; add rows or drop columns",
            grouped(columns),
            grouped(rows)
        );
        out.push(finding(Severity::Warning, "wide", columns, message));
    }
}

fn mix(hash: u64, cell: u64) -> u64 {
    yard_types::rng::bits(hash, 0x0064_7570, cell)
}

/// Returns the bits of a cell; equal cells of a column have equal bits.
fn bits(column: &Column, row: usize) -> u64 {
    match column {
        Column::Number(values) if values[row].is_nan() => u64::MAX,
        Column::Number(values) => (values[row] + 0.0).to_bits(),
        Column::Text(text) => u64::from(text.codes[row]),
        Column::Instant(values) => values[row] as u64,
    }
}

fn duplicate_rows(dataset: &Dataset, out: &mut Vec<Finding>) {
    let rows = dataset.table.rows();
    let mut hashes = vec![0_u64; rows];
    for column in dataset.table.columns() {
        for (row, hash) in hashes.iter_mut().enumerate() {
            *hash = mix(*hash, bits(column, row));
        }
    }
    let mut order: Vec<(u64, u32)> = hashes.into_iter().zip(0..).collect();
    order.sort_unstable();
    let same = order.windows(2).filter(|pair| pair[0].0 == pair[1].0);
    let mut pairs: Vec<(u32, u32)> = same.map(|pair| (pair[1].1 + 1, pair[0].1 + 1)).collect();
    if pairs.is_empty() {
        return;
    }
    pairs.sort_unstable();
    let count = pairs.len() as u64;
    let examples =
        pairs.iter().take(5).map(|(later, earlier)| format!("rows {earlier} and {later}")).collect();
    let message = format!(
        "{} an earlier row in every column ({}); copies in both training and test make figures too good; remove them if they are mistakes",
        counted(count, "row repeats", "rows repeat"),
        percent(count, rows as u64)
    );
    out.push(finding(Severity::Warning, "duplicate_rows", count, message).examples(examples));
}

fn duplicate_columns(dataset: &Dataset, out: &mut Vec<Finding>) {
    let rows = dataset.table.rows();
    if rows < 2 {
        return;
    }
    let mut seen: BTreeMap<u64, &str> = BTreeMap::new();
    for (field, column) in dataset.schema.fields.iter().zip(dataset.table.columns()) {
        let hash = (0..rows).fold(1, |hash, row| mix(hash, bits(column, row)));
        let hash = match column {
            Column::Text(text) if text.codes.iter().all(|code| *code == MISSING_CODE) => continue,
            Column::Text(text) => text.words.iter().fold(hash, |hash, word| {
                word.bytes()
                    .fold(mix(hash, 1), |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
            }),
            Column::Number(_) => mix(hash, 2),
            Column::Instant(_) => mix(hash, 3),
        };
        let Some(first) = seen.get(&hash) else {
            seen.insert(hash, &field.name);
            continue;
        };
        if field.role == Role::Feature {
            let message = format!("has the same value as \"{first}\" in every row; one of them is enough");
            let found = finding(Severity::Warning, "duplicate_column", rows as u64, message).on(&field.name);
            out.push(found.fix(Fix::Drop { column: field.name.clone() }));
        }
    }
}
