//! The schema of a dataset: fields with type, role and reading rules.

use crate::cell::CellRules;
use serde::{Deserialize, Serialize};

/// Type of a field, as in `profile --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Real number.
    Number,
    /// Whole number.
    Integer,
    /// True or false.
    Boolean,
    /// One of a limited set of words.
    Category,
    /// Free text or identifiers.
    Text,
    /// Point in time.
    Datetime,
    /// Picture: a path within the folder of the data, or a `data:image/png;base64,...` text.
    Image,
}

impl FieldType {
    /// Returns the word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Category => "category",
            Self::Text => "text",
            Self::Datetime => "datetime",
            Self::Image => "image",
        }
    }
}

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Input of the model.
    Feature,
    /// What is predicted.
    Target,
    /// Names the row; kept beside scores, never an input.
    Id,
    /// Orders the rows in time; the split respects it.
    Time,
    /// Rows of one group stay in one part of the split.
    Group,
    /// Weight of a row in training and metrics.
    Weight,
    /// For fairness evaluation only, never an input.
    Sensitive,
    /// Holds train / validation / test.
    Split,
    /// Left out.
    Dropped,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Unique name, as in the file (or the stated repair of it).
    pub name: String,
    /// Type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Role.
    pub role: Role,
    /// How text becomes a value.
    #[serde(default)]
    pub rules: CellRules,
}

/// The format of a source file and how it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFormat {
    /// `csv`, `parquet`, `ndjson`, or `images` for a folder of images.
    pub kind: String,
    /// Field delimiter of a CSV.
    pub delimiter: Option<char>,
    /// Quote character of a CSV.
    pub quote: Option<char>,
    /// `utf-8`, `utf-16le`, `utf-16be` or `windows-1252`.
    pub encoding: String,
    /// Whether the first row holds names.
    pub header: bool,
    /// `gzip` when the file is compressed.
    pub compression: Option<String>,
}

/// Fields in file order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Fields in file order.
    pub fields: Vec<Field>,
    /// How the file is read.
    #[serde(default)]
    pub format: SourceFormat,
}

impl Schema {
    /// Returns a field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the first field of a role.
    pub fn with_role(&self, role: Role) -> Option<&Field> {
        self.fields.iter().find(|field| field.role == role)
    }

    /// Returns the fields that feed the model, in order.
    pub fn features(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.role == Role::Feature)
    }
}
