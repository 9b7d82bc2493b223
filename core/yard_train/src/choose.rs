//! The choice among trained models: the simplest whose validation metric is within noise of the best.
//!
//! Within noise means that the paired bootstrap interval of the difference to the best includes 0 (Efron
//! and Tibshirani, 1993, doi:10.1201/9780429246593), the same rows resampled for both; a difference below
//! one standard error always is. The rule: Breiman et al., 1984, "Classification and Regression Trees",
//! section 3.4.3.

use crate::{
    TrainError,
    fit::Trained,
    measure::{Scored, decision, resamples_for},
};
use yard_metrics::bootstrap::{Bootstrap, PairedDifference, paired_difference};
use yard_types::{
    frame::Frame,
    metric::{better, metric_info},
    run::Family,
};

const RESAMPLES: u32 = 300;

/// A trained model with its predictions on the rows that choose.
pub(crate) struct Candidate {
    pub(crate) family: Family,
    pub(crate) trained: Trained,
    pub(crate) scored: Scored,
    /// The metric that chooses.
    pub(crate) value: f64,
    /// Index of its trial.
    pub(crate) trial: usize,
}

/// The candidate kept and a sentence on each candidate.
pub(crate) struct Choice {
    pub(crate) kept: usize,
    pub(crate) notes: Vec<String>,
}

/// Chooses among at least one candidate.
pub(crate) fn choose(
    frame: &Frame,
    metric: &str,
    candidates: &[Candidate],
    seed: u64,
) -> Result<Choice, TrainError> {
    let best = (0..candidates.len()).fold(0, |best, at| {
        if better(metric, candidates[at].value, candidates[best].value) { at } else { best }
    });
    let mut differences = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        differences.push(difference(frame, metric, (&candidates[best], candidate), seed)?);
    }
    let simple = |at: &usize| (candidates[*at].family.complexity(), candidates[*at].trial);
    let kept = (0..candidates.len())
        .filter(|at| *at == best || !differences[*at].worse_beyond_noise())
        .min_by_key(simple)
        .unwrap_or(best);
    let notes =
        (0..candidates.len()).map(|at| note(at, kept, best, (&candidates[best], &differences[at]))).collect();
    Ok(Choice { kept, notes })
}

fn difference(
    frame: &Frame,
    metric: &str,
    (best, other): (&Candidate, &Candidate),
    seed: u64,
) -> Result<PairedDifference, TrainError> {
    let bootstrap = Bootstrap { resamples: resamples_for(best.scored.len(), RESAMPLES), seed };
    let (best, other) = (best.scored.rows()?, other.scored.rows()?);
    paired_difference(best, other, &decision(frame, None), metric, &bootstrap)
        .map_err(|error| TrainError::part("metrics", &error))
}

fn note(at: usize, kept: usize, best: usize, (champion, found): (&Candidate, &PairedDifference)) -> String {
    let metric = &found.metric;
    let decimals = metric_info(metric).map_or(4, |info| info.decimals + 1);
    let figures = match (found.low, found.high) {
        (Some(low), Some(high)) => format!(
            "{metric} {:.decimals$}, {:+.decimals$} to the best ({}), 95 % {low:+.decimals$} to {high:+.decimals$}",
            found.challenger,
            found.difference,
            champion.family.word()
        ),
        _ => format!("{metric} {:.decimals$}", found.challenger),
    };
    match (at == kept, at == best) {
        (true, true) => format!("kept: best {metric} ({:.decimals$})", found.challenger),
        (true, false) => format!("kept: the simplest within noise of the best; {figures}"),
        (false, true) => format!(
            "not kept: best {metric} ({:.decimals$}), but a simpler model is within noise of it",
            found.challenger
        ),
        (false, false) if found.worse_beyond_noise() => format!("not kept: worse beyond noise; {figures}"),
        (false, false) => format!("not kept: within noise of the best, but not the simplest; {figures}"),
    }
}
