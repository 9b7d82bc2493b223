//! Hyperparameters of boosting and forests: names, defaults, ranges, and reading them from text.

use crate::error::BoostError;
use std::{collections::BTreeMap, ops::RangeInclusive, str::FromStr};

/// Hyperparameters of histogram gradient boosting.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostParams {
    /// Largest number of rounds; without a value 1,000 with early stopping, else 200.
    pub trees: Option<u32>,
    /// Largest number of leaves of a tree.
    pub leaves: u32,
    /// Largest depth of a tree; 0 sets no limit but 500.
    pub depth: u32,
    /// Factor on each tree's leaf values.
    pub learning_rate: f64,
    /// Smallest number of training rows in a leaf.
    pub min_leaf: u32,
    /// Smallest sum of hessians in a leaf.
    pub min_hessian: f64,
    /// L2 penalty on leaf values.
    pub l2: f64,
    /// Smallest gain of a split.
    pub min_gain: f64,
    /// Share of the features that each tree may use.
    pub feature_fraction: f64,
    /// Share of the rows that each tree is grown on.
    pub bagging_fraction: f64,
    /// Largest number of bins of a feature, at most 255 with the one of missing values.
    pub bins: u32,
    /// Rounds without a better validation loss after which training stops; 0 never stops early.
    pub early_stopping: u32,
    /// Largest number of categories on the smaller side of a category split.
    pub max_cat_threshold: u32,
    /// Added to a category's hessian when categories are sorted by their mean gradient.
    pub cat_smooth: f64,
    /// L2 penalty on both sides of a category split, on top of `l2`.
    pub cat_l2: f64,
    /// Smallest number of training rows of a category that may be sent left on its own.
    pub min_cat_rows: u32,
    /// Seed of row and feature sampling.
    pub seed: u64,
}

impl Default for BoostParams {
    fn default() -> Self {
        Self {
            trees: None,
            leaves: 31,
            depth: 0,
            learning_rate: 0.05,
            min_leaf: 20,
            min_hessian: 1e-3,
            l2: 1.0,
            min_gain: 0.0,
            feature_fraction: 1.0,
            bagging_fraction: 1.0,
            bins: 255,
            early_stopping: 50,
            max_cat_threshold: 32,
            cat_smooth: 10.0,
            cat_l2: 10.0,
            min_cat_rows: 2,
            seed: 0,
        }
    }
}

const BOOST_NAMES: &str = "trees, leaves, depth, learning_rate, min_leaf, min_hessian, l2, min_gain, \
     feature_fraction, bagging_fraction, bins, early_stopping, max_cat_threshold, cat_smooth, cat_l2, \
     min_cat_rows";

impl BoostParams {
    /// Reads hyperparameters by name over the defaults; an unknown name or a value out of range is an
    /// error that lists what is allowed. The seed comes with the run, not from here.
    pub fn from_params(params: &BTreeMap<String, String>) -> Result<Self, BoostError> {
        let mut out = Self::default();
        for (name, text) in params {
            out.set(&Entry { name, text })?;
        }
        Ok(out)
    }

    fn set(&mut self, entry: &Entry) -> Result<(), BoostError> {
        match entry.name {
            "trees" => self.trees = Some(entry.whole(1..=100_000)?),
            "leaves" => self.leaves = entry.whole(2..=8_000)?,
            "depth" => self.depth = entry.whole(0..=500)?,
            "learning_rate" => self.learning_rate = entry.number(1e-6..=10.0)?,
            "min_leaf" => self.min_leaf = entry.whole(1..=1_000_000_000)?,
            "min_hessian" => self.min_hessian = entry.number(0.0..=1e12)?,
            "l2" => self.l2 = entry.number(0.0..=1e12)?,
            "min_gain" => self.min_gain = entry.number(0.0..=1e300)?,
            "feature_fraction" => self.feature_fraction = entry.number(1e-6..=1.0)?,
            "bagging_fraction" => self.bagging_fraction = entry.number(1e-6..=1.0)?,
            "bins" => self.bins = entry.whole(2..=255)?,
            "early_stopping" => self.early_stopping = entry.whole(0..=100_000)?,
            "max_cat_threshold" => self.max_cat_threshold = entry.whole(1..=255)?,
            "cat_smooth" => self.cat_smooth = entry.number(0.0..=1e12)?,
            "cat_l2" => self.cat_l2 = entry.number(0.0..=1e12)?,
            "min_cat_rows" => self.min_cat_rows = entry.whole(0..=1_000_000_000)?,
            _ => return Err(entry.unknown(BOOST_NAMES)),
        }
        Ok(())
    }

    /// Writes all hyperparameters in force (for the model's record), `trees` as used.
    pub fn to_params(&self, with_validation: bool) -> BTreeMap<String, String> {
        let pairs = [
            ("trees", self.rounds(with_validation).to_string()),
            ("leaves", self.leaves.to_string()),
            ("depth", self.depth.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("min_leaf", self.min_leaf.to_string()),
            ("min_hessian", self.min_hessian.to_string()),
            ("l2", self.l2.to_string()),
            ("min_gain", self.min_gain.to_string()),
            ("feature_fraction", self.feature_fraction.to_string()),
            ("bagging_fraction", self.bagging_fraction.to_string()),
            ("bins", self.bins.to_string()),
            ("early_stopping", self.early_stopping.to_string()),
            ("max_cat_threshold", self.max_cat_threshold.to_string()),
            ("cat_smooth", self.cat_smooth.to_string()),
            ("cat_l2", self.cat_l2.to_string()),
            ("min_cat_rows", self.min_cat_rows.to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Returns the largest number of rounds.
    pub fn rounds(&self, with_validation: bool) -> u32 {
        let stops = with_validation && self.early_stopping > 0;
        self.trees.unwrap_or(if stops { 1_000 } else { 200 })
    }
}

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
            seed: 0,
        }
    }
}

const FOREST_NAMES: &str = "trees, leaves, depth, min_leaf, feature_fraction, bagging_fraction, bins";

impl ForestParams {
    /// Reads hyperparameters by name over the defaults; an unknown name or a value out of range is an
    /// error that lists what is allowed.
    pub fn from_params(params: &BTreeMap<String, String>) -> Result<Self, BoostError> {
        let mut out = Self::default();
        for (name, text) in params {
            let entry = Entry { name, text };
            match entry.name {
                "trees" => out.trees = entry.whole(1..=100_000)?,
                "leaves" => out.leaves = entry.whole(0..=1_000_000)?,
                "depth" => out.depth = entry.whole(0..=500)?,
                "min_leaf" => out.min_leaf = entry.whole(1..=1_000_000_000)?,
                "feature_fraction" => out.feature_fraction = entry.number(0.0..=1.0)?,
                "bagging_fraction" => out.bagging_fraction = entry.number(1e-6..=1.0)?,
                "bins" => out.bins = entry.whole(2..=255)?,
                _ => return Err(entry.unknown(FOREST_NAMES)),
            }
        }
        Ok(out)
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
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

struct Entry<'a> {
    name: &'a str,
    text: &'a str,
}

impl Entry<'_> {
    fn whole(&self, range: RangeInclusive<u32>) -> Result<u32, BoostError> {
        self.parse("a whole number", range)
    }

    fn number(&self, range: RangeInclusive<f64>) -> Result<f64, BoostError> {
        self.parse("a number", range)
    }

    fn parse<T>(&self, kind: &str, range: RangeInclusive<T>) -> Result<T, BoostError>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        match self.text.trim().parse::<T>() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(BoostError::ParamValue {
                name: self.name.to_owned(),
                value: self.text.to_owned(),
                expected: format!("{kind} from {} to {}", range.start(), range.end()),
            }),
        }
    }

    fn unknown(&self, known: &str) -> BoostError {
        BoostError::UnknownParam { name: self.name.to_owned(), known: known.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<BoostParams, BoostError> {
        let map = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        BoostParams::from_params(&map)
    }

    #[test]
    fn values_are_read_over_the_defaults() {
        let params = read(&[("trees", "300"), ("learning_rate", "0.1"), ("bins", "63")]).unwrap();
        assert_eq!((params.trees, params.learning_rate, params.bins), (Some(300), 0.1, 63));
        assert_eq!(params.leaves, BoostParams::default().leaves);
    }

    #[test]
    fn written_values_are_read_back() {
        let params = read(&[("trees", "7"), ("l2", "0.30000000000000004")]).unwrap();
        assert_eq!(BoostParams::from_params(&params.to_params(true)).unwrap(), params);
        let forest = ForestParams { min_leaf: 9, ..ForestParams::default() };
        assert_eq!(ForestParams::from_params(&forest.to_params()).unwrap(), forest);
    }

    #[test]
    fn unknown_names_and_bad_values_say_what_is_allowed() {
        let text = read(&[("tree", "3")]).unwrap_err().to_string();
        assert!(text.contains("\"tree\"") && text.contains("trees, leaves"), "{text}");
        for (name, value) in [("trees", "0"), ("bins", "300"), ("l2", "-1"), ("l2", "nan"), ("leaves", "x")] {
            let text = read(&[(name, value)]).unwrap_err().to_string();
            assert!(text.contains(value) && text.contains("expected a"), "{text}");
        }
    }
}
