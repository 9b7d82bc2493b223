//! Matrices of counts: the 2 × 2 with costs, and k × k as heat.
//!
//! Knows no statistics: rows, columns and the words in the cells come from the caller. Colour is the
//! share of the row, so that a rare class is as readable as a common one.

use egui::{
    Align, Align2, CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    fmt,
    fonts::Type,
    paint,
    space::{RADIUS_CONTROL, S4, S8},
    tokens::tokens,
};

/// One cell of a 2 × 2 matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatrixCell {
    /// The count.
    pub count: u64,
    /// Its short name at the right ("TN").
    pub name: String,
    /// What it costs, written out ("45 × 5 = 225").
    pub cost: String,
}

/// A 2 × 2 matrix with costs.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct CostMatrix<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// Words over the columns: what was decided.
    pub columns: [&'a str; 2],
    /// Words before the rows: what was so.
    pub rows: [&'a str; 2],
    /// Cells by row and column.
    pub cells: [[MatrixCell; 2]; 2],
    /// The selected cell, as row and column.
    pub selected: Option<(usize, usize)>,
}

impl CostMatrix<'_> {
    /// Draws the matrix over the available width, cells 64 high; returns the cell that was clicked.
    pub fn show(self, ui: &mut Ui) -> Option<(usize, usize)> {
        let t = tokens(ui);
        let painter = ui.painter();
        let side =
            self.rows.iter().map(|word| paint::text_width(painter, word, Type::Caption)).fold(0.0, f32::max)
                + S8;
        let width = ((ui.available_width() - side - S4) / 2.0).max(72.0);
        let height = 64.0;
        let (rect, _) =
            ui.allocate_exact_size(vec2(side + 2.0 * width + S4, 20.0 + 2.0 * height + S4), Sense::hover());
        let most = self.cells.iter().flatten().map(|cell| cell.count).max().unwrap_or(0).max(1);
        let mut clicked = None;
        for (row, cells) in self.cells.iter().enumerate() {
            let top = rect.top() + 20.0 + row as f32 * (height + S4);
            paint::text_at(
                ui.painter(),
                pos2(rect.left(), top + height / 2.0),
                Align2::LEFT_CENTER,
                self.rows[row],
                Type::Caption,
                t.text_2,
            );
            for (column, cell) in cells.iter().enumerate() {
                let left = rect.left() + side + column as f32 * (width + S4);
                if row == 0 {
                    let at = pos2(left, rect.top() + 8.0);
                    paint::text_at(
                        ui.painter(),
                        at,
                        Align2::LEFT_CENTER,
                        self.columns[column],
                        Type::Caption,
                        t.text_2,
                    );
                }
                let place = Rect::from_min_size(pos2(left, top), vec2(width, height));
                let response = self.cell_ui(ui, place, (row, column), cell.count as f64 / most as f64);
                if response.clicked() {
                    clicked = Some((row, column));
                }
            }
        }
        clicked
    }

    fn cell_ui(&self, ui: &Ui, place: Rect, (row, column): (usize, usize), share: f64) -> Response {
        let cell = &self.cells[row][column];
        let id = ui.scope_id().with((self.name, row, column));
        let response = ui.interact(place, id, Sense::click());
        let spoken = format!(
            "{}, {} {}: {}, {}",
            cell.name,
            self.rows[row],
            self.columns[column],
            fmt::count(cell.count),
            cell.cost
        );
        let selected = self.selected == Some((row, column));
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &spoken));
        let (fill, text) = tokens(ui).sequential(share);
        ui.painter().rect_filled(place, CornerRadius::same(RADIUS_CONTROL), fill);
        let inner = place.shrink2(vec2(8.0, 8.0));
        paint::text_at(
            ui.painter(),
            inner.left_top() + vec2(0.0, 8.0),
            Align2::LEFT_CENTER,
            &fmt::count(cell.count),
            Type::Mono,
            text,
        );
        paint::text_at(
            ui.painter(),
            inner.right_top() + vec2(0.0, 8.0),
            Align2::RIGHT_CENTER,
            &cell.name,
            Type::Caption,
            text,
        );
        let cost = paint::fitted(ui.painter(), &cell.cost, Type::Caption, text, inner.width());
        paint::galley_at(ui.painter(), inner.left_bottom() - vec2(0.0, 8.0), Align2::LEFT_CENTER, cost);
        outline(ui, place, selected, &response);
        response
    }
}

fn outline(ui: &Ui, place: Rect, selected: bool, response: &Response) {
    let t = tokens(ui);
    if selected || response.hovered() {
        let stroke =
            Stroke::new(if selected { 2.0 } else { 1.0 }, if selected { t.accent } else { t.border_strong });
        ui.painter().rect_stroke(place, CornerRadius::same(RADIUS_CONTROL), stroke, StrokeKind::Outside);
    }
    paint::focus_ring(ui, place, RADIUS_CONTROL, response);
}

/// A k × k matrix of counts as heat: rows are what was so, columns what was predicted.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct HeatMatrix<'a> {
    /// Accessible name.
    pub name: &'a str,
    /// Words of the classes, for rows and columns.
    pub classes: &'a [String],
    /// Counts by row and column; rows that are too short count as 0.
    pub counts: &'a [Vec<u64>],
    /// The selected cell.
    pub selected: Option<(usize, usize)>,
}

impl HeatMatrix<'_> {
    /// Draws the matrix over the available width; returns the cell that was clicked.
    pub fn show(self, ui: &mut Ui) -> Option<(usize, usize)> {
        let classes = self.classes.len();
        if classes == 0 {
            return None;
        }
        let t = tokens(ui);
        let widest = self
            .classes
            .iter()
            .map(|word| paint::text_width(ui.painter(), word, Type::Caption))
            .fold(0.0, f32::max);
        let side = widest.min(112.0) + S8;
        let width = ((ui.available_width() - side) / classes as f32).clamp(28.0, 120.0);
        let height = width.clamp(20.0, 32.0);
        let (rect, _) = ui.allocate_exact_size(
            vec2(side + width * classes as f32, 20.0 + height * classes as f32),
            Sense::hover(),
        );
        let mut clicked = None;
        for row in 0..classes {
            let total: u64 = (0..classes).map(|column| self.count(row, column)).sum();
            let top = rect.top() + 20.0 + row as f32 * height;
            let word = paint::fitted(ui.painter(), &self.classes[row], Type::Caption, t.text_2, side - S8);
            paint::galley_at(ui.painter(), pos2(rect.left(), top + height / 2.0), Align2::LEFT_CENTER, word);
            for column in 0..classes {
                let place = Rect::from_min_size(
                    pos2(rect.left() + side + column as f32 * width, top),
                    vec2(width - 2.0, height - 2.0),
                );
                if row == 0 {
                    let word = paint::fitted(
                        ui.painter(),
                        &self.classes[column],
                        Type::Caption,
                        t.text_2,
                        width - 4.0,
                    );
                    paint::galley_at(
                        ui.painter(),
                        pos2(place.center().x, rect.top() + 8.0),
                        Align2::CENTER_CENTER,
                        word,
                    );
                }
                if self.cell_ui(ui, place, (row, column), total).clicked() {
                    clicked = Some((row, column));
                }
            }
        }
        clicked
    }

    fn count(&self, row: usize, column: usize) -> u64 {
        self.counts.get(row).and_then(|counts| counts.get(column)).copied().unwrap_or(0)
    }

    fn cell_ui(&self, ui: &Ui, place: Rect, (row, column): (usize, usize), total: u64) -> Response {
        let count = self.count(row, column);
        let share = count as f64 / total.max(1) as f64;
        let response = ui.interact(place, ui.scope_id().with((self.name, row, column)), Sense::click());
        let spoken = format!(
            "{} predicted as {}: {} of {}",
            self.classes[row],
            self.classes[column],
            fmt::count(count),
            fmt::count(total)
        );
        let selected = self.selected == Some((row, column));
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &spoken));
        let (fill, text) = tokens(ui).sequential(share);
        ui.painter().rect_filled(place, CornerRadius::same(2), fill);
        let galley = paint::fitted(ui.painter(), &fmt::count(count), Type::MonoSmall, text, place.width());
        paint::galley_at(ui.painter(), place.center(), Align2::CENTER_CENTER, galley);
        outline(ui, place, selected, &response);
        response.on_hover_text(spoken)
    }
}

/// The colour scale as a row of steps with words at both ends.
pub fn scale_legend(ui: &mut Ui, low: &str, high: &str) {
    ui.with_layout(egui::Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = S4;
        crate::text::note(ui, low);
        let (rect, _) = ui.allocate_exact_size(vec2(144.0, 12.0), Sense::hover());
        let t = tokens(ui);
        for (at, colour) in t.sequential.iter().enumerate() {
            let step = Rect::from_min_size(rect.min + vec2(at as f32 * 24.0, 0.0), vec2(24.0, 12.0));
            ui.painter().rect_filled(step, CornerRadius::ZERO, *colour);
        }
        crate::text::note(ui, high);
    });
}
