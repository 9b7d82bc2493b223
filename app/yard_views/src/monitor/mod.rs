//! Monitor: alerts as sentences, requests, cost or quality and drift on one time axis, the drift table,
//! and the trigger that retrains.

mod actions;
mod charts;
mod drift;

use crate::{
    head::{self, Head},
    layout::{self, Side},
    words,
};
use yard_state::{
    actions::Action,
    command::UiCommand,
    next,
    route::{Place, Selection, Subject},
    state::StudioState,
};
use yard_types::monitor::{Alert, MonitorReport, Window};
use yard_ui::{Empty, Figure, Icon, Status, fmt, section, space, text};

/// What Monitor keeps between frames.
#[derive(Default)]
pub(crate) struct View {}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, _view: &mut View) {
    head_ui(ui, state);
    let deployed = state.project.deployment.is_some();
    let report = state.project.monitor.clone().filter(|report| !report.windows.is_empty());
    let Some(report) = report else {
        empty_ui(ui, state, deployed);
        if deployed {
            ui.add_space(space::S24);
            actions::show(ui, state);
        }
        return;
    };
    alerts_ui(ui, state, &report);
    yard_ui::divider(ui, space::S12);
    figures_ui(ui, state, &report);
    yard_ui::divider(ui, space::S12);
    let width = ui.available_width();
    layout::two(ui, width * 0.53, space::S24, |ui, side| match side {
        Side::Left => charts::show(ui, state, &report),
        Side::Right => {
            drift::show(ui, state, &report);
            ui.add_space(space::S24);
            actions::show(ui, state);
        }
    });
}

fn head_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let context = match (&state.project.deployment, &state.project.monitor) {
        (Some(status), Some(report)) => {
            let version = status
                .stable
                .as_ref()
                .map_or(String::new(), |own| format!(", version {} (champion)", own.version));
            let rows: u64 = report.windows.iter().map(|window| window.requests).sum();
            format!(
                "{}{version}, {}, {} rows",
                status.deployment,
                fmt::counted(report.windows.len() as u64, "window", "windows"),
                fmt::count(rows)
            )
        }
        (Some(status), None) => format!("{}, not read yet", status.deployment),
        (None, _) => "nothing is deployed".to_owned(),
    };
    let (primary, icon) = match next::primary(state) {
        UiCommand::Retrain => ("Retrain on fresh data", Icon::ArrowClockwise),
        _ => ("Read the server's windows", Icon::Pulse),
    };
    let others = match next::primary(state) {
        UiCommand::Retrain => vec![(UiCommand::RefreshMonitor, Icon::Pulse)],
        _ => Vec::new(),
    };
    head::show(ui, state, &Head { title: "Monitor", context, primary: primary.to_owned(), icon, others });
}

fn empty_ui(ui: &mut egui::Ui, state: &mut StudioState, deployed: bool) {
    let sentence = if deployed {
        "Requests, drift and live quality appear here by windows of 1 000 rows. Send traffic, then read the windows."
    } else {
        "Requests, drift and live quality of the endpoint appear here once a model is deployed."
    };
    let mut empty = Empty::new(Icon::Pulse, sentence);
    if deployed {
        empty = empty.action("Read the server's windows", "Ctrl+Enter");
    }
    let answer = empty.link("Go to Deploy").show(ui);
    if answer.action {
        state.ask(Action::Ui(UiCommand::RefreshMonitor));
    }
    if answer.link {
        state.place = Place::Deploy;
    }
}

fn alerts_ui(ui: &mut egui::Ui, state: &mut StudioState, report: &MonitorReport) {
    let open: Vec<Alert> = next::open_alerts(&state.project).into_iter().cloned().collect();
    let note = match (open.len(), open.iter().any(|alert| alert.retrain)) {
        (0, _) => "none open".to_owned(),
        (n, true) => format!("{n} open; the retrain trigger has fired"),
        (n, false) => format!("{n} open"),
    };
    let earlier = report.alerts.len() - open.len();
    let note = if earlier > 0 {
        format!("{note}; {earlier} of versions that served before, in the event log")
    } else {
        note
    };
    section(ui, "Alerts", &note);
    if open.is_empty() {
        yard_ui::status_line(
            ui,
            Status::Ok,
            "No drift, quality, error or latency alert for what serves now.",
        );
        return;
    }
    for alert in open.iter().take(6) {
        ui.horizontal(|ui| {
            ui.allocate_ui(egui::vec2(84.0, 20.0), |ui| {
                ui.set_width(84.0);
                yard_ui::status_word(ui, Status::Warn, &alert.kind);
            });
            let field = alert.field.as_deref().unwrap_or("");
            ui.allocate_ui(egui::vec2(120.0, 20.0), |ui| {
                ui.set_width(120.0);
                text::fitted(ui, field, yard_ui::Type::LabelStrong, yard_ui::tokens(ui).text);
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = format!("Explain {}", if field.is_empty() { &alert.kind } else { field });
                if text::link(ui, name).clicked() {
                    if !field.is_empty() {
                        state.selection = Selection::Drift(field.to_owned());
                    }
                    let (kind, field) = (alert.kind.clone(), alert.field.clone());
                    state.explain(Subject::Alert { kind, field, window: alert.window });
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    text::fitted(
                        ui,
                        alert.message.as_str(),
                        yard_ui::Type::Label,
                        yard_ui::tokens(ui).text_2,
                    );
                });
            });
        });
    }
    if open.len() > 6 {
        text::note(ui, format!("{} more in the event log", open.len() - 6));
    }
}

/// The newest window with rows.
fn newest(report: &MonitorReport) -> Option<&Window> {
    report.windows.iter().rev().find(|window| window.requests > 0)
}

fn figures_ui(ui: &mut egui::Ui, state: &StudioState, report: &MonitorReport) {
    let sum = |pick: fn(&Window) -> u64| report.windows.iter().map(pick).sum::<u64>();
    let (requests, errors, labels) = (sum(|own| own.requests), sum(|own| own.errors), sum(|own| own.labels));
    let share = |part: u64| if requests == 0 { f64::NAN } else { part as f64 / requests as f64 };
    let mut list = vec![Figure::new("Rows scored", fmt::count(requests)).line(fmt::counted(
        report.windows.len() as u64,
        "window",
        "windows",
    ))];
    if let Some(window) = newest(report) {
        let budget = state.project.frame.as_ref().and_then(|frame| frame.latency_budget_ms);
        let line =
            budget.map_or(String::new(), |budget| format!("budget {} ms", fmt::significant(budget, 3)));
        list.push(Figure::new("Latency p50", fmt::fixed(window.p50_ms, 2)).unit("ms").line("newest window"));
        list.push(Figure::new("Latency p99", fmt::fixed(window.p99_ms, 2)).unit("ms").line(line));
    }
    list.push(Figure::new("Errors", fmt::count(errors)).line(fmt::percent_with(share(errors), 3)));
    list.push(Figure::new("Labels arrived", fmt::percent(share(labels))).line(format!(
        "{} of {}",
        fmt::count(labels),
        fmt::count(requests)
    )));
    let metric = words::chosen_metric(&state.project);
    let quality = report.windows.iter().rev().find_map(|window| window.quality.get(metric));
    if let Some(value) = quality {
        let label = format!("{}, live", words::metric_label(metric));
        list.push(
            Figure::new(&label, words::metric(metric, value.value))
                .better(words::better(metric))
                .line(words::interval(metric, value)),
        );
        yard_ui::figures(ui, list);
        return;
    }
    yard_ui::figures(ui, list);
}

/// Draws the inspector: the selected field's drift, the trigger, the command.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    drift::inspector(ui, state);
    yard_ui::inspector_section(ui, "Trigger", |ui| {
        // Windows of a version that no longer serves fire nothing.
        let fired = next::open_alerts(&state.project).iter().any(|alert| alert.retrain);
        yard_ui::key_text(ui, "Fires on", "quality drop beyond its interval");
        yard_ui::key_text(ui, "or drift in", "20 % of the importance");
        yard_ui::key_text(ui, "State", if fired { "fired" } else { "quiet" });
        if let Some(outcome) = &state.project.last_retrain {
            text::paragraph(ui, outcome.as_str());
        }
    });
    yard_ui::divider(ui, space::S12);
    let line = crate::command_line::retrain(state);
    crate::command_line::show(ui, state, &line);
}
