//! The crosshair with all values at its place, shared by the plots of a group.

use egui::{Align2, Color32, CornerRadius, Id, Key, Rect, Response, Stroke, StrokeKind, Ui, pos2, vec2};

use super::{Plot, PlotResponse, layout::Layout};
use crate::{fonts::Type, paint, space::RADIUS_CONTROL, tokens::tokens};

/// Where the crosshair of a group stands, and in which pass it was put there.
#[derive(Clone, Copy)]
struct Shared {
    x: f64,
    source: Id,
    pass: u64,
}

pub(super) fn show(
    plot: &Plot<'_>,
    ui: &Ui,
    (layout, area): (&Layout, &Response),
    id: Id,
    outcome: &mut PlotResponse,
) {
    if let Some(heat) = &plot.heat {
        heat_tip(plot, heat, layout, area);
        return;
    }
    let own = pointer(plot, layout, area).or_else(|| keyboard(plot, ui, layout, id, outcome));
    let pass = ui.ctx().cumulative_pass_nr();
    let group = plot.group.map(|group| Id::unique(("yard_ui.crosshair", group)));
    if let Some(x) = own {
        outcome.hovered = Some(x);
        if let Some(group) = group {
            ui.data_mut(|data| data.insert_temp(group, Shared { x, source: id, pass }));
        }
        let x = cross(plot, ui, layout, x);
        readout(plot, ui, layout, x);
        return;
    }
    let shared: Option<Shared> = group.and_then(|group| ui.data(|data| data.get_temp(group)));
    if let Some(shared) = shared.filter(|shared| shared.source != id && pass - shared.pass <= 1) {
        let x = cross(plot, ui, layout, shared.x);
        in_title(plot, ui, outcome.response.rect, x);
    }
}

/// Row, column and value of the cell under the pointer.
fn heat_tip(plot: &Plot<'_>, heat: &super::Heat, layout: &Layout, area: &Response) {
    let Some(at) = area.hover_pos() else {
        return;
    };
    let place = layout.transform.value_from_position(at);
    let Some((row, column)) = heat.cell_at([place.x, place.y]) else {
        return;
    };
    let value = heat.value(row, column);
    let value = if value.is_finite() { plot.y.words(value) } else { crate::fmt::MISSING.to_owned() };
    let words = format!("{}, {}: {value}", heat.rows[row], heat.columns[column]);
    area.clone().on_hover_text_at_pointer(words);
}

fn pointer(plot: &Plot<'_>, layout: &Layout, area: &Response) -> Option<f64> {
    let at = area.hover_pos().filter(|at| layout.area.contains(*at))?;
    Some(plot.x.value_at(layout.transform.value_from_position(at).x))
}

/// Left and right move the crosshair of the focused plot from point to point.
fn keyboard(plot: &Plot<'_>, ui: &Ui, layout: &Layout, id: Id, outcome: &PlotResponse) -> Option<f64> {
    if !outcome.response.has_focus() || plot.handle.is_some() {
        return None;
    }
    ui.memory_mut(|memory| {
        let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
        memory.set_focus_lock_filter(outcome.response.id, filter);
    });
    let stops = stops(plot);
    let key = id.with("cursor");
    let at: Option<usize> = ui.data(|data| data.get_temp(key));
    let steps = ui
        .input(|input| input.num_presses(Key::ArrowRight) as i64 - input.num_presses(Key::ArrowLeft) as i64);
    let last = stops.len().checked_sub(1)? as i64;
    let at = (at.map_or(last, |at| at as i64) + steps).clamp(0, last) as usize;
    ui.data_mut(|data| data.insert_temp(key, at));
    let ((low, high), _) = layout.bounds();
    stops.get(at).copied().filter(|x| (low..=high).contains(&plot.x.to_plot(*x)))
}

/// The x of the points; of very many, every n-th.
fn few(points: &[[f64; 2]]) -> impl Iterator<Item = f64> + '_ {
    points.iter().step_by(points.len() / 2_000 + 1).map(|point| point[0])
}

/// Every x that has a value, ascending.
fn stops(plot: &Plot<'_>) -> Vec<f64> {
    let lines = plot.lines.iter().flat_map(|line| few(&line.points));
    let bars = plot.bars.iter().flat_map(|bars| bars.bars.iter().map(|bar| f64::midpoint(bar[0], bar[1])));
    let points = plot.points.iter().flat_map(|points| few(&points.points));
    let mut all: Vec<f64> = lines.chain(bars).chain(points).filter(|x| x.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

/// Draws the vertical line at the nearest x that has a value and returns that x.
fn cross(plot: &Plot<'_>, ui: &Ui, layout: &Layout, x: f64) -> f64 {
    let nearest = plot
        .lines
        .iter()
        .filter_map(|line| line.at(x))
        .map(|point| point[0])
        .min_by(|one, other| (one - x).abs().total_cmp(&(other - x).abs()))
        .unwrap_or(x);
    let t = tokens(ui);
    let at = paint::crisp(ui.painter(), layout.screen_x(plot.x.to_plot(nearest)));
    if layout.area.x_range().contains(at) {
        ui.painter().vline(at, layout.area.y_range(), Stroke::new(1.0, t.text_3));
        for line in plot.lines.iter().filter(|line| !line.raw) {
            if let Some(point) = line.at(nearest).filter(|point| point[0] == nearest) {
                let place = pos2(at, layout.screen_y(plot.y.to_plot(point[1])));
                if layout.area.expand(2.0).contains(place) {
                    ui.painter().circle(place, 3.5, line.colour, Stroke::new(1.5, t.surface));
                }
            }
        }
    }
    nearest
}

/// Name, colour and words of every value at `x`, largest first.
fn values(plot: &Plot<'_>, x: f64) -> Vec<(String, Color32, String)> {
    let lines = plot
        .lines
        .iter()
        .filter(|line| !line.raw && !line.name.is_empty())
        .filter_map(|line| Some((line.name.clone(), line.colour, line.at(x)?[1])));
    let bars = plot.bars.iter().filter_map(|bars| {
        let bar = bars.bars.iter().find(|bar| bar[0] <= x && x < bar[1])?;
        let name = if bars.name.is_empty() { plot.y.label.to_owned() } else { bars.name.clone() };
        Some((name, bars.colour, bar[3] - bar[2]))
    });
    let mut all: Vec<(String, Color32, f64)> =
        lines.chain(bars).filter(|(_, _, value)| value.is_finite()).collect();
    all.sort_by(|one, other| other.2.total_cmp(&one.2));
    all.into_iter().map(|(name, colour, value)| (name, colour, plot.y.words(value))).collect()
}

fn readout(plot: &Plot<'_>, ui: &Ui, layout: &Layout, x: f64) {
    let rows = values(plot, x);
    if rows.is_empty() {
        return;
    }
    let t = tokens(ui);
    let painter = ui.painter();
    let head = format!("{} {}", plot.x.label, plot.x.place(x));
    let width_of = |text: &str, kind| paint::text_width(painter, text, kind);
    let widest = rows.iter().map(|(name, _, value)| {
        16.0 + width_of(name, Type::Caption) + 12.0 + width_of(value, Type::MonoSmall)
    });
    let width = widest.fold(width_of(&head, Type::Caption), f32::max) + 16.0;
    let height = 16.0 * (rows.len() + 1) as f32 + 10.0;
    let at = layout.screen_x(plot.x.to_plot(x));
    let left = if at + 10.0 + width > layout.area.right() { at - 10.0 - width } else { at + 10.0 };
    let left = left.max(layout.area.left() + 2.0);
    let place = Rect::from_min_size(pos2(left, layout.area.top() + 2.0), vec2(width, height));
    painter.rect(place, CornerRadius::same(RADIUS_CONTROL), t.surface, paint::border(ui), StrokeKind::Inside);
    paint::text_at(
        painter,
        place.min + vec2(8.0, 5.0),
        Align2::LEFT_TOP,
        head.trim(),
        Type::Caption,
        t.text_2,
    );
    for (row, (name, colour, value)) in rows.iter().enumerate() {
        let y = place.top() + 5.0 + 16.0 * (row + 1) as f32 + 8.0;
        paint::swatch(painter, pos2(place.left() + 12.0, y), 8.0, *colour);
        paint::text_at(
            painter,
            pos2(place.left() + 22.0, y),
            Align2::LEFT_CENTER,
            name,
            Type::Caption,
            t.text,
        );
        paint::text_at(
            painter,
            pos2(place.right() - 8.0, y),
            Align2::RIGHT_CENTER,
            value,
            Type::MonoSmall,
            t.text,
        );
    }
}

/// The values of a plot whose neighbour is hovered stand in its title line.
fn in_title(plot: &Plot<'_>, ui: &Ui, rect: Rect, x: f64) {
    let words: Vec<String> = values(plot, x).into_iter().map(|(_, _, value)| value).collect();
    let text = format!("{} {}", plot.x.place(x), words.join(" "));
    let at = pos2(rect.right() - 24.0, rect.top() + 8.0);
    paint::text_at(ui.painter(), at, Align2::RIGHT_CENTER, &text, Type::MonoSmall, tokens(ui).text_2);
}
