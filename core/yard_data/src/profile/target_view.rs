//! The target as the profile looks at it: codes or numbers per row, and which rows count as positive.

use crate::open::Dataset;
use crate::target::{NO_CLASS, target};
use yard_metrics::interval::quantile_sorted;
use yard_types::frame::{Frame, Task};

/// Most rows on which columns are compared with the target.
const MOST_ROWS: usize = 200_000;

/// A view on the target.
pub(super) struct TargetView {
    pub(super) name: String,
    pub(super) task: Task,
    pub(super) classes: Vec<String>,
    /// Class of each row, [`NO_CLASS`] without one.
    pub(super) codes: Vec<u32>,
    /// Number of each row, NaN without one.
    pub(super) values: Vec<f64>,
    /// Rows on which columns are compared with the target.
    pub(super) sample: Vec<u32>,
    pub(super) dropped: u64,
    middle: f64,
}

impl TargetView {
    /// Makes the view; `None` when the target can't be read (the frame's checks say why).
    pub(super) fn new(dataset: &Dataset, frame: &Frame) -> Option<Self> {
        let found = target(&dataset.table, &dataset.schema, frame).ok()?;
        let rows = found.rows();
        let step = rows.len().div_ceil(MOST_ROWS).max(1);
        let mut sorted: Vec<f64> = found.values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Self {
            name: frame.target.clone(),
            task: frame.task,
            classes: found.classes,
            codes: found.codes,
            values: found.values,
            sample: rows.into_iter().step_by(step).collect(),
            dropped: found.dropped.len() as u64,
            middle: quantile_sorted(&sorted, 0.5).unwrap_or(f64::NAN),
        })
    }

    /// Returns whether rows can be told apart as positive or not.
    pub(super) fn has_positive(&self) -> bool {
        self.task != Task::Multiclass
    }

    /// Returns whether a row is of the positive class, or above the median target.
    pub(super) fn positive(&self, row: usize) -> bool {
        match self.task {
            Task::Binary => self.codes.get(row) == Some(&1),
            Task::Regression => self.values.get(row).is_some_and(|value| *value > self.middle),
            Task::Multiclass => false,
        }
    }

    /// Returns the rows of each class.
    pub(super) fn class_counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.classes.len()];
        for code in self.codes.iter().filter(|code| **code != NO_CLASS) {
            if let Some(count) = counts.get_mut(*code as usize) {
                *count += 1;
            }
        }
        counts
    }
}
