//! Profile of a dataset: statistics per column, how well each column alone tells the target, and findings.

mod alone;
mod checks;
mod column;
mod target_view;

use crate::open::Dataset;
use target_view::TargetView;
use yard_types::{
    frame::Frame,
    profile::{ColumnProfile, Profile},
    schema::{Field, FieldType, Role},
    table::Column,
};

/// Profiles a dataset. With a frame, columns are also compared with the target (on at most 200,000 rows)
/// and the target itself is checked. Findings of reading come first within each severity.
pub fn profile(dataset: &Dataset, frame: Option<&Frame>) -> Profile {
    let view = frame.and_then(|frame| TargetView::new(dataset, frame));
    let mut findings = dataset.findings.clone();
    let mut columns = Vec::with_capacity(dataset.schema.fields.len());
    for (field, column) in dataset.schema.fields.iter().zip(dataset.table.columns()) {
        let figures = column::figures(field, column, view.as_ref());
        let mut profile = figures.profile.clone();
        let is_target = view.as_ref().is_some_and(|view| view.name == field.name);
        if let Some(view) = view.as_ref().filter(|_| !is_target && compared(field)) {
            profile.alone = alone::alone(column, view);
        }
        checks::column(field, column, &figures, &mut findings);
        if let Some(view) = &view {
            checks::leak(&profile, field, view, &mut findings);
        }
        columns.push(profile);
    }
    if let Some(view) = &view {
        checks::target(view, &columns, &mut findings);
    }
    checks::table(dataset, &mut findings);
    findings.sort_by_key(|found| found.severity);
    Profile { rows: dataset.table.rows() as u64, columns, findings, format: dataset.schema.format.clone() }
}

fn compared(field: &Field) -> bool {
    let compared = !matches!(field.role, Role::Target | Role::Id | Role::Split | Role::Weight);
    compared && field.field_type != FieldType::Image
}

/// Figures of a column that the checks need beside its profile.
pub(crate) struct Figures {
    profile: ColumnProfile,
    /// Finite numbers or microseconds, sorted; empty for words.
    sorted: Vec<f64>,
    skewness: Option<f64>,
}

/// Returns whether a column's numbers measure something (no booleans, no dates).
fn measures(field: &Field, column: &Column) -> bool {
    matches!(column, Column::Number(_)) && field.field_type != FieldType::Boolean
}

#[cfg(test)]
mod tests;
