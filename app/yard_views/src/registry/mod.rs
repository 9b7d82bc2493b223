//! Registry: versions with their stages, how each came to be, what differs between two, and the
//! project as it was at any event.

mod diff;
mod events;
mod lineage;

pub(crate) use events::event_words;

use crate::{
    head::{self, Head},
    words,
};
use yard_state::{
    command::UiCommand,
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::{package::PackageRecord, project::ProjectState};
use yard_ui::{Cell, Chip, Column, Empty, Icon, Status, Table, fmt, section, space, text};

/// What Registry keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    /// Event that the time slider stands on; `None` = now.
    at: Option<u64>,
    all_rows: usize,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let project = &state.project;
    let context = format!(
        "{}, {}, {}; all entries are kept, with their hashes",
        fmt::counted(project.packages.len() as u64, "version", "versions"),
        fmt::counted(project.runs.len() as u64, "run", "runs"),
        fmt::counted(project.datasets.len() as u64, "data set", "data sets"),
    );
    let primary = state
        .chosen_model()
        .map_or("Check the gates".to_owned(), |model| format!("Check gates of run {}", model.run));
    let others = vec![(UiCommand::DeployCanary, Icon::RocketLaunch)];
    head::show(ui, state, &Head { title: "Registry", context, primary, icon: Icon::ShieldCheck, others });
    if state.project.seq == 0 {
        empty_ui(ui, state);
        return;
    }
    let shown = events::project_at(state, view.at);
    let project = shown.as_ref().unwrap_or(&state.project);
    let mut chosen = None;
    versions_ui(ui, state, project, &mut chosen);
    ui.add_space(space::S24);
    lineage::show(ui, state, project, &mut chosen);
    diff::show(ui, state, project, view);
    ui.add_space(space::S24);
    events::show(ui, state, view, &mut chosen);
    if let Some(selection) = chosen {
        state.selection = selection;
    }
}

fn empty_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let answer = Empty::new(
        Icon::GitBranch,
        "Versions, their lineage and the log of everything that happened appear here.",
    )
    .link("Go to Start")
    .show(ui);
    if answer.link {
        state.place = Place::Start;
    }
}

/// Stage of a package's version in words, with its status.
pub(crate) fn stage(project: &ProjectState, package: &PackageRecord) -> (Status, &'static str) {
    let deployment = project.deployment.as_ref().filter(|status| status.state == "running");
    let is = |served: &yard_types::deploy::ServedVersion| served.sha256 == package.sha256;
    match deployment {
        Some(status) if status.stable.as_ref().is_some_and(is) => (Status::Ok, "champion"),
        Some(status) if status.canary.as_ref().is_some_and(|canary| is(&canary.served)) => {
            let shadow = status.canary.as_ref().is_some_and(|canary| canary.shadow);
            (Status::Running, if shadow { "shadow" } else { "canary" })
        }
        _ => (Status::Done, "archived"),
    }
}

fn versions_ui(
    ui: &mut egui::Ui,
    state: &StudioState,
    project: &ProjectState,
    chosen: &mut Option<Selection>,
) {
    section(ui, "Versions", "packages that were built; figures on the test split");
    if project.packages.is_empty() {
        text::paragraph(ui, "No package yet: Package builds the first version from a trained model.");
        return;
    }
    let metric = words::chosen_metric(project).to_owned();
    let label = words::metric_label(&metric).to_owned();
    let columns = [
        Column::new("Version", 72.0),
        Column::new("Stage", 100.0),
        Column::new("Cost / 1 000", 84.0).right(),
        Column::new(label.as_str(), 100.0).right().better(words::better(&metric)),
        Column::new("95 % interval", 116.0).right(),
        Column::new("From", 64.0),
        Column::new("Family", 76.0),
        Column::new("KiB", 64.0).right(),
        Column::rest("SHA-256", 80.0),
    ];
    let rows: Vec<&PackageRecord> = project.packages.iter().rev().collect();
    let selected = match &state.selection {
        Selection::Package(version) => rows.iter().position(|package| package.version == *version),
        _ => None,
    };
    let response = Table::new("Versions", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len().min(6)))
        .selected(selected)
        .show(ui, |row, column| version_cell(project, rows[row], (column, metric.as_str())));
    if let Some(package) = response.selected.and_then(|row| rows.get(row)) {
        *chosen = Some(Selection::Package(package.version));
    }
}

fn version_cell<'a>(
    project: &ProjectState,
    package: &PackageRecord,
    (column, metric): (usize, &str),
) -> Cell<'a> {
    let model = project.models.get(&package.model);
    let evaluation = project.evaluation(package.model, "test");
    let value = evaluation.and_then(|own| own.metrics.get(metric));
    match column {
        0 => Cell::strong(package.version.to_string()),
        1 => {
            let (status, word) = stage(project, package);
            Cell::status(status, word)
        }
        2 => Cell::number_opt(
            evaluation
                .and_then(|own| own.expected_cost.as_ref())
                .map(|cost| fmt::fixed(cost.model.value * 1000.0, 0)),
        ),
        3 => Cell::number_opt(value.map(|value| words::metric(metric, value.value))),
        4 => value.map_or_else(Cell::missing, |value| Cell::number(words::interval(metric, value))),
        5 => model.map_or_else(Cell::missing, |model| Cell::text(words::run_words(model.run))),
        6 => model.map_or_else(Cell::missing, |model| Cell::text(model.family.word())),
        7 => Cell::number(fmt::fixed(package.bytes as f64 / 1024.0, 1)),
        _ => Cell::number(package.sha256.short()),
    }
}

/// Draws the inspector: identity, gates and command of the selected version.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    if let Selection::Event(seq) = state.selection {
        events::inspector(ui, state, seq);
        return;
    }
    let project = state.project.clone();
    let package = match &state.selection {
        Selection::Package(version) => project.packages.iter().find(|package| package.version == *version),
        _ => project.packages.last(),
    };
    let Some(package) = package else {
        text::note(ui, "Version");
        text::strong(ui, "None yet");
        yard_ui::divider(ui, space::S12);
        text::paragraph(ui, "Select a version, a node of the lineage or an event.");
        return;
    };
    let (status, word) = stage(&project, package);
    let title = format!("{} {}", package.name, package.version);
    yard_ui::inspector_head(ui, "Package version", &title, |ui| Chip::new(status, word).show(ui));
    yard_ui::inspector_section(ui, "Identity", |ui| identity_ui(ui, &project, package));
    if let Some(gate) = gates_ui(ui, &project, package) {
        state.explain(yard_state::route::Subject::Gate(gate));
    }
    let model = project.models.get(&package.model);
    yard_ui::divider(ui, space::S12);
    let file = crate::command_line::project_file(state);
    let line =
        format!("modelyard reproduce {file} \\\n  --model {}", model.map_or(package.model, |model| model.id));
    crate::command_line::show(ui, state, &line);
}

fn identity_ui(ui: &mut egui::Ui, project: &ProjectState, package: &PackageRecord) {
    let model = project.models.get(&package.model);
    if let Some(model) = model {
        yard_ui::key_value(ui, "Model SHA-256", &model.model_sha256.to_hex()[..16]);
        if let Some(dataset) = project.datasets.get(&model.dataset) {
            yard_ui::key_value(ui, "Data SHA-256", &dataset.fingerprint.sha256.to_hex()[..16]);
        }
        if let Some(run) = project.runs.get(&model.run) {
            yard_ui::key_value(ui, "Seed", &run.spec.seed.to_string());
        }
        yard_ui::key_text(ui, "Trained on", &model.device);
    }
    yard_ui::key_value(ui, "Package SHA-256", &package.sha256.to_hex()[..16]);
    let signed = package
        .signed_by
        .as_deref()
        .map_or("unsigned".to_owned(), |key| format!("key {}", fmt::hash(key, 8)));
    yard_ui::key_text(ui, "Signed by", &signed);
}

/// Draws the gates of a version; returns the one to explain.
fn gates_ui(ui: &mut egui::Ui, project: &ProjectState, package: &PackageRecord) -> Option<String> {
    let mut asked = None;
    let report = project.gates.iter().rev().find(|report| report.model == package.model);
    yard_ui::inspector_section(ui, "Gates", |ui| {
        let Some(report) = report else {
            text::paragraph(ui, "Not checked yet for this version.");
            return;
        };
        for gate in &report.gates {
            let status = if gate.ok {
                Status::Ok
            } else if gate.required {
                Status::Error
            } else {
                Status::Warn
            };
            ui.horizontal(|ui| {
                yard_ui::status_word(ui, status, &gate.name);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let link = text::link_of(ui, "Explain", yard_ui::Type::Caption);
                    let name = format!("Explain gate {}", gate.name);
                    link.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Link, true, name.as_str()));
                    if link.clicked() {
                        asked = Some(gate.name.clone());
                    }
                });
            });
            text::note(ui, gate.detail.as_str());
        }
    });
    asked
}
