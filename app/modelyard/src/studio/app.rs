//! The eframe application: `logic` drains the engine and carries out requests, `ui` only draws.

use super::{act, devices::Devices, dialogs::Dialogs, recent};
use std::{path::PathBuf, sync::Arc};
use yard_engine::{Engine, EngineOptions};
use yard_state::{
    actions::Action,
    state::{StudioState, ToastKind},
};
use yard_ui::Theme;
use yard_views::Views;

/// Notices applied per frame, so that a burst never stalls a frame.
const NOTICES_PER_FRAME: usize = 500;

/// The running studio.
pub(crate) struct StudioApp {
    pub(crate) state: StudioState,
    pub(crate) views: Views,
    pub(crate) engine: Option<Arc<Engine>>,
    pub(crate) options: EngineOptions,
    pub(crate) dialogs: Dialogs,
    pub(crate) then: Vec<act::FollowUp>,
    devices: Devices,
}

impl StudioApp {
    /// Makes the application and opens the project named, else the one that was used last; Start with
    /// neither.
    pub(crate) fn new(
        ctx: &egui::Context,
        storage: Option<&dyn eframe::Storage>,
        project: Option<PathBuf>,
    ) -> Result<Self, yard_engine::EngineError> {
        let theme = storage.and_then(|storage| storage.get_string("theme"));
        yard_ui::apply(ctx, theme_of(theme.as_deref()));
        let wake = ctx.clone();
        let options = EngineOptions::system(Arc::new(move || wake.request_repaint()))?;
        let wake = ctx.clone();
        let devices = Devices::ask(&options, Arc::new(move || wake.request_repaint()));
        let wake = ctx.clone();
        let mut app = Self {
            state: StudioState::new(),
            views: Views::default(),
            engine: None,
            options,
            dialogs: Dialogs::new(Arc::new(move || wake.request_repaint())),
            then: Vec::new(),
            devices,
        };
        app.state.recent = recent::load(&app.options.home);
        app.state.samples = act::samples();
        if let Some(path) = project.or_else(|| recent::last_used(&app.options.home)) {
            app.state.ask(Action::OpenProject(path));
        }
        Ok(app)
    }

    /// Applies what the engine and the dialogs said, then carries out the views' requests.
    pub(crate) fn turn(&mut self, ctx: &egui::Context) {
        if let Some(engine) = self.engine.clone() {
            let notices = engine.notices(NOTICES_PER_FRAME);
            let full = notices.len() == NOTICES_PER_FRAME;
            for notice in &notices {
                self.state.apply(notice);
            }
            if full {
                ctx.request_repaint();
            }
        }
        self.devices.take(&mut self.state);
        for answer in self.dialogs.take() {
            act::answered(self, answer);
        }
        for file in dropped(ctx) {
            self.state.ask(Action::ImportData(file));
        }
        act::follow_up(self);
        for action in self.state.take_actions() {
            act::carry_out(self, ctx, action);
        }
    }

    /// Shows an error as a toast.
    pub(crate) fn error(&mut self, error: &dyn std::fmt::Display) {
        self.state.toast(ToastKind::Error, &error.to_string());
    }
}

/// Reads the stored theme; the system's by default.
fn theme_of(word: Option<&str>) -> Theme {
    match word {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

fn dropped(ctx: &egui::Context) -> Vec<PathBuf> {
    ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_path_buf()).collect())
}

impl eframe::App for StudioApp {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.turn(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        yard_views::show(ui, &mut self.state, &mut self.views);
        if !self.state.actions.is_empty() {
            // Requests made while drawing are carried out at once, in the next pass.
            ui.ctx().request_repaint();
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        storage.set_string("theme", self.views.theme_word().to_owned());
        recent::save(&self.options.home, &self.state.recent);
    }
}
