//! One trial of a search: a model on training rows or one for each fold, its figures, and what it would
//! cost to keep it. Runs beside other trials: it sees the search only as it was when the trials that run
//! together began, so that a search with a number of trials repeats for any number of threads.

use crate::{
    Context, Observer, TrainError,
    auto::Rows,
    auto_budget::{Budget, Cost},
    choose::Candidate,
    evaluate::{self, Effort},
    fit::{Run, Trained},
    folds::cross_validate,
    measure::{Scored, decision, score},
    paired::Judge,
    prune::{Pruner, Rungs, Stopped},
    search_saved::Saved,
    target::Part,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use yard_types::{
    event::Progress,
    metric::{Direction, MetricSet, metric_info},
    run::{Family, Params, TrainPoint, Trial},
};

/// What all trials of a search share.
pub(crate) struct Shared<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) rows: &'a Rows,
    /// Training and validation rows together, when folds judge.
    pub(crate) both: Part,
    pub(crate) metric: String,
    pub(crate) budget: Budget<'a>,
    /// Whether the kept model is trained again on all rows.
    pub(crate) refit: bool,
    /// Whether more than the defaults are tried.
    pub(crate) searched: bool,
    /// Trial whose curve is shown live.
    pub(crate) lead: AtomicUsize,
}

/// What a trial knows of those before it.
pub(crate) struct Before {
    pub(crate) rungs: Rungs,
    /// Figures of the best candidate by fold.
    pub(crate) best: Vec<f64>,
    /// Whether there is a model already: only then may time stop a trial.
    pub(crate) model: bool,
}

/// A trial to run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    pub(crate) family: Family,
    pub(crate) params: Params,
    /// Whether it may be stopped for falling behind.
    pub(crate) judged: bool,
    /// Whether it is run whatever the time.
    pub(crate) first: bool,
}

/// What came of a trial.
pub(crate) struct Outcome {
    pub(crate) trial: Trial,
    pub(crate) saved: Saved,
    pub(crate) candidate: Option<Candidate>,
    /// An error that ends the run.
    pub(crate) error: Option<TrainError>,
}

/// No trial is shown live.
pub(crate) const NO_LEAD: usize = usize::MAX;

/// Passes the curve of one trial at a time on, and whether the run is cancelled; keeps other progress.
struct Stage<'a> {
    inner: &'a dyn Observer,
    lead: &'a AtomicUsize,
    own: usize,
}

impl Observer for Stage<'_> {
    fn point(&self, point: TrainPoint) {
        let taken = self.lead.compare_exchange(NO_LEAD, self.own, Ordering::Relaxed, Ordering::Relaxed);
        if taken.is_ok() || taken == Err(self.own) {
            self.inner.point(point);
        }
    }

    fn cancelled(&self) -> bool {
        self.inner.cancelled()
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        // Fails when another trial leads.
        let _ = self.lead.compare_exchange(self.own, NO_LEAD, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Shared<'_> {
    pub(crate) fn judge(&self, ratio: f64) -> Judge<'_> {
        Judge { frame: self.run.input.frame, metric: &self.metric, seed: self.run.spec.seed, ratio }
    }

    fn lower_is_better(&self) -> bool {
        metric_info(&self.metric).is_some_and(|info| info.direction == Direction::Lower)
    }

    /// Runs trial number `at` on `threads`; `None` when there is no time for it.
    pub(crate) fn run_trial(
        &self,
        (at, task): (usize, &Task),
        threads: usize,
        before: &Before,
    ) -> Option<Outcome> {
        if !task.first && !self.budget.allows(task.family) {
            return None;
        }
        let outer = self.run.context;
        let deadline = if before.model || !task.first { self.budget.trial_deadline() } else { None };
        let stage = Stage { inner: outer.observer, lead: &self.lead, own: at };
        let none = Rungs::default();
        let rungs = if task.judged { &before.rungs } else { &none };
        let asked = (task.family, &task.params);
        let pruner = Pruner::new((&stage, outer.clock), deadline, asked, rungs);
        let context = Context { observer: &pruner, threads, ..outer.clone() };
        let run = Run { context: &context, ..*self.run };
        let started = (outer.clock)();
        let result = self.measured(&run, task, &|parts| self.compare(parts, (task, before), &pruner));
        let seconds = (outer.clock)() - started;
        let (reached, stopped) = pruner.end();
        let outcome = Self::outcome(task, (result, stopped), (reached, seconds));
        let cost = outcome.candidate.as_ref().map(|own| own.cost);
        self.budget.record(task.family, seconds, cost);
        Some(outcome)
    }

    fn outcome(
        task: &Task,
        (result, stopped): (Result<Measured, TrainError>, Option<Stopped>),
        (reached, seconds): (Vec<f64>, f64),
    ) -> Outcome {
        let mut trial = Trial {
            family: task.family,
            params: task.params.clone(),
            validation: MetricSet::new(),
            seconds,
            kept: false,
            note: String::new(),
            size_bytes: None,
            latency_us: None,
            front: false,
        };
        let asked = task.params.clone();
        let mut saved = Saved { asked, reached, value: None, folds: None, candidate: None };
        let (mut candidate, mut error) = (None, None);
        match (result, stopped) {
            (Ok(measured), _) => {
                saved.value = Some(measured.candidate.value);
                saved.folds = measured.folds;
                trial.validation = measured.metrics;
                trial.latency_us = measured.latency_us;
                trial.size_bytes = Some(measured.candidate.size_bytes);
                if let Some(trained) = &measured.candidate.trained {
                    trial.params.clone_from(&trained.fitted.params);
                }
                candidate = Some(measured.candidate);
            }
            (Err(TrainError::Cancelled), Some(Stopped::Pruned(note))) => trial.note = note,
            (Err(TrainError::Cancelled), Some(Stopped::Time)) => {
                "stopped: its share of the time budget was used up".clone_into(&mut trial.note);
            }
            (Err(fatal @ (TrainError::Cancelled | TrainError::OneClass { .. } | TrainError::Data(_))), _) => {
                error = Some(fatal);
            }
            (Err(other), _) => trial.note = format!("failed: {other}"),
        }
        Outcome { trial, saved, candidate, error }
    }

    /// Stops a trial whose folds are all worse than the best candidate's, and by more than these vary.
    fn compare(&self, parts: &[Scored], (task, before): (&Task, &Before), pruner: &Pruner<'_>) {
        if !task.judged || parts.len() < 2 || before.best.len() <= parts.len() {
            return;
        }
        let judge = self.judge(0.0);
        let sign = if self.lower_is_better() { 1.0 } else { -1.0 };
        let behind = |(part, best): (&Scored, &f64)| {
            judge.value(std::slice::from_ref(part)).map_or(f64::NAN, |own| sign * (own - best))
        };
        let behind: Vec<f64> = parts.iter().zip(&before.best).map(behind).collect();
        let n = before.best.len() as f64;
        let mean = before.best.iter().sum::<f64>() / n;
        let sd = (before.best.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let worse = behind.iter().sum::<f64>() / behind.len() as f64;
        if behind.iter().all(|own| *own > 0.0) && worse > sd {
            let count = behind.len();
            pruner.stop(format!("pruned: worse than the best on each of the first {count} folds"));
        }
    }

    fn measured(
        &self,
        run: &Run<'_>,
        task: &Task,
        after: &dyn Fn(&[Scored]),
    ) -> Result<Measured, TrainError> {
        let (family, params) = (task.family, &task.params);
        let clock = run.context.clock;
        let all = (self.rows.train.rows.len() + self.rows.validation.rows.len()) as f64;
        if run.spec.folds > 0 {
            let found = cross_validate(run, &self.both, (family, params), after)?;
            let settled = settled(family, params, &found.fitted);
            // The folds' share of all rows: test rows and those that stop are left out.
            let whole = found.fit_secs / found.parts.len() as f64 * (1.0 + found.ratio) * 1.25;
            let fits = whole * (1.0 + f64::from(u8::from(self.refit)));
            let value = self.judge(found.ratio).value(&found.parts)?;
            let (effort, size_bytes) = self.effort(run, found.first.as_ref());
            let candidate = Candidate {
                family,
                settled,
                trained: None,
                parts: found.parts,
                value,
                trial: 0,
                size_bytes,
                cost: Cost { fits, evaluation: effort.seconds },
            };
            let folds = Some((found.metrics.clone(), found.ratio));
            return Ok(Measured { candidate, metrics: found.metrics, folds, latency_us: effort.row_us });
        }
        let started = clock();
        let trained = run.fit(family, params, &self.rows.train, &self.rows.validation)?;
        let seconds = clock() - started;
        let predictions = score(&trained.scorer, run.input.table, &self.rows.validation.rows)?;
        let parts = vec![Scored::new(run.input.frame, &self.rows.validation, &predictions)];
        let metrics = parts[0].point_set(&decision(run.input.frame, None))?;
        let value = self.judge(0.0).value(&parts)?;
        let (effort, size_bytes) = self.effort(run, Some(&trained));
        let again = seconds * all / self.rows.train.rows.len().max(1) as f64;
        let fits = if self.refit { again } else { 0.0 };
        let candidate = Candidate {
            family,
            settled: params.clone(),
            trained: Some(trained),
            parts,
            value,
            trial: 0,
            size_bytes,
            cost: Cost { fits, evaluation: effort.seconds },
        };
        Ok(Measured { candidate, metrics, folds: None, latency_us: effort.row_us })
    }

    /// Returns what evaluating a model costs, and its size.
    fn effort(&self, run: &Run<'_>, trained: Option<&Trained>) -> (Effort, u64) {
        let Some(trained) = trained else { return (Effort::default(), 0) };
        let rows = [&self.rows.validation, &self.rows.test].map(|part| part.rows.len());
        let own = &self.rows.train.rows;
        let effort = evaluate::effort(
            &trained.parts,
            &trained.scorer,
            (run.input.table, own),
            rows,
            run.context.clock,
        );
        (effort, evaluate::model_bytes(&trained.parts.model))
    }

    /// Tells how far the search is.
    pub(crate) fn progress(&self, done: usize, best: Option<(Family, f64)>) {
        let spec = self.run.spec;
        let decimals = metric_info(&self.metric).map_or(4, |info| info.decimals);
        let phase = match best {
            Some((family, value)) => {
                format!("search: best {} {value:.decimals$} ({})", self.metric, family.word())
            }
            None => "search".to_owned(),
        };
        let total = (spec.trials > 1).then_some(u64::from(spec.trials));
        let unit = "trials".to_owned();
        self.run.context.observer.progress(Progress { phase, done: done as u64, total, unit });
    }
}

/// A candidate with what its trial's record says.
struct Measured {
    candidate: Candidate,
    metrics: MetricSet,
    folds: Option<(MetricSet, f64)>,
    latency_us: Option<f64>,
}

/// Returns the hyperparameters that the folds settle on for a fit on all rows: boosting takes the mean
/// number of trees, linear models the median penalty. Nets stop on validation rows again.
fn settled(family: Family, asked: &Params, fitted: &[(u32, Params)]) -> Params {
    let mut params = asked.clone();
    match family {
        Family::Boosting => {
            let symmetric = |(_, params): &&(u32, Params)| {
                params.get("growth").is_some_and(|growth| growth == "symmetric")
            };
            // Each fold may have found another growth better: most of them choose, and say how many trees.
            let most = 2 * fitted.iter().filter(symmetric).count() > fitted.len();
            let kept: Vec<_> = fitted.iter().filter(|own| symmetric(own) == most).collect();
            let steps: u64 = kept.iter().map(|(steps, _)| u64::from(*steps)).sum();
            let mean = (steps as f64 / kept.len().max(1) as f64).round().max(1.0);
            params.insert("growth".to_owned(), if most { "symmetric" } else { "leafwise" }.to_owned());
            params.insert("trees".to_owned(), format!("{mean:.0}"));
            params.insert("early_stopping".to_owned(), "0".to_owned());
        }
        Family::Linear => {
            let l2 = |(_, params): &(u32, Params)| params.get("l2").and_then(|text| text.parse::<f64>().ok());
            let mut found: Vec<f64> = fitted.iter().filter_map(l2).collect();
            found.sort_unstable_by(f64::total_cmp);
            if let Some(median) = found.get(found.len().saturating_sub(1) / 2) {
                params.insert("l2".to_owned(), median.to_string());
            }
        }
        _ => {}
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_settle_trees_and_penalties() {
        let own = |trees: u32, l2: &str| (trees, Params::from([("l2".to_owned(), l2.to_owned())]));
        let fitted = [own(10, "1"), own(21, "0.001"), own(30, "100")];
        let asked = Params::from([("leaves".to_owned(), "7".to_owned())]);
        let boosting = settled(Family::Boosting, &asked, &fitted);
        assert_eq!((boosting["trees"].as_str(), boosting["leaves"].as_str()), ("20", "7"));
        assert_eq!((boosting["early_stopping"].as_str(), boosting["growth"].as_str()), ("0", "leafwise"));
        let grown = |trees, growth: &str| (trees, Params::from([("growth".to_owned(), growth.to_owned())]));
        let mixed = [grown(10, "leafwise"), grown(40, "symmetric"), grown(60, "symmetric")];
        let boosting = settled(Family::Boosting, &Params::new(), &mixed);
        assert_eq!((boosting["trees"].as_str(), boosting["growth"].as_str()), ("50", "symmetric"));
        assert_eq!(settled(Family::Linear, &Params::new(), &fitted)["l2"], "1");
        assert_eq!(settled(Family::Forest, &asked, &fitted), asked);
    }
}
