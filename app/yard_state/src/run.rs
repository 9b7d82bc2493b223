//! Carries out a [`UiCommand`] on the state: moves, opens a layer, or queues a request for the engine.
//! What only the toolkit can do (theme, zoom, focus) is handed back.

use crate::{
    actions::{Action, Pick},
    command::UiCommand,
    next,
    route::Selection,
    state::{Overlay, StudioState, ToastKind},
};
use yard_types::{
    command::{Command, ModelChoice},
    run::{Family, RunSpec},
};

/// What the window itself must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowAct {
    /// Switch between light and dark: what is drawn now decides which is the other.
    ToggleTheme,
    /// Focus the next panel.
    NextPanel,
    /// Show the help page of what has the focus.
    Help,
    /// Put the primary action on the clipboard as a command line.
    CopyCommand,
}

/// Runs a command; returns what is left for the window. A command that isn't enabled does nothing.
pub fn run(state: &mut StudioState, command: UiCommand) -> Option<WindowAct> {
    if !command.enabled(state) {
        return None;
    }
    match command {
        UiCommand::ToggleTheme => return Some(WindowAct::ToggleTheme),
        UiCommand::NextPanel => return Some(WindowAct::NextPanel),
        UiCommand::Help => return Some(WindowAct::Help),
        UiCommand::CopyCommand => return Some(WindowAct::CopyCommand),
        UiCommand::ZoomIn => state.change_settings("zoom", |own| own.zoom_by(0.1)),
        UiCommand::ZoomOut => state.change_settings("zoom", |own| own.zoom_by(-0.1)),
        UiCommand::ZoomReset => state.change_settings("zoom", |own| own.zoom = 1.0),
        UiCommand::ToggleContrast => {
            state.change_settings("high contrast", |own| own.high_contrast = !own.high_contrast);
        }
        UiCommand::ToggleMotion => {
            state.change_settings("reduced motion", |own| own.reduced_motion = !own.reduced_motion);
        }
        UiCommand::NewWindow => state.ask(Action::NewWindow(None)),
        UiCommand::PinProject => state.toggle_pin(&state.path.clone()),
        UiCommand::Primary => return run(state, next::primary(state)),
        UiCommand::Go(place) => state.place = place,
        UiCommand::Palette => toggle(state, Overlay::Palette),
        UiCommand::ShortcutSheet => toggle(state, Overlay::Shortcuts),
        UiCommand::Notifications => toggle(state, Overlay::History),
        UiCommand::ToggleInspector => state.toggle_inspector(),
        UiCommand::Undo => state.undo_edit(),
        UiCommand::Redo => state.redo_edit(),
        UiCommand::OpenProject => state.ask(Action::Pick(Pick::Project)),
        UiCommand::ImportData => state.ask(Action::Pick(Pick::Data)),
        UiCommand::StopJob => stop(state),
        other => send(state, other),
    }
    None
}

fn toggle(state: &mut StudioState, overlay: Overlay) {
    state.overlay = if state.overlay == overlay { Overlay::None } else { overlay };
    if state.overlay == Overlay::Palette {
        state.palette_text.clear();
    }
    if state.overlay == Overlay::History {
        for toast in &mut state.toasts {
            toast.seen = true;
        }
    }
}

fn stop(state: &mut StudioState) {
    if let Some(job) = state.jobs.running().map(|job| job.id) {
        state.send(Command::CancelJob { job });
    }
}

/// The model that commands mean: the chosen one, else the best.
pub fn model_choice(state: &StudioState) -> ModelChoice {
    state.chosen.map_or(ModelChoice::Best, ModelChoice::Id)
}

fn send(state: &mut StudioState, command: UiCommand) {
    let model = model_choice(state);
    let built = match command {
        UiCommand::StartTraining => state.drafts.train.to_command(&state.project.recipe),
        UiCommand::TrainAuto => {
            let mut spec = RunSpec::new(Family::Auto);
            spec.recipe = state.project.recipe.clone();
            Ok(Command::StartTraining { spec: Box::new(spec) })
        }
        UiCommand::ResumeTraining => {
            let Some(run) = state.resumable_run() else { return };
            state.selection = Selection::Run(run);
            Ok(Command::ResumeTraining { run })
        }
        UiCommand::Evaluate => Ok(Command::Evaluate { model, data: None }),
        UiCommand::BuildPackage => Ok(Command::PackageModel { model, out: None }),
        UiCommand::Deploy => Ok(deploy(state, None, false)),
        UiCommand::DeployCanary => canary(state),
        UiCommand::Promote => Ok(Command::Promote),
        UiCommand::RollBack => Ok(Command::RollBack),
        UiCommand::StopDeployment => Ok(Command::StopDeployment),
        UiCommand::RefreshStatus => Ok(Command::RefreshStatus),
        UiCommand::RefreshMonitor => Ok(Command::Monitor),
        UiCommand::CheckGates => Ok(Command::CheckGates { model }),
        UiCommand::Retrain => Ok(retrain(state)),
        UiCommand::SimulateTraffic => simulate(state),
        UiCommand::SendLabels => {
            let path = state.drafts.monitor.labels.trim().to_owned();
            if path.is_empty() {
                state.ask(Action::Pick(Pick::Labels));
                return;
            }
            Ok(Command::SendFeedback { path })
        }
        _ => return,
    };
    match built {
        Ok(command) => state.send(command),
        Err(error) => state.toast(ToastKind::Error, &format!("{}: {}", error.field, error.message)),
    }
}

fn deploy(state: &StudioState, canary: Option<f64>, shadow: bool) -> Command {
    Command::Deploy { model: model_choice(state), target: state.drafts.deploy.target.clone(), canary, shadow }
}

fn canary(state: &StudioState) -> Result<Command, crate::drafts::DraftError> {
    let typed = state.drafts.deploy.percent.trim().to_owned();
    match typed.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => {
            Ok(deploy(state, Some(percent), state.drafts.deploy.shadow))
        }
        _ => Err(crate::drafts::DraftError {
            field: "canary".to_owned(),
            message: format!("expected a percentage from 0 to 100, got \"{typed}\""),
        }),
    }
}

fn retrain(state: &StudioState) -> Command {
    let draft = &state.drafts.monitor;
    let data = draft.retrain_data.trim();
    let reason = state.project.monitor.as_ref().and_then(|report| report.alerts.first());
    Command::Retrain {
        data: (!data.is_empty()).then(|| data.to_owned()),
        deploy: draft.deploy,
        reason: reason.map_or_else(|| "by hand".to_owned(), |alert| alert.message.clone()),
    }
}

fn simulate(state: &StudioState) -> Result<Command, crate::drafts::DraftError> {
    let draft = &state.drafts.monitor;
    let requests = draft.requests.trim().parse().map_err(|_| crate::drafts::DraftError {
        field: "requests".to_owned(),
        message: format!("expected a whole number, got \"{}\"", draft.requests),
    })?;
    // Another stretch of traffic each time: the log's length is the seed.
    Ok(Command::Simulate { requests, drift: draft.drift.clone(), seed: state.project.seq, labels: true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Place;

    #[test]
    fn disabled_commands_do_nothing() {
        let mut state = StudioState::new();
        assert_eq!(run(&mut state, UiCommand::Promote), None);
        assert!(state.actions.is_empty());
    }

    #[test]
    fn moving_and_layers() {
        let mut state = StudioState::new();
        run(&mut state, UiCommand::Go(Place::Monitor));
        assert_eq!(state.place, Place::Monitor);
        run(&mut state, UiCommand::Palette);
        assert_eq!(state.overlay, Overlay::Palette);
        run(&mut state, UiCommand::Palette);
        assert_eq!(state.overlay, Overlay::None);
        assert_eq!(run(&mut state, UiCommand::Help), Some(WindowAct::Help));
    }

    #[test]
    fn every_command_has_a_label_and_a_tooltip() {
        for command in UiCommand::all() {
            assert!(!command.label().is_empty() && !command.tooltip().is_empty(), "{command:?}");
        }
    }

    #[test]
    fn shortcuts_are_distinct() {
        let mut seen = std::collections::BTreeSet::new();
        for shortcut in UiCommand::all().into_iter().filter_map(UiCommand::shortcut) {
            assert!(seen.insert(shortcut.text()), "{} is taken twice", shortcut.text());
        }
    }
}
