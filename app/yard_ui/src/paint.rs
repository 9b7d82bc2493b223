//! Small painting helpers shared by the widgets: hairlines, focus ring, fitted text.

use std::sync::Arc;

use egui::{
    Align, Align2, Color32, CornerRadius, Galley, Painter, Pos2, Rect, Response, Stroke, StrokeKind, Ui,
    pos2, text::LayoutJob, vec2,
};

use crate::{fonts::Type, tokens::tokens};

/// One physical pixel in points.
pub(crate) fn hairline(ui: &Ui) -> f32 {
    1.0 / ui.pixels_per_point()
}

/// A hairline stroke in the border colour.
pub(crate) fn border(ui: &Ui) -> Stroke {
    Stroke::new(hairline(ui), tokens(ui).border)
}

/// Draws the focus ring around `rect` while `response` holds the keyboard focus.
pub fn focus_ring(ui: &Ui, rect: Rect, radius: u8, response: &Response) {
    if response.has_focus() {
        focus_ring_at(ui, rect, radius);
    }
}

/// Draws the focus ring: 2 points wide, 1 point off the control.
pub fn focus_ring_at(ui: &Ui, rect: Rect, radius: u8) {
    // A control at the edge of a scroll area still shows its whole ring.
    let painter = ui.painter().with_clip_rect(ui.clip_rect().expand(3.0));
    let stroke = Stroke::new(2.0, tokens(ui).accent);
    painter.rect_stroke(rect.expand(1.0), CornerRadius::same(radius + 1), stroke, StrokeKind::Outside);
}

/// Text on one line, cut with an ellipsis at `width` points.
pub fn fitted(painter: &Painter, text: &str, kind: Type, colour: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), kind.format(colour));
    job.wrap.max_width = width.max(0.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    job.break_on_newline = false;
    painter.layout_job(job)
}

/// Text wrapped at `width` points, lines aligned to `align`.
pub fn wrapped(
    painter: &Painter,
    text: &str,
    kind: Type,
    colour: Color32,
    width: f32,
    align: Align,
) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(text.to_owned(), kind.format(colour));
    job.wrap.max_width = width.max(1.0);
    job.halign = align;
    painter.layout_job(job)
}

/// Paints one line of text with `anchor` at `at` and returns its rectangle.
pub fn text_at(painter: &Painter, at: Pos2, anchor: Align2, text: &str, kind: Type, colour: Color32) -> Rect {
    let galley = fitted(painter, text, kind, colour, f32::INFINITY);
    galley_at(painter, at, anchor, galley)
}

/// Paints `galley` with `anchor` at `at` and returns its rectangle.
pub fn galley_at(painter: &Painter, at: Pos2, anchor: Align2, galley: Arc<Galley>) -> Rect {
    let rect = anchor.anchor_size(at, galley.size());
    let corner = snapped(painter, rect.min);
    painter.galley(corner, galley, Color32::PLACEHOLDER);
    rect
}

/// Width of `text` on one line.
pub fn text_width(painter: &Painter, text: &str, kind: Type) -> f32 {
    fitted(painter, text, kind, Color32::PLACEHOLDER, f32::INFINITY).size().x
}

/// `at` moved to the nearest whole pixel.
pub(crate) fn snapped(painter: &Painter, at: Pos2) -> Pos2 {
    let scale = painter.pixels_per_point();
    pos2((at.x * scale).round() / scale, (at.y * scale).round() / scale)
}

/// `y` moved to the middle of a pixel, so that a hairline there is sharp.
pub(crate) fn crisp(painter: &Painter, value: f32) -> f32 {
    painter.round_to_pixel_center(value)
}

/// A dashed straight line.
pub fn dashed(painter: &Painter, from: Pos2, to: Pos2, stroke: Stroke) {
    painter.extend(egui::Shape::dashed_line(&[from, to], stroke, 3.0, 3.0));
}

/// A square chip of `side` points with its centre at `centre`: the colour of a run or series.
pub(crate) fn swatch(painter: &Painter, centre: Pos2, side: f32, colour: Color32) {
    let rect = Rect::from_center_size(centre, vec2(side, side));
    painter.rect_filled(
        Rect::from_min_size(snapped(painter, rect.min), rect.size()),
        CornerRadius::same(2),
        colour,
    );
}
