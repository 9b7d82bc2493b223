//! CPU time of a frame in each place, and in Train while points of a curve arrive: layout, drawing and
//! tessellation as the window does them, without the GPU.
//!
//! `modelyard log P.modelyard --json > events.json`, then
//! `cargo run --release -p yard_views --example frames -- events.json`

use std::{fmt::Write as _, io::Write as _, time::Instant};
use yard_state::{route::Place, state::StudioState};
use yard_types::{
    event::{EventRecord, Notice},
    ids::{CommandId, JobId, RunId},
    run::TrainPoint,
};
use yard_ui::Theme;
use yard_views::Views;

const FRAMES: usize = 400;
/// Frames before the measured ones: fonts and plot caches fill.
const WARM: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the events of a project are expected: frames EVENTS.json")?;
    let log: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
    let events: Vec<EventRecord> = serde_json::from_value(log["events"].clone())?;
    let mut table = format!("{:<22} {:>9} {:>9} {:>9}\n", "place", "p50 ms", "p99 ms", "max ms");
    for place in Place::ALL {
        row(&mut table, place.label(), frames(&events, place, false))?;
    }
    row(&mut table, "train, while training", frames(&events, Place::Train, true))?;
    std::io::stdout().write_all(table.as_bytes())?;
    Ok(())
}

fn row(table: &mut String, name: &str, mut times: Vec<f64>) -> std::fmt::Result {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    writeln!(table, "{name:<22} {:>9.2} {:>9.2} {:>9.2}", at(0.5), at(0.99), at(1.0))
}

/// Milliseconds of each frame; the pointer moves, so that hovering is part of it.
fn frames(events: &[EventRecord], place: Place, training: bool) -> Vec<f64> {
    let mut state = StudioState::new();
    state.open_project("project.modelyard", false, events);
    state.place = place;
    let run = RunId(state.project.runs.keys().next_back().map_or(1, |run| run.0 + 1));
    if training {
        begin(&mut state);
    }
    let ctx = egui::Context::default();
    let mut views = Views::default();
    let mut times = Vec::with_capacity(FRAMES);
    for frame in 0..FRAMES + WARM {
        let input = input(frame);
        let start = Instant::now();
        if training {
            state.apply(&point(run, frame));
        }
        let mut output = ctx.run_ui(input, |ui| {
            yard_ui::apply(ui.ctx(), Theme::Dark);
            yard_views::show(ui, &mut state, &mut views);
        });
        let shapes = ctx.tessellate(output.shapes, output.pixels_per_point);
        std::hint::black_box(shapes);
        output.textures_delta.clear();
        if frame >= WARM {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        state.take_actions();
    }
    times
}

fn begin(state: &mut StudioState) {
    let (job, label) = (JobId(1), "Train boosting".to_owned());
    state.apply(&Notice::JobQueued { job, label, command: CommandId(1) });
    state.apply(&Notice::JobStarted { job });
}

fn point(run: RunId, frame: usize) -> Notice {
    let loss = 0.4 + 0.3 / (1.0 + frame as f64 / 40.0);
    let point = TrainPoint {
        step: frame as u32 + 1,
        train_loss: loss,
        validation_loss: Some(loss + 0.02),
        validation_metric: Some(0.9 - loss / 4.0),
    };
    Notice::TrainingPoint { run, point }
}

fn input(frame: usize) -> egui::RawInput {
    let size = egui::vec2(1440.0, 900.0);
    let at = egui::pos2(200.0 + (frame * 7 % 900) as f32, 120.0 + (frame * 3 % 700) as f32);
    egui::RawInput {
        screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size)),
        time: Some(frame as f64 / 60.0),
        events: vec![egui::Event::PointerMoved(at)],
        ..egui::RawInput::default()
    }
}
