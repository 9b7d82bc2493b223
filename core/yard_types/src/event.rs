//! Events: what happened. Persisted events are the project's only truth; state is a fold of them
//! ([`crate::project::ProjectState`]). Guaranteed order per job, in the transient [`Notice`]s: queued,
//! started, progress (any number), then exactly one of finished / failed / cancelled.

use crate::{
    deploy::{DeploymentStatus, RolloutStep},
    evaluation::Evaluation,
    frame::Frame,
    gate::GateReport,
    ids::{CommandId, DatasetId, JobId, ModelId, RunId, Sha256},
    monitor::MonitorReport,
    package::PackageRecord,
    profile::{Fingerprint, Profile},
    recipe::RecipeSpec,
    run::{ModelRecord, RunSpec, TrainPoint, Trial},
    schema::Schema,
    split::{SplitCounts, SplitSpec},
};
use serde::{Deserialize, Serialize};

/// An event as stored: append-only and hash-chained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Position in the log, from 1.
    pub seq: u64,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Who: user name or `engine`.
    pub actor: String,
    /// Command that caused it.
    pub command_id: CommandId,
    /// What happened.
    pub body: Event,
    /// Hash of the record before (zeros for the first).
    pub prev_hash: Sha256,
    /// SHA-256 over `prev_hash` and the canonical record without `hash`.
    pub hash: Sha256,
}

/// What happened to a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The project file was made.
    ProjectCreated {
        /// Project name.
        name: String,
    },
    /// The frame was set or changed.
    FrameSet {
        /// Frame.
        frame: Box<Frame>,
    },
    /// A data file was imported: path, size, fingerprint, schema, profile. The file stays where it is.
    DatasetImported {
        /// Dataset.
        dataset: Box<DatasetRecord>,
    },
    /// Roles or types of fields were changed.
    SchemaSet {
        /// Dataset.
        dataset: DatasetId,
        /// Schema.
        schema: Box<Schema>,
    },
    /// The split was made.
    SplitSet {
        /// Dataset.
        dataset: DatasetId,
        /// How.
        spec: SplitSpec,
        /// Sizes.
        counts: SplitCounts,
        /// What was done about rare classes and the like.
        notes: Vec<String>,
    },
    /// The recipe was changed.
    RecipeSet {
        /// Recipe.
        recipe: RecipeSpec,
    },
    /// A run began.
    RunStarted {
        /// Run.
        run: RunId,
        /// What it does.
        spec: Box<RunSpec>,
        /// Dataset.
        dataset: DatasetId,
    },
    /// A try of a search or of `auto` ended.
    TrialFinished {
        /// Run.
        run: RunId,
        /// Number of the try within the run, from 0.
        index: u32,
        /// Try; whether it is kept is known when the run ends.
        trial: Box<Trial>,
        /// Object with what a resumed search needs of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saved: Option<Sha256>,
    },
    /// A run ended with a model.
    RunFinished {
        /// Run.
        run: RunId,
        /// Model.
        model: Box<ModelRecord>,
        /// Curve of the kept model.
        curve: Vec<TrainPoint>,
        /// Tries of a search or of `auto`.
        trials: Vec<Trial>,
    },
    /// A run failed.
    RunFailed {
        /// Run.
        run: RunId,
        /// Why, and what to do.
        message: String,
    },
    /// What a run left that was stopped, told just before [`Self::RunCancelled`].
    RunStopped {
        /// Run.
        run: RunId,
        /// Whether the program ended (a kill, a power cut) rather than the user asking.
        interrupted: bool,
        /// How far its checkpoint is; `None` = none is kept, resuming starts from the beginning.
        checkpoint: Option<Progress>,
    },
    /// A stopped run goes on.
    RunResumed {
        /// Run.
        run: RunId,
    },
    /// A run was stopped.
    RunCancelled {
        /// Run.
        run: RunId,
    },
    /// A model was evaluated.
    ModelEvaluated {
        /// Evaluation.
        evaluation: Box<Evaluation>,
    },
    /// The threshold of a model's decision was moved by hand (probability; `None` = by the costs).
    ThresholdSet {
        /// Model.
        model: ModelId,
        /// Threshold.
        threshold: Option<f64>,
    },
    /// A package was built.
    PackageBuilt {
        /// Package.
        package: Box<PackageRecord>,
    },
    /// A deployment step: deployed, canary set, promoted, rolled back, stopped.
    DeploymentChanged {
        /// `deploy`, `canary`, `shadow`, `promote`, `rollback`, `stop`.
        action: String,
        /// State afterwards.
        status: Box<DeploymentStatus>,
        /// Steps with times.
        steps: Vec<RolloutStep>,
    },
    /// Gates were checked.
    GateChecked {
        /// Report.
        report: Box<GateReport>,
    },
    /// The deployment's log was read and summarised.
    MonitorUpdated {
        /// Report.
        report: Box<MonitorReport>,
    },
    /// Labels for past predictions were sent.
    FeedbackSent {
        /// Deployment.
        deployment: String,
        /// Labels accepted.
        accepted: u64,
        /// Labels whose request id is unknown.
        unknown: u64,
    },
    /// A retrain began.
    RetrainStarted {
        /// Why: an alert's message or `by hand`.
        reason: String,
        /// Champion's run that is repeated.
        run: Option<RunId>,
    },
    /// A retrain ended.
    RetrainFinished {
        /// Challenger.
        model: ModelId,
        /// Whether its gates passed.
        passed: bool,
        /// What was done next, in words.
        outcome: String,
    },
    /// A target was added.
    TargetAdded {
        /// Name.
        name: String,
        /// URL.
        url: String,
    },
}

/// An imported data file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Dataset.
    pub id: DatasetId,
    /// File name without folder.
    pub name: String,
    /// Absolute path.
    pub path: String,
    /// Size and hash.
    pub fingerprint: Fingerprint,
    /// Schema.
    pub schema: Schema,
    /// Profile with findings.
    pub profile: Profile,
}

/// Progress of a job: never a bare percentage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done: `reading rows`, `boosting`, `bootstrap`.
    pub phase: String,
    /// Amount done.
    pub done: u64,
    /// Amount in all, if known.
    pub total: Option<u64>,
    /// Unit: `rows`, `trees`, `epochs`, `MB`.
    pub unit: String,
}

/// Transient news from the engine to the window or the command line; not stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// An event was committed to the project file.
    Committed {
        /// Record.
        record: Box<EventRecord>,
    },
    /// A job waits.
    JobQueued {
        /// Job.
        job: JobId,
        /// What it does, in words.
        label: String,
        /// Command.
        command: CommandId,
    },
    /// A job runs.
    JobStarted {
        /// Job.
        job: JobId,
    },
    /// A job got further.
    JobProgress {
        /// Job.
        job: JobId,
        /// How far.
        progress: Progress,
        /// Seconds since it started.
        elapsed_secs: f64,
        /// Seconds left, when it can be told.
        left_secs: Option<f64>,
    },
    /// A point of the training curve of a run in progress.
    TrainingPoint {
        /// Run.
        run: RunId,
        /// Point.
        point: TrainPoint,
    },
    /// A job ended well.
    JobFinished {
        /// Job.
        job: JobId,
        /// One sentence.
        message: String,
        /// Result as JSON, in the shape that the command line prints.
        result: serde_json::Value,
    },
    /// A job failed.
    JobFailed {
        /// Job.
        job: JobId,
        /// What, what was expected, what to do.
        message: String,
    },
    /// A job was stopped by the user.
    JobCancelled {
        /// Job.
        job: JobId,
    },
    /// A page of rows that the window asked for.
    Rows {
        /// Page.
        page: RowPage,
    },
    /// Answer to "Try it".
    Scored {
        /// Result.
        result: TryResult,
    },
    /// A warning for the person, not tied to a job.
    Warning {
        /// Sentence.
        message: String,
    },
}

/// Rows of a dataset as text, for the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowPage {
    /// Dataset.
    pub dataset: u64,
    /// First row.
    pub start: u64,
    /// Rows in all.
    pub total: u64,
    /// Cells by row, in schema order; `None` is missing.
    pub rows: Vec<Vec<Option<String>>>,
}

/// One row scored with reasons.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TryResult {
    /// Predicted class or number.
    pub prediction: serde_json::Value,
    /// Probability per class.
    pub probabilities: std::collections::BTreeMap<String, f64>,
    /// Decision of a binary task.
    pub decision: Option<bool>,
    /// Margin (log-odds) or prediction.
    pub margin: f64,
    /// Base value of the reasons.
    pub base: f64,
    /// Contribution per field, largest magnitude first; with the base they sum to the margin.
    pub reasons: Vec<(String, f64)>,
    /// Milliseconds that the answer took.
    pub ms: f64,
    /// `this window` or the URL that answered.
    pub source: String,
    /// Error instead of an answer.
    pub error: Option<String>,
}
