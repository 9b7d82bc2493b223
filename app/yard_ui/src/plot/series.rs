//! The marks of a plot: lines, points, bars, references, markers, shaded ranges.

use std::sync::Arc;

use egui::Color32;

use super::cache::Shared;

/// How a line is drawn: it says the split or the kind, besides the colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dash {
    /// Solid.
    #[default]
    Solid,
    /// Dashed.
    Dashed,
    /// Dotted.
    Dotted,
}

/// A line over ascending x. A value that is not finite leaves a gap.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Line {
    pub(super) name: String,
    pub(super) points: Shared,
    pub(super) colour: Color32,
    pub(super) dash: Dash,
    pub(super) width: f32,
    pub(super) band: Vec<[f64; 3]>,
    pub(super) raw: bool,
    pub(super) label: Option<String>,
    pub(super) end_dot: bool,
}

impl Line {
    /// A line of `[x, y]` points with its name, which is its direct label.
    pub fn new(name: impl Into<String>, colour: Color32, points: Vec<[f64; 2]>) -> Self {
        Self::shared(name, colour, Arc::new(points))
    }

    /// A line whose points are kept by the caller: for many points, so that no frame copies or thins
    /// them again. x must ascend.
    pub fn shared(name: impl Into<String>, colour: Color32, points: Arc<Vec<[f64; 2]>>) -> Self {
        Self {
            name: name.into(),
            points,
            colour,
            dash: Dash::Solid,
            width: 1.8,
            band: Vec::new(),
            raw: false,
            label: None,
            end_dot: false,
        }
    }

    /// A step line: y holds until the next x.
    pub fn steps(name: impl Into<String>, colour: Color32, points: &[[f64; 2]]) -> Self {
        let mut stairs = Vec::with_capacity(points.len() * 2);
        for point in points {
            if let Some(last) = stairs.last().map(|last: &[f64; 2]| last[1]) {
                stairs.push([point[0], last]);
            }
            stairs.push(*point);
        }
        Self::new(name, colour, stairs)
    }

    /// The dash.
    pub fn dash(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }

    /// Width in points.
    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// An interval as a band of `[x, low, high]`.
    pub fn band(mut self, band: Vec<[f64; 3]>) -> Self {
        self.band = band;
        self
    }

    /// The raw values behind a smoothed line: thin, at a quarter of the colour, without label.
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self.width = 1.0;
        self
    }

    /// A longer label than the name ("validation 0.4562").
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// A dot at the last point.
    pub fn end_dot(mut self) -> Self {
        self.end_dot = true;
        self
    }

    /// The label as drawn; raw lines have none.
    pub(super) fn shown_label(&self) -> Option<&str> {
        let label = self.label.as_deref().unwrap_or(&self.name);
        (!self.raw && !label.is_empty()).then_some(label)
    }

    /// The last point with finite values.
    pub(super) fn end(&self) -> Option<[f64; 2]> {
        self.points.iter().rev().find(|point| point[0].is_finite() && point[1].is_finite()).copied()
    }

    /// y at the point nearest to `x`.
    pub(super) fn at(&self, x: f64) -> Option<[f64; 2]> {
        let after = self.points.partition_point(|point| point[0] < x);
        let near =
            [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|at| self.points.get(at));
        near.filter(|point| point[0].is_finite() && point[1].is_finite())
            .min_by(|one, other| (one[0] - x).abs().total_cmp(&(other[0] - x).abs()))
            .copied()
    }
}

/// Unconnected points, each with an interval if there is one.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Points {
    pub(super) name: String,
    pub(super) points: Shared,
    pub(super) intervals: Vec<(f64, f64)>,
    pub(super) colour: Color32,
    pub(super) radius: f32,
    pub(super) fade: bool,
}

impl Points {
    /// Points `[x, y]` with their name. More than 20 000 are drawn as density.
    pub fn new(name: impl Into<String>, colour: Color32, points: Vec<[f64; 2]>) -> Self {
        Self::shared(name, colour, Arc::new(points))
    }

    /// Points that the caller keeps: for many, so that no frame copies or counts them again.
    pub fn shared(name: impl Into<String>, colour: Color32, points: Arc<Vec<[f64; 2]>>) -> Self {
        let fade = points.len() > 300;
        Self {
            name: name.into(),
            points,
            intervals: Vec::new(),
            colour,
            radius: if fade { 1.5 } else { 3.0 },
            fade,
        }
    }

    /// Ends of the interval of y at each point.
    pub fn intervals(mut self, intervals: Vec<(f64, f64)>) -> Self {
        self.intervals = intervals;
        self
    }

    /// In full colour also where they are many.
    pub fn solid(mut self) -> Self {
        self.fade = false;
        self
    }

    /// Radius in points.
    pub fn radius(mut self, radius: f32) -> Self {
        self.radius = radius;
        self
    }
}

/// Vertical bars. Several bars added with the same edges can be stacked by the `base`.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Bars {
    pub(super) name: String,
    /// x of the left edge, x of the right edge, base, top.
    pub(super) bars: Vec<[f64; 4]>,
    pub(super) colour: Color32,
    pub(super) outlined: bool,
    pub(super) muted: Vec<bool>,
}

impl Bars {
    /// Bars between `edges` (one more than `heights`).
    pub fn histogram(name: impl Into<String>, colour: Color32, edges: &[f64], heights: &[f64]) -> Self {
        let bars =
            edges.windows(2).zip(heights).map(|(edge, height)| [edge[0], edge[1], 0.0, *height]).collect();
        Self { name: name.into(), bars, colour, outlined: false, muted: Vec::new() }
    }

    /// Bars of `width` in units of x, centred at each x of `[x, height]`.
    pub fn at(name: impl Into<String>, colour: Color32, width: f64, points: &[[f64; 2]]) -> Self {
        let half = width / 2.0;
        let bars = points.iter().map(|[x, height]| [x - half, x + half, 0.0, *height]).collect();
        Self { name: name.into(), bars, colour, outlined: false, muted: Vec::new() }
    }

    /// Bars `[left, right, base, top]`: the steps of a waterfall, ranges.
    pub fn between(name: impl Into<String>, colour: Color32, bars: Vec<[f64; 4]>) -> Self {
        Self { name: name.into(), bars, colour, outlined: false, muted: Vec::new() }
    }

    /// Puts the bars onto those of `below`, edge by edge.
    pub fn stacked_on(mut self, below: &Self) -> Self {
        for (bar, base) in self.bars.iter_mut().zip(&below.bars) {
            bar[2] = base[3];
            bar[3] += base[3];
        }
        self
    }

    /// Only the outline with a pale fill: for two histograms over each other.
    pub fn outlined(mut self) -> Self {
        self.outlined = true;
        self
    }

    /// Bars to be drawn in grey: not judged, not selected.
    pub fn muted(mut self, muted: Vec<bool>) -> Self {
        self.muted = muted;
        self
    }

    pub(super) fn is_muted(&self, at: usize) -> bool {
        self.muted.get(at).copied().unwrap_or(false)
    }
}

/// What a reference line crosses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    Horizontal(f64),
    Vertical(f64),
    Diagonal,
}

/// A reference line with its name: chance, a baseline, a limit, a best epoch.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Reference {
    pub(super) place: Place,
    pub(super) label: String,
    pub(super) colour: Option<Color32>,
    pub(super) solid: bool,
}

impl Reference {
    /// A line at `y`.
    pub fn horizontal(y: f64, label: impl Into<String>) -> Self {
        Self { place: Place::Horizontal(y), label: label.into(), colour: None, solid: false }
    }

    /// A line at `x`.
    pub fn vertical(x: f64, label: impl Into<String>) -> Self {
        Self { place: Place::Vertical(x), ..Self::horizontal(x, label) }
    }

    /// The line from the bottom left to the top right: chance, perfect calibration.
    pub fn diagonal(label: impl Into<String>) -> Self {
        Self { place: Place::Diagonal, ..Self::horizontal(0.0, label) }
    }

    /// Another colour than that of the axes.
    pub fn colour(mut self, colour: Color32) -> Self {
        self.colour = Some(colour);
        self
    }

    /// Solid instead of dashed: another run.
    pub fn solid(mut self) -> Self {
        self.solid = true;
        self
    }
}

/// A dot on a curve with its label.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Marker {
    pub(super) at: [f64; 2],
    pub(super) label: String,
    pub(super) colour: Option<Color32>,
}

impl Marker {
    /// A dot at `[x, y]`; the label may be empty.
    pub fn new(at: [f64; 2], label: impl Into<String>) -> Self {
        Self { at, label: label.into(), colour: None }
    }

    /// Another colour than series 1.
    pub fn colour(mut self, colour: Color32) -> Self {
        self.colour = Some(colour);
        self
    }
}

/// A shaded range of x: the offer's side of a threshold, windows without labels.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the plot"]
pub struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) label: String,
    pub(super) quiet: bool,
}

impl Span {
    /// A grey range with its label.
    pub fn quiet(from: f64, to: f64, label: impl Into<String>) -> Self {
        Self { from, to, label: label.into(), quiet: true }
    }

    /// A range in the colour of a selection.
    pub fn selected(from: f64, to: f64, label: impl Into<String>) -> Self {
        Self { quiet: false, ..Self::quiet(from, to, label) }
    }
}
