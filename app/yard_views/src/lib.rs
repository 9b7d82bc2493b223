//! One module per place of the studio, and the shell around them.
//!
//! Views read [`yard_state::state::StudioState`], edit its drafts and push
//! [`yard_state::actions::Action`]s; they never act, never open a file, never wait. [`show`] draws the
//! whole window; the binary, the tests and the pictures all use it.

mod command_line;
mod head;
mod keys;
mod layout;
mod shell;
mod words;

mod data;
mod deploy;
mod evaluate;
mod frame;
mod monitor;
mod package;
mod registry;
mod start;
mod train;

use yard_state::{
    command::UiCommand,
    run::{WindowAct, run},
    state::StudioState,
};

/// What the views keep between frames: scroll positions, open tabs, toasts on screen. Nothing here is
/// part of the project.
#[derive(Default)]
pub struct Views {
    shell: shell::Shell,
    start: start::View,
    frame: frame::View,
    data: data::View,
    train: train::View,
    evaluate: evaluate::View,
    package: package::View,
    deploy: deploy::View,
    monitor: monitor::View,
    registry: registry::View,
    theme: Option<yard_ui::Theme>,
}

impl Views {
    /// Runs a command of the window, with what only the toolkit can do.
    pub fn run(&mut self, ctx: &egui::Context, state: &mut StudioState, command: UiCommand) {
        match run(state, command) {
            None => {}
            Some(WindowAct::ToggleTheme) => {
                let theme = yard_ui::Theme::toggled(ctx);
                yard_ui::apply(ctx, theme);
                self.theme = Some(theme);
            }
            Some(WindowAct::NextPanel) => self.shell.next_panel(ctx),
            Some(WindowAct::ZoomIn) => zoom(ctx, 0.1),
            Some(WindowAct::ZoomOut) => zoom(ctx, -0.1),
            Some(WindowAct::ZoomReset) => ctx.set_zoom_factor(1.0),
        }
    }

    /// Returns the theme chosen in this window, as stored: `light`, `dark` or `system`.
    pub fn theme_word(&self) -> &'static str {
        match self.theme {
            Some(yard_ui::Theme::Light) => "light",
            Some(yard_ui::Theme::Dark) => "dark",
            _ => "system",
        }
    }

    /// Tells which theme was applied at the start, so that it is stored again.
    pub fn set_theme(&mut self, theme: yard_ui::Theme) {
        self.theme = Some(theme);
    }
}

fn zoom(ctx: &egui::Context, step: f32) {
    let next = ((ctx.zoom_factor() + step) * 10.0).round() / 10.0;
    ctx.set_zoom_factor(next.clamp(0.8, 2.0));
}

/// Draws the whole window.
pub fn show(ui: &mut egui::Ui, state: &mut StudioState, views: &mut Views) {
    for command in keys::pressed(ui.ctx(), state) {
        let ctx = ui.ctx().clone();
        views.run(&ctx, state, command);
    }
    shell::show(ui, state, views);
}

/// Draws the view of the current place.
fn place_ui(ui: &mut egui::Ui, state: &mut StudioState, views: &mut Views) {
    use yard_state::route::Place;
    match state.place {
        Place::Start => start::show(ui, state, &mut views.start),
        Place::Frame => frame::show(ui, state, &mut views.frame),
        Place::Data => data::show(ui, state, &mut views.data),
        Place::Train => train::show(ui, state, &mut views.train),
        Place::Evaluate => evaluate::show(ui, state, &mut views.evaluate),
        Place::Package => package::show(ui, state, &mut views.package),
        Place::Deploy => deploy::show(ui, state, &mut views.deploy),
        Place::Monitor => monitor::show(ui, state, &mut views.monitor),
        Place::Registry => registry::show(ui, state, &mut views.registry),
    }
}

/// Draws the inspector of the current place.
fn inspector_ui(ui: &mut egui::Ui, state: &mut StudioState, views: &mut Views) {
    use yard_state::route::Place;
    match state.place {
        Place::Start => start::inspector(ui, state),
        Place::Frame => frame::inspector(ui, state),
        Place::Data => data::inspector(ui, state, &mut views.data),
        Place::Train => train::inspector(ui, state),
        Place::Evaluate => evaluate::inspector(ui, state, &mut views.evaluate),
        Place::Package => package::inspector(ui, state),
        Place::Deploy => deploy::inspector(ui, state),
        Place::Monitor => monitor::inspector(ui, state),
        Place::Registry => registry::inspector(ui, state),
    }
}
