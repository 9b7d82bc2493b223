//! Training: what is asked for, what came out, and the curve on the way.

use crate::{
    ids::{DatasetId, ModelId, RunId, Sha256},
    metric::MetricSet,
    recipe::RecipeSpec,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Family of learners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Train all, keep the simplest within noise of the best; with a budget or trials: search, keep the
    /// best or an ensemble that beats it.
    Auto,
    /// Logistic, softmax or linear regression with L2.
    Linear,
    /// Histogram gradient boosting.
    Boosting,
    /// Random forest.
    Forest,
    /// Multi-layer perceptron.
    Mlp,
    /// Residual net.
    Resnet,
    /// Transformer over the fields of a row.
    Transformer,
    /// Weighted sum of models of the other families, found by a search.
    Ensemble,
    /// Sum of points of binned fields.
    Scorecard,
    /// Net of convolutions over images, joined with the other columns.
    Cnn,
    /// Transformer encoder over free text, joined with the other columns.
    Text,
}

impl Family {
    /// All families that can be asked for, `Auto` first.
    pub const ALL: [Self; 10] = [
        Self::Auto,
        Self::Linear,
        Self::Boosting,
        Self::Forest,
        Self::Mlp,
        Self::Scorecard,
        Self::Cnn,
        Self::Resnet,
        Self::Transformer,
        Self::Text,
    ];
    /// The families that `Auto` trains; with an image column also [`Self::Cnn`].
    pub const TRIED: [Self; 4] = [Self::Linear, Self::Boosting, Self::Forest, Self::Mlp];

    /// Returns the word used on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Linear => "linear",
            Self::Boosting => "boosting",
            Self::Forest => "forest",
            Self::Mlp => "mlp",
            Self::Resnet => "resnet",
            Self::Transformer => "transformer",
            Self::Ensemble => "ensemble",
            Self::Scorecard => "scorecard",
            Self::Cnn => "cnn",
            Self::Text => "text",
        }
    }

    /// Parses the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }

    /// Orders families by simplicity, 0 simplest.
    pub fn complexity(self) -> u32 {
        match self {
            Self::Linear | Self::Scorecard => 0,
            Self::Boosting => 1,
            Self::Forest => 2,
            Self::Mlp => 3,
            Self::Ensemble | Self::Cnn => 4,
            Self::Auto => 5,
            Self::Resnet => 6,
            Self::Transformer | Self::Text => 7,
        }
    }
}

/// Hyperparameters by name, as text of the command line (`trees=300`). Learners parse and check them.
pub type Params = BTreeMap<String, String>;

/// What a run shall do; kept whole, so that a retrain repeats it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Family.
    pub family: Family,
    /// Hyperparameters that differ from the family's defaults.
    #[serde(default)]
    pub params: Params,
    /// Recipe.
    #[serde(default)]
    pub recipe: RecipeSpec,
    /// Seed.
    pub seed: u64,
    /// `auto`, `cpu`, `cuda:N` or `metal`.
    pub device: String,
    /// Trials of a search; 1 trains once.
    pub trials: u32,
    /// Time budget of a search in seconds.
    pub budget_secs: Option<f64>,
    /// Folds of cross-validation; 0 uses the validation part.
    pub folds: u32,
    /// How often rows are dealt into folds anew; 1 deals them once.
    #[serde(default = "once")]
    pub repeats: u32,
    /// Whether the whole run, its choice included, is tested on folds that it does not see (nested
    /// cross-validation).
    #[serde(default)]
    pub nested: bool,
}

fn once() -> u32 {
    1
}

impl RunSpec {
    /// Makes a single run of a family with defaults.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            params: Params::new(),
            recipe: RecipeSpec::default(),
            seed: 0,
            device: "auto".to_owned(),
            trials: 1,
            budget_secs: None,
            folds: 0,
            repeats: 1,
            nested: false,
        }
    }
}

/// One point of the training curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainPoint {
    /// Trees, epochs or iterations done.
    pub step: u32,
    /// Loss on training rows.
    pub train_loss: f64,
    /// Loss on validation rows.
    pub validation_loss: Option<f64>,
    /// The frame's metric on validation rows.
    pub validation_metric: Option<f64>,
}

/// A model that a run produced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Model.
    pub id: ModelId,
    /// Run that made it.
    pub run: RunId,
    /// Family.
    pub family: Family,
    /// All hyperparameters in force.
    pub params: Params,
    /// SHA-256 over the canonical bytes of recipe, model and calibration: the identity of the model.
    pub model_sha256: Sha256,
    /// Object that holds these bytes.
    pub object: Sha256,
    /// Dataset that it was trained on.
    pub dataset: DatasetId,
    /// Metrics by split part (`validation`, `test`).
    pub metrics: BTreeMap<String, MetricSet>,
    /// Trees, epochs or iterations kept.
    pub steps: u32,
    /// Number of parameters (leaves, weights).
    pub parameters: u64,
    /// Size of the model in bytes.
    pub size_bytes: u64,
    /// Training time in seconds.
    pub seconds: f64,
    /// Device that trained it, with the reason for a fallback.
    pub device: String,
    /// Features after the recipe.
    pub features: u32,
    /// One line per step of the fitted recipe, for people.
    #[serde(default)]
    pub recipe_lines: Vec<String>,
    /// The points of a scorecard; `None` of other families.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Box<Points>>,
}

/// A scorecard as it is printed: points per bin of each feature, added to those that every row gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// Points of every row.
    pub base: i64,
    /// Margin of one point: log-odds for a binary task, units of the target for a number.
    pub point: f64,
    /// Points that double the odds of the positive class; `None` for a number.
    pub doubling: Option<f64>,
    /// Features in model order.
    pub features: Vec<FeaturePoints>,
}

/// The points of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeaturePoints {
    /// Feature; the field's own name where it is the field itself.
    pub feature: String,
    /// Bins in order.
    pub bins: Vec<BinPoints>,
}

/// The points of a bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinPoints {
    /// What belongs to it: `≤ 30`, `30 < x ≤ 45`, categories, `missing`.
    pub bin: String,
    /// Points.
    pub points: i64,
    /// Share of training rows, 0..=1.
    pub share: f64,
}

/// One try within a search or `auto`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Family.
    pub family: Family,
    /// Hyperparameters.
    pub params: Params,
    /// Metrics on the validation part.
    pub validation: MetricSet,
    /// Seconds.
    pub seconds: f64,
    /// Whether it is the one kept.
    pub kept: bool,
    /// Why it was kept or not, in words.
    pub note: String,
    /// Bytes of the model's arrays; of a trial over folds those of its first model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Median time of one row in process, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<f64>,
    /// Whether no other trial is at least as good, as fast and as small, and better in one of the three.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub front: bool,
}
