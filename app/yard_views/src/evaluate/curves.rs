//! ROC, precision-recall and calibration for classes; importance of the fields for all tasks.

use crate::words;
use yard_state::state::StudioState;
use yard_types::evaluation::{CurvePoint, Evaluation};
use yard_ui::{
    fmt, marks,
    plot::presets::{self, Curve, Group},
    space, text, tokens,
};

/// Fields listed.
const FIELDS: usize = 9;

/// Draws the row of curves.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, evaluation: &Evaluation) {
    if evaluation.roc.is_empty() {
        importance_ui(ui, state, evaluation);
        return;
    }
    let width = (ui.available_width() - 2.0 * space::S24) / 3.0;
    crate::layout::two(ui, width, space::S24, |ui, side| match side {
        crate::layout::Side::Left => roc_ui(ui, evaluation),
        crate::layout::Side::Right => {
            crate::layout::two(ui, width, space::S24, |ui, side| match side {
                crate::layout::Side::Left => calibration_ui(ui, evaluation),
                crate::layout::Side::Right => importance_ui(ui, state, evaluation),
            });
        }
    });
    if !evaluation.precision_recall.is_empty() {
        ui.add_space(space::S16);
        crate::layout::two(ui, width, space::S24, |ui, side| match side {
            crate::layout::Side::Left => precision_recall_ui(ui, evaluation),
            crate::layout::Side::Right => latency_ui(ui, evaluation),
        });
    }
}

fn line(points: &[CurvePoint]) -> Vec<[f64; 2]> {
    points.iter().map(|point| [point.x, point.y]).collect()
}

/// The point of a curve at the evaluation's threshold: the last one whose threshold is at or above it.
fn operating(points: &[CurvePoint], threshold: Option<f64>) -> Option<[f64; 2]> {
    let threshold = threshold?;
    points.iter().rev().find(|point| point.threshold >= threshold).map(|point| [point.x, point.y])
}

fn roc_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    let name = format!("model {}", fmt::metric(evaluation.metric("roc_auc")));
    let note = format!("n = {}", fmt::count(evaluation.rows));
    let curve = Curve { name, colour: tokens(ui).series(0), points: line(&evaluation.roc) };
    presets::roc(&note, vec![curve], operating(&evaluation.roc, evaluation.threshold)).height(216.0).show(ui);
}

fn precision_recall_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    let base = evaluation.positives as f64 / evaluation.rows.max(1) as f64;
    let name = format!("model {}", fmt::metric(evaluation.metric("average_precision")));
    let note = format!("base rate {}", fmt::percent(base));
    let curve = Curve { name, colour: tokens(ui).series(0), points: line(&evaluation.precision_recall) };
    let at = operating(&evaluation.precision_recall, evaluation.threshold);
    presets::precision_recall(&note, vec![curve], base, at).height(216.0).show(ui);
}

fn calibration_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    let groups: Vec<Group> = evaluation
        .calibration
        .iter()
        .map(|own| Group { predicted: own.predicted, observed: own.observed, interval: (own.low, own.high) })
        .collect();
    let each = evaluation.calibration.first().map_or(0, |own| own.rows);
    let ece = fmt::metric(evaluation.metric("ece"));
    let note = format!("{} groups of about {}, Wilson 95 %; ECE {ece}", groups.len(), fmt::count(each));
    presets::calibration("Calibration, observed rate", &note, tokens(ui).series(0), &groups)
        .height(216.0)
        .show(ui);
}

fn importance_ui(ui: &mut egui::Ui, state: &StudioState, evaluation: &Evaluation) {
    let metric = words::metric_label(words::chosen_metric(&state.project)).to_owned();
    text::small_strong(ui, "Importance, by permutation");
    let total = evaluation.importance.len();
    text::note(ui, format!("worsening of {metric}; {} of {total} fields", total.min(FIELDS)));
    ui.add_space(space::S8);
    if evaluation.importance.is_empty() {
        text::paragraph(ui, "Not computed for this evaluation.");
        return;
    }
    let colour = tokens(ui).series(0);
    let decimals = decimals_for(evaluation.importance.iter().take(FIELDS).map(|own| own.value));
    let bars: Vec<marks::Bar> = evaluation
        .importance
        .iter()
        .take(FIELDS)
        .map(|own| {
            marks::Bar::new(own.field.as_str(), own.value.max(0.0), fmt::fixed(own.value, decimals))
                .colour(colour)
                .interval((own.value - own.sd).max(0.0), own.value + own.sd)
        })
        .collect();
    marks::bar_list(ui, "Importance", (108.0, 22.0), &bars);
}

/// Returns the decimals that give the largest value three digits: a column has the same in all rows.
fn decimals_for(values: impl Iterator<Item = f64>) -> usize {
    let largest = values.fold(0.0_f64, |all, value| all.max(value.abs()));
    if largest > 0.0 { (2.0 - largest.log10().floor()).clamp(0.0, 6.0) as usize } else { 3 }
}

fn latency_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    text::small_strong(ui, "One row in this process");
    text::note(ui, "the same scorer as the server, without the network");
    ui.add_space(space::S8);
    if let Some(latency) = evaluation.latency {
        yard_ui::key_value(ui, "p50", &format!("{} µs", fmt::fixed(latency.p50_us, 1)));
        yard_ui::key_value(ui, "p95", &format!("{} µs", fmt::fixed(latency.p95_us, 1)));
        yard_ui::key_value(ui, "p99", &format!("{} µs", fmt::fixed(latency.p99_us, 1)));
    }
    yard_ui::key_value(ui, "Model size", &fmt::bytes(evaluation.size_bytes));
}

#[cfg(test)]
mod tests {
    use super::decimals_for;

    #[test]
    fn a_column_has_the_decimals_of_its_largest_value() {
        assert_eq!(decimals_for([0.142, 0.0058].into_iter()), 3);
        assert_eq!(decimals_for([0.0142, 0.000_58].into_iter()), 4);
        assert_eq!(decimals_for([1_420.0, 12.0].into_iter()), 0);
        assert_eq!(decimals_for([0.0, 0.0].into_iter()), 3);
    }
}
