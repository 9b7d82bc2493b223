//! The menu of a plot and what leaves it: by role and name, with mouse and with keyboard alone.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use egui::{Key, Modifiers, OutputCommand, Role, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::{Axis, EventMark, Export, Heat, Line, Plot, Points, exports, presets};
use crate::Status;

#[derive(Default)]
struct State {
    saved: Vec<Export>,
    log: bool,
}

fn draw(ui: &mut egui::Ui, state: &mut State) {
    crate::apply(ui.ctx(), crate::Theme::Light);
    let t = crate::tokens(ui);
    let points: Vec<[f64; 2]> = (1..=60).map(|at| [f64::from(at), 2_f64.powi(at / 6)]).collect();
    let band = points.iter().map(|[x, y]| [*x, y * 0.9, y * 1.1]).collect();
    let response = Plot::new("Loss <train> & \"test\"", Axis::new("epoch"), Axis::new("loss, nats"))
        .note("n = 4, a < b")
        .line(Line::new("a, b", t.series(0), points.clone()).band(band))
        .points(Points::new("dots", t.series(1), points))
        .events([EventMark { x: 20.0, label: "release 1.3.0".to_owned(), status: Status::Ok }])
        .height(260.0)
        .show(ui);
    state.log |= response.save_csv.is_some();
    state.saved.extend(exports(ui.ctx()));
}

fn harness() -> Harness<'static, State> {
    let mut harness = Harness::builder().with_size(vec2(500.0, 300.0)).build_ui_state(draw, State::default());
    harness.run();
    harness
}

/// Opens the menu by keyboard and runs the item `name`.
fn choose(harness: &mut Harness<'_, State>, name: &str) {
    harness.get_by_role(Role::Figure).focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::SHIFT, Key::F10);
    harness.run();
    harness.get_by_role_and_label(Role::MenuItem, name).focus();
    harness.run();
    // One event, one frame: what the item does is in the output of that frame.
    harness.event(egui::Event::Key {
        key: Key::Enter,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: Modifiers::NONE,
    });
    harness.step();
}

/// Names of the elements in order, if each that opens is closed and nothing else is marked up.
fn elements(xml: &str) -> Option<Vec<String>> {
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        let bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").replace("&quot;", "");
        let end = start + rest[start..].find('>')?;
        let tag = &rest[start + 1..end];
        if bare.contains(['&', '>']) || tag.contains('<') || tag.matches('"').count() % 2 == 1 {
            return None;
        }
        let name = tag.trim_start_matches('/').split([' ', '/']).next()?.to_owned();
        if tag.starts_with('/') {
            (open.pop()? == name).then_some(())?;
        } else {
            seen.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    open.is_empty().then_some(seen)
}

#[test]
fn svg_is_well_formed_and_holds_the_words() {
    let mut harness = harness();
    choose(&mut harness, "Save as SVG…");
    harness.run();
    let saved = &harness.state().saved[0];
    assert_eq!(saved.name, "loss-train-test.svg");
    let text = String::from_utf8(saved.bytes.clone()).unwrap();
    let seen = elements(&text).unwrap();
    for element in ["svg", "title", "clipPath", "path", "text", "circle"] {
        assert!(seen.iter().any(|name| name == element), "{element}");
    }
    for words in ["Loss &lt;train&gt; &amp; &quot;test&quot;", ">epoch<", ">a, b<", "n = 4, a &lt; b"] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("NaN") && !text.contains("inf"));
    if let Some(folder) = std::env::var_os("KIT_PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join("plot.svg"), text).unwrap();
    }
}

#[test]
fn png_is_twice_the_size_and_looks_like_the_plot() {
    let mut harness = harness();
    choose(&mut harness, "Save as PNG…");
    harness.run();
    let bytes = harness.state().saved[0].bytes.clone();
    if let Some(folder) = std::env::var_os("KIT_PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join("plot.png"), &bytes).unwrap();
    }
    let image = image::load_from_memory(&bytes).unwrap().to_rgba8();
    let width = harness.get_by_role(Role::Figure).rect().width();
    assert_eq!((image.width(), image.height()), (((width + 32.0) * 2.0) as u32, 292 * 2));
    assert!(image.pixels().all(|pixel| pixel[3] == 255), "no hole in the ground");
    let t = crate::tokens::tokens_of(false);
    for (name, colour) in
        [("line", t.series(0)), ("dots", t.series(1)), ("ground", t.surface), ("text", t.text)]
    {
        let [r, g, b, _] = colour.to_array();
        let count = image.pixels().filter(|pixel| pixel.0[..3] == [r, g, b]).count();
        assert!(count > 20, "{name}: {count}");
    }
}

#[test]
fn the_image_is_copied() {
    let mut harness = harness();
    choose(&mut harness, "Copy image");
    let copied = harness
        .output()
        .platform_output
        .commands
        .iter()
        .any(|command| matches!(command, OutputCommand::CopyImage(image) if image.size[1] == 584));
    assert!(copied);
}

/// A field-by-field reader of CSV.
fn parse(csv: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut letters = csv.chars().peekable();
    while let Some(letter) = letters.next() {
        let row = rows.last_mut().unwrap();
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            letter => row.last_mut().unwrap().push(letter),
        }
    }
    rows.pop();
    rows
}

#[test]
fn csv_parses_back_to_the_drawn_data() {
    let mut harness = harness();
    choose(&mut harness, "Save data as CSV…");
    harness.run();
    assert!(harness.state().log, "callers that save by themselves see it too");
    let text = String::from_utf8(harness.state().saved[0].bytes.clone()).unwrap();
    let rows = parse(&text);
    assert_eq!(rows[0], ["series", "epoch", "loss, nats", "low", "high"]);
    assert_eq!(rows.len(), 1 + 120);
    for (at, row) in rows[1..=60].iter().enumerate() {
        let y = 2_f64.powi((at as i32 + 1) / 6);
        assert_eq!(row[0], "a, b");
        let numbers: Vec<f64> = row[1..].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(numbers, [at as f64 + 1.0, y, y * 0.9, y * 1.1]);
    }
}

#[test]
fn zoom_by_box_limits_the_csv_and_reset_undoes_it() {
    let mut harness = harness();
    let figure = harness.get_by_role(Role::Figure).rect();
    let (from, to) = (figure.center() - vec2(60.0, 40.0), figure.center() + vec2(60.0, 40.0));
    harness.drag_at(from);
    harness.step();
    harness.hover_at(to);
    harness.step();
    harness.drop_at(to);
    harness.run();
    choose(&mut harness, "Save data as CSV…");
    harness.run();
    choose(&mut harness, "Reset zoom");
    harness.run();
    choose(&mut harness, "Save data as CSV…");
    harness.run();
    let lines =
        |at: usize| String::from_utf8(harness.state().saved[at].bytes.clone()).unwrap().lines().count();
    assert!(lines(0) > 10 && lines(0) < 100, "{}", lines(0));
    assert_eq!(lines(1), 121);
}

#[test]
fn a_right_click_opens_the_menu_and_the_axis_becomes_logarithmic() {
    let mut harness = harness();
    let centre = harness.get_by_role(Role::Figure).rect().center();
    harness.hover_at(centre);
    harness.event(egui::Event::PointerButton {
        pos: centre,
        button: egui::PointerButton::Secondary,
        pressed: true,
        modifiers: Modifiers::NONE,
    });
    harness.event(egui::Event::PointerButton {
        pos: centre,
        button: egui::PointerButton::Secondary,
        pressed: false,
        modifiers: Modifiers::NONE,
    });
    harness.run();
    harness.get_by_role_and_label(Role::MenuItem, "Logarithmic axis").click();
    harness.run();
    choose(&mut harness, "Linear axis");
    harness.run();
    assert!(harness.query_by_role_and_label(Role::Image, "release 1.3.0, epoch 20").is_some());
}

#[test]
fn heat_cells_are_told_by_place_and_read_as_rows() {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let heat =
        Heat::new(words(&["a", "b"]), words(&["x", "y", "z"]), vec![vec![1.0, 2.0, f64::NAN], vec![3.0]]);
    assert_eq!(heat.cell_at([2.2, 0.7]), Some((0, 2)));
    assert_eq!(heat.cell_at([0.0, 0.0]), Some((1, 0)));
    assert_eq!(heat.cell_at([3.0, 0.0]), None);
    assert_eq!(heat.cell_at([f64::NAN, 0.0]), None);
    let csv = super::data::csv(&presets::heat_map("h", ("x", "y"), heat), None);
    assert_eq!(parse(&csv)[1], ["a, x", "0", "1", "", ""]);
    assert_eq!(parse(&csv).len(), 7);
    assert_eq!(parse(&csv)[6], ["b, z", "2", "", "", ""]);
}

#[test]
fn waterfall_and_beeswarm_keep_their_sums_and_points() {
    let step = |label: &str, value| presets::Step { label: label.to_owned(), value };
    let colours = (egui::Color32::BLUE, egui::Color32::RED);
    let steps = [step("b", 3.0), step("c", -1.5)];
    let plot = presets::waterfall("w", Axis::new("score"), (&step("a", 1.0), &steps), colours);
    assert_eq!(plot.bars[0].bars[1][3], 2.5, "the last bar is the sum");
    assert_eq!(plot.bars[2].bars[0][2..], [4.0, 2.5]);
    let swarm = presets::Swarm {
        name: "f".to_owned(),
        points: (0..50)
            .map(|at| [f64::from(at % 5), f64::from(at) / 50.0])
            .chain([[f64::NAN, 0.0]])
            .collect(),
    };
    let plot = presets::beeswarm("s", Axis::new("effect"), &[swarm], [egui::Color32::BLUE; 3]);
    let mut places: Vec<[f64; 2]> = plot.points.iter().flat_map(|points| points.points.to_vec()).collect();
    assert_eq!(places.len(), 50);
    places.sort_by(|one, other| one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1])));
    places.dedup();
    assert_eq!(places.len(), 50, "no two points on the same place");
    assert!(places.iter().all(|place| place[1].abs() < 0.5), "inside their row");
}

#[test]
fn a_hundred_thousand_points_are_drawn_as_density() {
    let points: Arc<Vec<[f64; 2]>> =
        Arc::new((0..100_000).map(|at| [f64::from(at % 317), f64::from(at % 211)]).collect());
    let mut harness = Harness::builder().with_size(vec2(400.0, 300.0)).build_ui(move |ui| {
        crate::apply(ui.ctx(), crate::Theme::Dark);
        let t = crate::tokens(ui);
        let points = Points::shared("rows", t.series(0), Arc::clone(&points));
        presets::scatter("Many", "n = 100 000", (Axis::new("x"), Axis::new("y")), points).show(ui);
    });
    harness.run();
    let mesh = harness
        .output()
        .shapes
        .iter()
        .any(|clipped| matches!(&clipped.shape, egui::Shape::Mesh(mesh) if mesh.vertices.len() > 1_000));
    assert!(mesh);
}
