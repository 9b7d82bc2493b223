//! A list whose rows can be put into another order: by dragging, or by Alt with Up and Down.
//!
//! The caller owns the list and applies the [`Move`], so that the change can be undone there.

use egui::{
    Align2, CornerRadius, CursorIcon, EventFilter, Id, Key, Rect, Response, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{CONTROL, RADIUS_CONTROL, S8},
    tokens::tokens,
};

/// A row that goes to another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where it is.
    pub from: usize,
    /// Where it will be.
    pub to: usize,
}

impl Move {
    /// Puts the row of `list` to its new place; indices outside of the list change nothing.
    pub fn apply<T>(self, list: &mut Vec<T>) {
        if self.from < list.len() && self.to < list.len() {
            let row = list.remove(self.from);
            list.insert(self.to, row);
        }
    }
}

/// Draws `labels` as rows; `selected` is the chosen one, which moves along with its row. Returns the
/// move that the user asks for.
pub fn reorder(ui: &mut Ui, name: &str, labels: &[String], selected: &mut Option<usize>) -> Option<Move> {
    let id = ui.make_persistent_id(("reorder", name));
    let size = vec2(ui.available_width(), labels.len().max(1) as f32 * CONTROL);
    let place = Rect::from_min_size(ui.cursor().min, size);
    ui.advance_cursor_after_rect(place);
    let whole = ui.interact(place, id, Sense::focusable_noninteractive());
    let enabled = ui.is_enabled();
    whole.widget_info(|| WidgetInfo::labeled(Role::ListBox, enabled, name));
    let mut asked = if whole.has_focus() { keyboard(ui, &whole, labels.len(), selected) } else { None };
    for (at, label) in labels.iter().enumerate() {
        let rect = Rect::from_min_size(place.min + vec2(0.0, at as f32 * CONTROL), vec2(size.x, CONTROL));
        let response = row_ui(ui, (id, rect), (at, labels.len(), label), *selected == Some(at));
        if response.clicked() || response.drag_started() {
            *selected = Some(at);
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        asked = asked.or(drag(ui, &response, (place, at), labels.len()));
    }
    if let Some(wanted) = asked {
        *selected = Some(wanted.to);
    }
    paint::focus_ring(ui, place, RADIUS_CONTROL, &whole);
    asked
}

fn row_ui(
    ui: &Ui,
    (id, rect): (Id, Rect),
    (at, count, label): (usize, usize, &str),
    selected: bool,
) -> Response {
    let enabled = ui.is_enabled();
    let sense = if enabled { Sense::CLICK | Sense::DRAG } else { Sense::hover() };
    let response = ui.interact(rect, id.with(at), sense);
    let spoken = format!("{label}, {} of {count}", at + 1);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, enabled, selected, &spoken));
    let t = tokens(ui);
    if selected || (response.hovered() && enabled) {
        let fill = if selected { t.selected } else { t.hover };
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), fill);
    }
    let y = rect.center().y;
    let (glyph, text) = if enabled { (t.text_3, t.text) } else { (t.border_strong, t.text_3) };
    icon::paint(ui.painter(), pos2(rect.left() + 14.0, y), Icon::CaretUpDown, 14.0, glyph, Look::Regular);
    let number = format!("{}", at + 1);
    paint::text_at(
        ui.painter(),
        pos2(rect.left() + 44.0, y),
        Align2::RIGHT_CENTER,
        &number,
        Type::Mono,
        t.text_3,
    );
    let room = rect.width() - 52.0 - S8;
    let galley = paint::fitted(ui.painter(), label, Type::Label, text, room);
    paint::galley_at(ui.painter(), pos2(rect.left() + 52.0, y), Align2::LEFT_CENTER, galley);
    response.on_hover_cursor(CursorIcon::Grab)
}

/// Shows where a dragged row would go; the move when it is dropped.
fn drag(ui: &Ui, response: &Response, (place, from): (Rect, usize), count: usize) -> Option<Move> {
    if !response.dragged() && !response.drag_stopped() {
        return None;
    }
    let at = response.interact_pointer_pos()?;
    let gap = (((at.y - place.top()) / CONTROL).round().max(0.0) as usize).min(count);
    let y = place.top() + gap as f32 * CONTROL;
    ui.painter().hline(place.x_range(), y, Stroke::new(2.0, tokens(ui).accent));
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    let to = if gap > from { gap - 1 } else { gap };
    (response.drag_stopped() && to != from).then_some(Move { from, to })
}

fn keyboard(ui: &Ui, whole: &Response, count: usize, selected: &mut Option<usize>) -> Option<Move> {
    ui.memory_mut(|memory| {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        memory.set_focus_lock_filter(whole.id, filter);
    });
    let last = count.checked_sub(1)?;
    let (up, down, alt) = ui.input(|input| {
        (input.key_pressed(Key::ArrowUp), input.key_pressed(Key::ArrowDown), input.modifiers.alt)
    });
    if !up && !down {
        return None;
    }
    let Some(at) = selected.filter(|at| *at <= last) else {
        *selected = Some(if down { 0 } else { last });
        return None;
    };
    let to = if down { (at + 1).min(last) } else { at.saturating_sub(1) };
    if alt {
        return (to != at).then_some(Move { from: at, to });
    }
    *selected = Some(to);
    None
}
