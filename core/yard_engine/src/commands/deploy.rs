//! Deployment: package, server, verification, switch; canary, promotion, rollback, stop, status.

use super::package;
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models,
    targets::{self, Connection},
};
use serde_json::{Value, json};
use yard_deploy::{DeployError, GoldenCase, Mode, Rollout, rollout::Steps};
use yard_types::{
    command::ModelChoice,
    contract::name_from_text,
    deploy::{DeploymentStatus, RolloutStep},
    event::Event,
    ids::ModelId,
    package::PackageRecord,
    serving::ServerModel,
};

/// What is deployed, where to and how.
pub(crate) struct Request<'a> {
    pub(crate) model: ModelChoice,
    pub(crate) target: &'a str,
    pub(crate) mode: Mode,
}

/// Deploys a model.
pub(crate) fn deploy(core: &Core, context: &JobContext, request: &Request<'_>) -> Result<Done, EngineError> {
    let state = core.state();
    let record = models::record(&state, request.model)?;
    let (package, bytes) = packaged(core, context, record.id)?;
    context.check()?;
    context.phase("starting the server");
    let clock = || core.options.clock.elapsed_secs();
    let mut steps = Steps::new(&clock);
    let connection = steps
        .step(
            "server",
            || targets::connect(core, request.target),
            |connection: &Connection| {
                let verb = if connection.started { "started" } else { "found" };
                format!("{verb} at {}", connection.place.url)
            },
        )
        .map_err(|error| failed(&error, &steps))?;
    context.check()?;
    context.phase("uploading, verifying, switching");
    let golden = golden_cases(&bytes)?;
    let rollout = Rollout {
        client: &connection.client,
        name: &package.name,
        package: &bytes,
        sha256: package.sha256,
        golden: &golden,
        mode: request.mode,
        clock: &clock,
    };
    let model = rollout.run(&mut steps).map_err(|error| failed(&error, &steps))?;
    let status = connection.status(&core.state(), &model);
    let action = match request.mode {
        Mode::Canary(_) if status.canary.is_some() => "canary",
        Mode::Shadow if status.canary.is_some() => "shadow",
        _ => "deploy",
    };
    let mut events = Vec::new();
    if request.target != "local" && !state.targets.contains_key(request.target) {
        events
            .push(Event::TargetAdded { name: request.target.to_owned(), url: connection.place.url.clone() });
    }
    let steps = steps.steps;
    events.push(changed(action, &status, &steps));
    core.commit(context.command, &[], events)?;
    let message = format!("Model {} answers at {} ({action})", record.id, status.url);
    Ok(Done::new(message, with_steps(&status, &steps)?))
}

/// Makes the canary the champion.
pub(crate) fn promote(core: &Core, context: &JobContext) -> Result<Done, EngineError> {
    switch(core, context, "promote", |connection, name| connection.client.promote(name))
}

/// Ends the canary, or goes back to the version before.
pub(crate) fn roll_back(core: &Core, context: &JobContext) -> Result<Done, EngineError> {
    switch(core, context, "rollback", |connection, name| connection.client.roll_back(name))
}

fn switch(
    core: &Core,
    context: &JobContext,
    action: &str,
    act: impl FnOnce(&Connection, &str) -> Result<ServerModel, DeployError>,
) -> Result<Done, EngineError> {
    let before = current(core)?;
    let connection = targets::find(core, &before.target).map_err(EngineError::failed)?;
    let clock = || core.options.clock.elapsed_secs();
    let mut steps = Steps::new(&clock);
    let model = steps
        .step(
            if action == "promote" { "promoted" } else { "rolled back" },
            || act(&connection, &before.deployment),
            |model| format!("version {} answers", model.stable.unwrap_or(0)),
        )
        .map_err(|error| failed(&error, &steps))?;
    let status = connection.status(&core.state(), &model);
    core.commit(context.command, &[], vec![changed(action, &status, &steps.steps)])?;
    let stable = status.stable.as_ref().map_or(ModelId(0), |served| served.model);
    let word = if action == "promote" { "Promoted" } else { "Rolled back" };
    Ok(Done::new(format!("{word}: model {stable} answers"), with_steps(&status, &steps.steps)?))
}

/// Stops the deployment; the server of this machine ends too.
pub(crate) fn stop(core: &Core, context: &JobContext) -> Result<Done, EngineError> {
    let before = current(core)?;
    let clock = || core.options.clock.elapsed_secs();
    let mut steps = Steps::new(&clock);
    let mut status = DeploymentStatus { state: "stopped".to_owned(), canary: None, ..before.clone() };
    match targets::find(core, &before.target) {
        Ok(connection) => {
            let model = steps
                .step(
                    "stopped",
                    || connection.client.stop(&before.deployment, None),
                    |_| format!("\"{}\" answers no more requests", before.deployment),
                )
                .map_err(|error| failed(&error, &steps))?;
            status = connection.status(&core.state(), &model);
        }
        // Nothing runs: that is what was asked for.
        Err(DeployError::Unreachable { .. }) if before.target == "local" => {}
        Err(error) => return Err(failed(&error, &steps)),
    }
    if before.target == "local" {
        let server = targets::local(core)?;
        steps
            .step(
                "server ended",
                || server.shut_down(),
                |ended| {
                    if *ended { "it drained and ended".to_owned() } else { "it did not run".to_owned() }
                },
            )
            .map_err(|error| failed(&error, &steps))?;
    }
    "stopped".clone_into(&mut status.state);
    core.commit(context.command, &[], vec![changed("stop", &status, &steps.steps)])?;
    Ok(Done::new("Stopped", with_steps(&status, &steps.steps)?))
}

/// Reads the server's state; an event is written only when something but the figures changed.
pub(crate) fn refresh(core: &Core, context: &JobContext) -> Result<Done, EngineError> {
    let status = read_status(core)?;
    let before = core.state().deployment.clone();
    let shape = |status: &DeploymentStatus| DeploymentStatus { stats: Vec::new(), ..status.clone() };
    if before.as_ref().map(shape) != Some(shape(&status)) && core.writable() {
        core.commit(context.command, &[], vec![changed("status", &status, &[])])?;
    }
    let message = format!("{} is {}", status.deployment, status.state);
    Ok(Done::new(message, serde_json::to_value(&status).map_err(EngineError::failed)?))
}

/// Returns the deployment as the server tells it; `unreachable` when it does not answer.
pub(crate) fn read_status(core: &Core) -> Result<DeploymentStatus, EngineError> {
    let before = current(core)?;
    let state = if before.state == "stopped" { "stopped" } else { "unreachable" };
    let down = || DeploymentStatus { state: state.to_owned(), stats: Vec::new(), ..before.clone() };
    let connection = match targets::find(core, &before.target) {
        Ok(connection) => connection,
        Err(DeployError::Unreachable { .. }) => return Ok(down()),
        Err(error) => return Err(EngineError::failed(error)),
    };
    match connection.client.model(&before.deployment) {
        Ok(Some(model)) => Ok(connection.status(&core.state(), &model)),
        Ok(None) | Err(DeployError::Unreachable { .. }) => Ok(down()),
        Err(error) => Err(EngineError::failed(error)),
    }
}

/// Returns the deployment as last recorded.
pub(crate) fn current(core: &Core) -> Result<DeploymentStatus, EngineError> {
    core.state()
        .deployment
        .clone()
        .ok_or_else(|| EngineError::refused("nothing is deployed yet; deploy a model first"))
}

/// Returns a package of the model as it is now: the newest one when its threshold still holds, else a new one.
fn packaged(
    core: &Core,
    context: &JobContext,
    model: ModelId,
) -> Result<(PackageRecord, Vec<u8>), EngineError> {
    let state = core.state();
    let name = name_from_text(&state.name);
    let newest = state.packages.iter().rev().find(|package| package.model == model && package.name == name);
    if let Some(record) = newest {
        let bytes = core.project().object(record.sha256)?;
        let package = yard_package::Package::read(bytes).map_err(EngineError::failed)?;
        let binary = package.content.threshold();
        if binary.is_none_or(|own| (own - state.threshold(model)).abs() < 1e-9) {
            return Ok((record.clone(), package.bytes().to_vec()));
        }
    }
    context.phase("packaging");
    let built = package::build(core, context, ModelChoice::Id(model), None)?;
    Ok((built.record, built.bytes))
}

fn golden_cases(package: &[u8]) -> Result<Vec<GoldenCase>, EngineError> {
    let package = yard_package::Package::read(package.to_vec()).map_err(EngineError::failed)?;
    let cases = package.content.golden.into_iter().map(|golden| GoldenCase {
        fields: golden.request,
        margins: golden.margins,
        probabilities: golden.probabilities,
    });
    Ok(cases.collect())
}

fn changed(action: &str, status: &DeploymentStatus, steps: &[RolloutStep]) -> Event {
    let mut status = status.clone();
    for stats in &mut status.stats {
        stats.mean_score = stats.mean_score.filter(|score| score.is_finite());
        for figure in [&mut stats.p50_ms, &mut stats.p95_ms, &mut stats.p99_ms] {
            // No requests yet: a percentile of nothing is shown as 0.
            *figure = if figure.is_finite() { *figure } else { 0.0 };
        }
    }
    Event::DeploymentChanged { action: action.to_owned(), status: Box::new(status), steps: steps.to_vec() }
}

fn with_steps(status: &DeploymentStatus, steps: &[RolloutStep]) -> Result<Value, EngineError> {
    let mut value = serde_json::to_value(status).map_err(EngineError::failed)?;
    value["steps"] = json!(steps);
    Ok(value)
}

/// Says which step failed after which ones held.
fn failed(error: &DeployError, steps: &Steps<'_>) -> EngineError {
    let done: Vec<&str> = steps.steps.iter().filter(|step| step.ok).map(|step| step.name.as_str()).collect();
    if done.is_empty() {
        return EngineError::failed(error);
    }
    EngineError::failed(format!("{error} (after: {})", done.join(", ")))
}
