//! The data of a plot as text: CSV, a table for keyboard and screen reader, one spoken sentence.

use egui::{Rect, Ui};

use super::Plot;
use crate::table::{Cell, Column, Table};

/// One row of the data as drawn.
struct Row {
    series: String,
    x: f64,
    y: f64,
    low: Option<f64>,
    high: Option<f64>,
}

fn rows(plot: &Plot<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in &plot.lines {
        let name = if line.raw { format!("{} (raw)", line.name) } else { line.name.clone() };
        for point in &line.points {
            let band = line.band.iter().find(|band| band[0] == point[0]);
            rows.push(Row {
                series: name.clone(),
                x: point[0],
                y: point[1],
                low: band.map(|band| band[1]),
                high: band.map(|band| band[2]),
            });
        }
    }
    for points in &plot.points {
        for (at, point) in points.points.iter().enumerate() {
            let ends = points.intervals.get(at);
            rows.push(Row {
                series: points.name.clone(),
                x: point[0],
                y: point[1],
                low: ends.map(|ends| ends.0),
                high: ends.map(|ends| ends.1),
            });
        }
    }
    for bars in &plot.bars {
        for bar in &bars.bars {
            rows.push(Row {
                series: bars.name.clone(),
                x: f64::midpoint(bar[0], bar[1]),
                y: bar[3] - bar[2],
                low: None,
                high: None,
            });
        }
    }
    rows
}

pub(super) fn is_empty(plot: &Plot<'_>) -> bool {
    let line = plot
        .lines
        .iter()
        .any(|line| line.points.iter().any(|point| point[1].is_finite()) || !line.band.is_empty());
    let points = plot.points.iter().any(|points| points.points.iter().any(|point| point[1].is_finite()));
    let bars = plot.bars.iter().any(|bars| bars.bars.iter().any(|bar| bar[3].is_finite()));
    !(line || points || bars)
}

/// The drawn data as CSV, one point a row; numbers in full precision.
pub(super) fn csv(plot: &Plot<'_>) -> String {
    let mut text = format!(
        "series,{},{},low,high\n",
        quoted(or(plot.x.label, "x")),
        quoted(or(plot.y.label, or(plot.title, "y")))
    );
    for row in rows(plot) {
        let cells = [Some(row.x), Some(row.y), row.low, row.high].map(|value| {
            value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
        });
        text.push_str(&quoted(&row.series));
        for cell in cells {
            text.push(',');
            text.push_str(&cell);
        }
        text.push('\n');
    }
    text
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
    let rows = rows(plot);
    let interval = rows.iter().any(|row| row.low.is_some());
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
    Table::new(&name, &columns).rows(rows.len()).compact().height(body.height()).show(
        &mut child,
        |at, column| {
            let Some(row) = rows.get(at) else {
                return Cell::missing();
            };
            let number = |value: Option<f64>, axis: &super::Axis<'_>| {
                Cell::number_opt(value.filter(|value| value.is_finite()).map(|value| axis.words(value)))
            };
            match column {
                0 => Cell::text(row.series.clone()),
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
    for line in plot.lines.iter().filter(|line| !line.raw) {
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
    words.join("; ")
}
