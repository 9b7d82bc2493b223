//! Train: the recipe of the next run, live curves, and every run with the colour that its curves have.

mod compare;
mod curves;
mod form;
mod inspector;
mod params;
mod runs;
mod trials;

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
