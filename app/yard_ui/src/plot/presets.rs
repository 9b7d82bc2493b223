//! Plots that the product shows again and again, as functions of numbers and words.

use egui::Color32;

use super::{Axis, Bars, Dash, Handle, Line, Marker, Names, Plot, Points, Reference};
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
