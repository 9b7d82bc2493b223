//! The recipe: how fields become features. [`RecipeSpec`] is what the user asks for, [`FittedRecipe`]
//! is what was learnt from training rows; `yard_data` fits, `yard_score` alone executes.

use crate::{cell::CellRules, schema::FieldType};
use serde::{Deserialize, Serialize};

/// How features are encoded, by the needs of the learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// For trees: numbers as they are (missing stays missing), categories as ordinal codes.
    Trees,
    /// For linear models and nets: missing filled with the median plus a flag, scaled, one-hot.
    Dense,
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeSpec {
    /// Categories kept per column in one-hot encoding; the rest is "other".
    pub max_categories: usize,
    /// Categories rarer than this in training rows become "other".
    pub min_category_rows: usize,
    /// Date parts added for each datetime field.
    pub date_parts: Vec<DatePart>,
    /// Columns to leave out although their role is feature.
    #[serde(default)]
    pub exclude: Vec<String>,
}

impl Default for RecipeSpec {
    fn default() -> Self {
        Self {
            max_categories: 100,
            min_category_rows: 1,
            date_parts: vec![DatePart::Year, DatePart::Month, DatePart::Day, DatePart::Weekday],
            exclude: Vec::new(),
        }
    }
}

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// Year.
    Year,
    /// Month 1..=12.
    Month,
    /// Day of the month.
    Day,
    /// Monday 0 .. Sunday 6.
    Weekday,
    /// Hour 0..=23.
    Hour,
    /// Day of the year 1..=366.
    DayOfYear,
}

impl DatePart {
    /// Returns the part of an instant as a number.
    pub fn of(self, micros: i64) -> f64 {
        let parts = crate::date::parts(micros);
        match self {
            Self::Year => f64::from(parts.year),
            Self::Month => f64::from(parts.month),
            Self::Day => f64::from(parts.day),
            Self::Weekday => f64::from(parts.weekday),
            Self::Hour => f64::from(parts.hour),
            Self::DayOfYear => f64::from(parts.day_of_year),
        }
    }

    /// Returns the word used in feature names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
            Self::DayOfYear => "day_of_year",
        }
    }
}

/// Standardisation: `(x − mean) × inverse_sd`, computed in f64.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Mean of the training rows.
    pub mean: f64,
    /// One over the standard deviation; 0 for a constant column.
    pub inverse_sd: f64,
}

/// An input field of the fitted recipe, with all that is needed to read it from JSON, CSV or a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedInput {
    /// Field name.
    pub name: String,
    /// Field type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Reading rules.
    #[serde(default)]
    pub rules: CellRules,
    /// Known categories of a category field, sorted; the code of a category is its position. An
    /// unseen category has code `categories.len()` ("other").
    #[serde(default)]
    pub categories: Vec<String>,
}

/// How one model feature is computed from one input field. The result is computed in f64 and rounded
/// to f32 once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum FeatureOp {
    /// The number itself (integers, booleans as 0/1). Missing: `fill`, or NaN when `None`.
    Number {
        /// Replacement of missing (training median).
        fill: Option<f64>,
        /// Standardisation after filling.
        scale: Option<Scale>,
    },
    /// 1 when the field is missing, else 0.
    MissingFlag,
    /// Ordinal code of the category; unseen → `categories.len()`; missing → NaN.
    Code,
    /// 1 when the category has this code (`categories.len()` = unseen), else 0; missing → 0.
    OneHot {
        /// Code.
        code: u32,
    },
    /// A part of a datetime. Missing: `fill`, or NaN when `None`.
    Date {
        /// Part.
        part: DatePart,
        /// Replacement of missing.
        fill: Option<f64>,
        /// Standardisation after filling.
        scale: Option<Scale>,
    },
}

/// One feature of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Name, e.g. `tenure`, `tenure missing`, `Contract = Two year`, `date month`.
    pub name: String,
    /// Index into [`FittedRecipe::inputs`].
    pub input: u32,
    /// Computation.
    #[serde(flatten)]
    pub op: FeatureOp,
}

/// The fitted recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedRecipe {
    /// Encoding.
    pub encoding: Encoding,
    /// Input fields in schema order.
    pub inputs: Vec<FittedInput>,
    /// Features in model order.
    pub features: Vec<Feature>,
}
