//! A menu that opens below a button.

use egui::{Align2, CornerRadius, Popup, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::{
    button::{key_width, paint_key},
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::RADIUS_CONTROL,
    tokens::tokens,
};

/// Opens a menu below `button` when it is clicked; `content` draws [`menu_item`]s.
pub fn menu<R>(button: &Response, width: f32, content: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    Popup::menu(button)
        .gap(4.0)
        .width(width)
        .show(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.set_min_width(width - 10.0);
            content(ui)
        })
        .map(|inner| inner.inner)
}

/// An item of a menu, 28 points: icon, label, shortcut. A click closes the menu.
pub fn menu_item(ui: &mut Ui, glyph: Icon, label: &str, key: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, enabled, label));
    let t = tokens(ui);
    if enabled && (response.hovered() || response.has_focus()) {
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), t.hover);
    }
    let colour = if enabled { t.text } else { t.text_3 };
    let y = rect.center().y;
    icon::paint(ui.painter(), pos2(rect.left() + 16.0, y), glyph, icon::SMALL, t.text_2, Look::Regular);
    paint::text_at(
        ui.painter(),
        pos2(rect.left() + 32.0, y),
        Align2::LEFT_CENTER,
        label,
        Type::Label,
        colour,
    );
    if !key.is_empty() {
        let at = pos2(rect.right() - 8.0 - key_width(ui, key), y);
        paint_key(ui, at, key, t.text_2, t.border);
    }
    paint::focus_ring(ui, rect.shrink(2.0), RADIUS_CONTROL, &response);
    response
}
