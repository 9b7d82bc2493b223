//! Form controls: text, number, choice, check box, segments, slider, and the row that labels them.
//!
//! Every control takes its accessible name, so that the visible label and the name can't differ.

mod arithmetic;
mod check;
mod form;
mod number;
mod segmented;
mod select;
mod slider;
mod text;

pub use arithmetic::evaluate;
pub use check::{checkbox, radio};
pub use form::{Form, form_row};
pub use number::NumberField;
pub use segmented::Segmented;
pub use select::{Select, select_value};
pub use slider::Slider;
pub use text::{PathField, TextField, take_focused_name};

use egui::{Color32, CornerRadius, Rect, Shape, Stroke, StrokeKind, Ui, epaint::RectShape};

use crate::{paint, space::RADIUS_CONTROL, tokens::tokens};

/// How a field is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldState {
    Rest,
    Focus,
    Error,
    Off,
}

/// The frame of a field: fill and outline, and the focus ring.
fn paint_frame(ui: &Ui, rect: Rect, state: FieldState) {
    ui.painter().add(frame_shape(ui, rect, state));
    if state == FieldState::Focus {
        paint::focus_ring_at(ui, rect, RADIUS_CONTROL);
    }
}

fn frame_shape(ui: &Ui, rect: Rect, state: FieldState) -> Shape {
    let t = tokens(ui);
    let (fill, line): (Color32, Color32) = match state {
        FieldState::Rest => (t.surface, t.border_strong),
        FieldState::Focus => (t.surface, t.accent),
        FieldState::Error => (t.surface, t.error),
        FieldState::Off => (t.sunken, t.border),
    };
    RectShape::new(rect, CornerRadius::same(RADIUS_CONTROL), fill, Stroke::new(1.0, line), StrokeKind::Inside)
        .into()
}
