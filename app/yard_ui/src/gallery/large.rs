//! The plot kinds for many rows and features, and the large table, with made-up content.

use egui::Ui;

use super::{GalleryState, column};
use crate::{
    Axis, Cell, Line, Status,
    flow::{self, Flow, FlowNode},
    fmt,
    marks::{Bars, Histogram},
    plot::{
        EventMark, Heat, Points,
        presets::{self, Dimension, Step, Swarm},
    },
    show::section,
    space::S24,
    table::grid::{Grid, GridColumn, GridResponse, Kind, PAGE_COLUMNS, PAGE_ROWS, Page},
    tokens::tokens,
};

/// Draws the plots that the first page of plots has no room for, in three columns.
pub fn more_plots(ui: &mut Ui) {
    let width = (ui.available_width() - 2.0 * S24) / 3.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = S24;
        column(ui, width, |ui| {
            over_time(ui);
            heat(ui);
        });
        column(ui, width, |ui| {
            scatter(ui);
            swarm(ui);
        });
        column(ui, width, |ui| {
            waterfall(ui);
            parallel(ui);
        });
    });
    flows(ui);
}

/// A regular number from 0 to 1 for `at`, the same on every machine.
fn noise(at: usize) -> f64 {
    let mut mixed = (at as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn over_time(ui: &mut Ui) {
    let t = tokens(ui);
    let points: Vec<[f64; 2]> = (0..97)
        .map(|at| {
            [f64::from(at) / 4.0, 451.0 + 30.0 * (f64::from(at) / 9.0).sin() + 40.0 * noise(at as usize)]
        })
        .collect();
    let band = points.iter().map(|[x, y]| [*x, y - 28.0, y + 28.0]).collect();
    let mark = |x, label: &str, status| EventMark { x, label: label.to_owned(), status };
    let events =
        vec![mark(6.0, "1.3.0 promoted", Status::Ok), mark(17.5, "drift in 2 features", Status::Warn)];
    let axes = (Axis::new("hour"), Axis::new("cost"));
    let lines = vec![Line::new("champion", t.series(0), points).band(band)];
    presets::over_time("Cost per 1\u{2009}000, lower is better", "last 24 h, 95 % band", axes, lines, events)
        .height(220.0)
        .show(ui);
}

fn heat(ui: &mut Ui) {
    let names = words(&["tenure", "charges", "total", "senior", "paperless"]);
    let values = (0..5)
        .map(|row: usize| {
            (0..5_usize)
                .map(|column| match row.abs_diff(column) {
                    0 => 1.0,
                    _ => 2.0 * noise(row.min(column) * 7 + row.max(column)) - 1.0,
                })
                .collect()
        })
        .collect();
    let heat = Heat::new(names.clone(), names, values).diverging(1.0);
    presets::heat_map("Correlation of the numbers", ("", ""), heat)
        .note("train split, n = 4\u{2009}225")
        .height(240.0)
        .show(ui);
}

fn scatter(ui: &mut Ui) {
    let points: Vec<[f64; 2]> = (0..60_000)
        .map(|at| {
            let (a, b) = (noise(at), noise(at + 70_000));
            let radius = (-2.0 * (1.0 - a).ln()).sqrt();
            let x = radius * (b * std::f64::consts::TAU).cos();
            [x, x * 0.6 + 0.8 * radius * (b * std::f64::consts::TAU).sin()]
        })
        .collect();
    let points = Points::new("rows", tokens(ui).series(0), points);
    let axes = (Axis::new("predicted"), Axis::new("observed"));
    presets::scatter("Observed over predicted", "60\u{2009}000 rows as density", axes, points)
        .height(220.0)
        .show(ui);
}

fn swarm(ui: &mut Ui) {
    let rows: Vec<Swarm> = [("Contract", 1.0), ("tenure", 0.7), ("charges", 0.4), ("support", 0.2)]
        .into_iter()
        .enumerate()
        .map(|(row, (name, reach))| {
            let points = (0..220)
                .map(|at| {
                    let share = noise(at + row * 500);
                    [reach * (share - 0.4 + 0.3 * (noise(at * 3 + 1) - 0.5)), share]
                })
                .collect();
            Swarm { name: name.to_owned(), points }
        })
        .collect();
    let t = tokens(ui);
    let colours = [t.series(0), t.neutral_mark, t.series(1)];
    presets::beeswarm("Effects on the score", Axis::new("log-odds"), &rows, colours)
        .note("220 rows of the test split")
        .height(240.0)
        .show(ui);
}

fn waterfall(ui: &mut Ui) {
    let t = tokens(ui);
    let step = |label: &str, value| Step { label: label.to_owned(), value };
    let steps = [step("Contract", 0.88), step("tenure", 0.52), step("support", 0.25), step("payment", -0.34)];
    let colours = (t.series(1), t.series(0));
    presets::waterfall("Why this score", Axis::new("log-odds"), (&step("base", -1.02), &steps), colours)
        .note("row 7576-OYWBN")
        .height(220.0)
        .show(ui);
}

fn parallel(ui: &mut Ui) {
    let t = tokens(ui);
    let axis = |name: &str, low, high| Dimension { name: name.to_owned(), range: (low, high) };
    let axes = [
        axis("rate", 0.01, 0.3),
        axis("leaves", 4.0, 64.0),
        axis("trees", 50.0, 900.0),
        axis("AUC", 0.78, 0.85),
    ];
    let rows: Vec<(String, egui::Color32, Vec<f64>)> = (0..40)
        .map(|at| {
            let values = axes
                .iter()
                .enumerate()
                .map(|(column, axis)| axis.range.0 + noise(at * 4 + column) * (axis.range.1 - axis.range.0));
            let colour = if at < 2 { t.series(at) } else { t.neutral_mark };
            (format!("trial {at}"), colour, values.collect())
        })
        .collect();
    presets::parallel("Trials of the search", &axes, &rows, 2)
        .note("40 trials, the best two in colour")
        .height(240.0)
        .show(ui);
}

/// Rows through the splits and the routes, as a flow diagram.
fn flows(ui: &mut Ui) {
    let t = tokens(ui);
    let node = |column, name: &str, at| FlowNode { column, name: name.to_owned(), colour: t.series(at) };
    let nodes = [
        node(0, "train", 0),
        node(0, "validation", 1),
        node(0, "test", 2),
        node(1, "telco_churn@1", 4),
        node(2, "kept", 0),
        node(2, "churned", 1),
    ];
    let flow = |from, to, amount| Flow { from, to, amount };
    let flows = [
        flow(0, 3, 4_225.0),
        flow(1, 3, 1_409.0),
        flow(2, 3, 1_409.0),
        flow(3, 4, 5_174.0),
        flow(3, 5, 1_869.0),
    ];
    section(ui, "Rows by split and class", "n = 7\u{2009}043");
    flow::flow(ui, "Rows by split and class", (&nodes, &flows), 160.0);
}

/// Draws the large table over made-up values. Pages come one frame after they were asked for.
pub fn grid(ui: &mut Ui, state: &mut GalleryState) -> GridResponse {
    section(ui, "Grid", "10\u{2009}000\u{2009}000 rows by 1\u{2009}000 columns");
    let columns: Vec<GridColumn> = (0..1_000).map(grid_column).collect();
    let pages = &mut state.pages;
    let response = Grid::new("Rows", &columns, 10_000_000)
        .show(ui, &mut state.grid, |row, column| pages.cell(row, column));
    for page in pages.ask() {
        pages.put(page, page_cells(page));
        ui.ctx().request_repaint();
    }
    response
}

fn grid_column(at: usize) -> GridColumn {
    let bins = (0..12).map(|bin| 1.0 + 8.0 * noise(at * 13 + bin)).collect();
    let histogram = Histogram::new(Bars::Stacked, vec![bins]);
    match at % 4 {
        0 if at == 0 => GridColumn::new("customerID", Kind::Key).width(128.0),
        1 => GridColumn::new(format!("category {at}"), Kind::Category).histogram(histogram),
        2 => GridColumn::new(format!("day {at}"), Kind::Time).histogram(histogram),
        _ => GridColumn::new(format!("charge {at}, €"), Kind::Number).histogram(histogram),
    }
}

/// The cells of a page, as a reader would deliver them.
fn page_cells(page: Page) -> Vec<Vec<Cell<'static>>> {
    let (top, left) = (page.rows * PAGE_ROWS, page.columns * PAGE_COLUMNS);
    (top..top + PAGE_ROWS)
        .map(|row| (left..left + PAGE_COLUMNS).map(|at| grid_cell(row, at)).collect())
        .collect()
}

fn grid_cell(row: usize, column: usize) -> Cell<'static> {
    let value = noise(row * 1_009 + column);
    match column % 4 {
        0 if column == 0 => Cell::text(format!("{:04}-{row:07}", row % 9_973)),
        _ if value < 0.06 => Cell::missing(),
        1 => Cell::text(["monthly", "one year", "two years"][(value * 3.0) as usize % 3]),
        2 => Cell::text(format!("2026-{:02}-{:02}", 1 + (value * 12.0) as usize, 1 + row % 28)),
        _ => Cell::number(fmt::fixed(value * 120.0, 2)),
    }
}
