//! Every plot, the matrices, the graph and the time slider.

use egui::Ui;

use super::{GalleryState, column};
use crate::{
    Icon, Status,
    lineage::{Graph, Node},
    matrix::{CostMatrix, HeatMatrix, MatrixCell},
    plot::{
        Axis, Bars, Brush, Dash, Handle, Line, Marker, Names, Plot, Points, Reference, Span, State, presets,
    },
    show::section,
    space::S24,
    timeline::{Moment, timeline},
    tokens::tokens,
};

/// Draws all plots in three columns.
pub fn plots(ui: &mut Ui, state: &mut GalleryState) {
    let width = (ui.available_width() - 2.0 * S24) / 3.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = S24;
        column(ui, width, |ui| first(ui, state));
        column(ui, width, |ui| second(ui, state));
        column(ui, width, |ui| third(ui, state));
    });
    section(ui, "Lineage", "parents of 1.3.0 in blue");
    graph(ui, state);
    let moments = [
        (1.0, "12 Nov, frame and data", Status::Ok),
        (150.0, "16 Nov, 1.1.0", Status::Ok),
        (280.0, "Mon, 1.2.0 promoted", Status::Ok),
        (380.0, "alert", Status::Warn),
    ];
    let moments: Vec<Moment> = moments
        .into_iter()
        .map(|(at, label, status)| Moment { at, label: label.to_owned(), status })
        .collect();
    timeline(ui, "Time", &mut state.event, (0.0, 412.0), &moments);
}

/// A smooth curve with a small regular ripple, the same on every machine.
fn wave(count: usize, shape: impl Fn(f64) -> f64, ripple: f64) -> Vec<[f64; 2]> {
    (0..count)
        .map(|at| {
            let x = at as f64 / (count - 1) as f64;
            [x, shape(x) + ripple * (x * 97.0).sin() * (x * 41.0).cos()]
        })
        .collect()
}

fn epochs(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.into_iter().map(|[x, y]| [1.0 + x * 26.0, y]).collect()
}

fn first(ui: &mut Ui, state: &mut GalleryState) {
    losses(ui);
    cost(ui, state);
}

/// Training curves with a raw line, a best epoch and the kept run as reference.
pub(super) fn losses(ui: &mut Ui) {
    let t = tokens(ui);
    let blue = t.series(0);
    let lines = vec![
        Line::new("train", blue, epochs(wave(27, |x| 0.47 - 0.12 * x.sqrt(), 0.02))).raw(),
        Line::new("train", blue, epochs(wave(27, |x| 0.47 - 0.12 * x.sqrt(), 0.002)))
            .dash(Dash::Dashed)
            .label("train 0.3661"),
        Line::new("validation", blue, epochs(wave(27, |x| 0.45 + 0.03 * (x - 0.5).powi(2), 0.001)))
            .label("validation 0.4562"),
    ];
    let note = "train n = 4\u{2009}225, validation n = 1\u{2009}409";
    let best = Some((15.0, "best epoch 15: 0.4517".to_owned()));
    presets::curves("Log loss, nats, lower is better", note, "epoch", lines, best)
        .reference(Reference::horizontal(0.4362, "run 14 0.4362").colour(t.series(1)).solid())
        .height(228.0)
        .show(ui);
}

fn cost(ui: &mut Ui, state: &mut GalleryState) {
    let t = tokens(ui);
    let shape = |x: f64| 440.0 + 900.0 * (x - 0.16).abs().powf(1.3).min(1.0);
    let curve = wave(200, shape, 8.0);
    let band = curve.iter().map(|[x, y]| [*x, y - 40.0 - 60.0 * x, y + 40.0 + 60.0 * x]).collect();
    let lines = vec![
        Line::new("run 14", t.series(0), curve).band(band),
        Line::new("1.2.0", t.series(1), wave(200, |x| shape(x) - 20.0 * x, 5.0)).dash(Dash::Dashed),
    ];
    let handle =
        Handle { x: state.threshold, range: (0.0, 1.0), label: format!("threshold {:.3}", state.threshold) };
    let baselines = vec![("do nothing".to_owned(), 1327.0), ("offer to all".to_owned(), 735.0)];
    let response = presets::cost(
        "Expected cost per 1\u{2009}000 customers",
        "false positive 1, false negative 5; test n = 1 409",
        lines,
        baselines,
        handle,
    )
    .show(ui);
    state.threshold = response.handle.unwrap_or(state.threshold);
}

fn curve(name: &str, colour: egui::Color32, power: f64) -> presets::Curve {
    presets::Curve { name: name.to_owned(), colour, points: wave(100, |x| x.powf(power), 0.0) }
}

fn second(ui: &mut Ui, state: &mut GalleryState) {
    let t = tokens(ui);
    let curves = vec![curve("run 14 0.843", t.series(0), 0.22), curve("1.2.0 0.836", t.series(1), 0.26)];
    presets::roc("dot = threshold 0.167; test n = 1 409", curves, Some([0.4, 0.82])).show(ui);
    let groups: Vec<presets::Group> = (1..9)
        .map(|at| {
            let predicted = f64::from(at) / 10.0;
            let observed = predicted + 0.04 * (f64::from(at) * 2.0).sin();
            presets::Group { predicted, observed, interval: (observed - 0.06, observed + 0.06) }
        })
        .collect();
    presets::calibration(
        "Calibration, observed churn rate",
        "10 equal groups of 141, Wilson 95 %; ECE 0.029",
        t.series(0),
        &groups,
    )
    .show(ui);
    let cell =
        |count, name: &str, cost: &str| MatrixCell { count, name: name.to_owned(), cost: cost.to_owned() };
    let matrix = CostMatrix {
        name: "Confusion matrix",
        columns: ["no offer", "offer"],
        rows: ["stayed", "churned"],
        cells: [
            [cell(624, "TN", "cost 0"), cell(411, "FP", "411 × 1 = 411")],
            [cell(45, "FN", "45 × 5 = 225"), cell(329, "TP", "cost 0")],
        ],
        selected: state.cell,
    };
    state.cell = matrix.show(ui).or(state.cell);
}

fn third(ui: &mut Ui, state: &mut GalleryState) {
    let t = tokens(ui);
    let edges: Vec<f64> = (0..=24).map(|at| 18.0 + f64::from(at) * 4.2).collect();
    let heights = |shift: f64| {
        (0..24)
            .map(|at| 60.0 + 300.0 * (-((f64::from(at) - shift) / 4.0).powi(2)).exp())
            .collect::<Vec<f64>>()
    };
    let classes = [
        ("stayed".to_owned(), t.series(0), heights(3.0)),
        ("churned".to_owned(), t.series(1), heights(15.0)),
    ];
    let response = presets::stacked("Customers by MonthlyCharges", "per month", &edges, &classes)
        .brush(Some((72.0, 106.0)))
        .height(190.0)
        .show(ui);
    debug_assert!(!matches!(response.brushed, Some(Brush::Range(from, to)) if from > to));
    let hours: Vec<[f64; 2]> =
        (0..20).map(|hour| [f64::from(hour), 600.0 + 250.0 * (f64::from(hour) / 3.0).sin()]).collect();
    let muted = hours.iter().map(|[_, requests]| *requests < 500.0).collect();
    Plot::new(
        "Requests per hour",
        Axis::new("").format(|hour| format!("{:02.0}:00", (hour + 14.0) % 24.0)),
        Axis::new("requests").zero_based(),
    )
    .note("grey: below 500 rows, no drift test")
    .bars(Bars::at("", t.series(0), 1.0, &hours).muted(muted))
    .reference(Reference::horizontal(500.0, "500, tested"))
    .span(Span::quiet(19.5, 23.5, "labels due 18:00"))
    .names(Names::Hidden)
    .height(160.0)
    .show(ui);
    let scattered: Vec<[f64; 2]> = (0..400)
        .map(|at| {
            let x = f64::from(at) / 40.0;
            [x, x + (x * 91.0).sin() * 1.5]
        })
        .collect();
    presets::scatter(
        "Predicted over observed price",
        "test n = 400",
        (Axis::new("observed, thousand"), Axis::new("predicted, thousand")),
        Points::new("", t.series(0), scattered),
    )
    .marker(Marker::new([9.0, 3.0], "row 2 589"))
    .height(180.0)
    .show(ui);
    Plot::new("ROC, slice", Axis::share("false positive rate"), Axis::share(""))
        .state(State::Failed("No curve: slice has one class".to_owned(), "Widen the slice.".to_owned()))
        .height(70.0)
        .show(ui);
    let classes: Vec<String> =
        ["unacc", "acc", "good", "vgood"].iter().map(|word| (*word).to_owned()).collect();
    let counts = vec![vec![240, 4, 0, 0], vec![6, 70, 2, 1], vec![0, 1, 12, 1], vec![0, 1, 0, 13]];
    let heat = HeatMatrix { name: "Classes", classes: &classes, counts: &counts, selected: state.cell };
    state.cell = heat.show(ui).or(state.cell);
}

fn graph(ui: &mut Ui, state: &mut GalleryState) {
    let node = |column, icon, name: &str, fact: &str, status| Node {
        column,
        icon,
        name: name.to_owned(),
        fact: fact.to_owned(),
        status,
    };
    let nodes = [
        node(0, Icon::Table, "telco_churn@1", "7\u{2009}043 rows", Status::Ok),
        node(1, Icon::ListBullets, "recipe", "78aeae65, 3 steps", Status::Ok),
        node(2, Icon::ChartLine, "run 14", "boosting", Status::Ok),
        node(2, Icon::ChartLine, "run 9", "boosting", Status::Ok),
        node(3, Icon::Package, "1.3.0", "canary, 10 %", Status::Running),
        node(3, Icon::Package, "1.2.0", "champion, 90 %", Status::Ok),
        node(4, Icon::Desktop, "this machine", "healthy", Status::Ok),
        node(4, Icon::Pulse, "monitor", "4 alerts", Status::Warn),
    ];
    let edges = [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (6, 7)];
    let graph = Graph { name: "Lineage", nodes: &nodes, edges: &edges, selected: state.node };
    state.node = graph.show(ui).or(state.node);
}
