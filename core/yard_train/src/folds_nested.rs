//! Nested cross-validation: the whole run, with its search, its inner folds and its choice, is repeated on
//! the training rows of each outer fold and tested on the rows that it never saw. The figures are those of
//! the way of choosing, free of the optimism that the figure of a chosen model has.
//!
//! Methods: Stone, 1974, "Cross-validatory choice and assessment of statistical predictions",
//! doi:10.1111/j.2517-6161.1974.tb00994.x; Cawley and Talbot, 2010, "On over-fitting in model selection",
//! JMLR 11.

use crate::{
    Context, Observer, TrainError, TrainInput,
    auto::Rows,
    fit::Run,
    folds::{divide, ratio, summarise},
    target::Part,
};
use std::collections::BTreeMap;
use yard_types::{event::Progress, metric::MetricSet, run::RunSpec, split::Split};

/// Part of the metrics under which the figures are kept.
pub(crate) const NAME: &str = "nested_cross_validation";

/// Tells an inner run whether it is cancelled, and nobody of its progress.
struct Inner<'a>(&'a dyn Observer);

impl Observer for Inner<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Returns how many runs a nested cross-validation of `spec` makes, the last one on all rows included.
pub(crate) fn runs(spec: &RunSpec) -> u32 {
    if spec.nested { spec.folds * spec.repeats.max(1) + 1 } else { 1 }
}

/// Repeats the run on each outer fold; returns the mean of the test figures with corrected intervals.
/// Inner runs choose as a run without folds does: on held-out rows, or by folds of their own where rows are
/// few.
pub(crate) fn nested(run: &Run<'_>, rows: &Rows, refit: bool) -> Result<MetricSet, TrainError> {
    let both = rows.both();
    let folds = divide(run, &both)?;
    let mut spec = RunSpec { folds: 0, repeats: 1, nested: false, ..run.spec.clone() };
    spec.params.insert(crate::refit::NAME.to_owned(), refit.to_string());
    let inner = Inner(run.context.observer);
    let context = Context { observer: &inner, finished: &[], ..run.context.clone() };
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (index, fold) in folds.iter().enumerate() {
        run.context.observer.progress(Progress {
            phase: "nested cross-validation".to_owned(),
            done: index as u64,
            total: Some(folds.len() as u64),
            unit: "folds".to_owned(),
        });
        let part = |positions: &[usize]| Part::take(&both, positions).rows;
        let split =
            Split { train: part(&fold.train), validation: part(&fold.validation), test: part(&fold.test) };
        let output = crate::train(&TrainInput { split: &split, ..*run.input }, &spec, &context)?;
        for (name, value) in output.metrics.get("test").into_iter().flatten() {
            values.entry(name.clone()).or_default().push(value.value);
        }
    }
    Ok(summarise(values, folds.len(), ratio(&folds)))
}
