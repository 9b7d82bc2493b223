//! Division of rows into train, validation and test.

use serde::{Deserialize, Serialize};

/// Part of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitPart {
    /// Rows that the learner and the recipe see.
    Train,
    /// Rows for early stopping, choice and thresholds.
    Validation,
    /// Rows looked at last.
    Test,
}

impl SplitPart {
    /// Returns the word used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// How rows are divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Share of validation rows.
    pub validation: f64,
    /// Share of test rows.
    pub test: f64,
    /// Seed of the row hash.
    pub seed: u64,
    /// Divide each class alike (classification only).
    pub stratify: bool,
    /// Keep the rows of a group together.
    pub group: Option<String>,
    /// Oldest rows train, newest test.
    pub time: Option<String>,
    /// Column that holds train / validation / test.
    pub column: Option<String>,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self { validation: 0.2, test: 0.2, seed: 0, stratify: true, group: None, time: None, column: None }
    }
}

/// Row numbers of each part, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Training rows.
    pub train: Vec<u32>,
    /// Validation rows.
    pub validation: Vec<u32>,
    /// Test rows.
    pub test: Vec<u32>,
}

impl Split {
    /// Returns the rows of a part.
    pub fn rows(&self, part: SplitPart) -> &[u32] {
        match part {
            SplitPart::Train => &self.train,
            SplitPart::Validation => &self.validation,
            SplitPart::Test => &self.test,
        }
    }

    /// Returns the sizes of the parts.
    pub fn counts(&self) -> SplitCounts {
        SplitCounts {
            train: self.train.len() as u64,
            validation: self.validation.len() as u64,
            test: self.test.len() as u64,
        }
    }
}

/// Sizes of the parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// Training rows.
    pub train: u64,
    /// Validation rows.
    pub validation: u64,
    /// Test rows.
    pub test: u64,
}
