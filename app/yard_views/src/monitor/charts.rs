//! Requests, quality and drift over the windows, with one crosshair.

use crate::words;
use yard_state::state::StudioState;
use yard_types::monitor::{MonitorReport, Window};
use yard_ui::{
    Axis, Line, Plot,
    plot::{Dash, Reference, State},
    space, tokens,
};

/// Windows smaller than this are not tested for drift.
const TESTED_ROWS: f64 = 500.0;

/// Draws the three plots.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, report: &MonitorReport) {
    requests_ui(ui, report);
    ui.add_space(space::S16);
    quality_ui(ui, state, report);
    ui.add_space(space::S16);
    drift_ui(ui, report);
}

fn window_axis<'a>(report: &MonitorReport) -> Axis<'a> {
    let last = report.windows.len().max(2);
    // Windows are counted: a tick stands on a whole number, at most about eight of them.
    let step = last.div_ceil(8);
    let ticks = (1..=last).step_by(step).map(|at| (at as f64, at.to_string())).collect();
    Axis::new("window").range(0.5, last as f64 + 0.5).ticks(ticks)
}

fn series(report: &MonitorReport, pick: impl Fn(&Window) -> Option<f64>) -> Vec<[f64; 2]> {
    report
        .windows
        .iter()
        .enumerate()
        .map(|(at, window)| [at as f64 + 1.0, pick(window).unwrap_or(f64::NAN)])
        .collect()
}

fn requests_ui(ui: &mut egui::Ui, report: &MonitorReport) {
    let t = tokens(ui);
    let heights: Vec<[f64; 2]> = series(report, |window| Some(window.requests as f64));
    let small: Vec<bool> =
        report.windows.iter().map(|window| (window.requests as f64) < TESTED_ROWS).collect();
    let bars = yard_ui::plot::Bars::at("rows", t.series(0), 0.7, &heights).muted(small);
    Plot::new("Rows per window", window_axis(report), Axis::new("rows").zero_based())
        .note("grey: below 500 rows, not tested for drift")
        .height(152.0)
        .group("monitor")
        .bars(bars)
        .reference(Reference::horizontal(TESTED_ROWS, "500, tested"))
        .names(yard_ui::plot::Names::Hidden)
        .show(ui);
}

fn quality_ui(ui: &mut egui::Ui, state: &StudioState, report: &MonitorReport) {
    let t = tokens(ui);
    let project = &state.project;
    let with_cost = report.windows.iter().any(|window| window.cost.is_some());
    let metric = words::chosen_metric(project);
    let champion = project.champion().and_then(|model| project.evaluation(model, "test"));
    let (title, line, reference) = if with_cost {
        let line =
            Line::new("live", t.series(0), series(report, |window| window.cost.map(|cost| cost * 1000.0)));
        let test = champion.and_then(|own| own.expected_cost.as_ref()).map(|cost| cost.model.value * 1000.0);
        ("Cost per 1 000 decisions, lower is better".to_owned(), line, test)
    } else {
        let value = |window: &Window| window.quality.get(metric).map(|value| value.value);
        let band = report
            .windows
            .iter()
            .enumerate()
            .filter_map(|(at, window)| {
                let value = window.quality.get(metric)?;
                Some([at as f64 + 1.0, value.low?, value.high?])
            })
            .collect();
        let line = Line::new("live", t.series(0), series(report, value)).band(band);
        let title = format!("{}, {}", words::metric_label(metric), words::better(metric).words());
        (title, line, champion.map(|own| own.metric(metric)))
    };
    let labels: u64 = report.windows.iter().map(|window| window.labels).sum();
    let note = format!("windows with labels; {} labels joined by request id", yard_ui::fmt::count(labels));
    let mut plot = Plot::new(&title, window_axis(report), Axis::new(""))
        .note(&note)
        .height(168.0)
        .group("monitor")
        .line(line);
    if let Some(value) = reference.filter(|value| value.is_finite()) {
        plot = plot.reference(Reference::horizontal(value, "test"));
    }
    if labels == 0 {
        plot = plot.state(State::Empty(
            "No labels yet. Send them with request_id and the label, below at the right.".to_owned(),
        ));
    }
    plot.show(ui);
}

/// PSI of the fields that drift most; at most three, so that each has its label.
fn drift_ui(ui: &mut egui::Ui, report: &MonitorReport) {
    let t = tokens(ui);
    let mut peaks: Vec<(String, f64)> = Vec::new();
    for figure in report.windows.iter().flat_map(|window| &window.drift).filter(|own| own.method == "psi") {
        match peaks.iter_mut().find(|(field, _)| *field == figure.field) {
            Some((_, peak)) => *peak = peak.max(figure.value),
            None => peaks.push((figure.field.clone(), figure.value)),
        }
    }
    peaks.sort_by(|a, b| b.1.total_cmp(&a.1));
    let threshold = report
        .windows
        .iter()
        .flat_map(|window| &window.drift)
        .filter(|own| own.method == "psi")
        .map(|own| own.threshold)
        .fold(f64::NAN, f64::min);
    let dashes = [Dash::Solid, Dash::Dashed, Dash::Dotted];
    let lines = peaks.iter().take(3).enumerate().map(|(at, (field, _))| {
        let value = |window: &Window| {
            window.drift.iter().find(|own| own.field == *field && own.method == "psi").map(|own| own.value)
        };
        Line::new(field.as_str(), t.series(at), series(report, value)).dash(dashes[at])
    });
    let mut plot =
        Plot::new("PSI against the training sample", window_axis(report), Axis::new("PSI").zero_based())
            .note("three fields that moved most; alert after two windows in a row")
            .height(176.0)
            .group("monitor")
            .lines(lines);
    if threshold.is_finite() {
        plot = plot.reference(Reference::horizontal(
            threshold,
            format!("threshold {}", yard_ui::fmt::metric(threshold)),
        ));
    }
    if peaks.is_empty() {
        plot = plot.state(State::Empty("No window with enough rows yet.".to_owned()));
    }
    plot.show(ui);
}
