//! The form of the split: shares, seed and what the division follows, as typed.

use crate::drafts::DraftError;
use yard_types::split::SplitSpec;

/// What the division of the rows follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SplitBy {
    /// A hash of seed and row.
    #[default]
    Hash,
    /// Whole groups.
    Group,
    /// Time: the oldest rows train, the newest test.
    Time,
    /// A column that holds train, validation and test.
    Column,
}

impl SplitBy {
    /// All ways in the order of the form.
    pub const ALL: [Self; 4] = [Self::Hash, Self::Group, Self::Time, Self::Column];

    /// Returns the word shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hash => "row hash",
            Self::Group => "group",
            Self::Time => "time",
            Self::Column => "column",
        }
    }
}

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitDraft {
    /// Share of validation rows in percent, as typed.
    pub validation: String,
    /// Share of test rows in percent, as typed.
    pub test: String,
    /// Seed as typed.
    pub seed: String,
    /// Divide each class alike.
    pub stratify: bool,
    /// What the division follows.
    pub by: SplitBy,
    /// Column of a group, a time or the parts.
    pub column: String,
}

impl Default for SplitDraft {
    fn default() -> Self {
        Self::from_spec(&SplitSpec::default())
    }
}

impl SplitDraft {
    /// Fills the form from a split.
    pub fn from_spec(spec: &SplitSpec) -> Self {
        let (by, column) = match (&spec.column, &spec.time, &spec.group) {
            (Some(column), _, _) => (SplitBy::Column, column.clone()),
            (None, Some(time), _) => (SplitBy::Time, time.clone()),
            (None, None, Some(group)) => (SplitBy::Group, group.clone()),
            (None, None, None) => (SplitBy::Hash, String::new()),
        };
        let percent = |share: f64| crate::drafts::number((share * 1e6).round() / 1e4);
        Self {
            validation: percent(spec.validation),
            test: percent(spec.test),
            seed: spec.seed.to_string(),
            stratify: spec.stratify,
            by,
            column,
        }
    }

    /// Reads the form.
    pub fn to_spec(&self) -> Result<SplitSpec, DraftError> {
        let validation = share("validation", &self.validation)?;
        let test = share("test", &self.test)?;
        if validation + test > 0.95 {
            return Err(error("test", "at most 95 % for validation and test together", &self.test));
        }
        let seed = self.seed.trim().parse().map_err(|_| error("seed", "a whole number", self.seed.trim()))?;
        if self.by != SplitBy::Hash && self.column.is_empty() {
            return Err(error(self.by.word(), "a column", "none"));
        }
        let column = |by| (self.by == by).then(|| self.column.clone());
        Ok(SplitSpec {
            validation,
            test,
            seed,
            stratify: self.stratify && self.by == SplitBy::Hash,
            group: column(SplitBy::Group),
            time: column(SplitBy::Time),
            column: column(SplitBy::Column),
        })
    }
}

fn share(field: &str, text: &str) -> Result<f64, DraftError> {
    let text = text.trim();
    match text.replace(',', ".").parse::<f64>() {
        Ok(value) if (0.0..=90.0).contains(&value) => Ok(value / 100.0),
        _ => Err(error(field, "a percentage from 0 to 90", text)),
    }
}

fn error(field: &str, expected: &str, got: &str) -> DraftError {
    DraftError { field: field.to_owned(), message: format!("expected {expected}, got \"{got}\"") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_split_survives_the_form() {
        let specs = [
            SplitSpec::default(),
            SplitSpec { validation: 0.15, test: 0.1, seed: 7, ..SplitSpec::default() },
            SplitSpec { stratify: false, time: Some("month".into()), ..SplitSpec::default() },
            SplitSpec { stratify: false, group: Some("household".into()), ..SplitSpec::default() },
        ];
        for spec in specs {
            assert_eq!(SplitDraft::from_spec(&spec).to_spec().unwrap(), spec);
        }
    }

    #[test]
    fn refusals_name_the_field() {
        let check = |draft: SplitDraft, field: &str| {
            let error = draft.to_spec().unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.message.starts_with("expected"), "{}", error.message);
        };
        check(SplitDraft { validation: "x".into(), ..SplitDraft::default() }, "validation");
        check(SplitDraft { test: "91".into(), ..SplitDraft::default() }, "test");
        check(SplitDraft { validation: "60".into(), test: "40".into(), ..SplitDraft::default() }, "test");
        check(SplitDraft { seed: "-1".into(), ..SplitDraft::default() }, "seed");
        check(SplitDraft { by: SplitBy::Time, ..SplitDraft::default() }, "time");
    }
}
