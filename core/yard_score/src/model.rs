//! The model as data: linear, trees, dense net, with link and calibration. Learners write these,
//! packages store them, [`crate::scorer::Scorer`] alone executes them.

use crate::deep::DeepNet;
use serde::{Deserialize, Serialize};

/// How margins become probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Regression: the margin is the prediction.
    Identity,
    /// Regression of a positive mean (Poisson, Gamma, Tweedie): the prediction is `e^margin`, computed
    /// in f64 and rounded to f32 once.
    Log,
    /// Binary: one margin, log-odds of the positive class.
    Logistic,
    /// Multi-class: one margin per class.
    Softmax,
}

/// A fitted model of any family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum Model {
    /// Linear.
    Linear(LinearModel),
    /// Boosted trees or a forest.
    Trees(TreeEnsemble),
    /// Dense layers.
    Net(DenseNet),
    /// Operations on tensors: residual nets, transformers, convolutions.
    Deep(DeepNet),
    /// Weighted sum of models.
    Ensemble(EnsembleModel),
}

impl Model {
    /// Returns the margins per row.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Linear(model) => model.bias.len(),
            Self::Trees(model) => model.base.len(),
            Self::Net(model) => model.layers.last().map_or(0, |layer| layer.bias.len()),
            Self::Deep(model) => model.outputs as usize,
            Self::Ensemble(model) => model.bias.len(),
        }
    }
}

/// `margin[k] = bias[k] + Σ_m scale[m] × margin of member m [k]`, summed in member order in f64 and rounded
/// to f32 once. Made by [`crate::ensemble::join`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleModel {
    /// Members, none of them an ensemble.
    pub members: Vec<Member>,
    /// `[outputs]`: weighted intercepts of the members' calibrations.
    pub bias: Vec<f64>,
}

/// A member of an ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// First of its features within those of the recipe.
    pub first: u32,
    /// Number of its features. Of linear models and nets they are kept within the limits of the dense
    /// encoding.
    pub n_features: u32,
    /// Weight × slope of its calibration.
    pub scale: f64,
    /// Model.
    pub model: Model,
}

/// `margin[k] = bias[k] + Σ_j weights[k × n_features + j] × x[j]`, summed in feature order in f64 and
/// rounded to f32 once. Features must not be missing (the dense recipe fills them).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearModel {
    /// Number of features.
    pub n_features: u32,
    /// `[outputs, n_features]`, row-major.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// Trees whose leaf values and base lie on one binary grid (design: "leaf grid"), so that every f32
/// partial sum is exact; or trees of another library, added as it adds them ([`Sum`]).
/// `margin[k] = base[k] + Σ leaf values of the trees with output k`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeEnsemble {
    /// Number of features.
    pub n_features: u32,
    /// Base margin per output, on the grid.
    pub base: Vec<f32>,
    /// Grid step: base and all leaf values are integer multiples of it. 0 when there is none.
    pub grid: f32,
    /// How leaf values are added.
    #[serde(default, skip_serializing_if = "Sum::is_grid")]
    pub sum: Sum,
    /// Trees in order of growth; a multi-class round has one tree per class.
    pub trees: Vec<Tree>,
}

/// How the leaf values of an ensemble are added to a margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub enum Sum {
    /// In f32 in any order: values on a grid make each sum exact.
    #[default]
    Grid,
    /// In f32 from the base on, in the order of the trees (XGBoost).
    OrderedF32 {},
    /// In f64 from the base on, in the order of the trees; the sum is divided and rounded to f32 once
    /// (LightGBM). Leaf values are [`Tree::leaf_exact`].
    OrderedF64 {
        /// 1, or the rounds of a forest whose trees are averaged.
        divide_by: f64,
    },
}

impl Sum {
    /// Returns whether values lie on a grid.
    pub fn is_grid(&self) -> bool {
        *self == Self::Grid
    }

    /// Returns what the sum of the leaf values is divided by.
    pub fn divisor(&self) -> f64 {
        match self {
            Self::OrderedF64 { divide_by } => *divide_by,
            Self::Grid | Self::OrderedF32 {} => 1.0,
        }
    }
}

/// One tree in arrays. Node 0 is the root; a tree without nodes has one leaf.
///
/// A child is a node index when `>= 0`, else leaf `-(child + 1)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// Output (class) that the tree adds to.
    pub output: u32,
    /// Feature of each node.
    pub feature: Vec<u32>,
    /// Threshold: `x <= threshold` goes left. For a category split: offset into `category_words`.
    pub threshold: Vec<f32>,
    /// Left child.
    pub left: Vec<i32>,
    /// Right child.
    pub right: Vec<i32>,
    /// Bit 0: a missing value (NaN) goes left. Bit 1: category split.
    pub flags: Vec<u8>,
    /// Gain of each split, for importance; 0 when unknown.
    pub gain: Vec<f32>,
    /// Training rows (sum of weights) in each node, for path-dependent explanations.
    pub node_cover: Vec<f32>,
    /// Leaf values, on the grid if the ensemble has one.
    pub leaf_value: Vec<f32>,
    /// Leaf values of [`Sum::OrderedF64`], of which `leaf_value` is the nearest f32; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaf_exact: Vec<f64>,
    /// Training rows in each leaf.
    pub leaf_cover: Vec<f32>,
    /// Bit sets of category splits: at offset `o`, `category_words[o]` is the number of words, the
    /// words follow; a code whose bit is set goes left; a code beyond the set goes right. Only features of the recipe's `code` step may be split so.
    pub category_words: Vec<u32>,
}

impl Tree {
    /// Returns the value of a leaf as it is added; 0 for a leaf that does not exist.
    pub fn leaf(&self, leaf: usize) -> f64 {
        let narrow = || self.leaf_value.get(leaf).map_or(0.0, |value| f64::from(*value));
        self.leaf_exact.get(leaf).copied().unwrap_or_else(narrow)
    }
}

/// [`Tree::flags`]: missing goes left.
pub const MISSING_LEFT: u8 = 1;
/// [`Tree::flags`]: split on a set of category codes.
pub const CATEGORY_SPLIT: u8 = 2;

/// Activation of a dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// None.
    Identity,
    /// `max(x, 0)`.
    Relu,
}

/// A dense layer: `y = activation(W x + b)`; each output is summed in input order in f32 with 8 lanes
/// (lane `j mod 8`), lanes added pairwise: one order for one row and for batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseLayer {
    /// Inputs.
    pub inputs: u32,
    /// `[outputs, inputs]`, row-major.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
    /// Activation.
    pub activation: Activation,
}

/// Dense layers in order. For regression the last output is `y × scale + shift`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseNet {
    /// Layers.
    pub layers: Vec<DenseLayer>,
    /// Scale of the output (regression trains on a standardised target), else 1.
    pub scale: f32,
    /// Shift of the output, else 0.
    pub shift: f32,
}

/// Correction of margins into calibrated probabilities, fitted on validation rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Calibration {
    /// The link alone.
    None,
    /// `link(slope × margin + intercept)`, computed in f64 (Platt, 1999); several classes use the slope
    /// alone (temperature scaling, Guo et al., 2017).
    Platt {
        /// Slope, positive.
        slope: f64,
        /// Intercept.
        intercept: f64,
    },
}

/// All that turns a row into a prediction. Its canonical JSON plus weights is what `model_sha256`
/// hashes (see `yard_package::model_hash`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorerParts {
    /// Task.
    pub task: yard_types::frame::Task,
    /// Classes in model order; empty for regression.
    pub classes: Vec<String>,
    /// Fitted recipe.
    pub recipe: yard_types::recipe::FittedRecipe,
    /// Link.
    pub link: Link,
    /// Calibration.
    pub calibration: Calibration,
    /// Model.
    pub model: Model,
}
