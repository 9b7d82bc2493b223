//! The contract of a served model: which fields a request has and what they may hold.

use crate::{frame::Task, schema::FieldType};
use serde::{Deserialize, Serialize};

/// One field of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractField {
    /// Name.
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether null or absence is allowed. Features are nullable; the model handles missing values.
    pub nullable: bool,
    /// Smallest value seen in training (numbers; datetimes in microseconds).
    pub min: Option<f64>,
    /// Largest value seen in training.
    pub max: Option<f64>,
    /// Categories seen in training; another one is accepted, scored as "other" and counted as unseen.
    #[serde(default)]
    pub categories: Vec<String>,
    /// A typical value as JSON, for forms and examples.
    #[serde(default)]
    pub example: serde_json::Value,
}

/// Contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Model name, `^[a-z0-9][a-z0-9_-]{0,62}$`.
    pub name: String,
    /// Task.
    pub task: Task,
    /// Input fields in order.
    pub fields: Vec<ContractField>,
    /// Column that names a row, passed through if given.
    pub id_field: Option<String>,
    /// Target column, ignored if given.
    pub target: String,
    /// Classes in model order (binary: negative, positive); empty for regression.
    #[serde(default)]
    pub classes: Vec<String>,
}

/// Returns whether a name is allowed for a model, target or deployment: `^[a-z0-9][a-z0-9_-]{0,62}$`.
pub fn valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=63).contains(&bytes.len())
        && bytes.first().is_some_and(plain)
        && bytes.iter().all(|b| plain(b) || *b == b'_' || *b == b'-')
}

/// Makes a valid name of any text: lower case, other characters become `-`; "model" when nothing is left.
pub fn name_from_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_alphanumeric() || (c == '_' && !out.is_empty()) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= 60 {
            break;
        }
    }
    let out = out.trim_end_matches('-').to_owned();
    if out.is_empty() { "model".to_owned() } else { out }
}
