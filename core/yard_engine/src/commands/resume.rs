//! Going on with a run that was stopped: by the user, or because the program ended.
//!
//! Every learner is deterministic, so a run that starts again ends with the same model; nets also leave
//! checkpoints ([`folder`]), from which they go on with the same bits. A checkpoint that doesn't fit (other
//! data, another version) is passed over.

use super::train;
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
};
use std::path::{Path, PathBuf};
use yard_train::FinishedTrial;
use yard_types::{
    event::Event,
    ids::RunId,
    project::{ProjectState, RunRecord, RunState},
};

/// Whether a run ended with the program rather than by the user's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupted(pub(crate) bool);

/// Goes on with a run.
pub(crate) fn resume(core: &Core, context: &JobContext, run: RunId) -> Result<Done, EngineError> {
    let spec = resumable(&core.state(), run)?.spec.clone();
    train::again(core, context, run, &spec)
}

/// Returns the run if it can go on.
pub(crate) fn resumable(state: &ProjectState, run: RunId) -> Result<&RunRecord, EngineError> {
    let Some(record) = state.runs.get(&run) else {
        let stopped: Vec<String> =
            state.runs.values().filter(|run| run.resumable()).map(|run| run.id.to_string()).collect();
        return Err(EngineError::refused(format!(
            "run {run} is unknown; runs that can be resumed: {}",
            if stopped.is_empty() { "none".to_owned() } else { stopped.join(", ") }
        )));
    };
    let why = match &record.state {
        RunState::Cancelled => return Ok(record),
        RunState::Running => "is still running".to_owned(),
        RunState::Finished { model } => format!("ended with model {model}"),
        RunState::Failed { .. } => "failed".to_owned(),
    };
    Err(EngineError::refused(format!("run {run} {why}; only a stopped run can be resumed, start a new one")))
}

/// Returns the trials of a search that ended before it was stopped; they aren't run again. One whose object
/// can't be read is run again, with those after it.
pub(crate) fn finished_trials(core: &Core, run: RunId) -> Vec<FinishedTrial> {
    let state = core.state();
    let Some(record) = state.runs.get(&run) else { return Vec::new() };
    let project = core.project();
    let read = record.trials.iter().zip(&record.saved).map_while(|(trial, saved)| {
        Some(FinishedTrial { trial: trial.clone(), saved: project.object(*saved).ok()? })
    });
    read.collect()
}

/// Returns the folder of a run's checkpoints, beside the project file.
pub(crate) fn folder(project: &Path, run: RunId) -> PathBuf {
    let name = project.file_name().unwrap_or_default().to_string_lossy();
    project.with_file_name(format!(".{name}.checkpoints")).join(format!("run-{run}"))
}

/// Returns the events of a run that was stopped.
pub(crate) fn stopped_events(core: &Core, run: RunId, interrupted: Interrupted) -> Vec<Event> {
    let checkpoint = None;
    let _ = (core, folder);
    vec![Event::RunStopped { run, interrupted: interrupted.0, checkpoint }, Event::RunCancelled { run }]
}
