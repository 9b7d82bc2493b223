//! The table of runs: the colour chip is the line's colour, the eye shows a run beside the one in focus,
//! the strip compares intervals on one scale.

use super::{View, in_progress, kept, series_of};
use crate::words;
use yard_state::{route::Selection, state::StudioState};
use yard_types::{
    ids::RunId,
    metric::MetricValue,
    project::{RunRecord, RunState},
    run::ModelRecord,
};
use yard_ui::{Cell, Column, Icon, Sort, Status, Table, fmt, marks, section, space, text, tokens};

struct Row<'a> {
    run: &'a RunRecord,
    model: Option<&'a ModelRecord>,
    value: Option<MetricValue>,
}

/// Draws the table.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let metric = words::chosen_metric(&state.project).to_owned();
    let dataset = state.project.dataset().map(|dataset| dataset.id);
    let validation =
        dataset.and_then(|id| state.project.splits.get(&id)).map_or(0, |split| split.counts.validation);
    let note = format!(
        "{}, figures on the validation split, n = {}",
        fmt::counted(state.project.runs.len() as u64, "run", "runs"),
        fmt::count(validation)
    );
    section(ui, "Runs", &note);
    if state.project.runs.is_empty() {
        text::paragraph(
            ui,
            "No run yet. Start training keeps each run with its parameters, curve and figures.",
        );
        return;
    }
    let rows = rows(state, &metric, view.sort);
    let range = range(&rows);
    let label = words::metric_label(&metric).to_owned();
    let columns = [
        Column::new("Shown", 44.0),
        Column::new("", 20.0),
        Column::new("Run", 48.0).right().sortable(),
        Column::new("Family", 76.0),
        Column::rest("Parameters", 120.0),
        Column::new("", 72.0),
        Column::new(label.as_str(), 84.0).right().sortable().better(words::better(&metric)),
        Column::new("95 % interval", 112.0).right(),
        Column::new("Log loss", 64.0).right(),
        Column::new("Time, s", 60.0).right().sortable(),
        Column::new("KiB", 60.0).right().sortable(),
        Column::new("State", 84.0),
    ];
    let selected = match state.selection {
        Selection::Run(run) => rows.iter().position(|row| row.run.id == run),
        _ => None,
    };
    let colours: Vec<Option<egui::Color32>> =
        rows.iter().map(|row| series_of(state, row.run.id).map(|at| tokens(ui).series(at))).collect();
    let count = rows.len();
    let response = Table::new("Runs", &columns)
        .rows(count)
        .height(crate::start::table_height(count.clamp(1, 12)))
        .sort(view.sort)
        .selected(selected)
        .show(ui, |row, column| cell(state, &rows[row], (column, metric.as_str()), (colours[row], range)));
    let picked = response.selected.and_then(|row| rows.get(row)).map(|row| row.run.id);
    let toggled = response
        .cell
        .filter(|(_, column)| *column == 0)
        .and_then(|(row, _)| rows.get(row))
        .map(|row| row.run.id);
    if response.sort.is_some() {
        view.sort = response.sort;
    }
    drop(rows);
    select(state, picked, toggled);
}

fn select(state: &mut StudioState, picked: Option<RunId>, toggled: Option<RunId>) {
    if let Some(run) = toggled {
        if state.shown_runs.contains(&run) {
            state.shown_runs.retain(|own| *own != run);
        } else {
            state.shown_runs.push(run);
        }
    }
    if let Some(run) = picked {
        state.selection = Selection::Run(run);
        if let Some(model) = state.project.models.values().find(|model| model.run == run) {
            state.chosen = Some(model.id);
        }
    }
}

fn rows<'a>(state: &'a StudioState, metric: &str, sort: Option<Sort>) -> Vec<Row<'a>> {
    let project = &state.project;
    let mut rows: Vec<Row<'a>> = project
        .runs
        .values()
        .rev()
        .map(|run| {
            let model = project.models.values().find(|model| model.run == run.id);
            let value = model.and_then(|model| model.metrics.get("validation")?.get(metric).copied());
            Row { run, model, value }
        })
        .collect();
    let Some(sort) = sort else { return rows };
    let key = |row: &Row<'_>| match sort.column {
        2 => row.run.id.0 as f64,
        6 => row.value.map_or(f64::NAN, |value| value.value),
        9 => row.model.map_or(f64::NAN, |model| model.seconds),
        _ => row.model.map_or(f64::NAN, |model| model.size_bytes as f64),
    };
    rows.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        // A row without the figure stays last in both directions.
        a.is_nan().cmp(&b.is_nan()).then(if sort.descending { b.total_cmp(&a) } else { a.total_cmp(&b) })
    });
    rows
}

fn range(rows: &[Row<'_>]) -> (f64, f64) {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for value in rows.iter().filter_map(|row| row.value) {
        low = low.min(value.low.unwrap_or(value.value));
        high = high.max(value.high.unwrap_or(value.value));
    }
    if low < high { (low, high) } else { (0.0, 1.0) }
}

fn cell<'a>(
    state: &StudioState,
    row: &Row<'_>,
    (column, metric): (usize, &str),
    (colour, range): (Option<egui::Color32>, (f64, f64)),
) -> Cell<'a> {
    let run = row.run;
    match column {
        0 if state.shown_runs.contains(&run.id) => Cell::button(Icon::Eye, format!("Hide run {}", run.id)),
        0 => Cell::button(Icon::EyeSlash, format!("Show run {}", run.id)),
        1 => match colour {
            Some(colour) => Cell::swatch(colour, true, format!("colour of run {}", run.id)),
            None => Cell::text(""),
        },
        2 => Cell::number(run.id.to_string()),
        3 => Cell::text(row.model.map_or(run.spec.family, |model| model.family).word()),
        4 => Cell::muted(words::params_words(&run.spec.params)),
        5 => row.value.map_or_else(Cell::missing, |value| {
            let ends = (value.low.unwrap_or(value.value), value.high.unwrap_or(value.value));
            Cell::interval(marks::Interval::new(value.value, ends, range))
        }),
        6 => Cell::number_opt(row.value.map(|value| words::metric(metric, value.value))),
        7 => row.value.map_or_else(Cell::missing, |value| Cell::number(words::interval(metric, &value))),
        8 => Cell::number_opt(
            row.model
                .and_then(|model| model.metrics.get("validation")?.get("log_loss"))
                .map(|value| fmt::fixed(value.value, 4)),
        ),
        9 => Cell::number_opt(row.model.map(|model| fmt::fixed(model.seconds, 1))),
        10 => Cell::number_opt(row.model.map(|model| fmt::fixed(model.size_bytes as f64 / 1024.0, 1))),
        _ => state_cell(state, row),
    }
}

fn state_cell<'a>(state: &StudioState, row: &Row<'_>) -> Cell<'a> {
    let version = row.model.and_then(|model| words::version_of(&state.project, model.id));
    match &row.run.state {
        RunState::Running if in_progress(state, row.run) => Cell::status(Status::Running, "running"),
        RunState::Running => Cell::status(Status::Warn, "interrupted"),
        RunState::Failed { .. } => Cell::status(Status::Error, "failed"),
        RunState::Cancelled => Cell::status(Status::Idle, "stopped"),
        RunState::Finished { .. } if kept(state) == Some(row.run.id) => Cell::status(Status::Ok, "kept"),
        RunState::Finished { .. } => match version {
            Some(version) => Cell::tag(Icon::Tag, format!("version {version}")),
            None => Cell::status(Status::Done, "done"),
        },
    }
}

/// The tries of a search or of `auto`, with why each was kept or not.
pub(super) fn trials_ui(ui: &mut egui::Ui, state: &StudioState) {
    let Some(run) = super::focus(state).filter(|run| run.trials.len() > 1) else { return };
    ui.add_space(space::S24);
    let note = format!("{} of run {}", fmt::counted(run.trials.len() as u64, "trial", "trials"), run.id);
    section(ui, "Trials", &note);
    let metric = words::chosen_metric(&state.project).to_owned();
    let label = words::metric_label(&metric).to_owned();
    let columns = [
        Column::new("Family", 84.0),
        Column::new("Parameters", 220.0),
        Column::new(label.as_str(), 104.0).right().better(words::better(&metric)),
        Column::new("Time, s", 64.0).right(),
        Column::new("Kept", 72.0),
        Column::rest("Why", 200.0),
    ];
    Table::new("Trials", &columns)
        .rows(run.trials.len())
        .height(crate::start::table_height(run.trials.len().min(8)))
        .show(ui, |row, column| {
            let trial = &run.trials[row];
            match column {
                0 => Cell::text(trial.family.word()),
                1 => Cell::muted(words::params_words(&trial.params)),
                2 => Cell::number_opt(
                    trial.validation.get(&metric).map(|value| words::metric(&metric, value.value)),
                ),
                3 => Cell::number(fmt::fixed(trial.seconds, 1)),
                4 if trial.kept => Cell::status(Status::Ok, "kept"),
                4 => Cell::status(Status::Done, "no"),
                _ => Cell::muted(trial.note.clone()),
            }
        });
}
