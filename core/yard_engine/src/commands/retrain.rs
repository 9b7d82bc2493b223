//! Retraining: the champion's run on fresh data, the gates, then a canary if asked.

use super::{
    deploy, gates, import,
    train::{self, RunData},
};
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models,
};
use serde_json::json;
use yard_deploy::Mode;
use yard_types::{command::ModelChoice, event::Event, ids::DatasetId, run::ModelRecord};

/// Share of the requests that a retrained model's canary answers, percent.
const CANARY: f64 = 10.0;

/// Retrains.
pub(crate) fn retrain(
    core: &Core,
    context: &JobContext,
    (data, and_deploy, reason): (Option<&str>, bool, &str),
) -> Result<Done, EngineError> {
    let champion = champion(core)?;
    let state = core.state();
    let Some(run) = state.runs.get(&champion.run) else {
        return Err(EngineError::failed(format!("run {} of the champion is not in the log", champion.run)));
    };
    let started = Event::RetrainStarted { reason: reason.to_owned(), run: Some(champion.run) };
    core.commit(context.command, &[], vec![started])?;
    let dataset: Option<DatasetId> = match data {
        Some(path) => Some(import::fresh(core, context, &champion, path)?),
        None => None,
    };
    context.check()?;
    let fresh = RunData::load(core, context, dataset)?;
    let (model, notes) = train::run(core, context, &run.spec, &fresh)?;
    let report = gates::report(core, context, ModelChoice::Id(model.id))?;
    let failed: Vec<&str> =
        report.gates.iter().filter(|gate| gate.required && !gate.ok).map(|gate| gate.name.as_str()).collect();
    let mut outcome = if report.ok {
        format!("model {} passed its gates", model.id)
    } else {
        format!("model {} did not pass: {}", model.id, failed.join(", "))
    };
    let mut deployment = None;
    if report.ok && and_deploy {
        let target = state.deployment.as_ref().map_or("local", |status| status.target.as_str());
        let request =
            deploy::Request { model: ModelChoice::Id(model.id), target, mode: Mode::Canary(CANARY) };
        match deploy::deploy(core, context, &request) {
            Ok(done) => {
                outcome = format!("{outcome} and answers {CANARY} % of the requests as canary");
                deployment = Some(done.result);
            }
            Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
            Err(error) => outcome = format!("{outcome}, but was not deployed: {error}"),
        }
    }
    let finished = Event::RetrainFinished { model: model.id, passed: report.ok, outcome: outcome.clone() };
    core.commit(context.command, &[], vec![finished])?;
    let result = json!({
        "model": model.id, "run": model.run, "champion": report.champion, "passed": report.ok,
        "outcome": outcome, "gates": report.gates, "metrics": model.metrics, "deployment": deployment,
        "model_sha256": model.model_sha256, "notes": notes,
    });
    Ok(Done::new(format!("Retrained: {outcome}"), result))
}

/// Returns the model in service, or the best one before anything is deployed.
fn champion(core: &Core) -> Result<ModelRecord, EngineError> {
    let state = core.state();
    let serving = state.champion().and_then(|id| state.models.get(&id)).cloned();
    serving.map_or_else(|| models::record(&state, ModelChoice::Best), Ok)
}
