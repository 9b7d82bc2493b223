//! The header of a grid: type icon, title, order, mini histogram, filter field; resizing and moving by
//! the mouse; a menu with everything for the keyboard.

use egui::{
    Align2, CornerRadius, CursorIcon, Popup, Rect, Response, Role, Sense, SetOpenCommand, Stroke, TextEdit,
    Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::{Frame, GLYPH, GridEvent, GridResponse, GridState, HISTOGRAM};
use crate::{
    Icon, Sort,
    fonts::Type,
    icon::{self, Look},
    marks,
    overlay::menu_item,
    paint,
    space::{ROW, S8},
    tokens::tokens,
};

pub(super) fn show(frame: &Frame<'_>, ui: &mut Ui, (state, outcome): (&mut GridState, &mut GridResponse)) {
    let (rect, t) = (frame.geometry.header, tokens(ui));
    ui.painter().rect_filled(rect, CornerRadius::ZERO, t.surface);
    let (from, to) = frame.seen();
    for place in (from..to).chain(0..frame.places.frozen) {
        let mut inside = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("header", place)));
        inside.set_clip_rect(frame.clip(place).intersect(rect).intersect(ui.clip_rect()));
        column_ui(frame, &mut inside, place, (state, outcome));
    }
    let y = paint::crisp(ui.painter(), rect.bottom() - 0.5);
    ui.painter().hline(rect.x_range(), y, paint::border(ui));
}

fn column_ui(
    frame: &Frame<'_>,
    ui: &mut Ui,
    place: usize,
    (state, outcome): (&mut GridState, &mut GridResponse),
) {
    let column = frame.places.shown[place];
    let data = &frame.grid.columns[column];
    let whole = frame.column_rect(place, frame.geometry.header.y_range());
    let title = Rect::from_min_size(whole.min, vec2(whole.width(), ROW));
    let id = outcome.response.id.with(("column", column));
    let response = ui.interact(title.shrink2(vec2(3.0, 0.0)), id, Sense::click_and_drag());
    let sort = state.sort.filter(|sort| sort.column == column);
    let order = match sort {
        Some(Sort { descending: true, .. }) => ", largest first",
        Some(_) => ", smallest first",
        None => "",
    };
    response.widget_info(|| {
        let spoken = format!("{}, {}{order}", data.title, data.kind.word());
        WidgetInfo::labeled(Role::ColumnHeader, true, spoken)
    });
    paint_title(frame, ui, (title, column), sort, &response);
    if let Some(histogram) = &data.histogram {
        let low = title.bottom() + HISTOGRAM;
        let area = Rect::from_min_max(title.left_bottom(), pos2(whole.right(), low));
        marks::paint_histogram(ui, area.shrink2(vec2(S8, 2.0)), histogram);
    }
    if state.filtering {
        let area = Rect::from_min_max(pos2(whole.left(), whole.bottom() - ROW), whole.max);
        filter_ui(frame, ui, (area, column), (state, outcome));
    }
    if response.clicked() {
        next_order(state, column);
        outcome.events.push(GridEvent::Sort(state.sort));
    }
    resize(ui, whole, (outcome, column), state);
    drag(frame, ui, &response, place, state);
    let open = response.secondary_clicked().then_some(SetOpenCommand::Bool(true));
    Popup::menu(&response)
        .open_memory(open)
        .width(200.0)
        .show(|ui| menu(ui, (place, column), (state, outcome)));
}

/// Ascending, descending, as in the data.
fn next_order(state: &mut GridState, column: usize) {
    state.sort = match state.sort.filter(|sort| sort.column == column) {
        None => Some(Sort { column, descending: false }),
        Some(Sort { descending: false, .. }) => Some(Sort { column, descending: true }),
        Some(_) => None,
    };
}

fn paint_title(
    frame: &Frame<'_>,
    ui: &Ui,
    (rect, column): (Rect, usize),
    sort: Option<Sort>,
    response: &Response,
) {
    let t = tokens(ui);
    let data = &frame.grid.columns[column];
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, t.hover);
    }
    let y = rect.center().y;
    let centre = pos2(rect.left() + S8 + 7.0, y);
    icon::paint(ui.painter(), centre, data.kind.icon(), 14.0, t.text_3, Look::Regular);
    let mark = if sort.is_some() { 16.0 } else { 0.0 };
    let room = rect.width() - 2.0 * S8 - GLYPH - mark;
    let colour = if sort.is_some() { t.text } else { t.text_2 };
    let galley = paint::fitted(ui.painter(), &data.title, Type::Caption, colour, room);
    let cut = galley.elided;
    let at = pos2(rect.left() + S8 + GLYPH, y);
    let text = paint::galley_at(ui.painter(), at, Align2::LEFT_CENTER, galley);
    if let Some(sort) = sort {
        let glyph = if sort.descending { Icon::CaretDown } else { Icon::CaretUp };
        icon::paint(ui.painter(), pos2(text.right() + 9.0, y), glyph, 12.0, t.text, Look::Regular);
    }
    paint::focus_ring(ui, rect.shrink(3.0), 2, response);
    if cut {
        response.clone().on_hover_text(&data.title);
    }
}

fn filter_ui(
    frame: &Frame<'_>,
    ui: &mut Ui,
    (area, column): (Rect, usize),
    (state, outcome): (&mut GridState, &mut GridResponse),
) {
    let mut text = state.filters.get(&column).cloned().unwrap_or_default();
    let place = area.shrink2(vec2(4.0, 2.0));
    let name = format!("Filter {}", frame.grid.columns[column].title);
    let edit = TextEdit::singleline(&mut text)
        .id(outcome.response.id.with(("filter", column)))
        .font(Type::Label.font())
        .hint_text("filter")
        .margin(vec2(4.0, 1.0));
    let response = ui.put(place, edit);
    let value = text.clone();
    ui.ctx().accesskit_node_builder(response.id, |builder| {
        builder.set_label(name.as_str());
        builder.set_value(value.as_str());
    });
    if response.changed() {
        if text.is_empty() {
            state.filters.remove(&column);
        } else {
            state.filters.insert(column, text);
        }
        outcome.events.push(GridEvent::Filter);
    }
}

/// The edge of a column, which can be dragged; a double click gives the width at first.
fn resize(ui: &Ui, whole: Rect, (outcome, column): (&GridResponse, usize), state: &mut GridState) {
    let edge = Rect::from_x_y_ranges(whole.right() - 3.0..=whole.right() + 3.0, whole.y_range());
    let id = outcome.response.id.with(("edge", column));
    let response = ui.interact(edge, id, Sense::CLICK | Sense::DRAG);
    let hot = response.hovered() || response.dragged();
    let t = tokens(ui);
    let stroke = if hot { Stroke::new(2.0, t.accent) } else { Stroke::new(1.0, t.border) };
    let x = paint::crisp(ui.painter(), whole.right() - 0.5);
    ui.painter().vline(x, whole.y_range().shrink(5.0), stroke);
    if response.dragged() {
        state.columns.resize(column, state.columns.width(column) + response.drag_delta().x);
    }
    if response.double_clicked() {
        state.columns.resize(column, 112.0);
    }
    response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
}

/// A title that is dragged goes to where it is dropped.
fn drag(frame: &Frame<'_>, ui: &Ui, response: &Response, from: usize, state: &mut GridState) {
    if !response.dragged() && !response.drag_stopped() {
        return;
    }
    let Some(at) = response.interact_pointer_pos() else {
        return;
    };
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    let (first, last) = frame.seen();
    let over = (0..frame.places.frozen)
        .chain(first..last)
        .find(|place| frame.column_rect(*place, egui::Rangef::EVERYTHING).x_range().contains(at.x));
    let Some(to) = over.filter(|to| *to != from) else {
        return;
    };
    let target = frame.column_rect(to, frame.geometry.rect.y_range());
    let x = if to > from { target.right() } else { target.left() };
    let painter = ui.painter().with_clip_rect(frame.geometry.rect);
    painter.vline(x, frame.geometry.rect.y_range(), Stroke::new(2.0, tokens(ui).accent));
    if response.drag_stopped() {
        state.columns.move_to(from, to);
    }
}

fn menu(ui: &mut Ui, (place, column): (usize, usize), (state, outcome): (&mut GridState, &mut GridResponse)) {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.set_min_width(190.0);
    for (glyph, word, descending) in
        [(Icon::ArrowUp, "Smallest first", false), (Icon::ArrowDown, "Largest first", true)]
    {
        if menu_item(ui, glyph, word, "").clicked() {
            state.sort = Some(Sort { column, descending });
            outcome.events.push(GridEvent::Sort(state.sort));
        }
    }
    if menu_item(ui, Icon::Funnel, "Filter", "").clicked() {
        state.filtering = true;
        ui.memory_mut(|memory| memory.request_focus(outcome.response.id.with(("filter", column))));
    }
    if menu_item(ui, Icon::Lock, "Freeze up to here", "").clicked() {
        state.columns.freeze(place + 1);
    }
    if state.columns.frozen_count() > 0 && menu_item(ui, Icon::Lock, "Freeze none", "").clicked() {
        state.columns.freeze(0);
    }
    if menu_item(ui, Icon::ArrowLeft, "Move left", "Alt+←").clicked() && place > 0 {
        state.columns.move_to(place, place - 1);
    }
    if menu_item(ui, Icon::ArrowRight, "Move right", "Alt+→").clicked() {
        state.columns.move_to(place, place + 1);
    }
    if menu_item(ui, Icon::EyeSlash, "Hide", "").clicked() {
        state.columns.hide(column);
    }
}
