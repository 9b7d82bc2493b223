//! The chosen metric run by run with its intervals: shown beside the loss when the learner reports no
//! metric on the way.

use super::{curves::HEIGHT, kept_model};
use crate::words;
use yard_state::state::StudioState;
use yard_types::{metric::MetricValue, project::RunRecord, run::ModelRecord};
use yard_ui::{
    Axis, Plot, fmt,
    plot::{Names, Points, Reference},
    tokens,
};

/// Whether there are two figures to compare.
pub(super) fn enough(state: &StudioState) -> bool {
    figures(state).len() > 1
}

fn figures(state: &StudioState) -> Vec<(&ModelRecord, MetricValue)> {
    let metric = words::chosen_metric(&state.project);
    let dataset = state.project.dataset().map(|dataset| dataset.id);
    let models = state.project.models.values().filter(|model| Some(model.dataset) == dataset);
    let mut figures: Vec<(&ModelRecord, MetricValue)> =
        models.filter_map(|model| Some((model, *model.metrics.get("validation")?.get(metric)?))).collect();
    figures.sort_by_key(|(model, _)| model.run);
    figures
}

/// Draws the plot with the run in focus in its colour.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, run: &RunRecord) {
    let t = tokens(ui);
    let metric = words::chosen_metric(&state.project);
    let figures = figures(state);
    let values: Vec<MetricValue> = figures.iter().map(|(_, value)| *value).collect();
    let Some((range, left_out)) = super::fair_range(&values, metric) else { return };
    let way = words::better(metric).words();
    let title = format!("{} by run, {way}", words::metric_label(metric));
    let note = note(state, run, left_out);
    let pad = (range.1 - range.0) * 0.1;
    let y = Axis::new("").about(5).range(range.0 - pad, range.1 + pad);
    let mut plot = Plot::new(&title, runs_axis(&figures), y).note(&note).height(HEIGHT).names(Names::Hidden);
    let inside = |value: &MetricValue| value.value >= range.0 && value.value <= range.1;
    for (name, colour, focus) in [("other runs", t.neutral_mark, false), ("run in focus", t.series(0), true)]
    {
        let own = || figures.iter().filter(|(model, value)| (model.run == run.id) == focus && inside(value));
        let ends =
            |value: &MetricValue| (value.low.unwrap_or(value.value), value.high.unwrap_or(value.value));
        let points = own().map(|(model, value)| [model.run.0 as f64, value.value]).collect();
        let intervals = own().map(|(_, value)| ends(value)).collect();
        plot = plot.points(Points::new(name, colour, points).intervals(intervals));
    }
    let kept = kept_model(state).filter(|model| model.run != run.id);
    let kept = kept.and_then(|kept| figures.iter().find(|(model, _)| model.id == kept.id));
    if let Some((model, value)) = kept {
        let words = format!("run {} {}", model.run, words::metric(metric, value.value));
        plot = plot.reference(Reference::horizontal(value.value, words).colour(t.series(1)).solid());
    }
    plot.show(ui);
}

fn note(state: &StudioState, run: &RunRecord, left_out: usize) -> String {
    let behind = match left_out {
        0 => String::new(),
        count => format!("; {count} off scale"),
    };
    let split = state.project.splits.get(&run.dataset).map(|split| split.counts.validation);
    let n = split.map_or_else(String::new, |n| format!("validation n = {}, ", fmt::count(n)));
    format!("{n}95 % intervals{behind}")
}

fn runs_axis(figures: &[(&ModelRecord, MetricValue)]) -> Axis<'static> {
    let axis = Axis::new("run").ticks(ticks(figures.iter().map(|(model, _)| model.run.0)));
    match (figures.first(), figures.last()) {
        (Some((first, _)), Some((last, _))) => axis.range(first.run.0 as f64 - 0.5, last.run.0 as f64 + 0.5),
        _ => axis,
    }
}

/// At most eight run numbers, the last among them.
fn ticks(runs: impl Iterator<Item = u64>) -> Vec<(f64, String)> {
    let runs: Vec<u64> = runs.collect();
    let skip = runs.len().div_ceil(8).max(1);
    let kept = runs.iter().rev().step_by(skip);
    let mut ticks: Vec<(f64, String)> = kept.map(|run| (*run as f64, run.to_string())).collect();
    ticks.reverse();
    ticks
}
