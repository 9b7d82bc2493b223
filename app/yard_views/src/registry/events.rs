//! The event log: a slider over time that shows the project as it was, and the events as a table.

use super::View;
use crate::words;
use yard_state::{route::Selection, state::StudioState};
use yard_types::{event::Event, project::ProjectState};
use yard_ui::{Button, Cell, Column, Status, Table, fmt, section_with, text, timeline::Moment};

/// An event as a short sentence, for activity lists and the log.
pub(crate) fn event_words(event: &Event) -> String {
    match event {
        Event::ProjectCreated { name } => format!("project {name} made"),
        Event::FrameSet { frame } => format!("frame set, target {}", frame.target),
        Event::DatasetImported { dataset } => format!("{} imported", dataset.name),
        Event::SchemaSet { .. } => "roles or types changed".to_owned(),
        Event::SplitSet { counts, .. } => format!(
            "split {} / {} / {}",
            fmt::count(counts.train),
            fmt::count(counts.validation),
            fmt::count(counts.test)
        ),
        Event::RecipeSet { .. } => "recipe changed".to_owned(),
        Event::RunStarted { run, spec, .. } => format!("run {run} started, {}", spec.family.word()),
        Event::TrialFinished { run, index, trial, .. } => {
            format!("trial {} of run {run}, {}", index + 1, trial.family.word())
        }
        Event::RunFinished { run, model, .. } => format!("run {run} finished, {}", model.family.word()),
        Event::RunFailed { run, .. } => format!("run {run} failed"),
        Event::RunCancelled { run } => format!("run {run} stopped"),
        Event::RunStopped { run, checkpoint: Some(_), .. } => format!("checkpoint of run {run} kept"),
        Event::RunStopped { run, .. } => format!("no checkpoint of run {run}"),
        Event::RunResumed { run } => format!("run {run} goes on"),
        Event::ModelEvaluated { evaluation } => {
            format!("model {} evaluated, {}", evaluation.model, evaluation.split)
        }
        Event::ThresholdSet { model, .. } => format!("threshold of model {model} set"),
        Event::PackageBuilt { package } => format!("version {} built", package.version),
        other => serving_words(other),
    }
}

fn serving_words(event: &Event) -> String {
    match event {
        Event::DeploymentChanged { action, status, .. } => {
            let version = status
                .stable
                .as_ref()
                .map_or(String::new(), |served| format!(", version {}", served.version));
            format!("{action}{version}")
        }
        Event::GateChecked { report } => {
            let passed = report.gates.iter().filter(|gate| gate.ok).count();
            format!("{passed} of {} gates passed", report.gates.len())
        }
        Event::MonitorUpdated { report } => match report.alerts.len() {
            0 => "monitoring read, no alert".to_owned(),
            n => fmt::counted(n as u64, "alert", "alerts"),
        },
        Event::FeedbackSent { accepted, .. } => {
            format!("{} joined", fmt::counted(*accepted, "label", "labels"))
        }
        Event::RetrainStarted { .. } => "retrain started".to_owned(),
        Event::RetrainFinished { passed, .. } => {
            if *passed {
                "retrain passed its gates".to_owned()
            } else {
                "retrain failed its gates".to_owned()
            }
        }
        Event::TargetAdded { name, .. } => format!("target {name} added"),
        other => format!("{other:?}").chars().take(24).collect(),
    }
}

fn status_of(event: &Event) -> Status {
    match event {
        Event::RunFailed { .. } => Status::Error,
        Event::MonitorUpdated { report } if !report.alerts.is_empty() => Status::Warn,
        Event::RetrainFinished { passed: false, .. } => Status::Warn,
        Event::GateChecked { report } if !report.ok => Status::Warn,
        _ => Status::Done,
    }
}

/// The project as it was after an event; `None` when the slider stands on now.
pub(super) fn project_at(state: &StudioState, at: Option<u64>) -> Option<ProjectState> {
    let at = at.filter(|at| *at < state.project.seq)?;
    Some(ProjectState::from_events(state.events.iter().take_while(|record| record.seq <= at)))
}

/// Draws slider and table.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, view: &mut View, chosen: &mut Option<Selection>) {
    let last = state.project.seq;
    let first = state.events.first().map_or(1, |record| record.seq);
    let mut now = view.at.unwrap_or(last) as f64;
    let note = match view.at {
        Some(at) => format!("the project as it was after event {}", fmt::count(at)),
        None => "drag to see the project as it was".to_owned(),
    };
    let back = section_with(ui, "Time", &note, |ui| {
        view.at.is_some() && Button::quiet("Back to now").show(ui).clicked()
    });
    let moments = moments(state);
    yard_ui::timeline::timeline(ui, "Event", &mut now, (first as f64, last as f64), &moments);
    view.at = (!back && (now.round() as u64) < last).then(|| now.round() as u64);
    log_ui(ui, state, chosen);
}

/// Moments worth a dot; only a few are named, so that words don't touch.
fn moments(state: &StudioState) -> Vec<Moment> {
    let last = state.project.seq;
    let mut named = 0_u64;
    state
        .events
        .iter()
        .filter(|record| {
            matches!(
                record.body,
                Event::DatasetImported { .. }
                    | Event::PackageBuilt { .. }
                    | Event::DeploymentChanged { .. }
                    | Event::MonitorUpdated { .. }
                    | Event::RetrainFinished { .. }
            )
        })
        .map(|record| {
            let room = named == 0 || (record.seq - named) * 5 > last.max(5);
            let label = if room && (last - record.seq) * 8 > last {
                named = record.seq;
                event_words(&record.body)
            } else {
                String::new()
            };
            Moment { at: record.seq as f64, label, status: status_of(&record.body) }
        })
        .collect()
}

fn log_ui(ui: &mut egui::Ui, state: &StudioState, chosen: &mut Option<Selection>) {
    let columns = [
        Column::new("Event", 64.0).right(),
        Column::new("Time, UTC", 132.0),
        Column::rest("What happened", 200.0),
        Column::new("By", 96.0),
        Column::new("Hash", 84.0),
    ];
    let count = state.events.len();
    let selected = match state.selection {
        Selection::Event(seq) => state.events.iter().rev().position(|record| record.seq == seq),
        _ => None,
    };
    let response = Table::new("Event log", &columns)
        .rows(count)
        .height(crate::start::table_height(count.clamp(1, 8)))
        .selected(selected)
        .show(ui, |row, column| {
            let record = &state.events[count - 1 - row];
            match column {
                0 => Cell::number(fmt::count(record.seq)),
                1 => Cell::muted(words::date_time(&record.at)),
                2 => Cell::text(event_words(&record.body)),
                3 => Cell::muted(record.actor.clone()),
                _ => Cell::number(record.hash.short()),
            }
        });
    if let Some(row) = response.selected.filter(|row| *row < count) {
        *chosen = Some(Selection::Event(state.events[count - 1 - row].seq));
    }
}

/// The inspector of an event: its place in the chain and its content.
pub(super) fn inspector(ui: &mut egui::Ui, state: &mut StudioState, seq: u64) {
    let Some(record) = state.events.iter().find(|record| record.seq == seq).cloned() else { return };
    let title = format!("Event {}", fmt::count(seq));
    yard_ui::inspector_head(ui, &event_words(&record.body), &title, |_| ());
    yard_ui::inspector_section(ui, "Chain", |ui| {
        yard_ui::key_value(ui, "Hash", &record.hash.to_hex()[..16]);
        yard_ui::key_value(ui, "Before", &record.prev_hash.to_hex()[..16]);
        yard_ui::key_text(ui, "By", &record.actor);
        yard_ui::key_text(ui, "Time, UTC", &words::date_time(&record.at));
    });
    yard_ui::inspector_section(ui, "Content", |ui| {
        let text = serde_json::to_string_pretty(&record.body).unwrap_or_default();
        let short: String = text.lines().take(24).collect::<Vec<_>>().join("\n");
        let more = text.lines().count().saturating_sub(24);
        yard_ui::show::code(ui, "Event as JSON", &short);
        if more > 0 {
            text::note(ui, format!("{more} more lines: modelyard log --json"));
        }
    });
    let line = format!("modelyard log {}", crate::command_line::project_file(state));
    crate::command_line::show(ui, state, &line);
}
