//! The model card as the receiver reads it: figures with intervals, fairness of the protected columns,
//! then the text of `card.md`.

use crate::words;
use yard_state::state::StudioState;
use yard_types::{evaluation::Evaluation, package::PackageRecord};
use yard_ui::{Cell, Column, Table, fmt, space, text};

/// Draws the card.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState, package: &PackageRecord) {
    ui.spacing_mut().item_spacing.y = space::S4;
    text::strong(ui, format!("{} version {}", package.name, package.version));
    let project = &state.project;
    if let (Some(model), Some(frame)) = (project.models.get(&package.model), &project.frame) {
        let sentence = if frame.decision.is_empty() {
            format!("{}. Predicts {}.", words::model_words(model), frame.target)
        } else {
            format!("{}. {}", words::model_words(model), frame.decision)
        };
        text::paragraph(ui, sentence);
    }
    if let Some(evaluation) = project.evaluation(package.model, "test") {
        figures_ui(ui, evaluation);
        fairness_ui(ui, evaluation);
    }
    markdown_ui(ui, &package.card);
}

fn figures_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    ui.add_space(space::S8);
    text::small_strong(ui, format!("Figures on the test split, n = {}", fmt::count(evaluation.rows)));
    for (name, value) in &evaluation.metrics {
        let label = format!("{} {}", words::metric_label(name), words::better(name).arrow());
        yard_ui::key_value(ui, &label, &words::metric_interval(name, value));
    }
}

fn fairness_ui(ui: &mut egui::Ui, evaluation: &Evaluation) {
    let rows: Vec<(String, &yard_types::evaluation::GroupRates)> = evaluation
        .fairness
        .iter()
        .flat_map(|own| {
            own.groups.iter().map(move |group| (format!("{} = {}", own.column, group.group), group))
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    ui.add_space(space::S8);
    text::small_strong(ui, "Fairness, protected columns");
    let columns = [
        Column::rest("Group", 110.0),
        Column::new("n", 52.0).right(),
        Column::new("Selected, %", 76.0).right(),
        Column::new("Missed, %", 70.0).right(),
    ];
    Table::new("Fairness", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len().min(8)))
        .show(ui, |row, column| {
            let (name, group) = &rows[row];
            match column {
                0 => Cell::text(name.clone()),
                1 => Cell::number(fmt::count(group.rows)),
                2 => Cell::number_opt(group.selection_rate.map(|rate| fmt::fixed(rate * 100.0, 1))),
                _ => Cell::number_opt(group.tpr.map(|rate| fmt::fixed((1.0 - rate) * 100.0, 1))),
            }
        });
    for own in &evaluation.fairness {
        if let Some(ratio) = own.demographic_parity_ratio {
            let look = if ratio < 0.8 { "; below 0.800: look closer" } else { "" };
            text::note(ui, format!("selection ratio {} by {}{look}", fmt::metric(ratio), own.column));
        }
    }
}

/// The text of `card.md` below its title, which stands above already.
fn markdown_ui(ui: &mut egui::Ui, card: &str) {
    let below = card.trim_start();
    let below =
        if below.starts_with("# ") { below.split_once('\n').map_or("", |(_, rest)| rest) } else { below };
    if below.trim().is_empty() {
        return;
    }
    yard_ui::divider(ui, space::S12);
    yard_ui::markdown::show(ui, below, |_| {});
}
