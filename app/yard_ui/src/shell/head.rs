//! The head of a view and of the inspector, and the sections of the inspector.

use egui::{Align, Layout, Rect, Ui, UiBuilder, pos2, vec2};

use crate::{
    fonts::Type,
    paint,
    space::{CONTROL, S2, S8, S12, STATUS_BAR, VIEW_HEAD},
    text,
    tokens::tokens,
};

/// The head of a view: title, one line of context, actions at the right.
///
/// `actions` draws from right to left, so the primary button comes first.
pub fn view_head<R>(ui: &mut Ui, title: &str, context: &str, actions: impl FnOnce(&mut Ui) -> R) -> R {
    let start = ui.cursor().min;
    let rect = Rect::from_min_size(start, vec2(ui.available_width(), VIEW_HEAD));
    let line = Rect::from_min_size(start, vec2(rect.width(), CONTROL));
    let mut right =
        ui.new_child(UiBuilder::new().max_rect(line).layout(Layout::right_to_left(Align::Center)));
    right.spacing_mut().item_spacing.x = S8;
    let inner = actions(&mut right);
    let used = if right.min_rect().is_finite() { right.min_rect().left() } else { line.right() };
    let room = Rect::from_min_max(line.min, pos2((used - S12).max(line.left() + 40.0), line.bottom()));
    let mut left = ui.new_child(UiBuilder::new().max_rect(room).layout(Layout::left_to_right(Align::Center)));
    let t = tokens(ui);
    let heading = text::fitted(&mut left, title, Type::Title, t.text);
    heading.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Heading, true, title));
    if !context.is_empty() {
        let below = Rect::from_min_max(pos2(rect.left(), line.bottom() + 4.0), rect.max);
        let mut child =
            ui.new_child(UiBuilder::new().max_rect(below).layout(Layout::left_to_right(Align::Min)));
        text::fitted(&mut child, context, Type::Label, t.text_2);
    }
    ui.advance_cursor_after_rect(rect);
    let gap = ui.spacing().item_spacing.y;
    if gap < 8.0 {
        ui.add_space(8.0 - gap);
    }
    inner
}

/// Height in points that is left of the window below the cursor, for a table that fills the view.
pub fn view_height_left(ui: &Ui) -> f32 {
    (ui.ctx().content_rect().bottom() - STATUS_BAR - 24.0 - ui.cursor().top()).max(120.0)
}

/// The head of the inspector: the kind of the selection, its name, and what `right` draws (a chip).
pub fn inspector_head<R>(ui: &mut Ui, kind: &str, name: &str, right: impl FnOnce(&mut Ui) -> R) -> R {
    let start = ui.cursor().min;
    let rect = Rect::from_min_size(start, vec2(ui.available_width(), 36.0));
    let mut end = ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)));
    let inner = right(&mut end);
    let used = if end.min_rect().is_finite() { end.min_rect().left() } else { rect.right() };
    let room = Rect::from_min_max(rect.min, pos2(used - S8, rect.bottom()));
    let mut left = ui.new_child(UiBuilder::new().max_rect(room));
    left.spacing_mut().item_spacing.y = S2;
    let t = tokens(ui);
    text::fitted(&mut left, kind, Type::Caption, t.text_3);
    text::fitted(&mut left, name, Type::Strong, t.text);
    ui.advance_cursor_after_rect(rect);
    inner
}

/// A section of the inspector: hairline above, heading, content with 4 points between rows.
pub fn inspector_section<R>(ui: &mut Ui, heading: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(S12 - ui.spacing().item_spacing.y);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), paint::crisp(ui.painter(), rect.top()), paint::border(ui));
    ui.add_space(S12 - ui.spacing().item_spacing.y);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        if !heading.is_empty() {
            let response = text::small_strong(ui, heading);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Heading, true, heading));
            ui.add_space(2.0);
        }
        content(ui)
    })
    .inner
}
