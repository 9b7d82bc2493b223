//! The visible cells of a grid, the cursor, the selection by mouse, the cell inspector.

use egui::{
    Align, Area, CornerRadius, Frame as Box, Key, Margin, Order, Rect, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{Cell, Frame, GridResponse, GridState, Kind, RowSet};
use crate::{
    fmt,
    fonts::Type,
    paint, show,
    space::{RADIUS_CARD, S12},
    text,
    theme::shadow,
    tokens::tokens,
};

pub(super) fn show(
    frame: &Frame<'_>,
    ui: &mut Ui,
    (state, outcome): (&mut GridState, &mut GridResponse),
    cell: &mut impl FnMut(usize, usize) -> Option<Cell<'static>>,
) {
    let geometry = frame.geometry;
    let clip = geometry.body.intersect(ui.clip_rect());
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(geometry.body));
    inside.set_clip_rect(clip);
    let first = frame.scroll.top.min(geometry.rows);
    let count = (geometry.body.height() / geometry.row_height).ceil().max(0.0) as usize;
    outcome.rows = (first, (first + count).min(geometry.rows));
    outcome.columns = frame.seen();
    let (from, to) = outcome.columns;
    for row in outcome.rows.0..outcome.rows.1 {
        let y = geometry.body.top() + (row - first) as f32 * geometry.row_height;
        let rect = Rect::from_min_size(
            pos2(geometry.body.left(), y),
            vec2(geometry.body.width(), geometry.row_height),
        );
        let mut words = Vec::new();
        row_ground(&inside, (row, rect), state);
        // The frozen columns last, over those that have scrolled below them.
        for place in (from..to).chain(0..frame.places.frozen) {
            let column = frame.places.shown[place];
            let content = cell(row, column);
            outcome.loading |= content.is_none();
            words.push(content.as_ref().map_or_else(|| "loading".to_owned(), |cell| cell.text.to_string()));
            cell_ui(frame, &inside, (rect, place), content.as_ref());
        }
        // Read from left to right.
        let frozen = frame.places.frozen.min(words.len());
        words.rotate_right(frozen);
        row_ui(frame, &inside, (row, rect), (state, outcome), &words);
    }
    frozen_edge(frame, &inside);
    cursor_ui(frame, &inside, (state, outcome), cell);
}

fn row_ground(ui: &Ui, (row, rect): (usize, Rect), state: &GridState) {
    let t = tokens(ui);
    if state.selected.contains(row) {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, t.selected);
    } else if ui.rect_contains_pointer(rect) {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, t.hover);
    }
    let y = paint::crisp(ui.painter(), rect.bottom() - 0.5);
    ui.painter().hline(rect.x_range(), y, Stroke::new(paint::hairline(ui), t.faded(t.border, 0.45)));
}

/// Paints a cell, or a grey bar while it is on its way.
fn cell_ui(frame: &Frame<'_>, ui: &Ui, (rect, place): (Rect, usize), content: Option<&Cell<'static>>) {
    let place_rect = frame.column_rect(place, rect.y_range());
    let align = match frame.grid.columns[frame.places.shown[place]].kind {
        Kind::Number => Align::Max,
        _ => Align::Min,
    };
    let clip = frame.clip(place).intersect(ui.clip_rect());
    let painter = ui.painter().with_clip_rect(clip);
    let Some(content) = content else {
        let width = (place_rect.width() - 16.0).max(8.0) * 0.6;
        let left =
            if align == Align::Max { place_rect.right() - 8.0 - width } else { place_rect.left() + 8.0 };
        let bar = Rect::from_min_size(pos2(left, place_rect.center().y - 4.0), vec2(width, 8.0));
        painter.rect_filled(bar, CornerRadius::same(2), tokens(ui).sunken);
        return;
    };
    content.paint_clipped(ui, &painter, place_rect, align);
}

/// One row as a control: a click selects, Shift a range, Ctrl one more.
fn row_ui(
    frame: &Frame<'_>,
    ui: &Ui,
    (row, rect): (usize, Rect),
    (state, outcome): (&mut GridState, &mut GridResponse),
    words: &[String],
) {
    let response = ui.interact(rect, outcome.response.id.with(("row", row)), Sense::CLICK);
    let selected = state.selected.contains(row);
    response.widget_info(|| {
        let spoken = format!("Row {}: {}", row + 1, words.join(", "));
        WidgetInfo::selected(Role::Row, true, selected, spoken)
    });
    if !response.clicked() {
        return;
    }
    outcome.response.request_focus();
    let modifiers = ui.input(|input| input.modifiers);
    let under = response.interact_pointer_pos().and_then(|at| place_at(frame, at.x));
    let place = under.or(state.cursor.map(|cursor| cursor.1)).unwrap_or(0);
    select(state, row, (modifiers.shift, modifiers.command));
    state.cursor = Some((row, place));
    if response.double_clicked() {
        state.inspecting = true;
    }
}

/// Selects `row` alone, or up to it with Shift, or it besides the others with Ctrl.
pub(super) fn select(state: &mut GridState, row: usize, (shift, command): (bool, bool)) {
    if shift {
        let (from, to) = (state.anchor.min(row), state.anchor.max(row) + 1);
        if !command {
            state.selected = RowSet::default();
        }
        state.selected.add(from, to);
        return;
    }
    if command {
        state.selected.toggle(row);
    } else {
        state.selected = RowSet::range(row, row + 1);
    }
    state.anchor = row;
}

/// The shown place at `x` on the screen.
fn place_at(frame: &Frame<'_>, x: f32) -> Option<usize> {
    let (from, to) = frame.seen();
    (0..frame.places.frozen)
        .chain(from..to)
        .find(|place| frame.column_rect(*place, egui::Rangef::EVERYTHING).x_range().contains(x))
}

fn frozen_edge(frame: &Frame<'_>, ui: &Ui) {
    if frame.places.frozen > 0 && frame.scroll.x > 0.0 {
        let x = frame.geometry.rect.left() + frame.places.frozen_width();
        let stroke = Stroke::new(1.0, tokens(ui).border_strong);
        ui.painter().vline(paint::crisp(ui.painter(), x), frame.geometry.body.y_range(), stroke);
    }
}

/// The frame of the cell that the keys move, and its inspector.
fn cursor_ui(
    frame: &Frame<'_>,
    ui: &Ui,
    (state, outcome): (&mut GridState, &GridResponse),
    cell: &mut impl FnMut(usize, usize) -> Option<Cell<'static>>,
) {
    let Some((row, place)) = state.cursor else {
        return;
    };
    let seen = (outcome.rows.0..outcome.rows.1).contains(&row);
    let (Some(column), true) = (frame.places.shown.get(place).copied(), seen) else {
        return;
    };
    let y = frame.geometry.body.top() + (row - outcome.rows.0) as f32 * frame.geometry.row_height;
    let rect = frame.column_rect(place, egui::Rangef::new(y, y + frame.geometry.row_height));
    let content = cell(row, column);
    let title = &frame.grid.columns[column].title;
    let value = content.as_ref().map_or("loading", |cell| cell.text.as_ref());
    let response = ui.interact(rect.shrink(1.0), outcome.response.id.with("cursor"), Sense::hover());
    let spoken = format!("{title}: {value}, row {}", row + 1);
    response.widget_info(|| WidgetInfo::labeled(Role::GridCell, true, &spoken));
    let clip = frame.clip(place).intersect(ui.clip_rect());
    let stroke = Stroke::new(if outcome.response.has_focus() { 2.0 } else { 1.0 }, tokens(ui).accent);
    let painter = ui.painter().with_clip_rect(clip);
    painter.rect_stroke(rect, CornerRadius::same(2), stroke, StrokeKind::Inside);
    if state.inspecting {
        inspector(ui, rect, (title, value, row), state);
    }
}

/// The whole content of a cell with its column and row, to be read and copied. Esc closes it.
fn inspector(ui: &Ui, at: Rect, (title, value, row): (&str, &str, usize), state: &mut GridState) {
    if ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape)) {
        state.inspecting = false;
        return;
    }
    let t = tokens(ui);
    let id = ui.scope_id().with("cell-inspector");
    Area::new(id).order(Order::Foreground).fixed_pos(at.left_bottom() + vec2(0.0, 4.0)).constrain(true).show(
        ui.ctx(),
        |ui| {
            Box::new()
                .fill(t.surface)
                .stroke(paint::border(ui))
                .corner_radius(RADIUS_CARD)
                .shadow(shadow(t))
                .inner_margin(Margin::same(S12 as i8))
                .show(ui, |ui| {
                    ui.set_width(320.0);
                    text::small_strong(ui, title);
                    text::note(ui, format!("row {}", fmt::count(row as u64 + 1)));
                    egui::ScrollArea::vertical().max_height(200.0).show(ui, |ui| {
                        let label = Type::Mono.rich(value).color(t.text);
                        ui.add(egui::Label::new(label).wrap().selectable(true));
                    });
                    show::copy_link(ui, value);
                });
        },
    );
}
