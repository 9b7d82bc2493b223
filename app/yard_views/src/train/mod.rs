//! Train: the recipe of the next run, live curves, and every run with the colour that its curves have.

mod compare;
mod curves;
mod form;
mod inspector;
mod params;
mod points;
mod progress;
mod runs;
mod trials;

pub(crate) use inspector::line as command_line;

pub(crate) use inspector::show as inspector;

use crate::{
    head::{self, Head},
    layout::{self, Side},
    words,
};
use yard_state::{
    actions::Action,
    command::UiCommand,
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::{
    ids::RunId,
    metric::{MetricValue, better},
    project::{RunRecord, RunState},
    run::{Family, ModelRecord},
};
use yard_ui::{Empty, Icon, fmt, space};

/// What Train keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    log_scale: bool,
    /// 0 curves, 1 comparison.
    tab: usize,
    /// Whether the form shows the rarer settings.
    more: bool,
    sort: Option<yard_ui::Sort>,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    head_ui(ui, state);
    if state.project.dataset().is_none() || state.project.frame.is_none() {
        empty_ui(ui, state);
        return;
    }
    let wide = ui.available_width() > 800.0;
    let form = if wide { 228.0 } else { 216.0 };
    ui.spacing_mut().item_spacing.y = 0.0;
    layout::two(ui, form, space::S24, |ui, side| match side {
        Side::Left => form::show(ui, state, view),
        Side::Right => curves::show(ui, state, view),
    });
    ui.add_space(space::S24);
    runs::show(ui, state, view);
    points::show(ui, state);
    trials::show(ui, state);
}

fn head_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let project = &state.project;
    let split = project.dataset().and_then(|dataset| project.splits.get(&dataset.id));
    let context = match (project.dataset(), split, &project.frame) {
        (Some(dataset), Some(split), Some(frame)) => format!(
            "{}@{}, split {} train / {} validation / {} test, chosen by {}",
            dataset.name,
            dataset.id,
            fmt::count(split.counts.train),
            fmt::count(split.counts.validation),
            fmt::count(split.counts.test),
            words::metric_label(&frame.metric)
        ),
        (Some(dataset), ..) => format!("{}@{}, no target yet", dataset.name, dataset.id),
        _ => "no data yet".to_owned(),
    };
    let training = state
        .jobs
        .running()
        .is_some_and(|job| job.label.starts_with("Train") || job.label.starts_with("Retrain"));
    let others = match state.drafts.train.family {
        _ if training => vec![(UiCommand::StopJob, Icon::Stop)],
        _ if focus(state).is_some_and(RunRecord::resumable) => {
            vec![(UiCommand::ResumeTraining, Icon::ArrowClockwise)]
        }
        Family::Auto => Vec::new(),
        _ => vec![(UiCommand::TrainAuto, Icon::Stack)],
    };
    let head =
        Head { title: "Train", context, primary: "Start training".to_owned(), icon: Icon::Play, others };
    head::show(ui, state, &head);
}

fn empty_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let no_data = state.project.dataset().is_none();
    let sentence = if no_data {
        "Runs and their curves appear here once there is data."
    } else {
        "Training needs a target: choose it on Frame."
    };
    let link = if no_data { "Go to Data" } else { "Go to Frame" };
    let mut empty = Empty::new(Icon::ChartLine, sentence);
    if no_data {
        empty = empty.action("Import data…", "");
    }
    let answer = empty.link(link).show(ui);
    if answer.action {
        state.ask(Action::Ui(UiCommand::ImportData));
    }
    if answer.link {
        state.place = if no_data { Place::Data } else { Place::Frame };
    }
}

/// The run that the curves show: the selected one, else the one in progress, else the newest.
pub(super) fn focus(state: &StudioState) -> Option<&RunRecord> {
    let selected = match state.selection {
        Selection::Run(run) => state.project.runs.get(&run),
        _ => None,
    };
    let running = || state.live_curves.keys().next_back().and_then(|run| state.project.runs.get(run));
    selected.or_else(running).or_else(|| state.project.runs.values().next_back())
}

/// The model that is kept: the reference line of all plots.
pub(super) fn kept_model(state: &StudioState) -> Option<&ModelRecord> {
    state.project.best_model()
}

/// The run of the model that is kept.
pub(super) fn kept(state: &StudioState) -> Option<RunId> {
    kept_model(state).map(|model| model.run)
}

/// The model that a run made.
pub(super) fn model_of(state: &StudioState, run: RunId) -> Option<&ModelRecord> {
    state.project.models.values().find(|model| model.run == run)
}

/// Whether a run is in progress in this session; a run that a closed window left behind is not.
pub(super) fn in_progress(state: &StudioState, run: &RunRecord) -> bool {
    run.state == RunState::Running && state.jobs.running().is_some()
}

/// Colour index of a run: the shown one is series 1, those compared with it follow.
pub(super) fn series_of(state: &StudioState, run: RunId) -> Option<usize> {
    if focus(state).is_some_and(|own| own.id == run) {
        return Some(0);
    }
    if kept(state) == Some(run) {
        return Some(1);
    }
    state
        .shown_runs
        .iter()
        .filter(|own| Some(**own) != kept(state))
        .position(|own| *own == run)
        .map(|at| at + 2)
}

/// A common range for intervals: all of them, unless some lie so far behind the best that they would hide
/// the differences of the rest (more than six interval widths); the count of those left out.
pub(super) fn fair_range(values: &[MetricValue], metric: &str) -> Option<((f64, f64), usize)> {
    let best = values
        .iter()
        .copied()
        .reduce(|best, own| if better(metric, own.value, best.value) { own } else { best })?;
    let ends = |own: &MetricValue| (own.low.unwrap_or(own.value), own.high.unwrap_or(own.value));
    let (low, high) = ends(&best);
    let room = if high > low { (high - low) * 6.0 } else { f64::INFINITY };
    let near = |own: &&MetricValue| (own.value - best.value).abs() <= room;
    let inside = values.iter().filter(near);
    let (low, high) =
        inside.clone().map(ends).fold((low, high), |(low, high), (one, two)| (low.min(one), high.max(two)));
    let range = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
    Some((range, values.len() - inside.count()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_run_far_behind_does_not_hide_the_others() {
        let around = |value: f64| MetricValue { value, low: Some(value - 0.02), high: Some(value + 0.02) };
        let values = [around(0.85), around(0.84), around(0.5)];
        let ((low, high), left_out) = fair_range(&values, "roc_auc").unwrap();
        assert!((low - 0.82).abs() < 1e-12 && (high - 0.87).abs() < 1e-12);
        assert_eq!(left_out, 1);
        assert_eq!(fair_range(&[MetricValue::point(0.5)], "roc_auc").unwrap().0, (0.0, 1.0));
        assert!(fair_range(&[], "roc_auc").is_none());
    }
}
