//! A time slider over events: drag to see the state as it was.

use egui::{Align2, CornerRadius, Key, Rect, Response, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::{fonts::Type, paint, status::Status, tokens::tokens};

/// A named moment on the slider.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Event number, or any other ascending place.
    pub at: f64,
    /// Its word below the line; may be empty.
    pub label: String,
    /// Colour of its dot.
    pub status: Status,
}

/// Draws the slider from the first to the last of `range`; `now` changes by dragging and arrow keys.
pub fn timeline(
    ui: &mut Ui,
    name: &str,
    now: &mut f64,
    (low, high): (f64, f64),
    moments: &[Moment],
) -> Response {
    let (rect, mut response) =
        ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::click_and_drag());
    let track = Rect::from_min_max(
        pos2(rect.left() + 8.0, rect.top() + 8.0),
        pos2(rect.right() - 8.0, rect.top() + 12.0),
    );
    let span = (high - low).max(f64::MIN_POSITIVE);
    let before = *now;
    if let Some(at) = response.interact_pointer_pos() {
        let share = f64::from(((at.x - track.left()) / track.width()).clamp(0.0, 1.0));
        *now = (low + share * span).round();
    }
    if response.has_focus() {
        *now += steps(ui, &response);
    }
    *now = now.clamp(low, high.max(low));
    if *now != before {
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::slider(true, *now, name));
    let scale = Scale { track, low, span };
    paint_track(ui, &scale, *now, moments);
    let handle = pos2(scale.x(*now), track.center().y);
    ui.painter().circle(handle, 6.5, tokens(ui).accent, Stroke::new(1.5, tokens(ui).surface));
    if response.has_focus() {
        paint::focus_ring_at(ui, Rect::from_center_size(handle, vec2(14.0, 14.0)), 7);
    }
    response
}

/// Where a moment lies on the track.
struct Scale {
    track: Rect,
    low: f64,
    span: f64,
}

impl Scale {
    fn x(&self, at: f64) -> f32 {
        self.track.left() + ((at - self.low) / self.span) as f32 * self.track.width()
    }
}

/// The line up to `now`, the dots of the moments, and as many of their words as fit.
fn paint_track(ui: &Ui, scale: &Scale, now: f64, moments: &[Moment]) {
    let t = tokens(ui);
    let track = scale.track;
    let past = Rect::from_min_max(track.min, pos2(scale.x(now), track.bottom()));
    ui.painter().rect_filled(track, CornerRadius::same(2), t.border);
    ui.painter().rect_filled(past, CornerRadius::same(2), t.accent);
    let (start, end) = (track.left() - 8.0, track.right() + 8.0);
    let mut free = f32::NEG_INFINITY;
    for moment in moments {
        let at = pos2(scale.x(moment.at), track.center().y);
        let line = if moment.status == Status::Warn { t.warning } else { t.accent };
        ui.painter().circle(at, 4.0, t.surface, Stroke::new(1.5, line));
        let width = paint::text_width(ui.painter(), &moment.label, Type::Caption);
        let left = (at.x - width / 2.0).clamp(start, (end - width).max(start));
        if !moment.label.is_empty() && left > free {
            let place = pos2(left, track.top() + 20.0);
            paint::text_at(ui.painter(), place, Align2::LEFT_CENTER, &moment.label, Type::Caption, t.text_2);
            free = left + width + 12.0;
        }
    }
}

fn steps(ui: &Ui, response: &Response) -> f64 {
    ui.memory_mut(|memory| {
        let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
        memory.set_focus_lock_filter(response.id, filter);
    });
    ui.input(|input| input.num_presses(Key::ArrowRight) as f64 - input.num_presses(Key::ArrowLeft) as f64)
}
