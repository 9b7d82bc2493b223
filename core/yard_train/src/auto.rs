//! `auto` and searches. Without budget and trials `auto` trains each family with its defaults and keeps
//! the simplest within noise of the best. A search starts with a portfolio, goes on with drawn settings,
//! stops trials that fall behind, and keeps the best model, or an ensemble where that pays; either way it
//! says why of each try, and which is the smallest single model within one standard error.
//!
//! With a number of trials a search repeats bit for bit; with a budget it depends on the clock.

use crate::{
    Context, TrainError,
    choose::{Candidate, Choice, Rule, best_of, choose},
    ensemble::{self, Member},
    fit::Run,
    folds::cross_validate,
    measure::{Scored, decision, score},
    paired::Judge,
    portfolio::{families, starts},
    prune::{Pruner, Rungs, Stopped},
    search::Sampler,
    target::Part,
    train::Kept,
    watch::metric_name,
};
use std::collections::BTreeMap;
use yard_types::{
    event::Progress,
    metric::{Direction, MetricSet, better, metric_info},
    run::{Family, Params, Trial},
};

/// Trials of a search that has a time budget and no number.
const MOST_TRIALS: u32 = 1_000;
/// Candidates kept of a family.
const KEPT: usize = 4;
/// Share of a time budget that trials may use; the rest is for the last fits.
const FOR_TRIALS: f64 = 0.75;
/// Share of a time budget that one trial may use.
const ONE_TRIAL: f64 = 0.25;

/// Rows of the three parts.
pub(crate) struct Rows {
    pub(crate) train: Part,
    pub(crate) validation: Part,
    pub(crate) test: Part,
}

impl Rows {
    /// Returns training and validation rows together, in table order.
    pub(crate) fn both(&self) -> Part {
        let (a, b) = (&self.train, &self.validation);
        let mut order: Vec<(u32, usize)> =
            a.rows.iter().chain(&b.rows).enumerate().map(|(at, row)| (*row, at)).collect();
        order.sort_unstable();
        let joined = Part {
            rows: [a.rows.as_slice(), &b.rows].concat(),
            y: [a.y.as_slice(), &b.y].concat(),
            weights: a.weights.as_ref().zip(b.weights.as_ref()).map(|(a, b)| [a.as_slice(), b].concat()),
            dropped: a.dropped + b.dropped,
        };
        let positions: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
        joined.take(&positions)
    }
}

/// Trains families and trials as the run asks for, and chooses.
pub(crate) fn search(run: &Run<'_>, rows: &Rows) -> Result<Kept, TrainError> {
    if rows.validation.rows.is_empty() && run.spec.folds == 0 {
        return Err(TrainError::Settings {
            what: "no validation rows to choose between models".to_owned(),
            advice: "give the split a validation share, or use folds, or train one family once".to_owned(),
        });
    }
    let mut search = Search::new(run, rows)?;
    search.starts()?;
    search.samples()?;
    search.finish()
}

/// Returns whether a run searches: more than the defaults are tried.
pub(crate) fn searches(spec: &yard_types::run::RunSpec) -> bool {
    spec.trials > 1 || spec.budget_secs.is_some()
}

struct Search<'a> {
    run: &'a Run<'a>,
    rows: &'a Rows,
    both: Part,
    metric: String,
    families: Vec<(Family, Params)>,
    trials: Vec<Trial>,
    /// Best candidates of each family, the best first.
    best: BTreeMap<Family, Vec<Candidate>>,
    cross_validation: BTreeMap<usize, MetricSet>,
    /// Test rows of a fold over its training rows.
    ratio: f64,
    rungs: Rungs,
    started: f64,
}

impl<'a> Search<'a> {
    fn new(run: &'a Run<'a>, rows: &'a Rows) -> Result<Self, TrainError> {
        Ok(Self {
            run,
            rows,
            both: if run.spec.folds > 0 { rows.both() } else { Part::default() },
            metric: metric_name(run.input.frame).to_owned(),
            families: families(run)?,
            trials: Vec::new(),
            best: BTreeMap::new(),
            cross_validation: BTreeMap::new(),
            ratio: 0.0,
            rungs: Rungs::default(),
            started: (run.context.clock)(),
        })
    }

    /// Trains the settings that a search begins with; without a search the defaults alone.
    fn starts(&mut self) -> Result<(), TrainError> {
        let first = self.families.len();
        let starts = if searches(self.run.spec) { starts(&self.families) } else { self.families.clone() };
        for (at, (family, params)) in starts.into_iter().enumerate() {
            if at < first || self.goes_on() {
                self.trial(family, &params)?;
            }
        }
        Ok(())
    }

    /// Trains with drawn hyperparameters until trials or budget are used up.
    fn samples(&mut self) -> Result<(), TrainError> {
        let seed = self.run.spec.seed;
        let mut samplers: Vec<(Family, Sampler)> = self
            .families
            .iter()
            .filter(|(family, _)| self.best.contains_key(family))
            .map(|(family, params)| (*family, Sampler::new(*family, params, seed)))
            .filter(|(_, sampler)| sampler.is_free())
            .collect();
        let mut turn = 0;
        while !samplers.is_empty() && self.goes_on() {
            // Every second trial goes to the family that leads.
            let leader = self.leader();
            let at = match samplers.iter().position(|(family, _)| Some(*family) == leader) {
                Some(at) if turn % 2 == 0 => at,
                _ => (turn / 2) % samplers.len(),
            };
            turn += 1;
            let (family, sampler) = &mut samplers[at];
            let params = sampler.draw();
            let value = self.trial(*family, &params)?;
            let lower = metric_info(&self.metric).is_some_and(|info| info.direction == Direction::Lower);
            sampler.tell(value.map_or(f64::INFINITY, |value| if lower { value } else { -value }));
        }
        Ok(())
    }

    fn goes_on(&self) -> bool {
        let spec = self.run.spec;
        let done = self.trials.len() as u32;
        let within = self.deadline().is_none_or(|deadline| (self.run.context.clock)() < deadline);
        let most = if spec.budget_secs.is_some() && spec.trials <= 1 { MOST_TRIALS } else { spec.trials };
        within && done < most
    }

    /// Returns the moment at which trials end.
    fn deadline(&self) -> Option<f64> {
        self.run.spec.budget_secs.map(|budget| self.started + FOR_TRIALS * budget)
    }

    /// Returns the moment at which a trial that begins now ends; none while there is no model yet.
    fn trial_deadline(&self) -> Option<f64> {
        let share = ONE_TRIAL * self.run.spec.budget_secs?;
        let deadline = self.deadline()?.min((self.run.context.clock)() + share);
        (!self.best.is_empty()).then_some(deadline)
    }

    fn leader(&self) -> Option<Family> {
        let first = self.best.iter().filter_map(|(family, own)| Some((*family, own.first()?.value)));
        first.reduce(|a, b| if better(&self.metric, b.1, a.1) { b } else { a }).map(|(family, _)| family)
    }

    /// Trains one model; returns the metric that chooses, `None` when it has none.
    fn trial(&mut self, family: Family, params: &Params) -> Result<Option<f64>, TrainError> {
        let (run, index) = (self.run, self.trials.len());
        run.context.observer.progress(Progress {
            phase: format!("trial of {}", family.word()),
            done: index as u64,
            total: (run.spec.trials > 1).then_some(u64::from(run.spec.trials)),
            unit: "trials".to_owned(),
        });
        let started = (run.context.clock)();
        let (result, stopped) = self.watched(family, params);
        let mut trial = Trial {
            family,
            params: params.clone(),
            validation: MetricSet::new(),
            seconds: (run.context.clock)() - started,
            kept: false,
            note: String::new(),
        };
        let value = match (result, stopped) {
            (Ok(candidate), _) => {
                let value = candidate.value;
                if let Some(trained) = &candidate.trained {
                    trial.params.clone_from(&trained.fitted.params);
                }
                trial.validation = self.metrics(index, &candidate)?;
                self.keep(candidate);
                Some(value)
            }
            (Err(TrainError::Cancelled), Some(Stopped::Pruned(note))) => {
                trial.note = note;
                None
            }
            (Err(TrainError::Cancelled), Some(Stopped::Time)) => {
                "stopped: its share of the time budget was used up".clone_into(&mut trial.note);
                None
            }
            (Err(error @ (TrainError::Cancelled | TrainError::OneClass { .. } | TrainError::Data(_))), _) => {
                return Err(error);
            }
            (Err(error), _) => {
                trial.note = format!("failed: {error}");
                None
            }
        };
        run.context.observer.trial(index as u32, &trial);
        self.trials.push(trial);
        Ok(value)
    }

    fn metrics(&self, trial: usize, candidate: &Candidate) -> Result<MetricSet, TrainError> {
        match (self.cross_validation.get(&trial), candidate.parts.as_slice()) {
            (None, [part]) => part.point_set(&decision(self.run.input.frame, None)),
            (set, _) => Ok(set.cloned().unwrap_or_default()),
        }
    }

    /// Keeps a candidate among the best of its family.
    fn keep(&mut self, candidate: Candidate) {
        let family = self.best.entry(candidate.family).or_default();
        let behind = |own: &Candidate| !better(&self.metric, candidate.value, own.value);
        let at = family.iter().take_while(|own| behind(own)).count();
        family.insert(at, candidate);
        family.truncate(KEPT);
    }

    /// Trains a candidate under an observer that may stop it.
    fn watched(
        &mut self,
        family: Family,
        params: &Params,
    ) -> (Result<Candidate, TrainError>, Option<Stopped>) {
        let outer = self.run;
        let deadline = self.trial_deadline();
        let rungs = std::mem::take(&mut self.rungs);
        let observer = (outer.context.observer, outer.context.clock);
        let pruner = Pruner::new(observer, deadline, (family, params), &rungs);
        let context = Context { observer: &pruner, ..outer.context.clone() };
        let run = Run { context: &context, ..*outer };
        let result = if searches(outer.spec) {
            self.measured(&run, family, params)
        } else {
            self.measured(outer, family, params)
        };
        let (reached, stopped) = pruner.end();
        self.rungs = rungs;
        self.rungs.record(family, &reached);
        (result, stopped)
    }

    fn measured(&mut self, run: &Run<'_>, family: Family, params: &Params) -> Result<Candidate, TrainError> {
        let trial = self.trials.len();
        let (parts, trained) = if run.spec.folds > 0 {
            let folds = cross_validate(run, &self.both, family, params)?;
            self.ratio = folds.ratio;
            self.cross_validation.insert(trial, folds.metrics);
            (folds.parts, None)
        } else {
            let trained = run.fit(family, params, &self.rows.train, &self.rows.validation)?;
            let predictions = score(&trained.scorer, run.input.table, &self.rows.validation.rows)?;
            (vec![Scored::new(run.input.frame, &self.rows.validation, &predictions)], Some(trained))
        };
        let value = self.judge().value(&parts)?;
        Ok(Candidate { family, params: params.clone(), trained, parts, value, trial })
    }

    fn judge(&self) -> Judge<'_> {
        let Self { run, metric, ratio, .. } = self;
        Judge { frame: run.input.frame, metric, seed: run.spec.seed, ratio: *ratio }
    }

    fn finish(mut self) -> Result<Kept, TrainError> {
        let searched = searches(self.run.spec);
        let per_family = std::mem::take(&mut self.best).into_values();
        let mut candidates: Vec<Candidate> =
            per_family.flat_map(|own| own.into_iter().take(if searched { KEPT } else { 1 })).collect();
        if candidates.is_empty() {
            let reason = |trial: &Trial| format!("{}: {}", trial.family.word(), trial.note);
            let reasons: Vec<String> = self.trials.iter().map(reason).collect();
            return Err(TrainError::NothingTrained { reasons: reasons.join("; ") });
        }
        let rule = if searched { Rule::Best } else { Rule::Simplest };
        let choice = choose(&self.judge(), &candidates, rule)?;
        for (candidate, note) in candidates.iter().zip(&choice.notes) {
            self.trials[candidate.trial].note.clone_from(note);
        }
        for trial in self.trials.iter_mut().filter(|trial| trial.note.is_empty()) {
            trial.note = format!("not kept: other trials of {} are better", trial.family.word());
        }
        let mut notes = Vec::new();
        if searched && let Some(kept) = self.ensemble(&candidates, &choice, &mut notes)? {
            return Ok(kept);
        }
        let smallest = &candidates[choice.smallest];
        if searched && choice.smallest != choice.kept {
            notes.push(smallest_note(&self.metric, smallest));
        }
        let kept = candidates.swap_remove(choice.kept);
        self.trials[kept.trial].kept = true;
        let trained = match kept.trained {
            Some(trained) => trained,
            None => self.run.fit(kept.family, &kept.params, &self.rows.train, &self.rows.validation)?,
        };
        self.trials[kept.trial].params.clone_from(&trained.fitted.params);
        Ok(Kept {
            family: kept.family,
            cross_validation: self.cross_validation.remove(&kept.trial),
            trained,
            members: Vec::new(),
            trials: self.trials,
            notes,
        })
    }

    /// Makes the ensemble when it pays.
    fn ensemble(
        &mut self,
        candidates: &[Candidate],
        choice: &Choice,
        notes: &mut Vec<String>,
    ) -> Result<Option<Kept>, TrainError> {
        let judge = self.judge();
        let Some(selection) = ensemble::select(&judge, candidates)? else { return Ok(None) };
        let best = best_of(&self.metric, candidates);
        let (pays, found) = ensemble::pays(&judge, &candidates[best], &selection)?;
        let decimals = metric_info(&self.metric).map_or(4, |info| info.decimals + 1);
        let sentence = format!(
            "ensemble of {}: {} {:.decimals$}, {:+.decimals$} to the best single model, standard error {:.decimals$}",
            selection.weights.len(),
            self.metric,
            selection.value,
            found.difference,
            found.error.unwrap_or(f64::NAN)
        );
        if !pays {
            notes.push(format!("{sentence}: does not pay, the best single model is kept"));
            return Ok(None);
        }
        notes.push(sentence);
        notes.push(smallest_note(&self.metric, &candidates[choice.smallest]));
        let cross_validation = self.parts_summary(&selection.parts)?;
        let members = self.members(candidates, &selection.weights)?;
        let trained = match ensemble::joined(self.run, &members, &self.rows.validation) {
            Ok(trained) => trained,
            Err(TrainError::Part { message, .. }) => {
                notes.push(format!("no ensemble: {message}"));
                for (candidate, note) in candidates.iter().zip(&choice.notes) {
                    let trial = &mut self.trials[candidate.trial];
                    trial.kept = false;
                    trial.note.clone_from(note);
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(Some(Kept {
            family: Family::Ensemble,
            cross_validation,
            trained,
            members,
            trials: std::mem::take(&mut self.trials),
            notes: std::mem::take(notes),
        }))
    }

    /// Returns the figures of an ensemble over folds; `None` without folds.
    fn parts_summary(&self, parts: &[Scored]) -> Result<Option<MetricSet>, TrainError> {
        if self.run.spec.folds == 0 {
            return Ok(None);
        }
        let decision = decision(self.run.input.frame, None);
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for part in parts {
            for (name, value) in part.points(&decision)? {
                values.entry(name).or_default().push(value);
            }
        }
        Ok(Some(crate::folds::summarise(values, parts.len(), self.ratio)))
    }

    /// Trains the selected candidates where that is still to do, and marks their trials.
    fn members(
        &mut self,
        candidates: &[Candidate],
        weights: &[(usize, f64)],
    ) -> Result<Vec<Member>, TrainError> {
        let mut members = Vec::with_capacity(weights.len());
        for (at, weight) in weights {
            let candidate = &candidates[*at];
            let trained = if let Some(trained) = &candidate.trained {
                trained.clone()
            } else {
                let rows = self.rows;
                self.run.fit(candidate.family, &candidate.params, &rows.train, &rows.validation)?
            };
            let trial = &mut self.trials[candidate.trial];
            trial.params.clone_from(&trained.fitted.params);
            trial.kept = true;
            trial.note = format!("kept: member of the ensemble with weight {weight}");
            members.push(Member { family: candidate.family, weight: *weight, trained });
        }
        Ok(members)
    }
}

fn smallest_note(metric: &str, smallest: &Candidate) -> String {
    let decimals = metric_info(metric).map_or(4, |info| info.decimals + 1);
    format!(
        "the smallest single model within one standard error of the best: trial {}, {}, {metric} {:.decimals$}",
        smallest.trial + 1,
        smallest.family.word(),
        smallest.value
    )
}
