//! Modal dialogs, for what can't be undone: the question names the object, the button says the act.

use egui::{Align, Context, Frame, Id, Key, Layout, Margin, Modal, Modifiers, Ui, vec2};

use crate::{
    button::Button,
    fonts::Type,
    paint,
    space::{RADIUS_DIALOG, S8, S16},
    text,
    theme::shadow,
    tokens::tokens_ctx,
};

/// What the user answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The act was confirmed.
    Confirmed,
    /// The dialog was left by its cancel button, Escape or a click outside.
    Cancelled,
}

/// A question with two buttons. The cancel button has the focus at first.
#[derive(Clone, Debug)]
#[must_use = "call `show` each frame while the dialog is open"]
pub struct Dialog<'a> {
    question: &'a str,
    text: &'a str,
    confirm: &'a str,
    cancel: &'a str,
    danger: bool,
}

impl<'a> Dialog<'a> {
    /// A dialog with its question ("Erase customer 7576 from the log?") and the label of the act.
    pub fn new(question: &'a str, confirm: &'a str) -> Self {
        Self { question, text: "", confirm, cancel: "Cancel", danger: false }
    }

    /// What exactly will happen.
    pub fn text(mut self, text: &'a str) -> Self {
        self.text = text;
        self
    }

    /// Label of the button that changes nothing.
    pub fn cancel(mut self, label: &'a str) -> Self {
        self.cancel = label;
        self
    }

    /// The act destroys something: its button is red.
    pub fn danger(mut self) -> Self {
        self.danger = true;
        self
    }

    /// Draws the dialog over the dimmed window; answers once.
    pub fn show(self, ctx: &Context) -> Option<Answer> {
        let (inner, closed) = dialog_with(ctx, self.question, |ui| {
            text::paragraph(ui, self.text);
            ui.add_space(S16 - S8);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.buttons(ui)).inner
        });
        inner.or_else(|| closed.then_some(Answer::Cancelled))
    }

    fn buttons(&self, ui: &mut Ui) -> Option<Answer> {
        let confirm =
            if self.danger { Button::danger_filled(self.confirm) } else { Button::primary(self.confirm) };
        let confirmed = confirm.show(ui).clicked();
        let cancel = Button::secondary(self.cancel).key("Esc").show(ui);
        let key = Id::unique(("yard_ui.dialog", self.question));
        let frame = ui.ctx().cumulative_frame_nr();
        let last: Option<u64> = ui.data(|data| data.get_temp(key));
        if last.is_none_or(|last| last + 1 < frame) {
            cancel.request_focus();
        }
        ui.data_mut(|data| data.insert_temp(key, frame));
        if confirmed { Some(Answer::Confirmed) } else { cancel.clicked().then_some(Answer::Cancelled) }
    }
}

/// A modal with a heading and free content of 480 points at most; the second value is true when it
/// was left by Escape or a click outside.
pub fn dialog_with<R>(ctx: &Context, heading: &str, content: impl FnOnce(&mut Ui) -> R) -> (R, bool) {
    let t = tokens_ctx(ctx);
    let frame = Frame::new()
        .fill(t.surface)
        .stroke(egui::Stroke::new(1.0 / ctx.pixels_per_point(), t.border))
        .corner_radius(RADIUS_DIALOG)
        .inner_margin(Margin::same(S16 as i8))
        .shadow(shadow(t));
    let id = Id::unique(("yard_ui.modal", heading));
    let area = Modal::default_area(id).role(egui::Role::Dialog).accessible_name(heading);
    let response = Modal::new(id).area(area).frame(frame).backdrop_color(t.dim_colour()).show(ctx, |ui| {
        let width = 480.0_f32.min(ctx.content_rect().width() - 2.0 * S16 - 32.0);
        ui.set_width(width);
        ui.spacing_mut().item_spacing = vec2(S8, S8);
        let galley = paint::wrapped(ui.painter(), heading, Type::Strong, t.text, width, Align::Min);
        let (rect, _) = ui.allocate_exact_size(vec2(width, galley.size().y), egui::Sense::hover());
        ui.painter().galley(rect.min, galley, t.text);
        content(ui)
    });
    let escaped = response.is_top_modal
        && !response.any_popup_open
        && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    let outside = response.backdrop_response.clicked();
    (response.inner, escaped || outside)
}
