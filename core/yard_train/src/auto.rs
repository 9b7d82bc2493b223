//! `auto` and searches: trains families and hyperparameters, keeps the simplest model within noise of the
//! best, and says why of each try.

use crate::{
    TrainError,
    choose::{Candidate, choose},
    fit::Run,
    folds::cross_validate,
    measure::{Scored, decision, score},
    mlp::NetParams,
    search::Sampler,
    target::Part,
    train::Kept,
};
use std::collections::BTreeMap;
use yard_types::{
    event::Progress,
    frame::Task,
    metric::{Direction, MetricSet, better, default_metric, metric_info},
    run::{Family, Params, Trial},
};

/// Trials of a search that has a time budget and no number.
const MOST_TRIALS: u32 = 1_000;

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
    search.defaults()?;
    search.samples()?;
    search.finish()
}

struct Search<'a> {
    run: &'a Run<'a>,
    rows: &'a Rows,
    both: Part,
    metric: String,
    families: Vec<(Family, Params)>,
    trials: Vec<Trial>,
    /// Best candidate of each family.
    best: BTreeMap<Family, Candidate>,
    cross_validation: BTreeMap<usize, MetricSet>,
    started: f64,
}

impl<'a> Search<'a> {
    fn new(run: &'a Run<'a>, rows: &'a Rows) -> Result<Self, TrainError> {
        let frame = run.input.frame;
        let known = metric_info(&frame.metric).is_some_and(|_| defined(frame.task, &frame.metric));
        let metric = if known { frame.metric.as_str() } else { default_metric(frame.task) };
        Ok(Self {
            run,
            rows,
            both: if run.spec.folds > 0 { rows.both() } else { Part::default() },
            metric: metric.to_owned(),
            families: families(run)?,
            trials: Vec::new(),
            best: BTreeMap::new(),
            cross_validation: BTreeMap::new(),
            started: (run.context.clock)(),
        })
    }

    /// Trains each family with its defaults and the hyperparameters given.
    fn defaults(&mut self) -> Result<(), TrainError> {
        for (family, params) in self.families.clone() {
            self.trial(family, &params)?;
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
        let within = spec.budget_secs.is_none_or(|budget| (self.run.context.clock)() - self.started < budget);
        let most = if spec.budget_secs.is_some() && spec.trials <= 1 { MOST_TRIALS } else { spec.trials };
        within && done < most
    }

    fn leader(&self) -> Option<Family> {
        self.best
            .iter()
            .reduce(|a, b| if better(&self.metric, b.1.value, a.1.value) { b } else { a })
            .map(|(family, _)| *family)
    }

    /// Trains one model; returns the metric that chooses, `None` when it could not be trained.
    fn trial(&mut self, family: Family, params: &Params) -> Result<Option<f64>, TrainError> {
        let (run, index) = (self.run, self.trials.len());
        run.context.observer.progress(Progress {
            phase: format!("trial of {}", family.word()),
            done: index as u64,
            total: (run.spec.trials > 1).then_some(u64::from(run.spec.trials)),
            unit: "trials".to_owned(),
        });
        let started = (run.context.clock)();
        let result = self.measured(family, params);
        let seconds = (run.context.clock)() - started;
        let mut trial = Trial {
            family,
            params: params.clone(),
            validation: MetricSet::new(),
            seconds,
            kept: false,
            note: String::new(),
        };
        let candidate = match result {
            Ok(candidate) => candidate,
            Err(error @ (TrainError::Cancelled | TrainError::OneClass { .. } | TrainError::Data(_))) => {
                return Err(error);
            }
            Err(error) => {
                trial.note = format!("failed: {error}");
                self.trials.push(trial);
                return Ok(None);
            }
        };
        let value = candidate.value;
        trial.params.clone_from(&candidate.trained.fitted.params);
        trial.validation = match self.cross_validation.get(&index) {
            Some(set) => set.clone(),
            None => candidate.scored.point_set(&decision(run.input.frame, None))?,
        };
        self.trials.push(trial);
        if self.best.get(&family).is_none_or(|best| better(&self.metric, value, best.value)) {
            self.best.insert(family, candidate);
        }
        Ok(Some(value))
    }

    fn measured(&mut self, family: Family, params: &Params) -> Result<Candidate, TrainError> {
        let (run, trial) = (self.run, self.trials.len());
        let decision = decision(run.input.frame, None);
        let (scored, trained) = if run.spec.folds > 0 {
            let folds = cross_validate(run, &self.both, family, params)?;
            self.cross_validation.insert(trial, folds.metrics);
            (folds.scored, run.fit(family, params, &self.rows.train, &self.rows.validation)?)
        } else {
            let trained = run.fit(family, params, &self.rows.train, &self.rows.validation)?;
            let predictions = score(&trained.scorer, run.input.table, &self.rows.validation.rows)?;
            (Scored::new(run.input.frame, &self.rows.validation, &predictions), trained)
        };
        let value = scored.points(&decision)?.get(&self.metric).copied().unwrap_or(f64::NAN);
        Ok(Candidate { family, trained, scored, value, trial })
    }

    fn finish(mut self) -> Result<Kept, TrainError> {
        let mut candidates: Vec<Candidate> = std::mem::take(&mut self.best).into_values().collect();
        if candidates.is_empty() {
            let reason = |trial: &Trial| format!("{}: {}", trial.family.word(), trial.note);
            let reasons: Vec<String> = self.trials.iter().map(reason).collect();
            return Err(TrainError::NothingTrained { reasons: reasons.join("; ") });
        }
        let choice = choose(self.run.input.frame, &self.metric, &candidates, self.run.spec.seed)?;
        for (candidate, note) in candidates.iter().zip(choice.notes) {
            self.trials[candidate.trial].note = note;
        }
        for trial in self.trials.iter_mut().filter(|trial| trial.note.is_empty()) {
            trial.note = format!("not kept: another trial of {} is better", trial.family.word());
        }
        let kept = candidates.swap_remove(choice.kept);
        self.trials[kept.trial].kept = true;
        Ok(Kept {
            family: kept.family,
            cross_validation: self.cross_validation.remove(&kept.trial),
            trained: kept.trained,
            trials: self.trials,
        })
    }
}

/// Returns the families to train, each with those of the given hyperparameters that it has. One that no
/// family has is an error.
fn families(run: &Run<'_>) -> Result<Vec<(Family, Params)>, TrainError> {
    if run.spec.family != Family::Auto {
        return Ok(vec![(run.spec.family, run.spec.params.clone())]);
    }
    let names: Vec<(Family, Vec<String>)> = Family::ALL[1..].iter().map(|f| (*f, names_of(*f))).collect();
    for name in run.spec.params.keys() {
        if !names.iter().any(|(_, known)| known.contains(name)) {
            let mut allowed: Vec<String> = names.iter().flat_map(|(_, known)| known.clone()).collect();
            allowed.sort_unstable();
            allowed.dedup();
            let allowed = allowed.join(", ");
            return Err(TrainError::UnknownParam { name: name.clone(), family: "auto", allowed });
        }
    }
    let own = |known: Vec<String>| {
        let kept = run.spec.params.iter().filter(|(name, _)| known.contains(name));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    Ok(names.into_iter().map(|(family, known)| (family, own(known))).collect())
}

fn names_of(family: Family) -> Vec<String> {
    let params = match family {
        Family::Auto => Params::new(),
        Family::Linear => return vec!["l2".to_owned()],
        Family::Boosting => yard_boost::BoostParams::default().to_params(true),
        Family::Forest => yard_boost::ForestParams::default().to_params(),
        Family::Mlp => return NetParams::names().iter().map(|name| (*name).to_owned()).collect(),
    };
    params.into_keys().collect()
}

/// Returns whether a metric has a value for a task.
fn defined(task: Task, metric: &str) -> bool {
    let regression = matches!(metric, "rmse" | "mae" | "r2" | "median_absolute_error");
    match task {
        Task::Regression => regression,
        Task::Binary => !regression,
        Task::Multiclass => !regression && metric != "expected_cost",
    }
}
