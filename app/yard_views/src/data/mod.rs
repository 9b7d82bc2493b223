//! Data: what the table holds, what is wrong with it, what each column is for, how its rows are divided,
//! and the rows themselves.

mod act;
mod bins;
mod column;
mod columns;
mod command;
mod empty;
mod findings;
mod rows;
mod split;
mod words;

use crate::head::{self, Head};
use yard_state::{
    command::UiCommand,
    next,
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::event::DatasetRecord;
use yard_ui::{Icon, fmt, space};

/// What Data keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    path: String,
    all_findings: bool,
    columns: columns::Table,
    rows: rows::Rows,
    /// Column and range brushed in its histogram.
    brush: Option<(String, (f64, f64))>,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    head_ui(ui, state);
    let Some(dataset) = state.project.dataset() else {
        empty::show(ui, state, &mut view.path);
        return;
    };
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut acts = findings::show(ui, state, dataset, &mut view.all_findings);
    ui.add_space(space::S12);
    acts.extend(split::line(ui, state, dataset));
    ui.add_space(space::S8);
    acts.extend(columns::show(ui, state, dataset, &mut view.columns));
    ui.add_space(space::S12);
    acts.extend(rows::show(ui, state, dataset, (&mut view.rows, &mut view.brush)));
    act::carry_out(state, acts);
}

/// The line that makes this project, or profiles its data while there is no target.
pub(crate) fn new_project_line(state: &StudioState) -> String {
    command::new_project(state)
}

fn head_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let (primary, icon) = match next::primary(state) {
        UiCommand::Go(Place::Frame) => ("Choose the target", Icon::Target),
        UiCommand::Go(_) => ("Choose the learner", Icon::ArrowRight),
        _ => ("Import data…", Icon::DownloadSimple),
    };
    let others = match state.project.dataset() {
        Some(_) => vec![(UiCommand::ImportData, Icon::DownloadSimple)],
        None => Vec::new(),
    };
    let context = state.project.dataset().map_or_else(|| "no data yet".to_owned(), context);
    head::show(ui, state, &Head { title: "Data", context, primary: primary.to_owned(), icon, others });
}

/// File, size and identity of a dataset in one line.
fn context(dataset: &DatasetRecord) -> String {
    format!(
        "{}, {} rows, {} columns, {}, sha256 {}, version @{}",
        dataset.name,
        fmt::count(dataset.profile.rows),
        fmt::count(dataset.schema.fields.len() as u64),
        fmt::bytes(dataset.fingerprint.bytes),
        dataset.fingerprint.sha256.short(),
        dataset.id
    )
}

/// Draws the inspector: the selected column, else the split.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let Some(dataset) = state.project.dataset() else {
        empty::inspector(ui, state);
        return;
    };
    let selected = match &state.selection {
        Selection::Column(name) => words::profile(dataset, name),
        _ => None,
    };
    let acts = match selected {
        Some(profile) => column::show(ui, state, (dataset, profile), &mut view.brush),
        None => split::inspector(ui, state),
    };
    act::carry_out(state, acts);
    let line = command::new_project(state);
    yard_ui::divider(ui, space::S12);
    crate::command_line::show(ui, state, &line);
}
