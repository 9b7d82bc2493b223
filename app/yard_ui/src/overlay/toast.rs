//! Toasts: what ended elsewhere, at the bottom right for 5 s; errors stay; the bell keeps a history.
//!
//! Time is given by egui's input, so that tests control it.

use std::collections::VecDeque;

use egui::{
    Align2, Area, Context, Frame, Id, Margin, Order, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    button::{key_width, paint_key},
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{RADIUS_CARD, S4, S8, S12, S16},
    status::Status,
    text,
    theme::shadow,
    tokens::{tokens, tokens_ctx},
};

const LIFE_SECS: f64 = 5.0;
const WIDTH: f32 = 400.0;
const HISTORY: usize = 100;
const SHOWN: usize = 4;

/// A message. Give it to [`Toasts::push`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a builder: give it to the widget"]
pub struct Toast {
    /// Good, attention, failed; errors stay until closed.
    pub status: Status,
    /// What ended, in one line.
    pub title: String,
    /// The figure or the reason, in one line.
    pub note: String,
    /// Label and shortcut of the one action ("Undo", "Ctrl+Z"); the shortcut may be empty.
    pub action: Option<(String, String)>,
    /// The whole error text, folded until asked for.
    pub details: String,
}

impl Toast {
    /// A toast with a title and a note.
    pub fn new(status: Status, title: impl Into<String>, note: impl Into<String>) -> Self {
        Self { status, title: title.into(), note: note.into(), ..Self::default() }
    }

    /// Adds an action with its shortcut.
    pub fn action(mut self, label: impl Into<String>, key: impl Into<String>) -> Self {
        self.action = Some((label.into(), key.into()));
        self
    }

    /// Adds the action "Undo" with its shortcut: for what was done a moment ago.
    pub fn undo(self) -> Self {
        self.action("Undo", "Ctrl+Z")
    }

    /// Adds details that can be unfolded and copied.
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = details.into();
        self
    }
}

/// What the user did with a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastEvent {
    /// The action of the toast with this number.
    Action(u64),
    /// The toast was closed.
    Closed(u64),
}

#[derive(Clone, Debug)]
struct Shown {
    id: u64,
    toast: Toast,
    born: Option<f64>,
    unfolded: bool,
}

/// The stack of toasts and their history.
#[derive(Clone, Debug, Default)]
pub struct Toasts {
    live: Vec<Shown>,
    history: VecDeque<(u64, Toast)>,
    next: u64,
    unseen: usize,
}

impl Toasts {
    /// Adds a toast and returns its number, which its events carry.
    pub fn push(&mut self, toast: Toast) -> u64 {
        let id = self.next;
        self.next += 1;
        self.unseen += 1;
        self.history.push_front((id, toast.clone()));
        self.history.truncate(HISTORY);
        self.live.push(Shown { id, toast, born: None, unfolded: false });
        id
    }

    /// How many toasts came since the history was looked at.
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    /// The newest first.
    pub fn history(&self) -> impl Iterator<Item = (u64, &Toast)> {
        self.history.iter().map(|(id, toast)| (*id, toast))
    }

    /// Takes the toast away from the screen.
    pub fn close(&mut self, id: u64) {
        self.live.retain(|shown| shown.id != id);
    }

    /// Draws the newest toasts above the status bar; returns what the user did.
    pub fn show(&mut self, ctx: &Context) -> Option<ToastEvent> {
        let now = ctx.input(|input| input.time);
        for shown in &mut self.live {
            shown.born.get_or_insert(now);
        }
        let alive = |shown: &Shown| {
            shown.toast.status == Status::Error
                || shown.unfolded
                || shown.born.is_none_or(|born| now - born < LIFE_SECS)
        };
        self.live.retain(alive);
        if self.live.is_empty() {
            return None;
        }
        let mut event = None;
        let first = self.live.len().saturating_sub(SHOWN);
        let area = Area::new(Id::unique("yard_ui.toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-S16, -crate::space::STATUS_BAR - S16))
            .show(ctx, |ui| {
                ui.set_width(WIDTH.min(ctx.content_rect().width() - 2.0 * S16));
                ui.spacing_mut().item_spacing.y = S8;
                for shown in &mut self.live[first..] {
                    event = event.or(toast_ui(ui, shown));
                }
            });
        let hovered = area.response.contains_pointer();
        for shown in &mut self.live {
            if hovered {
                shown.born = Some(now);
            }
        }
        if self.live.iter().any(|shown| shown.toast.status != Status::Error && !shown.unfolded) {
            // Only toasts that go by themselves need another pass; an error stays without repaints.
            ctx.request_repaint_after_secs(0.5);
        }
        if let Some(ToastEvent::Closed(id) | ToastEvent::Action(id)) = event {
            self.close(id);
        }
        event
    }

    /// Draws the history (content of the bell's menu) and marks it as seen.
    pub fn history_ui(&mut self, ui: &mut Ui) -> Option<ToastEvent> {
        self.unseen = 0;
        if self.history.is_empty() {
            text::paragraph(ui, "What ends in the background appears here.");
            return None;
        }
        let mut event = None;
        egui::ScrollArea::vertical().max_height(400.0).show(ui, |ui| {
            for (id, toast) in &self.history {
                let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::hover());
                if let Some(action) = row_ui(ui, rect, *id, toast)
                    && action.clicked()
                {
                    event = Some(ToastEvent::Action(*id));
                }
            }
        });
        event
    }
}

fn toast_ui(ui: &mut Ui, shown: &mut Shown) -> Option<ToastEvent> {
    let t = tokens_ctx(ui.ctx());
    let mut event = None;
    Frame::new()
        .fill(t.surface)
        .stroke(paint::border(ui))
        .corner_radius(RADIUS_CARD)
        .shadow(shadow(t))
        .inner_margin(Margin::symmetric(0, 2))
        .show(ui, |ui| {
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::hover());
            let spoken = format!("{}. {}", shown.toast.title, shown.toast.note);
            response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &spoken));
            let folded = shown.toast.action.is_none() && !shown.toast.details.is_empty();
            if let Some(action) = row_ui(ui, rect, shown.id, &shown.toast)
                && action.clicked()
            {
                if folded {
                    shown.unfolded = !shown.unfolded;
                } else {
                    event = Some(ToastEvent::Action(shown.id));
                }
            }
            if shown.toast.status == Status::Error && close_ui(ui, rect, shown.id).clicked() {
                event = Some(ToastEvent::Closed(shown.id));
            }
            if shown.unfolded {
                details_ui(ui, &shown.toast.details);
            }
        });
    event
}

fn details_ui(ui: &mut Ui, details: &str) {
    Frame::new().inner_margin(Margin::symmetric(S12 as i8, S4 as i8)).show(ui, |ui| {
        egui::ScrollArea::vertical()
            .max_height(160.0)
            .show(ui, |ui| crate::show::code(ui, "Details", details));
        crate::show::copy_link(ui, details);
    });
}

/// Icon, title, note and the action link inside `rect`.
fn row_ui(ui: &Ui, rect: Rect, id: u64, toast: &Toast) -> Option<Response> {
    let t = tokens(ui);
    let y = rect.center().y;
    let colour = toast.status.colour(t);
    icon::paint(
        ui.painter(),
        pos2(rect.left() + S12 + 8.0, y - 8.0),
        toast.status.icon(),
        icon::SMALL,
        colour,
        Look::Fill,
    );
    let close = if toast.status == Status::Error { 24.0 } else { 0.0 };
    let mut right = rect.right() - S12 - close;
    let label = match &toast.action {
        Some((label, key)) => {
            if !key.is_empty() {
                right -= key_width(ui, key);
                paint_key(ui, pos2(right, y), key, t.text_2, t.border);
                right -= S8;
            }
            Some(label.as_str())
        }
        None if !toast.details.is_empty() => Some("Details"),
        None => None,
    };
    let action = label.map(|label| link_at(ui, pos2(right, y), id, label));
    let left = rect.left() + S12 + 24.0;
    let width = action.as_ref().map_or(right, |link| link.rect.left()) - S8 - left;
    let title = paint::fitted(ui.painter(), &toast.title, Type::Body, t.text, width);
    let note = paint::fitted(ui.painter(), &toast.note, Type::Caption, t.text_2, width);
    paint::galley_at(ui.painter(), pos2(left, y - 8.0), Align2::LEFT_CENTER, title);
    paint::galley_at(ui.painter(), pos2(left, y + 10.0), Align2::LEFT_CENTER, note);
    action
}

fn link_at(ui: &Ui, right: egui::Pos2, id: u64, label: &str) -> Response {
    let colour = tokens(ui).accent;
    let galley = paint::fitted(ui.painter(), label, Type::Label, colour, f32::INFINITY);
    let rect = Align2::RIGHT_CENTER.anchor_size(right, galley.size());
    let response = ui.interact(rect.expand(4.0), ui.scope_id().with(("toast-action", id)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    paint::galley_at(ui.painter(), right, Align2::RIGHT_CENTER, galley);
    paint::focus_ring(ui, rect, 2, &response);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

fn close_ui(ui: &Ui, rect: Rect, id: u64) -> Response {
    let place = Rect::from_center_size(pos2(rect.right() - S12 - 4.0, rect.center().y), vec2(20.0, 20.0));
    let response = ui.interact(place, ui.scope_id().with(("toast-close", id)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Close"));
    icon::paint(ui.painter(), place.center(), Icon::X, 14.0, tokens(ui).text_2, Look::Regular);
    paint::focus_ring(ui, place, 4, &response);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_keeps_the_newest_and_counts_the_unseen() {
        let mut toasts = Toasts::default();
        for at in 0..120 {
            toasts.push(Toast::new(Status::Ok, format!("run {at}"), ""));
        }
        assert_eq!(toasts.unseen(), 120);
        assert_eq!(toasts.history().count(), HISTORY);
        assert_eq!(
            toasts.history().next().map(|(id, toast)| (id, toast.title.clone())),
            Some((119, "run 119".to_owned()))
        );
        toasts.close(119);
        assert_eq!(toasts.live.len(), 119);
    }
}
