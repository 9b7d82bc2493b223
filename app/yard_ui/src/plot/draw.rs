//! Drawing: grid and ticks before, the marks by `egui_plot`, reference lines after.

use egui::{Align2, Color32, CornerRadius, Id, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use egui_plot::{
    Bar as PlotBar, BarChart, FilledArea, Line as PlotLine, LineStyle, PlotBounds, PlotUi,
    Points as PlotMarks,
};

use super::{
    Plot, cache, extra,
    layout::Layout,
    series::{Bars, Dash, Line, Place, Points, Reference, Span},
    view,
};
use crate::{
    fonts::Type,
    paint,
    tokens::{Tokens, tokens, with_alpha},
};

/// Spans, grid, base line, ticks and axis name.
pub(super) fn ground(plot: &Plot<'_>, ui: &Ui, layout: &Layout) {
    let t = tokens(ui);
    let painter = ui.painter();
    for span in &plot.spans {
        let rect = span_rect(plot, layout, span);
        painter.rect_filled(
            rect,
            CornerRadius::ZERO,
            if span.quiet { t.sunken } else { t.faded(t.selected, 0.6) },
        );
    }
    if let Some(rect) = view::brushed_rect(plot, layout) {
        painter.rect(rect, CornerRadius::ZERO, t.selected, Stroke::new(1.0, t.accent), StrokeKind::Inside);
    }
    for (y, word) in &layout.y_ticks {
        let place = paint::crisp(painter, layout.screen_y(*y));
        painter.hline(layout.area.x_range(), place, paint::border(ui));
        paint::text_at(
            painter,
            pos2(layout.area.left() - 6.0, place),
            Align2::RIGHT_CENTER,
            word,
            Type::MonoSmall,
            t.text_3,
        );
    }
    let base = base_line(layout);
    painter.hline(layout.area.x_range(), paint::crisp(painter, base), Stroke::new(1.0, t.border_strong));
    x_ticks(plot, ui, layout);
}

/// The zero line if zero is inside, the bottom else.
fn base_line(layout: &Layout) -> f32 {
    let (_, (low, high)) = layout.bounds();
    if low < 0.0 && high > 0.0 { layout.screen_y(0.0) } else { layout.area.bottom() }
}

fn x_ticks(plot: &Plot<'_>, ui: &Ui, layout: &Layout) {
    let t = tokens(ui);
    let y = layout.area.bottom() + 4.0;
    let mut free = f32::NEG_INFINITY;
    for (x, word) in &layout.x_ticks {
        let width = paint::text_width(ui.painter(), word, Type::MonoSmall);
        let centre = layout.screen_x(*x);
        if centre - width / 2.0 < free {
            continue;
        }
        paint::text_at(ui.painter(), pos2(centre, y), Align2::CENTER_TOP, word, Type::MonoSmall, t.text_3);
        free = centre + width / 2.0 + 6.0;
    }
    if !plot.x.label.is_empty() {
        let at = pos2(layout.area.right(), y + 16.0);
        paint::text_at(ui.painter(), at, Align2::RIGHT_TOP, plot.x.label, Type::Caption, t.text_3);
    }
}

/// Bars, bands, lines and points through `egui_plot`, without its own axes and navigation.
pub(super) fn marks(plot: &Plot<'_>, ui: &mut Ui, layout: &Layout, id: Id) {
    let t = tokens(ui);
    let ((x0, x1), (y0, y1)) = layout.bounds();
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(layout.area).id_salt(id.with("canvas")));
    child.set_clip_rect(layout.area.expand(1.5).intersect(ui.clip_rect()));
    let columns = (layout.area.width() * ui.pixels_per_point()).ceil() as usize;
    egui_plot::Plot::new(id.with("egui_plot"))
        .width(layout.area.width())
        .height(layout.area.height())
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .allow_axis_zoom_drag(false)
        .sense(egui::Sense::hover())
        .set_margin_fraction(vec2(0.0, 0.0))
        .show(&mut child, |canvas| {
            canvas.set_plot_bounds(PlotBounds::from_min_max([x0, y0], [x1, y1]));
            for bars in &plot.bars {
                draw_bars(canvas, plot, bars, t);
            }
            for line in &plot.lines {
                draw_band(canvas, plot, line);
            }
            for raw in [true, false] {
                for (at, line) in plot.lines.iter().enumerate().filter(|(_, line)| line.raw == raw) {
                    draw_line(canvas, plot, line, ((x0, x1), columns, id.with(("line", at))), t);
                }
            }
            for points in plot.points.iter().filter(|points| points.points.len() <= extra::DENSE) {
                draw_points(canvas, plot, points);
            }
        });
}

fn draw_bars(canvas: &mut PlotUi<'_>, plot: &Plot<'_>, bars: &Bars, t: &Tokens) {
    let drawn: Vec<PlotBar> = bars
        .bars
        .iter()
        .enumerate()
        .filter(|(_, bar)| bar.iter().all(|value| value.is_finite()) && bar[3] != bar[2])
        .map(|(at, bar)| {
            let (left, right) = (plot.x.to_plot(bar[0]), plot.x.to_plot(bar[1]));
            let (base, top) = (plot.y.to_plot(bar[2]), plot.y.to_plot(bar[3]));
            let base = if base.is_finite() { base } else { -12.0 };
            let colour = bar_colour(plot, bars, at, t);
            let fill = if bars.outlined { with_alpha(colour, 48) } else { colour };
            let share = if bars.outlined { 1.0 } else { 0.92 };
            PlotBar::new(f64::midpoint(left, right), top - base)
                .base_offset(base)
                .width((right - left) * share)
                .fill(fill)
                .stroke(Stroke::NONE)
        })
        .collect();
    canvas.bar_chart(BarChart::new("", drawn).allow_hover(false));
    if bars.outlined {
        canvas.line(PlotLine::new("", outline(plot, bars)).color(bars.colour).width(1.5).allow_hover(false));
    }
}

/// Grey for bars that are not judged, pale for bars outside of the brushed range.
fn bar_colour(plot: &Plot<'_>, bars: &Bars, at: usize, t: &Tokens) -> Color32 {
    let [left, right, ..] = bars.bars[at];
    let middle = f64::midpoint(left, right);
    if bars.is_muted(at) {
        t.neutral_mark
    } else if plot.brush.is_some_and(|(from, to)| middle < from || middle > to) {
        t.faded(bars.colour, 0.45)
    } else {
        bars.colour
    }
}

fn outline(plot: &Plot<'_>, bars: &Bars) -> Vec<[f64; 2]> {
    let mut points = Vec::with_capacity(bars.bars.len() * 2 + 2);
    for bar in &bars.bars {
        let top = plot.y.to_plot(bar[3]);
        if points.is_empty() {
            points.push([plot.x.to_plot(bar[0]), plot.y.to_plot(bar[2])]);
        }
        points.push([plot.x.to_plot(bar[0]), top]);
        points.push([plot.x.to_plot(bar[1]), top]);
    }
    if let Some(last) = bars.bars.last() {
        points.push([plot.x.to_plot(last[1]), plot.y.to_plot(last[2])]);
    }
    points
}

fn draw_band(canvas: &mut PlotUi<'_>, plot: &Plot<'_>, line: &Line) {
    for run in
        line.band.split(|point| point.iter().any(|value| !value.is_finite())).filter(|run| run.len() > 1)
    {
        let of = |at: usize| {
            run.iter()
                .map(|point| if at == 0 { plot.x.to_plot(point[0]) } else { plot.y.to_plot(point[at]) })
                .collect::<Vec<f64>>()
        };
        let area = FilledArea::new("", &of(0), &of(1), &of(2))
            .fill_color(with_alpha(line.colour, 42))
            .allow_hover(false);
        canvas.add(area);
    }
}

fn draw_line(
    canvas: &mut PlotUi<'_>,
    plot: &Plot<'_>,
    line: &Line,
    (range, columns, id): ((f64, f64), usize, Id),
    t: &Tokens,
) {
    let colour = if line.raw { t.faded(line.colour, 0.25) } else { line.colour };
    let style = match line.dash {
        Dash::Solid => LineStyle::Solid,
        Dash::Dashed => LineStyle::Dashed { length: 5.0 },
        Dash::Dotted => LineStyle::Dotted { spacing: 4.0 },
    };
    let wanted = (&line.points, &plot.x, &plot.y);
    let thinned = cache::thinned(canvas.ctx(), id, wanted, (range, columns));
    for run in
        thinned.split(|point| !point[0].is_finite() || !point[1].is_finite()).filter(|run| !run.is_empty())
    {
        let drawn =
            PlotLine::new("", run.to_vec()).color(colour).width(line.width).style(style).allow_hover(false);
        canvas.line(drawn);
    }
    if line.end_dot
        && let Some(end) = thinned.iter().rev().find(|point| point[1].is_finite())
    {
        canvas.points(PlotMarks::new("", vec![*end]).radius(4.0).color(line.colour).allow_hover(false));
    }
}

fn draw_points(canvas: &mut PlotUi<'_>, plot: &Plot<'_>, points: &Points) {
    let place = |point: &[f64; 2]| [plot.x.to_plot(point[0]), plot.y.to_plot(point[1])];
    for (point, (low, high)) in points.points.iter().zip(&points.intervals) {
        let [x, _] = place(point);
        let ends = vec![[x, plot.y.to_plot(*low)], [x, plot.y.to_plot(*high)]];
        if ends.iter().flatten().all(|value| value.is_finite()) {
            canvas.line(
                PlotLine::new("", ends).color(with_alpha(points.colour, 130)).width(1.5).allow_hover(false),
            );
        }
    }
    let colour = if points.fade { with_alpha(points.colour, 110) } else { points.colour };
    let finite: Vec<[f64; 2]> =
        points.points.iter().map(place).filter(|point| point.iter().all(|value| value.is_finite())).collect();
    canvas.points(PlotMarks::new("", finite).radius(points.radius).color(colour).allow_hover(false));
}

/// Reference lines with their names, and markers.
pub(super) fn references(plot: &Plot<'_>, ui: &Ui, layout: &Layout) {
    let t = tokens(ui);
    for reference in &plot.references {
        reference_ui(plot, ui, layout, reference);
    }
    for span in plot.spans.iter().filter(|span| !span.label.is_empty()) {
        span_label(plot, ui, layout, span);
    }
    for marker in &plot.markers {
        let at = layout.screen(plot.x.to_plot(marker.at[0]), plot.y.to_plot(marker.at[1]));
        if !layout.area.expand(2.0).contains(at) {
            continue;
        }
        let colour = marker.colour.unwrap_or(t.accent);
        ui.painter().circle(at, 5.0, colour, Stroke::new(1.5, t.surface));
        if !marker.label.is_empty() {
            label_beside(ui, layout, at, &marker.label, t.text);
        }
    }
}

/// The name of a shaded range, centred at its top.
fn span_label(plot: &Plot<'_>, ui: &Ui, layout: &Layout, span: &Span) {
    let place = span_rect(plot, layout, span);
    if place.width() <= 0.0 {
        return;
    }
    let colour = tokens(ui).text_2;
    let width = (place.width() - 4.0).max(48.0);
    let text = paint::wrapped(ui.painter(), &span.label, Type::Caption, colour, width, egui::Align::Center);
    let at = pos2(place.center().x, place.top() + 4.0);
    ui.painter().galley(paint::snapped(ui.painter(), at), text, colour);
}

fn span_rect(plot: &Plot<'_>, layout: &Layout, span: &Span) -> Rect {
    let x = |value: f64| layout.screen_x(plot.x.to_plot(value));
    let from = pos2(x(span.from), layout.area.top());
    Rect::from_min_max(from, pos2(x(span.to), layout.area.bottom())).intersect(layout.area)
}

/// A label beside a point, on the side where there is room.
/// Line of a label at the caption's size.
const LABEL_HEIGHT: f32 = 14.0;

fn label_beside(ui: &Ui, layout: &Layout, at: egui::Pos2, label: &str, colour: Color32) {
    let width = paint::text_width(ui.painter(), label, Type::Caption);
    let left = at.x + 10.0 + width > layout.area.right();
    // Above its point, but never on the plot's head.
    let below = at.y - 8.0 - LABEL_HEIGHT < layout.area.top();
    let place = at + vec2(if left { -10.0 } else { 10.0 }, if below { 8.0 } else { -8.0 });
    let anchor = match (left, below) {
        (true, false) => Align2::RIGHT_BOTTOM,
        (false, false) => Align2::LEFT_BOTTOM,
        (true, true) => Align2::RIGHT_TOP,
        (false, true) => Align2::LEFT_TOP,
    };
    paint::text_at(ui.painter(), place, anchor, label, Type::Caption, colour);
}

fn reference_ui(plot: &Plot<'_>, ui: &Ui, layout: &Layout, reference: &Reference) {
    let t = tokens(ui);
    let colour = reference.colour.unwrap_or(t.text_3);
    let stroke = Stroke::new(if reference.solid { 1.5 } else { 1.0 }, colour);
    let area = layout.area;
    let (from, to) = match reference.place {
        Place::Horizontal(y) => {
            let y = paint::crisp(ui.painter(), layout.screen_y(plot.y.to_plot(y)));
            (pos2(area.left(), y), pos2(area.right(), y))
        }
        Place::Vertical(x) => {
            let x = paint::crisp(ui.painter(), layout.screen_x(plot.x.to_plot(x)));
            (pos2(x, area.bottom()), pos2(x, area.top()))
        }
        Place::Diagonal => (layout.screen(0.0, 0.0), layout.screen(1.0, 1.0)),
    };
    let seen = Rect::from_two_pos(from, to).expand(0.5).intersects(area);
    if !seen || !from.is_finite() || !to.is_finite() {
        return;
    }
    let painter = ui.painter().with_clip_rect(area.expand(1.0).intersect(ui.clip_rect()));
    if reference.solid {
        painter.line_segment([from, to], stroke);
    } else {
        paint::dashed(&painter, from, to, stroke);
    }
    match reference.place {
        Place::Vertical(_) if !reference.label.is_empty() => {
            let width = paint::text_width(ui.painter(), &reference.label, Type::Caption);
            let flip = from.x + 4.0 + width > area.right();
            let (at, anchor) = if flip {
                (pos2(from.x - 4.0, area.top()), Align2::RIGHT_TOP)
            } else {
                (pos2(from.x + 4.0, area.top()), Align2::LEFT_TOP)
            };
            paint::text_at(ui.painter(), at, anchor, &reference.label, Type::Caption, t.text);
        }
        Place::Diagonal if !reference.label.is_empty() => {
            let at = layout.screen(0.66, 0.58);
            paint::text_at(ui.painter(), at, Align2::LEFT_TOP, &reference.label, Type::Caption, t.text_2);
        }
        _ => {}
    }
}
