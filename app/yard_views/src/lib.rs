//! One module per place of the studio, and the shell around them.
//!
//! Views read [`yard_state::state::StudioState`], edit its drafts and push
//! [`yard_state::actions::Action`]s; they never act, never open a file, never wait. [`show`] draws the
//! whole window; the binary, the tests and the pictures all use it.

mod command_line;
mod crash;
mod explain;
mod head;
mod keys;
mod layout;
mod reasons;
mod shell;
mod words;

mod data;
mod deploy;
mod evaluate;
mod frame;
mod help;
mod monitor;
mod package;
mod registry;
mod settings;
mod start;
mod train;

use yard_state::{
    command::UiCommand,
    next,
    run::{WindowAct, run},
    settings::ThemeChoice,
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
    help: help::View,
    /// Settings that the toolkit has taken.
    applied: yard_state::settings::Settings,
    /// Name of what got the focus last, for F1.
    focused: String,
}

impl Views {
    /// Runs a command of the window, with what only the toolkit can do.
    pub fn run(&mut self, ctx: &egui::Context, state: &mut StudioState, command: UiCommand) {
        match run(state, command) {
            None => {}
            Some(WindowAct::ToggleTheme) => {
                let light = ctx.theme() == egui::Theme::Dark;
                let theme = if light { ThemeChoice::Light } else { ThemeChoice::Dark };
                state.change_settings("theme", |own| own.theme = theme);
            }
            Some(WindowAct::NextPanel) => self.shell.next_panel(ctx),
            Some(WindowAct::Help) => {
                let place = state.place.label().to_lowercase();
                let page = help::topic(&self.focused).map_or(place, help::Section::address);
                state.help(&page);
            }
            Some(WindowAct::CopyCommand) => command_line::copy(state, next::primary(state)),
        }
    }

    /// Applies the settings when they changed since the last time; the binary calls it once at the start,
    /// [`show`] in each frame.
    pub fn apply_settings(&mut self, ctx: &egui::Context, state: &StudioState) {
        if self.applied != state.settings {
            settings::apply(ctx, &state.settings);
            self.applied = state.settings.clone();
        }
    }
}

/// Draws the whole window.
pub fn show(ui: &mut egui::Ui, state: &mut StudioState, views: &mut Views) {
    for command in keys::pressed(ui.ctx(), state) {
        let ctx = ui.ctx().clone();
        views.run(&ctx, state, command);
    }
    views.apply_settings(&ui.ctx().clone(), state);
    shell::show(ui, state, views);
    for file in yard_ui::plot::exports(ui.ctx()) {
        state.ask(yard_state::actions::Action::Save { name: file.name, bytes: file.bytes });
    }
    let named = ui.ctx().output(|output| {
        output.events.iter().rev().find_map(|event| match event {
            egui::output::OutputEvent::FocusGained(info) => info.label.clone(),
            _ => None,
        })
    });
    // A text field tells its name to screen readers only, so the kit is asked for it.
    if let Some(name) = yard_ui::take_focused_name(ui.ctx()).or(named) {
        views.focused = name;
    }
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
        Place::Settings => settings::show(ui, state),
        Place::Help => help::show(ui, state, &mut views.help),
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
        Place::Settings => settings::inspector(ui, state),
        Place::Help => help::inspector(ui, state),
    }
}
