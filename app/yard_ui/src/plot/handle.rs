//! The draggable threshold on a plot.

use egui::{Align2, CursorIcon, Id, Key, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Handle, Plot, PlotResponse, layout::Layout};
use crate::{fonts::Type, paint, tokens::tokens};

pub(super) fn show(plot: &Plot<'_>, ui: &Ui, layout: &Layout, id: Id, outcome: &mut PlotResponse) {
    let Some(handle) = &plot.handle else {
        return;
    };
    let x = layout.screen_x(plot.x.to_plot(handle.x));
    let place = Rect::from_center_size(pos2(x, layout.area.center().y), vec2(16.0, layout.area.height()));
    let response = ui.interact(place, id.with("handle"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo {
        value: Some(handle.x),
        ..WidgetInfo::labeled(Role::Slider, true, &handle.label)
    });
    let mut wanted = None;
    if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
    {
        wanted = Some(plot.x.value_at(layout.transform.value_from_position(at).x));
    }
    if response.has_focus() {
        let steps = arrows(ui, &response);
        if steps != 0.0 {
            wanted = Some(handle.x + steps * (handle.range.1 - handle.range.0) / 1000.0);
        }
    }
    outcome.handle = wanted.map(|x| x.clamp(handle.range.0, handle.range.1)).filter(|x| *x != handle.x);
    paint_handle(plot, ui, layout, (handle, x));
    paint::focus_ring(ui, place.shrink2(vec2(4.0, 0.0)), 4, &response);
    response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
}

/// The handle without its control, for a picture.
pub(super) fn still(plot: &Plot<'_>, ui: &Ui, layout: &Layout) {
    if let Some(handle) = &plot.handle {
        paint_handle(plot, ui, layout, (handle, layout.screen_x(plot.x.to_plot(handle.x))));
    }
}

fn arrows(ui: &Ui, response: &egui::Response) -> f64 {
    ui.memory_mut(|memory| {
        let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
        memory.set_focus_lock_filter(response.id, filter);
    });
    ui.input(|input| {
        let steps = input.num_presses(Key::ArrowRight) as f64 - input.num_presses(Key::ArrowLeft) as f64;
        if input.modifiers.shift { steps * 10.0 } else { steps }
    })
}

fn paint_handle(plot: &Plot<'_>, ui: &Ui, layout: &Layout, (handle, x): (&Handle, f32)) {
    let t = tokens(ui);
    let painter = ui.painter();
    let crisp = paint::crisp(painter, x);
    painter.vline(crisp, layout.area.y_range(), Stroke::new(1.5, t.accent));
    if let Some(point) = plot.lines.first().and_then(|line| line.at(handle.x)) {
        let y = layout.screen_y(plot.y.to_plot(point[1])).clamp(layout.area.top(), layout.area.bottom());
        painter.circle(pos2(x, y), 5.5, t.accent, Stroke::new(1.5, t.surface));
    }
    let width = paint::text_width(painter, &handle.label, Type::CaptionStrong);
    let left = x + 8.0 + width > layout.area.right();
    let (at, anchor) = if left {
        (pos2(x - 8.0, layout.area.bottom() - 4.0), Align2::RIGHT_BOTTOM)
    } else {
        (pos2(x + 8.0, layout.area.bottom() - 4.0), Align2::LEFT_BOTTOM)
    };
    paint::text_at(painter, at, anchor, &handle.label, Type::CaptionStrong, t.text);
}
