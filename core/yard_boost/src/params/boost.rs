//! Hyperparameters of boosting.

use super::{
    choice::{
        ClassWeight, Direction, Goss, Growth, ObjectiveName, read_groups, read_monotone, write_groups,
        write_monotone,
    },
    text::{Entry, entries},
};
use crate::{error::BoostError, loss::Objective};
use std::collections::BTreeMap;

/// Hyperparameters of histogram gradient boosting.
#[derive(Clone, Debug, PartialEq)]
pub struct BoostParams {
    /// What a regression minimises.
    pub objective: ObjectiveName,
    /// Level of the objective `quantile`, 0.5 when not given.
    pub alpha: Option<f64>,
    /// Distance at which the objective `huber` turns from square to linear, in units of the target; the
    /// 0.9 quantile of the distances from the median when not given.
    pub delta: Option<f64>,
    /// Power of the objective `tweedie`, 1.5 when not given.
    pub power: Option<f64>,
    /// Largest number of rounds; without a value 2,000 with early stopping, else 200.
    pub trees: Option<u32>,
    /// How trees grow.
    pub growth: Growth,
    /// Largest number of leaves of a tree that grows leaf by leaf; 0 goes by the data, see [`BoostParams::for_data`].
    pub leaves: u32,
    /// Largest depth of a tree; 0 sets no limit but 500, and 6 for symmetric trees (at most 12).
    pub depth: u32,
    /// Factor on each tree's leaf values.
    pub learning_rate: f64,
    /// Smallest number of training rows in a leaf; 0 goes by the data.
    pub min_leaf: u32,
    /// Smallest sum of hessians in a leaf.
    pub min_hessian: f64,
    /// L1 penalty on leaf values.
    pub l1: f64,
    /// L2 penalty on leaf values.
    pub l2: f64,
    /// Smallest gain of a split.
    pub min_gain: f64,
    /// Share of the features that each tree may use; 0 goes by the data.
    pub feature_fraction: f64,
    /// Share of the rows that each tree is grown on; 0 goes by the data.
    pub bagging_fraction: f64,
    /// Gradient-based one-side sampling instead of `bagging_fraction`.
    pub goss: Option<Goss>,
    /// Features that the prediction may only rise or only fall with, by name.
    pub monotone: Vec<(String, Direction)>,
    /// Groups of features that may meet on one path of a tree, by name; a feature in no group is a
    /// group of its own. Empty: all may meet.
    pub interactions: Vec<Vec<String>>,
    /// Weights of classes, on top of the rows' own.
    pub class_weight: ClassWeight,
    /// Largest number of bins of a feature with the one of missing values, at most 65,535; above 255 a feature
    /// that needs them costs more time and memory. Categories, and rows from a stream, have at most 255.
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
            objective: ObjectiveName::Default,
            alpha: None,
            delta: None,
            power: None,
            trees: None,
            growth: Growth::Auto,
            leaves: 0,
            depth: 0,
            learning_rate: 0.05,
            min_leaf: 0,
            min_hessian: 1e-3,
            l1: 0.0,
            l2: 1.0,
            min_gain: 0.0,
            feature_fraction: 0.0,
            bagging_fraction: 0.0,
            goss: None,
            monotone: Vec::new(),
            interactions: Vec::new(),
            class_weight: ClassWeight::None,
            bins: 255,
            early_stopping: 50,
            max_cat_threshold: 32,
            cat_smooth: 10.0,
            cat_l2: 10.0,
            min_cat_rows: 10,
            seed: 0,
        }
    }
}

/// Rows below which data is small, and from which each tree sees all rows.
const SMALL_ROWS: usize = 8_000;
/// Rows below which leaves may be as small as three of them.
const FEW_ROWS: usize = 3_000;
const LARGE_ROWS: usize = 30_000;
/// Features from which trees of small data see a part of them.
const MANY_FEATURES: usize = 16;

const NAMES: &str = "objective, alpha, delta, power, trees, growth, leaves, depth, learning_rate, min_leaf, min_hessian, \
     l1, l2, min_gain, feature_fraction, bagging_fraction, goss, monotone, interactions, class_weight, bins, \
     early_stopping, max_cat_threshold, cat_smooth, cat_l2, min_cat_rows";

impl BoostParams {
    /// Hyperparameters of a test: none goes by the data.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self {
            leaves: 31,
            min_leaf: 20,
            feature_fraction: 1.0,
            bagging_fraction: 1.0,
            min_cat_rows: 2,
            ..Self::default()
        }
    }

    /// Reads hyperparameters by name over the defaults; an unknown name or a value out of range is an
    /// error that lists what is allowed. The seed comes with the run, not from here.
    ///
    /// `monotone` reads `tenure:+,age:-`; `interactions` reads `age,income;tenure,plan`; `goss` reads
    /// `0.2,0.1` (share of the rows with the largest gradients, share of the others); `class_weight`
    /// reads `balanced` or one number per class. Names with `,`, `;` or `:` stand in double quotes.
    pub fn from_params(params: &BTreeMap<String, String>) -> Result<Self, BoostError> {
        let mut out = Self::default();
        let entries = entries(params)?;
        for entry in &entries {
            out.set(entry)?;
        }
        for entry in &entries {
            out.check(entry)?;
        }
        Ok(out)
    }

    fn set(&mut self, entry: &Entry) -> Result<(), BoostError> {
        match entry.name {
            "objective" => self.objective = ObjectiveName::read(entry)?,
            "alpha" => self.alpha = Some(entry.number(0.001..=0.999)?),
            "delta" => self.delta = Some(entry.number(1e-30..=1e30)?),
            "power" => self.power = Some(entry.number(1.01..=1.99)?),
            "trees" => self.trees = Some(entry.whole(1..=100_000)?),
            "growth" => self.growth = Growth::read(entry)?,
            "leaves" => self.leaves = entry.whole_or_0(2..=8_000)?,
            "depth" => self.depth = entry.whole(0..=500)?,
            "learning_rate" => self.learning_rate = entry.number(1e-6..=10.0)?,
            "min_leaf" => self.min_leaf = entry.whole(0..=1_000_000_000)?,
            "min_hessian" => self.min_hessian = entry.number(0.0..=1e12)?,
            "l1" => self.l1 = entry.number(0.0..=1e12)?,
            "l2" => self.l2 = entry.number(0.0..=1e12)?,
            "min_gain" => self.min_gain = entry.number(0.0..=1e300)?,
            "feature_fraction" => self.feature_fraction = entry.number(0.0..=1.0)?,
            "bagging_fraction" => self.bagging_fraction = entry.number(0.0..=1.0)?,
            "goss" => self.goss = Goss::read(entry)?,
            "monotone" => self.monotone = read_monotone(entry)?,
            "interactions" => self.interactions = read_groups(entry)?,
            "class_weight" => self.class_weight = ClassWeight::read(entry)?,
            "bins" => self.bins = entry.whole(2..=65_535)?,
            "early_stopping" => self.early_stopping = entry.whole(0..=100_000)?,
            "max_cat_threshold" => self.max_cat_threshold = entry.whole(1..=255)?,
            "cat_smooth" => self.cat_smooth = entry.number(0.0..=1e12)?,
            "cat_l2" => self.cat_l2 = entry.number(0.0..=1e12)?,
            "min_cat_rows" => self.min_cat_rows = entry.whole(0..=1_000_000_000)?,
            _ => return Err(entry.unknown(NAMES)),
        }
        Ok(())
    }

    /// Checks an entry against the others.
    fn check(&self, entry: &Entry) -> Result<(), BoostError> {
        let needs = match entry.name {
            "alpha" => Some(ObjectiveName::Quantile),
            "delta" => Some(ObjectiveName::Huber),
            "power" => Some(ObjectiveName::Tweedie),
            "goss" if self.goss.is_some() && (1e-9..1.0).contains(&self.bagging_fraction) => {
                return Err(entry.bad("goss or a bagging_fraction below 1, not both"));
            }
            "monotone" if matches!(self.objective, ObjectiveName::Absolute | ObjectiveName::Quantile) => {
                let word = self.objective.word();
                return Err(
                    entry.bad(format!("another objective with it than {word}, whose leaves hold quantiles"))
                );
            }
            _ => None,
        };
        match needs.filter(|name| *name != self.objective) {
            Some(name) => Err(entry.bad(format!("objective={} with it", name.word()))),
            None => Ok(()),
        }
    }

    /// Returns the objective for a task's own one ([`Objective::Regression`] for numbers): for numbers
    /// the one that `objective` names. For classes any other name than the default is an error.
    pub fn objective(&self, task: Objective) -> Result<Objective, BoostError> {
        if task.classes().is_none() {
            return Ok(match self.objective {
                ObjectiveName::Default | ObjectiveName::Squared => task,
                ObjectiveName::Absolute => Objective::Absolute,
                ObjectiveName::Huber => Objective::Huber(self.delta),
                ObjectiveName::Quantile => Objective::Quantile(self.alpha.unwrap_or(0.5)),
                ObjectiveName::Poisson => Objective::Poisson,
                ObjectiveName::Gamma => Objective::Gamma,
                ObjectiveName::Tweedie => Objective::Tweedie(self.power.unwrap_or(1.5)),
            });
        }
        if self.objective == ObjectiveName::Default {
            return Ok(task);
        }
        Err(BoostError::ParamValue {
            name: "objective".to_owned(),
            value: self.objective.word().to_owned(),
            expected: "default, as the target holds classes".to_owned(),
        })
    }

    /// Writes all hyperparameters in force (for the model's record), `trees` as used; options that are
    /// off are left out.
    pub fn to_params(&self, with_validation: bool) -> BTreeMap<String, String> {
        let pairs = [
            ("objective", self.objective.word().to_owned()),
            ("trees", self.rounds(with_validation).to_string()),
            ("growth", self.growth.word().to_owned()),
            ("leaves", self.leaves.to_string()),
            ("depth", self.depth.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("min_leaf", self.min_leaf.to_string()),
            ("min_hessian", self.min_hessian.to_string()),
            ("l1", self.l1.to_string()),
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
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let options = [
            ("alpha", self.alpha.map(|alpha| alpha.to_string())),
            ("delta", self.delta.map(|delta| delta.to_string())),
            ("power", self.power.map(|power| power.to_string())),
            ("goss", self.goss.map(|goss| format!("{},{}", goss.top, goss.other))),
            ("monotone", some(write_monotone(&self.monotone))),
            ("interactions", some(write_groups(&self.interactions))),
            ("class_weight", self.class_weight.text()),
        ];
        let options = options.into_iter().filter_map(|(name, text)| Some((name, text?)));
        pairs.into_iter().chain(options).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Fills in what goes by the number of training rows and features: small data gets smaller trees,
    /// smaller leaves, and with many features a part of them for each tree; a part of the rows for each
    /// tree below 30,000 rows. Chosen on 21 public sets by 5-fold cross-validation.
    #[must_use]
    pub fn for_data(&self, rows: usize, features: usize) -> Self {
        let mut out = self.clone();
        let small = rows < SMALL_ROWS;
        if out.leaves == 0 {
            out.leaves = ((0.3 * (rows as f64).sqrt()) as u32).clamp(8, 31);
        }
        if out.min_leaf == 0 {
            let symmetric = out.growth == Growth::Symmetric;
            out.min_leaf = if symmetric {
                1
            } else if rows < FEW_ROWS {
                3
            } else {
                (rows / 400).clamp(7, 20) as u32
            };
        }
        if out.feature_fraction <= 0.0 {
            out.feature_fraction = if small && features >= MANY_FEATURES { 0.5 } else { 1.0 };
        }
        if out.bagging_fraction <= 0.0 {
            out.bagging_fraction = if rows < LARGE_ROWS && out.goss.is_none() { 0.7 } else { 1.0 };
        }
        out
    }

    /// Names of all hyperparameters, and other names that are understood.
    pub fn names() -> Vec<&'static str> {
        NAMES.split(',').map(str::trim).chain(["max_depth"]).collect()
    }

    /// Returns the largest number of rounds.
    pub fn rounds(&self, with_validation: bool) -> u32 {
        let stops = with_validation && self.early_stopping > 0;
        self.trees.unwrap_or(if stops { 2_000 } else { 200 })
    }
}
