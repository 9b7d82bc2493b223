//! The table of runs: the colour chip is the line's colour, the eye shows a run beside the one in focus,
//! the strip compares intervals on one scale with the kept run as its reference line.

use super::{View, curves, in_progress, kept, kept_model, model_of, params, series_of};
use crate::words;
use yard_state::{route::Selection, state::StudioState};
use yard_types::{
    frame::Task,
    ids::RunId,
    metric::MetricValue,
    project::{RunRecord, RunState},
    run::ModelRecord,
};
use yard_ui::{Cell, Column, Icon, Sort, Status, Table, fmt, marks, section, text, tokens};

/// Rows before the table scrolls inside itself.
const MOST_ROWS: usize = 15;
/// Below this width the columns that the inspector repeats are left out.
const WIDE: f32 = 820.0;
const MEDIUM: f32 = 720.0;
/// From this width on there is room for all columns.
const ALL: f32 = 980.0;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Eye,
    Colour,
    Run,
    Family,
    Parameters,
    Strip,
    Metric,
    Interval,
    Second,
    Cost,
    Time,
    Latency,
    Size,
    State,
}

struct Row<'a> {
    run: &'a RunRecord,
    model: Option<&'a ModelRecord>,
    /// Chosen metric with its interval; a point while the run trains.
    value: Option<MetricValue>,
}

/// What all cells of the table share.
struct Context<'a> {
    state: &'a StudioState,
    metric: String,
    /// A second metric beside the chosen one.
    second: &'static str,
    range: (f64, f64),
    reference: Option<f64>,
}

/// Draws the table.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    section(ui, "Runs", &note(state));
    if state.project.runs.is_empty() {
        text::paragraph(
            ui,
            "No run yet. Start training keeps each run with its parameters, curve and figures.",
        );
        return;
    }
    let context = Context::new(state);
    let shown = shown(ui.available_width(), state);
    let rows = rows(state, &context, view.sort.and_then(|sort| Some((sort, *shown.get(sort.column)?))));
    let range = strip_title(context.range, &context.metric);
    let columns: Vec<Column<'_>> = shown.iter().map(|show| column(*show, &context, &range)).collect();
    let selected = match state.selection {
        Selection::Run(run) => rows.iter().position(|row| row.run.id == run),
        _ => None,
    };
    let t = tokens(ui);
    let colours: Vec<Option<egui::Color32>> =
        rows.iter().map(|row| series_of(state, row.run.id).map(|at| t.series(at))).collect();
    let count = rows.len();
    let response = Table::new("Runs", &columns)
        .rows(count)
        .height(crate::start::table_height(count.clamp(1, MOST_ROWS)))
        .sort(view.sort)
        .selected(selected)
        .show(ui, |row, at| match shown[at] {
            Show::Colour => swatch(&rows[row], colours[row], t.border_strong),
            show => cell(&context, &rows[row], show),
        });
    let picked = response.selected.and_then(|row| rows.get(row)).map(|row| row.run.id);
    let pressed = response.cell.and_then(|(row, _)| rows.get(row)).map(|row| row.run.id);
    if response.sort.is_some() {
        view.sort = response.sort;
    }
    drop(rows);
    select(state, picked, pressed);
}

/// "13 runs, figures on the validation split, n = 1 409, cost at threshold 0.167".
fn note(state: &StudioState) -> String {
    let project = &state.project;
    let split = project.dataset().and_then(|dataset| project.splits.get(&dataset.id));
    let runs = fmt::counted(project.runs.len() as u64, "run", "runs");
    let n = split.map_or(String::new(), |own| format!(", n = {}", fmt::count(own.counts.validation)));
    let threshold = project
        .frame
        .as_ref()
        .filter(|frame| frame.task == Task::Binary)
        .map_or(String::new(), |frame| format!(", cost at threshold {}", fmt::metric(frame.threshold())));
    format!("{runs}, figures on the validation split{n}{threshold}")
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
    }
}

impl<'a> Context<'a> {
    fn new(state: &'a StudioState) -> Self {
        let metric = words::chosen_metric(&state.project).to_owned();
        let regression = state.project.frame.as_ref().is_some_and(|frame| frame.task == Task::Regression);
        let second = match (regression, metric.as_str()) {
            (true, "mae") => "rmse",
            (true, _) => "mae",
            (false, "log_loss") => "accuracy",
            (false, _) => "log_loss",
        };
        let values: Vec<MetricValue> =
            state.project.models.values().filter_map(|model| validation(model, &metric)).collect();
        let range = super::fair_range(&values, &metric).map_or((0.0, 1.0), |(range, _)| range);
        let reference = kept_model(state).and_then(|model| validation(model, &metric)).map(|own| own.value);
        Self { state, metric, second, range, reference }
    }
}

/// A metric of a model on the validation split.
fn validation(model: &ModelRecord, metric: &str) -> Option<MetricValue> {
    model.metrics.get("validation")?.get(metric).copied()
}

/// Median time of one row in microseconds, from the newest evaluation that measured it.
fn latency(state: &StudioState, model: &ModelRecord) -> Option<f64> {
    let own = state.project.evaluations.iter().rev().filter(|own| own.model == model.id);
    own.filter_map(|own| own.latency).map(|latency| latency.p50_us).next()
}

/// Header of the strip: its range.
fn strip_title((low, high): (f64, f64), metric: &str) -> String {
    if !low.is_finite() || !high.is_finite() {
        return String::new();
    }
    let decimals = if high - low < 0.02 { words::decimals(metric) } else { 2 };
    fmt::interval(low, high, decimals)
}

fn shown(width: f32, state: &StudioState) -> Vec<Show> {
    let costs = state.project.frame.as_ref().is_some_and(|frame| frame.task == Task::Binary);
    let all = [
        Show::Eye,
        Show::Colour,
        Show::Run,
        Show::Family,
        Show::Parameters,
        Show::Strip,
        Show::Metric,
        Show::Interval,
        Show::Second,
        Show::Cost,
        Show::Time,
        Show::Latency,
        Show::Size,
        Show::State,
    ];
    let fits = |show: &Show| match show {
        Show::Interval | Show::Size | Show::Latency => width >= WIDE,
        // Beside interval, cost, size and latency there is room for it in wide windows alone.
        Show::Second => width >= if costs && width >= WIDE { ALL } else { MEDIUM },
        Show::Cost => costs,
        _ => true,
    };
    all.into_iter().filter(fits).collect()
}

fn column<'a>(show: Show, context: &'a Context<'_>, range: &'a str) -> Column<'a> {
    let metric = words::metric_label(&context.metric);
    // Room for the label, the arrow and the chevron of the order.
    let metric_width = (metric.chars().count() as f32 * 6.4 + 40.0).clamp(76.0, 148.0);
    match show {
        Show::Eye => Column::new("", 28.0),
        Show::Colour => Column::new("", 20.0),
        Show::Run => Column::new("Run", 44.0).right().sortable(),
        Show::Family => Column::new("Family", 84.0).sortable(),
        Show::Parameters => Column::rest("Parameters", 104.0),
        Show::Strip => Column::new(range, 72.0)
            .tooltip(format!("{metric} with its 95 % interval on one scale; dashed: the kept run; runs far behind stand at the edge")),
        Show::Metric => {
            Column::new(metric, metric_width).right().sortable().better(words::better(&context.metric))
        }
        Show::Interval => Column::new("95 % interval", 98.0).right(),
        Show::Second => Column::new(words::metric_label(context.second), 72.0)
            .right()
            .sortable()
            .better(words::better(context.second)),
        Show::Cost => Column::new("Cost/1\u{2009}000", 76.0).right().sortable().tooltip(
            "Expected cost per 1 000 decisions at the threshold that the costs give; lower is better",
        ),
        Show::Time => Column::new("Time, s", 56.0).right().sortable(),
        Show::Latency => Column::new("Row, µs", 60.0)
            .right()
            .sortable()
            .tooltip("Median time of one row in process, measured when the run was evaluated"),
        Show::Size => Column::new("Size, KiB", 68.0).right().sortable(),
        Show::State => Column::new("State", 100.0),
    }
}

fn rows<'a>(state: &'a StudioState, context: &Context<'_>, sort: Option<(Sort, Show)>) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> =
        state.project.runs.values().rev().map(|run| row(state, context, run)).collect();
    let Some((sort, show)) = sort else { return rows };
    if show == Show::Family {
        let family = |row: &Row<'_>| curves::family(state, row.run);
        rows.sort_by_key(|row| family(row));
        if sort.descending {
            rows.reverse();
        }
        return rows;
    }
    let key = |row: &Row<'_>| match show {
        Show::Run => row.run.id.0 as f64,
        Show::Metric => row.value.map_or(f64::NAN, |value| value.value),
        _ => number(context, row, show).map_or(f64::NAN, |(value, _)| value),
    };
    rows.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        // A row without the figure stays last in both directions.
        a.is_nan().cmp(&b.is_nan()).then(if sort.descending { b.total_cmp(&a) } else { a.total_cmp(&b) })
    });
    rows
}

fn row<'a>(state: &'a StudioState, context: &Context<'_>, run: &'a RunRecord) -> Row<'a> {
    let model = model_of(state, run.id);
    let live = || {
        let last = curves::curve(state, run).last().filter(|_| in_progress(state, run))?;
        last.validation_metric.map(MetricValue::point)
    };
    let value = match model {
        Some(model) => validation(model, &context.metric),
        None => live(),
    };
    Row { run, model, value }
}

/// A plain figure of a row with its decimals.
fn number(context: &Context<'_>, row: &Row<'_>, show: Show) -> Option<(f64, usize)> {
    if show == Show::Time && row.model.is_none() && in_progress(context.state, row.run) {
        return context.state.jobs.running().map(|job| (job.elapsed_secs, 1));
    }
    if show == Show::Second && row.model.is_none() && context.second == "log_loss" {
        let last = curves::curve(context.state, row.run).last()?;
        return last.validation_loss.map(|loss| (loss, 4));
    }
    let model = row.model?;
    Some(match show {
        Show::Second => (validation(model, context.second)?.value, words::decimals(context.second)),
        Show::Cost => (validation(model, "expected_cost")?.value * 1000.0, 0),
        Show::Time => (model.seconds, 1),
        Show::Latency => (latency(context.state, model)?, 1),
        Show::Size => (model.size_bytes as f64 / 1024.0, 1),
        _ => return None,
    })
}

fn swatch(row: &Row<'_>, colour: Option<egui::Color32>, empty: egui::Color32) -> Cell<'static> {
    let name = match colour {
        Some(_) => format!("Colour of run {} in the curves", row.run.id),
        None => format!("Run {} is not drawn; press to show it", row.run.id),
    };
    Cell::swatch(colour.unwrap_or(empty), colour.is_some(), name)
}

fn cell<'a>(context: &Context<'_>, row: &Row<'_>, show: Show) -> Cell<'a> {
    let (state, run) = (context.state, row.run);
    match show {
        Show::Eye if state.shown_runs.contains(&run.id) => {
            Cell::button(Icon::Eye, format!("Hide run {}", run.id))
        }
        Show::Eye => Cell::button(Icon::EyeSlash, format!("Show run {}", run.id)),
        Show::Run => Cell::number(run.id.to_string()),
        Show::Family => Cell::text(curves::family(state, run).word()),
        Show::Parameters => parameters(run),
        Show::Strip => strip(context, row),
        Show::Metric => Cell::number_opt(row.value.map(|value| words::metric(&context.metric, value.value))),
        Show::Interval => row
            .value
            .map_or_else(Cell::missing, |value| Cell::number(words::interval(&context.metric, &value))),
        Show::State => state_cell(state, row),
        _ => {
            Cell::number_opt(number(context, row, show).map(|(value, decimals)| fmt::fixed(value, decimals)))
        }
    }
}

fn parameters<'a>(run: &RunRecord) -> Cell<'a> {
    let mut phrase = params::phrase(&run.spec.params);
    if run.spec.family == yard_types::run::Family::Auto {
        "all families tried".clone_into(&mut phrase);
    }
    if run.spec.trials > 1 {
        phrase = format!("{} trials, {phrase}", run.spec.trials);
    }
    Cell::text(phrase)
}

fn strip<'a>(context: &Context<'_>, row: &Row<'_>) -> Cell<'a> {
    let Some(value) = row.value.filter(|_| row.model.is_some()) else { return Cell::text("") };
    let ends = (value.low.unwrap_or(value.value), value.high.unwrap_or(value.value));
    let mark = marks::Interval::new(value.value, ends, context.range);
    Cell::interval(match context.reference {
        Some(reference) => mark.reference(reference),
        None => mark,
    })
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
