//! Where the parts of a plot lie: the area, its bounds, the ticks.

use egui::{Context, Id, Pos2, Rect, Ui, pos2};
use egui_plot::{PlotBounds, PlotPoint, PlotTransform};

use super::{
    Names, Plot,
    cache::{self, Shared},
    labels,
    series::Place,
    view,
};
use crate::{fonts::Type, paint};

/// The places of one frame. Bounds and transform are in plot space (logarithms on a log axis).
pub(super) struct Layout {
    pub(super) area: Rect,
    pub(super) transform: PlotTransform,
    pub(super) x_ticks: Vec<(f64, String)>,
    pub(super) y_ticks: Vec<(f64, String)>,
}

impl Layout {
    pub(super) fn new(plot: &Plot<'_>, ui: &Ui, body: Rect, id: Id) -> Self {
        let whole = bounds(plot, ui.ctx(), id);
        let ((x0, x1), (y0, y1)) = view::zoomed(ui.ctx(), id).unwrap_or(whole);
        let x_ticks = plot.x.ticks_between(x0, x1);
        let y_ticks = plot.y.ticks_between(y0, y1);
        let widest = |ticks: &[(f64, String)]| {
            ticks
                .iter()
                .map(|(_, word)| paint::text_width(ui.painter(), word, Type::MonoSmall))
                .fold(0.0_f32, f32::max)
        };
        let left = widest(&y_ticks) + 8.0;
        let under = 18.0 + if plot.x.label.is_empty() { 0.0 } else { 16.0 };
        let right = labels::right_margin(plot, ui, (x0, x1), body.width()).max(8.0);
        let area = Rect::from_min_max(
            pos2(body.left() + left, body.top() + 6.0),
            pos2(body.right() - right, body.bottom() - under),
        );
        let area = Rect::from_min_max(area.min, area.max.max(area.min + egui::vec2(20.0, 20.0)));
        let limits = PlotBounds::from_min_max([x0, y0], [x1, y1]);
        Self { area, transform: PlotTransform::new(area, limits, [false, false]), x_ticks, y_ticks }
    }

    /// Place in plot space to screen.
    pub(super) fn screen(&self, x: f64, y: f64) -> Pos2 {
        self.transform.position_from_point(&PlotPoint::new(x, y))
    }

    pub(super) fn screen_x(&self, x: f64) -> f32 {
        self.transform.position_from_point_x(x)
    }

    pub(super) fn screen_y(&self, y: f64) -> f32 {
        self.transform.position_from_point_y(y)
    }

    pub(super) fn bounds(&self) -> ((f64, f64), (f64, f64)) {
        let bounds = self.transform.bounds();
        ((bounds.min()[0], bounds.max()[0]), (bounds.min()[1], bounds.max()[1]))
    }
}

/// Bounds of all data in plot space; whole ticks on y.
fn bounds(plot: &Plot<'_>, ctx: &Context, id: Id) -> ((f64, f64), (f64, f64)) {
    let mut x = Extent::new(plot.x.log);
    let mut y = Extent::new(plot.y.log);
    let both = |x: &mut Extent, y: &mut Extent, (kind, at): (&str, usize), points: &Shared| {
        let all = cache::extents(ctx, id.with((kind, at)), points);
        for (axis, extent) in [x, y].into_iter().enumerate() {
            extent.add(all.low[axis]);
            extent.add(all.positive[axis]);
            extent.add(all.high[axis]);
        }
    };
    for (at, line) in plot.lines.iter().enumerate() {
        both(&mut x, &mut y, ("line", at), &line.points);
        for [at, low, high] in &line.band {
            x.add(*at);
            y.add(*low);
            y.add(*high);
        }
    }
    for (at, points) in plot.points.iter().enumerate() {
        both(&mut x, &mut y, ("points", at), &points.points);
        for (low, high) in &points.intervals {
            y.add(*low);
            y.add(*high);
        }
    }
    for bar in plot.bars.iter().flat_map(|bars| &bars.bars) {
        x.add(bar[0]);
        x.add(bar[1]);
        y.add(bar[2]);
        y.add(bar[3]);
    }
    for reference in &plot.references {
        match reference.place {
            Place::Horizontal(value) => y.add(value),
            Place::Vertical(value) => x.add(value),
            Place::Diagonal => {}
        }
    }
    for marker in &plot.markers {
        y.add(marker.at[1]);
    }
    let limits = (plot.x.bounds(x.low, x.high, false), plot.y.bounds(y.low, y.high, true));
    with_room(plot, limits)
}

/// Points at the edge of the range would be cut in half: a scatter gets a little room.
fn with_room(plot: &Plot<'_>, (x, y): ((f64, f64), (f64, f64))) -> ((f64, f64), (f64, f64)) {
    let open = plot.x.range.is_none() && plot.lines.is_empty() && !plot.points.is_empty();
    let pad = if open { (x.1 - x.0) * 0.03 } else { 0.0 };
    ((x.0 - pad, x.1 + pad), y)
}

struct Extent {
    low: f64,
    high: f64,
    log: bool,
}

impl Extent {
    fn new(log: bool) -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, log }
    }

    fn add(&mut self, value: f64) {
        // Values of 0 and less have no place on a log axis.
        if value.is_finite() && (value > 0.0 || !self.log) {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }
}

/// Whether labels stand at the ends of the lines.
pub(super) fn at_ends(plot: &Plot<'_>) -> bool {
    plot.names == Names::Ends
}
