//! Runs side by side: each figure of the run in focus, of the runs shown beside it, and the difference.

use super::{curves, kept_model, model_of};
use crate::words;
use yard_state::state::StudioState;
use yard_types::{
    ids::RunId,
    metric::{MetricValue, better},
    project::RunRecord,
    run::ModelRecord,
};
use yard_ui::{Cell, Column, Status, Table, fmt, space, text};

/// Runs compared with the one in focus.
const MOST: usize = 2;
/// Lines before the table scrolls inside itself.
const MOST_LINES: usize = 10;

/// One line of the table.
enum Line {
    Metric(String),
    Param(String),
    Seconds,
    Size,
    Parameters,
    Steps,
}

/// Draws the table.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, run: &RunRecord) {
    let Some(own) = model_of(state, run.id) else {
        text::paragraph(ui, "This run has no model to compare.");
        return;
    };
    let others = others(state, run.id);
    if others.is_empty() {
        curves::nothing_to_compare(ui, run);
        return;
    }
    let lines = lines(words::chosen_metric(&state.project), own, &others);
    let titles: Vec<String> = others.iter().map(|other| format!("Run {}", other.run)).collect();
    let differences: Vec<String> =
        others.iter().map(|other| format!("{} − {}", other.run, own.run)).collect();
    let first = format!("Run {}", own.run);
    let several = others.len() > 1;
    let (value, least) = if several { (76.0, 104.0) } else { (168.0, 112.0) };
    let mut columns =
        vec![Column::rest("Validation split", least), Column::new(first.as_str(), value).right()];
    for (title, difference) in titles.iter().zip(&differences) {
        columns.push(Column::new(title.as_str(), if several { 64.0 } else { value }).right());
        columns.push(Column::new(difference.as_str(), 68.0).right());
        columns.push(Column::new("", 104.0));
    }
    Table::new("Comparison", &columns)
        .rows(lines.len())
        .compact()
        .height(space::ROW + lines.len().min(MOST_LINES) as f32 * space::ROW_COMPACT)
        .show(ui, |row, column| cell(&lines[row], own, &others, column));
    text::note(
        ui,
        "A difference is within noise while each value lies inside the other's 95 % interval; Evaluate and the gates test it on paired rows.",
    );
}

/// Shown runs with a model, else the kept one.
fn others(state: &StudioState, run: RunId) -> Vec<&ModelRecord> {
    let shown = state.shown_runs.iter().filter(|own| **own != run).filter_map(|own| model_of(state, *own));
    let mut others: Vec<&ModelRecord> = shown.take(MOST).collect();
    if others.is_empty() {
        others.extend(kept_model(state).filter(|model| model.run != run));
    }
    others
}

fn lines(chosen: &str, own: &ModelRecord, others: &[&ModelRecord]) -> Vec<Line> {
    let metrics = own.metrics.get("validation").into_iter().flat_map(|set| set.keys().cloned());
    let mut metrics: Vec<String> = metrics.collect();
    metrics.sort_by_key(|name| name != chosen);
    let mut lines: Vec<Line> = metrics.into_iter().map(Line::Metric).collect();
    lines.extend([Line::Seconds, Line::Size, Line::Parameters, Line::Steps]);
    let names = own.params.keys().chain(others.iter().flat_map(|other| other.params.keys()));
    let mut names: Vec<&String> = names
        .filter(|name| others.iter().any(|other| other.params.get(*name) != own.params.get(*name)))
        .collect();
    names.sort();
    names.dedup();
    lines.extend(names.into_iter().map(|name| Line::Param(name.clone())));
    lines
}

fn cell(line: &Line, own: &ModelRecord, others: &[&ModelRecord], column: usize) -> Cell<'static> {
    match column {
        0 => Cell::text(name(line)),
        1 => value(line, own, others.len() == 1),
        _ => {
            let at = (column - 2) / 3;
            let Some(other) = others.get(at) else { return Cell::missing() };
            match (column - 2) % 3 {
                0 => value(line, other, others.len() == 1),
                1 => difference(line, own, other),
                _ => verdict(line, own, other),
            }
        }
    }
}

fn name(line: &Line) -> String {
    match line {
        Line::Metric(name) => {
            format!("{} {}", words::metric_label(name), words::better(name).arrow())
        }
        Line::Param(name) => name.replace('_', " "),
        Line::Seconds => "Time, s".to_owned(),
        Line::Size => "Size, KiB".to_owned(),
        Line::Parameters => "Parameters".to_owned(),
        Line::Steps => "Steps kept".to_owned(),
    }
}

fn metric(model: &ModelRecord, name: &str) -> Option<MetricValue> {
    model.metrics.get("validation")?.get(name).copied()
}

/// A figure and its decimals.
fn figure(line: &Line, model: &ModelRecord) -> Option<(f64, usize)> {
    Some(match line {
        Line::Metric(name) => (metric(model, name)?.value, words::decimals(name)),
        Line::Param(_) => return None,
        Line::Seconds => (model.seconds, 1),
        Line::Size => (model.size_bytes as f64 / 1024.0, 1),
        Line::Parameters => (model.parameters as f64, 0),
        Line::Steps => (f64::from(model.steps), 0),
    })
}

fn value(line: &Line, model: &ModelRecord, with_interval: bool) -> Cell<'static> {
    match line {
        Line::Metric(name) if with_interval => {
            Cell::number_opt(metric(model, name).map(|value| words::metric_interval(name, &value)))
        }
        Line::Param(name) => Cell::number_opt(model.params.get(name).cloned()),
        _ => Cell::number_opt(figure(line, model).map(|(value, decimals)| fmt::fixed(value, decimals))),
    }
}

fn difference(line: &Line, own: &ModelRecord, other: &ModelRecord) -> Cell<'static> {
    let both = figure(line, own).zip(figure(line, other));
    Cell::number_opt(both.map(|((own, decimals), (other, _))| fmt::difference(other - own, decimals)))
}

/// Better, worse or within noise, for metrics with intervals.
fn verdict(line: &Line, own: &ModelRecord, other: &ModelRecord) -> Cell<'static> {
    let Line::Metric(name) = line else { return Cell::text("") };
    let Some((one, two)) = metric(own, name).zip(metric(other, name)) else { return Cell::text("") };
    let inside = |value: f64, of: &MetricValue| match (of.low, of.high) {
        (Some(low), Some(high)) => (low..=high).contains(&value),
        _ => false,
    };
    if inside(one.value, &two) && inside(two.value, &one) {
        return Cell::status(Status::Done, "within noise");
    }
    if better(name, two.value, one.value) {
        Cell::status(Status::Ok, "better")
    } else {
        Cell::status(Status::Warn, "worse")
    }
}
