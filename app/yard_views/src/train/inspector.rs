//! The inspector of a run: progress, figures against the kept run with a sentence, settings in force, the
//! fitted recipe, what can be done with it, and the command that repeats it.

use super::{curves, focus, in_progress, kept_model, model_of};
use crate::words;
use yard_state::{drafts::TrainDraft, route::Place, state::StudioState};
use yard_types::{
    command::{Command, ModelChoice},
    metric::{MetricSet, better},
    project::{RunRecord, RunState},
    run::{Family, ModelRecord, RunSpec},
};
use yard_ui::{
    Button, Chip, Icon, Status, Type, fmt, inspector_head, inspector_section, key_text, key_value, show,
    status_line, text, tokens,
};

/// Steps of the recipe shown.
const LINES: usize = 8;

/// Draws the inspector.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState) {
    let Some(run) = focus(state).cloned() else {
        inspector_head(ui, "Training run", "None yet", |_| {});
        inspector_section(ui, "", |ui| {
            text::paragraph(
                ui,
                "A run is kept with its recipe, seed, curve, figures and model hash, so that it can be repeated bit by bit.",
            )
        });
        yard_ui::divider(ui, 12.0);
        let draft = RunSpec::new(state.drafts.train.family);
        let line = line(state, &draft);
        crate::command_line::show(ui, state, &line);
        return;
    };
    let model = model_of(state, run.id).cloned();
    let (status, word) = state_words(state, &run);
    let title = format!("Run {}, {}", run.id, curves::family(state, &run).word());
    inspector_head(ui, "Training run", &title, |ui| Chip::new(status, word).show(ui));
    if let RunState::Failed { message } = &run.state {
        inspector_section(ui, "What failed", |ui| failed(ui, message));
    }
    progress_ui(ui, state, &run);
    stopped_ui(ui, &run);
    if let Some(model) = &model {
        figures_ui(ui, state, model);
    }
    acts_ui(ui, state, &run, model.as_ref());
    if let Some(model) = &model {
        recipe_ui(ui, model);
    }
    settings_ui(ui, &run, model.as_ref());
    reproduce_ui(ui, state, &run, model.as_ref());
}

fn failed(ui: &mut egui::Ui, message: &str) {
    status_line(ui, Status::Error, message);
    show::copy_link(ui, message);
}

fn state_words(state: &StudioState, run: &RunRecord) -> (Status, &'static str) {
    match run.state {
        RunState::Running if in_progress(state, run) => (Status::Running, "running"),
        RunState::Running => (Status::Warn, "interrupted"),
        RunState::Failed { .. } => (Status::Error, "failed"),
        RunState::Cancelled => (Status::Idle, "stopped"),
        RunState::Finished { .. } if super::kept(state) == Some(run.id) => (Status::Ok, "kept"),
        RunState::Finished { .. } => (Status::Done, "done"),
    }
}

fn progress_ui(ui: &mut egui::Ui, state: &StudioState, run: &RunRecord) {
    let Some(job) = state.jobs.running().filter(|_| in_progress(state, run)) else { return };
    let points = curves::curve(state, run);
    let family = curves::family(state, run);
    let unit = curves::unit(family);
    inspector_section(ui, "Progress", |ui| {
        if let Some(progress) = &job.progress {
            let share =
                progress.total.filter(|total| *total > 0).map(|total| progress.done as f64 / total as f64);
            let amount = progress.total.map_or_else(
                || fmt::count(progress.done),
                |total| format!("{} / {}", fmt::count(progress.done), fmt::count(total)),
            );
            yard_ui::progress(ui, "Training", share, &amount);
            key_text(ui, "Phase", &format!("{}, {}", progress.phase, progress.unit));
        }
        let left = job.left_secs.map_or(fmt::MISSING.to_owned(), fmt::time_left);
        key_value(ui, "Time left, at most", &left);
        key_value(ui, "Time so far", &fmt::duration(job.elapsed_secs));
        let Some(best) = curves::best(points) else { return };
        key_value(ui, &format!("Best {unit}"), &fmt::count(u64::from(best.step)));
        if let Some(patience) = super::params::patience(family, &run.spec.params) {
            key_value(ui, &format!("Stops early after {unit}"), &fmt::count(u64::from(best.step + patience)));
        }
    });
    so_far_ui(ui, state, run, unit);
}

/// How far a stopped run is.
fn stopped_ui(ui: &mut egui::Ui, run: &RunRecord) {
    if !run.resumable() {
        return;
    }
    let left = run.stopped.as_ref();
    inspector_section(ui, "Stopped", |ui| {
        let why = if left.is_some_and(|left| left.interrupted) { "the program ended" } else { "by hand" };
        key_text(ui, "Why", why);
        let checkpoint = left.and_then(|left| left.checkpoint.as_ref());
        let text = checkpoint
            .map_or_else(|| "the beginning".to_owned(), |at| format!("{} {}", fmt::count(at.done), at.unit));
        key_text(ui, "Resumes from", &text);
        text::paragraph(ui, "Resumed, it ends with the model that it would have had undisturbed.");
    });
}

/// The best step so far against the kept run.
fn so_far_ui(ui: &mut egui::Ui, state: &StudioState, run: &RunRecord, unit: &str) {
    let points = curves::curve(state, run);
    let Some(best) = curves::best(points) else { return };
    let kept = kept_model(state).filter(|model| model.run != run.id);
    let heading =
        kept.map_or("Best so far".to_owned(), |model| format!("Best so far against run {}", model.run));
    let metric = words::chosen_metric(&state.project);
    inspector_section(ui, &heading, |ui| {
        let other = kept.and_then(|model| Some(model.metrics.get("validation")?.get(metric)?.value));
        if let Some(value) = best.validation_metric {
            let label = format!("{}, validation", words::metric_label(metric));
            compared(
                ui,
                &label,
                (value, other),
                (words::decimals(metric), better(metric, value, other.unwrap_or(value))),
            );
        }
        if let Some(loss) = best.validation_loss {
            let family = curves::family(state, run);
            let other = kept
                .filter(|model| curves::same_loss(state, family, model.family))
                .and_then(|model| curves::kept_loss(state, model));
            compared(ui, "Loss, validation", (loss, other), (4, other.is_none_or(|other| loss < other)));
        }
        if let Some(sentence) = curves::diagnosis(points, unit) {
            status_line(ui, Status::Info, &sentence);
        }
    });
}

/// A figure with its difference to another, green when better.
fn compared(
    ui: &mut egui::Ui,
    key: &str,
    (value, other): (f64, Option<f64>),
    (decimals, is_better): (usize, bool),
) {
    let shown = fmt::fixed(value, decimals);
    let Some(other) = other else {
        key_value(ui, key, &shown);
        return;
    };
    let t = tokens(ui);
    let difference = fmt::difference(value - other, decimals);
    let same = !difference.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let (colour, word) = match (same, is_better) {
        (true, _) => (t.text_2, "equal"),
        (false, true) => (t.success, "better"),
        (false, false) => (t.error, "worse"),
    };
    ui.allocate_ui_with_layout(
        egui::vec2(ui.available_width(), 16.0),
        egui::Layout::right_to_left(egui::Align::Center),
        |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let response = text::label(ui, difference.as_str(), Type::Mono, colour);
            response.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::Role::Label,
                    true,
                    format!("{key}: {shown}, {difference}, {word}"),
                )
            });
            response.on_hover_text(word);
            text::mono(ui, shown.as_str());
            let width = ui.available_width();
            ui.allocate_ui_with_layout(
                egui::vec2(width, 16.0),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| text::fitted(ui, key, Type::Label, t.text_2),
            );
        },
    );
}

fn figures_ui(ui: &mut egui::Ui, state: &StudioState, model: &ModelRecord) {
    let reference = kept_model(state).filter(|own| own.run != model.run);
    let heading =
        reference.map_or("Figures, validation".to_owned(), |own| format!("Figures against run {}", own.run));
    let empty = MetricSet::new();
    let own = model.metrics.get("validation").unwrap_or(&empty);
    let other = reference.and_then(|own| own.metrics.get("validation")).unwrap_or(&empty);
    let chosen = words::chosen_metric(&state.project);
    inspector_section(ui, &heading, |ui| {
        let mut names: Vec<&String> = own.keys().collect();
        names.sort_by_key(|name| name.as_str() != chosen);
        for name in names {
            let value = own[name].value;
            let was = other.get(name).map(|other| other.value);
            let is_better = better(name, value, was.unwrap_or(value));
            compared(ui, words::metric_label(name), (value, was), (words::decimals(name), is_better));
        }
        key_value(ui, "Parameters", &fmt::count(model.parameters));
        key_value(ui, "Inputs after recipe", &fmt::count(u64::from(model.features)));
        key_value(ui, "Size", &fmt::bytes(model.size_bytes));
        if let Some(sentence) = sentence(state, model, reference) {
            status_line(ui, Status::Info, &sentence);
        }
    });
}

/// Why this run is not the kept one, or why it is.
fn sentence(state: &StudioState, model: &ModelRecord, reference: Option<&ModelRecord>) -> Option<String> {
    let metric = words::chosen_metric(&state.project);
    let label = words::metric_label(metric);
    let own = *model.metrics.get("validation")?.get(metric)?;
    let Some(reference) = reference else {
        return Some(format!("Kept: the simplest family within noise of the best {label}."));
    };
    let other = *reference.metrics.get("validation")?.get(metric)?;
    let inside = other.low.zip(other.high).is_some_and(|(low, high)| (low..=high).contains(&own.value));
    let simpler = Family::complexity(reference.family) < Family::complexity(model.family);
    Some(if better(metric, own.value, other.value) && simpler {
        format!(
            "Better than run {} by less than its noise; {} is simpler and is kept.",
            reference.run,
            reference.family.word()
        )
    } else if inside {
        format!("Within the 95 % interval of run {}.", reference.run)
    } else {
        format!(
            "Outside the 95 % interval of run {}: the difference is more than noise of the rows.",
            reference.run
        )
    })
}

fn acts_ui(ui: &mut egui::Ui, state: &mut StudioState, run: &RunRecord, model: Option<&ModelRecord>) {
    let editable = !state.read_only;
    let why = "Another window has this project open for writing";
    ui.add_space(8.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(8.0, 8.0);
        if let Some(model) = model {
            let evaluate = Button::secondary(format!("Evaluate run {}", run.id));
            if evaluate
                .tooltip("Makes this run's model the one that Evaluate, Package and Deploy mean")
                .show(ui)
                .clicked()
            {
                state.chosen = Some(model.id);
                state.place = Place::Evaluate;
            }
        }
        if run.resumable() && resume_button(run).enabled_if(editable, why).show(ui).clicked() {
            state.send(Command::ResumeTraining { run: run.id });
        }
        let again = Button::secondary("Edit as new run");
        if again.tooltip("Fills the recipe form with this run's settings").show(ui).clicked() {
            state.before_edit("recipe of a run");
            state.drafts.train = TrainDraft::from_spec(&run.spec);
        }
        if let Some(model) = model {
            let reproduce = Button::quiet("Train again and compare").icon(Icon::ArrowClockwise);
            let reproduce = reproduce
                .tooltip("Trains with the same data, recipe and seed and compares the hashes")
                .enabled_if(editable, why);
            if reproduce.show(ui).clicked() {
                state.send(Command::Reproduce { model: ModelChoice::Id(model.id) });
            }
        }
    });
}

fn resume_button(run: &RunRecord) -> Button<'static> {
    let button = Button::secondary(format!("Resume run {}", run.id)).icon(Icon::ArrowClockwise);
    button.tooltip("Goes on from the last checkpoint; the model is that of an undisturbed run")
}

fn recipe_ui(ui: &mut egui::Ui, model: &ModelRecord) {
    if model.recipe_lines.is_empty() {
        return;
    }
    inspector_section(ui, "Fitted recipe", |ui| {
        let colour = tokens(ui).text;
        for (at, line) in model.recipe_lines.iter().take(LINES).enumerate() {
            text::fitted(ui, format!("{}  {line}", at + 1), Type::Label, colour);
        }
        let more = model.recipe_lines.len().saturating_sub(LINES);
        if more > 0 {
            text::note(ui, format!("and {more} more in the package's recipe.json"));
        }
        text::note(ui, "fitted on training rows only");
    });
}

fn settings_ui(ui: &mut egui::Ui, run: &RunRecord, model: Option<&ModelRecord>) {
    let params = model.map_or(&run.spec.params, |model| &model.params);
    inspector_section(ui, "Settings in force", |ui| {
        let family = model.map_or(run.spec.family, |model| model.family);
        let (shown, left) = super::params::notable(family, params);
        for (name, value) in shown {
            key_value(ui, &name.replace('_', " "), value);
        }
        if run.spec.trials > 1 {
            key_value(ui, "trials", &run.spec.trials.to_string());
        }
        if run.spec.folds > 0 {
            key_value(ui, "folds", &run.spec.folds.to_string());
        }
        key_text(ui, "device", model.map_or(&run.spec.device, |model| &model.device));
        if left > 0 {
            text::note(ui, format!("and {left} at their defaults"));
        }
    });
}

fn reproduce_ui(ui: &mut egui::Ui, state: &mut StudioState, run: &RunRecord, model: Option<&ModelRecord>) {
    inspector_section(ui, "Reproduce", |ui| {
        if let Some(dataset) = state.project.datasets.get(&run.dataset) {
            key_text(ui, "Data", &format!("{}@{}", dataset.name, dataset.id));
        }
        if let Some(model) = model {
            key_value(ui, "Model hash", &model.model_sha256.short())
                .on_hover_text(model.model_sha256.to_hex());
        }
        key_value(ui, "Seed", &run.spec.seed.to_string());
        key_text(ui, "Started, UTC", &words::date_time(&run.started_at));
    });
    ui.add_space(4.0);
    let line = line(state, &run.spec);
    crate::command_line::show(ui, state, &line);
}

/// The command that trains like this.
pub(crate) fn line(state: &StudioState, spec: &RunSpec) -> String {
    let mut parts = vec![
        format!("modelyard train {}", crate::command_line::project_file(state)),
        format!("--family {}", spec.family.word()),
    ];
    let pair = |(name, value): (&String, &String)| {
        format!("--param {}", crate::command_line::quoted(&format!("{name}={value}")))
    };
    parts.extend(spec.params.iter().map(pair));
    if spec.trials > 1 {
        parts.push(format!("--trials {}", spec.trials));
    }
    if let Some(budget) = spec.budget_secs {
        parts.push(format!("--budget {budget}s"));
    }
    if spec.folds > 0 {
        parts.push(format!("--folds {}", spec.folds));
    }
    if spec.repeats > 1 {
        parts.push(format!("--repeats {}", spec.repeats));
    }
    if spec.nested {
        parts.push("--nested".to_owned());
    }
    if spec.device != "auto" {
        parts.push(format!("--device {}", spec.device));
    }
    if spec.seed != 0 {
        parts.push(format!("--seed {}", spec.seed));
    }
    parts.join(" \\\n  ")
}
