//! Slices, worst first, with intervals beside the whole; fairness of the protected columns.

use crate::words;
use yard_state::{route::Selection, state::StudioState};
use yard_types::evaluation::{Evaluation, GroupRates};
use yard_ui::{Cell, Column, Status, Table, fmt, marks, section, space, text};

/// Draws both tables.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, evaluation: &Evaluation) {
    slices_ui(ui, state, evaluation);
    if !evaluation.fairness.is_empty() {
        ui.add_space(space::S24);
        fairness_ui(ui, evaluation);
    }
}

/// Range of all intervals, so that the strips share one scale.
fn range(evaluation: &Evaluation, metric: &str) -> (f64, f64) {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for value in evaluation.slices.iter().filter_map(|slice| slice.metrics.get(metric)) {
        low = low.min(value.low.unwrap_or(value.value));
        high = high.max(value.high.unwrap_or(value.value));
    }
    if low < high { (low, high) } else { (0.0, 1.0) }
}

fn slices_ui(ui: &mut egui::Ui, state: &mut StudioState, evaluation: &Evaluation) {
    let metric = words::chosen_metric(&state.project).to_owned();
    let note = format!(
        "worst first, {}; bootstrap intervals",
        fmt::counted(evaluation.slices.len() as u64, "slice", "slices")
    );
    section(ui, "Slices", &note);
    if evaluation.slices.is_empty() {
        text::paragraph(ui, "No slice holds 5 % of the rows and at least 30.");
        return;
    }
    let whole = evaluation.metric(&metric);
    let line = format!("line: all, {}", words::metric(&metric, whole));
    let label = words::metric_label(&metric).to_owned();
    let columns = [
        Column::rest("Slice", 180.0),
        Column::new("n", 64.0).right(),
        Column::new("Positive", 72.0).right(),
        Column::new(label.as_str(), 96.0).right().better(words::better(&metric)),
        Column::new("95 % interval", 120.0).right(),
        Column::new(line.as_str(), 128.0),
        Column::new("Finding", 116.0),
    ];
    let range = range(evaluation, &metric);
    let slices = &evaluation.slices;
    let selected = match &state.selection {
        Selection::Slice(name) => slices.iter().position(|slice| slice.name == *name),
        _ => None,
    };
    let response = Table::new("Slices", &columns)
        .rows(slices.len())
        .compact()
        .height(24.0 + 20.0 * slices.len().min(10) as f32)
        .selected(selected)
        .show(ui, |row, column| {
            let slice = &slices[row];
            let value = slice.metrics.get(&metric);
            match column {
                0 => Cell::text(slice.name.clone()),
                1 => Cell::number(fmt::count(slice.rows)),
                2 if slice.positives == 0 => Cell::missing(),
                2 => Cell::number(fmt::count(slice.positives)),
                3 => Cell::number_opt(value.map(|value| words::metric(&metric, value.value))),
                4 => value.map_or_else(Cell::missing, |value| Cell::number(words::interval(&metric, value))),
                5 => value.map_or_else(Cell::missing, |value| {
                    let low = value.low.unwrap_or(value.value);
                    let high = value.high.unwrap_or(value.value);
                    let status = if slice.worse { Status::Warn } else { Status::Done };
                    Cell::interval(
                        marks::Interval::new(value.value, (low, high), range).reference(whole).status(status),
                    )
                }),
                _ if slice.worse => Cell::status(Status::Warn, "worse"),
                _ => Cell::status(Status::Done, "within noise"),
            }
        });
    if let Some(slice) = response.selected.and_then(|row| slices.get(row)) {
        state.selection = Selection::Slice(slice.name.clone());
    }
}

fn fairness_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    section(ui, "Fairness", "protected columns are compared, not judged by one score");
    let rows: Vec<(&str, &GroupRates)> = evaluation
        .fairness
        .iter()
        .flat_map(|own| own.groups.iter().map(move |group| (own.column.as_str(), group)))
        .collect();
    let columns = [
        Column::rest("Group", 150.0),
        Column::new("n", 64.0).right(),
        Column::new("Selected, %", 88.0).right(),
        Column::new("95 % interval", 112.0).right(),
        Column::new("Found, %", 84.0).right(),
        Column::new("False alarm, %", 104.0).right(),
        Column::new("Precision, %", 96.0).right(),
        Column::new("Size", 84.0),
    ];
    let percent = |rate: Option<f64>| Cell::number_opt(rate.map(|rate| fmt::fixed(rate * 100.0, 1)));
    Table::new("Fairness", &columns)
        .rows(rows.len())
        .compact()
        .height(24.0 + 20.0 * rows.len().min(8) as f32)
        .show(ui, |row, column| {
            let (name, group) = rows[row];
            match column {
                0 => Cell::text(format!("{name} = {}", group.group)),
                1 => Cell::number(fmt::count(group.rows)),
                2 => percent(group.selection_rate),
                3 => Cell::number_opt(
                    group.selection_interval.map(|(low, high)| fmt::interval(low * 100.0, high * 100.0, 1)),
                ),
                4 => percent(group.tpr),
                5 => percent(group.fpr),
                6 => percent(group.precision),
                _ if group.small => Cell::status(Status::Idle, "small"),
                _ => Cell::status(Status::Done, "enough"),
            }
        });
    for own in &evaluation.fairness {
        let part = |label: &str, value: Option<f64>| {
            format!("{label} {}", value.map_or(fmt::MISSING.to_owned(), fmt::metric))
        };
        text::note(
            ui,
            format!(
                "{}: {}, {}, {}, {}",
                own.column,
                part("demographic parity difference", own.demographic_parity_difference),
                part("ratio", own.demographic_parity_ratio),
                part("equalized odds difference", own.equalized_odds_difference),
                part("equal opportunity difference", own.equal_opportunity_difference)
            ),
        );
    }
}
