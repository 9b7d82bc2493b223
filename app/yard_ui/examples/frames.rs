//! Prints the time of a frame for the heaviest content of the kit, without a window or graphics card:
//! layout, painting to shapes and tessellation, as the processor has to do it for every frame.
//!
//! `cargo run --release -p yard_ui --example frames`

use std::{io::Write as _, sync::Arc, time::Instant};

use egui::{Context, Event, Pos2, RawInput, Rect, pos2, vec2};
use yard_ui::{
    Axis, Line, Plot, Theme, apply,
    gallery::{self, GalleryState},
    plot::Points,
};

const FRAMES: usize = 240;

/// Draws frames in which `input` moves things; returns sorted times in milliseconds.
fn measure(mut draw: impl FnMut(&mut egui::Ui), input: impl Fn(usize) -> Vec<Event>) -> Vec<f64> {
    let ctx = Context::default();
    let screen = Rect::from_min_size(Pos2::ZERO, vec2(1440.0, 900.0));
    let mut times = Vec::new();
    for frame in 0..FRAMES {
        let start = Instant::now();
        let raw = RawInput {
            screen_rect: Some(screen),
            time: Some(frame as f64 / 60.0),
            events: input(frame),
            ..RawInput::default()
        };
        let mut output = ctx.run_ui(raw, |ui| {
            apply(ui.ctx(), Theme::Light);
            draw(ui);
        });
        output.textures_delta.clear();
        let meshes = ctx.tessellate(std::mem::take(&mut output.shapes), output.pixels_per_point);
        std::hint::black_box(meshes);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    // The first frames load fonts, thin the line and read the first pages.
    let mut rest = times.split_off(10);
    rest.sort_by(f64::total_cmp);
    rest
}

fn report(name: &str, times: &[f64]) -> std::io::Result<()> {
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or(0.0);
    writeln!(std::io::stdout(), "{name:<44} p50 {:6.2} ms   p99 {:6.2} ms", at(0.5), at(0.99))
}

fn still(_: usize) -> Vec<Event> {
    Vec::new()
}

/// The pointer wanders over the content.
fn hover(frame: usize) -> Vec<Event> {
    vec![Event::PointerMoved(pos2(200.0 + (frame * 4 % 900) as f32, 240.0))]
}

/// The wheel turns: another part of the table in each frame.
fn scroll(frame: usize) -> Vec<Event> {
    vec![
        Event::PointerMoved(pos2(600.0, 500.0)),
        Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: vec2(if frame.is_multiple_of(2) { -120.0 } else { 0.0 }, -4_000.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: egui::Modifiers::NONE,
        },
    ]
}

fn main() -> std::io::Result<()> {
    let wave: Arc<Vec<[f64; 2]>> = Arc::new(
        (0..1_000_000)
            .map(|at| [f64::from(at), (f64::from(at) * 1e-4).sin() + (f64::from(at) * 0.7).cos() * 0.1])
            .collect(),
    );
    let line = |ui: &mut egui::Ui| {
        let colour = yard_ui::tokens(ui).series(0);
        Plot::new("Loss", Axis::new("step"), Axis::new("nats"))
            .line(Line::shared("train", colour, Arc::clone(&wave)))
            .height(500.0)
            .show(ui);
    };
    report("line, 1,000,000 points", &measure(line, still))?;
    report("line, 1,000,000 points, pointer moves", &measure(line, hover))?;
    let cloud: Arc<Vec<[f64; 2]>> = Arc::new(
        (0..1_000_000)
            .map(|at| {
                [(f64::from(at) * 0.37).sin() * f64::from(at), (f64::from(at) * 0.73).cos() * f64::from(at)]
            })
            .collect(),
    );
    let scatter = |ui: &mut egui::Ui| {
        let colour = yard_ui::tokens(ui).series(0);
        Plot::new("Rows", Axis::new("x"), Axis::new("y"))
            .points(Points::shared("rows", colour, Arc::clone(&cloud)))
            .height(500.0)
            .show(ui);
    };
    report("scatter as density, 1,000,000 points", &measure(scatter, hover))?;
    let mut state = GalleryState::default();
    report("grid, 10,000,000 x 1,000", &measure(|ui| drop(gallery::grid(ui, &mut state)), still))?;
    report(
        "grid, 10,000,000 x 1,000, scrolled each frame",
        &measure(|ui| drop(gallery::grid(ui, &mut state)), scroll),
    )?;
    report("gallery, all controls", &measure(|ui| gallery::gallery(ui, &mut state), hover))
}
