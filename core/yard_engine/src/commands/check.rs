//! Refusals before anything is done: what the command names must exist, figures must lie in range.

use crate::{engine::Core, error::EngineError};
use yard_types::{
    command::{Command, ModelChoice},
    frame::Frame,
    ids::{DatasetId, ModelId},
    metric,
    project::ProjectState,
    run::RunSpec,
    split::SplitSpec,
};

/// Refuses a command that makes no sense in this state.
pub(crate) fn check(core: &Core, command: &Command) -> Result<(), EngineError> {
    let state = core.state();
    match command {
        Command::ImportDataset { options } => existing_data(&options.data),
        Command::SetFrame { frame } => frame_fits(frame, state.frame.as_ref()),
        Command::SetRole { dataset, column, .. } | Command::SetType { dataset, column, .. } => {
            column_known(&state, *dataset, column)
        }
        Command::SetSplit { dataset, spec } => {
            dataset_known(&state, *dataset)?;
            split_fits(spec)
        }
        Command::StartTraining { spec } => {
            ready_to_train(&state)?;
            spec_fits(spec)
        }
        Command::ResumeTraining { run } => super::resume::resumable(&state, *run).map(drop),
        Command::Evaluate { model, data } => {
            if let Some(data) = data {
                existing_data(data)?;
            }
            model_known(&state, *model).map(drop)
        }
        Command::SetThreshold { model, threshold } => {
            model_known(&state, ModelChoice::Id(*model))?;
            threshold.map_or(Ok(()), |value| in_range("threshold", value, 0.0, 1.0))
        }
        Command::Deploy { model, target, canary, shadow } => {
            model_known(&state, *model)?;
            target_known(core, target)?;
            if *shadow && canary.is_some() {
                return Err(EngineError::refused("a canary can't be a shadow too; give one of the two"));
            }
            canary.map_or(Ok(()), |value| in_range("canary percent", value, 0.0, 100.0))
        }
        _ => check_more(&state, command),
    }
}

fn check_more(state: &ProjectState, command: &Command) -> Result<(), EngineError> {
    match command {
        Command::PackageModel { model, .. }
        | Command::CheckGates { model }
        | Command::Reproduce { model }
        | Command::TryRow { model, .. } => model_known(state, *model).map(drop),
        Command::SendFeedback { path } => {
            existing_file(path)?;
            deployed(state)
        }
        Command::Retrain { data, .. } => {
            model_known(state, ModelChoice::Best)?;
            data.as_deref().map_or(Ok(()), existing_data)
        }
        Command::Simulate { requests, drift, .. } => {
            if !DRIFTS.contains(&drift.as_str()) {
                return Err(EngineError::refused(format!(
                    "drift \"{drift}\" is unknown; expected one of {}",
                    DRIFTS.join(", ")
                )));
            }
            in_range("requests", *requests as f64, 1.0, 1e7)?;
            deployed(state)
        }
        Command::AddTarget { name, url, token_file } => {
            if !yard_types::contract::valid_name(name) || name == "local" {
                return Err(EngineError::refused(format!(
                    "target name \"{name}\" can't be used; expected lower-case letters, digits, - and _, and not \"local\""
                )));
            }
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                return Err(EngineError::refused(format!(
                    "target URL must begin with http:// or https://: {url}"
                )));
            }
            existing_file(token_file)
        }
        Command::FetchRows { dataset, count, .. } => {
            in_range("rows", *count as f64, 0.0, 10_000.0)?;
            dataset_known(state, *dataset)
        }
        Command::Promote
        | Command::RollBack
        | Command::StopDeployment
        | Command::RefreshStatus
        | Command::Monitor => deployed(state),
        _ => Ok(()),
    }
}

/// Kinds of drift of a simulation.
pub(crate) const DRIFTS: [&str; 6] = ["none", "numeric", "category", "missing", "concept", "outage"];

fn in_range(what: &str, value: f64, low: f64, high: f64) -> Result<(), EngineError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(EngineError::refused(format!("{what} is {value}; expected a number from {low} to {high}")))
}

/// Data can also be a folder of images; what a folder holds is looked at when it is read.
fn existing_data(path: &str) -> Result<(), EngineError> {
    if std::path::Path::new(path).is_dir() { Ok(()) } else { existing_file(path) }
}

fn existing_file(path: &str) -> Result<(), EngineError> {
    let place = std::path::Path::new(path);
    if place.is_dir() {
        return Err(EngineError::refused(format!("expected a file, found a folder: \"{path}\"")));
    }
    if place.exists() {
        return Ok(());
    }
    Err(EngineError::refused(format!("no such file; check the path: \"{path}\"")))
}

/// Checks the frame. A metric that the old question had and the new one can't have is no error: the new
/// question's default takes its place.
fn frame_fits(frame: &Frame, before: Option<&Frame>) -> Result<(), EngineError> {
    let carried_over =
        before.is_some_and(|before| before.task != frame.task && before.metric == frame.metric);
    if !carried_over && !metric::fits(&frame.metric, frame.task) {
        let names = metric::all_metrics().iter().map(|info| info.name);
        let names: Vec<&str> = names.filter(|name| metric::fits(name, frame.task)).collect();
        return Err(EngineError::refused(format!(
            "metric \"{}\" does not fit the task; expected one of {}",
            frame.metric,
            names.join(", ")
        )));
    }
    if let Some(costs) = frame.costs
        && costs.threshold().is_none()
    {
        return Err(EngineError::refused(format!(
            "costs of {} per false positive and {} per false negative leave nothing to decide; \
             expected each error to cost more than the right answer",
            costs.false_positive, costs.false_negative
        )));
    }
    Ok(())
}

fn dataset_known(state: &ProjectState, dataset: DatasetId) -> Result<(), EngineError> {
    if state.datasets.contains_key(&dataset) {
        return Ok(());
    }
    let known: Vec<String> = state.datasets.keys().map(ToString::to_string).collect();
    Err(EngineError::refused(format!("dataset {dataset} is unknown; known: {}", list(&known))))
}

fn column_known(state: &ProjectState, dataset: DatasetId, column: &str) -> Result<(), EngineError> {
    dataset_known(state, dataset)?;
    let Some(record) = state.datasets.get(&dataset) else { return Ok(()) };
    if record.schema.field(column).is_some() {
        return Ok(());
    }
    let names: Vec<String> = record.schema.fields.iter().map(|field| field.name.clone()).collect();
    Err(EngineError::refused(format!("column \"{column}\" is unknown; columns: {}", list(&names))))
}

fn split_fits(spec: &SplitSpec) -> Result<(), EngineError> {
    in_range("share of validation rows", spec.validation, 0.0, 0.9)?;
    in_range("share of test rows", spec.test, 0.0, 0.9)?;
    in_range("share of validation and test rows together", spec.validation + spec.test, 0.0, 0.95)
}

fn spec_fits(spec: &RunSpec) -> Result<(), EngineError> {
    in_range("trials", f64::from(spec.trials), 1.0, 10_000.0)?;
    in_range("folds", f64::from(spec.folds), 0.0, 50.0)?;
    in_range("repeats", f64::from(spec.repeats), 1.0, 100.0)?;
    if spec.folds == 1 {
        return Err(EngineError::refused("folds is 1; expected 0 (validation part) or at least 2"));
    }
    spec.budget_secs.map_or(Ok(()), |value| in_range("budget in seconds", value, 0.001, 1e7))
}

fn ready_to_train(state: &ProjectState) -> Result<(), EngineError> {
    let Some(dataset) = state.dataset() else {
        return Err(EngineError::refused("the project has no data; import a file first"));
    };
    if state.frame.is_none() {
        return Err(EngineError::refused("the project has no target; set one in the frame first"));
    }
    if !state.splits.contains_key(&dataset.id) {
        return Err(EngineError::refused("the data is not split yet; set the split first"));
    }
    Ok(())
}

/// Returns the model that a choice means.
pub(crate) fn model_known(state: &ProjectState, choice: ModelChoice) -> Result<ModelId, EngineError> {
    if state.models.is_empty() {
        return Err(EngineError::refused("the project has no model yet; train one first"));
    }
    match choice {
        ModelChoice::Best => state.best_model().map(|model| model.id).ok_or_else(|| {
            EngineError::refused(
                "no model has the frame's metric on validation rows; train one, or name a model",
            )
        }),
        ModelChoice::Id(id) if state.models.contains_key(&id) => Ok(id),
        ModelChoice::Id(id) => {
            let known: Vec<String> = state.models.keys().map(ToString::to_string).collect();
            Err(EngineError::refused(format!("model {id} is unknown; known: {}", list(&known))))
        }
    }
}

fn target_known(core: &Core, target: &str) -> Result<(), EngineError> {
    let remotes = crate::targets::remotes(&core.options.home)?;
    if target == "local" || remotes.contains_key(target) {
        return Ok(());
    }
    let mut known = vec!["local".to_owned()];
    known.extend(remotes.into_keys());
    Err(EngineError::refused(format!(
        "target \"{target}\" is unknown; known: {}; add one with `modelyard target add`",
        list(&known)
    )))
}

fn deployed(state: &ProjectState) -> Result<(), EngineError> {
    if state.deployment.is_some() {
        return Ok(());
    }
    Err(EngineError::refused("nothing is deployed yet; deploy a model first"))
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let shown = names.iter().take(30).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 30 { format!("{shown}, and {} more", names.len() - 30) } else { shown }
}
