//! Counting a server's values in the bins of a reference. One update is a binary search and a few sums;
//! nothing is allocated.

use crate::{
    error::MetricsError,
    sketch::{Layout, ReferenceSketch, SketchCounts},
};

/// Sketch of a field that is being filled.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentSketch {
    field: String,
    layout: Layout,
    counts: SketchCounts,
}

impl CurrentSketch {
    /// Makes an empty sketch with the reference's bins.
    pub fn new(reference: &ReferenceSketch) -> Self {
        Self {
            field: reference.field.clone(),
            layout: reference.layout.clone(),
            counts: SketchCounts::empty(reference.layout.bins()),
        }
    }

    /// Continues from stored counts; errors when they were made for other bins.
    pub fn with_counts(reference: &ReferenceSketch, counts: SketchCounts) -> Result<Self, MetricsError> {
        let expected = reference.layout.bins();
        if counts.bins.len() != expected {
            return Err(MetricsError::Bins {
                field: reference.field.clone(),
                expected,
                got: counts.bins.len(),
            });
        }
        Ok(Self { counts, ..Self::new(reference) })
    }

    /// Returns the field name.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Counts a number; NaN is missing. In a category field it counts as unseen.
    pub fn push_number(&mut self, value: f64) {
        if value.is_nan() {
            return self.push_missing();
        }
        let Layout::Number { min, bounds } = &self.layout else {
            self.counts.unseen += 1;
            return;
        };
        self.counts.moments.push(value);
        if value < *min && !bounds.is_empty() {
            self.counts.below += 1;
            return;
        }
        match self.counts.bins.get_mut(bounds.partition_point(|bound| *bound < value)) {
            Some(bin) => *bin += 1,
            None => self.counts.above += 1,
        }
    }

    /// Counts a category. In a number field it counts as unseen.
    pub fn push_category(&mut self, value: &str) {
        let found = match &self.layout {
            Layout::Category { values } => values.binary_search_by(|known| known.as_str().cmp(value)).ok(),
            Layout::Number { .. } => None,
        };
        match found.and_then(|index| self.counts.bins.get_mut(index)) {
            Some(bin) => *bin += 1,
            None => self.counts.unseen += 1,
        }
    }

    /// Counts a missing value.
    pub fn push_missing(&mut self) {
        self.counts.missing += 1;
    }

    /// Returns the counts so far.
    pub fn counts(&self) -> &SketchCounts {
        &self.counts
    }

    /// Adds the counts of another sketch of the same bins.
    pub fn merge(&mut self, other: &SketchCounts) -> Result<(), MetricsError> {
        self.counts.merge(other).map_err(|error| match error {
            MetricsError::Bins { expected, got, .. } => {
                MetricsError::Bins { field: self.field.clone(), expected, got }
            }
            other => other,
        })
    }

    /// Returns the counts and starts again from zero: the end of a window.
    pub fn take(&mut self) -> SketchCounts {
        let counts = self.counts.clone();
        self.counts.clear();
        counts
    }
}
