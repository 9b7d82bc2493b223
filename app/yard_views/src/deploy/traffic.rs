//! Champion and challenger side by side, and how the requests are divided.

use yard_state::{actions::Action, command::UiCommand, state::StudioState};
use yard_types::deploy::VersionStats;
use yard_ui::{Button, Cell, Column, Icon, Table, TextField, fmt, marks, section, text, tokens};

/// Draws the live figures of each version.
pub(super) fn versions_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let refresh =
        yard_ui::section_with(ui, "Champion and canary", "since the server started the version", |ui| {
            let can = UiCommand::RefreshStatus.enabled(state);
            Button::quiet("Refresh")
                .icon(Icon::ArrowClockwise)
                .enabled_if(can, "Nothing is deployed")
                .show(ui)
                .clicked()
        });
    if refresh {
        state.ask(Action::Ui(UiCommand::RefreshStatus));
    }
    let Some(status) = &state.project.deployment else {
        text::paragraph(
            ui,
            "Requests, errors, latency and scores of each version appear here once it serves.",
        );
        return;
    };
    let stable = status.stable.as_ref().map(|own| own.version);
    let canary = status.canary.as_ref().map(|own| own.served.version);
    let stats = |version: Option<u64>| status.stats.iter().find(|own| Some(own.version) == version);
    let (first, second) = (stats(stable), stats(canary));
    let names = [heading("champion", stable), heading("canary", canary)];
    let mut columns = vec![Column::rest("Figure", 130.0), Column::new(names[0].as_str(), 110.0).right()];
    if canary.is_some() {
        columns.push(Column::new(names[1].as_str(), 110.0).right());
    }
    Table::new("Champion and canary", &columns)
        .rows(ROWS.len())
        .height(crate::start::table_height(ROWS.len()))
        .show(ui, |row, column| match column {
            0 => Cell::text(ROWS[row].0),
            1 => Cell::number_opt(first.and_then(ROWS[row].1)),
            _ => Cell::number_opt(second.and_then(ROWS[row].1)),
        });
}

fn heading(word: &str, version: Option<u64>) -> String {
    version.map_or_else(|| word.to_owned(), |version| format!("{word} {version}"))
}

type Read = fn(&VersionStats) -> Option<String>;

/// Rows of the comparison; a figure without requests is missing, not 0.
const ROWS: &[(&str, Read)] = &[
    ("Requests", |own| Some(fmt::count(own.requests))),
    ("Errors", |own| Some(fmt::count(own.errors))),
    ("Latency p50, ms ↓", |own| (own.requests > 0).then(|| fmt::fixed(own.p50_ms, 2))),
    ("Latency p95, ms ↓", |own| (own.requests > 0).then(|| fmt::fixed(own.p95_ms, 2))),
    ("Latency p99, ms ↓", |own| (own.requests > 0).then(|| fmt::fixed(own.p99_ms, 2))),
    ("Mean score", |own| own.mean_score.map(fmt::metric)),
];

/// Draws the traffic bar and the settings of the next canary.
pub(super) fn traffic_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    section(ui, "Traffic", "");
    let t = tokens(ui);
    if let Some(status) = state.project.deployment.as_ref().filter(|status| status.stable.is_some()) {
        let canary = status.canary.as_ref().filter(|own| !own.shadow);
        let percent = canary.map_or(0.0, |own| own.percent);
        let stable = status.stable.as_ref().map_or(0, |own| own.version);
        let mut parts = vec![(1.0 - percent / 100.0, t.series(0), "champion")];
        if percent > 0.0 {
            parts.push((percent / 100.0, t.series(1), "canary"));
        }
        marks::share_bar(ui, "Traffic", &parts);
        ui.horizontal(|ui| {
            yard_ui::legend(
                ui,
                t.series(0),
                &format!("champion {stable}, {} %", fmt::fixed(100.0 - percent, 0)),
            );
            if let Some(own) = &status.canary {
                let kind = if own.shadow { "shadow" } else { "canary" };
                let share = if own.shadow {
                    "scores all, answers none".to_owned()
                } else {
                    format!("{} %", fmt::fixed(own.percent, 0))
                };
                yard_ui::legend(ui, t.series(1), &format!("{kind} {}, {share}", own.served.version));
            }
        });
    } else {
        text::paragraph(
            ui,
            "One version answers all requests once it is deployed; a second one can take a share of them.",
        );
    }
    let mut percent = state.drafts.deploy.percent.clone();
    let response = yard_ui::Form::new(120.0).row(ui, "Share of a canary", |ui| {
        TextField::new("Share of a canary", &mut percent).unit("%").width(88.0).show(ui)
    });
    let response = crate::reasons::on(response, "Share of a canary");
    if response.changed() {
        state.before_edit("canary share");
        state.drafts.deploy.percent = percent;
    }
    let shadow =
        yard_ui::checkbox(ui, &mut state.drafts.deploy.shadow, "Shadow: score every request, answer none");
    crate::reasons::on(shadow, "Shadow");
    let can = UiCommand::DeployCanary.enabled(state);
    let why = crate::head::why_not(state, UiCommand::DeployCanary);
    let word = if state.drafts.deploy.shadow { "Deploy as shadow" } else { "Set the share" };
    if state.project.deployment.as_ref().is_some_and(|status| status.canary.is_some())
        && Button::secondary(word).enabled_if(can, why).show(ui).clicked()
    {
        state.ask(Action::Ui(UiCommand::DeployCanary));
    }
}
