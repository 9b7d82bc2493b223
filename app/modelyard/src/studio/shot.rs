//! `modelyard --shot PLACE --theme T --out F`: a picture of a place as the real window draws it, without
//! a display, on a project or a recorded file of notices.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use yard_engine::{Engine, EngineOptions};
use yard_state::{actions::Action, route::Place, state::StudioState};
use yard_types::{command::Command, event::EventRecord};
use yard_ui::Theme;
use yard_views::Views;

/// What to draw.
pub(crate) struct Shot {
    /// Place.
    pub(crate) place: Place,
    /// Theme.
    pub(crate) dark: bool,
    /// Size in points.
    pub(crate) size: [f32; 2],
    /// Pixels per point.
    pub(crate) scale: f32,
    /// Project file, or a `.jsonl` file of event records.
    pub(crate) source: Option<PathBuf>,
    /// Picture to write (PNG).
    pub(crate) out: PathBuf,
}

/// Draws the picture.
pub(crate) fn shot(shot: &Shot) -> anyhow::Result<()> {
    let mut state = StudioState::new();
    state.samples = super::act::samples();
    if let Ok(home) = yard_engine::Home::find() {
        state.home = home.root().display().to_string();
    }
    let mut engine = None;
    if let Some(source) = &shot.source {
        let events = if source.extension().is_some_and(|ext| ext == "jsonl") {
            recorded(source)?
        } else {
            let opened = Engine::open(source, EngineOptions::system(Arc::new(|| {}))?)?;
            engine.insert(opened).events()
        };
        state.open_project(&source.display().to_string(), false, &events);
    }
    state.place = shot.place;
    let theme = if shot.dark { Theme::Dark } else { Theme::Light };
    let mut views = Views::default();
    let mut harness = egui_kittest::Harness::builder()
        .with_size(shot.size)
        .with_pixels_per_point(shot.scale)
        .with_max_steps(16)
        .wgpu()
        .build_ui_state(
            move |ui, state: &mut StudioState| {
                yard_ui::apply(ui.ctx(), theme);
                // The harness leaves a margin around its ui; the window has none.
                let screen = ui.ctx().content_rect();
                let mut child = ui.new_child(egui::UiBuilder::new().max_rect(screen));
                child.set_clip_rect(screen);
                yard_views::show(&mut child, state, &mut views);
            },
            state,
        );
    harness.run_steps(8);
    if let Some(engine) = &engine {
        fetch_rows(engine, harness.state_mut())?;
        harness.run_steps(8);
    }
    let image =
        harness.render().map_err(|error| anyhow::anyhow!("the picture could not be drawn: {error}"))?;
    image.save(&shot.out)?;
    Ok(())
}

/// Carries out what the place asked for to draw itself: pages of rows. Nothing else is done to the project.
fn fetch_rows(engine: &Engine, state: &mut StudioState) -> anyhow::Result<()> {
    for action in state.take_actions() {
        if let Action::Engine(command) = action
            && matches!(*command, Command::FetchRows { .. })
        {
            engine.submit(*command)?;
        }
    }
    // A job leaves the queue before its last notice is read, so both must be quiet.
    loop {
        let notices = engine.wait_notices(Duration::from_millis(50));
        let quiet = notices.is_empty();
        for notice in &notices {
            state.apply(notice);
        }
        if quiet && engine.pending() == 0 && state.jobs.running().is_none() {
            break;
        }
    }
    Ok(())
}

fn recorded(source: &Path) -> anyhow::Result<Vec<EventRecord>> {
    let text = std::fs::read_to_string(source)?;
    let records = text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str);
    Ok(records.collect::<Result<_, _>>()?)
}
