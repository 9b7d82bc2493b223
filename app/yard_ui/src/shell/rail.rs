//! The rail: the loop as a list of places with their facts and states, and the next step.

use egui::{Align, Align2, CornerRadius, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Shell, ShellEvent};
use crate::{
    button::paint_key,
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{RADIUS_CONTROL, RAIL_ITEM, S8},
    status::Status,
    text,
    tokens::tokens,
};

/// A place of the loop.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Its icon; filled while it is shown.
    pub icon: Icon,
    /// Its name.
    pub name: &'a str,
    /// One fact ("epoch 27 of 60").
    pub fact: &'a str,
    /// Its state; `Idle` shows no icon.
    pub status: Status,
    /// Shortcut, shown in the tooltip.
    pub key: &'a str,
}

/// What the loop asks for next, at the foot of the rail.
#[derive(Clone, Debug)]
pub struct NextStep<'a> {
    /// Verb and object ("Package run 14").
    pub label: &'a str,
    /// One sentence with the figure that supports it.
    pub evidence: &'a str,
    /// Its shortcut, may be empty.
    pub key: &'a str,
}

pub(super) fn show(ui: &mut Ui, shell: &Shell<'_>, collapsed: bool, event: &mut Option<ShellEvent>) {
    let side = if collapsed { 4.0 } else { S8 };
    let inner = ui.max_rect().shrink2(vec2(side, 8.0));
    let foot =
        if collapsed { 0.0 } else { shell.next.as_ref().map_or(0.0, |next| next_ui(ui, inner, next, event)) };
    let list = Rect::from_min_max(inner.min, pos2(inner.right(), inner.bottom() - foot));
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(list));
    child.spacing_mut().item_spacing.y = 0.0;
    egui::ScrollArea::vertical().auto_shrink([false, false]).show(&mut child, |ui| {
        for (at, place) in shell.places.iter().enumerate() {
            let response = item_ui(ui, place, at == shell.current, collapsed);
            if at > 1 {
                connector(ui, response.rect, collapsed);
            }
            if response.clicked() {
                *event = Some(ShellEvent::Place(at));
            }
        }
    });
}

/// The 1 × 16 line that joins two stages.
fn connector(ui: &Ui, rect: Rect, collapsed: bool) {
    if collapsed {
        return;
    }
    let x = paint::crisp(ui.painter(), rect.left() + 18.0);
    let t = tokens(ui);
    ui.painter().vline(x, (rect.top() - 13.0)..=(rect.top() + 3.0), Stroke::new(1.0, t.border));
}

fn item_ui(ui: &mut Ui, place: &Place<'_>, selected: bool, collapsed: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), RAIL_ITEM), Sense::click());
    let spoken = accessible(place);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &spoken));
    if ui.is_rect_visible(rect) {
        paint_item(ui, rect, place, (selected, collapsed), &response);
    }
    let tooltip = match (collapsed, place.key.is_empty()) {
        (true, _) => format!("{}\n{}", place.name, place.fact),
        (false, false) => place.key.to_owned(),
        (false, true) => return response,
    };
    response.on_hover_text(tooltip)
}

/// The name alone, as long as there is nothing to say about its state.
fn accessible(place: &Place<'_>) -> String {
    if place.status == Status::Idle {
        place.name.to_owned()
    } else {
        format!("{}, {}", place.name, place.status.word())
    }
}

fn paint_item(
    ui: &Ui,
    rect: Rect,
    place: &Place<'_>,
    (selected, collapsed): (bool, bool),
    response: &Response,
) {
    let t = tokens(ui);
    let fill = if selected { Some(t.selected) } else { response.hovered().then_some(t.hover) };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), fill);
    }
    let (colour, look) = if selected { (t.accent, Look::Fill) } else { (t.text_2, Look::Regular) };
    let centre = if collapsed {
        pos2(rect.center().x, rect.center().y - 4.0)
    } else {
        pos2(rect.left() + 18.0, rect.top() + 20.0)
    };
    icon::paint(ui.painter(), centre, place.icon, icon::LARGE, colour, look);
    if collapsed {
        paint_state(ui, pos2(rect.center().x, rect.bottom() - 8.0), place.status, 12.0);
    } else {
        let left = rect.left() + 36.0;
        let name = if selected { Type::Strong } else { Type::Body };
        let label = paint::fitted(ui.painter(), place.name, name, t.text, rect.right() - 28.0 - left);
        paint::galley_at(ui.painter(), pos2(left, rect.top() + 15.0), Align2::LEFT_CENTER, label);
        let fact =
            paint::fitted(ui.painter(), place.fact, Type::Caption, t.text_3, rect.right() - 4.0 - left);
        paint::galley_at(ui.painter(), pos2(left, rect.top() + 31.0), Align2::LEFT_CENTER, fact);
        paint_state(ui, pos2(rect.right() - 15.0, rect.top() + 15.0), place.status, 14.0);
    }
    paint::focus_ring(ui, rect.shrink(2.0), RADIUS_CONTROL, response);
}

fn paint_state(ui: &Ui, at: egui::Pos2, status: Status, size: f32) {
    if status == Status::Idle {
        return;
    }
    let look = if status == Status::Running { Look::Regular } else { Look::Fill };
    let glyph = if status == Status::Done { Icon::CheckCircle } else { status.icon() };
    icon::paint(ui.painter(), at, glyph, size, status.colour(tokens(ui)), look);
}

/// Draws the next step at the foot of `inner` and returns its height.
fn next_ui(ui: &mut Ui, inner: Rect, next: &NextStep<'_>, event: &mut Option<ShellEvent>) -> f32 {
    let t = tokens(ui);
    let width = inner.width() - 2.0 * S8;
    let evidence = paint::wrapped(ui.painter(), next.evidence, Type::Caption, t.text_2, width, Align::Min);
    let label = paint::wrapped(ui.painter(), next.label, Type::Strong, t.accent, width, Align::Min);
    let key = if next.key.is_empty() { 0.0 } else { 24.0 };
    let height = 12.0 + 16.0 + 4.0 + label.size().y + 4.0 + evidence.size().y + key + 4.0;
    let top = inner.bottom() - height;
    ui.painter().hline(inner.x_range(), paint::crisp(ui.painter(), top), paint::border(ui));
    let place = Rect::from_min_size(pos2(inner.left() + S8, top + 12.0), vec2(width, height - 12.0));
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(place));
    child.spacing_mut().item_spacing.y = 4.0;
    text::note(&mut child, "Next step");
    if text::link_of(&mut child, next.label, Type::Strong).clicked() {
        *event = Some(ShellEvent::NextStep);
    }
    text::label(&mut child, next.evidence, Type::Caption, t.text_2);
    if key > 0.0 {
        let at = pos2(place.left(), place.bottom() - 12.0);
        paint_key(&child, at, next.key, t.text_2, t.border);
    }
    height
}
