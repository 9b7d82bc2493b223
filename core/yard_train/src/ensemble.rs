//! Ensembles of the models that a search found: greedy selection of members with replacement, on the rows
//! that choose; the weight of a member is how often it was selected.
//!
//! Margins are averaged after each member's calibration (of classes: the logarithms of probabilities), as
//! [`yard_score::ensemble`] does when scoring. Method: Caruana et al., 2004, "Ensemble selection from
//! libraries of models", doi:10.1145/1015330.1015432.

use crate::{
    TrainError,
    auto_workers::each,
    choose::{Candidate, best_of},
    fit::{Fitted, Run, Trained},
    measure::Scored,
    paired::{Difference, Judge},
    refit,
    target::Part,
};
use serde::{Deserialize, Serialize};
use yard_score::{ensemble::join, model::Calibration, scorer::Scorer};
use yard_types::{
    metric::better,
    run::{Family, Params},
};

/// Selections, and so the smallest weight.
const ROUNDS: usize = 20;
/// Name of the hyperparameter that lists the members.
pub(crate) const MEMBERS: &str = "members";

/// A member as the model's record lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) family: Family,
    pub(crate) weight: f64,
    pub(crate) params: Params,
}

/// A fitted member.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) family: Family,
    pub(crate) weight: f64,
    pub(crate) trained: Trained,
}

/// Members by candidate with the predictions of their ensemble.
pub(crate) struct Selection {
    /// Candidate and weight, in the order of candidates; weights sum to 1.
    pub(crate) weights: Vec<(usize, f64)>,
    pub(crate) parts: Vec<Scored>,
    pub(crate) value: f64,
}

/// Selects members greedily from the best candidate on; `None` when it stays alone.
pub(crate) fn select(judge: &Judge<'_>, candidates: &[Candidate]) -> Result<Option<Selection>, TrainError> {
    let smooth = Judge { metric: smooth(judge.metric, judge.frame.task), ..*judge };
    let scores: Vec<Vec<Vec<f64>>> =
        candidates.iter().map(|candidate| candidate.parts.iter().map(Scored::scores).collect()).collect();
    let mut counts = vec![0_usize; candidates.len()];
    counts[best_of(judge.metric, candidates)] = 1;
    let mut best = (mixed(&candidates[0].parts, &scores, &counts), counts.clone());
    let mut value = smooth.value(&best.0)?;
    for _ in 1..ROUNDS {
        let mut next: Option<(f64, usize)> = None;
        for at in 0..candidates.len() {
            counts[at] += 1;
            let found = smooth.value(&mixed(&candidates[0].parts, &scores, &counts))?;
            counts[at] -= 1;
            if next.is_none_or(|(value, _)| better(smooth.metric, found, value)) {
                next = Some((found, at));
            }
        }
        let Some((found, at)) = next else { break };
        counts[at] += 1;
        if better(smooth.metric, found, value) {
            value = found;
            best = (mixed(&candidates[0].parts, &scores, &counts), counts.clone());
        }
    }
    let (parts, counts) = best;
    let total = counts.iter().sum::<usize>() as f64;
    let weights: Vec<(usize, f64)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(at, count)| (at, *count as f64 / total))
        .collect();
    let value = judge.value(&parts)?;
    Ok((weights.len() > 1).then_some(Selection { weights, parts, value }))
}

/// Returns the metric that members are selected by: the one that chooses where it changes with every
/// prediction, else a loss that does.
fn smooth(metric: &str, task: yard_types::frame::Task) -> &str {
    match metric {
        "roc_auc" | "average_precision" | "log_loss" | "brier" | "rmse" | "mae" | "r2" => metric,
        _ if task.is_classification() => "log_loss",
        _ => "rmse",
    }
}

/// Returns the predictions of the weighted mean of scores.
fn mixed(like: &[Scored], scores: &[Vec<Vec<f64>>], counts: &[usize]) -> Vec<Scored> {
    let total = counts.iter().sum::<usize>() as f64;
    let part = |(at, part): (usize, &Scored)| {
        let mut sum = vec![0.0; scores[0][at].len()];
        for (own, count) in scores.iter().zip(counts).filter(|(_, count)| **count > 0) {
            let weight = *count as f64 / total;
            sum.iter_mut().zip(&own[at]).for_each(|(sum, score)| *sum += weight * score);
        }
        part.with_scores(sum)
    };
    like.iter().enumerate().map(part).collect()
}

/// Standard errors of the paired difference by which an ensemble must beat the best single model. The best
/// of many is flattered by its choice, a mean of several hardly: so less than usual is asked of it.
const MARGIN: f64 = 0.5;

/// Returns whether an ensemble pays: it is better than the best single model by more than half a standard
/// error of the paired difference.
pub(crate) fn pays(
    judge: &Judge<'_>,
    best: &Candidate,
    selection: &Selection,
) -> Result<(bool, Difference), TrainError> {
    let found = judge.difference(&best.parts, &selection.parts)?;
    Ok((found.better_by(MARGIN), found))
}

/// Joins fitted members into one model, calibrated on `validation` rows.
pub(crate) fn joined(run: &Run<'_>, members: &[Member], validation: &Part) -> Result<Trained, TrainError> {
    let mut trained = sum_of(members)?;
    run.calibrate(&mut trained, validation)?;
    Ok(trained)
}

/// Trains the members again on all rows, so many at once, with the calibration of the selected ensemble.
pub(crate) fn refit(
    run: &Run<'_>,
    (members, workers): (&[Member], usize),
    selected: &Trained,
    rows: &Part,
) -> Result<Trained, TrainError> {
    let mut fitted: Vec<Result<Trained, TrainError>> = Vec::with_capacity(members.len());
    let fit = |at: usize, threads: usize| {
        run.with_threads(threads, |run| refit::refit(run, members[at].family, &members[at].trained, rows))
    };
    each((run.context.threads, workers), members.len(), fit, |trained| fitted.push(trained))?;
    let mut again = Vec::with_capacity(members.len());
    for (member, trained) in members.iter().zip(fitted) {
        again.push(Member { trained: trained?, ..member.clone() });
    }
    let mut trained = sum_of(&again)?;
    trained.set_calibration(selected.parts.calibration.clone())?;
    Ok(trained)
}

fn sum_of(members: &[Member]) -> Result<Trained, TrainError> {
    let parts: Vec<_> = members.iter().map(|member| (&member.trained.parts, member.weight)).collect();
    let failed = |error| TrainError::part("ensemble", &error);
    let parts = join(&parts).map_err(failed)?;
    let scorer = Scorer::new(&parts).map_err(failed)?;
    let heaviest = members.iter().reduce(|a, b| if b.weight > a.weight { b } else { a });
    let Some(heaviest) = heaviest else {
        return Err(TrainError::NothingTrained { reasons: "an ensemble has no members".to_owned() });
    };
    let mut notes = heaviest.trained.notes.clone();
    notes.extend(members.iter().flat_map(|member| member.trained.notes.clone()));
    notes.sort();
    notes.dedup();
    let fitted = &heaviest.trained.fitted;
    Ok(Trained {
        fitted: Fitted {
            model: parts.model.clone(),
            link: parts.link,
            notes: Vec::new(),
            calibration: Calibration::None,
            params: record(members)?,
            curve: fitted.curve.clone(),
            steps: fitted.steps,
            parameters: members.iter().map(|member| member.trained.fitted.parameters).sum(),
            device: fitted.device.clone(),
        },
        parts,
        scorer,
        notes,
    })
}

/// Lists the members for the model's record, with all that trains them again.
fn record(members: &[Member]) -> Result<Params, TrainError> {
    let listed: Vec<Listed> = members
        .iter()
        .map(|member| Listed {
            family: member.family,
            weight: member.weight,
            params: member.trained.fitted.params.clone(),
        })
        .collect();
    let text = serde_json::to_string(&listed).map_err(|error| TrainError::part("ensemble", &error))?;
    Ok(Params::from([(MEMBERS.to_owned(), text)]))
}

/// Trains the members that hyperparameters list, as a model's record does.
pub(crate) fn train_listed(
    run: &Run<'_>,
    params: &Params,
    (train, validation): (&Part, &Part),
) -> Result<(Trained, Vec<Member>), TrainError> {
    let text = params.get(MEMBERS).map_or("", String::as_str);
    let bad = |expected: &str| TrainError::BadParam {
        name: MEMBERS.to_owned(),
        value: text.to_owned(),
        family: "ensemble",
        expected: expected.to_owned(),
    };
    let listed: Vec<Listed> = serde_json::from_str(text)
        .map_err(|error| bad(&format!("a list of members as a model's record holds it ({error})")))?;
    if listed.is_empty() || listed.iter().any(|own| !own.weight.is_finite()) {
        return Err(bad("at least one member, with finite weights"));
    }
    let mut members = Vec::with_capacity(listed.len());
    for Listed { family, weight, params } in listed {
        let trained = run.fit(family, &params, train, validation)?;
        members.push(Member { family, weight, trained });
    }
    Ok((joined(run, &members, validation)?, members))
}
