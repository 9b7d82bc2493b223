//! A slider for a share or a threshold, with its number beside it.

use egui::{
    Align2, CornerRadius, CursorIcon, Key, Rect, Response, Sense, Stroke, Ui, Widget, WidgetInfo, pos2, vec2,
};

use crate::{
    fmt,
    fonts::Type,
    paint,
    space::{CONTROL, S8},
    tokens::tokens,
};

/// A slider. `ui.add(Slider::new("Threshold", &mut t, 0.0, 1.0).decimals(3))`
#[must_use = "call `show` or `ui.add`"]
pub struct Slider<'a> {
    name: &'a str,
    value: &'a mut f64,
    low: f64,
    high: f64,
    step: f64,
    decimals: usize,
    width: f32,
}

impl<'a> Slider<'a> {
    /// A slider from `low` to `high` with its accessible name.
    pub fn new(name: &'a str, value: &'a mut f64, low: f64, high: f64) -> Self {
        Self { name, value, low, high, step: (high - low) / 1000.0, decimals: 3, width: 112.0 }
    }

    /// Digits after the point of the number at the right.
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = decimals;
        self
    }

    /// Step of the arrow keys (ten times with Shift).
    pub fn step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// Width of the track in points.
    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Draws track, handle and number.
    pub fn show(self, ui: &mut Ui) -> Response {
        let number = fmt::fixed(*self.value, self.decimals);
        let number_width = paint::text_width(ui.painter(), &number, Type::Mono);
        let size = vec2(self.width + S8 + number_width, CONTROL);
        let (rect, mut response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let track = Rect::from_min_size(rect.min, vec2(self.width, CONTROL)).shrink2(vec2(7.0, 0.0));
        let before = *self.value;
        if let Some(at) = response.interact_pointer_pos() {
            let share = f64::from(((at.x - track.left()) / track.width()).clamp(0.0, 1.0));
            *self.value = self.low + share * (self.high - self.low);
        }
        if response.has_focus() {
            *self.value += arrow_steps(ui, &response) * self.step;
        }
        *self.value = self.value.clamp(self.low, self.high);
        if *self.value != before {
            response.mark_changed();
        }
        let enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::slider(enabled, *self.value, self.name));
        if ui.is_rect_visible(rect) {
            let share = ((*self.value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE)) as f32;
            paint_track(ui, track, share, &response);
            let at = pos2(rect.left() + self.width + S8, rect.center().y);
            let text = fmt::fixed(*self.value, self.decimals);
            paint::text_at(ui.painter(), at, Align2::LEFT_CENTER, &text, Type::Mono, tokens(ui).text);
        }
        response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal)
    }
}

impl Widget for Slider<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

fn paint_track(ui: &Ui, track: Rect, share: f32, response: &Response) {
    let t = tokens(ui);
    let y = track.center().y;
    let at = pos2(track.left() + share.clamp(0.0, 1.0) * track.width(), y);
    let bar = |from: f32, to: f32| Rect::from_min_max(pos2(from, y - 2.0), pos2(to, y + 2.0));
    let colour = if ui.is_enabled() { t.accent } else { t.border_strong };
    ui.painter().rect_filled(bar(track.left(), track.right()), CornerRadius::same(2), t.border);
    ui.painter().rect_filled(bar(track.left(), at.x), CornerRadius::same(2), colour);
    let radius = if response.dragged() || response.hovered() { 7.0 } else { 6.5 };
    ui.painter().circle(at, radius, t.surface, Stroke::new(2.0, colour));
    if response.has_focus() {
        paint::focus_ring_at(ui, Rect::from_center_size(at, vec2(14.0, 14.0)), 7);
    }
}

fn arrow_steps(ui: &Ui, response: &Response) -> f64 {
    ui.memory_mut(|memory| {
        let filter = egui::EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..egui::EventFilter::default()
        };
        memory.set_focus_lock_filter(response.id, filter);
    });
    ui.input(|input| {
        let presses = |key| input.num_presses(key) as f64;
        let steps = presses(Key::ArrowRight) + presses(Key::ArrowUp)
            - presses(Key::ArrowLeft)
            - presses(Key::ArrowDown);
        if input.modifiers.shift { steps * 10.0 } else { steps }
    })
}
