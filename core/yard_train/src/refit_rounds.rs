//! The number of boosting rounds of a refit on few rows: the mean of what the folds of training and
//! validation rows choose. One small validation part chooses it badly (64 rows of a fuel consumption set:
//! 39 to 109 rounds where 100 to 265 are best), five parts of it better.
//!
//! Method: cross-validated choice as in Hastie, Tibshirani and Friedman, 2009, "The Elements of Statistical
//! Learning", 2nd edition, section 7.10.

use crate::{
    Context, Observer, TrainError,
    fit::Run,
    folds::{divide, joined},
    target::Part,
};
use yard_types::{
    event::Progress,
    run::{Family, Params, RunSpec},
    schema::Role,
};

/// Rows from which one validation part is enough.
const ENOUGH: usize = 3_000;
/// Rows below which folds would be too small.
const FEWEST: usize = 50;
const FOLDS: u32 = 5;

/// Tells the folds' fits whether they are cancelled, and nobody of their curves.
struct Inner<'a>(&'a dyn Observer);

impl Observer for Inner<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Returns the number of rounds for a refit on `rows`; `None` where the one that was selected holds: other
/// families, a fixed number, enough rows, or an order of time, in which later rows alone may choose.
pub(crate) fn choose(
    run: &Run<'_>,
    (family, params): (Family, &Params),
    rows: &Part,
) -> Result<Option<u32>, TrainError> {
    let fixed = params.get("early_stopping").is_none_or(|rounds| rounds.trim() == "0");
    let timed = run.input.schema.with_role(Role::Time).is_some();
    let few = (FEWEST..ENOUGH).contains(&rows.rows.len());
    if family != Family::Boosting || fixed || timed || !few {
        return Ok(None);
    }
    let spec = RunSpec { folds: FOLDS, repeats: 1, ..run.spec.clone() };
    let quiet = Inner(run.context.observer);
    let context = Context { observer: &quiet, ..run.context.clone() };
    let run = Run { spec: &spec, context: &context, ..*run };
    // Groups may leave a fold empty: then the number that was selected holds.
    let Ok(folds) = divide(&run, rows) else { return Ok(None) };
    let mut sum = 0;
    for (index, fold) in folds.iter().enumerate() {
        quiet.0.progress(Progress {
            phase: "number of rounds by folds".to_owned(),
            done: index as u64,
            total: Some(folds.len() as u64),
            unit: "folds".to_owned(),
        });
        let train = rows.take(&joined(&fold.train, &fold.validation));
        sum += match run.fit(family, params, &train, &rows.take(&fold.test)) {
            Ok(trained) => trained.fitted.steps,
            Err(TrainError::Cancelled) => return Err(TrainError::Cancelled),
            // A class that is missing in a fold's training rows can't be learnt there.
            Err(_) => return Ok(None),
        };
    }
    let count = folds.len().max(1) as u32;
    Ok(Some(((sum + count / 2) / count).max(1)))
}
