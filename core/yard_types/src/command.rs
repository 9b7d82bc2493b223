//! Commands: what the user wants, in the user's words. Plain data; the engine answers at once with a
//! job id or a validation error, and reports by [`crate::event::Notice`]s.

use crate::{
    frame::{Floor, Frame, Task},
    ids::{DatasetId, JobId, ModelId, RunId},
    recipe::RecipeSpec,
    run::RunSpec,
    schema::{FieldType, Role},
    split::SplitSpec,
};
use serde::{Deserialize, Serialize};

/// Which model a command means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelChoice {
    /// The best by the frame's metric on validation rows (simplest within noise).
    #[default]
    Best,
    /// This one.
    Id(ModelId),
}

/// Facts given when a project is made; `None` is inferred from the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NewProject {
    /// Data file.
    pub data: String,
    /// Target column; `None` leaves the frame open (window).
    pub target: Option<String>,
    /// Positive class.
    pub positive: Option<String>,
    /// Task, if not as inferred.
    pub task: Option<Task>,
    /// Identifier column.
    pub id: Option<String>,
    /// Time column.
    pub time: Option<String>,
    /// Group column.
    pub group: Option<String>,
    /// Weight column.
    pub weight: Option<String>,
    /// Columns for fairness evaluation.
    pub sensitive: Vec<String>,
    /// Columns left out.
    pub drop: Vec<String>,
    /// Column that holds train / validation / test.
    pub split_column: Option<String>,
    /// Cost of a false positive.
    pub cost_fp: Option<f64>,
    /// Cost of a false negative.
    pub cost_fn: Option<f64>,
    /// Metric.
    pub metric: Option<String>,
    /// Floors.
    pub floors: Vec<Floor>,
    /// Latency budget.
    pub latency_budget_ms: Option<f64>,
    /// Decision in words.
    pub decision: Option<String>,
    /// Seed of the split.
    pub seed: u64,
}

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Import a data file as the next dataset version and set frame, roles and split by the options.
    ImportDataset {
        /// Options.
        options: Box<NewProject>,
    },
    /// Set the frame.
    SetFrame {
        /// Frame.
        frame: Box<Frame>,
    },
    /// Set the role of a column.
    SetRole {
        /// Dataset.
        dataset: DatasetId,
        /// Column.
        column: String,
        /// Role.
        role: Role,
    },
    /// Set the type of a column.
    SetType {
        /// Dataset.
        dataset: DatasetId,
        /// Column.
        column: String,
        /// Type.
        field_type: FieldType,
    },
    /// Make the split.
    SetSplit {
        /// Dataset.
        dataset: DatasetId,
        /// How.
        spec: SplitSpec,
    },
    /// Set the recipe.
    SetRecipe {
        /// Recipe.
        recipe: RecipeSpec,
    },
    /// Train a run or a search.
    StartTraining {
        /// What.
        spec: Box<RunSpec>,
    },
    /// Go on with a run that was stopped or interrupted, from its last checkpoint; ends with the model of an
    /// undisturbed run.
    ResumeTraining {
        /// Run, in the state `cancelled`.
        run: RunId,
    },
    /// Evaluate a model on the test part or on a file.
    Evaluate {
        /// Model.
        model: ModelChoice,
        /// File; `None` = the test part.
        data: Option<String>,
    },
    /// Move the decision threshold.
    SetThreshold {
        /// Model.
        model: ModelId,
        /// Probability; `None` = by the costs.
        threshold: Option<f64>,
    },
    /// Build a package.
    PackageModel {
        /// Model.
        model: ModelChoice,
        /// Where to; `None` = beside the project.
        out: Option<String>,
    },
    /// Deploy a model: package it if needed, start the server, verify, switch.
    Deploy {
        /// Model.
        model: ModelChoice,
        /// `local` or a target's name.
        target: String,
        /// Percent as canary; `None` = at once.
        canary: Option<f64>,
        /// As shadow.
        shadow: bool,
    },
    /// Make the canary the champion.
    Promote,
    /// Go back to the version before (or drop the canary).
    RollBack,
    /// Stop the deployment.
    StopDeployment,
    /// Read the server's state.
    RefreshStatus,
    /// Summarise the server's log.
    Monitor,
    /// Send labels for past predictions: a file with `request_id` and the label.
    SendFeedback {
        /// File.
        path: String,
    },
    /// Check the gates for a model.
    CheckGates {
        /// Model.
        model: ModelChoice,
    },
    /// Repeat the champion's run on fresh data, check gates, optionally deploy as canary.
    Retrain {
        /// Data file; `None` = the current dataset.
        data: Option<String>,
        /// Deploy as canary when the gates pass.
        deploy: bool,
        /// Why.
        reason: String,
    },
    /// Send seeded traffic to the deployment.
    Simulate {
        /// Requests.
        requests: u64,
        /// `none`, or a kind of drift: `numeric`, `category`, `missing`, `concept`, `outage`.
        drift: String,
        /// Seed.
        seed: u64,
        /// Also send the true labels.
        labels: bool,
    },
    /// Add a remote target.
    AddTarget {
        /// Name.
        name: String,
        /// URL.
        url: String,
        /// File with the token.
        token_file: String,
    },
    /// Train the model's run again and compare hashes.
    Reproduce {
        /// Model.
        model: ModelChoice,
    },
    /// Fetch rows for the table (answered by `Notice::Rows`).
    FetchRows {
        /// Dataset.
        dataset: DatasetId,
        /// First row.
        start: u64,
        /// Rows.
        count: u64,
    },
    /// Score one row with reasons (answered by `Notice::Scored`).
    TryRow {
        /// Model.
        model: ModelChoice,
        /// Field values as JSON.
        row: serde_json::Map<String, serde_json::Value>,
        /// Ask the deployment instead of scoring in this process.
        live: bool,
    },
    /// Stop a job.
    CancelJob {
        /// Job.
        job: JobId,
    },
}
