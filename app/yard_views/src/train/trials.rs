//! The tries of a search or of `auto`: figures, time, and why each was kept or not.

use super::params;
use crate::words;
use yard_state::state::StudioState;
use yard_ui::{Cell, Column, Status, Table, fmt, section, space};

/// Draws the section for the run in focus; nothing for a single training.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState) {
    let Some(run) = super::focus(state).filter(|run| run.trials.len() > 1) else { return };
    ui.add_space(space::S24);
    let note = format!(
        "{} of run {}, on the validation split",
        fmt::counted(run.trials.len() as u64, "trial", "trials"),
        run.id
    );
    section(ui, "Trials", &note);
    let metric = words::chosen_metric(&state.project).to_owned();
    let label = words::metric_label(&metric).to_owned();
    let varying = |row: usize| {
        let family = run.trials[row].family;
        let same = run.trials.iter().filter(move |trial| trial.family == family);
        params::varying(&run.trials[row].params, &same.map(|trial| &trial.params))
    };
    let columns = [
        Column::new("", 28.0).right(),
        Column::new("Family", 76.0),
        Column::rest("Parameters", 160.0),
        Column::new(label.as_str(), 156.0).right().better(words::better(&metric)),
        Column::new("Time, s", 60.0).right(),
        Column::new("State", 72.0),
        Column::rest("Why", 200.0),
    ];
    Table::new("Trials", &columns)
        .rows(run.trials.len())
        .height(crate::start::table_height(run.trials.len().min(8)))
        .show(ui, |row, column| {
            let trial = &run.trials[row];
            match column {
                0 => Cell::number((row + 1).to_string()),
                1 => Cell::text(trial.family.word()),
                2 => Cell::muted(params::phrase(&varying(row))),
                3 => Cell::number_opt(
                    trial.validation.get(&metric).map(|value| words::metric_interval(&metric, value)),
                ),
                4 => Cell::number(fmt::fixed(trial.seconds, 1)),
                5 if trial.kept => Cell::status(Status::Ok, "kept"),
                5 => Cell::status(Status::Done, "tried"),
                _ => Cell::muted(trial.note.as_str()),
            }
        });
}
