//! The inspector of a run: progress, figures against the kept run, the fitted recipe, the command.

use super::{curves, focus, in_progress, kept};
use crate::words;
use yard_state::state::StudioState;
use yard_types::{
    metric::MetricSet,
    project::{RunRecord, RunState},
    run::ModelRecord,
};
use yard_ui::{Chip, Status, fmt, text};

/// Draws the inspector.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    let Some(run) = focus(state).cloned() else {
        text::note(ui, "Training run");
        text::strong(ui, "None yet");
        yard_ui::divider(ui, 12.0);
        let line = format!("modelyard train {}", crate::command_line::project_file(state));
        crate::command_line::show(ui, state, &line);
        return;
    };
    let model = state.project.models.values().find(|model| model.run == run.id).cloned();
    let family = model.as_ref().map_or(run.spec.family, |model| model.family);
    let (status, word) = state_words(state, &run);
    let title = format!("Run {}, {}", run.id, family.word());
    yard_ui::inspector_head(ui, "Training run", &title, |ui| Chip::new(status, word).show(ui));
    if let RunState::Failed { message } = &run.state {
        yard_ui::inspector_section(ui, "What failed", |ui| {
            yard_ui::status_line(ui, Status::Error, message);
        });
    }
    progress_ui(ui, state, &run);
    if let Some(model) = &model {
        figures_ui(ui, state, model);
        recipe_ui(ui, model);
    }
    reproduce_ui(ui, state, &run);
}

fn state_words(state: &StudioState, run: &RunRecord) -> (Status, &'static str) {
    match run.state {
        RunState::Running if in_progress(state, run) => (Status::Running, "running"),
        RunState::Running => (Status::Warn, "interrupted"),
        RunState::Failed { .. } => (Status::Error, "failed"),
        RunState::Cancelled => (Status::Idle, "stopped"),
        RunState::Finished { .. } => (Status::Ok, "done"),
    }
}

fn progress_ui(ui: &mut egui::Ui, state: &StudioState, run: &RunRecord) {
    let points = curves::curve(state, run);
    let job = state.jobs.running().filter(|_| in_progress(state, run));
    if points.is_empty() && job.is_none() {
        return;
    }
    yard_ui::inspector_section(ui, "Progress", |ui| {
        if let Some((job, progress)) = job.and_then(|job| Some((job, job.progress.as_ref()?))) {
            let share =
                progress.total.filter(|total| *total > 0).map(|total| progress.done as f64 / total as f64);
            let amount = progress
                .total
                .map_or_else(|| fmt::count(progress.done), |total| format!("{} / {}", progress.done, total));
            yard_ui::progress(ui, "Training", share, &amount);
            let left = job.left_secs.map_or(fmt::MISSING.to_owned(), fmt::duration);
            yard_ui::key_value(ui, "Time left, about", &left);
            yard_ui::key_value(ui, "Time so far", &fmt::duration(job.elapsed_secs));
        }
        if let Some(best) = curves::best(points) {
            yard_ui::key_value(ui, "Best step", &fmt::count(u64::from(best.step)));
            yard_ui::key_value(
                ui,
                "Best validation loss",
                &fmt::loss(best.validation_loss.unwrap_or(f64::NAN)),
            );
        }
        if let Some(last) = points.last() {
            yard_ui::key_value(ui, "Steps done", &fmt::count(u64::from(last.step)));
        }
    });
}

fn figures_ui(ui: &mut egui::Ui, state: &StudioState, model: &ModelRecord) {
    let reference = kept(state)
        .filter(|run| *run != model.run)
        .and_then(|run| state.project.models.values().find(|own| own.run == run));
    let heading =
        reference.map_or("Figures, validation".to_owned(), |own| format!("Figures against run {}", own.run));
    let empty = MetricSet::new();
    let other = reference.and_then(|own| own.metrics.get("validation")).unwrap_or(&empty);
    yard_ui::inspector_section(ui, &heading, |ui| {
        for (name, value) in model.metrics.get("validation").unwrap_or(&empty) {
            let change = other.get(name).map_or(String::new(), |was| {
                format!("  {}", fmt::difference(value.value - was.value, words::decimals(name)))
            });
            yard_ui::key_value(
                ui,
                words::metric_label(name),
                &format!("{}{change}", words::metric(name, value.value)),
            );
        }
        yard_ui::key_value(ui, "Parameters", &fmt::count(model.parameters));
        yard_ui::key_value(ui, "Inputs after recipe", &fmt::count(u64::from(model.features)));
        yard_ui::key_value(ui, "Size", &fmt::bytes(model.size_bytes));
        yard_ui::key_text(ui, "Device", &model.device);
    });
}

fn recipe_ui(ui: &mut egui::Ui, model: &ModelRecord) {
    const LINES: usize = 8;
    yard_ui::inspector_section(ui, "Fitted recipe", |ui| {
        for (at, line) in model.recipe_lines.iter().take(LINES).enumerate() {
            text::fitted(ui, format!("{}  {line}", at + 1), yard_ui::Type::Label, yard_ui::tokens(ui).text_2);
        }
        let more = model.recipe_lines.len().saturating_sub(LINES);
        if more > 0 {
            text::note(ui, format!("{more} more steps; recipe.json in the package holds all"));
        }
        text::note(ui, "fitted on training rows only");
    });
}

fn reproduce_ui(ui: &mut egui::Ui, state: &mut StudioState, run: &RunRecord) {
    yard_ui::inspector_section(ui, "Reproduce", |ui| {
        if let Some(dataset) = state.project.datasets.get(&run.dataset) {
            yard_ui::key_text(ui, "Data", &format!("{}@{}", dataset.name, dataset.id));
        }
        yard_ui::key_value(ui, "Seed", &run.spec.seed.to_string());
    });
    let mut line = format!(
        "modelyard train {} \\\n  --family {}",
        crate::command_line::project_file(state),
        run.spec.family.word()
    );
    for (name, value) in &run.spec.params {
        line.push_str(" \\\n  --param ");
        line.push_str(&crate::command_line::quoted(&format!("{name}={value}")));
    }
    if run.spec.seed != 0 {
        line.push_str(" \\\n  --seed ");
        line.push_str(&run.spec.seed.to_string());
    }
    crate::command_line::show(ui, state, &line);
}
