//! What each command does. [`check`] refuses at once what makes no sense, [`at_once`] gives the event
//! of a small act, [`job`] makes the job of a large one.

pub(crate) mod check;
mod deploy;
mod evaluate;
mod gates;
pub(crate) mod import;
mod monitor;
pub(crate) mod package;
mod resume;
mod retrain;
mod rows;
mod simulate;
mod train;

use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext, Lane, NewJob},
    targets::{self, Remote},
};
use std::sync::Arc;
use yard_deploy::Mode;
use yard_types::{command::Command, event::Event, ids::CommandId};

pub(crate) use check::check;
pub(crate) use resume::{Interrupted, stopped_events};

/// Returns whether the command needs the right to write.
pub(crate) fn writes(command: &Command) -> bool {
    !matches!(
        command,
        Command::FetchRows { .. }
            | Command::TryRow { .. }
            | Command::RefreshStatus
            | Command::CancelJob { .. }
    )
}

/// Returns the event of a command that needs no job.
pub(crate) fn at_once(command: &Command) -> Option<Event> {
    match command {
        Command::SetRecipe { recipe } => Some(Event::RecipeSet { recipe: recipe.clone() }),
        Command::SetThreshold { model, threshold } => {
            Some(Event::ThresholdSet { model: *model, threshold: *threshold })
        }
        _ => None,
    }
}

/// Makes the job of a command.
pub(crate) fn job(core: &Arc<Core>, id: CommandId, command: Command) -> NewJob {
    let lane = match command {
        Command::FetchRows { .. } | Command::TryRow { .. } | Command::RefreshStatus | Command::Monitor => {
            Lane::Quick
        }
        _ => Lane::Work,
    };
    let core = Arc::clone(core);
    let label = label(&command);
    NewJob { label, command: id, lane, body: Box::new(move |context| run(&core, context, &command)) }
}

fn run(core: &Core, context: &JobContext, command: &Command) -> Result<Done, EngineError> {
    match command {
        Command::ImportDataset { options } => import::import(core, context, options),
        Command::SetFrame { frame } => import::set_frame(core, context, frame),
        Command::SetRole { dataset, column, role } => {
            import::set_role(core, context, *dataset, (column, *role))
        }
        Command::SetType { dataset, column, field_type } => {
            import::set_type(core, context, *dataset, (column, *field_type))
        }
        Command::SetSplit { dataset, spec } => import::set_split(core, context, *dataset, spec),
        Command::StartTraining { spec } => train::start(core, context, spec),
        Command::ResumeTraining { run } => resume::resume(core, context, *run),
        Command::Evaluate { model, data } => evaluate::evaluate(core, context, *model, data.as_deref()),
        Command::PackageModel { model, out } => package::package(core, context, *model, out.as_deref()),
        Command::CheckGates { model } => gates::check(core, context, *model),
        Command::Retrain { data, deploy, reason } => {
            retrain::retrain(core, context, (data.as_deref(), *deploy, reason))
        }
        Command::Reproduce { model } => train::reproduce(core, context, *model),
        Command::FetchRows { dataset, start, count } => {
            rows::fetch(core, context, *dataset, (*start, *count))
        }
        Command::TryRow { model, row, live } => rows::try_row(core, context, (*model, row, *live)),
        serving => run_serving(core, context, serving),
    }
}

fn run_serving(core: &Core, context: &JobContext, command: &Command) -> Result<Done, EngineError> {
    match command {
        Command::Deploy { model, target, canary, shadow } => {
            let mode = match canary {
                _ if *shadow => Mode::Shadow,
                Some(percent) => Mode::Canary(*percent),
                None => Mode::Whole,
            };
            deploy::deploy(core, context, &deploy::Request { model: *model, target, mode })
        }
        Command::Promote => deploy::promote(core, context),
        Command::RollBack => deploy::roll_back(core, context),
        Command::StopDeployment => deploy::stop(core, context),
        Command::RefreshStatus => deploy::refresh(core, context),
        Command::Monitor => monitor::monitor(core, context),
        Command::SendFeedback { path } => monitor::feedback(core, context, path),
        Command::Simulate { requests, drift, seed, labels } => {
            let traffic = simulate::Traffic { requests: *requests, drift, seed: *seed, labels: *labels };
            simulate::simulate(core, context, traffic)
        }
        Command::AddTarget { name, url, token_file } => {
            let remote = Remote { url: url.clone(), token_file: token_file.into() };
            targets::add_remote(&core.options.home, name, remote)?;
            let event = Event::TargetAdded { name: name.clone(), url: url.clone() };
            core.commit(context.command, &[], vec![event])?;
            let result = serde_json::json!({"target": name, "url": url});
            Ok(Done::new(format!("Target {name} added"), result))
        }
        other => Err(EngineError::refused(format!("{} is not a job", label(other)))),
    }
}

fn label(command: &Command) -> String {
    match command {
        Command::ImportDataset { options } => format!("Import {}", file_name(&options.data)),
        Command::SetRole { column, .. } => format!("Role of {column}"),
        Command::SetType { column, .. } => format!("Type of {column}"),
        Command::SetSplit { .. } => "Split".to_owned(),
        Command::StartTraining { spec } => format!("Train {}", spec.family.word()),
        Command::ResumeTraining { run } => format!("Resume run {run}"),
        Command::Evaluate { data: Some(data), .. } => format!("Evaluate on {}", file_name(data)),
        Command::Evaluate { .. } => "Evaluate".to_owned(),
        Command::PackageModel { .. } => "Package".to_owned(),
        Command::Deploy { target, .. } => format!("Deploy to {target}"),
        Command::Promote => "Promote".to_owned(),
        Command::RollBack => "Roll back".to_owned(),
        Command::StopDeployment => "Stop deployment".to_owned(),
        Command::RefreshStatus => "Status".to_owned(),
        Command::Monitor => "Monitor".to_owned(),
        Command::SendFeedback { path } => format!("Send labels of {}", file_name(path)),
        Command::CheckGates { .. } => "Check gates".to_owned(),
        Command::Retrain { .. } => "Retrain".to_owned(),
        Command::Simulate { requests, .. } => format!("Send {requests} requests"),
        Command::AddTarget { name, .. } => format!("Add target {name}"),
        Command::Reproduce { .. } => "Reproduce".to_owned(),
        Command::FetchRows { .. } => "Rows".to_owned(),
        Command::TryRow { .. } => "Score a row".to_owned(),
        Command::SetFrame { .. } => "Frame".to_owned(),
        Command::SetRecipe { .. } => "Recipe".to_owned(),
        Command::SetThreshold { .. } => "Threshold".to_owned(),
        Command::CancelJob { .. } => "Stop".to_owned(),
    }
}

fn file_name(path: &str) -> String {
    std::path::Path::new(path)
        .file_name()
        .map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
