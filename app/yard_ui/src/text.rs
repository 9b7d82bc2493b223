//! Labels in the type scale: every text of a view goes through one of these functions.
//!
//! Each is an egui label, so it is found by its text in the accessibility tree.

use egui::{Align, Align2, Color32, Label, Response, Role, Sense, TextWrapMode, Ui, WidgetInfo, vec2};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::RADIUS_CONTROL,
    tokens::tokens,
};

/// A label of `kind` in `colour`; wraps where the layout wraps.
pub fn label(ui: &mut Ui, text: impl Into<String>, kind: Type, colour: Color32) -> Response {
    ui.add(Label::new(kind.rich(text).color(colour)))
}

/// A label on one line that is cut with an ellipsis and shows the whole text on hover.
pub fn fitted(ui: &mut Ui, text: impl Into<String>, kind: Type, colour: Color32) -> Response {
    ui.add(Label::new(kind.rich(text).color(colour)).wrap_mode(TextWrapMode::Truncate))
}

/// The title of a view.
pub fn title(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text;
    label(ui, text, Type::Title, colour)
}

/// Body text, 13 points.
pub fn body(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text;
    label(ui, text, Type::Body, colour)
}

/// Body text, 13 points semibold.
pub fn strong(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text;
    label(ui, text, Type::Strong, colour)
}

/// Table and form text, 12 points.
pub fn small(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text;
    label(ui, text, Type::Label, colour)
}

/// Table and form text, 12 points semibold.
pub fn small_strong(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text;
    label(ui, text, Type::LabelStrong, colour)
}

/// Secondary text, 12 points: labels, context lines, paragraphs.
pub fn secondary(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text_2;
    label(ui, text, Type::Label, colour)
}

/// A wrapped paragraph of secondary text, 12/16.
pub fn paragraph(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text_2;
    ui.add(Label::new(Type::Label.rich(text).color(colour)).wrap())
}

/// A quiet note, 11 points.
pub fn note(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text_3;
    label(ui, text, Type::Caption, colour)
}

/// A number, a hash or an address in the mono face, 12 points.
pub fn mono(ui: &mut Ui, text: impl Into<String>) -> Response {
    let colour = tokens(ui).text;
    label(ui, text, Type::Mono, colour)
}

/// A clickable link of 12 points in the accent colour.
pub fn link(ui: &mut Ui, text: impl Into<String>) -> Response {
    link_of(ui, text, Type::Label)
}

/// A clickable link of 12 points with an icon before it: a small act ("Copy", "Filter").
pub fn icon_link(ui: &mut Ui, glyph: Icon, text: &str) -> Response {
    let t = tokens(ui);
    let enabled = ui.is_enabled();
    let colour = if enabled { t.accent } else { t.text_3 };
    let width = 14.0 + 6.0 + paint::text_width(ui.painter(), text, Type::Label);
    let (rect, response) = ui.allocate_exact_size(vec2(width.ceil(), 20.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, text));
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        icon::paint(painter, rect.left_center() + vec2(7.0, 0.0), glyph, 14.0, colour, Look::Regular);
        let at = rect.left_center() + vec2(20.0, 0.0);
        let words = paint::text_at(painter, at, Align2::LEFT_CENTER, text, Type::Label, colour);
        if response.hovered() && enabled {
            let y = paint::crisp(painter, words.bottom() - 1.0);
            painter.hline(words.x_range(), y, egui::Stroke::new(1.0, colour));
        }
        paint::focus_ring(ui, rect.expand2(vec2(2.0, 0.0)), RADIUS_CONTROL, &response);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// A clickable link of `kind` in the accent colour; Enter and Space work as a click.
pub fn link_of(ui: &mut Ui, text: impl Into<String>, kind: Type) -> Response {
    let text = text.into();
    let colour = if ui.is_enabled() { tokens(ui).accent } else { tokens(ui).text_3 };
    let galley = paint::wrapped(ui.painter(), &text, kind, colour, ui.available_width(), Align::Min);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Link, enabled, &text));
    if ui.is_rect_visible(rect) {
        ui.painter().galley(paint::snapped(ui.painter(), rect.min), galley, colour);
        if response.hovered() && enabled {
            let y = paint::crisp(ui.painter(), rect.bottom() - 1.0);
            ui.painter().hline(rect.x_range(), y, egui::Stroke::new(1.0, colour));
        }
        paint::focus_ring(ui, rect.expand2(vec2(2.0, 0.0)), RADIUS_CONTROL, &response);
    }
    if enabled { response.on_hover_cursor(egui::CursorIcon::PointingHand) } else { response }
}
