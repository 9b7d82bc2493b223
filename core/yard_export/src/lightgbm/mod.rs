//! LightGBM's text model, written and read. The text holds features, not fields: what the recipe does to a
//! row has to be done before, and is described beside the model.
//! Format: LightGBM 4 (`version=v4`); Ke et al. (2017), "LightGBM: a highly efficient gradient boosting
//! decision tree", NeurIPS.

mod fields;
mod lines;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::read;
pub(crate) use write::{category_set, export};

/// Bit of `decision_type`: the split is on a set of categories.
const CATEGORICAL: u8 = 1;
/// Bit of `decision_type`: a missing value goes left.
const DEFAULT_LEFT: u8 = 2;
/// `decision_type` shifted by two: zero counts as missing.
const MISSING_ZERO: u8 = 1;
/// `decision_type` shifted by two: NaN is missing.
const MISSING_NAN: u8 = 2;
