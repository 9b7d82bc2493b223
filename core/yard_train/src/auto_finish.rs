//! The end of a search: the choice among its candidates, the ensemble, the last fits and the notes. With a
//! time budget only what can still be fitted and evaluated in time is chosen from.

use crate::{
    TrainError,
    auto::{KEPT, Search},
    auto_workers::each,
    choose::{Candidate, Choice, Rule, best_of, choose},
    choose_front,
    ensemble::{self, Member, Selection},
    fit::Trained,
    folds::summarise,
    measure::{Scored, decision},
    train::Kept,
};
use std::collections::BTreeMap;
use yard_types::{
    metric::{MetricSet, metric_info},
    run::{Family, Trial},
};

/// Chooses, fits what is still to be fitted, and says why.
pub(crate) fn finish(mut search: Search<'_>) -> Result<Kept, TrainError> {
    let searched = search.shared.searched;
    let per_family = std::mem::take(&mut search.book.best).into_values();
    let mut candidates: Vec<Candidate> =
        per_family.flat_map(|own| own.into_iter().take(if searched { KEPT } else { 1 })).collect();
    if candidates.is_empty() {
        let reason = |trial: &Trial| format!("{}: {}", trial.family.word(), trial.note);
        let reasons: Vec<String> = search.book.trials.iter().map(reason).collect();
        return Err(TrainError::NothingTrained { reasons: reasons.join("; ") });
    }
    let mut notes = Vec::new();
    in_time(&search, &mut candidates, &mut notes);
    let judge = search.shared.judge(search.book.ratio);
    let choice = choose(&judge, &candidates, if searched { Rule::Best } else { Rule::Simplest })?;
    let trials = &mut search.book.trials;
    for (candidate, note) in candidates.iter().zip(&choice.notes) {
        trials[candidate.trial].note.clone_from(note);
    }
    for trial in trials.iter_mut().filter(|trial| trial.note.is_empty()) {
        trial.note = format!("not kept: other trials of {} are better", trial.family.word());
    }
    choose_front::mark(&search.shared.metric, trials);
    let smallest = smallest_note(&search.shared.metric, &candidates[choice.smallest]);
    let ensemble = if searched { ensemble(&mut search, &candidates, &choice, &mut notes)? } else { None };
    notes.push(smallest);
    if let Some(kept) = ensemble {
        return Ok(Kept { notes, ..kept });
    }
    let kept = candidates.swap_remove(choice.kept);
    search.book.trials[kept.trial].kept = true;
    let trained = if let Some(trained) = kept.trained {
        trained
    } else {
        let rows = search.shared.rows;
        search.shared.run.fit(kept.family, &kept.settled, &rows.train, &rows.validation)?
    };
    search.book.trials[kept.trial].params.clone_from(&trained.fitted.params);
    let refit_in_time = search.shared.budget.left().is_none_or(|left| left > 0.0);
    Ok(Kept {
        family: kept.family,
        cross_validation: search.book.cross_validation.remove(&kept.trial),
        trained,
        members: Vec::new(),
        trials: search.book.trials,
        notes,
        refit_in_time,
    })
}

/// Leaves out candidates for whose last fits and evaluation no time is left; at least one remains.
fn in_time(search: &Search<'_>, candidates: &mut Vec<Candidate>, notes: &mut Vec<String>) {
    let budget = &search.shared.budget;
    let Some(left) = budget.left() else { return };
    let needed = |own: &Candidate| budget.needed(std::iter::once(own.cost));
    let cheapest = candidates.iter().map(needed).fold(f64::INFINITY, f64::min);
    let before = candidates.len();
    candidates.retain(|own| needed(own) <= left.max(cheapest));
    let out = before - candidates.len();
    if out > 0 {
        notes.push(format!(
            "{out} of {before} candidates were left out: the time budget leaves {left:.0} s for their last fits and \
             evaluation"
        ));
    }
}

/// Selects an ensemble that can be fitted and evaluated in time: costly candidates are left out until it
/// can.
fn selected(
    search: &Search<'_>,
    candidates: &[Candidate],
) -> Result<Option<(Vec<Candidate>, Selection)>, TrainError> {
    let judge = search.shared.judge(search.book.ratio);
    let budget = &search.shared.budget;
    let mut allowed = candidates.to_vec();
    while allowed.len() > 1 {
        let Some(selection) = ensemble::select(&judge, &allowed)? else { return Ok(None) };
        let costs = || selection.weights.iter().map(|(at, _)| allowed[*at].cost);
        let Some(left) = budget.left().filter(|left| budget.needed(costs()) > *left) else {
            return Ok(Some((allowed, selection)));
        };
        let dear = |at: &usize| allowed[*at].cost.fits + allowed[*at].cost.evaluation;
        let members = selection.weights.iter().map(|(at, _)| *at);
        let Some(out) = members.reduce(|a, b| if dear(&b) > dear(&a) { b } else { a }) else { break };
        if left <= 0.0 {
            break;
        }
        allowed.remove(out);
    }
    Ok(None)
}

/// Makes the ensemble when it pays.
fn ensemble(
    search: &mut Search<'_>,
    candidates: &[Candidate],
    choice: &Choice,
    notes: &mut Vec<String>,
) -> Result<Option<Kept>, TrainError> {
    let Some((allowed, selection)) = selected(search, candidates)? else { return Ok(None) };
    let metric = search.shared.metric.clone();
    let judge = search.shared.judge(search.book.ratio);
    let best = best_of(&metric, candidates);
    let (pays, found) = ensemble::pays(&judge, &candidates[best], &selection)?;
    let decimals = metric_info(&metric).map_or(4, |info| info.decimals + 1);
    let sentence = format!(
        "ensemble of {}: {metric} {:.decimals$}, {:+.decimals$} to the best single model, standard error {:.decimals$}",
        selection.weights.len(),
        selection.value,
        found.difference,
        found.error.unwrap_or(f64::NAN)
    );
    if !pays {
        notes.push(format!("{sentence}: does not pay, the best single model is kept"));
        return Ok(None);
    }
    let cross_validation = parts_summary(search, &selection.parts)?;
    let members = members(search, &allowed, &selection.weights)?;
    let trained = match ensemble::joined(search.shared.run, &members, &search.shared.rows.validation) {
        Ok(trained) => trained,
        Err(TrainError::Part { message, .. }) => {
            notes.push(format!("no ensemble: {message}"));
            for (candidate, note) in candidates.iter().zip(&choice.notes) {
                let trial = &mut search.book.trials[candidate.trial];
                trial.kept = false;
                trial.note.clone_from(note);
            }
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    notes.push(sentence);
    let refit_in_time = search.shared.budget.left().is_none_or(|left| left > 0.0);
    Ok(Some(Kept {
        family: Family::Ensemble,
        cross_validation,
        trained,
        members,
        trials: std::mem::take(&mut search.book.trials),
        notes: Vec::new(),
        refit_in_time,
    }))
}

/// Returns the figures of an ensemble over folds; `None` without folds.
fn parts_summary(search: &Search<'_>, parts: &[Scored]) -> Result<Option<MetricSet>, TrainError> {
    let run = search.shared.run;
    if run.spec.folds == 0 {
        return Ok(None);
    }
    let decision = decision(run.input.frame, None);
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for part in parts {
        for (name, value) in part.points(&decision)? {
            values.entry(name).or_default().push(value);
        }
    }
    Ok(Some(summarise(values, parts.len(), search.book.ratio)))
}

/// Trains the selected candidates where that is still to do, side by side, and marks their trials.
fn members(
    search: &mut Search<'_>,
    candidates: &[Candidate],
    weights: &[(usize, f64)],
) -> Result<Vec<Member>, TrainError> {
    let (run, rows) = (search.shared.run, search.shared.rows);
    let mut fitted: Vec<Result<Trained, TrainError>> = Vec::with_capacity(weights.len());
    let fit = |at: usize, threads: usize| {
        let own = &candidates[weights[at].0];
        match &own.trained {
            Some(trained) => Ok(trained.clone()),
            None => run.with_threads(threads, |run| {
                run.fit(own.family, &own.settled, &rows.train, &rows.validation)
            }),
        }
    };
    each((run.context.threads, search.workers), weights.len(), fit, |trained| fitted.push(trained))?;
    let mut members = Vec::with_capacity(weights.len());
    for ((at, weight), trained) in weights.iter().zip(fitted) {
        let (trained, candidate) = (trained?, &candidates[*at]);
        let trial = &mut search.book.trials[candidate.trial];
        trial.params.clone_from(&trained.fitted.params);
        trial.kept = true;
        trial.note = format!("kept: member of the ensemble with weight {weight}");
        members.push(Member { family: candidate.family, weight: *weight, trained });
    }
    Ok(members)
}

fn smallest_note(metric: &str, smallest: &Candidate) -> String {
    let decimals = metric_info(metric).map_or(4, |info| info.decimals + 1);
    format!(
        "the smallest single model within one standard error of the best: trial {}, {}, {metric} {:.decimals$}, \
         about {:.1} KiB",
        smallest.trial + 1,
        smallest.family.word(),
        smallest.value,
        smallest.size_bytes as f64 / 1024.0
    )
}
