//! The choice among trained models, and a sentence on each.
//!
//! Without a search the simplest model within noise of the best is kept; a search keeps the best and names
//! the smallest one within one standard error of it. Within noise means that the 95 % interval of the paired
//! difference ([`crate::paired`]) includes 0. The rule: Breiman et al., 1984, "Classification and
//! Regression Trees", section 3.4.3.

use crate::{
    TrainError,
    auto_budget::Cost,
    fit::Trained,
    measure::Scored,
    paired::{Difference, Judge},
};
use yard_types::{
    metric::{better, metric_info},
    run::{Family, Params},
};

/// A model with its predictions on the rows that choose.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) family: Family,
    /// Hyperparameters of a fit on training rows: those asked for, or what the folds settled on.
    pub(crate) settled: Params,
    /// The model of training rows; `None` when only folds were trained.
    pub(crate) trained: Option<Trained>,
    /// Predictions on validation rows, or on the test rows of each fold.
    pub(crate) parts: Vec<Scored>,
    /// The metric that chooses.
    pub(crate) value: f64,
    /// Index of its trial.
    pub(crate) trial: usize,
    /// Bytes of its arrays.
    pub(crate) size_bytes: u64,
    /// What keeping it would still cost.
    pub(crate) cost: Cost,
}

/// The candidate kept and a sentence on each candidate.
pub(crate) struct Choice {
    pub(crate) kept: usize,
    /// The smallest within one standard error of the best.
    pub(crate) smallest: usize,
    pub(crate) notes: Vec<String>,
}

/// Which model is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The simplest within noise of the best.
    Simplest,
    /// The best.
    Best,
}

/// Chooses among at least one candidate.
pub(crate) fn choose(judge: &Judge<'_>, candidates: &[Candidate], rule: Rule) -> Result<Choice, TrainError> {
    let best = best_of(judge.metric, candidates);
    let mut differences = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        differences.push(judge.difference(&candidates[best].parts, &candidate.parts)?);
    }
    let able = |fits: &dyn Fn(&Difference) -> bool| -> Vec<usize> {
        (0..candidates.len()).filter(|at| *at == best || fits(&differences[*at])).collect()
    };
    let simple = |at: &usize| (candidates[*at].family.complexity(), candidates[*at].trial);
    let small = |at: &usize| (candidates[*at].size_bytes, candidates[*at].trial);
    let smallest = able(&|own| own.within_one_error()).into_iter().min_by_key(small).unwrap_or(best);
    let simplest = || able(&|own| !own.worse_beyond_noise()).into_iter().min_by_key(simple);
    let kept = if rule == Rule::Best { best } else { simplest().unwrap_or(best) };
    let sentence = |at: usize| note(Place { at, kept, best, smallest }, &candidates[best], &differences[at]);
    let notes = (0..candidates.len()).map(sentence).collect();
    Ok(Choice { kept, smallest, notes })
}

/// Returns the index of the best candidate; of equal ones the first.
pub(crate) fn best_of(metric: &str, candidates: &[Candidate]) -> usize {
    (0..candidates.len()).fold(0, |best, at| {
        if better(metric, candidates[at].value, candidates[best].value) { at } else { best }
    })
}

#[derive(Clone, Copy)]
struct Place {
    at: usize,
    kept: usize,
    best: usize,
    smallest: usize,
}

fn note(place: Place, champion: &Candidate, found: &Difference) -> String {
    let metric = &found.metric;
    let decimals = metric_info(metric).map_or(4, |info| info.decimals + 1);
    let value = format!("{metric} {:.decimals$}", found.value);
    let figures = match found.interval {
        Some((low, high)) => format!(
            "{value}, {:+.decimals$} to the best ({}), 95 % {low:+.decimals$} to {high:+.decimals$}",
            found.difference,
            champion.family.word()
        ),
        None => value,
    };
    let Place { at, kept, best, smallest } = place;
    let small = if at == smallest && best != smallest {
        "; the smallest within one standard error of the best"
    } else {
        ""
    };
    match (at == kept, at == best) {
        (true, true) => format!("kept: best {metric} ({:.decimals$})", found.value),
        (true, false) => format!("kept: the simplest within noise of the best; {figures}"),
        (false, true) => format!(
            "not kept: best {metric} ({:.decimals$}), but a simpler model is within noise of it",
            found.value
        ),
        (false, false) if found.worse_beyond_noise() => format!("not kept: worse beyond noise; {figures}"),
        (false, false) => format!("not kept: within noise of the best; {figures}{small}"),
    }
}
