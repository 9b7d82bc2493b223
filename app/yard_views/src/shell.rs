//! The window's frame around the places: fills the kit's shell from the state, and shows the layers
//! over it (palette, shortcuts, notifications).

use crate::{
    Views,
    start::{place_icon, stage_status},
};
use yard_state::{
    actions::Action,
    command::UiCommand,
    next,
    route::Place,
    state::{Overlay, StudioState, ToastKind},
};
use yard_ui::{
    Icon, Status, fmt,
    overlay::{Entry, Palette, Toast, ToastEvent, Toasts, dialog_with},
    shell::{
        Job, NextStep, Place as RailPlace, Region, Shell as Frame, ShellEvent, ShellState, StatusBar, TopBar,
    },
    text,
};

/// What the frame keeps between passes.
#[derive(Default)]
pub(crate) struct Shell {
    frame: ShellState,
    inspector_seen: bool,
    palette: Palette,
    toasts: Toasts,
    toasted: u64,
    panel: usize,
}

impl Shell {
    /// Moves the keyboard focus to the next panel: rail, view, inspector.
    pub(crate) fn next_panel(&mut self, ctx: &egui::Context) {
        self.panel = (self.panel + 1) % 3;
        ctx.data_mut(|data| data.insert_temp(panel_id(), Some(self.panel)));
        ctx.request_repaint();
    }
}

fn panel_id() -> egui::Id {
    egui::Id::unique("yard_views.panel")
}

/// Draws the frame, the place and the layers.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, views: &mut Views) {
    follow_inspector(ui.ctx(), state, &mut views.shell);
    let mut frame = views.shell.frame;
    let texts = Texts::new(state);
    let places = texts.places();
    let shell = Frame {
        top: TopBar {
            project: &texts.project,
            saved: &texts.saved,
            unseen: state.toasts.iter().filter(|toast| !toast.seen).count(),
            palette_key: &texts.palette_key,
        },
        places: &places,
        current: state.place.digit().map_or(usize::MAX, |digit| digit - 1),
        next: Some(NextStep {
            label: &texts.next.label,
            evidence: &texts.next.evidence,
            key: &texts.next_key,
        }),
        status: texts.status_bar(),
    };
    let response = shell.show(ui, &mut frame, |ui, region| match region {
        Region::View => crate::place_ui(ui, state, views),
        Region::Inspector => crate::inspector_ui(ui, state, views),
    });
    if response.event == Some(ShellEvent::Inspector) {
        state.toggle_inspector();
        views.shell.inspector_seen = state.inspector;
    }
    views.shell.frame = frame;
    if let Some(event) = response.event {
        carry_out(ui.ctx(), state, views, event);
    }
    if response.project.clicked() {
        state.place = Place::Start;
    }
    if response.bell.clicked() {
        state.ask(Action::Ui(UiCommand::Notifications));
    }
    layers_ui(ui.ctx(), state, views);
    drop_ui(ui.ctx(), state);
}

/// Ctrl+I and the palette switch `state.inspector`; the kit keeps one switch for wide and one for narrow.
fn follow_inspector(ctx: &egui::Context, state: &StudioState, shell: &mut Shell) {
    if !shell.inspector_seen && state.inspector && shell.frame.inspector {
        shell.inspector_seen = true;
    }
    if state.inspector != shell.inspector_seen {
        shell.inspector_seen = state.inspector;
        shell.frame.toggle_inspector(ctx);
    }
}

fn carry_out(ctx: &egui::Context, state: &mut StudioState, views: &mut Views, event: ShellEvent) {
    match event {
        ShellEvent::Place(index) => {
            if let Some(place) = Place::ALL.get(index) {
                state.place = *place;
            }
        }
        ShellEvent::NextStep => state.place = next::next_step(state).place,
        ShellEvent::Palette => state.ask(Action::Ui(UiCommand::Palette)),
        ShellEvent::Theme => views.run(ctx, state, UiCommand::ToggleTheme),
        ShellEvent::Stop => state.ask(Action::Ui(UiCommand::StopJob)),
        ShellEvent::Settings => state.place = Place::Settings,
        ShellEvent::Help => views.run(ctx, state, UiCommand::Help),
        ShellEvent::Inspector => {}
    }
    ctx.request_repaint();
}

/// The texts of one pass; the kit borrows them.
struct Texts {
    project: String,
    saved: String,
    palette_key: String,
    next: next::NextStep,
    next_key: String,
    rows: Vec<(Place, String, Status, String)>,
    job: Option<(String, String, Option<f64>)>,
    stop_key: String,
    facts: Vec<String>,
    engine: (Status, String),
}

impl Texts {
    fn new(state: &StudioState) -> Self {
        let next = next::next_step(state);
        let key = |command: UiCommand| command.shortcut().map(|own| own.text()).unwrap_or_default();
        let rows = Place::ALL
            .iter()
            .map(|place| {
                let stage = next::stage(state, *place);
                (*place, stage.fact, stage_status(stage.state), key(UiCommand::Go(*place)))
            })
            .collect();
        Self {
            project: if state.open { state.project.name.clone() } else { String::new() },
            saved: saved_words(state),
            palette_key: key(UiCommand::Palette),
            next_key: key(UiCommand::Go(next.place)),
            next,
            rows,
            job: job_words(state),
            stop_key: key(UiCommand::StopJob),
            facts: facts(state),
            engine: engine_words(state),
        }
    }

    fn places(&self) -> Vec<RailPlace<'_>> {
        self.rows
            .iter()
            .map(|(place, fact, status, key)| RailPlace {
                icon: place_icon(*place),
                name: place.label(),
                fact,
                status: *status,
                key,
            })
            .collect()
    }

    fn status_bar(&self) -> StatusBar<'_> {
        StatusBar {
            job: self.job.as_ref().map(|(name, text, done)| Job {
                name,
                text,
                done: *done,
                stoppable: true,
                stop_key: &self.stop_key,
            }),
            facts: self.facts.iter().map(String::as_str).collect(),
            engine: Some((self.engine.0, &self.engine.1)),
        }
    }
}

fn saved_words(state: &StudioState) -> String {
    match (state.open, state.read_only) {
        (false, _) => String::new(),
        (true, true) => "Read-only".to_owned(),
        (true, false) => format!("Saved {}", crate::words::clock(&state.project.changed_at)),
    }
}

fn job_words(state: &StudioState) -> Option<(String, String, Option<f64>)> {
    let job = state.jobs.running()?;
    let Some(progress) = &job.progress else {
        return Some((job.label.clone(), "starting".to_owned(), None));
    };
    let amount = match progress.total {
        Some(total) => format!("{} {} of {} {}", progress.phase, progress.done, total, progress.unit),
        None => format!("{} {} {}", progress.phase, progress.done, progress.unit),
    };
    let left = job.left_secs.map(|secs| format!(", {}", fmt::time_left(secs))).unwrap_or_default();
    let done = progress.total.filter(|total| *total > 0).map(|total| progress.done as f64 / total as f64);
    Some((job.label.clone(), format!("{amount}{left}"), done))
}

fn facts(state: &StudioState) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(dataset) = state.project.dataset() {
        facts.push(format!("{} rows", fmt::count(dataset.profile.rows)));
    }
    if !state.project.runs.is_empty() {
        facts.push(fmt::counted(state.project.runs.len() as u64, "run", "runs"));
    }
    facts
}

fn engine_words(state: &StudioState) -> (Status, String) {
    if !state.open {
        return (Status::Idle, "No project".to_owned());
    }
    if next::last_failure(state).is_some() {
        return (Status::Error, "Last job failed".to_owned());
    }
    if state.jobs.running().is_some() {
        (Status::Running, "Working".to_owned())
    } else {
        (Status::Ok, "Engine ready".to_owned())
    }
}

fn layers_ui(ctx: &egui::Context, state: &mut StudioState, views: &mut Views) {
    palette_ui(ctx, state, &mut views.shell.palette);
    if state.overlay == Overlay::Shortcuts {
        let ((), left) = dialog_with(ctx, "Keyboard shortcuts", shortcuts_ui);
        if left {
            state.overlay = Overlay::None;
        }
    }
    if state.overlay == Overlay::History {
        let toasts = &mut views.shell.toasts;
        let (_, left) = dialog_with(ctx, "Notifications", |ui| toasts.history_ui(ui));
        if left {
            state.overlay = Overlay::None;
        }
    }
    crate::explain::show(ctx, state);
    crate::crash::show(ctx, state);
    toasts_ui(ctx, state, &mut views.shell);
}

fn palette_ui(ctx: &egui::Context, state: &mut StudioState, palette: &mut Palette) {
    let wanted = state.overlay == Overlay::Palette;
    if wanted && !palette.is_open() {
        palette.open();
    } else if !wanted {
        *palette = Palette::default();
        return;
    }
    let commands: Vec<UiCommand> =
        UiCommand::all().into_iter().filter(|own| *own != UiCommand::Palette).collect();
    let texts: Vec<(String, String, bool)> = commands
        .iter()
        .map(|own| {
            let key = own.shortcut().map(|shortcut| shortcut.text()).unwrap_or_default();
            (own.label(), key, own.enabled(state))
        })
        .collect();
    let mut entries: Vec<Entry<'_>> = commands
        .iter()
        .zip(&texts)
        .map(|(own, (label, key, enabled))| Entry {
            group: group(*own),
            icon: icon(*own),
            label,
            hint: own.tooltip(),
            shortcut: key,
            enabled: *enabled,
        })
        .collect();
    entries.extend(crate::help::sections().map(|own| Entry {
        group: "Help",
        icon: Icon::Question,
        label: &own.title,
        hint: &own.page_title,
        shortcut: "",
        enabled: true,
    }));
    let chosen = palette.show(ctx, &entries);
    if let Some(index) = chosen {
        if let Some(command) = commands.get(index) {
            state.ask(Action::Ui(*command));
        } else {
            let page = crate::help::sections().nth(index - commands.len());
            state.help(&page.map(crate::help::Section::address).unwrap_or_default());
        }
        state.overlay = Overlay::None;
    } else if !palette.is_open() {
        state.overlay = Overlay::None;
    }
}

fn group(command: UiCommand) -> &'static str {
    match command {
        UiCommand::Go(_) => "Go",
        UiCommand::StartTraining | UiCommand::TrainAuto | UiCommand::Evaluate | UiCommand::CheckGates => {
            "Model"
        }
        UiCommand::BuildPackage
        | UiCommand::Deploy
        | UiCommand::DeployCanary
        | UiCommand::Promote
        | UiCommand::RollBack
        | UiCommand::StopDeployment
        | UiCommand::RefreshStatus => "Deployment",
        UiCommand::RefreshMonitor
        | UiCommand::SimulateTraffic
        | UiCommand::SendLabels
        | UiCommand::Retrain => "Monitoring",
        UiCommand::OpenProject | UiCommand::ImportData | UiCommand::Primary | UiCommand::StopJob => "Project",
        _ => "Window",
    }
}

fn icon(command: UiCommand) -> Icon {
    match command {
        UiCommand::Go(place) => place_icon(place),
        UiCommand::OpenProject => Icon::FolderOpen,
        UiCommand::ImportData => Icon::DownloadSimple,
        UiCommand::StartTraining | UiCommand::TrainAuto | UiCommand::SimulateTraffic | UiCommand::Primary => {
            Icon::Play
        }
        UiCommand::StopJob | UiCommand::StopDeployment => Icon::Stop,
        UiCommand::Undo | UiCommand::RollBack => Icon::ArrowCounterClockwise,
        UiCommand::Redo | UiCommand::RefreshMonitor | UiCommand::RefreshStatus | UiCommand::Retrain => {
            Icon::ArrowClockwise
        }
        UiCommand::Evaluate | UiCommand::CheckGates => Icon::Crosshair,
        UiCommand::BuildPackage => Icon::Package,
        UiCommand::Deploy | UiCommand::DeployCanary => Icon::RocketLaunch,
        UiCommand::Promote => Icon::Crown,
        UiCommand::SendLabels => Icon::Tag,
        UiCommand::ToggleInspector => Icon::SidebarSimple,
        UiCommand::ToggleTheme => Icon::CircleHalf,
        UiCommand::ShortcutSheet | UiCommand::NextPanel => Icon::Keyboard,
        UiCommand::Notifications => Icon::Bell,
        UiCommand::Help => Icon::Question,
        UiCommand::CopyCommand => Icon::TerminalWindow,
        UiCommand::NewWindow => Icon::ArrowSquareOut,
        UiCommand::PinProject => Icon::Star,
        UiCommand::ToggleContrast | UiCommand::ToggleMotion => Icon::SlidersHorizontal,
        _ => Icon::MagnifyingGlass,
    }
}

fn shortcuts_ui(ui: &mut egui::Ui) {
    for command in UiCommand::all() {
        let Some(shortcut) = command.shortcut() else { continue };
        ui.horizontal(|ui| {
            text::body(ui, command.label());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                yard_ui::key_cap(ui, &shortcut.text());
            });
        });
    }
}

fn toasts_ui(ctx: &egui::Context, state: &StudioState, shell: &mut Shell) {
    for toast in state.toasts.iter().filter(|toast| toast.number > shell.toasted) {
        let status = match toast.kind {
            ToastKind::Done => Status::Ok,
            ToastKind::Info => Status::Info,
            ToastKind::Warning => Status::Warn,
            ToastKind::Error => Status::Error,
        };
        shell.toasts.push(Toast::new(status, toast.text.as_str(), ""));
    }
    shell.toasted = state.toasts.last().map_or(0, |toast| toast.number);
    if let Some(ToastEvent::Closed(_) | ToastEvent::Action(_)) = shell.toasts.show(ctx) {
        ctx.request_repaint();
    }
}

/// While a file is held over the window: what will happen with it, or why nothing will.
fn drop_ui(ctx: &egui::Context, state: &StudioState) {
    let files = ctx.input(|input| input.raw.hovered_files.clone());
    if files.is_empty() {
        return;
    }
    let name = |file: &egui::HoveredFile| {
        file.path.as_ref().map_or_else(String::new, |path| path.display().to_string())
    };
    let names: Vec<String> = files.iter().map(name).collect();
    let sentence = yard_state::drop::drop_words(state, &names);
    yard_ui::show::drop_overlay(ctx, &sentence);
}
