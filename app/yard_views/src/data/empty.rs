//! Data without a table: import by dialog, by path or by dropping a file; what an import is doing, and
//! why the last one failed.

use yard_state::{
    actions::{Action, Pick},
    jobs::{Job, JobStage},
    state::StudioState,
};
use yard_ui::{Empty, Icon, PathField, fmt, show, space, text};

const SENTENCE: &str = "Columns, findings and rows of a table appear here. CSV, TSV, Parquet or NDJSON; the file stays where it is.";

/// Draws the place.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, path: &mut String) {
    let import = state.jobs.all().iter().rev().find(|job| job.label.starts_with("Import")).cloned();
    if let Some(job) = import.as_ref().filter(|job| matches!(job.stage, JobStage::Queued | JobStage::Running))
    {
        running(ui, job);
        return;
    }
    if let Some(Job { label, stage: JobStage::Failed(message), .. }) = &import {
        let advice = "Mend the file or choose another; nothing was imported.";
        show::failed(ui, &format!("{label} failed"), message, advice);
        ui.add_space(space::S16);
    }
    let answer = Empty::new(Icon::Table, SENTENCE)
        .action("Import data…", "Ctrl+Shift+O")
        .link("Open a sample on Start")
        .show(ui);
    if answer.action {
        state.ask(Action::Pick(Pick::Data));
    }
    if answer.link {
        state.place = yard_state::route::Place::Start;
    }
    ui.add_space(space::S16);
    typed_path(ui, state, path);
    ui.add_space(space::S8);
    text::note(ui, "You can also drop a file anywhere on this window.");
}

fn typed_path(ui: &mut egui::Ui, state: &mut StudioState, path: &mut String) {
    let typed = PathField::new("Path of a data file", path).hint("or type a path and press Enter").show(ui);
    if typed.browse {
        state.ask(Action::Pick(Pick::Data));
    }
    let entered = typed.field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if entered && !path.trim().is_empty() {
        state.ask(Action::ImportData(path.trim().into()));
    }
}

fn running(ui: &mut egui::Ui, job: &Job) {
    show::card(ui, |ui| {
        ui.spacing_mut().item_spacing.y = space::S8;
        text::strong(ui, job.label.as_str());
        let (words, done) = match &job.progress {
            None => ("waiting".to_owned(), None),
            Some(progress) => {
                let amount = match progress.total {
                    Some(total) => {
                        format!("{} of {} {}", fmt::count(progress.done), fmt::count(total), progress.unit)
                    }
                    None => format!("{} {}", fmt::count(progress.done), progress.unit),
                };
                let share = progress.total.filter(|total| *total > 0);
                (
                    format!("{} {amount}", progress.phase),
                    share.map(|total| progress.done as f64 / total as f64),
                )
            }
        };
        show::progress(ui, &job.label, done, &words);
        text::note(ui, "Stop with Ctrl+. or in the status bar; nothing half done stays.");
    });
}

/// Draws the inspector.
pub(super) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    text::note(ui, "Data");
    text::strong(ui, "Nothing imported");
    yard_ui::divider(ui, space::S12);
    text::paragraph(
        ui,
        "A repair of the file (encoding, ragged rows, renamed columns) is stated as a finding; no row or column is lost without a word.",
    );
    yard_ui::divider(ui, space::S12);
    crate::command_line::show(ui, state, "modelyard profile DATA.csv");
}
