//! Constraints on trees by feature number: monotone directions and groups that may meet on a path.
//!
//! Monotone: a split is refused when its children would go the wrong way, and both children's values
//! are bounded by the middle between them from then on, so the prediction never goes the wrong way
//! anywhere. Interactions: a node may split on the features of the groups that hold all features of its
//! path.

use crate::{
    data::Features,
    error::BoostError,
    params::{BoostParams, Direction},
    quant::Sum,
};
use std::sync::Arc;

/// Names that an error lists at most.
const LISTED: usize = 40;

/// Constraints of one training.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraints {
    /// 1 up, −1 down, 0 free, `[features]`; empty when all are free.
    monotone: Vec<i8>,
    /// Groups as sets; empty when all features may meet.
    groups: Vec<FeatureSet>,
}

/// A set of features.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FeatureSet(Vec<u64>);

impl FeatureSet {
    fn add(&mut self, feature: u32) {
        let word = feature as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (feature % 64);
    }

    pub(crate) fn has(&self, feature: u32) -> bool {
        self.0.get(feature as usize / 64).is_some_and(|word| word >> (feature % 64) & 1 == 1)
    }

    fn holds(&self, other: &Self) -> bool {
        other.0.iter().enumerate().all(|(at, word)| word & !self.0.get(at).copied().unwrap_or(0) == 0)
    }

    fn join(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
}

/// What a node inherits: bounds of its value, in units of gradient over hessian, and its features.
#[derive(Clone, Debug)]
pub(crate) struct Inherited {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Features of the path and features that may be split on; `None`: all.
    sets: Option<Arc<(FeatureSet, FeatureSet)>>,
}

impl Inherited {
    /// Whether the node may split on a feature.
    pub(crate) fn allows(&self, feature: u32) -> bool {
        self.sets.as_ref().is_none_or(|sets| sets.1.has(feature))
    }
}

/// A split, as far as its children inherit from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parted {
    pub(crate) feature: u32,
    /// Values of the left and the right child in units.
    pub(crate) left: f64,
    pub(crate) right: f64,
}

impl Constraints {
    /// Finds the features by name.
    pub(crate) fn resolve(params: &BoostParams, features: &Features) -> Result<Self, BoostError> {
        let mut out = Self::default();
        if !params.monotone.is_empty() {
            out.monotone = vec![0; features.columns.len()];
        }
        for (name, direction) in &params.monotone {
            let feature = find(features, "monotone", name, true)?;
            out.monotone[feature as usize] = if *direction == Direction::Up { 1 } else { -1 };
        }
        let mut listed = FeatureSet::default();
        for group in &params.interactions {
            let mut set = FeatureSet::default();
            for name in group {
                set.add(find(features, "interactions", name, false)?);
            }
            listed.join(&set);
            out.groups.push(set);
        }
        if !out.groups.is_empty() {
            for feature in (0..features.columns.len() as u32).filter(|&feature| !listed.has(feature)) {
                let mut alone = FeatureSet::default();
                alone.add(feature);
                out.groups.push(alone);
            }
        }
        Ok(out)
    }

    /// Direction of a feature: 1 up, −1 down, 0 free.
    pub(crate) fn direction(&self, feature: u32) -> i8 {
        self.monotone.get(feature as usize).copied().unwrap_or(0)
    }

    /// Whether any feature has a direction.
    pub(crate) fn monotone(&self) -> bool {
        !self.monotone.is_empty()
    }

    /// What a root starts with.
    pub(crate) fn root(&self) -> Inherited {
        let sets = (!self.groups.is_empty()).then(|| self.sets(FeatureSet::default()));
        Inherited { low: f64::NEG_INFINITY, high: f64::INFINITY, sets }
    }

    fn sets(&self, path: FeatureSet) -> Arc<(FeatureSet, FeatureSet)> {
        let mut allowed = FeatureSet::default();
        for group in self.groups.iter().filter(|group| group.holds(&path)) {
            allowed.join(group);
        }
        Arc::new((path, allowed))
    }

    /// What the children of a node inherit.
    pub(crate) fn children(&self, node: &Inherited, split: Parted) -> (Inherited, Inherited) {
        let (mut left, mut right) = (node.clone(), node.clone());
        let middle = f64::midpoint(split.left, split.right);
        match self.direction(split.feature) {
            1 => (left.high, right.low) = (middle, middle),
            -1 => (left.low, right.high) = (middle, middle),
            _ => {}
        }
        if let Some(sets) = &node.sets {
            let mut path = sets.0.clone();
            path.add(split.feature);
            let sets = self.sets(path);
            left.sets = Some(Arc::clone(&sets));
            right.sets = Some(sets);
        }
        (left, right)
    }
}

/// The feature of a name.
fn find(features: &Features, param: &str, name: &str, numeric: bool) -> Result<u32, BoostError> {
    let known = |&feature: &usize| !(numeric && features.categorical[feature]);
    let all = 0..features.columns.len();
    if let Some(feature) = all.clone().filter(known).find(|&feature| features.name(feature) == name) {
        return Ok(feature as u32);
    }
    let mut names: Vec<String> = all.filter(known).map(|feature| features.name(feature)).collect();
    if names.len() > LISTED {
        names.truncate(LISTED);
        names.push("..".to_owned());
    }
    let kind = if numeric { "numeric features" } else { "features" };
    Err(BoostError::ParamValue {
        name: param.to_owned(),
        value: name.to_owned(),
        expected: format!("{kind} among {}", names.join(", ")),
    })
}

/// How the value and the score of a side follow from its sums, in the histogram's units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalty {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// Bounds of the value.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// 1: the right side may not be below the left one, −1: not above.
    pub(crate) direction: i8,
}

impl Penalty {
    /// L2 alone.
    #[cfg(test)]
    pub(crate) fn plain(l2: f64) -> Self {
        Self { l1: 0.0, l2, low: f64::NEG_INFINITY, high: f64::INFINITY, direction: 0 }
    }

    /// Whether it is L2 alone.
    pub(crate) fn is_plain(&self) -> bool {
        self.l1 == 0.0 && self.direction == 0 && self.low == f64::NEG_INFINITY && self.high == f64::INFINITY
    }

    /// Gradient after the L1 penalty.
    fn soft(&self, g: f64) -> f64 {
        if self.l1 > 0.0 { (g.abs() - self.l1).max(0.0).copysign(g) } else { g }
    }

    /// Value of a side.
    #[inline]
    pub(crate) fn value(&self, sum: Sum) -> f64 {
        let h = sum.h as f64 + self.l2;
        let value = if h > 0.0 { -self.soft(sum.g as f64) / h } else { 0.0 };
        value.clamp(self.low, self.high)
    }

    /// Score of a side: `G² / (H + λ)` when nothing else than L2 applies.
    #[inline]
    pub(crate) fn half(&self, sum: Sum) -> f64 {
        if self.is_plain() {
            let g = sum.g as f64;
            return g * g / (sum.h as f64 + self.l2);
        }
        self.score(sum, self.value(sum))
    }

    fn score(&self, sum: Sum, value: f64) -> f64 {
        -(2.0 * self.soft(sum.g as f64) * value + (sum.h as f64 + self.l2) * value * value)
    }

    /// Score of both sides; minus infinity when they go the wrong way.
    pub(crate) fn both(&self, left: Sum, right: Sum) -> f64 {
        if self.is_plain() {
            return self.half(left) + self.half(right);
        }
        let (a, b) = (self.value(left), self.value(right));
        let wrong = match self.direction {
            1 => a > b,
            -1 => a < b,
            _ => false,
        };
        if wrong { f64::NEG_INFINITY } else { self.score(left, a) + self.score(right, b) }
    }
}
