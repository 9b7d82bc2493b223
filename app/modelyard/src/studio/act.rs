//! Carries out what the views ask for.

use super::{app::StudioApp, dialogs::Answer, recent};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use yard_engine::{Engine, sample};
use yard_state::{
    actions::{Action, Pick},
    drop::{self, Dropped},
    state::{Sample, ToastKind},
};
use yard_types::command::{Command, NewProject};

/// Carries out one request.
pub(crate) fn carry_out(app: &mut StudioApp, ctx: &egui::Context, action: Action) {
    match action {
        Action::Engine(command) => submit(app, *command),
        Action::Ui(command) => app.views.run(ctx, &mut app.state, command),
        Action::Go(place) => app.state.place = place,
        Action::Pick(pick) => app.dialogs.show(pick),
        Action::OpenProject(path) => open_project(app, &path),
        Action::ImportData(path) => import(app, &path),
        Action::OpenSample(name) => open_sample(app, &name),
        Action::Copy(text) => ctx.copy_text(text),
        Action::OpenFolder(folder) => open_folder(app, &folder),
        Action::NewWindow(project) => new_window(app, project.as_deref()),
        Action::Save { name, bytes } => app.dialogs.save(name, bytes),
        Action::DiscardCrash => discard_crash(app),
    }
}

/// Carries out a drop, or says why nothing is done with it.
pub(crate) fn dropped(app: &mut StudioApp, files: &[PathBuf]) {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let Some(file) = files.first() else { return };
    match drop::dropped(&app.state, &names) {
        Dropped::Project => app.state.ask(Action::OpenProject(file.clone())),
        Dropped::Import => app.state.ask(Action::ImportData(file.clone())),
        Dropped::Refused(why) => app.state.toast(ToastKind::Warning, &why),
        Dropped::TryRow => match first_row(file).and_then(|row| {
            let name = file.file_name().map_or_else(String::new, |own| own.to_string_lossy().into_owned());
            app.state.fill_try(&name, &row)
        }) {
            Ok(done) => app.state.toast(ToastKind::Done, &done),
            Err(why) => app.state.toast(ToastKind::Warning, &why),
        },
    }
}

/// Reads the beginning of a file, which holds its first row, so that a large file costs nothing.
fn first_row(file: &Path) -> Result<std::collections::BTreeMap<String, String>, String> {
    use std::io::Read as _;
    const MOST: u64 = 1 << 20;
    let mut bytes = Vec::new();
    std::fs::File::open(file).and_then(|own| own.take(MOST).read_to_end(&mut bytes)).map_err(|error| {
        format!("the file can't be read: {error}; expected a file of this machine: {}", file.display())
    })?;
    drop::first_row(&String::from_utf8_lossy(&bytes))
}

/// Shows a folder with the system's own program.
fn open_folder(app: &mut StudioApp, folder: &Path) {
    let program = match std::env::consts::OS {
        "windows" => "explorer",
        "macos" => "open",
        _ => "xdg-open",
    };
    if let Err(error) = std::process::Command::new(program).arg(folder).spawn() {
        app.error(&format!(
            "{program} can't be started: {error}; open the folder by hand: {}",
            folder.display()
        ));
    }
}

/// A second window is a second process, so that one window's fault is never another's.
fn new_window(app: &mut StudioApp, project: Option<&Path>) {
    let mut command = std::process::Command::new(&app.options.program);
    command.args(project).env("MODELYARD_NEW_WINDOW", "1");
    if let Err(error) = command.spawn() {
        app.error(&format!("another window can't be opened: {error}; start modelyard again by hand"));
    }
}

fn discard_crash(app: &mut StudioApp) {
    let Some(report) = app.state.crash.take() else { return };
    if let Err(error) = std::fs::remove_file(&report.path) {
        app.error(&format!("the report can't be deleted: {error}; delete it by hand: {}", report.path));
    }
}

/// Carries out what a file dialog answered.
pub(crate) fn answered(app: &mut StudioApp, (pick, path): Answer) {
    let Some(path) = path else {
        if pick == Pick::Data || pick == Pick::Project {
            app.state
                .toast(ToastKind::Info, "No file chosen. You can also type a path on Start, or drop a file.");
        }
        return;
    };
    let text = path.display().to_string();
    match pick {
        Pick::Project => open_project(app, &path),
        Pick::Data => import(app, &path),
        Pick::RetrainData => app.state.drafts.monitor.retrain_data = text,
        Pick::Labels => {
            app.state.drafts.monitor.labels.clone_from(&text);
            submit(app, Command::SendFeedback { path: text });
        }
        Pick::EvaluateData => {
            let model = yard_state::run::model_choice(&app.state);
            submit(app, Command::Evaluate { model, data: Some(text) });
        }
        Pick::PackageOut => {
            let model = yard_state::run::model_choice(&app.state);
            submit(app, Command::PackageModel { model, out: Some(text) });
        }
    }
}

fn submit(app: &mut StudioApp, command: Command) {
    let Some(engine) = app.engine.clone() else {
        app.state.toast(ToastKind::Error, "No project is open: import data or open a project first.");
        return;
    };
    if let Err(error) = engine.submit(command) {
        app.error(&error);
    }
}

/// Opens a project file. Opening reads the event log only, which takes milliseconds.
fn open_project(app: &mut StudioApp, path: &Path) {
    match Engine::open(path, app.options.clone()) {
        Ok(engine) => enter(app, engine),
        Err(error) => app.error(&error),
    }
}

fn enter(app: &mut StudioApp, engine: Engine) {
    let path = engine.path().display().to_string();
    let read_only = engine.read_only();
    app.state.open_project(&path, read_only.is_some(), &engine.events());
    if let Some(reason) = read_only {
        app.state.toast(ToastKind::Warning, &reason);
    }
    app.engine = Some(Arc::new(engine));
    if app.state.project.deployment.is_some() {
        submit(app, Command::RefreshStatus);
    }
    let now = app.options.clock.now();
    recent::touch(&mut app.state, now);
    recent::save(&app.options.home, &app.state.recent);
}

/// Imports a data file: into the open project as its next version, else into a new project beside it.
/// A dropped project file is opened.
fn import(app: &mut StudioApp, path: &Path) {
    if path.extension().is_some_and(|ext| ext == "modelyard") {
        open_project(app, path);
        return;
    }
    if app.engine.is_none() {
        let project = free_name(&path.with_extension("modelyard"));
        match Engine::create(&project, app.options.clone()) {
            Ok(engine) => enter(app, engine),
            Err(error) => {
                app.error(&error);
                return;
            }
        }
    }
    let frame = app.state.project.frame.as_ref();
    let options = NewProject {
        data: path.display().to_string(),
        target: frame.map(|frame| frame.target.clone()),
        positive: frame.and_then(|frame| frame.positive.clone()),
        ..NewProject::default()
    };
    submit(app, Command::ImportDataset { options: Box::new(options) });
    app.state.place = yard_state::route::Place::Data;
}

fn free_name(path: &Path) -> PathBuf {
    let stem =
        path.file_stem().map_or_else(|| "project".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut candidate = path.to_path_buf();
    let mut number = 2;
    while candidate.exists() {
        candidate = path.with_file_name(format!("{stem}-{number}.modelyard"));
        number += 1;
    }
    candidate
}

/// The bundled samples for Start.
pub(crate) fn samples() -> Vec<Sample> {
    sample::samples()
        .into_iter()
        .map(|sample| Sample {
            facts: format!("predicts {}", sample.target),
            name: sample.name,
            title: sample.title,
        })
        .collect()
}

/// Opens the project of a sample in the user's folder; the first time it is made, its frame filled and a
/// first model trained, so that there is a whole loop to look at.
fn open_sample(app: &mut StudioApp, name: &str) {
    if let Err(error) = try_open_sample(app, name) {
        app.error(&error);
    }
}

fn try_open_sample(app: &mut StudioApp, name: &str) -> Result<(), yard_engine::EngineError> {
    let sample = sample::find(name)?;
    let folder = app.options.home.folder("samples")?;
    let project = folder.join(format!("{name}.modelyard"));
    if project.is_file() {
        let engine = Engine::open(&project, app.options.clone())?;
        enter(app, engine);
        app.state.place = yard_state::route::Place::Evaluate;
        return Ok(());
    }
    let data = sample.write_data(&folder)?;
    let engine = Engine::create(&project, app.options.clone())?;
    enter(app, engine);
    submit(app, Command::ImportDataset { options: Box::new(sample.project(&data)) });
    app.then = vec![FollowUp::Frame(Box::new(sample)), FollowUp::Train];
    app.state.place = yard_state::route::Place::Train;
    Ok(())
}

/// What is done once the jobs before it have ended.
pub(crate) enum FollowUp {
    /// Fill the frame's words from the sample.
    Frame(Box<sample::Sample>),
    /// Train a first model.
    Train,
}

/// Carries out the next follow-up when no job waits or runs.
pub(crate) fn follow_up(app: &mut StudioApp) {
    let idle = app.engine.as_ref().is_some_and(|engine| engine.pending() == 0);
    if app.then.is_empty() || !idle {
        return;
    }
    match app.then.remove(0) {
        FollowUp::Frame(sample) => {
            let Some(frame) = app.state.project.frame.clone() else { return };
            let frame = sample.worded(frame);
            submit(app, Command::SetFrame { frame: Box::new(frame) });
        }
        FollowUp::Train => {
            let spec = yard_types::run::RunSpec::new(yard_types::run::Family::Boosting);
            submit(app, Command::StartTraining { spec: Box::new(spec) });
        }
    }
}
