//! The scroll position of a table as a row number, moved by wheel, keys and bars.

use egui::{CornerRadius, Id, Rect, Sense, Ui, pos2, vec2};

use super::geometry::Geometry;
use crate::tokens::tokens;

const BAR: f32 = 6.0;

/// First visible row, the part of a row that the wheel has turned beyond it, and the shift to the right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scroll {
    pub(super) top: usize,
    pub(super) x: f32,
    rest: f32,
}

impl Scroll {
    pub(super) fn load(ui: &Ui, id: Id) -> Self {
        ui.data(|data| data.get_temp(id.with("scroll"))).unwrap_or_default()
    }

    pub(super) fn store(self, ui: &Ui, id: Id) {
        ui.data_mut(|data| data.insert_temp(id.with("scroll"), self));
    }

    /// Moves as little as needed to show `row`.
    pub(super) fn bring(&mut self, row: usize, geometry: &Geometry) {
        let visible = geometry.visible_rows();
        if row < self.top {
            self.top = row;
        } else if row >= self.top + visible {
            self.top = row + 1 - visible;
        }
        self.rest = 0.0;
    }

    pub(super) fn clamp(&mut self, geometry: &Geometry) {
        self.top = self.top.min(geometry.last_top());
        self.x = self.x.clamp(0.0, geometry.last_x());
    }

    /// Takes the wheel while the pointer is over the body and there is somewhere to go; what can't
    /// be used is left to the view around.
    pub(super) fn wheel(&mut self, ui: &Ui, geometry: &Geometry) {
        if !ui.rect_contains_pointer(geometry.rect) {
            return;
        }
        let delta = ui.input(|input| input.smooth_scroll_delta());
        let up = delta.y > 0.0;
        let movable = geometry.overflows() && if up { self.top > 0 } else { self.top < geometry.last_top() };
        if delta.y != 0.0 && movable {
            self.rest -= delta.y / geometry.row_height;
            let whole = self.rest.trunc();
            self.rest -= whole;
            self.top = (self.top as i64 + whole as i64).clamp(0, geometry.last_top() as i64) as usize;
            ui.input_mut(|input| input.smooth_scroll_delta.y = 0.0);
        }
        if delta.x != 0.0 && geometry.last_x() > 0.0 {
            self.x -= delta.x;
            ui.input_mut(|input| input.smooth_scroll_delta.x = 0.0);
        }
    }

    /// Draws the scroll bars and lets them be dragged.
    pub(super) fn bars(&mut self, ui: &Ui, geometry: &Geometry, id: Id) {
        if geometry.overflows() {
            self.vertical(ui, geometry, id.with("bar-y"));
        }
        if geometry.last_x() > 0.0 {
            self.horizontal(ui, geometry, id.with("bar-x"));
        }
    }

    fn vertical(&mut self, ui: &Ui, geometry: &Geometry, id: Id) {
        let body = geometry.body;
        let track = Rect::from_min_max(
            pos2(body.right() - BAR - 2.0, body.top() + 2.0),
            pos2(body.right() - 2.0, body.bottom() - 2.0),
        );
        let share = geometry.visible_rows() as f32 / geometry.rows.max(1) as f32;
        let length = (track.height() * share).clamp(24.0, track.height());
        let room = track.height() - length;
        let last = geometry.last_top() as f32;
        let response = ui.interact(track.expand2(vec2(2.0, 0.0)), id, Sense::DRAG);
        if let Some(at) = response.interact_pointer_pos() {
            let wanted = ((at.y - track.top() - length / 2.0) / room.max(1.0)).clamp(0.0, 1.0);
            self.top = (f64::from(wanted) * geometry.last_top() as f64).round() as usize;
        }
        let y = track.top() + room * (self.top as f32 / last.max(1.0));
        let hot = response.hovered() || response.dragged();
        paint_handle(ui, Rect::from_min_size(pos2(track.left(), y), vec2(BAR, length)), hot);
    }

    fn horizontal(&mut self, ui: &Ui, geometry: &Geometry, id: Id) {
        let rect = geometry.rect;
        let track = Rect::from_min_max(
            pos2(rect.left() + 2.0, rect.bottom() - BAR - 2.0),
            pos2(rect.right() - 2.0, rect.bottom() - 2.0),
        );
        let length = (track.width() * rect.width() / geometry.width).clamp(24.0, track.width());
        let room = track.width() - length;
        let response = ui.interact(track.expand2(vec2(0.0, 2.0)), id, Sense::DRAG);
        if let Some(at) = response.interact_pointer_pos() {
            let wanted = ((at.x - track.left() - length / 2.0) / room.max(1.0)).clamp(0.0, 1.0);
            self.x = wanted * geometry.last_x();
        }
        let x = track.left() + room * self.x / geometry.last_x();
        let hot = response.hovered() || response.dragged();
        paint_handle(ui, Rect::from_min_size(pos2(x, track.top()), vec2(length, BAR)), hot);
    }
}

fn paint_handle(ui: &Ui, rect: Rect, hot: bool) {
    let t = tokens(ui);
    let colour = if hot { t.text_3 } else { t.border_strong };
    ui.painter().rect_filled(rect, CornerRadius::same(3), colour);
}
