//! The form: decision, costs, limits.

use super::{View, commit};
use crate::reasons;
use yard_state::state::StudioState;
use yard_types::{
    frame::Task,
    metric::all_metrics,
    schema::{FieldType, Role},
};
use yard_ui::{Form, Icon, Select, Status, TextField, space, text};

const LABEL: f32 = 136.0;

/// Draws the form.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    yard_ui::section(ui, "Decision", "who acts, on what, when");
    let mut done = decision_ui(ui, state);
    done |= target_ui(ui, state);
    let Some(task) = state.project.frame.as_ref().map(|frame| frame.task) else {
        return;
    };
    if task == Task::Binary {
        ui.add_space(space::S12);
        done |= costs_ui(ui, state);
    }
    ui.add_space(space::S12);
    done |= limits_ui(ui, state, task);
    if let Some(error) = &view.error {
        yard_ui::status_line(ui, Status::Error, &format!("{}: {}", error.field, error.message));
    }
    if done {
        state.undo.seal();
        commit(state, view);
    }
}

/// One text field of the form; returns whether it was left with another text than it was entered with.
fn field(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    name: &str,
    pick: fn(&mut StudioState) -> &mut String,
) -> bool {
    let before = pick(state).clone();
    let mut text = before.clone();
    let response = Form::new(LABEL).row(ui, name, |ui| TextField::new(name, &mut text).show(ui));
    if response.changed() {
        state.before_typing(name);
        *pick(state) = text;
    }
    let left = response.lost_focus();
    reasons::on(response, name);
    left
}

fn decision_ui(ui: &mut egui::Ui, state: &mut StudioState) -> bool {
    let mut text = state.drafts.frame.decision.clone();
    let response = TextField::new("Decision", &mut text)
        .rows(2)
        .hint("Each month, offer a discount to customers who are likely to leave")
        .show(ui);
    if response.changed() {
        state.before_typing("decision");
        state.drafts.frame.decision = text;
    }
    let mut done = response.lost_focus();
    ui.add_space(space::S4);
    done |= field(ui, state, "Unit", |state| &mut state.drafts.frame.unit);
    done | field(ui, state, "Action", |state| &mut state.drafts.frame.action)
}

fn target_ui(ui: &mut egui::Ui, state: &mut StudioState) -> bool {
    let names: Vec<String> = state.project.dataset().map_or_else(Vec::new, |dataset| {
        dataset.schema.fields.iter().map(|field| field.name.clone()).collect()
    });
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let current = state.project.frame.as_ref().map(|frame| frame.target.clone());
    let mut index = words.iter().position(|name| Some(*name) == current.as_deref()).unwrap_or(usize::MAX);
    let response =
        Form::new(LABEL).row(ui, "Target", |ui| Select::new("Target", &mut index, &words).show(ui));
    let response = reasons::on(response, "Target");
    if current.is_none() && ui.memory(|memory| memory.focused().is_none()) {
        // Without a target there is nothing else to do here: the keyboard starts on it.
        response.request_focus();
    }
    if response.changed()
        && let Some(name) = names.get(index)
        && let Some(frame) = state.project.dataset().map(|dataset| yard_state::guess::frame(dataset, name))
    {
        state.send(yard_types::command::Command::SetFrame { frame: Box::new(frame) });
        return false;
    }
    positive_ui(ui, state)
}

fn positive_ui(ui: &mut egui::Ui, state: &mut StudioState) -> bool {
    let Some(frame) = state.project.frame.clone().filter(|frame| frame.task == Task::Binary) else {
        return false;
    };
    let words: Vec<&str> = frame.classes.iter().map(String::as_str).collect();
    let mut index = words.iter().position(|word| Some(*word) == frame.positive.as_deref()).unwrap_or(1);
    let share = class_share(state, frame.positive.as_deref().unwrap_or_default());
    let response = Form::new(LABEL).row(ui, "Positive class", |ui| {
        Select::new("Positive class", &mut index, &words).remark(&share).show(ui)
    });
    let response = reasons::on(response, "Positive class");
    if response.changed() && index < words.len() {
        state.before_edit("positive class");
        let mut changed = frame.clone();
        changed.positive = Some(words[index].to_owned());
        changed.classes.swap(0, 1);
        state.send(yard_types::command::Command::SetFrame { frame: Box::new(changed) });
    }
    false
}

/// "1 869 of 7 043 rows, 26.5 %".
fn class_share(state: &StudioState, class: &str) -> String {
    let Some(dataset) = state.project.dataset() else { return String::new() };
    let target = state.project.frame.as_ref().map_or("", |frame| frame.target.as_str());
    let column = dataset.profile.columns.iter().find(|column| column.name == target);
    let count =
        column.and_then(|column| column.top.iter().find(|top| top.value == class)).map(|top| top.count);
    count.map_or(String::new(), |count| {
        let share = count as f64 / dataset.profile.rows.max(1) as f64;
        let rows = yard_ui::fmt::count(dataset.profile.rows);
        format!("{} of {rows} rows, {}", yard_ui::fmt::count(count), yard_ui::fmt::percent(share))
    })
}

fn costs_ui(ui: &mut egui::Ui, state: &mut StudioState) -> bool {
    let stated = state.project.frame.as_ref().is_some_and(|frame| frame.costs.is_some());
    let note = if stated { "per decision; a benefit is negative" } else { "not stated: both errors count 1" };
    yard_ui::section(ui, "Costs", note);
    let mut done = field(ui, state, "Cost unit", |state| &mut state.drafts.frame.cost_unit);
    done |= field(ui, state, "False positive", |state| &mut state.drafts.frame.costs[0]);
    done |= field(ui, state, "False negative", |state| &mut state.drafts.frame.costs[1]);
    done |= field(ui, state, "True positive", |state| &mut state.drafts.frame.costs[2]);
    done | field(ui, state, "True negative", |state| &mut state.drafts.frame.costs[3])
}

fn limits_ui(ui: &mut egui::Ui, state: &mut StudioState, task: Task) -> bool {
    yard_ui::section(ui, "Limits", "checked by the gates");
    let mut done = protected_ui(ui, state);
    done |= metric_ui(ui, state, task);
    let name = floor_name(&state.drafts.frame.metric);
    let mut text = state.drafts.frame.floor.clone();
    let response =
        Form::new(LABEL).row(ui, &name, |ui| TextField::new(&name, &mut text).hint("none").show(ui));
    if response.changed() {
        state.before_typing("floor");
        state.drafts.frame.floor = text;
    }
    done |= response.lost_focus();
    reasons::on(response, &name);
    done |= limit(ui, state, ("Latency p99, at most", "ms"), |state| &mut state.drafts.frame.latency);
    done | limit(ui, state, ("Package size, at most", "MiB"), |state| &mut state.drafts.frame.size)
}

fn floor_name(metric: &str) -> String {
    let word = match crate::words::better(metric) {
        yard_ui::Better::Higher => "at least",
        yard_ui::Better::Lower => "at most",
    };
    format!("{}, {word}", crate::words::metric_label(metric))
}

fn limit(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    (name, unit): (&str, &str),
    pick: fn(&mut StudioState) -> &mut String,
) -> bool {
    let mut text = pick(state).clone();
    let response =
        Form::new(LABEL).row(ui, name, |ui| TextField::new(name, &mut text).unit(unit).hint("none").show(ui));
    if response.changed() {
        state.before_typing(name);
        *pick(state) = text;
    }
    let left = response.lost_focus();
    reasons::on(response, name);
    left
}

fn metric_ui(ui: &mut egui::Ui, state: &mut StudioState, task: Task) -> bool {
    let names: Vec<&str> =
        all_metrics().iter().map(|info| info.name).filter(|name| fits(name, task)).collect();
    let labels: Vec<&str> = names.iter().map(|name| crate::words::metric_label(name)).collect();
    let mut index = names.iter().position(|name| *name == state.drafts.frame.metric).unwrap_or(usize::MAX);
    let response = Form::new(LABEL).row(ui, "Metric to choose by", |ui| {
        Select::new("Metric to choose by", &mut index, &labels).show(ui)
    });
    let response = reasons::on(response, "Metric to choose by");
    if response.changed()
        && let Some(name) = names.get(index)
    {
        state.before_edit("metric");
        (*name).clone_into(&mut state.drafts.frame.metric);
        state.drafts.frame.floor.clear();
        return true;
    }
    false
}

fn fits(metric: &str, task: Task) -> bool {
    let regression = ["rmse", "mae", "r2", "median_absolute_error"].contains(&metric);
    match task {
        Task::Regression => regression,
        Task::Binary => !regression,
        Task::Multiclass => ["roc_auc", "log_loss", "accuracy", "balanced_accuracy", "f1"].contains(&metric),
    }
}

fn protected_ui(ui: &mut egui::Ui, state: &mut StudioState) -> bool {
    let mut removed = None;
    let mut added = None;
    Form::new(LABEL).value(ui, "Protected columns", |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
            for name in &state.drafts.frame.protected {
                let chip = yard_ui::Chip::neutral(Icon::ShieldCheck, name.as_str()).button();
                if chip.tooltip(format!("Stop comparing the groups of {name}")).show(ui).clicked() {
                    removed = Some(name.clone());
                }
            }
            let add = text::link(ui, "Add column");
            let candidates = candidates(state);
            yard_ui::overlay::menu(&add, 200.0, |ui| {
                for name in &candidates {
                    if yard_ui::overlay::menu_item(ui, Icon::ShieldCheck, name, "").clicked() {
                        added = Some(name.clone());
                    }
                }
            });
        });
    });
    if removed.is_none() && added.is_none() {
        return false;
    }
    state.before_edit("protected columns");
    if let Some(name) = removed {
        state.drafts.frame.protected.retain(|own| *own != name);
    }
    state.drafts.frame.protected.extend(added);
    true
}

/// Columns with few groups that are not protected yet.
fn candidates(state: &StudioState) -> Vec<String> {
    let Some(dataset) = state.project.dataset() else { return Vec::new() };
    let few = |name: &str| {
        dataset
            .profile
            .columns
            .iter()
            .any(|column| column.name == name && (2..=20).contains(&column.distinct))
    };
    dataset
        .schema
        .fields
        .iter()
        .filter(|field| matches!(field.role, Role::Feature | Role::Sensitive | Role::Dropped))
        .filter(|field| field.field_type != FieldType::Text && few(&field.name))
        .map(|field| field.name.clone())
        .filter(|name| !state.drafts.frame.protected.contains(name))
        .collect()
}
