//! Commands of the window: one enum with label, tooltip, shortcut and enabled-if. Menus, buttons, the
//! palette and the shortcut sheet are all made from it.

use crate::{route::Place, state::StudioState};

/// A keyboard shortcut; `ctrl` is Cmd on macOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// Ctrl or Cmd.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Key name as shown: `K`, `Enter`, `1`, `.`, `?`, `F6`.
    pub key: &'static str,
}

impl Shortcut {
    const fn ctrl(key: &'static str) -> Self {
        Self { ctrl: true, shift: false, key }
    }

    const fn plain(key: &'static str) -> Self {
        Self { ctrl: false, shift: false, key }
    }

    /// Returns the text of the key-cap: `Ctrl+K`.
    pub fn text(self) -> String {
        let mut text = String::new();
        if self.ctrl {
            text.push_str(if cfg!(target_os = "macos") { "Cmd+" } else { "Ctrl+" });
        }
        if self.shift {
            text.push_str("Shift+");
        }
        text.push_str(self.key);
        text
    }
}

/// A command of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UiCommand {
    /// Show the palette.
    Palette,
    /// Go to a place.
    Go(Place),
    /// The primary action of the place.
    Primary,
    /// Stop the running job.
    StopJob,
    /// Pick a project file.
    OpenProject,
    /// Pick a data file.
    ImportData,
    /// Undo the last edit.
    Undo,
    /// Redo.
    Redo,
    /// Show or hide the inspector.
    ToggleInspector,
    /// Light, dark.
    ToggleTheme,
    /// Show the shortcuts.
    ShortcutSheet,
    /// Focus the next panel.
    NextPanel,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// Zoom 1.
    ZoomReset,
    /// Show past notifications.
    Notifications,
    /// Train with the form's settings.
    StartTraining,
    /// Train all families and keep the simplest within noise.
    TrainAuto,
    /// Go on with a stopped run.
    ResumeTraining,
    /// Evaluate the selected or best model on the test part.
    Evaluate,
    /// Build the package of the selected or best model.
    BuildPackage,
    /// Deploy on this machine.
    Deploy,
    /// Deploy as a canary.
    DeployCanary,
    /// Promote the canary.
    Promote,
    /// Roll back.
    RollBack,
    /// Stop the deployment.
    StopDeployment,
    /// Read the deployment's state.
    RefreshStatus,
    /// Summarise the server's log.
    RefreshMonitor,
    /// Send a stretch of sample traffic.
    SimulateTraffic,
    /// Send labels for past predictions.
    SendLabels,
    /// Check the gates.
    CheckGates,
    /// Retrain on fresh data.
    Retrain,
    /// The help page of what has the focus.
    Help,
    /// Stronger contrast, on or off.
    ToggleContrast,
    /// Fewer animations, on or off.
    ToggleMotion,
    /// Copy what the primary action does as a line for the command line.
    CopyCommand,
    /// Another window beside this one.
    NewWindow,
    /// Keep the open project at the head of the recent ones.
    PinProject,
}

impl UiCommand {
    /// All commands in the order of the palette.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Palette, Self::Primary, Self::StopJob, Self::OpenProject, Self::ImportData];
        all.extend(Place::EVERY.map(Self::Go));
        all.extend([
            Self::StartTraining,
            Self::TrainAuto,
            Self::ResumeTraining,
            Self::Evaluate,
            Self::BuildPackage,
            Self::Deploy,
            Self::DeployCanary,
            Self::Promote,
            Self::RollBack,
            Self::StopDeployment,
            Self::RefreshStatus,
            Self::RefreshMonitor,
            Self::SimulateTraffic,
            Self::SendLabels,
            Self::CheckGates,
            Self::Retrain,
            Self::Undo,
            Self::Redo,
            Self::ToggleInspector,
            Self::CopyCommand,
            Self::NewWindow,
            Self::PinProject,
            Self::ToggleTheme,
            Self::ToggleContrast,
            Self::ToggleMotion,
            Self::Help,
            Self::ShortcutSheet,
            Self::NextPanel,
            Self::Notifications,
            Self::ZoomIn,
            Self::ZoomOut,
            Self::ZoomReset,
        ]);
        all
    }

    /// Returns the label, verb first, `…` when a dialog follows.
    pub fn label(self) -> String {
        let text = match self {
            Self::Go(place) => return format!("Go to {}", place.label()),
            Self::Palette => "Search or run a command",
            Self::Primary => "Run the primary action of this place",
            Self::StopJob => "Stop the running job",
            Self::OpenProject => "Open project…",
            Self::ImportData => "Import data…",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::ToggleInspector => "Show or hide the inspector",
            Self::ToggleTheme => "Switch between light and dark",
            Self::ShortcutSheet => "Show keyboard shortcuts",
            Self::NextPanel => "Focus the next panel",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Reset zoom",
            Self::Notifications => "Show notifications",
            Self::StartTraining => "Start training",
            Self::TrainAuto => "Train all families",
            Self::ResumeTraining => "Resume training",
            Self::Evaluate => "Evaluate on the test split",
            Self::BuildPackage => "Build package",
            Self::Deploy => "Deploy to this machine",
            Self::DeployCanary => "Deploy as canary",
            Self::Promote => "Promote the canary",
            Self::RollBack => "Roll back the deployment",
            Self::StopDeployment => "Stop the deployment",
            Self::RefreshStatus => "Refresh the deployment's state",
            Self::RefreshMonitor => "Refresh monitoring",
            Self::SimulateTraffic => "Send sample traffic",
            Self::SendLabels => "Send labels…",
            Self::CheckGates => "Check the gates",
            Self::Retrain => "Retrain",
            Self::Help => "Help on what has the focus",
            Self::ToggleContrast => "Switch high contrast on or off",
            Self::ToggleMotion => "Switch reduced motion on or off",
            Self::CopyCommand => "Copy the primary action as a command",
            Self::NewWindow => "Open a new window",
            Self::PinProject => "Pin or unpin this project",
        };
        text.to_owned()
    }

    /// Returns the tooltip: what it does and when it is possible.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Palette => "Every command of the window, found by typing",
            Self::Go(Place::Settings) => "Theme, zoom, motion, threads, device, folders",
            Self::Go(Place::Help) => "Pages about places, metrics, terms, shortcuts and the command line",
            Self::Go(_) => "Show this stage of the loop",
            Self::Primary => "The filled button at the top right",
            Self::StopJob => {
                "A stopped run can be resumed from its last checkpoint; nothing half done enters the project"
            }
            Self::OpenProject => "A .modelyard file",
            Self::ImportData => "CSV, TSV, Parquet or NDJSON; the file stays where it is",
            Self::Undo | Self::Redo => "Edits of frame, recipe, split, threshold, settings and layout",
            Self::ToggleInspector => "Details of the selection",
            Self::ToggleTheme => "Both themes show the same",
            Self::ShortcutSheet => "All shortcuts on one page",
            Self::NextPanel => "Rail, view, inspector",
            Self::ZoomIn | Self::ZoomOut | Self::ZoomReset => "0.8 to 2.0",
            Self::Notifications => "What ended elsewhere",
            Self::StartTraining => "Fits the recipe on training rows and trains one model",
            Self::TrainAuto => "Keeps the simplest model within noise of the best",
            Self::ResumeTraining => {
                "The selected or newest stopped run goes on and ends with the model of an undisturbed run"
            }
            Self::Evaluate => "Each look at the test split is recorded",
            Self::BuildPackage => "One signed file with recipe, model, threshold and golden examples",
            Self::Deploy => "Starts the server, verifies, sends the golden requests, switches",
            Self::DeployCanary => "A share of the requests goes to the new version",
            Self::Promote => "The canary answers all requests",
            Self::RollBack => "The version before answers again",
            Self::StopDeployment => "The server ends after the requests in flight",
            Self::RefreshStatus => "Asks the server",
            Self::RefreshMonitor => "Reads the server's windows: requests, drift, quality",
            Self::SimulateTraffic => "Requests made from held-out rows",
            Self::SendLabels => "A file with request_id and label",
            Self::CheckGates => "Quality, cost, latency, size and golden examples against the champion",
            Self::Retrain => "The champion's run on fresh data, then the gates, then a canary",
            Self::Help => "The page of the focused metric, term or place",
            Self::ToggleContrast => "Text and lines at 7:1 and more",
            Self::ToggleMotion => "No animations, no blinking cursor",
            Self::CopyCommand => "The same act as a modelyard line",
            Self::NewWindow => "A second project beside this one; each window has its own",
            Self::PinProject => "Pinned projects stay at the head of the list on Start",
        }
    }

    /// Returns the shortcut.
    pub fn shortcut(self) -> Option<Shortcut> {
        Some(match self {
            Self::Palette => Shortcut::ctrl("K"),
            Self::Go(Place::Settings) => Shortcut::ctrl(","),
            Self::Go(place) => {
                const DIGITS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
                Shortcut::ctrl(DIGITS.get(place.digit()? - 1)?)
            }
            Self::Primary => Shortcut::ctrl("Enter"),
            Self::StopJob => Shortcut::ctrl("."),
            Self::ResumeTraining => Shortcut { ctrl: true, shift: true, key: "Enter" },
            Self::OpenProject => Shortcut::ctrl("O"),
            Self::ImportData => Shortcut { ctrl: true, shift: true, key: "O" },
            Self::Undo => Shortcut::ctrl("Z"),
            Self::Redo => Shortcut { ctrl: true, shift: true, key: "Z" },
            Self::ToggleInspector => Shortcut::ctrl("I"),
            Self::ToggleTheme => Shortcut { ctrl: true, shift: true, key: "L" },
            Self::Help => Shortcut::plain("F1"),
            Self::CopyCommand => Shortcut { ctrl: true, shift: true, key: "K" },
            Self::NewWindow => Shortcut { ctrl: true, shift: true, key: "N" },
            Self::ShortcutSheet => Shortcut::plain("?"),
            Self::NextPanel => Shortcut::plain("F6"),
            Self::ZoomIn => Shortcut::ctrl("+"),
            Self::ZoomOut => Shortcut::ctrl("-"),
            Self::ZoomReset => Shortcut::ctrl("0"),
            _ => return None,
        })
    }

    /// Returns whether the command can be run now.
    pub fn enabled(self, state: &StudioState) -> bool {
        let project = &state.project;
        let deployed = project.deployment.as_ref().is_some_and(|status| status.state == "running");
        let editable = state.open && !state.read_only;
        match self {
            Self::StopJob => state.jobs.running().is_some(),
            Self::Undo => state.undo.can_undo(),
            Self::Redo => state.undo.can_redo(),
            Self::StartTraining | Self::TrainAuto => {
                editable && project.frame.is_some() && project.dataset().is_some()
            }
            Self::ResumeTraining => editable && state.resumable_run().is_some(),
            Self::Evaluate | Self::BuildPackage | Self::Deploy | Self::CheckGates => {
                editable && !project.models.is_empty()
            }
            Self::DeployCanary => {
                editable && deployed && project.champion() != state.chosen_model().map(|model| model.id)
            }
            Self::Promote => {
                editable
                    && deployed
                    && project.deployment.as_ref().is_some_and(|status| status.canary.is_some())
            }
            Self::RollBack
            | Self::StopDeployment
            | Self::RefreshMonitor
            | Self::SimulateTraffic
            | Self::SendLabels => editable && deployed,
            Self::RefreshStatus => editable && project.deployment.is_some(),
            Self::Retrain => editable && project.champion().is_some(),
            Self::Primary => crate::next::primary(state).enabled(state),
            Self::PinProject => state.open,
            _ => true,
        }
    }
}
