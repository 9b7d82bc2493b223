//! Evaluate: what the model is worth on rows that it has not seen: cost by threshold, confusion, curves,
//! importance, slices worst first, fairness; and one row tried with its reasons.

mod curves;
mod slices;
mod worth;

use crate::{
    head::{self, Head},
    words,
};
use yard_state::{
    actions::{Action, Pick},
    command::UiCommand,
    next,
    route::Place,
    state::StudioState,
};
use yard_types::{evaluation::Evaluation, frame::Task, ids::ModelId, run::ModelRecord};
use yard_ui::{Empty, Figure, Icon, Select, fmt, space, text};

/// What Evaluate keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    /// Threshold while its handle is dragged.
    dragged: Option<f64>,
    /// Rows shown: index into the evaluations of the model.
    part: usize,
    path: String,
    row: String,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let Some(model) = state.chosen_model().cloned() else {
        head_ui(ui, state, None, None);
        let answer = Empty::new(
            Icon::Crosshair,
            "Metrics with intervals, cost by threshold, slices and fairness of a trained model appear here.",
        )
        .link("Go to Train")
        .show(ui);
        if answer.link {
            state.place = Place::Train;
        }
        return;
    };
    let parts: Vec<Evaluation> =
        state.project.evaluations.iter().filter(|own| own.model == model.id).cloned().collect();
    let test = parts.iter().position(|own| own.split == "test").unwrap_or(0);
    let shown = parts.get(if view.part < parts.len() && view.part > 0 { view.part - 1 } else { test });
    head_ui(ui, state, Some(&model), shown);
    choice_ui(ui, state, view, &parts);
    let Some(evaluation) = shown else {
        let answer = Empty::new(
            Icon::Crosshair,
            "This model has not been evaluated yet. Each look at the test split is recorded.",
        )
        .action("Evaluate on the test split", "Ctrl+Enter")
        .show(ui);
        if answer.action {
            state.ask(Action::Ui(UiCommand::Evaluate));
        }
        return;
    };
    figures_ui(ui, state, evaluation);
    explain_ui(ui, state, evaluation);
    yard_ui::divider(ui, space::S12);
    worth::show(ui, state, view, evaluation);
    ui.add_space(space::S16);
    curves::show(ui, state, evaluation);
    ui.add_space(space::S24);
    slices::show(ui, state, evaluation);
}

fn head_ui(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    model: Option<&ModelRecord>,
    shown: Option<&Evaluation>,
) {
    let context = match (model, shown) {
        (Some(model), Some(own)) => {
            let looks = looks(state, model.id);
            let positives = if own.positives > 0 {
                format!(" ({} positive)", fmt::count(own.positives))
            } else {
                String::new()
            };
            let looked = if own.split == "test" {
                format!(", test split looked at {}", fmt::counted(looks, "time", "times"))
            } else {
                String::new()
            };
            format!(
                "Run {}, {}, on {}, n = {}{positives}{looked}",
                model.run,
                words::model_words(model),
                split_words(&own.split),
                fmt::count(own.rows)
            )
        }
        (Some(model), None) => format!("Run {}, {}", model.run, words::model_words(model)),
        (None, _) => "no model yet".to_owned(),
    };
    let run = model.map_or("a model".to_owned(), |model| words::run_words(model.run));
    let (primary, icon) = match next::primary(state) {
        UiCommand::BuildPackage => (format!("Package {run}"), Icon::Package),
        _ => (format!("Evaluate {run}"), Icon::Crosshair),
    };
    let others = vec![(UiCommand::CheckGates, Icon::ShieldCheck)];
    head::show(ui, state, &Head { title: "Evaluate", context, primary, icon, others });
}

/// How often the test split was looked at for a model, from the log.
fn looks(state: &StudioState, model: ModelId) -> u64 {
    let look = |record: &&yard_types::event::EventRecord| matches!(&record.body, yard_types::event::Event::ModelEvaluated { evaluation } if evaluation.model == model && evaluation.split == "test");
    state.events.iter().filter(look).count() as u64
}

fn split_words(split: &str) -> String {
    match split {
        "test" | "validation" | "train" => format!("the {split} split"),
        other => other.to_owned(),
    }
}

/// Which model and which rows; a file to evaluate on.
fn choice_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View, parts: &[Evaluation]) {
    let models: Vec<(ModelId, String)> = state
        .project
        .models
        .values()
        .rev()
        .map(|model| (model.id, format!("run {}, {}", model.run, model.family.word())))
        .collect();
    let chosen = state.chosen_model().map(|model| model.id);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S8;
        let labels: Vec<&str> = models.iter().map(|(_, label)| label.as_str()).collect();
        let mut index = models.iter().position(|(id, _)| Some(*id) == chosen).unwrap_or(usize::MAX);
        if Select::new("Model", &mut index, &labels).width(180.0).show(ui).changed() {
            state.chosen = models.get(index).map(|(id, _)| *id);
            view.part = 0;
            view.dragged = None;
        }
        let rows: Vec<String> = parts
            .iter()
            .map(|own| format!("{}, n = {}", split_words(&own.split), fmt::count(own.rows)))
            .collect();
        let words: Vec<&str> = rows.iter().map(String::as_str).collect();
        let test = parts.iter().position(|own| own.split == "test").unwrap_or(0);
        let mut part = if view.part > 0 { view.part - 1 } else { test };
        if !parts.is_empty() && Select::new("Rows", &mut part, &words).width(190.0).show(ui).changed() {
            view.part = part + 1;
        }
        let field =
            yard_ui::PathField::new("Evaluate on a file", &mut view.path).hint("evaluate on a file").show(ui);
        if field.browse {
            state.ask(Action::Pick(Pick::EvaluateData));
        }
        let entered = field.field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if entered && !view.path.trim().is_empty() {
            let model = yard_state::run::model_choice(state);
            state.send(yard_types::command::Command::Evaluate {
                model,
                data: Some(view.path.trim().to_owned()),
            });
        }
    });
    ui.add_space(space::S12);
}

/// Metrics in the headline, the one that chooses first.
fn headline(state: &StudioState, evaluation: &Evaluation) -> Vec<String> {
    let chosen = words::chosen_metric(&state.project).to_owned();
    let task = state.project.frame.as_ref().map_or(Task::Binary, |frame| frame.task);
    let order: &[&str] = match task {
        Task::Binary => &["roc_auc", "average_precision", "log_loss", "brier", "ece"],
        Task::Multiclass => &["log_loss", "roc_auc", "accuracy", "balanced_accuracy", "f1"],
        Task::Regression => &["rmse", "mae", "r2", "median_absolute_error"],
    };
    let mut names = vec![chosen.clone()];
    names.extend(order.iter().map(|name| (*name).to_owned()).filter(|name| *name != chosen));
    names.retain(|name| evaluation.metrics.contains_key(name));
    names
}

/// Links that explain the metrics of the headline.
fn explain_ui(ui: &mut egui::Ui, state: &mut StudioState, evaluation: &Evaluation) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S12;
        for name in headline(state, evaluation).into_iter().take(6) {
            let word = format!("Explain {}", words::metric_label(&name));
            if text::link_of(ui, word, yard_ui::Type::Caption).clicked() {
                state.explain(yard_state::route::Subject::Metric(name));
            }
        }
    });
}

fn figures_ui(ui: &mut egui::Ui, state: &StudioState, evaluation: &Evaluation) {
    let champion = state
        .project
        .champion()
        .filter(|champion| *champion != evaluation.model)
        .and_then(|champion| state.project.evaluation(champion, &evaluation.split));
    let mut labels = Vec::new();
    let cost = evaluation.expected_cost.as_ref();
    if cost.is_some() {
        labels.push("Cost per 1 000".to_owned());
    }
    let names = headline(state, evaluation);
    labels.extend(names.iter().map(|name| words::metric_label(name).to_owned()));
    let mut figures = Vec::new();
    let mut at = 0;
    if let Some(cost) = cost {
        figures.push(cost_figure(&labels[0], cost));
        at = 1;
    }
    for (name, label) in names.iter().zip(&labels[at..]) {
        let value = evaluation.metrics[name];
        let mut figure = Figure::new(label, words::metric(name, value.value)).better(words::better(name));
        if value.low.is_some() {
            figure = figure.line(format!("95 % {}", words::interval(name, &value)));
        }
        if let Some(other) = champion.and_then(|own| own.metrics.get(name)) {
            figure = figure.line(format!("champion {}", words::metric(name, other.value)));
        }
        figures.push(figure);
    }
    figures.truncate(6);
    yard_ui::figures(ui, figures);
}

fn cost_figure<'a>(label: &'a str, cost: &yard_types::evaluation::ExpectedCost) -> Figure<'a> {
    let thousand = |value: f64| fmt::fixed(value * 1000.0, 0);
    let mut figure = Figure::new(label, thousand(cost.model.value)).better(yard_ui::Better::Lower);
    if let (Some(low), Some(high)) = (cost.model.low, cost.model.high) {
        figure = figure.line(format!("95 % {}", fmt::interval(low * 1000.0, high * 1000.0, 0)));
    }
    let best = cost.do_nothing.min(cost.always);
    let status = if cost.model.value < best { yard_ui::Status::Ok } else { yard_ui::Status::Warn };
    let change = fmt::difference((cost.model.value - cost.do_nothing) * 1000.0, 0);
    figure.compared(status, format!("{change} against doing nothing"))
}

/// Draws the inspector: one row with its reasons, and the command.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    text::note(ui, "Try it");
    text::strong(
        ui,
        state.chosen_model().map_or("No model yet".to_owned(), |model| format!("run {}", model.run)),
    );
    yard_ui::divider(ui, space::S12);
    let Some(dataset) = state.project.dataset().cloned() else {
        text::paragraph(ui, "Import data and train a model to score single rows here.");
        return;
    };
    row_ui(ui, state, view, &dataset);
    let fields: Vec<_> =
        dataset.schema.features().map(|field| (field.name.clone(), field.field_type)).collect();
    for (name, field_type) in &fields {
        crate::deploy::field_ui(ui, state, name, *field_type);
    }
    ui.add_space(space::S8);
    let enabled = state.chosen_model().is_some();
    let button = yard_ui::Button::secondary("Score this row")
        .icon(Icon::Play)
        .enabled_if(enabled, "Train a model first");
    if button.show(ui).clicked() {
        let row = state.drafts.try_it.to_row(&dataset.schema);
        let model = yard_state::run::model_choice(state);
        state.send(yard_types::command::Command::TryRow { model, row, live: false });
    }
    if let Some(result) = state.tried.clone() {
        ui.add_space(space::S12);
        crate::deploy::answer_ui(ui, state, &result);
    }
    yard_ui::divider(ui, space::S12);
    let file = crate::command_line::project_file(state);
    let model = state.chosen_model().map_or("best".to_owned(), |model| model.id.to_string());
    crate::command_line::show(ui, state, &format!("modelyard evaluate {file} \\\n  --model {model}"));
}

/// Fills the form from a row of the data set, asking the engine for its page when it isn't here yet.
fn row_ui(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    view: &mut View,
    dataset: &yard_types::event::DatasetRecord,
) {
    let response = yard_ui::Form::new(116.0).row(ui, "Fill from row", |ui| {
        yard_ui::TextField::new("Fill from row", &mut view.row).hint("1").unit("of the data").show(ui)
    });
    let wanted = view.row.trim().parse::<u64>().ok().filter(|row| (1..=dataset.profile.rows).contains(row));
    let Some(row) = wanted.map(|row| row - 1) else { return };
    let page = state
        .pages
        .values()
        .find(|page| (page.start..page.start + page.rows.len() as u64).contains(&row))
        .cloned();
    match page {
        Some(page) if state.drafts.try_it.row != Some(row) => {
            let cells = &page.rows[(row - page.start) as usize];
            for (field, cell) in dataset.schema.fields.iter().zip(cells) {
                state.drafts.try_it.values.insert(field.name.clone(), cell.clone().unwrap_or_default());
            }
            state.drafts.try_it.row = Some(row);
        }
        None if response.lost_focus() => {
            let command = yard_types::command::Command::FetchRows {
                dataset: dataset.id,
                start: row / 100 * 100,
                count: 100,
            };
            state.send(command);
        }
        _ => {}
    }
}
