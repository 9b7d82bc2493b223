//! A model that was read from another library's file: parts for the scorer with a recipe of its own, what
//! could not be kept, and the way to a package. Knows nothing of the files themselves.

mod mlflow;
mod package;
mod recipe;
mod trees;

pub use mlflow::mlflow_model_file;
pub use package::ImportFacts;
pub(crate) use recipe::number_recipe;
pub(crate) use trees::{ReadTree, ensemble};

use crate::error::ImportError;
use std::collections::BTreeSet;
use yard_score::{
    model::{Calibration, Link, Model, ScorerParts, Sum, TreeEnsemble},
    scorer::Scorer,
};
use yard_types::{frame::Task, ids::Sha256};

/// What is read at most.
pub(crate) struct Limits {
    pub(crate) features: usize,
    pub(crate) trees: usize,
    pub(crate) outputs: usize,
    /// Largest category code.
    pub(crate) categories: usize,
}

/// Limits of all readers; a model beyond them is refused before anything of its size is made.
pub(crate) const LIMITS: Limits =
    Limits { features: 1 << 20, trees: 1 << 20, outputs: 10_000, categories: 1 << 20 };

pub(crate) fn check_limit(
    format: &'static str,
    what: &'static str,
    got: usize,
    limit: usize,
) -> Result<(), ImportError> {
    if got <= limit { Ok(()) } else { Err(ImportError::TooLarge { format, what, got, limit }) }
}

/// A column of the model that is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnInfo {
    pub(crate) name: String,
    /// Words of the categories by code, where the file has them; else categories are given by their codes.
    pub(crate) words: Option<Vec<String>>,
    /// Codes that some split names.
    pub(crate) codes: BTreeSet<u32>,
    /// Whether some split is on a set of categories.
    pub(crate) categorical: bool,
    /// Whether some split is on a threshold.
    pub(crate) numeric: bool,
    /// Thresholds in f64 whose ranks the trees hold, ascending; empty where thresholds are f32.
    pub(crate) cuts: Vec<f64>,
    /// Whether zero counts as missing; `None` while no split has said so.
    pub(crate) zero_missing: Option<bool>,
}

/// How margins become predictions.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) link: Link,
    pub(crate) outputs: usize,
    /// Slope of the sigmoid.
    pub(crate) slope: f64,
    pub(crate) objective: String,
}

/// A model read from another library's file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Where it comes from, e.g. `LightGBM text`.
    pub format: &'static str,
    /// Objective as the file names it.
    pub objective: String,
    /// The model with its recipe: one field for each column.
    pub parts: ScorerParts,
    /// What could not be kept, in whole sentences.
    pub notes: Vec<String>,
    /// SHA-256 of the file.
    pub sha256: Sha256,
}

impl Imported {
    /// Puts the parts together and makes sure that the scorer accepts them.
    pub(crate) fn new(
        format: &'static str,
        columns: Vec<ColumnInfo>,
        outcome: Outcome,
        mut ensemble: TreeEnsemble,
        mut notes: Vec<String>,
    ) -> Result<Self, ImportError> {
        let recipe = recipe::recipe(format, columns, &mut ensemble)?;
        let (task, classes) = match outcome.link {
            Link::Identity | Link::Log => (Task::Regression, Vec::new()),
            Link::Logistic => (Task::Binary, vec!["0".to_owned(), "1".to_owned()]),
            Link::Softmax => {
                (Task::Multiclass, (0..outcome.outputs).map(|class| class.to_string()).collect())
            }
        };
        let calibration = if outcome.slope == 1.0 {
            Calibration::None
        } else {
            Calibration::Platt { slope: outcome.slope, intercept: 0.0 }
        };
        notes.push(match ensemble.sum {
            Sum::OrderedF64 { divide_by } if divide_by > 1.0 => format!(
                "Thresholds and leaf values are kept in f64 and added in the order of the trees: a margin is the \
                 mean of {divide_by} rounds, rounded to f32 once."
            ),
            Sum::OrderedF64 { .. } => "Thresholds and leaf values are kept in f64 and added in the order of the \
                                       trees: a margin is the library's raw score, rounded to f32 once."
                .to_owned(),
            _ => "Thresholds and leaf values are kept in f32 and added in the order of the trees: a margin has \
                  the bits of the library's own."
                .to_owned(),
        });
        let model = Model::Trees(ensemble);
        let parts = ScorerParts { task, classes, recipe, link: outcome.link, calibration, model };
        Scorer::new(&parts)?;
        let sha256 = Sha256([0; 32]);
        Ok(Self { format, objective: outcome.objective, parts, notes, sha256 })
    }
}
