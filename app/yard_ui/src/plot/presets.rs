//! Plots that the product shows again and again, as functions of numbers and words.

use egui::Color32;

use super::{Axis, Bars, Dash, EventMark, Handle, Heat, Line, Marker, Names, Plot, Points, Reference};
use crate::fmt;

/// A curve over the unit square: its name, its colour, its points.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Name with its figure ("run 14 0.843").
    pub name: String,
    /// Colour of the run.
    pub colour: Color32,
    /// `[x, y]`, x ascending.
    pub points: Vec<[f64; 2]>,
}

fn unit_lines(curves: Vec<Curve>) -> impl Iterator<Item = Line> {
    curves.into_iter().enumerate().map(|(at, curve)| {
        let dash = if at == 0 { Dash::Solid } else { Dash::Dashed };
        Line::new(curve.name, curve.colour, curve.points).dash(dash)
    })
}

/// ROC curves; the first is the selected one. `operating` is false and true positive rate at the threshold.
pub fn roc(note: &str, curves: Vec<Curve>, operating: Option<[f64; 2]>) -> Plot<'_> {
    let plot = Plot::new(
        "ROC, true positive rate",
        Axis::share("false positive rate"),
        Axis::share("true positive rate"),
    )
    .note(note)
    .lines(unit_lines(curves))
    .reference(Reference::diagonal("chance 0.500"))
    .names(Names::BottomRight)
    .height(232.0);
    with_operating(plot, operating)
}

/// Precision over recall; `base` is the share of positives, the precision of chance.
pub fn precision_recall(note: &str, curves: Vec<Curve>, base: f64, operating: Option<[f64; 2]>) -> Plot<'_> {
    let plot = Plot::new("Precision over recall", Axis::share("recall"), Axis::share("precision"))
        .note(note)
        .lines(unit_lines(curves))
        .reference(Reference::horizontal(base, fmt::metric(base)))
        .names(Names::BottomRight)
        .height(232.0);
    with_operating(plot, operating)
}

fn with_operating(plot: Plot<'_>, operating: Option<[f64; 2]>) -> Plot<'_> {
    match operating {
        Some(at) => plot.marker(Marker::new(at, "")),
        None => plot,
    }
}

/// One group of a calibration plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Observed rate.
    pub observed: f64,
    /// Interval of the observed rate.
    pub interval: (f64, f64),
}

/// Observed over predicted, with intervals and the line of perfect calibration.
pub fn calibration<'a>(title: &'a str, note: &'a str, colour: Color32, groups: &[Group]) -> Plot<'a> {
    let points: Vec<[f64; 2]> = groups.iter().map(|group| [group.predicted, group.observed]).collect();
    let intervals = groups.iter().map(|group| group.interval).collect();
    Plot::new(title, Axis::share("predicted probability"), Axis::share("observed rate"))
        .note(note)
        .line(Line::new("observed", colour, points.clone()).width(1.5))
        .points(Points::new("", colour, points).intervals(intervals))
        .reference(Reference::diagonal("perfect"))
        .names(Names::Hidden)
        .height(232.0)
}

/// Expected cost over the threshold, with the threshold as a handle.
///
/// `baselines` are the costs of doing nothing, of always acting, of a rule, with their names.
pub fn cost<'a>(
    title: &'a str,
    note: &'a str,
    lines: Vec<Line>,
    baselines: Vec<(String, f64)>,
    handle: Handle,
) -> Plot<'a> {
    let plot = Plot::new(title, Axis::share("threshold"), Axis::new("cost").zero_based())
        .note(note)
        .lines(lines)
        .names(Names::Ends)
        .handle(handle)
        .fixed();
    baselines.into_iter().fold(plot, |plot, (name, value)| plot.reference(Reference::horizontal(value, name)))
}

/// Training curves: loss or metric over epochs or trees, with the best epoch marked.
pub fn curves<'a>(
    title: &'a str,
    note: &'a str,
    x: &'a str,
    lines: Vec<Line>,
    best: Option<(f64, String)>,
) -> Plot<'a> {
    let plot = Plot::new(title, Axis::new(x), Axis::new("")).note(note).lines(lines);
    match best {
        Some((at, label)) => plot.reference(Reference::vertical(at, label)),
        None => plot,
    }
}

/// Two distributions over each other: reference and now, as shares on common edges.
pub fn distributions<'a>(
    title: &'a str,
    x: &'a str,
    edges: &[f64],
    (one, other): (&NamedShares, &NamedShares),
) -> Plot<'a> {
    let bars = |shares: &NamedShares| {
        Bars::histogram(shares.name.clone(), shares.colour, edges, &shares.shares).outlined()
    };
    let percent = |share: f64| fmt::fixed(share * 100.0, 0);
    Plot::new(title, Axis::new(x).about(4), Axis::new("share, %").zero_based().format(percent))
        .bars(bars(one))
        .bars(bars(other))
        .names(Names::Above)
}

/// Shares of one distribution with its name and colour.
#[derive(Clone, Debug)]
pub struct NamedShares {
    /// Name with n ("reference n = 4 225").
    pub name: String,
    /// Its colour.
    pub colour: Color32,
    /// Share of each bin, 0 to 1.
    pub shares: Vec<f64>,
}

/// A stacked histogram of counts: one series for each class, on common edges.
pub fn stacked<'a>(
    title: &'a str,
    x: &'a str,
    edges: &[f64],
    classes: &[(String, Color32, Vec<f64>)],
) -> Plot<'a> {
    let mut plot =
        Plot::new(title, Axis::new(x).about(5), Axis::new("rows").zero_based()).names(Names::Above);
    let mut below: Option<Bars> = None;
    for (name, colour, heights) in classes {
        let bars = Bars::histogram(name.clone(), *colour, edges, heights);
        let bars = match &below {
            Some(base) => bars.stacked_on(base),
            None => bars,
        };
        below = Some(bars.clone());
        plot = plot.bars(bars);
    }
    plot
}

/// Points, as for predicted over observed in regression.
pub fn scatter<'a>(title: &'a str, note: &'a str, (x, y): (Axis<'a>, Axis<'a>), points: Points) -> Plot<'a> {
    Plot::new(title, x, y).note(note).points(points).names(Names::Hidden)
}

/// Ticks with the words of categories at 0, 1, 2, …
fn categories(words: &[String]) -> Vec<(f64, String)> {
    words.iter().enumerate().map(|(at, word)| (at as f64, word.clone())).collect()
}

/// An axis of categories.
fn category_axis<'a>(label: &'a str, words: &[String]) -> Axis<'a> {
    let all = words.to_vec();
    Axis::new(label)
        .range(-0.5, words.len().max(1) as f64 - 0.5)
        .ticks(categories(words))
        .format(move |at| all.get(at.round().max(0.0) as usize).cloned().unwrap_or_default())
}

/// One bar for each category.
pub fn bars<'a>(
    title: &'a str,
    (x, y): (&'a str, Axis<'a>),
    words: &[String],
    (colour, values): (Color32, &[f64]),
) -> Plot<'a> {
    let points: Vec<[f64; 2]> = values.iter().enumerate().map(|(at, value)| [at as f64, *value]).collect();
    Plot::new(title, category_axis(x, words), y.zero_based())
        .bars(Bars::at("", colour, 0.7, &points))
        .names(Names::Hidden)
}

/// A table of values as colours, rows from top to bottom.
pub fn heat_map<'a>(title: &'a str, (x, y): (&'a str, &'a str), heat: Heat) -> Plot<'a> {
    let rows: Vec<String> = heat.rows.iter().rev().cloned().collect();
    let ticks = categories(&rows);
    let decimals = heat.decimals;
    let axis = Axis::new(y)
        .range(-0.5, rows.len().max(1) as f64 - 0.5)
        .ticks(ticks)
        .format(move |value| fmt::fixed(value, decimals));
    Plot::new(title, category_axis(x, &heat.columns), axis).heat(heat).names(Names::Hidden).fixed()
}

/// A step of a waterfall: what it adds to the sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its word.
    pub label: String,
    /// What it adds; negative takes away.
    pub value: f64,
}

/// How a start value becomes an end value: reasons of a prediction, parts of a cost.
///
/// `up` and `down` are the colours of steps that add and take away; both ends stand in grey.
pub fn waterfall<'a>(
    title: &'a str,
    y: Axis<'a>,
    (start, steps): (&Step, &[Step]),
    (up, down): (Color32, Color32),
) -> Plot<'a> {
    let mut words = vec![start.label.clone()];
    let (mut more, mut less) = (Vec::new(), Vec::new());
    let mut sum = start.value;
    let mut ends = vec![[-0.35, 0.35, 0.0, sum]];
    for (at, step) in steps.iter().enumerate() {
        let x = at as f64 + 1.0;
        let list = if step.value < 0.0 { &mut less } else { &mut more };
        list.push([x - 0.35, x + 0.35, sum, sum + step.value]);
        sum += step.value;
        words.push(step.label.clone());
    }
    let last = steps.len() as f64 + 1.0;
    ends.push([last - 0.35, last + 0.35, 0.0, sum]);
    words.push("sum".to_owned());
    Plot::new(title, category_axis("", &words), y)
        .bars(Bars::between("start and sum", up, ends).muted(vec![true; 2]))
        .bars(Bars::between("adds", up, more))
        .bars(Bars::between("takes away", down, less))
        .names(Names::Hidden)
}

/// Values of one row of a beeswarm, with a second value from 0 to 1 that gives each point its colour
/// (of a feature: its effects, and how large the feature was).
#[derive(Clone, Debug, PartialEq)]
pub struct Swarm {
    /// Name of the row.
    pub name: String,
    /// `[value, share]`.
    pub points: Vec<[f64; 2]>,
}

/// One row of points for each feature; points at the same place are moved apart, so that none hides
/// another (L. Wilkinson, Dot plots, The American Statistician 53(3), 1999, doi:10.2307/2686111).
///
/// `colours` are those of small, middle and large shares.
pub fn beeswarm<'a>(title: &'a str, x: Axis<'a>, rows: &[Swarm], colours: [Color32; 3]) -> Plot<'a> {
    let words: Vec<String> = rows.iter().rev().map(|row| row.name.clone()).collect();
    let finite = || rows.iter().flat_map(|row| &row.points).map(|point| point[0]).filter(|x| x.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let width = ((high - low) / 100.0).max(f64::MIN_POSITIVE);
    let mut places: [Vec<[f64; 2]>; 3] = Default::default();
    for (at, row) in rows.iter().enumerate() {
        let base = (rows.len() - 1 - at) as f64;
        let mut taken = std::collections::BTreeMap::<i64, u32>::new();
        let most = fullest(&row.points, width).max(1);
        for [value, share] in row.points.iter().copied().filter(|point| point[0].is_finite()) {
            let count = taken.entry((value / width).floor() as i64).or_default();
            // Above, below, above, ever farther from the middle; the fullest place fills the row.
            let side = if count.is_multiple_of(2) { 1.0 } else { -1.0 };
            let offset = side * f64::from(count.div_ceil(2)) * (0.8 / f64::from(most)).min(0.12);
            *count += 1;
            let third = ((share * 3.0) as usize).min(2);
            places[third].push([value, base + offset]);
        }
    }
    let axis = category_axis("", &words);
    let mut plot = Plot::new(title, x, axis).names(Names::Above);
    for ((name, colour), points) in ["low value", "middle", "high value"].into_iter().zip(colours).zip(places)
    {
        plot = plot.points(Points::new(name, colour, points).radius(1.8).solid());
    }
    plot.reference(Reference::vertical(0.0, "")).fixed()
}

fn fullest(points: &[[f64; 2]], width: f64) -> u32 {
    let mut counts = std::collections::BTreeMap::<i64, u32>::new();
    for point in points.iter().filter(|point| point[0].is_finite()) {
        *counts.entry((point[0] / width).floor() as i64).or_default() += 1;
    }
    counts.values().copied().max().unwrap_or(0)
}

/// An axis of parallel coordinates: its name and the range that its height stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// Name with unit.
    pub name: String,
    /// Value at the bottom and at the top.
    pub range: (f64, f64),
}

/// A line for each row over parallel axes (A. Inselberg, The plane with parallel coordinates, 1985,
/// doi:10.1007/BF01898350). The first `strong` rows are drawn in full colour, the others pale.
///
/// A value that is not finite leaves a gap; at most 500 rows are drawn.
pub fn parallel<'a>(
    title: &'a str,
    dimensions: &[Dimension],
    rows: &[(String, Color32, Vec<f64>)],
    strong: usize,
) -> Plot<'a> {
    let words: Vec<String> = dimensions.iter().map(|axis| axis.name.clone()).collect();
    let share = |axis: &Dimension, value: f64| (value - axis.range.0) / (axis.range.1 - axis.range.0);
    let lines = rows.iter().take(500).enumerate().map(|(at, (name, colour, values))| {
        let points = dimensions
            .iter()
            .zip(values)
            .enumerate()
            .map(|(place, (axis, value))| [place as f64, share(axis, *value)])
            .collect();
        let line = Line::new(name.clone(), *colour, points).label("");
        if at < strong { line } else { line.raw() }
    });
    let last = dimensions.len().max(2) as f64 - 1.0;
    let x = category_axis("", &words).range(-0.12, last + 0.12);
    let y = Axis::share("share of the range").ticks(vec![(0.0, "min".to_owned()), (1.0, "max".to_owned())]);
    let plot = Plot::new(title, x, y).lines(lines).names(Names::Hidden).fixed();
    (0..dimensions.len()).fold(plot, |plot, at| plot.reference(Reference::vertical(at as f64, "").solid()))
}

/// A series over time with marks of what happened: requests, cost, drift beside releases and alerts.
pub fn over_time<'a>(
    title: &'a str,
    note: &'a str,
    (x, y): (Axis<'a>, Axis<'a>),
    lines: Vec<Line>,
    events: Vec<EventMark>,
) -> Plot<'a> {
    Plot::new(title, x, y).note(note).lines(lines).events(events)
}
