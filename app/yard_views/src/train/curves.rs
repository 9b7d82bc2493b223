//! Loss and metric over trees, epochs or iterations, live and afterwards. Colour says the run, dash the
//! split: validation solid, train dashed.

use super::{View, focus, kept, series_of};
use crate::words;
use yard_state::state::StudioState;
use yard_types::{
    metric::{Direction, metric_info},
    project::RunRecord,
    run::{Family, TrainPoint},
};
use yard_ui::{
    Axis, Line, Plot, Segmented, fmt,
    plot::{Dash, Reference, State},
    space, text, tokens,
};

/// Curve of a run: live while it trains, else as stored.
pub(super) fn curve<'a>(state: &'a StudioState, run: &'a RunRecord) -> &'a [TrainPoint] {
    match state.live_curves.get(&run.id) {
        Some(live) if run.curve.is_empty() => live,
        _ => &run.curve,
    }
}

/// The step with the best validation loss.
pub(super) fn best(curve: &[TrainPoint]) -> Option<&TrainPoint> {
    curve.iter().filter(|point| point.validation_loss.is_some_and(f64::is_finite)).min_by(|a, b| {
        a.validation_loss.unwrap_or(f64::NAN).total_cmp(&b.validation_loss.unwrap_or(f64::NAN))
    })
}

/// Draws both plots side by side.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, view: &mut View) {
    let Some(run) = focus(state) else {
        text::small_strong(ui, "Curves");
        ui.add_space(space::S8);
        Plot::new("Loss", Axis::new("step"), Axis::new("loss"))
            .height(212.0)
            .state(State::Empty(
                "Loss and metric of the first run are drawn here while it trains.".to_owned(),
            ))
            .show(ui);
        return;
    };
    let family = state
        .project
        .models
        .values()
        .find(|model| model.run == run.id)
        .map_or(run.spec.family, |model| model.family);
    let points = curve(state, run);
    let note = points
        .last()
        .map_or("waiting for the first step".to_owned(), |last| format!("{} {}", unit(family), last.step));
    let heading = format!("Run {}, {}", run.id, family.word());
    yard_ui::section_with(ui, &heading, &note, |ui| {
        Segmented::new(&mut view.log_scale, &["Linear", "Log"]).show(ui)
    });
    let width = (ui.available_width() - space::S16) / 2.0;
    crate::layout::two(ui, width, space::S16, |ui, side| match side {
        crate::layout::Side::Left => loss_ui(ui, state, (run, family), view.log_scale == 1),
        crate::layout::Side::Right => metric_ui(ui, state, (run, family)),
    });
}

/// Name of a step.
pub(super) fn unit(family: Family) -> &'static str {
    match family {
        Family::Boosting | Family::Forest => "trees",
        Family::Mlp => "epoch",
        Family::Linear | Family::Auto => "iteration",
    }
}

fn series(points: &[TrainPoint], pick: impl Fn(&TrainPoint) -> Option<f64>) -> Vec<[f64; 2]> {
    points.iter().filter_map(|point| Some([f64::from(point.step), pick(point)?])).collect()
}

fn with_value(name: &str, points: &[[f64; 2]], format: impl Fn(f64) -> String) -> String {
    points.last().map_or_else(|| name.to_owned(), |last| format!("{name} {}", format(last[1])))
}

fn loss_ui(ui: &mut egui::Ui, state: &StudioState, (run, family): (&RunRecord, Family), log: bool) {
    let t = tokens(ui);
    let points = curve(state, run);
    let train = series(points, |point| Some(point.train_loss));
    let validation = series(points, |point| point.validation_loss);
    let split = state.project.splits.get(&run.dataset).map(|split| split.counts);
    let note = split.map_or(String::new(), |own| {
        format!("train n = {}, validation n = {}", fmt::count(own.train), fmt::count(own.validation))
    });
    let mut plot = Plot::new("Loss, lower is better", Axis::new(unit(family)), Axis::new("loss").log(log))
        .note(&note)
        .height(212.0);
    if points.is_empty() {
        let words = if super::in_progress(state, run) {
            "The first step has not ended yet."
        } else {
            "This run kept no curve."
        };
        plot = plot.state(State::Empty(words.to_owned()));
    }
    let label = with_value("train", &train, fmt::loss);
    plot = plot.line(Line::new("train", t.series(0), train).dash(Dash::Dashed).label(label));
    if !validation.is_empty() {
        let label = with_value("validation", &validation, fmt::loss);
        plot = plot.line(Line::new("validation", t.series(0), validation).label(label));
    }
    for (other, colour) in others(state, run) {
        let line = series(curve(state, other), |point| point.validation_loss);
        plot = plot.line(Line::new(format!("run {}", other.id), t.series(colour), line));
    }
    if let Some(point) = best(points) {
        plot = plot.reference(Reference::vertical(f64::from(point.step), format!("best {}", point.step)));
    }
    plot.show(ui);
}

/// Runs that are shown beside the one in focus, with their colours.
fn others<'a>(state: &'a StudioState, run: &RunRecord) -> Vec<(&'a RunRecord, usize)> {
    let shown = state.shown_runs.iter().filter(|own| **own != run.id);
    shown.filter_map(|own| Some((state.project.runs.get(own)?, series_of(state, *own)?))).take(4).collect()
}

fn metric_ui(ui: &mut egui::Ui, state: &StudioState, (run, family): (&RunRecord, Family)) {
    let t = tokens(ui);
    let metric = words::chosen_metric(&state.project);
    let points = curve(state, run);
    let validation = series(points, |point| point.validation_metric);
    let way = match metric_info(metric).map(|info| info.direction) {
        Some(Direction::Lower) => "lower is better",
        _ => "higher is better",
    };
    let title = format!("{}, {way}", words::metric_label(metric));
    let mut plot =
        Plot::new(&title, Axis::new(unit(family)), Axis::new("")).note("validation rows").height(212.0);
    if validation.is_empty() {
        plot = plot.state(State::Empty("The metric of each step appears here.".to_owned()));
    }
    let label = with_value("validation", &validation, |value| words::metric(metric, value));
    plot = plot.line(Line::new("validation", t.series(0), validation).label(label));
    let reference = kept(state)
        .filter(|own| *own != run.id)
        .and_then(|own| state.project.models.values().find(|model| model.run == own))
        .and_then(|model| Some((model.run, model.metrics.get("validation")?.get(metric)?.value)));
    if let Some((own, value)) = reference {
        let label = format!("run {own} {}", words::metric(metric, value));
        plot = plot.reference(Reference::horizontal(value, label).colour(t.series(1)).solid());
    }
    plot.show(ui);
}
