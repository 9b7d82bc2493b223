//! Cost by threshold with its handle, and the confusion matrix with the sum written out; for numbers the
//! residuals.

use super::View;
use crate::layout::{self, Side};
use yard_state::state::StudioState;
use yard_types::{
    command::Command,
    evaluation::{Confusion, Evaluation},
    frame::{Frame, Task},
};
use yard_ui::{
    Axis, Line, Plot, fmt,
    matrix::{CostMatrix, HeatMatrix, MatrixCell},
    plot::{Handle, Points, Reference, presets},
    space, text, tokens,
};

/// Draws the part that fits the task.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View, evaluation: &Evaluation) {
    let Some(frame) = state.project.frame.clone() else { return };
    match frame.task {
        Task::Binary => binary_ui(ui, state, view, (evaluation, &frame)),
        Task::Multiclass => {
            if let Some(confusion) = &evaluation.confusion {
                text::small_strong(ui, "Confusion matrix, rows by true class");
                text::note(
                    ui,
                    format!("largest probability names the class; n = {}", fmt::count(evaluation.rows)),
                );
                ui.add_space(space::S8);
                HeatMatrix {
                    name: "Confusion matrix",
                    classes: &confusion.labels,
                    counts: &confusion.counts,
                    selected: None,
                }
                .show(ui);
            }
        }
        Task::Regression => residuals_ui(ui, evaluation, &frame),
    }
}

fn binary_ui(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    view: &mut View,
    (evaluation, frame): (&Evaluation, &Frame),
) {
    let width = ui.available_width();
    layout::two(ui, width * 0.63, space::S32, |ui, side| match side {
        Side::Left => cost_ui(ui, state, view, (evaluation, frame)),
        Side::Right => {
            if let Some(confusion) = &evaluation.confusion {
                confusion_ui(ui, evaluation, frame, confusion);
            }
        }
    });
}

fn cost_ui(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    view: &mut View,
    (evaluation, frame): (&Evaluation, &Frame),
) {
    if evaluation.cost_curve.is_empty() {
        return;
    }
    let t = tokens(ui);
    let by_costs = frame.threshold();
    let set = state.project.thresholds.get(&evaluation.model).copied();
    let now = view.dragged.or(set).or(evaluation.threshold).unwrap_or(by_costs);
    let nearest = evaluation
        .cost_curve
        .iter()
        .min_by(|a, b| (a.threshold - now).abs().total_cmp(&(b.threshold - now).abs()));
    let cost_now = nearest.map_or(f64::NAN, |point| point.cost * 1000.0);
    let points = evaluation.cost_curve.iter().map(|own| [own.threshold, own.cost * 1000.0]).collect();
    let band = evaluation
        .cost_curve
        .iter()
        .map(|own| [own.threshold, own.low * 1000.0, own.high * 1000.0])
        .collect();
    let name = state
        .project
        .models
        .get(&evaluation.model)
        .map_or("model".to_owned(), |model| format!("run {}", model.run));
    let line = Line::new(name, t.series(0), points).band(band);
    let costs = frame.costs_or_default();
    let unit = if frame.unit.is_empty() { "rows" } else { &frame.unit };
    let title = format!("Expected cost per 1 000 {unit}s, lower is better");
    let note = format!(
        "false positive {}, false negative {}; band 95 % bootstrap; n = {}",
        costs.false_positive,
        costs.false_negative,
        fmt::count(evaluation.rows)
    );
    let handle = Handle {
        x: now,
        range: (0.0, 1.0),
        label: format!("threshold {}, cost {}", fmt::metric(now), fmt::fixed(cost_now, 0)),
    };
    let baselines = baselines(evaluation);
    let borrowed: Vec<(String, f64)> = baselines;
    let response = presets::cost(&title, &note, vec![line], borrowed, handle).height(248.0).show(ui);
    if let Some(x) = response.handle {
        view.dragged = Some(x);
    }
    threshold_ui(ui, state, view, (evaluation, by_costs));
}

fn baselines(evaluation: &Evaluation) -> Vec<(String, f64)> {
    let Some(cost) = &evaluation.expected_cost else { return Vec::new() };
    let mut list = vec![
        ("do nothing".to_owned(), cost.do_nothing * 1000.0),
        ("act on all".to_owned(), cost.always * 1000.0),
    ];
    if let Some(rule) = &cost.best_rule {
        list.push(("best rule".to_owned(), rule.cost * 1000.0));
    }
    list
}

/// Sets the dragged threshold, or goes back to the one that the costs give.
fn threshold_ui(
    ui: &mut egui::Ui,
    state: &mut StudioState,
    view: &mut View,
    (evaluation, by_costs): (&Evaluation, f64),
) {
    ui.horizontal(|ui| {
        if let Some(dragged) = view.dragged {
            let word = format!("Set threshold {}", fmt::metric(dragged));
            if yard_ui::Button::secondary(word).show(ui).clicked() {
                state.before_edit("threshold");
                state.send(Command::SetThreshold { model: evaluation.model, threshold: Some(dragged) });
                view.dragged = None;
            }
        }
        let moved = view.dragged.is_some() || state.project.thresholds.contains_key(&evaluation.model);
        let word = format!("Back to {} from the costs", fmt::metric(by_costs));
        if moved && yard_ui::Button::quiet(word).show(ui).clicked() {
            view.dragged = None;
            if state.project.thresholds.contains_key(&evaluation.model) {
                state.before_edit("threshold");
                state.send(Command::SetThreshold { model: evaluation.model, threshold: None });
            }
        }
    });
}

fn confusion_ui(ui: &mut egui::Ui, evaluation: &Evaluation, frame: &Frame, confusion: &Confusion) {
    let [negative_row, positive_row] = confusion.counts.as_slice() else { return };
    let (&[tn, fp], &[fn_, tp]) = (negative_row.as_slice(), positive_row.as_slice()) else { return };
    let costs = frame.costs_or_default();
    let action = if frame.action.is_empty() { "act" } else { &frame.action };
    let waiting = format!("no {action}");
    let words = |count: u64, cost: f64| {
        if cost == 0.0 {
            "cost 0".to_owned()
        } else {
            format!("{} × {cost} = {}", fmt::count(count), crate::words::amount(count as f64 * cost))
        }
    };
    let cell = |count: u64, name: &str, cost: f64| MatrixCell {
        count,
        name: name.to_owned(),
        cost: words(count, cost),
    };
    let threshold = evaluation.threshold.unwrap_or(0.5);
    text::small_strong(ui, "Confusion matrix");
    text::note(ui, format!("threshold {}, n = {}", fmt::metric(threshold), fmt::count(evaluation.rows)));
    let classes = [
        frame.classes.first().map_or("negative", String::as_str),
        frame.classes.get(1).map_or("positive", String::as_str),
    ];
    CostMatrix {
        name: "Confusion matrix",
        columns: [waiting.as_str(), action],
        rows: classes,
        cells: [
            [cell(tn, "TN", costs.true_negative), cell(fp, "FP", costs.false_positive)],
            [cell(fn_, "FN", costs.false_negative), cell(tp, "TP", costs.true_positive)],
        ],
        selected: None,
    }
    .show(ui);
    let sum = tn as f64 * costs.true_negative
        + fp as f64 * costs.false_positive
        + fn_ as f64 * costs.false_negative
        + tp as f64 * costs.true_positive;
    let each = sum / evaluation.rows.max(1) as f64 * 1000.0;
    ui.add_space(space::S4);
    text::mono(
        ui,
        format!(
            "{} / {} rows = {} per 1 000",
            crate::words::amount(sum),
            fmt::count(evaluation.rows),
            fmt::fixed(each, 0)
        ),
    );
}

fn residuals_ui(ui: &mut egui::Ui, evaluation: &Evaluation, frame: &Frame) {
    let t = tokens(ui);
    let points: Vec<[f64; 2]> = evaluation.residuals.iter().map(|own| [own.actual, own.predicted]).collect();
    let errors: Vec<[f64; 2]> =
        evaluation.residuals.iter().map(|own| [own.predicted, own.actual - own.predicted]).collect();
    let shown = points.len() as u64;
    let note = if shown < evaluation.rows {
        format!("{} of {} rows, drawn evenly", fmt::count(shown), fmt::count(evaluation.rows))
    } else {
        format!("n = {}", fmt::count(evaluation.rows))
    };
    let (actual, predicted) = (format!("{}, true", frame.target), format!("{}, predicted", frame.target));
    let width = (ui.available_width() - space::S24) / 2.0;
    layout::two(ui, width, space::S24, |ui, side| match side {
        Side::Left => {
            presets::scatter(
                "Predicted over true",
                &note,
                (Axis::new(&actual), Axis::new(&predicted)),
                Points::new("rows", t.series(0), points.clone()),
            )
            .reference(Reference::diagonal("exact"))
            .height(280.0)
            .show(ui);
        }
        Side::Right => {
            Plot::new("Residual, true less predicted", Axis::new(&predicted), Axis::new("residual"))
                .note(&note)
                .points(Points::new("rows", t.series(0), errors.clone()))
                .reference(Reference::horizontal(0.0, "none"))
                .height(280.0)
                .show(ui);
        }
    });
}
