//! Words and icons of columns: types, roles, ranges, and what a column says about the target in one
//! sentence computed from its profile.

use super::bins::{Bins, bins};
use yard_types::{
    event::DatasetRecord,
    frame::{Frame, Task},
    profile::ColumnProfile,
    schema::{Field, FieldType, Role},
};
use yard_ui::{Icon, fmt};

/// Roles in the order of menus. The target is chosen by its own rule: it changes the question.
pub(super) const ROLES: [Role; 9] = [
    Role::Feature,
    Role::Dropped,
    Role::Id,
    Role::Target,
    Role::Sensitive,
    Role::Group,
    Role::Time,
    Role::Weight,
    Role::Split,
];

/// Types in the order of menus.
pub(super) const TYPES: [FieldType; 7] = [
    FieldType::Number,
    FieldType::Integer,
    FieldType::Boolean,
    FieldType::Category,
    FieldType::Text,
    FieldType::Datetime,
    FieldType::Image,
];

/// Word of a role.
pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Feature => "feature",
        Role::Target => "target",
        Role::Id => "id",
        Role::Time => "time",
        Role::Group => "group",
        Role::Weight => "weight",
        Role::Sensitive => "sensitive",
        Role::Split => "split",
        Role::Dropped => "dropped",
    }
}

/// What a role means, for menus.
pub(super) fn role_meaning(role: Role) -> &'static str {
    match role {
        Role::Feature => "an input of the model",
        Role::Target => "what is predicted",
        Role::Id => "names the row; kept beside scores",
        Role::Time => "orders rows; the split respects it",
        Role::Group => "rows of a group stay together",
        Role::Weight => "weight of a row",
        Role::Sensitive => "for fairness only, never an input",
        Role::Split => "holds train, validation, test",
        Role::Dropped => "left out",
    }
}

/// Icon of a role.
pub(super) fn role_icon(role: Role) -> Icon {
    match role {
        Role::Feature => Icon::Check,
        Role::Target => Icon::Target,
        Role::Id => Icon::Key,
        Role::Time => Icon::Clock,
        Role::Group => Icon::UsersThree,
        Role::Weight => Icon::Scales,
        Role::Sensitive => Icon::ShieldCheck,
        Role::Split => Icon::GitBranch,
        Role::Dropped => Icon::X,
    }
}

/// Icon of a type.
pub(super) fn type_icon(field_type: FieldType) -> Icon {
    match field_type {
        FieldType::Number | FieldType::Integer => Icon::Hash,
        FieldType::Boolean => Icon::ToggleLeft,
        FieldType::Category => Icon::ListBullets,
        FieldType::Text => Icon::TextT,
        FieldType::Datetime => Icon::CalendarBlank,
        FieldType::Image => Icon::Eye,
    }
}

/// Whether every present value occurs once.
pub(super) fn all_different(column: &ColumnProfile, rows: u64) -> bool {
    column.distinct > 1 && column.distinct + column.missing == rows
}

/// Range of numbers and times ("18.25 – 118.75"), else the most frequent values ("No, Yes, +1").
pub(super) fn range_words(column: &ColumnProfile) -> String {
    match (column.field_type, column.min, column.max) {
        (FieldType::Number | FieldType::Integer, Some(low), Some(high)) => {
            let decimals = decimals(column);
            format!("{} – {}", figure(column, low, decimals), figure(column, high, decimals))
        }
        (FieldType::Datetime, Some(low), Some(high)) => format!("{} – {}", day(low), day(high)),
        _ => values_words(column),
    }
}

/// A figure of a column. Whole numbers below 10,000 stand without groups: they are often years.
pub(super) fn figure(column: &ColumnProfile, value: f64, decimals: usize) -> String {
    let small = column.field_type == FieldType::Integer && decimals == 0 && value.abs() < 1e4;
    let text = fmt::fixed(value, decimals);
    if small { text.replace('\u{2009}', "") } else { text }
}

/// Day of an instant in microseconds.
pub(super) fn day(micros: f64) -> String {
    let text = yard_types::date::format_iso(micros as i64);
    text.get(..10).unwrap_or(&text).to_owned()
}

/// Decimals of a column's values: as many as its extremes and most frequent values have, at most four.
pub(super) fn decimals(column: &ColumnProfile) -> usize {
    if column.field_type == FieldType::Integer {
        return 0;
    }
    let fraction = |text: &str| match (text.contains(['e', 'E']), text.split_once('.')) {
        (false, Some((_, digits))) => digits.len(),
        _ => 0,
    };
    let top = column.top.iter().map(|own| fraction(&own.value));
    let ends = [column.min, column.max].into_iter().flatten().map(|value| fraction(&value.to_string()));
    top.chain(ends).max().unwrap_or(0).min(4)
}

fn values_words(column: &ColumnProfile) -> String {
    let length: usize = column.top.iter().take(2).map(|top| top.value.chars().count()).sum();
    let shown = if column.field_type == FieldType::Text || length > 18 { 1 } else { 2 };
    let mut words: Vec<String> = column.top.iter().take(shown).map(|top| top.value.clone()).collect();
    let more = column.distinct.saturating_sub(words.len() as u64);
    if more > 0 && !words.is_empty() {
        words.push(if column.field_type == FieldType::Text {
            "…".to_owned()
        } else {
            format!("+{}", fmt::count(more))
        });
    }
    words.join(", ")
}

/// Names of the two series of a column's distribution: the rest and the positive class.
pub(super) fn series_names(frame: Option<&Frame>) -> [String; 2] {
    let Some(frame) = frame else { return ["rows".to_owned(), String::new()] };
    match (frame.task, frame.classes.as_slice()) {
        (Task::Binary, [rest, positive]) => {
            [format!("{} {rest}", frame.target), format!("{} {positive}", frame.target)]
        }
        (Task::Regression, _) => {
            [format!("{} at most the median", frame.target), format!("{} above the median", frame.target)]
        }
        _ => ["rows".to_owned(), String::new()],
    }
}

/// Name of the figure that a column reaches alone.
pub(super) fn alone_label(frame: Option<&Frame>) -> &'static str {
    match frame.map(|frame| frame.task) {
        Some(Task::Regression) => "|rank r| alone",
        _ => "ROC AUC alone",
    }
}

/// What the figure alone is, for a tooltip.
pub(super) fn alone_definition(frame: Option<&Frame>) -> &'static str {
    match frame.map(|frame| frame.task) {
        Some(Task::Regression) => "Absolute rank correlation of this column alone with the target",
        Some(Task::Multiclass) => "Mean one-against-rest ROC AUC of this column alone",
        _ => "ROC AUC of this column alone: 0.5 tells nothing, 1 tells all",
    }
}

/// One sentence on how the target's rate differs along the column; `None` without a class to count.
pub(super) fn explanation(
    dataset: &DatasetRecord,
    frame: Option<&Frame>,
    column: &ColumnProfile,
) -> Option<String> {
    let frame = frame.filter(|frame| frame.target != column.name && frame.task != Task::Multiclass)?;
    let bins = bins(column)?;
    if bins.positive.is_empty() {
        return None;
    }
    let rates = rates(&bins, dataset.profile.rows);
    let by_rate = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0));
    let (low, high) = (rates.iter().min_by(by_rate)?, rates.iter().max_by(by_rate)?);
    let whole = bins.positive.iter().sum::<f64>() / bins.total().max(1.0);
    let what = match frame.task {
        Task::Binary => format!("{} {}", frame.target, frame.positive.as_deref().unwrap_or("positive")),
        _ => format!("{} above its median", frame.target),
    };
    if low.0 == high.0 {
        return None;
    }
    let place = |at: usize| bins.place(at, column);
    Some(format!(
        "{what} in {} of rows with {}, {} with {}; {} in all.",
        fmt::percent(high.1),
        place(high.0),
        fmt::percent(low.1),
        place(low.0),
        fmt::percent(whole)
    ))
}

/// Rates of the bins that hold at least 1 % of the rows.
fn rates(bins: &Bins, rows: u64) -> Vec<(usize, f64)> {
    let least = (rows as f64 * 0.01).max(1.0);
    let sizes = bins.rest.iter().zip(&bins.positive).enumerate();
    sizes
        .filter(|(_, (rest, positive))| **rest + **positive >= least)
        .map(|(at, (rest, positive))| (at, positive / (rest + positive)))
        .collect()
}

/// Field of a column.
pub(super) fn field<'a>(dataset: &'a DatasetRecord, name: &str) -> Option<&'a Field> {
    dataset.schema.field(name)
}

/// Profile of a column.
pub(super) fn profile<'a>(dataset: &'a DatasetRecord, name: &str) -> Option<&'a ColumnProfile> {
    dataset.profile.columns.iter().find(|column| column.name == name)
}
