//! The window: wires engine, state and views. Without a display it says so and names the commands
//! that need none.

mod act;
mod app;
mod crash;
mod devices;
mod dialogs;
mod prefs;
mod recent;
mod shot;

pub(crate) use recent::remember;
pub(crate) use shot::{Shot, shot};

use std::path::{Path, PathBuf};

/// The window's icon.
const ICON: &[u8] = include_bytes!("../../../../assets/icons/modelyard.png");

/// Why the window can't open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StudioError {
    /// No screen.
    #[error(
        "there is no display to open the studio on (DISPLAY and WAYLAND_DISPLAY are unset); start it in a \
         desktop session, or use the commands that need none: demo, profile, new, train, evaluate, package, \
         deploy, monitor, retrain (see `modelyard --help`)"
    )]
    NoDisplay,
    /// Neither renderer starts.
    #[error(
        "the window could not be opened: {0}; try MODELYARD_RENDERER=glow, or update the graphics driver"
    )]
    Renderer(String),
    /// The user's folder can't be used.
    #[error(transparent)]
    Engine(#[from] yard_engine::EngineError),
}

/// Opens the studio, with a project if one is named. Returns when the window is closed.
pub(crate) fn open(project: Option<&Path>) -> Result<(), StudioError> {
    if cfg!(target_os = "linux") && !display_present() {
        return Err(StudioError::NoDisplay);
    }
    let forced = std::env::var("MODELYARD_RENDERER").ok();
    let order = match forced.as_deref() {
        Some("glow") => vec![eframe::Renderer::Glow],
        Some("wgpu") => vec![eframe::Renderer::Wgpu],
        _ => vec![eframe::Renderer::Wgpu, eframe::Renderer::Glow],
    };
    let mut last = String::new();
    for renderer in order {
        match run(renderer, project.map(Path::to_path_buf)) {
            Ok(()) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
    }
    Err(StudioError::Renderer(last))
}

fn display_present() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn run(renderer: eframe::Renderer, project: Option<PathBuf>) -> eframe::Result {
    let mut viewport = egui::ViewportBuilder::default();
    // Without an icon the window still works; a broken picture file is caught by the test below.
    if let Ok(icon) = eframe::icon_data::from_png_bytes(ICON) {
        viewport = viewport.with_icon(icon);
    }
    let options = eframe::NativeOptions {
        renderer,
        viewport: viewport
            .with_title("Modelyard")
            .with_app_id("modelyard")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([1024.0, 680.0])
            .with_drag_and_drop(true),
        // Size, place and the widths of panels come back with the user's other settings.
        persistence_path: yard_engine::Home::find().ok().map(|home| home.root().join("window.ron")),
        ..Default::default()
    };
    eframe::run_native(
        "modelyard",
        options,
        Box::new(move |context| {
            let app = app::StudioApp::new(&context.egui_ctx, project)?;
            Ok(Box::new(app))
        }),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn the_icon_is_a_picture() {
        let icon = eframe::icon_data::from_png_bytes(super::ICON).unwrap();
        assert_eq!((icon.width, icon.height), (256, 256));
    }
}
