//! Hyperparameters of a random forest.

use super::{
    choice::{ClassWeight, Splitter},
    text::entries,
};
use crate::error::BoostError;
use std::collections::BTreeMap;

/// Hyperparameters of a random forest.
#[derive(Clone, Debug, PartialEq)]
pub struct ForestParams {
    /// Number of trees.
    pub trees: u32,
    /// Largest number of leaves of a tree; 0 sets no limit.
    pub leaves: u32,
    /// Largest depth of a tree; 0 sets no limit but 500.
    pub depth: u32,
    /// Smallest number of different training rows in a leaf.
    pub min_leaf: u32,
    /// Share of the features drawn at each node; 0 means the square root of their number for
    /// classes and a third for regression.
    pub feature_fraction: f64,
    /// Size of each tree's bootstrap sample (drawn with replacement) as a share of the rows.
    pub bagging_fraction: f64,
    /// Largest number of bins of a feature, at most 255 with the one of missing values.
    pub bins: u32,
    /// How a node's threshold is chosen.
    pub splitter: Splitter,
    /// Weights of classes, on top of the rows' own.
    pub class_weight: ClassWeight,
    /// Seed of the bootstrap and of the feature draws.
    pub seed: u64,
}

impl Default for ForestParams {
    fn default() -> Self {
        Self {
            trees: 300,
            leaves: 0,
            depth: 0,
            min_leaf: 2,
            feature_fraction: 0.0,
            bagging_fraction: 1.0,
            bins: 255,
            splitter: Splitter::Best,
            class_weight: ClassWeight::None,
            seed: 0,
        }
    }
}

const FOREST_NAMES: &str = "trees, leaves, depth, min_leaf, feature_fraction, bagging_fraction, bins, splitter, \
     class_weight";

impl ForestParams {
    /// Reads hyperparameters by name over the defaults; an unknown name or a value out of range is an
    /// error that lists what is allowed.
    pub fn from_params(params: &BTreeMap<String, String>) -> Result<Self, BoostError> {
        let mut out = Self::default();
        for entry in &entries(params)? {
            match entry.name {
                "trees" => out.trees = entry.whole(1..=100_000)?,
                "leaves" => out.leaves = entry.whole(0..=1_000_000)?,
                "depth" => out.depth = entry.whole(0..=500)?,
                "min_leaf" => out.min_leaf = entry.whole(1..=1_000_000_000)?,
                "feature_fraction" => out.feature_fraction = entry.number(0.0..=1.0)?,
                "bagging_fraction" => out.bagging_fraction = entry.number(1e-6..=1.0)?,
                "bins" => out.bins = entry.whole(2..=255)?,
                "splitter" => out.splitter = Splitter::read(entry)?,
                "class_weight" => out.class_weight = ClassWeight::read(entry)?,
                _ => return Err(entry.unknown(FOREST_NAMES)),
            }
        }
        Ok(out)
    }

    /// Names of all hyperparameters, and other names that are understood.
    pub fn names() -> Vec<&'static str> {
        FOREST_NAMES.split(',').map(str::trim).chain(["max_depth"]).collect()
    }

    /// Writes all hyperparameters in force.
    pub fn to_params(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("trees", self.trees.to_string()),
            ("leaves", self.leaves.to_string()),
            ("depth", self.depth.to_string()),
            ("min_leaf", self.min_leaf.to_string()),
            ("feature_fraction", self.feature_fraction.to_string()),
            ("bagging_fraction", self.bagging_fraction.to_string()),
            ("bins", self.bins.to_string()),
            ("splitter", self.splitter.word().to_owned()),
        ];
        let weights = self.class_weight.text().map(|text| ("class_weight", text));
        pairs.into_iter().chain(weights).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
