//! Going on with a run that was stopped: by the user, or because the program ended.
//!
//! Every learner is deterministic, so a run that starts again ends with the same model (but a search with a
//! time budget, which depends on the clock); nets also leave checkpoints ([`folder`]), from which they go on
//! with the same bits. A checkpoint that doesn't fit (other data, another version) is passed over.

use super::train;
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
};
use std::path::PathBuf;
use yard_train::FinishedTrial;
use yard_types::{
    event::{Event, Progress},
    ids::RunId,
    project::{ProjectState, RunRecord, RunState},
};

/// Whether a run ended with the program rather than by the user's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupted(pub(crate) bool);

/// Goes on with a run.
pub(crate) fn resume(core: &Core, context: &JobContext, run: RunId) -> Result<Done, EngineError> {
    let record = resumable(&core.state(), run)?.clone();
    let checkpoint = record.stopped.and_then(|stopped| stopped.checkpoint);
    let mut done = train::again(core, context, run, &record.spec)?;
    let way = match &checkpoint {
        Some(at) => format!("went on from {} {}", at.done, at.unit),
        None => "began again, no checkpoint was kept".to_owned(),
    };
    done.message = format!("{} (run {run} {way})", done.message);
    done.result["resumed"] = serde_json::json!(checkpoint);
    Ok(done)
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
pub(crate) fn folder(core: &Core, run: RunId) -> PathBuf {
    let project = core.project().path().to_owned();
    let name = project.file_name().unwrap_or_default().to_string_lossy();
    project.with_file_name(format!(".{name}.checkpoints")).join(format!("run-{run}"))
}

/// Removes the checkpoints of a run that ended.
pub(crate) fn forget(core: &Core, run: RunId) {
    let folder = folder(core, run);
    // What can't be removed does no harm: a checkpoint is only taken by the job that left it.
    let _ = std::fs::remove_dir_all(&folder);
    if let Some(all) = folder.parent() {
        // Only when it is empty.
        let _ = std::fs::remove_dir(all);
    }
}

/// Returns the events of a run that was stopped.
pub(crate) fn stopped_events(core: &Core, run: RunId, interrupted: Interrupted) -> Vec<Event> {
    let checkpoint = yard_train::mlp::kept_progress(&folder(core, run));
    vec![Event::RunStopped { run, interrupted: interrupted.0, checkpoint }, Event::RunCancelled { run }]
}

/// Says how a stopped run goes on.
pub(crate) fn how(core: &Core, run: RunId) -> String {
    let project = core.project().path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let state = core.state();
    let stopped = state.runs.get(&run).and_then(|record| record.stopped.as_ref());
    format!(
        "run {run} was stopped; `modelyard train {project} --resume {run}` {}",
        from(stopped.and_then(|stopped| stopped.checkpoint.as_ref()))
    )
}

fn from(checkpoint: Option<&Progress>) -> String {
    match checkpoint {
        Some(Progress { done, total: Some(total), unit, .. }) => {
            format!("goes on from its checkpoint at {done} of {total} {unit}")
        }
        Some(Progress { done, unit, .. }) => format!("goes on from its checkpoint at {done} {unit}"),
        None => "starts it again from the beginning and ends with the same model".to_owned(),
    }
}
