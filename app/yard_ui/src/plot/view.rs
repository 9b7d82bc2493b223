//! Zoom and brushing: drag zooms to the box, Ctrl and wheel zoom at the pointer, a double click resets.

use egui::{Context, CornerRadius, CursorIcon, Id, Pos2, Rect, Response, Stroke, StrokeKind, Ui, pos2};
use egui_plot::PlotBounds;

use super::{Brush, Plot, PlotResponse, layout::Layout};
use crate::tokens::{tokens, with_alpha};

pub(super) type Bounds = ((f64, f64), (f64, f64));

/// The zoomed bounds, if the user has zoomed.
pub(super) fn zoomed(ctx: &Context, id: Id) -> Option<Bounds> {
    ctx.data(|data| data.get_temp::<Option<Bounds>>(id.with("zoom"))).flatten()
}

/// Back to all data.
pub(super) fn reset(ctx: &Context, id: Id) {
    set(ctx, id, None);
}

pub(super) fn set(ctx: &Context, id: Id, bounds: Option<Bounds>) {
    ctx.data_mut(|data| data.insert_temp(id.with("zoom"), bounds));
}

pub(super) fn navigate(
    plot: &Plot<'_>,
    ui: &Ui,
    (layout, area): (&Layout, &Response),
    id: Id,
    outcome: &mut PlotResponse,
) {
    if area.clicked() {
        outcome.response.request_focus();
    }
    if area.clicked()
        && let Some(at) = area.interact_pointer_pos()
    {
        let value = layout.transform.value_from_position(at);
        outcome.clicked = Some([plot.x.value_at(value.x), plot.y.value_at(value.y)]);
        if plot.brushable {
            outcome.brushed = Some(Brush::Cleared);
        }
    }
    let ctx = ui.ctx();
    if area.double_clicked() {
        reset(ctx, id);
        return;
    }
    if plot.brushable || !plot.fixed {
        drag(plot, ui, (layout, area), id, outcome);
    }
    if !plot.fixed {
        wheel(ui, (layout, area), id, outcome);
    }
}

fn drag(plot: &Plot<'_>, ui: &Ui, (layout, area): (&Layout, &Response), id: Id, outcome: &mut PlotResponse) {
    let key = id.with("drag-from");
    // A drag begins where the button went down, not where the pointer was when it was recognised.
    if area.drag_started()
        && let Some(at) = ui.input(|input| input.pointer.press_origin()).or(area.interact_pointer_pos())
    {
        ui.data_mut(|data| data.insert_temp(key, at));
    }
    let from: Option<Pos2> = ui.data(|data| data.get_temp(key));
    let (Some(from), Some(to)) = (from, area.interact_pointer_pos()) else {
        return;
    };
    if !area.dragged() && !area.drag_stopped() {
        return;
    }
    let brush = plot.brushable;
    let to = layout.area.clamp(to);
    let span = if brush {
        Rect::from_x_y_ranges(from.x.min(to.x)..=from.x.max(to.x), layout.area.y_range())
    } else {
        Rect::from_two_pos(from, to)
    };
    let t = tokens(ui);
    let fill = with_alpha(t.accent, 40);
    ui.painter().rect(span, CornerRadius::ZERO, fill, Stroke::new(1.0, t.accent), StrokeKind::Inside);
    let (low, high) = (
        layout.transform.value_from_position(span.left_bottom()),
        layout.transform.value_from_position(span.right_top()),
    );
    if brush && span.width() > 2.0 {
        outcome.brushed = Some(Brush::Range(plot.x.value_at(low.x), plot.x.value_at(high.x)));
    }
    if area.drag_stopped() {
        ui.data_mut(|data| data.remove::<Pos2>(key));
        if !brush && span.width() > 6.0 && span.height() > 6.0 {
            set(ui.ctx(), id, Some(((low.x, high.x), (low.y, high.y))));
        }
    }
}

/// Ctrl and wheel zoom everywhere; the wheel alone zooms a plot that was clicked, and scrolls the view
/// else.
fn wheel(ui: &Ui, (layout, area): (&Layout, &Response), id: Id, outcome: &PlotResponse) {
    if !area.hovered() {
        return;
    }
    let mut factor = ui.input(|input| input.zoom_delta());
    let turned = ui.input(|input| input.smooth_scroll_delta().y);
    if outcome.response.has_focus() && turned != 0.0 {
        factor *= (turned / 200.0).exp();
        ui.input_mut(|input| input.smooth_scroll_delta.y = 0.0);
    }
    let Some(at) = area.hover_pos().filter(|_| (factor - 1.0).abs() > 1e-3) else {
        return;
    };
    let ((x0, x1), (y0, y1)) = layout.bounds();
    let centre = layout.transform.value_from_position(at);
    let share = 1.0 / f64::from(factor);
    let mut bounds = PlotBounds::from_min_max([x0, y0], [x1, y1]);
    bounds.set_x_center_width(centre.x + (f64::midpoint(x0, x1) - centre.x) * share, (x1 - x0) * share);
    bounds.set_y_center_height(centre.y + (f64::midpoint(y0, y1) - centre.y) * share, (y1 - y0) * share);
    if bounds.is_valid() {
        let (low, high) = (bounds.min(), bounds.max());
        set(ui.ctx(), id, Some(((low[0], high[0]), (low[1], high[1]))));
    }
    ui.ctx().set_cursor_icon(CursorIcon::ZoomIn);
}

/// The brushed range as drawn under the bars.
pub(super) fn brushed_rect(plot: &Plot<'_>, layout: &Layout) -> Option<Rect> {
    let (low, high) = plot.brush?;
    let (from, to) = (layout.screen_x(plot.x.to_plot(low)), layout.screen_x(plot.x.to_plot(high)));
    Some(
        Rect::from_min_max(pos2(from, layout.area.top()), pos2(to, layout.area.bottom()))
            .intersect(layout.area),
    )
}
