//! The state of the studio: a pure reducer over notices plus what the user is looking at.

use crate::{
    actions::Action,
    drafts::{Drafts, FrameDraft},
    jobs::{Job, Jobs},
    route::{Place, Selection, Subject},
    settings::{CrashReport, Settings, Snapshot},
    split_draft::SplitDraft,
    undo::Undo,
};
use std::collections::BTreeMap;
use yard_types::{
    event::{Event, EventRecord, Notice, RowPage, TryResult},
    ids::{ModelId, RunId},
    project::ProjectState,
    run::{ModelRecord, TrainPoint},
};

/// Kind of a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    /// Ended well.
    Done,
    /// For information.
    Info,
    /// A warning.
    Warning,
    /// An error: stays until closed.
    Error,
}

/// News shown at the bottom right; the bell keeps all.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Kind.
    pub kind: ToastKind,
    /// Text.
    pub text: String,
    /// Number in order of arrival.
    pub number: u64,
    /// Looked at.
    pub seen: bool,
}

/// The layer over the view; Esc closes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    /// None.
    #[default]
    None,
    /// Command palette.
    Palette,
    /// Shortcut sheet.
    Shortcuts,
    /// Notification history.
    History,
    /// "Explain this".
    Explain,
    /// The report of a crash, offered at the next start.
    Crash,
}

/// A project opened before.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecentProject {
    /// Path.
    pub path: String,
    /// Name.
    pub name: String,
    /// State in words.
    pub state: String,
    /// Target.
    pub target: String,
    /// Metric label.
    pub metric: String,
    /// Value of the metric on the test split.
    pub value: Option<f64>,
    /// Rows of the test split.
    pub rows: u64,
    /// When it was opened, RFC 3339.
    pub opened_at: String,
    /// Kept at the head of the list.
    #[serde(default)]
    pub pinned: bool,
}

/// A bundled sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name for `OpenSample`.
    pub name: String,
    /// Title.
    pub title: String,
    /// Facts: rows, task.
    pub facts: String,
}

/// State of the studio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StudioState {
    /// Whether a project is open.
    pub open: bool,
    /// Path of the project file.
    pub path: String,
    /// Whether another window has it open for writing.
    pub read_only: bool,
    /// The project.
    pub project: ProjectState,
    /// Events newest last, at most 2,000, for the log.
    pub events: Vec<EventRecord>,
    /// Jobs.
    pub jobs: Jobs,
    /// Curves of runs in progress.
    pub live_curves: BTreeMap<RunId, Vec<TrainPoint>>,
    /// Pages of rows by start.
    pub pages: BTreeMap<u64, RowPage>,
    /// Answer of "Try it".
    pub tried: Option<TryResult>,
    /// Place.
    pub place: Place,
    /// Selection.
    pub selection: Selection,
    /// Model chosen for evaluate, package and deploy; `None` = the best.
    pub chosen: Option<ModelId>,
    /// Runs shown in the curves besides the selected one.
    pub shown_runs: Vec<RunId>,
    /// Forms.
    pub drafts: Drafts,
    /// Undo of forms, thresholds, settings and layout.
    pub undo: Undo<Snapshot>,
    /// What this user prefers.
    pub settings: Settings,
    /// The user's folder, for showing; empty where there is none.
    pub home: String,
    /// The report of the crash before this start.
    pub crash: Option<CrashReport>,
    /// What "Explain this" speaks of.
    pub subject: Option<Subject>,
    /// Page and section of Help: the name of a page, `page#section`, or empty for the first.
    pub help_page: String,
    /// Toasts and their history.
    pub toasts: Vec<Toast>,
    /// Whether the inspector is shown.
    pub inspector: bool,
    /// Layer over the view.
    pub overlay: Overlay,
    /// Text typed into the palette.
    pub palette_text: String,
    /// Recent projects.
    pub recent: Vec<RecentProject>,
    /// Samples.
    pub samples: Vec<Sample>,
    /// Results of finished jobs by kind of command, newest (JSON of the command line).
    pub last_result: Option<serde_json::Value>,
    /// Path typed beside a file dialog, by purpose.
    pub typed_path: String,
    /// Requests of the views, drained by the binary each frame.
    pub actions: Vec<Action>,
    /// Devices that training can use as the engine found them (`cpu`, `cuda:0`, `metal`); empty until
    /// they are known.
    pub devices: Vec<String>,
    /// Why there is no GPU among them, and how to get one.
    pub device_note: String,
    /// Clock text for the status bar ("14:21"), set by the binary.
    pub clock: String,
}

const EVENTS_KEPT: usize = 2_000;
const TOASTS_KEPT: usize = 200;

impl StudioState {
    /// Starts with the inspector shown and no project.
    pub fn new() -> Self {
        Self { inspector: true, ..Self::default() }
    }

    /// Starts a project afresh: folds its events and fills the forms. Recent projects, samples and the
    /// window's settings stay.
    pub fn open_project(&mut self, path: &str, read_only: bool, events: &[EventRecord]) {
        let kept = Self {
            recent: std::mem::take(&mut self.recent),
            samples: std::mem::take(&mut self.samples),
            inspector: self.inspector,
            place: self.place,
            clock: std::mem::take(&mut self.clock),
            devices: std::mem::take(&mut self.devices),
            device_note: std::mem::take(&mut self.device_note),
            settings: self.settings.clone(),
            home: std::mem::take(&mut self.home),
            crash: self.crash.take(),
            overlay: if self.overlay == Overlay::Crash { Overlay::Crash } else { Overlay::None },
            ..Self::default()
        };
        *self = kept;
        self.open = true;
        path.clone_into(&mut self.path);
        self.read_only = read_only;
        for record in events {
            self.commit(record);
        }
        self.undo = Undo::default();
        self.drafts.train.device.clone_from(&self.settings.device);
    }

    /// Applies a notice: same notices, same state.
    pub fn apply(&mut self, notice: &Notice) {
        self.jobs.apply(notice);
        match notice {
            Notice::Committed { record } => self.commit(record),
            Notice::TrainingPoint { run, point } => self.push_point(*run, *point),
            Notice::Rows { page } => {
                if self.pages.len() > 64 {
                    self.pages.clear();
                }
                self.pages.insert(page.start, page.clone());
            }
            Notice::Scored { result } => self.tried = Some(result.clone()),
            // Answers to what a view asks for while it is drawn are no news.
            Notice::JobFinished { job, .. } if self.jobs.get(*job).is_some_and(Job::quiet) => {}
            Notice::JobFinished { message, result, .. } => {
                self.last_result = Some(result.clone());
                if !message.is_empty() {
                    self.toast(ToastKind::Done, message);
                }
            }
            Notice::JobFailed { message, .. } => self.toast(ToastKind::Error, message),
            Notice::Warning { message } => self.toast(ToastKind::Warning, message),
            _ => {}
        }
    }

    /// A step that doesn't go on means that the next learner of a search began: its curve starts afresh.
    fn push_point(&mut self, run: RunId, point: TrainPoint) {
        let curve = self.live_curves.entry(run).or_default();
        if curve.last().is_some_and(|last| point.step <= last.step) {
            curve.clear();
        }
        curve.push(point);
    }

    fn commit(&mut self, record: &EventRecord) {
        self.project.apply(record);
        match &record.body {
            Event::FrameSet { frame } => self.drafts.frame = FrameDraft::from_frame(frame),
            Event::SplitSet { spec, .. } => self.drafts.split = SplitDraft::from_spec(spec),
            Event::DatasetImported { .. } => self.pages.clear(),
            Event::RunFinished { run, .. } | Event::RunFailed { run, .. } | Event::RunCancelled { run } => {
                self.live_curves.remove(run);
            }
            _ => {}
        }
        if self.events.len() >= EVENTS_KEPT {
            self.events.remove(0);
        }
        self.events.push(record.clone());
    }

    /// Shows news.
    pub fn toast(&mut self, kind: ToastKind, text: &str) {
        let number = self.toasts.last().map_or(1, |last| last.number + 1);
        if self.toasts.len() >= TOASTS_KEPT {
            self.toasts.remove(0);
        }
        self.toasts.push(Toast { kind, text: text.to_owned(), number, seen: false });
    }

    /// Returns the model that evaluate, package and deploy mean.
    pub fn chosen_model(&self) -> Option<&ModelRecord> {
        match self.chosen {
            Some(id) => self.project.models.get(&id),
            None => self.project.best_model(),
        }
    }

    /// Returns the stopped run that resuming means: the selected one, else the newest; none while
    /// another trains.
    pub fn resumable_run(&self) -> Option<RunId> {
        if self.jobs.running().is_some() {
            return None;
        }
        let selected = match self.selection {
            Selection::Run(run) => self.project.runs.get(&run).filter(|run| run.resumable()),
            _ => None,
        };
        let newest = || self.project.runs.values().rev().find(|run| run.resumable());
        selected.or_else(newest).map(|run| run.id)
    }

    /// Queues a request.
    pub fn ask(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Queues a command for the engine.
    pub fn send(&mut self, command: yard_types::command::Command) {
        self.actions.push(Action::Engine(Box::new(command)));
    }

    /// Takes the queued requests.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }
}
