//! A studio in a test: state, views and engine as the binary wires them, without native dialogs.

use egui_kittest::{Harness, kittest::Queryable as _};
use std::{path::Path, sync::Arc, time::Duration};
use yard_engine::{Engine, EngineOptions, Home};
use yard_state::{actions::Action, state::StudioState};
use yard_types::command::{Command, NewProject};
use yard_views::Views;

/// Longest wait for a job.
const PATIENCE: Duration = Duration::from_mins(4);

/// A studio.
pub(crate) struct Studio {
    /// State.
    pub(crate) state: StudioState,
    views: Views,
    engine: Option<Arc<Engine>>,
    options: EngineOptions,
    /// Theme of the next pass.
    pub(crate) dark: bool,
}

impl Studio {
    /// Makes a project in a folder and opens it; `program` is started with `serve` to deploy.
    pub(crate) fn new(folder: &Path, program: &Path) -> Self {
        let mut studio = Self::bare(folder, program);
        studio.create(&folder.join("penguins.modelyard"));
        studio
    }

    /// A window without a project, as at the first start.
    pub(crate) fn bare(folder: &Path, program: &Path) -> Self {
        let mut options = EngineOptions::system(Arc::new(|| {})).unwrap();
        options.home = Home::at(folder.join("home"));
        options.program = program.to_path_buf();
        options.worker = None;
        Self { state: StudioState::new(), views: Views::default(), engine: None, options, dark: false }
    }

    fn create(&mut self, path: &Path) {
        let engine = Engine::create(path, self.options.clone()).unwrap();
        self.state.open_project(&engine.path().display().to_string(), false, &engine.events());
        self.engine = Some(Arc::new(engine));
    }

    fn turn(&mut self, ctx: &egui::Context) {
        let notices = self.engine.as_ref().map_or_else(Vec::new, |engine| engine.notices(1_000));
        for notice in notices {
            self.state.apply(&notice);
        }
        for action in self.state.take_actions() {
            match action {
                Action::Engine(command) => self.submit(*command),
                Action::Ui(command) => self.views.run(ctx, &mut self.state, command),
                Action::Go(place) => self.state.place = place,
                Action::ImportData(path) => {
                    if self.engine.is_none() {
                        // The binary makes the project beside the file; here the file is of the repository.
                        let folder = self.options.home.root().parent().unwrap().to_path_buf();
                        self.create(&folder.join("first.modelyard"));
                    }
                    let data = path.display().to_string();
                    let options = NewProject { data, ..NewProject::default() };
                    self.submit(Command::ImportDataset { options: Box::new(options) });
                    self.state.place = yard_state::route::Place::Data;
                }
                other => panic!("the loop needs no {other:?}"),
            }
        }
    }

    fn submit(&self, command: Command) {
        let words = format!("{command:?}");
        self.engine.as_ref().unwrap().submit(command).unwrap_or_else(|error| panic!("{error}: {words}"));
    }

    /// Opens the window.
    pub(crate) fn open(self) -> Harness<'static, Self> {
        Harness::builder().with_size([1440.0, 900.0]).with_max_steps(30).build_ui_state(
            |ui, studio: &mut Self| {
                let theme = if studio.dark { yard_ui::Theme::Dark } else { yard_ui::Theme::Light };
                yard_ui::apply(ui.ctx(), theme);
                studio.turn(&ui.ctx().clone());
                // The harness leaves a margin around its ui; the window has none.
                let screen = ui.ctx().content_rect();
                let mut child = ui.new_child(egui::UiBuilder::new().max_rect(screen));
                child.set_clip_rect(screen);
                yard_views::show(&mut child, &mut studio.state, &mut studio.views);
            },
            self,
        )
    }
}

/// Draws passes until the state is as wanted; a failed job ends the wait with its message.
pub(crate) fn wait(window: &mut Harness<'_, Studio>, what: &str, done: impl Fn(&StudioState) -> bool) {
    let start = std::time::Instant::now();
    loop {
        window.step();
        let state = &window.state().state;
        if let Some(message) = yard_state::next::last_failure(state) {
            panic!("waiting for {what}: {message}");
        }
        if done(state) && state.jobs.running().is_none() {
            window.run_steps(3);
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Presses Ctrl and a key.
pub(crate) fn ctrl(window: &mut Harness<'_, Studio>, key: egui::Key) {
    window.key_press_modifiers(egui::Modifiers::COMMAND, key);
    window.run_steps(3);
}

/// Clicks the button of a label.
pub(crate) fn click(window: &mut Harness<'_, Studio>, label: &str) {
    window.get_by_role_and_label(egui::accesskit::Role::Button, label).click();
    window.run_steps(3);
}
