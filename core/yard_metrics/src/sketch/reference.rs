//! The reference sketch of a field: bins fixed from reference values, and their counts.

use crate::{
    error::MetricsError,
    sketch::{CurrentSketch, SketchCounts},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bins of a number field: reference deciles, fewer when values repeat.
pub const NUMBER_BINS: usize = 10;
/// Categories kept by name, the most frequent ones; the rest counts as unseen in reference and current.
pub const MAX_CATEGORIES: usize = 1_000;
/// Field name of the score.
pub const SCORE_FIELD: &str = "prediction";

/// Bins of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Layout {
    /// Numbers: bin i holds `bounds[i−1] < x <= bounds[i]`; the first bin starts at `min` (included), the
    /// last bound is the largest reference value. No bounds: no reference value was present.
    Number {
        /// Smallest reference value.
        min: f64,
        /// Upper bounds, ascending.
        bounds: Vec<f64>,
    },
    /// Categories, sorted by name.
    Category {
        /// Known values.
        values: Vec<String>,
    },
}

impl Layout {
    /// Returns the number of bins.
    pub fn bins(&self) -> usize {
        match self {
            Self::Number { bounds, .. } => bounds.len(),
            Self::Category { values } => values.len(),
        }
    }

    /// Returns the label of each bin: `≤ 12`, `12 – 20`, or the category.
    pub fn labels(&self) -> Vec<String> {
        match self {
            Self::Number { bounds, .. } => (0..bounds.len())
                .map(|bin| match bin.checked_sub(1).and_then(|before| bounds.get(before)) {
                    Some(low) => format!("{} – {}", short(*low), short(bounds[bin])),
                    None => format!("≤ {}", short(bounds[bin])),
                })
                .collect(),
            Self::Category { values } => values.clone(),
        }
    }
}

/// Returns a number with at most four significant digits.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor() as i32;
    if (-4..=14).contains(&magnitude) {
        let scale = 10_f64.powi(3 - magnitude);
        format!("{}", (value * scale).round() / scale)
    } else {
        format!("{value:.3e}")
    }
}

/// What a package remembers of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceSketch {
    /// Field name.
    pub field: String,
    /// Bins.
    pub layout: Layout,
    /// Counts of the reference rows.
    pub counts: SketchCounts,
}

impl ReferenceSketch {
    /// Makes the sketch of a number field; NaN is missing. Bounds are the values at the reference deciles
    /// (inverted distribution function), equal ones merged. Infinite values count as outside.
    pub fn from_values(field: &str, values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let mut bounds: Vec<f64> = (1..=NUMBER_BINS)
            .filter_map(|decile| sorted.get((decile * n).div_ceil(NUMBER_BINS).saturating_sub(1)).copied())
            .collect();
        bounds.dedup();
        let layout = Layout::Number { min: sorted.first().copied().unwrap_or(0.0), bounds };
        Self::counted(field, layout, |sketch| values.iter().for_each(|value| sketch.push_number(*value)))
    }

    /// Makes the sketch of a category field; `None` is missing.
    pub fn from_categories<'a>(field: &str, values: impl Iterator<Item = Option<&'a str>> + Clone) -> Self {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for value in values.clone().flatten() {
            *counts.entry(value).or_default() += 1;
        }
        let mut known: Vec<(&str, u64)> = counts.into_iter().collect();
        known.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        known.truncate(MAX_CATEGORIES);
        let mut names: Vec<String> = known.into_iter().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        Self::counted(field, Layout::Category { values: names }, |sketch| {
            values.for_each(|value| match value {
                Some(value) => sketch.push_category(value),
                None => sketch.push_missing(),
            });
        })
    }

    fn counted(field: &str, layout: Layout, fill: impl FnOnce(&mut CurrentSketch)) -> Self {
        let counts = SketchCounts::empty(layout.bins());
        let empty = Self { field: field.to_owned(), layout, counts };
        let mut sketch = CurrentSketch::new(&empty);
        fill(&mut sketch);
        Self { counts: sketch.take(), ..empty }
    }

    /// Returns the number of reference rows.
    pub fn rows(&self) -> u64 {
        self.counts.rows()
    }

    /// Checks a sketch that was read from a file: bounds finite and ascending, categories sorted, one count
    /// per bin.
    pub fn check(&self) -> Result<(), MetricsError> {
        let problem = |problem: &str| {
            Err(MetricsError::Reference { field: self.field.clone(), problem: problem.to_owned() })
        };
        if self.layout.bins() != self.counts.bins.len() {
            return problem("the number of counts is not the number of bins");
        }
        match &self.layout {
            Layout::Number { min, bounds } => {
                let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
                let first = bounds.first().is_none_or(|first| min <= first);
                if !ascending || !first || bounds.iter().any(|bound| !bound.is_finite()) {
                    return problem("bin bounds are not finite and ascending");
                }
            }
            Layout::Category { values } => {
                if values.windows(2).any(|pair| pair[0] >= pair[1]) {
                    return problem("categories are not sorted and distinct");
                }
            }
        }
        Ok(())
    }
}

/// `reference.json`: the sketches of all fields and of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceSet {
    /// Reference rows.
    pub rows: u64,
    /// Sketch per field, in the order of the contract.
    pub fields: Vec<ReferenceSketch>,
    /// Sketch of the score: probability of the positive class, predicted class, or predicted number.
    pub score: ReferenceSketch,
}

impl ReferenceSet {
    /// Checks every sketch.
    pub fn check(&self) -> Result<(), MetricsError> {
        self.fields.iter().chain([&self.score]).try_for_each(ReferenceSketch::check)
    }
}
