//! The feature matrix as the learners take it, and the checks at the door.

use crate::error::BoostError;

/// Largest category code; with it the code sets of 8,000 splits stay addressable by an f32.
pub const MAX_CATEGORY_CODE: u32 = 65_535;
/// Largest number of rows of one training.
pub const MAX_ROWS: usize = 1 << 31;

/// A feature matrix by columns, borrowed.
///
/// Numbers: NaN is missing, infinities are kept and compared. Category columns hold codes `0..` as f32,
/// NaN is missing; a code that training did not see goes right at every split.
#[derive(Clone, Debug)]
pub struct Features<'a> {
    /// `[features][rows]`.
    pub columns: Vec<&'a [f32]>,
    /// Whether a column holds category codes, `[features]`.
    pub categorical: Vec<bool>,
    /// Rows.
    pub rows: usize,
    /// Names, which constraints go by, `[features]`; where there are none a feature's name is its number.
    pub names: Vec<String>,
}

impl<'a> Features<'a> {
    /// Makes a matrix of columns, all of one length; `categorical` marks the code columns.
    pub fn new(columns: Vec<&'a [f32]>, categorical: Vec<bool>) -> Result<Self, BoostError> {
        let rows = columns.first().map_or(0, |column| column.len());
        let features = Self { columns, categorical, rows, names: Vec::new() };
        features.check()?;
        Ok(features)
    }

    /// Gives the features names.
    #[must_use]
    pub fn with_names(self, names: Vec<String>) -> Self {
        Self { names, ..self }
    }

    /// Name of a feature.
    pub(crate) fn name(&self, feature: usize) -> String {
        self.names.get(feature).cloned().unwrap_or_else(|| feature.to_string())
    }

    /// Checks lengths and category codes.
    pub(crate) fn check(&self) -> Result<(), BoostError> {
        let (rows, features) = (self.rows, self.columns.len());
        if rows == 0 || features == 0 {
            return Err(BoostError::Empty { rows, features });
        }
        if rows > MAX_ROWS {
            return Err(BoostError::TooManyRows { rows, limit: MAX_ROWS });
        }
        if self.categorical.len() != features {
            let what = "the list of category flags".to_owned();
            return Err(BoostError::Length { what, got: self.categorical.len(), expected: features });
        }
        for (index, column) in self.columns.iter().enumerate() {
            if column.len() != rows {
                let what = format!("feature {index}");
                return Err(BoostError::Length { what, got: column.len(), expected: rows });
            }
            if self.categorical[index] {
                check_codes(index, column)?;
            }
        }
        Ok(())
    }
}

fn check_codes(feature: usize, column: &[f32]) -> Result<(), BoostError> {
    let limit = MAX_CATEGORY_CODE;
    let good = |value: f32| value.is_nan() || (0.0..=limit as f32).contains(&value) && value.fract() == 0.0;
    match column.iter().position(|&value| !good(value)) {
        Some(row) => Err(BoostError::CategoryCode { feature, row, value: column[row], limit }),
        None => Ok(()),
    }
}

/// Deepest tree, whatever the hyperparameters say: scorers walk and explain trees by recursion.
pub(crate) const MAX_DEPTH: u32 = 500;

/// Features with target and weights of one part of the split.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) features: &'a Features<'a>,
    pub(crate) y: &'a [f32],
    pub(crate) weights: Option<&'a [f32]>,
}

impl Part<'_> {
    /// Checks features, lengths and weights (the target is the objective's to check).
    pub(crate) fn check(&self, name: &str) -> Result<(), BoostError> {
        self.features.check()?;
        check_rows(name, self.y, self.weights, self.features.rows)
    }
}

/// Checks the lengths of target and weights, and the weights.
pub(crate) fn check_rows(
    name: &str,
    y: &[f32],
    weights: Option<&[f32]>,
    expected: usize,
) -> Result<(), BoostError> {
    if y.len() != expected {
        let what = format!("the target of the {name} part");
        return Err(BoostError::Length { what, got: y.len(), expected });
    }
    let Some(weights) = weights else { return Ok(()) };
    if weights.len() != expected {
        let what = format!("the weights of the {name} part");
        return Err(BoostError::Length { what, got: weights.len(), expected });
    }
    if let Some(row) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        return Err(BoostError::Weight { row, value: weights[row] });
    }
    if weights.iter().all(|&w| w == 0.0) {
        return Err(BoostError::NoWeight { rows: expected });
    }
    Ok(())
}
