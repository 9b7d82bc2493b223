//! The tries of a search or of `auto`: figures, time, and why each was kept or not.

use super::params;
use crate::{
    layout::{self, Side},
    words,
};
use yard_state::state::StudioState;
use yard_types::{
    metric::better,
    project::RunRecord,
    run::{Family, Trial},
};
use yard_ui::{
    Axis, Cell, Column, Line, Plot, Status, Table, fmt,
    plot::{Marker, Names, Points},
    section, space, tokens,
};

/// Trials from which on their figures are drawn: fewer say more in the table.
const DRAWN: usize = 4;

/// Draws the section for the run in focus; nothing for a single training.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState) {
    let Some(run) = super::focus(state).filter(|run| run.trials.len() > 1) else { return };
    ui.add_space(space::S24);
    let note = format!(
        "{} of run {}, {} on the Pareto front of quality, time of a row and size; figures on held-out rows",
        fmt::counted(run.trials.len() as u64, "trial", "trials"),
        run.id,
        run.trials.iter().filter(|trial| trial.front).count()
    );
    section(ui, "Trials", &note);
    let metric = words::chosen_metric(&state.project).to_owned();
    plots_ui(ui, run, &metric);
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
        Column::new("Row, µs", 60.0)
            .right()
            .tooltip("Median time of one row in process, measured when the trial ended"),
        Column::new("Size, KiB", 68.0).right(),
        Column::new("Time, s", 60.0).right(),
        Column::new("State", 72.0).tooltip("front: no other trial is at least as good, as fast and as small"),
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
                4 => Cell::number_opt(trial.latency_us.map(|time| fmt::fixed(time, 1))),
                5 => Cell::number_opt(trial.size_bytes.map(|bytes| fmt::fixed(bytes as f64 / 1024.0, 1))),
                6 => Cell::number(fmt::fixed(trial.seconds, 1)),
                7 if trial.kept => Cell::status(Status::Ok, "kept"),
                7 if trial.front => Cell::status(Status::Done, "front"),
                7 => Cell::status(Status::Idle, "tried"),
                _ => Cell::muted(trial.note.as_str()),
            }
        });
}

/// Draws how the search went, and what a better figure costs in training time.
fn plots_ui(ui: &mut egui::Ui, run: &RunRecord, metric: &str) {
    let figures: Vec<(usize, &Trial, f64)> = run
        .trials
        .iter()
        .enumerate()
        .filter_map(|(at, trial)| Some((at, trial, trial.validation.get(metric)?.value)))
        .filter(|(.., value)| value.is_finite())
        .collect();
    if figures.len() < DRAWN {
        return;
    }
    legend_ui(ui, &figures);
    let label = words::metric_label(metric);
    let better_words = words::better(metric).words();
    let title = format!("{label} by trial, {better_words}");
    let lower = words::better(metric).words().starts_with("lower");
    let timed = figures.iter().all(|(_, trial, _)| trial.latency_us.is_some());
    let (over, unit) = if timed { ("time of a row", "µs") } else { ("training time", "seconds") };
    let by_time = format!("{label} over {over}");
    let side_note = if lower { "best and quick: down, left" } else { "best and quick: up, left" };
    let front = front(&figures);
    let cheapest =
        if front.len() > 1 { format!("{side_note}; line: Pareto front") } else { side_note.to_owned() };
    let last = run.trials.len();
    let ticks: Vec<(f64, String)> =
        (1..=last).step_by(last.div_ceil(8)).map(|at| (at as f64, at.to_string())).collect();
    let width = (ui.available_width() - space::S24) / 2.0;
    layout::two(ui, width, space::S24, |ui, side| {
        let t = tokens(ui);
        let plot = match side {
            Side::Left => Plot::new(
                &title,
                Axis::new("trial").range(0.5, last as f64 + 0.5).ticks(ticks.clone()),
                Axis::new(label),
            )
            .note("line: best so far")
            .line(Line::new("best so far", t.text_3, best_so_far(&figures, metric))),
            Side::Right => {
                let plot = Plot::new(&by_time, Axis::new(unit).log(true), Axis::new(label)).note(&cheapest);
                if timed { plot.line(Line::new("Pareto front", t.text_3, front.clone())) } else { plot }
            }
        };
        let place = |at: usize, trial: &Trial| match side {
            Side::Left => at as f64 + 1.0,
            Side::Right if timed => trial.latency_us.unwrap_or(f64::NAN).max(0.01),
            Side::Right => trial.seconds.max(0.01),
        };
        let mut plot = plot.names(Names::Hidden).height(176.0);
        for (series, family) in families(&figures).into_iter().enumerate() {
            let own = figures.iter().filter(|(_, trial, _)| trial.family == family);
            let points = own.map(|(at, trial, value)| [place(*at, trial), *value]).collect();
            plot = plot.points(Points::new(family.word(), t.series(series), points));
        }
        if let Some((at, trial, value)) = figures.iter().find(|(_, trial, _)| trial.kept) {
            plot = plot.marker(Marker::new([place(*at, trial), *value], "kept"));
        }
        plot.show(ui);
    });
    ui.add_space(space::S16);
}

/// The trials on the Pareto front as `[time of a row, figure]`, the fastest first.
fn front(figures: &[(usize, &Trial, f64)]) -> Vec<[f64; 2]> {
    let on = figures.iter().filter(|(_, trial, _)| trial.front);
    let mut points: Vec<[f64; 2]> =
        on.filter_map(|(_, trial, value)| Some([trial.latency_us?.max(0.01), *value])).collect();
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    points
}

fn legend_ui(ui: &mut egui::Ui, figures: &[(usize, &Trial, f64)]) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        for (series, family) in families(figures).into_iter().enumerate() {
            yard_ui::legend(ui, t.series(series), family.word());
        }
    });
    ui.add_space(space::S8);
}

/// The families in the order in which they were first tried.
fn families(figures: &[(usize, &Trial, f64)]) -> Vec<Family> {
    let mut found = Vec::new();
    for (_, trial, _) in figures {
        if !found.contains(&trial.family) {
            found.push(trial.family);
        }
    }
    found
}

/// The best figure up to each trial, as `[trial, figure]`.
fn best_so_far(figures: &[(usize, &Trial, f64)], metric: &str) -> Vec<[f64; 2]> {
    let mut best: Option<f64> = None;
    let mut line = Vec::with_capacity(figures.len());
    for (at, _, value) in figures {
        let top = best.filter(|best| !better(metric, *value, *best)).unwrap_or(*value);
        best = Some(top);
        line.push([*at as f64 + 1.0, top]);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_figure_never_gets_worse() {
        let trial = Trial {
            family: Family::Linear,
            params: std::collections::BTreeMap::new(),
            validation: std::collections::BTreeMap::new(),
            seconds: 1.0,
            kept: false,
            note: String::new(),
            size_bytes: None,
            latency_us: Some(3.0),
            front: true,
        };
        let quick = Trial { latency_us: Some(0.5), ..trial.clone() };
        let beaten = Trial { front: false, ..trial.clone() };
        let three = [(0, &trial, 0.9), (1, &quick, 0.7), (2, &beaten, 0.8)];
        assert_eq!(front(&three), [[0.5, 0.7], [3.0, 0.9]]);
        let figures = [(0, &trial, 0.7), (1, &trial, 0.6), (2, &trial, 0.8)];
        assert_eq!(best_so_far(&figures, "roc_auc"), [[1.0, 0.7], [2.0, 0.7], [3.0, 0.8]]);
        assert_eq!(best_so_far(&figures, "rmse"), [[1.0, 0.7], [2.0, 0.6], [3.0, 0.6]]);
        assert_eq!(families(&figures), [Family::Linear]);
    }
}
