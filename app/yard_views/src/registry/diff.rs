//! What differs between the selected version and the one before it.

use super::View;
use crate::words;
use std::collections::BTreeSet;
use yard_state::{route::Selection, state::StudioState};
use yard_types::{package::PackageRecord, project::ProjectState, run::ModelRecord};
use yard_ui::{Cell, Column, Segmented, Table, fmt, section_with, space};

/// Draws both tables when there are two versions.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, project: &ProjectState, view: &mut View) {
    let Some((older, newer)) = pair(state, project) else { return };
    let (Some(old), Some(new)) = (project.models.get(&older.model), project.models.get(&newer.model)) else {
        return;
    };
    ui.add_space(space::S24);
    let heading = format!("Version {} against {}", newer.version, older.version);
    let params = params(old, new, view.all_rows == 1);
    let note = format!("{} differ", fmt::counted(params.len() as u64, "parameter", "parameters"));
    let note = if view.all_rows == 1 { String::new() } else { note };
    section_with(ui, &heading, &note, |ui| Segmented::new(&mut view.all_rows, &["Changed", "All"]).show(ui));
    let width = ui.available_width();
    crate::layout::two(ui, width * 0.36, space::S24, |ui, side| match side {
        crate::layout::Side::Left => params_ui(ui, &params, (older.version, newer.version)),
        crate::layout::Side::Right => metrics_ui(ui, project, (older, newer)),
    });
}

/// The selected version and the one before it; without a selection the newest two.
fn pair<'a>(
    state: &StudioState,
    project: &'a ProjectState,
) -> Option<(&'a PackageRecord, &'a PackageRecord)> {
    let at = match &state.selection {
        Selection::Package(version) => project.packages.iter().position(|own| own.version == *version),
        _ => None,
    }
    .unwrap_or(project.packages.len().checked_sub(1)?)
    .max(1);
    Some((project.packages.get(at - 1)?, project.packages.get(at)?))
}

fn params(old: &ModelRecord, new: &ModelRecord, all: bool) -> Vec<(String, String, String)> {
    let mut rows = vec![
        ("family".to_owned(), old.family.word().to_owned(), new.family.word().to_owned()),
        ("dataset".to_owned(), format!("@{}", old.dataset), format!("@{}", new.dataset)),
        ("steps kept".to_owned(), fmt::count(u64::from(old.steps)), fmt::count(u64::from(new.steps))),
    ];
    let names: BTreeSet<&String> = old.params.keys().chain(new.params.keys()).collect();
    for name in names {
        let value =
            |model: &ModelRecord| model.params.get(name).cloned().unwrap_or_else(|| fmt::MISSING.to_owned());
        rows.push((name.replace('_', " "), value(old), value(new)));
    }
    rows.retain(|(_, old, new)| all || old != new);
    rows
}

fn params_ui(ui: &mut egui::Ui, rows: &[(String, String, String)], (old, new): (u64, u64)) {
    let (old, new) = (format!("v{old}"), format!("v{new}"));
    let columns = [
        Column::rest("Parameter", 90.0),
        Column::new(old.as_str(), 84.0).right(),
        Column::new(new.as_str(), 84.0).right(),
        // Room for the scroll bar, which lies over the table.
        Column::new("", 12.0),
    ];
    Table::new("Parameters of two versions", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len().clamp(1, 8)))
        .show(ui, |row, column| match column {
            0 => Cell::text(rows[row].0.clone()),
            1 => Cell::number(rows[row].1.clone()),
            2 => Cell::number(rows[row].2.clone()),
            _ => Cell::text(""),
        });
}

fn metrics_ui(ui: &mut egui::Ui, project: &ProjectState, (older, newer): (&PackageRecord, &PackageRecord)) {
    let old = project.evaluation(older.model, "test");
    let new = project.evaluation(newer.model, "test");
    let (Some(old), Some(new)) = (old, new) else {
        yard_ui::text::paragraph(ui, "Both versions need an evaluation on the test split to be compared.");
        return;
    };
    let names: Vec<&String> = new.metrics.keys().filter(|name| old.metrics.contains_key(*name)).collect();
    let (first, second) = (format!("v{}", older.version), format!("v{}", newer.version));
    let columns = [
        Column::rest("Test split", 110.0),
        Column::new(first.as_str(), 84.0).right(),
        Column::new(second.as_str(), 84.0).right(),
        Column::new("Difference", 92.0).right(),
        Column::new("Intervals", 104.0),
    ];
    Table::new("Figures of two versions", &columns)
        .rows(names.len())
        .height(crate::start::table_height(names.len().clamp(1, 8)))
        .show(ui, |row, column| {
            let name = names[row].as_str();
            let (was, is) = (old.metrics[name], new.metrics[name]);
            match column {
                0 => Cell::text(words::metric_label(name).to_owned()),
                1 => Cell::number(words::metric(name, was.value)),
                2 => Cell::number(words::metric(name, is.value)),
                3 => Cell::number(fmt::difference(is.value - was.value, words::decimals(name))),
                _ => Cell::muted(overlap(&was, &is)),
            }
        });
}

fn overlap(a: &yard_types::metric::MetricValue, b: &yard_types::metric::MetricValue) -> &'static str {
    match (a.low, a.high, b.low, b.high) {
        (Some(a_low), Some(a_high), Some(b_low), Some(b_high)) if a_high < b_low || b_high < a_low => "apart",
        (Some(_), Some(_), Some(_), Some(_)) => "overlap",
        _ => fmt::MISSING,
    }
}
