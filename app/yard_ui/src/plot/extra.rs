//! Marks beside lines, points and bars: a map of heat cells, event marks on the x axis.

use egui::{Align2, CornerRadius, Id, Mesh, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Plot, cache, layout::Layout};
use crate::{
    fmt,
    fonts::Type,
    icon::{self, Look},
    paint,
    status::Status,
    tokens::{tokens, with_alpha},
};

/// A scatter of more points than this is drawn as density.
pub(super) const DENSE: usize = 20_000;
/// Side of a cell of the density in physical pixels.
const CELL: f32 = 2.0;

/// A table of values as colours: rows from top to bottom, columns from left to right.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Heat {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<String>,
    pub(super) values: Vec<Vec<f64>>,
    pub(super) range: (f64, f64),
    pub(super) diverging: bool,
    pub(super) decimals: usize,
}

impl Heat {
    /// Values by row and column, with the words of both; a value that lacks or is not finite stays blank.
    pub fn new(rows: Vec<String>, columns: Vec<String>, values: Vec<Vec<f64>>) -> Self {
        let finite = || values.iter().flatten().copied().filter(|value| value.is_finite());
        let range = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        Self { columns, rows, values, range, diverging: false, decimals: 2 }
    }

    /// From −`end` to `end` around zero: correlations, differences.
    pub fn diverging(mut self, end: f64) -> Self {
        (self.range, self.diverging) = ((-end, end), true);
        self
    }

    /// Digits after the point in the cells.
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = decimals;
        self
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    pub(super) fn value(&self, row: usize, column: usize) -> f64 {
        self.values.get(row).and_then(|values| values.get(column)).copied().unwrap_or(f64::NAN)
    }

    /// Row and column under a place of the plot: x counts columns, y counts rows from the bottom.
    pub(super) fn cell_at(&self, [x, y]: [f64; 2]) -> Option<(usize, usize)> {
        let column = (x + 0.5).floor();
        let row = self.rows.len() as f64 - 1.0 - (y + 0.5).floor();
        let inside = |at: f64, count: usize| (at >= 0.0 && at < count as f64).then_some(at as usize);
        Some((inside(row, self.rows.len())?, inside(column, self.columns.len())?))
    }
}

/// Something that happened at an x: a release, an alert, a retraining.
#[derive(Clone, Debug, PartialEq)]
pub struct EventMark {
    /// Where on the x axis.
    pub x: f64,
    /// What happened.
    pub label: String,
    /// Its kind, as icon and colour.
    pub status: Status,
}

/// Cells of the heat map, with their values where they fit.
pub(super) fn heat(plot: &Plot<'_>, ui: &Ui, layout: &Layout) {
    let Some(heat) = &plot.heat else {
        return;
    };
    let t = tokens(ui);
    let painter = ui.painter().with_clip_rect(layout.area.intersect(ui.clip_rect()));
    let span = heat.range.1 - heat.range.0;
    for row in 0..heat.rows.len() {
        let y = (heat.rows.len() - 1 - row) as f64;
        for column in 0..heat.columns.len() {
            let value = heat.value(row, column);
            if !value.is_finite() {
                continue;
            }
            let share = if span > 0.0 { (value - heat.range.0) / span } else { 0.5 };
            let (fill, text) =
                if heat.diverging { t.diverging(share * 2.0 - 1.0) } else { t.sequential(share) };
            let x = column as f64;
            let place = Rect::from_two_pos(layout.screen(x - 0.5, y - 0.5), layout.screen(x + 0.5, y + 0.5));
            painter.rect_filled(place.shrink(0.5), CornerRadius::ZERO, fill);
            if place.width() >= 34.0 && place.height() >= 14.0 {
                let words = fmt::fixed(value, heat.decimals);
                paint::text_at(
                    &painter,
                    place.center(),
                    Align2::CENTER_CENTER,
                    &words,
                    Type::MonoSmall,
                    text,
                );
            }
        }
    }
}

/// Series of very many points, as cells whose opacity grows with the logarithm of their count.
pub(super) fn density(plot: &Plot<'_>, ui: &Ui, layout: &Layout, id: Id) {
    let scale = ui.pixels_per_point();
    let cells = |length: f32| ((length * scale / CELL).ceil() as usize).max(1);
    let size = [cells(layout.area.width()), cells(layout.area.height())];
    for (at, points) in plot.points.iter().enumerate().filter(|(_, points)| points.points.len() > DENSE) {
        let key = id.with(("points", at));
        let wanted = (layout.bounds(), size);
        let density = cache::density(ui.ctx(), key, (&points.points, &plot.x, &plot.y), wanted);
        let most = f64::from(density.most).ln_1p();
        let mut mesh = Mesh::default();
        for (cell, count) in density.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (column, row) = (cell % density.size[0], cell / density.size[0]);
            let left = layout.area.left() + column as f32 * CELL / scale;
            let bottom = layout.area.bottom() - row as f32 * CELL / scale;
            let side = CELL / scale;
            let place = Rect::from_min_max(pos2(left, bottom - side), pos2(left + side, bottom));
            let share = f64::from(*count).ln_1p() / most.max(f64::MIN_POSITIVE);
            mesh.add_colored_rect(place, with_alpha(points.colour, (60.0 + 195.0 * share) as u8));
        }
        ui.painter().with_clip_rect(layout.area.intersect(ui.clip_rect())).add(mesh);
    }
}

/// Event marks at the top of the area, each with its words on hover and for the screen reader.
pub(super) fn events(plot: &Plot<'_>, ui: &Ui, layout: &Layout, id: Id) {
    let t = tokens(ui);
    for (at, event) in plot.events.iter().enumerate() {
        let x = layout.screen_x(plot.x.to_plot(event.x));
        if !layout.area.x_range().contains(x) {
            continue;
        }
        let colour = event.status.colour(t);
        let line = paint::crisp(ui.painter(), x);
        let (top, bottom) = (layout.area.top() + 14.0, layout.area.bottom());
        paint::dashed(ui.painter(), pos2(line, top), pos2(line, bottom), Stroke::new(1.0, colour));
        let place = Rect::from_center_size(pos2(x, layout.area.top() + 6.0), vec2(14.0, 14.0));
        icon::paint(ui.painter(), place.center(), event.status.icon(), 13.0, colour, Look::Fill);
        let response = ui.interact(place, id.with(("event", at)), Sense::hover());
        let words = format!("{}, {} {}", event.label, plot.x.label, plot.x.place(event.x));
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
        response.on_hover_text(words);
    }
}
