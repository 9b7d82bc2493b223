//! The state of a project: a pure fold of its events. Same events, same state.

use crate::{
    deploy::{DeploymentStatus, RolloutStep},
    evaluation::Evaluation,
    event::{DatasetRecord, Event, EventRecord, Progress},
    frame::Frame,
    gate::GateReport,
    ids::{DatasetId, ModelId, RunId, Sha256},
    monitor::MonitorReport,
    package::PackageRecord,
    recipe::RecipeSpec,
    run::{Family, ModelRecord, RunSpec, TrainPoint, Trial},
    split::{SplitCounts, SplitSpec},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// State of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// Started; when the project was closed meanwhile, it was interrupted.
    Running,
    /// Ended with a model.
    Finished {
        /// Model.
        model: ModelId,
    },
    /// Failed.
    Failed {
        /// Why.
        message: String,
    },
    /// Stopped by the user, or by the end of the program; can be resumed.
    Cancelled,
}

/// A run with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Run.
    pub id: RunId,
    /// What it does.
    pub spec: RunSpec,
    /// Dataset.
    pub dataset: DatasetId,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// State.
    pub state: RunState,
    /// Curve of the kept model.
    pub curve: Vec<TrainPoint>,
    /// Tries.
    pub trials: Vec<Trial>,
    /// Objects with what a resumed search needs of each try, in their order.
    #[serde(default)]
    pub saved: Vec<Sha256>,
    /// What it left when it was stopped.
    #[serde(default)]
    pub stopped: Option<Stopped>,
}

/// What a stopped run left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// Whether the program ended rather than the user asking.
    pub interrupted: bool,
    /// How far its checkpoint is; `None` = resuming starts from the beginning.
    pub checkpoint: Option<Progress>,
}

impl RunRecord {
    /// Returns whether the run was stopped and can go on ([`crate::command::Command::ResumeTraining`]).
    pub fn resumable(&self) -> bool {
        self.state == RunState::Cancelled
    }
}

/// Split in force for a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// How.
    pub spec: SplitSpec,
    /// Sizes.
    pub counts: SplitCounts,
    /// Notes.
    pub notes: Vec<String>,
}

/// A deployment step that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentChange {
    /// When.
    pub at: String,
    /// What.
    pub action: String,
    /// Steps.
    pub steps: Vec<RolloutStep>,
}

/// State of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectState {
    /// Name.
    pub name: String,
    /// Last event applied.
    pub seq: u64,
    /// Time of the last event.
    pub changed_at: String,
    /// Frame.
    pub frame: Option<Frame>,
    /// Datasets by id; the last one is current.
    pub datasets: BTreeMap<DatasetId, DatasetRecord>,
    /// Splits by dataset.
    pub splits: BTreeMap<DatasetId, SplitRecord>,
    /// Recipe.
    pub recipe: RecipeSpec,
    /// Runs by id.
    pub runs: BTreeMap<RunId, RunRecord>,
    /// Models by id.
    pub models: BTreeMap<ModelId, ModelRecord>,
    /// Evaluations by model and split word.
    pub evaluations: Vec<Evaluation>,
    /// Thresholds set by hand.
    pub thresholds: BTreeMap<ModelId, f64>,
    /// Packages in the order of building.
    pub packages: Vec<PackageRecord>,
    /// Current deployment.
    pub deployment: Option<DeploymentStatus>,
    /// What happened to it.
    pub deployment_changes: Vec<DeploymentChange>,
    /// Gate reports, oldest first.
    pub gates: Vec<GateReport>,
    /// Newest monitoring report.
    pub monitor: Option<MonitorReport>,
    /// Labels accepted so far.
    pub labels: u64,
    /// Remote targets: name to URL.
    pub targets: BTreeMap<String, String>,
    /// Outcome of the last retrain.
    pub last_retrain: Option<String>,
}

impl ProjectState {
    /// Folds events.
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a EventRecord>) -> Self {
        let mut state = Self::default();
        for record in events {
            state.apply(record);
        }
        state
    }

    /// Applies one event.
    pub fn apply(&mut self, record: &EventRecord) {
        self.seq = record.seq;
        self.changed_at.clone_from(&record.at);
        match &record.body {
            Event::RunStarted { .. }
            | Event::TrialFinished { .. }
            | Event::RunFinished { .. }
            | Event::RunFailed { .. }
            | Event::RunStopped { .. }
            | Event::RunResumed { .. }
            | Event::RunCancelled { .. } => {
                self.apply_run(record);
            }
            Event::DeploymentChanged { .. }
            | Event::MonitorUpdated { .. }
            | Event::FeedbackSent { .. }
            | Event::TargetAdded { .. } => {
                self.apply_serving(record);
            }
            body => self.apply_project(body),
        }
    }

    fn apply_project(&mut self, body: &Event) {
        match body {
            Event::ProjectCreated { name } => self.name.clone_from(name),
            Event::FrameSet { frame } => self.frame = Some((**frame).clone()),
            Event::DatasetImported { dataset } => {
                self.datasets.insert(dataset.id, (**dataset).clone());
            }
            Event::SchemaSet { dataset, schema } => {
                if let Some(record) = self.datasets.get_mut(dataset) {
                    record.schema = (**schema).clone();
                }
            }
            Event::SplitSet { dataset, spec, counts, notes } => {
                let split = SplitRecord { spec: spec.clone(), counts: *counts, notes: notes.clone() };
                self.splits.insert(*dataset, split);
            }
            Event::RecipeSet { recipe } => self.recipe = recipe.clone(),
            Event::ModelEvaluated { evaluation } => {
                self.evaluations.retain(|old| old.model != evaluation.model || old.split != evaluation.split);
                self.evaluations.push((**evaluation).clone());
            }
            Event::ThresholdSet { model, threshold } => match threshold {
                Some(value) => {
                    self.thresholds.insert(*model, *value);
                }
                None => {
                    self.thresholds.remove(model);
                }
            },
            Event::PackageBuilt { package } => self.packages.push((**package).clone()),
            Event::GateChecked { report } => self.gates.push((**report).clone()),
            Event::RetrainFinished { outcome, .. } => self.last_retrain = Some(outcome.clone()),
            _ => {}
        }
    }

    fn apply_run(&mut self, record: &EventRecord) {
        match &record.body {
            Event::RunStarted { run, spec, dataset } => {
                let run_record = RunRecord {
                    id: *run,
                    spec: (**spec).clone(),
                    dataset: *dataset,
                    started_at: record.at.clone(),
                    state: RunState::Running,
                    curve: Vec::new(),
                    trials: Vec::new(),
                    saved: Vec::new(),
                    stopped: None,
                };
                self.runs.insert(*run, run_record);
            }
            Event::TrialFinished { run, index, trial, saved } => {
                if let Some(entry) = self.runs.get_mut(run)
                    && entry.trials.len() == *index as usize
                {
                    entry.trials.push((**trial).clone());
                    entry.saved.extend(saved.filter(|_| entry.saved.len() + 1 == entry.trials.len()));
                }
            }
            Event::RunFinished { run, model, curve, trials } => {
                if let Some(entry) = self.runs.get_mut(run) {
                    entry.state = RunState::Finished { model: model.id };
                    entry.curve.clone_from(curve);
                    entry.trials.clone_from(trials);
                }
                self.models.insert(model.id, (**model).clone());
            }
            Event::RunFailed { run, message } => {
                self.end_run(*run, RunState::Failed { message: message.clone() });
            }
            Event::RunCancelled { run } => self.end_run(*run, RunState::Cancelled),
            Event::RunStopped { run, interrupted, checkpoint } => {
                if let Some(entry) = self.runs.get_mut(run) {
                    let (interrupted, checkpoint) = (*interrupted, checkpoint.clone());
                    entry.stopped = Some(Stopped { interrupted, checkpoint });
                }
            }
            Event::RunResumed { run } => {
                if let Some(entry) = self.runs.get_mut(run) {
                    (entry.state, entry.stopped) = (RunState::Running, None);
                }
            }
            _ => {}
        }
    }

    fn end_run(&mut self, run: RunId, state: RunState) {
        if let Some(entry) = self.runs.get_mut(&run) {
            entry.state = state;
        }
    }

    fn apply_serving(&mut self, record: &EventRecord) {
        match &record.body {
            Event::DeploymentChanged { action, status, steps } => {
                self.deployment = Some((**status).clone());
                self.deployment_changes.push(DeploymentChange {
                    at: record.at.clone(),
                    action: action.clone(),
                    steps: steps.clone(),
                });
            }
            Event::MonitorUpdated { report } => self.monitor = Some((**report).clone()),
            Event::FeedbackSent { accepted, .. } => self.labels += accepted,
            Event::TargetAdded { name, url } => {
                self.targets.insert(name.clone(), url.clone());
            }
            _ => {}
        }
    }

    /// Returns the current dataset.
    pub fn dataset(&self) -> Option<&DatasetRecord> {
        self.datasets.values().next_back()
    }

    /// Returns the evaluation of a model on a part.
    pub fn evaluation(&self, model: ModelId, split: &str) -> Option<&Evaluation> {
        self.evaluations.iter().rev().find(|own| own.model == model && own.split == split)
    }

    /// Returns the champion in service.
    pub fn champion(&self) -> Option<ModelId> {
        self.deployment.as_ref().and_then(|status| status.stable.as_ref()).map(|served| served.model)
    }

    /// Returns the decision threshold of a model (probability).
    pub fn threshold(&self, model: ModelId) -> f64 {
        let by_costs = || self.frame.as_ref().map_or(0.5, Frame::threshold);
        self.thresholds.get(&model).copied().unwrap_or_else(by_costs)
    }

    /// Returns the best model by the frame's metric on validation rows; among models whose value lies
    /// within the best one's 95 % interval, the simplest family. Figures on other rows can't be compared,
    /// so only models of the newest dataset that has one are looked at.
    pub fn best_model(&self) -> Option<&ModelRecord> {
        let name = self.frame.as_ref()?.metric.as_str();
        let value =
            |model: &ModelRecord| model.metrics.get("validation").and_then(|set| set.get(name)).copied();
        let newest =
            self.models.values().filter(|model| value(model).is_some()).map(|model| model.dataset).max()?;
        let mut best: Option<(&ModelRecord, crate::metric::MetricValue)> = None;
        for model in self.models.values().filter(|model| model.dataset == newest) {
            let Some(own) = value(model) else { continue };
            if best.is_none_or(|(_, top)| crate::metric::better(name, own.value, top.value)) {
                best = Some((model, own));
            }
        }
        let (top, top_value) = best?;
        let within = |own: f64| match (top_value.low, top_value.high) {
            (Some(low), Some(high)) => (low..=high).contains(&own),
            _ => false,
        };
        self.models
            .values()
            .filter(|model| model.dataset == top.dataset && value(model).is_some_and(|own| within(own.value)))
            .filter(|model| Family::complexity(model.family) < Family::complexity(top.family))
            .min_by_key(|model| (Family::complexity(model.family), model.id))
            .or(Some(top))
    }
}
