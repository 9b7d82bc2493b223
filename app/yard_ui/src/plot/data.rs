//! The data of a plot as text: CSV, a table for keyboard and screen reader, one spoken sentence.

use egui::{Rect, Ui};

use super::{Bars, Heat, Line, Plot, Points};
use crate::table::{Cell, Column, Table};

/// One row of the data as drawn.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    series: String,
    x: f64,
    y: f64,
    low: Option<f64>,
    high: Option<f64>,
}

/// A mark as rows that are made one by one: a million of them cost nothing until they are read.
#[derive(Clone, Copy)]
enum Source<'a> {
    Line(&'a Line),
    Points(&'a Points),
    Bars(&'a Bars),
    Heat(&'a Heat),
}

impl Source<'_> {
    fn len(self) -> usize {
        match self {
            Self::Line(line) => line.points.len(),
            Self::Points(points) => points.points.len(),
            Self::Bars(bars) => bars.bars.len(),
            Self::Heat(heat) => heat.len(),
        }
    }

    fn row(self, at: usize) -> Option<Row> {
        match self {
            Self::Line(line) => line_row(line, at),
            Self::Points(points) => {
                let [x, y] = *points.points.get(at)?;
                let ends = points.intervals.get(at);
                let (low, high) = (ends.map(|ends| ends.0), ends.map(|ends| ends.1));
                Some(Row { series: points.name.clone(), x, y, low, high })
            }
            Self::Bars(bars) => {
                let [left, right, base, top] = *bars.bars.get(at)?;
                let x = f64::midpoint(left, right);
                Some(Row { series: bars.name.clone(), x, y: top - base, low: None, high: None })
            }
            Self::Heat(heat) => {
                let (row, column) = (at / heat.columns.len(), at % heat.columns.len());
                let series = format!("{}, {}", heat.rows.get(row)?, heat.columns.get(column)?);
                Some(Row { series, x: column as f64, y: heat.value(row, column), low: None, high: None })
            }
        }
    }
}

fn line_row(line: &Line, at: usize) -> Option<Row> {
    let [x, y] = *line.points.get(at)?;
    let series = if line.raw { format!("{} (raw)", line.name) } else { line.name.clone() };
    // Bands have the x of their line in most plots: look there first.
    let same = |band: &&[f64; 3]| band[0] == x;
    let band = line.band.get(at).filter(same).or_else(|| {
        let from = line.band.partition_point(|band| band[0] < x);
        line.band.get(from).filter(same)
    });
    Some(Row { series, x, y, low: band.map(|band| band[1]), high: band.map(|band| band[2]) })
}

fn sources<'a>(plot: &'a Plot<'_>) -> impl Iterator<Item = Source<'a>> {
    let lines = plot.lines.iter().map(Source::Line);
    let points = plot.points.iter().map(Source::Points);
    let bars = plot.bars.iter().map(Source::Bars);
    lines.chain(points).chain(bars).chain(plot.heat.iter().map(Source::Heat))
}

fn count(plot: &Plot<'_>) -> usize {
    sources(plot).map(Source::len).sum()
}

fn row(plot: &Plot<'_>, mut at: usize) -> Option<Row> {
    for source in sources(plot) {
        if at < source.len() {
            return source.row(at);
        }
        at -= source.len();
    }
    None
}

pub(super) fn is_empty(plot: &Plot<'_>) -> bool {
    let line = plot
        .lines
        .iter()
        .any(|line| line.points.iter().any(|point| point[1].is_finite()) || !line.band.is_empty());
    let points = plot.points.iter().any(|points| points.points.iter().any(|point| point[1].is_finite()));
    let bars = plot.bars.iter().any(|bars| bars.bars.iter().any(|bar| bar[3].is_finite()));
    let heat = plot.heat.as_ref().is_some_and(|heat| heat.len() > 0);
    !(line || points || bars || heat)
}

/// The drawn data as CSV, one point a row; numbers in full precision. While the plot is zoomed, the
/// points between the two `bounds` of x only.
pub(super) fn csv(plot: &Plot<'_>, bounds: Option<(f64, f64)>) -> String {
    let mut text = format!(
        "series,{},{},low,high\n",
        quoted(or(plot.x.label, "x")),
        quoted(or(plot.y.label, or(plot.title, "y")))
    );
    for source in sources(plot) {
        for row in (0..source.len()).filter_map(|at| source.row(at)) {
            let place = plot.x.to_plot(row.x);
            if bounds.is_some_and(|(low, high)| !(low <= place && place <= high)) {
                continue;
            }
            push_row(&mut text, &row);
        }
    }
    text
}

fn push_row(text: &mut String, row: &Row) {
    text.push_str(&quoted(&row.series));
    for value in [Some(row.x), Some(row.y), row.low, row.high] {
        text.push(',');
        if let Some(value) = value.filter(|value| value.is_finite()) {
            text.push_str(&value.to_string());
        }
    }
    text.push('\n');
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The data as a table in the place of the plot.
pub(super) fn table(plot: &Plot<'_>, ui: &mut Ui, body: Rect) {
    let interval = plot.lines.iter().any(|line| !line.band.is_empty())
        || plot.points.iter().any(|points| !points.intervals.is_empty());
    let mut columns = vec![
        Column::rest("Series", 80.0),
        Column::new(or(plot.x.label, "x"), 96.0).right(),
        Column::new(or(plot.y.label, "y"), 96.0).right(),
    ];
    if interval {
        columns.push(Column::new("Low", 80.0).right());
        columns.push(Column::new("High", 80.0).right());
    }
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body));
    let name = format!("Data of {}", plot.title);
    Table::new(&name, &columns).rows(count(plot)).compact().height(body.height()).show(
        &mut child,
        |at, column| {
            let Some(row) = row(plot, at) else {
                return Cell::missing();
            };
            let number = |value: Option<f64>, axis: &super::Axis<'_>| {
                Cell::number_opt(value.filter(|value| value.is_finite()).map(|value| axis.words(value)))
            };
            match column {
                0 => Cell::text(row.series),
                1 if row.x.is_finite() => Cell::number(plot.x.place(row.x)),
                1 => Cell::missing(),
                2 => number(Some(row.y), &plot.y),
                3 => number(row.low, &plot.y),
                _ => number(row.high, &plot.y),
            }
        },
    );
}

/// What a screen reader says: the note and the last value of each line.
pub(super) fn summary(plot: &Plot<'_>) -> String {
    let mut words: Vec<String> = Vec::new();
    if !plot.note.is_empty() {
        words.push(plot.note.to_owned());
    }
    for line in plot.lines.iter().filter(|line| !line.raw && !line.name.is_empty()) {
        if let Some(end) = line.end() {
            words.push(format!(
                "{}: {} at {} {}",
                line.name,
                plot.y.words(end[1]),
                plot.x.label,
                plot.x.place(end[0])
            ));
        }
    }
    for reference in plot.references.iter().filter(|reference| !reference.label.is_empty()) {
        words.push(format!("reference {}", reference.label));
    }
    for event in &plot.events {
        words.push(format!("{} at {} {}", event.label, plot.x.label, plot.x.place(event.x)));
    }
    words.join("; ")
}
