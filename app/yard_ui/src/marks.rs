//! Small marks that fit a table cell or an inspector: intervals, mini histograms, bars, sparklines,
//! share bars. Painted with rectangles and lines, without a plot widget.

use egui::{
    Align2, Color32, CornerRadius, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use crate::{fmt, fonts::Type, paint, space::S8, status::Status, tokens::tokens};

/// An estimate with its interval on a common range, and the reference that runs through all rows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a builder: give it to the widget"]
pub struct Interval {
    /// Lower end; not finite draws the dot alone.
    pub low: f64,
    /// The estimate; not finite draws nothing.
    pub value: f64,
    /// Upper end.
    pub high: f64,
    /// Both ends of the range that the width of the cell stands for.
    pub range: (f64, f64),
    /// A dashed line through all rows.
    pub reference: Option<f64>,
    /// Colour of the dot: `Idle` for the text colour.
    pub status: Status,
}

impl Interval {
    /// An interval on `range` without reference and judgement.
    pub fn new(value: f64, (low, high): (f64, f64), range: (f64, f64)) -> Self {
        Self { low, value, high, range, reference: None, status: Status::Idle }
    }

    /// A reference line at `value`.
    pub fn reference(mut self, value: f64) -> Self {
        self.reference = Some(value);
        self
    }

    /// Judges the estimate by the colour of its dot.
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    fn x(&self, rect: Rect, value: f64) -> f32 {
        let span = (self.range.1 - self.range.0).max(f64::MIN_POSITIVE);
        let share = ((value - self.range.0) / span).clamp(0.0, 1.0) as f32;
        rect.left() + share * rect.width()
    }
}

/// Paints an interval in the middle of `rect`; the reference line takes the whole height.
pub fn paint_interval(ui: &Ui, rect: Rect, mark: &Interval) {
    let t = tokens(ui);
    let painter = ui.painter();
    let y = paint::crisp(painter, rect.center().y);
    if let Some(reference) = mark.reference.filter(|value| value.is_finite()) {
        let x = paint::crisp(painter, mark.x(rect, reference));
        paint::dashed(
            painter,
            pos2(x, rect.top()),
            pos2(x, rect.bottom()),
            Stroke::new(1.0, t.border_strong),
        );
    } else {
        painter.hline(rect.x_range(), y, paint::border(ui));
    }
    if !mark.value.is_finite() {
        return;
    }
    let colour = if mark.status == Status::Idle { t.text } else { mark.status.colour(t) };
    if mark.low.is_finite() && mark.high.is_finite() {
        let line = if mark.status == Status::Idle { t.text_2 } else { colour };
        painter.hline(mark.x(rect, mark.low)..=mark.x(rect, mark.high), y, Stroke::new(1.5, line));
    }
    painter.circle_filled(pos2(mark.x(rect, mark.value), y), 3.0, colour);
}

/// An interval of its own with an accessible name.
pub fn interval(ui: &mut Ui, name: &str, size: Vec2, mark: &Interval) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let text = format!("{name}: {}", fmt::with_interval(mark.value, mark.low, mark.high, 3));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    if ui.is_rect_visible(rect) {
        paint_interval(ui, rect, mark);
    }
    response.on_hover_text(text)
}

/// How the series of a mini histogram share their bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bars {
    /// One on the other: classes within a bin.
    Stacked,
    /// Side by side: reference and now, for categories.
    Grouped,
    /// As outlines over each other: reference and now, for numbers.
    Outlined,
}

/// A histogram for a table cell: one row of counts or shares for each series.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// One list of bin heights for each series, all of the same length.
    pub series: Vec<Vec<f64>>,
    /// How they share the bins.
    pub bars: Bars,
}

impl Histogram {
    /// A histogram of `series`.
    pub fn new(bars: Bars, series: Vec<Vec<f64>>) -> Self {
        Self { series, bars }
    }

    fn bins(&self) -> usize {
        self.series.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn height(&self, bin: usize, series: usize) -> f64 {
        self.series
            .get(series)
            .and_then(|heights| heights.get(bin))
            .copied()
            .filter(|height| height.is_finite())
            .unwrap_or(0.0)
            .max(0.0)
    }

    fn top(&self) -> f64 {
        let of_bin = |bin: usize| {
            let heights = (0..self.series.len()).map(|series| self.height(bin, series));
            if self.bars == Bars::Stacked { heights.sum::<f64>() } else { heights.fold(0.0, f64::max) }
        };
        (0..self.bins()).map(of_bin).fold(0.0, f64::max)
    }
}

/// Paints a histogram on the bottom edge of `rect`.
pub fn paint_histogram(ui: &Ui, rect: Rect, histogram: &Histogram) {
    let (bins, top) = (histogram.bins(), histogram.top());
    if bins == 0 || top <= 0.0 {
        return;
    }
    // Few categories get narrow bars of equal width, not the whole cell.
    let width = (rect.width() / bins as f32).min(27.0);
    let scale = rect.height() / top as f32;
    let t = tokens(ui);
    if histogram.bars == Bars::Outlined {
        for series in 0..histogram.series.len() {
            let points = outline(histogram, series, rect, (width, scale));
            ui.painter().line(points, Stroke::new(1.0, t.series(series)));
        }
        return;
    }
    for bin in 0..bins {
        let left = rect.left() + bin as f32 * width;
        let mut base = rect.bottom();
        let each = if histogram.bars == Bars::Grouped {
            (width - 2.0) / histogram.series.len() as f32
        } else {
            width - 1.0
        };
        for series in 0..histogram.series.len() {
            let height = histogram.height(bin, series) as f32 * scale;
            let x = if histogram.bars == Bars::Grouped { left + series as f32 * each } else { left };
            let bar = Rect::from_min_max(pos2(x, base - height), pos2(x + each.max(0.5), base));
            ui.painter().rect_filled(bar, CornerRadius::ZERO, t.series(series));
            if histogram.bars == Bars::Stacked {
                base -= height;
            }
        }
    }
}

fn outline(histogram: &Histogram, series: usize, rect: Rect, (width, scale): (f32, f32)) -> Vec<egui::Pos2> {
    let mut points = vec![pos2(rect.left(), rect.bottom())];
    for bin in 0..histogram.bins() {
        let y = rect.bottom() - histogram.height(bin, series) as f32 * scale;
        let x = rect.left() + bin as f32 * width;
        points.push(pos2(x, y));
        points.push(pos2(x + width, y));
    }
    points.push(pos2(rect.left() + histogram.bins() as f32 * width, rect.bottom()));
    points
}

/// A mini histogram of its own with an accessible name.
pub fn mini_histogram(ui: &mut Ui, name: &str, size: Vec2, histogram: &Histogram) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    if ui.is_rect_visible(rect) {
        paint_histogram(ui, rect, histogram);
    }
    response
}

/// A sparkline of `values`; missing values leave a gap.
pub fn sparkline(ui: &mut Ui, name: &str, size: Vec2, values: &[f64]) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    if ui.is_rect_visible(rect) {
        let colour = tokens(ui).series(0);
        paint_sparkline(ui, rect, values, colour);
    }
    response
}

/// Paints a sparkline of `values` into `rect`.
pub fn paint_sparkline(ui: &Ui, rect: Rect, values: &[f64], colour: Color32) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return;
    }
    let inside = rect.shrink(1.5);
    let span = if high > low { high - low } else { 1.0 };
    let step = inside.width() / (values.len().max(2) - 1) as f32;
    let mut run = Vec::new();
    for (at, value) in values.iter().enumerate() {
        if value.is_finite() {
            let share = ((value - low) / span) as f32;
            run.push(pos2(inside.left() + at as f32 * step, inside.bottom() - share * inside.height()));
        } else if run.len() > 1 {
            ui.painter().line(std::mem::take(&mut run), Stroke::new(1.5, colour));
        }
    }
    if let Some(last) = run.last() {
        ui.painter().circle_filled(*last, 2.0, colour);
    }
    ui.painter().line(run, Stroke::new(1.5, colour));
}

/// One row of a bar list: label, bar, number.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the widget"]
pub struct Bar {
    /// Name of the row.
    pub label: String,
    /// Length of the bar; may be negative.
    pub value: f64,
    /// The number as shown.
    pub text: String,
    /// Colour; by default series 1 for positive and series 2 for negative values.
    pub colour: Option<Color32>,
    /// Ends of an interval drawn over the bar.
    pub interval: Option<(f64, f64)>,
}

impl Bar {
    /// A bar whose number is formatted by the caller.
    pub fn new(label: impl Into<String>, value: f64, text: impl Into<String>) -> Self {
        Self { label: label.into(), value, text: text.into(), colour: None, interval: None }
    }

    /// A colour of its own.
    pub fn colour(mut self, colour: Color32) -> Self {
        self.colour = Some(colour);
        self
    }

    /// An interval over the bar.
    pub fn interval(mut self, low: f64, high: f64) -> Self {
        self.interval = Some((low, high));
        self
    }
}

/// Horizontal bars, one a row of `row` points: importance, reasons, costs of policies.
///
/// Returns the index of the row that was clicked.
pub fn bar_list(ui: &mut Ui, name: &str, (label_width, row): (f32, f32), bars: &[Bar]) -> Option<usize> {
    let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
    let ends = bars.iter().flat_map(|bar| {
        let (low, high) = bar.interval.unwrap_or((bar.value, bar.value));
        [finite(bar.value), finite(low), finite(high)]
    });
    let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let span = if high > low { high - low } else { 1.0 };
    let number_width =
        bars.iter().map(|bar| paint::text_width(ui.painter(), &bar.text, Type::Mono)).fold(0.0, f32::max);
    let mut clicked = None;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (at, bar) in bars.iter().enumerate() {
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), row), Sense::CLICK);
            response.widget_info(|| {
                WidgetInfo::labeled(Role::ListItem, true, format!("{name}, {}: {}", bar.label, bar.text))
            });
            let area = Rect::from_min_max(
                pos2(rect.left() + label_width, rect.top()),
                pos2(rect.right() - number_width - S8, rect.bottom()),
            );
            let x = |value: f64| area.left() + ((finite(value) - low) / span) as f32 * area.width();
            paint_bar(ui, rect, (label_width, x(0.0), x(bar.value)), bar);
            if let Some((from, to)) = bar.interval {
                ui.painter().hline(
                    x(from)..=x(to),
                    paint::crisp(ui.painter(), rect.center().y),
                    Stroke::new(1.5, tokens(ui).text),
                );
            }
            if response.clicked() {
                clicked = Some(at);
            }
        }
    });
    clicked
}

fn paint_bar(ui: &Ui, rect: Rect, (label_width, zero, end): (f32, f32, f32), bar: &Bar) {
    let t = tokens(ui);
    let y = rect.center().y;
    let label = paint::fitted(ui.painter(), &bar.label, Type::Label, t.text_2, label_width - S8);
    paint::galley_at(ui.painter(), pos2(rect.left(), y), Align2::LEFT_CENTER, label);
    let thick = (rect.height() * 0.42).clamp(6.0, 12.0);
    let colour = bar.colour.unwrap_or_else(|| t.series(usize::from(bar.value < 0.0)));
    let shape =
        Rect::from_min_max(pos2(zero.min(end), y - thick / 2.0), pos2(zero.max(end), y + thick / 2.0));
    ui.painter().rect_filled(shape, CornerRadius::same(1), colour);
    paint::text_at(ui.painter(), pos2(rect.right(), y), Align2::RIGHT_CENTER, &bar.text, Type::Mono, t.text);
}

/// A bar of shares that add up to 1: traffic of champion and canary.
pub fn share_bar(ui: &mut Ui, name: &str, parts: &[(f64, Color32, &str)]) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    let words: Vec<String> =
        parts.iter().map(|(share, _, word)| format!("{word} {}", fmt::percent_with(*share, 0))).collect();
    let text = format!("{name}: {}", words.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
    let total: f64 = parts.iter().map(|(share, ..)| share.max(0.0)).filter(|share| share.is_finite()).sum();
    if ui.is_rect_visible(rect) && total > 0.0 {
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let mut left = rect.left();
        for (at, (share, colour, _)) in parts.iter().enumerate() {
            let width = (share.max(0.0) / total) as f32 * rect.width();
            let part = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
            painter.rect_filled(part, corners(at, parts.len()), *colour);
            left += width;
        }
    }
    response.on_hover_text(text)
}

fn corners(at: usize, count: usize) -> CornerRadius {
    let (first, last) = (if at == 0 { 3 } else { 0 }, if at + 1 == count { 3 } else { 0 });
    CornerRadius { nw: first, sw: first, ne: last, se: last }
}

/// A score on a track from 0 to 1 with the threshold as a mark.
pub fn score_bar(ui: &mut Ui, name: &str, value: f64, threshold: Option<f64>) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    response
        .widget_info(|| WidgetInfo { value: Some(value), ..WidgetInfo::labeled(Role::Meter, true, name) });
    let t = tokens(ui);
    let track = Rect::from_center_size(rect.center(), vec2(rect.width(), 4.0));
    let share = |value: f64| if value.is_finite() { value.clamp(0.0, 1.0) as f32 } else { 0.0 };
    ui.painter().rect_filled(track, CornerRadius::same(2), t.border);
    let filled = Rect::from_min_size(track.min, vec2(track.width() * share(value), 4.0));
    ui.painter().rect_filled(filled, CornerRadius::same(2), t.accent);
    if let Some(threshold) = threshold {
        let x = paint::crisp(ui.painter(), track.left() + track.width() * share(threshold));
        ui.painter().add(Shape::line_segment(
            [pos2(x, rect.top() + 1.0), pos2(x, rect.bottom() - 1.0)],
            Stroke::new(1.5, t.text),
        ));
    }
    response
}
