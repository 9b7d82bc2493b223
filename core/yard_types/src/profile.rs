//! What a table holds, column by column, and what is wrong with it.
//! The names of the serialised keys are those of `modelyard profile --json`.

use crate::schema::{FieldType, SourceFormat};
use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Training is refused until it is mended.
    Error,
    /// Likely to harm the model or a stated repair of the file.
    Warning,
    /// Worth knowing.
    Info,
}

/// A problem found in the data, with the way to mend it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Stable code: `missing`, `constant`, `identifier`, `duplicate_rows`, `leak_suspect`,
    /// `class_imbalance`, `mixed_types`, `outliers`, `encoding`, `ragged_rows`, `renamed`, ...
    pub code: String,
    /// Column concerned, if one.
    pub column: Option<String>,
    /// Rows or cells concerned.
    pub count: u64,
    /// One sentence: what, where, and what was or can be done.
    pub message: String,
    /// Examples of rows (1-based line or row numbers with the value).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// One-click fix, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// A fix that the window offers beside a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fix {
    /// Leave the column out.
    Drop {
        /// Column.
        column: String,
    },
    /// Make the column the row identifier.
    MakeId {
        /// Column.
        column: String,
    },
    /// Read the column as a category.
    MakeCategory {
        /// Column.
        column: String,
    },
}

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopValue {
    /// Value as text.
    pub value: String,
    /// Rows.
    pub count: u64,
}

/// A histogram of a numeric or datetime column: `edges.len() == counts.len() + 1`. That of a column of
/// words has no edges: its bins are the values of [`ColumnProfile::top`], counted by class when a target
/// is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Ascending edges; the last bin includes its upper edge.
    pub edges: Vec<f64>,
    /// Rows a bin.
    pub counts: Vec<u64>,
    /// Rows of the positive class (or above the median target) a bin, when a target is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positive: Vec<u64>,
}

/// Statistics of one column. Numeric figures are `None` for text; missing cells and infinities are
/// left out of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Column name.
    pub name: String,
    /// Inferred type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Missing cells.
    pub missing: u64,
    /// Distinct values, missing not counted.
    pub distinct: u64,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation with n − 1.
    pub sd: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// First quartile, linear interpolation (Hyndman and Fan type 7, as numpy).
    pub q25: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Third quartile.
    pub q75: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Most frequent values, at most 20, ties in order of the value.
    pub top: Vec<TopValue>,
    /// Distribution of numbers and datetimes; of words when a target is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// ROC AUC (binary), macro one-against-rest AUC (multi-class) or absolute rank correlation
    /// (regression) of this column alone with the target, when a target is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone: Option<f64>,
}

/// Profile of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Rows.
    pub rows: u64,
    /// Columns in file order.
    pub columns: Vec<ColumnProfile>,
    /// Findings, most severe first.
    pub findings: Vec<Finding>,
    /// How the file was read.
    #[serde(default)]
    pub format: SourceFormat,
}

/// What identifies the content of a source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// File size in bytes.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: crate::ids::Sha256,
}
