//! The points of a scorecard, as a bank prints them: one row a bin, the points beside a bar, the share of
//! training rows. Nothing for other families.

use super::{focus, model_of};
use yard_state::state::StudioState;
use yard_types::run::{BinPoints, Points};
use yard_ui::{Cell, Column, Table, fmt, section, space};

/// Rows before the table scrolls inside itself.
const MOST_ROWS: usize = 18;

/// Draws the table of the run in focus.
pub(super) fn show(ui: &mut egui::Ui, state: &StudioState) {
    let model = focus(state).and_then(|run| model_of(state, run.id));
    let Some(points) = model.and_then(|model| model.points.as_deref()) else { return };
    ui.add_space(space::S24);
    section(ui, "Scorecard", &note(points));
    let rows: Vec<(&str, &BinPoints)> = points
        .features
        .iter()
        .flat_map(|own| {
            let name = |at: usize| if at == 0 { own.feature.as_str() } else { "" };
            own.bins.iter().enumerate().map(move |(at, bin)| (name(at), bin))
        })
        .collect();
    let columns = [
        Column::new("Feature", 200.0),
        Column::rest("Bin", 200.0),
        Column::new("Points", 72.0).right(),
        Column::new("Rows, %", 72.0).right().tooltip("Share of the training rows"),
    ];
    Table::new("Scorecard", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len().clamp(1, MOST_ROWS)))
        .show(ui, |row, column| {
            let (feature, bin) = rows[row];
            match column {
                0 => Cell::text(feature),
                1 => Cell::text(bin.bin.as_str()),
                2 => Cell::number(fmt::difference(bin.points as f64, 0)),
                _ => Cell::number(fmt::fixed(bin.share * 100.0, 1)),
            }
        });
}

/// "every row gets 412 points; 40 more double the odds".
fn note(points: &Points) -> String {
    // A true minus, as in the table.
    let base = format!("every row gets {} points", points.base).replace('-', "−");
    match points.doubling {
        Some(doubling) => format!("{base}; {} more double the odds", fmt::significant(doubling, 3)),
        None => format!("{base}; one point is {} of the target", fmt::significant(points.point, 3)),
    }
}
