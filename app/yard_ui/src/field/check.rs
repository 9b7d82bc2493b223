//! Check box and radio button with their words.

use egui::{Align, CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    tokens::tokens,
};

const BOX: f32 = 16.0;

/// A check box with its word; a click, Enter or Space toggles it.
pub fn checkbox(ui: &mut Ui, on: &mut bool, word: &str) -> Response {
    let mut response = row(ui, word, Role::CheckBox, *on);
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response
}

/// A radio button with its word; `clicked()` says that it was chosen.
pub fn radio(ui: &mut Ui, chosen: bool, word: &str) -> Response {
    row(ui, word, Role::RadioButton, chosen)
}

fn row(ui: &mut Ui, word: &str, role: Role, on: bool) -> Response {
    let t = tokens(ui);
    let enabled = ui.is_enabled();
    let colour = if enabled { t.text } else { t.text_3 };
    let width = (ui.available_width() - BOX - 8.0).max(40.0);
    let galley = paint::wrapped(ui.painter(), word, Type::Label, colour, width, Align::Min);
    let size = vec2(BOX + 8.0 + galley.size().x, galley.size().y.max(BOX) + 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(role, enabled, on, word));
    if ui.is_rect_visible(rect) {
        let place =
            Rect::from_min_size(paint::snapped(ui.painter(), rect.min + vec2(0.0, 2.0)), vec2(BOX, BOX));
        if role == Role::RadioButton {
            paint_dot(ui, place, on, &response);
        } else {
            paint_box(ui, place, on, &response);
        }
        ui.painter().galley(paint::snapped(ui.painter(), rect.min + vec2(BOX + 8.0, 2.0)), galley, colour);
        paint::focus_ring(ui, place, 3, &response);
    }
    response
}

fn paint_box(ui: &Ui, place: Rect, on: bool, response: &Response) {
    let t = tokens(ui);
    let radius = CornerRadius::same(3);
    let enabled = ui.is_enabled();
    if on {
        let fill = if enabled { t.accent } else { t.border_strong };
        ui.painter().rect_filled(place, radius, fill);
        icon::paint(ui.painter(), place.center(), Icon::Check, 12.0, t.on_accent, Look::Regular);
        return;
    }
    let fill = if response.hovered() && enabled { t.hover } else { t.surface };
    let line = if enabled { t.border_strong } else { t.border };
    ui.painter().rect(place, radius, fill, Stroke::new(1.0, line), StrokeKind::Inside);
}

fn paint_dot(ui: &Ui, place: Rect, on: bool, response: &Response) {
    let t = tokens(ui);
    let line = if on { t.accent } else { t.border_strong };
    let fill = if response.hovered() { t.hover } else { t.surface };
    ui.painter().circle(place.center(), 7.5, fill, Stroke::new(if on { 1.5 } else { 1.0 }, line));
    if on {
        ui.painter().circle_filled(place.center(), 4.0, t.accent);
    }
}
