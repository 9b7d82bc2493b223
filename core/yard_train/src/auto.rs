//! `auto` and searches. Without budget and trials `auto` trains each family with its defaults and keeps
//! the simplest within noise of the best. A search starts with a portfolio, goes on with drawn settings,
//! stops trials that fall behind, and keeps the best model, or an ensemble where that pays; either way it
//! says why of each try, and which is the smallest single model within one standard error.
//!
//! Several trials run at once. They are drawn in waves of a fixed size, and none of a wave knows of the
//! others: so with a number of trials a search repeats bit for bit on any number of threads; with a budget it
//! depends on the clock. Finished trials that are given are not run again: the plan is the same, so a
//! search that was stopped ends as if it had not been.

use crate::{
    FinishedTrial, TrainError,
    auto_budget::Budget,
    auto_finish,
    auto_trial::{Before, NO_LEAD, Outcome, Shared, Task},
    auto_workers::each,
    choose::Candidate,
    fit::Run,
    folds,
    portfolio::{families, starts},
    prune::Rungs,
    search::Sampler,
    search_saved::Saved,
    target::Part,
    train::Kept,
    watch::metric_name,
};
use std::{collections::BTreeMap, sync::atomic::AtomicUsize};
use yard_types::{
    metric::{Direction, MetricSet, better, metric_info},
    run::{Family, Params, Trial},
};

/// Trials of a search that has a time budget and no number.
const MOST_TRIALS: u32 = 1_000;
/// Candidates kept of a family.
pub(crate) const KEPT: usize = 4;
/// Trials drawn at once, whatever the number of threads.
const WAVE: usize = 4;
/// Cells of a table (rows × features) from which on trials run one after the other, each on all threads:
/// several copies of its matrix would cost memory, and one fit keeps the threads busy.
const MANY_CELLS: usize = 10_000_000;

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

/// Trains families and trials as the run asks for, and chooses. `refit` says whether the model kept is
/// trained again on all rows.
pub(crate) fn search(run: &Run<'_>, rows: &Rows, refit: bool) -> Result<Kept, TrainError> {
    if rows.validation.rows.is_empty() && run.spec.folds == 0 {
        return Err(TrainError::Settings {
            what: "no validation rows to choose between models".to_owned(),
            advice: "give the split a validation share, or use folds, or train one family once".to_owned(),
        });
    }
    let mut search = Search::new(run, rows, refit)?;
    search.starts()?;
    search.samples()?;
    auto_finish::finish(search)
}

/// Returns whether a run searches: more than the defaults are tried.
pub(crate) fn searches(spec: &yard_types::run::RunSpec) -> bool {
    spec.trials > 1 || spec.budget_secs.is_some()
}

/// Returns how many fits run at once.
pub(crate) fn at_once(run: &Run<'_>, rows: &Rows) -> usize {
    let cells = (rows.train.rows.len() + rows.validation.rows.len()) * run.input.schema.features().count();
    if cells > MANY_CELLS { 1 } else { run.context.threads }
}

/// A search: its plan, and what came of it so far.
pub(crate) struct Search<'a> {
    pub(crate) shared: Shared<'a>,
    pub(crate) book: Book,
    pub(crate) workers: usize,
    families: Vec<(Family, Params)>,
    /// Trials of the same run that ended before it was stopped.
    finished: Vec<&'a FinishedTrial>,
    /// Rows of each part that candidates are judged on, when there are finished trials.
    judged: Vec<Part>,
}

/// What came of the trials so far.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) trials: Vec<Trial>,
    /// Best candidates of each family, the best first.
    pub(crate) best: BTreeMap<Family, Vec<Candidate>>,
    /// Figures over folds by trial.
    pub(crate) cross_validation: BTreeMap<usize, MetricSet>,
    /// Test rows of a fold over its training rows.
    pub(crate) ratio: f64,
    rungs: Rungs,
}

impl<'a> Search<'a> {
    fn new(run: &'a Run<'a>, rows: &'a Rows, refit: bool) -> Result<Self, TrainError> {
        let both = if run.spec.folds > 0 { rows.both() } else { Part::default() };
        let finished: Vec<&FinishedTrial> = run.context.finished.iter().collect();
        let judged = match (finished.is_empty(), run.spec.folds) {
            (true, _) => Vec::new(),
            (false, 0) => vec![rows.validation.clone()],
            _ => folds::divide(run, &both)?.iter().map(|fold| both.take(&fold.test)).collect(),
        };
        let (workers, spec) = (at_once(run, rows), run.spec);
        let used = finished.iter().map(|own| own.trial.seconds).sum();
        let shared = Shared {
            run,
            rows,
            both,
            metric: metric_name(run.input.frame).to_owned(),
            budget: Budget::new(run.context.clock, spec.budget_secs, workers, used),
            refit,
            searched: searches(spec),
            lead: AtomicUsize::new(NO_LEAD),
        };
        Ok(Self { shared, book: Book::default(), workers, families: families(run)?, finished, judged })
    }

    /// Trains the settings that a search begins with; without a search the defaults alone.
    fn starts(&mut self) -> Result<(), TrainError> {
        let (searched, most) = (self.shared.searched, self.most());
        let starts = if searched { starts(&self.families) } else { self.families.clone() };
        let defaults = self.families.len();
        let task = |(at, (family, params))| {
            // Time stops neither the first trial, which is of the simplest family, nor the plain `auto`.
            let first = at == 0 || !searched;
            Task { family, params, judged: searched && at >= defaults, first }
        };
        let mut tasks: Vec<Task> = starts.into_iter().enumerate().map(task).collect();
        if searched {
            tasks.truncate(most.max(defaults));
        }
        self.wave(&tasks)?;
        if self.shared.budget.is_set() {
            // When none ended in time, one is needed all the same.
            for task in tasks.iter().take(defaults) {
                if self.book.best.is_empty() {
                    self.wave(&[Task { first: true, ..task.clone() }])?;
                }
            }
        }
        Ok(())
    }

    /// Trains with drawn hyperparameters until trials or budget are used up.
    fn samples(&mut self) -> Result<(), TrainError> {
        let seed = self.shared.run.spec.seed;
        let mut samplers: Vec<(Family, Sampler)> = self
            .families
            .iter()
            .filter(|(family, _)| self.book.best.contains_key(family))
            .map(|(family, params)| (*family, Sampler::new(*family, params, seed)))
            .filter(|(_, sampler)| sampler.is_free())
            .collect();
        let lower = metric_info(&self.shared.metric).is_some_and(|info| info.direction == Direction::Lower);
        let mut turn = 0;
        while self.shared.searched && !samplers.is_empty() && self.book.trials.len() < self.most() {
            let leader = self.book.leader(&self.shared.metric).map(|own| own.family);
            let leader = samplers.iter().position(|(family, _)| Some(*family) == leader);
            let count = WAVE.min(self.most() - self.book.trials.len());
            let drawn: Vec<usize> = (turn..turn + count)
                .map(|turn| match leader {
                    // Every second trial goes to the family that leads.
                    Some(at) if turn % 2 == 0 => at,
                    _ => (turn / 2) % samplers.len(),
                })
                .collect();
            turn += count;
            let draw = |at: &usize| {
                let (family, sampler) = &mut samplers[*at];
                Task { family: *family, params: sampler.draw(), judged: true, first: false }
            };
            let tasks: Vec<Task> = drawn.iter().map(draw).collect();
            let values = self.wave(&tasks)?;
            if values.iter().all(Option::is_none)
                && !self.shared.budget.allows_any(tasks.iter().map(|own| own.family))
            {
                break;
            }
            for (at, value) in drawn.into_iter().zip(values) {
                samplers[at].1.tell(value.map_or(f64::INFINITY, |value| if lower { value } else { -value }));
            }
        }
        Ok(())
    }

    fn most(&self) -> usize {
        let spec = self.shared.run.spec;
        let most = if spec.budget_secs.is_some() && spec.trials <= 1 { MOST_TRIALS } else { spec.trials };
        most as usize
    }

    /// Runs trials side by side, but those that ended before; returns the metric that chooses of each,
    /// `None` where it has none.
    fn wave(&mut self, tasks: &[Task]) -> Result<Vec<Option<f64>>, TrainError> {
        let known: Vec<Option<Outcome>> = tasks.iter().map(|task| self.known(task)).collect();
        let open: Vec<usize> = (0..tasks.len()).filter(|at| known[*at].is_none()).collect();
        let Self { shared, book, .. } = self;
        let before = book.before(shared)?;
        let start = book.trials.len();
        let mut values = Vec::with_capacity(tasks.len());
        let mut error = None;
        let mut enter = |outcome: Option<Outcome>| {
            let value = outcome.map(|outcome| book.enter(shared, outcome));
            match value.unwrap_or(Ok(None)) {
                Ok(value) => values.push(value),
                Err(fatal) => drop(error.get_or_insert(fatal)),
            }
        };
        // Those known come first in a wave: a search is stopped in the order of its plan.
        known.into_iter().flatten().for_each(|outcome| enter(Some(outcome)));
        let run =
            |at: usize, threads: usize| shared.run_trial((start + at, &tasks[open[at]]), threads, &before);
        each((shared.run.context.threads, self.workers), open.len(), run, enter)?;
        error.map_or(Ok(values), Err)
    }

    /// Returns what came of a trial that ended before the run was stopped.
    fn known(&mut self, task: &Task) -> Option<Outcome> {
        let at = self.finished.iter().position(|own| {
            own.trial.family == task.family
                && Saved::from_bytes(&own.saved).is_some_and(|(saved, _)| saved.asked == task.params)
        })?;
        let FinishedTrial { trial, saved } = self.finished.remove(at);
        let (saved, predictions) = Saved::from_bytes(saved)?;
        let candidate = match (&saved.candidate, saved.value) {
            (Some(own), Some(value)) => Some(own.restored(
                task.family,
                self.shared.run.input.frame,
                (&self.judged, predictions),
                value,
            )?),
            _ => None,
        };
        Some(Outcome { trial: trial.clone(), saved, candidate, error: None })
    }
}

impl Book {
    /// Returns what the trials of a wave may know.
    fn before(&self, shared: &Shared<'_>) -> Result<Before, TrainError> {
        let judge = shared.judge(self.ratio);
        let mut best = Vec::new();
        for part in self.leader(&shared.metric).iter().flat_map(|own| &own.parts) {
            best.push(judge.value(std::slice::from_ref(part))?);
        }
        Ok(Before { rungs: self.rungs.clone(), best, model: !self.best.is_empty() })
    }

    /// Returns the best candidate so far.
    fn leader(&self, metric: &str) -> Option<&Candidate> {
        let first = self.best.values().filter_map(|own| own.first());
        first.reduce(|a, b| if better(metric, b.value, a.value) { b } else { a })
    }

    /// Takes the next trial and tells the observer; returns the metric that chooses.
    fn enter(&mut self, shared: &Shared<'_>, outcome: Outcome) -> Result<Option<f64>, TrainError> {
        let Outcome { trial, saved, candidate, error } = outcome;
        if let Some(error) = error {
            return Err(error);
        }
        let index = self.trials.len();
        self.rungs.record(trial.family, &saved.reached);
        if let Some((metrics, ratio)) = &saved.folds {
            self.cross_validation.insert(index, metrics.clone());
            self.ratio = *ratio;
        }
        let candidate = candidate.map(|own| Candidate { trial: index, ..own });
        let at = candidate.as_ref().map_or(KEPT, |own| self.rank(&shared.metric, own));
        // One that others of its family have overtaken is never looked at again.
        let kept = candidate.filter(|_| at < KEPT);
        let bytes = saved.to_bytes(kept.as_ref());
        shared.run.context.observer.trial(index as u32, &trial, &bytes);
        if let Some(kept) = kept {
            let family = self.best.entry(kept.family).or_default();
            family.insert(at, kept);
            family.truncate(KEPT);
        }
        self.trials.push(trial);
        shared.progress(index + 1, self.leader(&shared.metric).map(|own| (own.family, own.value)));
        Ok(saved.value)
    }

    /// Returns the place of a candidate among those of its family, 0 the best.
    fn rank(&self, metric: &str, candidate: &Candidate) -> usize {
        let family = self.best.get(&candidate.family).map_or(&[][..], Vec::as_slice);
        family.iter().take_while(|own| !better(metric, candidate.value, own.value)).count()
    }
}
