//! The command line as data. Knows nothing of what the commands do.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Modelyard: from a data file to a served, monitored and retrained model.
#[derive(Debug, Parser)]
#[command(name = "modelyard", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// Project to open in the studio.
    pub(crate) file: Option<PathBuf>,
    /// Draw this place of the studio into a picture instead of opening the window.
    #[arg(long, value_name = "PLACE", requires = "out")]
    pub(crate) shot: Option<String>,
    /// Picture to write (PNG).
    #[arg(long, value_name = "FILE", requires = "shot")]
    pub(crate) out: Option<PathBuf>,
    /// Theme of the picture.
    #[arg(long, default_value = "dark", requires = "shot")]
    pub(crate) theme: ThemeArg,
    /// Size of the picture in points.
    #[arg(long, default_value = "1440x900", value_name = "WxH", requires = "shot")]
    pub(crate) size: String,
    /// Pixels per point of the picture.
    #[arg(long, default_value_t = 1.0, value_name = "X", requires = "shot")]
    pub(crate) scale: f32,
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThemeArg {
    Dark,
    Light,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Print exactly one JSON value on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Threads to use; results do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) threads: Option<u64>,
    /// Seed of every random draw.
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// No progress and no remarks on standard error.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole loop on a bundled sample, in under three minutes.
    Demo(DemoArgs),
    /// Rows, columns and findings of a data file.
    Profile {
        /// CSV, TSV, Parquet or NDJSON; gzip is allowed.
        data: PathBuf,
        /// Target column: adds class balance, leaks and each column's strength alone.
        #[arg(long, value_name = "COLUMN")]
        target: Option<String>,
    },
    /// Makes a project: frame, dataset, split, default recipe.
    New(Box<NewArgs>),
    /// Trains one run or a search.
    Train(TrainArgs),
    /// Lists runs.
    Runs(ProjectArgs),
    /// Lists models.
    Models(ProjectArgs),
    /// Prints the event log.
    Log {
        #[command(flatten)]
        project: ProjectArgs,
        /// Also check the chain of hashes.
        #[arg(long)]
        verify: bool,
    },
    /// Where a model, run, dataset or package comes from and where it went.
    Lineage {
        #[command(flatten)]
        project: ProjectArgs,
        /// Model number, `run:N`, `dataset:N`, or the beginning of a SHA-256.
        id: String,
    },
    /// Metrics with intervals, curves, slices, fairness, latency, size.
    Evaluate {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(flatten)]
        model: ModelArg,
        /// Another file instead of the test part.
        #[arg(long, value_name = "FILE")]
        data: Option<PathBuf>,
    },
    /// Reasons per row.
    Explain {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(flatten)]
        model: ModelArg,
        /// Rows to explain.
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        /// CSV, Parquet or NDJSON to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Builds a signed package.
    Package {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(flatten)]
        model: ModelArg,
        /// Where to write it.
        #[arg(long, value_name = "FILE.modelpack")]
        out: Option<PathBuf>,
    },
    /// Checks a package: hashes, signature, golden examples, claims.
    Verify {
        /// Package.
        package: PathBuf,
    },
    /// Writes a package in another format: what it can't hold is said.
    Export(ExportArgs),
    /// Makes a package of another library's model file.
    Import(ImportArgs),
    /// Scores a file with a package, streaming.
    Score(ScoreArgs),
    /// Serves packages over HTTP.
    Serve(ServeArgs),
    /// Deploys a model: package, server, verification, switch.
    Deploy {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(flatten)]
        model: ModelArg,
        /// `local`, or a target added before.
        #[arg(long, default_value = "local", value_name = "TARGET")]
        to: String,
        /// Answer only this percentage of the requests, beside the stable version.
        #[arg(long, value_name = "PERCENT")]
        canary: Option<f64>,
        /// Score every request without answering.
        #[arg(long, conflicts_with = "canary")]
        shadow: bool,
    },
    /// Makes the canary the stable version.
    Promote(ProjectArgs),
    /// Ends the canary, or goes back to the version before.
    Rollback(ProjectArgs),
    /// State of the deployment.
    Status(ProjectArgs),
    /// Stops the deployment and its server on this machine.
    Stop(ProjectArgs),
    /// Remote servers.
    #[command(subcommand)]
    Target(TargetCommand),
    /// Sends labels of past predictions.
    Feedback {
        #[command(flatten)]
        project: ProjectArgs,
        /// File with `request_id`, optionally `index`, and `label` (or the target's name).
        #[arg(long = "in", value_name = "FILE")]
        input: PathBuf,
    },
    /// Windows, drift, live quality, alerts.
    Monitor(ProjectArgs),
    /// Checks the gates of a model against the champion.
    Gate {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(flatten)]
        model: ModelArg,
        /// Also write the result as test XML that build servers read.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Repeats the champion's run on fresh data, then the gates.
    Retrain {
        #[command(flatten)]
        project: ProjectArgs,
        /// Fresh data; without it the current dataset.
        #[arg(long, value_name = "FILE")]
        data: Option<PathBuf>,
        /// Deploy as canary when the gates pass.
        #[arg(long)]
        deploy: bool,
        /// Why, for the log.
        #[arg(long, default_value = "by hand", value_name = "TEXT")]
        reason: String,
    },
    /// Sends seeded traffic made of held-out rows to the deployment.
    Simulate {
        #[command(flatten)]
        project: ProjectArgs,
        /// Rows to send.
        #[arg(long, default_value_t = 1000, value_name = "N")]
        requests: u64,
        /// How the traffic differs from training.
        #[arg(long, default_value = "none", value_name = "KIND")]
        drift: Drift,
        /// Also send the true outcomes afterwards.
        #[arg(long)]
        labels: bool,
    },
    /// Trains a model's run again and compares the hashes.
    Reproduce {
        #[command(flatten)]
        project: ProjectArgs,
        #[command(flatten)]
        model: ModelArg,
    },
    /// Devices that training can use.
    Devices,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ProjectArgs {
    /// Project file.
    #[arg(value_name = "PROJECT.modelyard")]
    pub(crate) project: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ModelArg {
    /// Model number or `best`.
    #[arg(long, default_value = "best", value_name = "ID|best")]
    pub(crate) model: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the project; made if needed.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Sample: telco-churn, abalone or penguins.
    #[arg(long, default_value = "telco-churn", value_name = "NAME")]
    pub(crate) sample: String,
    /// Stop the server at the end.
    #[arg(long)]
    pub(crate) stop: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskArg {
    Classification,
    Regression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drift {
    None,
    Numeric,
    Category,
    Missing,
    Concept,
    Outage,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct NewArgs {
    /// Project file to make.
    #[arg(value_name = "PROJECT.modelyard")]
    pub(crate) project: PathBuf,
    /// Data file.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Target column.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: String,
    /// Positive class of a binary target.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) positive: Option<String>,
    /// Kind of question, if not as inferred.
    #[arg(long)]
    pub(crate) task: Option<TaskArg>,
    /// Column that names a row.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) id: Option<String>,
    /// Column that orders the rows in time; the split respects it.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Column whose groups stay together in the split.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,
    /// Column with row weights.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) weight: Option<String>,
    /// Columns whose groups are compared for fairness.
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',')]
    pub(crate) sensitive: Vec<String>,
    /// Columns to leave out.
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',')]
    pub(crate) drop: Vec<String>,
    /// Column that holds train / validation / test.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) split_column: Option<String>,
    /// Cost of a false positive.
    #[arg(long, value_name = "X", requires = "cost_fn")]
    pub(crate) cost_fp: Option<f64>,
    /// Cost of a false negative.
    #[arg(long, value_name = "Y", requires = "cost_fp")]
    pub(crate) cost_fn: Option<f64>,
    /// Metric that chooses between models.
    #[arg(long, value_name = "METRIC")]
    pub(crate) metric: Option<String>,
    /// Floor of a metric that the gate checks, e.g. `roc_auc=0.8`.
    #[arg(long = "floor", value_name = "METRIC=VALUE")]
    pub(crate) floors: Vec<String>,
    /// Largest p99 latency of a request in milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) latency_budget: Option<f64>,
    /// The decision in words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) decision: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// auto, linear, boosting, forest, scorecard, mlp, resnet, transformer, text (a column of free text) or cnn (images).
    #[arg(long, default_value = "auto", value_name = "FAMILY")]
    pub(crate) family: String,
    /// Hyperparameter, may be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// Trials of a search.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) trials: u32,
    /// Time budget of a search: `60s`, `5m`, `1h`.
    #[arg(long, value_name = "TIME")]
    pub(crate) budget: Option<String>,
    /// Folds of cross-validation; without it the validation part is used.
    #[arg(long, default_value_t = 0, value_name = "K")]
    pub(crate) folds: u32,
    /// How often the rows are dealt into folds anew.
    #[arg(long, default_value_t = 1, value_name = "N", requires = "folds", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeats: u32,
    /// Nested cross-validation: the whole run, choice included, is repeated and tested on each fold (5
    /// without --folds); a budget is shared by these runs.
    #[arg(long)]
    pub(crate) nested: bool,
    /// auto, cpu, cuda:N or metal.
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: String,
    /// Go on with a stopped run, the newest without a number; its settings are the run's own.
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        default_missing_value = "0",
        conflicts_with_all = ["family", "params", "trials", "budget", "folds", "repeats", "nested", "device"]
    )]
    pub(crate) resume: Option<u64>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Package.
    pub(crate) package: PathBuf,
    /// CSV, TSV, Parquet or NDJSON to read.
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// CSV, Parquet or NDJSON to write, by its ending.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Also write the contribution of each field.
    #[arg(long)]
    pub(crate) reasons: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    /// Package.
    #[arg(value_name = "M.modelpack")]
    pub(crate) package: PathBuf,
    /// Format; an unknown one lists those there are.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: String,
    /// Folder to make; or a file, where the format is one file and the path has an ending.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// The static Linux program yard-serve that goes into a container image (format `container`).
    #[arg(long, value_name = "FILE")]
    pub(crate) scorer: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// LightGBM text model, XGBoost JSON model, ONNX model, or an MLflow folder with one of them.
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Package to write.
    #[arg(long, value_name = "FILE.modelpack")]
    pub(crate) out: PathBuf,
    /// Name of the model; by default that of the file.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Packages to serve.
    pub(crate) packages: Vec<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: String,
    /// Address for gRPC; port 0 takes a free one. Without it gRPC is off.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) grpc: Option<String>,
    /// Folder of the server's store; by default `modelyard-server` here.
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Field whose values are not logged: FIELD or MODEL.FIELD; may be repeated.
    #[arg(long, value_name = "FIELD")]
    pub(crate) log_drop: Vec<String>,
    /// Rows at which a monitoring window closes.
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TargetCommand {
    /// Adds a remote server to a project.
    Add {
        /// Name, e.g. `staging`.
        name: String,
        /// Base URL.
        url: String,
        /// File whose first line is the token for management.
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
    },
    /// Lists the targets of this user.
    List,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_has_a_section_in_the_window_s_help() {
        let page = include_str!("../../../assets/help/command-line.md");
        for command in super::Cli::command().get_subcommands() {
            let heading = format!("## modelyard {}\n", command.get_name());
            assert!(page.contains(&heading), "assets/help/command-line.md has no \"{}\"", heading.trim());
        }
    }
}
