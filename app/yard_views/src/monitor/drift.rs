//! The drift table of the newest window and the inspector of one field.

use yard_state::{route::Selection, state::StudioState};
use yard_types::monitor::{DriftFigure, MonitorReport, Window};
use yard_ui::{Cell, Chip, Column, Status, Table, fmt, marks, section, space, text, tokens};

/// The newest window with drift figures.
fn newest(report: &MonitorReport) -> Option<(usize, &Window)> {
    report.windows.iter().enumerate().rev().find(|(_, window)| !window.drift.is_empty())
}

fn psi(window: &Window) -> Vec<&DriftFigure> {
    let mut rows: Vec<&DriftFigure> = window.drift.iter().filter(|own| own.method == "psi").collect();
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    rows
}

/// Draws the table, largest PSI first.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, report: &MonitorReport) {
    let Some((at, window)) = newest(report) else {
        section(ui, "Drift", "");
        text::paragraph(
            ui,
            "A window needs 500 rows before its distribution is compared with the training sample.",
        );
        return;
    };
    let version = if window.version == 0 { String::new() } else { format!(" of version {}", window.version) };
    let rows = fmt::count(window.requests);
    let note = format!("window {}{version}, n = {rows}; blue reference, orange now", at + 1);
    section(ui, "Drift", &note);
    let rows = psi(window);
    let selected = match &state.selection {
        Selection::Drift(field) => rows.iter().position(|own| own.field == *field),
        _ => None,
    };
    let columns = [
        Column::rest("Field", 96.0),
        Column::new("Reference, now", 100.0),
        Column::new("PSI", 58.0).right(),
        Column::new("Import., %", 68.0).right(),
        Column::new("State", 72.0),
    ];
    let response = Table::new("Drift", &columns)
        .rows(rows.len())
        .height(crate::start::table_height(rows.len().clamp(1, 14)))
        .selected(selected)
        .show(ui, |row, column| {
            let own = rows[row];
            match column {
                0 => Cell::text(own.field.clone()),
                1 => shares_cell(own),
                2 => Cell::number(fmt::metric(own.value)),
                3 => Cell::number_opt(own.importance.map(|share| fmt::fixed(share * 100.0, 1))),
                _ => state_cell(own, window.requests),
            }
        });
    if let Some(own) = response.selected.and_then(|row| rows.get(row)) {
        state.selection = Selection::Drift(own.field.clone());
    }
}

fn shares_cell<'a>(own: &DriftFigure) -> Cell<'a> {
    if own.reference.is_empty() {
        return Cell::missing();
    }
    let words = format!("{}: shares of {} bins, reference and now", own.field, own.reference.len());
    let histogram =
        marks::Histogram::new(marks::Bars::Grouped, vec![own.reference.clone(), own.current.clone()]);
    Cell::histogram(histogram, words)
}

fn state_cell<'a>(own: &DriftFigure, rows: u64) -> Cell<'a> {
    match (own.alert, rows < 500, own.value > own.threshold) {
        (_, true, _) => Cell::status(Status::Idle, "few rows"),
        (true, _, _) => Cell::status(Status::Warn, "high"),
        (false, _, true) => Cell::status(Status::Info, "watch"),
        _ => Cell::status(Status::Ok, "ok"),
    }
}

/// The inspector of the selected field, else of the one that moved most.
pub(super) fn inspector(ui: &mut egui::Ui, state: &StudioState) {
    let figure = state.project.monitor.as_ref().and_then(|report| newest(report)).and_then(|(_, window)| {
        let rows = psi(window);
        let wanted = match &state.selection {
            Selection::Drift(field) => rows.iter().find(|own| own.field == *field).copied(),
            _ => None,
        };
        wanted.or(rows.first().copied()).map(|own| (own.clone(), window.clone()))
    });
    let Some((own, window)) = figure else {
        text::note(ui, "Field");
        text::strong(ui, "No window yet");
        text::paragraph(ui, "Fields are compared with the training sample that travels in the package.");
        return;
    };
    let chip = if own.alert { (Status::Warn, "high drift") } else { (Status::Ok, "ok") };
    yard_ui::inspector_head(ui, "Field", &own.field, |ui| Chip::new(chip.0, chip.1).show(ui));
    yard_ui::inspector_section(ui, "Share of rows, %", |ui| shares_ui(ui, &own));
    yard_ui::inspector_section(ui, "Distance", |ui| {
        yard_ui::key_value(ui, "PSI", &fmt::metric(own.value));
        yard_ui::key_value(ui, "Threshold, 99 % of no drift", &fmt::metric(own.threshold));
        yard_ui::key_value(ui, "Importance", &own.importance.map_or(fmt::MISSING.to_owned(), fmt::percent));
        for rate in window.drift.iter().filter(|rate| rate.field == own.field && rate.method != "psi") {
            yard_ui::key_value(ui, &rate.method.replace('_', " "), &fmt::percent(rate.value));
        }
    });
    yard_ui::inspector_section(ui, "Explain", |ui| {
        text::paragraph(ui, explain(&own));
    });
}

fn shares_ui(ui: &mut egui::Ui, own: &DriftFigure) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        yard_ui::legend(ui, t.series(0), "reference");
        yard_ui::legend(ui, t.series(1), "now");
    });
    let label = |at: usize| own.bins.get(at).cloned().unwrap_or_else(|| format!("bin {}", at + 1));
    let mut bars = Vec::new();
    for at in 0..own.reference.len().min(10) {
        let now = own.current.get(at).copied().unwrap_or(0.0);
        bars.push(
            marks::Bar::new(label(at), own.reference[at], fmt::fixed(own.reference[at] * 100.0, 1))
                .colour(t.series(0)),
        );
        bars.push(marks::Bar::new(String::new(), now, fmt::fixed(now * 100.0, 1)).colour(t.series(1)));
    }
    marks::bar_list(ui, "Shares, reference and now", (104.0, 16.0), &bars);
    ui.add_space(space::S4);
}

/// What moved, from the bins: the one that gained and the one that lost most.
fn explain(own: &DriftFigure) -> String {
    let change = |at: usize| own.current.get(at).copied().unwrap_or(0.0) - own.reference[at];
    let ends = (0..own.reference.len()).fold(None, |ends: Option<(usize, usize)>, at| match ends {
        None => Some((at, at)),
        Some((up, down)) => Some((
            if change(at) > change(up) { at } else { up },
            if change(at) < change(down) { at } else { down },
        )),
    });
    let Some((up, down)) = ends else { return "The reference holds no bins for this field.".to_owned() };
    let label = |at: usize| own.bins.get(at).cloned().unwrap_or_else(|| format!("bin {}", at + 1));
    let verdict = if own.value > own.threshold {
        "That is more than chance gives in 99 of 100 windows of this size."
    } else {
        "That is within what chance gives."
    };
    format!(
        "Most gained: {} ({} points). Most lost: {} ({} points). {verdict}",
        label(up),
        fmt::difference(change(up) * 100.0, 1),
        label(down),
        fmt::difference(change(down) * 100.0, 1)
    )
}
