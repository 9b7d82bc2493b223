//! Tests of the plot: ticks, CSV, handle, table route, states, by role and label.
#![allow(clippy::unwrap_used)]

use egui::{Color32, Key, Role, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::{Axis, Handle, Line, Plot, Reference, State, axis::nice_step, data, presets};

fn line(name: &str, values: &[f64]) -> Line {
    Line::new(name, Color32::BLUE, values.iter().enumerate().map(|(at, value)| [at as f64, *value]).collect())
}

#[test]
fn steps_and_ticks_are_round() {
    for (raw, step) in
        [(0.03, 0.025), (0.2, 0.2), (0.21, 0.2), (25.2, 25.0), (7.0, 5.0), (9.0, 10.0), (-1.0, 1.0)]
    {
        assert!((nice_step(raw) - step).abs() < 1e-12, "{raw}");
    }
    let words = |axis: &Axis<'_>, low, high| {
        axis.ticks_between(low, high).into_iter().map(|(_, word)| word).collect::<Vec<_>>()
    };
    assert_eq!(words(&Axis::new("x"), 0.0, 1.0), ["0.00", "0.25", "0.50", "0.75", "1.00"]);
    assert_eq!(words(&Axis::new("x"), 0.0, 1600.0), ["0", "400", "800", "1\u{2009}200", "1\u{2009}600"]);
    assert_eq!(words(&Axis::new("x").log(true), -2.0, 1.0), ["0.01", "0.1", "1", "10"]);
}

#[test]
fn both_ends_of_a_free_axis_are_ticks() {
    for at in 1..400 {
        let low = f64::from(at) * 0.137 - 20.0;
        let high = low + f64::from(at * at % 97 + 1) * 0.31;
        let axis = Axis::new("y");
        let (from, to) = axis.bounds(low, high, true);
        let ticks = axis.ticks_between(from, to);
        assert!(from <= low + 1e-9 && to >= high - 1e-9, "{low} {high}");
        assert!((3..=9).contains(&ticks.len()), "{low} {high}: {ticks:?}");
        let (first, last) = (ticks.first().unwrap().0, ticks.last().unwrap().0);
        assert!((first - from).abs() < 1e-6 && (last - to).abs() < 1e-6, "{low} {high}: {ticks:?}");
    }
}

#[test]
fn bounds_move_out_to_ticks_and_survive_odd_data() {
    let axis = Axis::new("y");
    let (low, high) = axis.bounds(0.316, 0.478, true);
    assert!((low - 0.28).abs() < 1e-9 && (high - 0.48).abs() < 1e-9, "{low} {high}");
    assert_eq!(axis.bounds(f64::INFINITY, f64::NEG_INFINITY, true), (0.0, 1.0));
    let (low, high) = axis.bounds(5.0, 5.0, true);
    assert!(low < 5.0 && high > 5.0);
    assert_eq!(Axis::new("y").zero_based().bounds(3.0, 9.0, false), (0.0, 9.0));
    assert_eq!(Axis::share("y").bounds(0.2, 0.4, true), (0.0, 1.0));
}

#[test]
fn csv_holds_exactly_the_drawn_points() {
    let plot = Plot::new("Loss", Axis::new("epoch"), Axis::new("log loss"))
        .line(line("a, \"quoted\"", &[0.5, f64::NAN, 0.1]).band(vec![[0.0, 0.4, 0.6]]));
    assert_eq!(
        data::csv(&plot, None),
        "series,epoch,log loss,low,high\n\"a, \"\"quoted\"\"\",0,0.5,0.4,0.6\n\"a, \"\"quoted\"\"\",1,,,\n\"a, \"\"quoted\"\"\",2,0.1,,\n"
    );
}

#[test]
fn a_line_finds_its_nearest_value() {
    let line = line("a", &[1.0, 2.0, f64::NAN, 4.0]);
    assert_eq!(line.at(0.4), Some([0.0, 1.0]));
    assert_eq!(line.at(0.6), Some([1.0, 2.0]));
    assert_eq!(line.at(9.0), Some([3.0, 4.0]));
    assert_eq!(line.end(), Some([3.0, 4.0]));
    assert_eq!(
        *Line::steps("s", Color32::BLUE, &[[0.0, 1.0], [1.0, 3.0]]).points,
        [[0.0, 1.0], [1.0, 1.0], [1.0, 3.0]]
    );
}

fn cost_harness() -> Harness<'static, f64> {
    Harness::builder().with_size(vec2(600.0, 300.0)).build_ui_state(
        |ui, threshold: &mut f64| {
            crate::apply(ui.ctx(), crate::Theme::Light);
            let curve = line("run 14", &[700.0, 450.0, 600.0, 1300.0]);
            let curve = Line {
                points: std::sync::Arc::new(
                    curve.points.iter().map(|point| [point[0] / 3.0, point[1]]).collect(),
                ),
                ..curve
            };
            let handle = Handle { x: *threshold, range: (0.0, 1.0), label: "threshold".to_owned() };
            let response =
                presets::cost("Cost", "n = 4", vec![curve], vec![("do nothing".to_owned(), 1300.0)], handle)
                    .show(ui);
            *threshold = response.handle.unwrap_or(*threshold);
        },
        0.167,
    )
}

#[test]
fn the_threshold_moves_by_mouse_and_by_keys() {
    let mut harness = cost_harness();
    harness.run();
    let slider = harness.get_by_role_and_label(Role::Slider, "threshold");
    let from = slider.rect().center();
    slider.focus();
    harness.run();
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert!((harness.state() - 0.168).abs() < 1e-9, "{}", harness.state());
    harness.drag_at(from);
    harness.step();
    harness.hover_at(from + vec2(150.0, 0.0));
    harness.step();
    harness.drop_at(from + vec2(150.0, 0.0));
    harness.run();
    assert!(*harness.state() > 0.3, "{}", harness.state());
}

#[test]
fn the_data_can_be_read_as_a_table() {
    let mut harness = cost_harness();
    harness.run();
    assert!(harness.query_by_role_and_label(Role::Figure, "Cost").is_some());
    harness.get_by_label("Data of Cost").click();
    harness.run();
    harness.get_by_label("Show as table").click();
    harness.run();
    assert!(harness.query_by_label_contains("run 14, 0.3333, 450.0").is_some());
}

#[test]
fn empty_failed_and_odd_plots_keep_their_frame() {
    let mut harness = Harness::builder().with_size(vec2(600.0, 700.0)).build_ui(|ui| {
        crate::apply(ui.ctx(), crate::Theme::Dark);
        let new = |title| Plot::new(title, Axis::new("x"), Axis::new("y")).height(100.0);
        new("Empty").show(ui);
        new("Later").state(State::Empty("Runs appear here".to_owned())).show(ui);
        new("Failed")
            .state(State::Failed("No curve: one class".to_owned(), "Widen the slice".to_owned()))
            .show(ui);
        new("Loading").state(State::Loading("874 of 1409".to_owned(), Some(0.62))).show(ui);
        new("One point").line(line("a", &[1.0])).reference(Reference::horizontal(f64::NAN, "odd")).show(ui);
        new("Infinite").line(line("a", &[f64::INFINITY, f64::NEG_INFINITY, 2.0])).width(30.0).show(ui);
    });
    harness.run();
    for text in ["No values to draw", "Runs appear here", "No curve: one class", "Widen the slice"] {
        assert!(harness.query_by_label_contains(text).is_some(), "{text}");
    }
    assert!(harness.query_by_role_and_label(Role::Figure, "Infinite").is_some());
}
