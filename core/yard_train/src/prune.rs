//! Stops trials of a search early: those that fall behind at fixed amounts of training, and those that
//! outlast the time.
//!
//! Method: asynchronous successive halving in its stopping form (Li et al., 2020, "A system for massively
//! parallel hyperparameter tuning", arXiv:1810.05934): at each rung a trial goes on only when its
//! validation loss is among the best third of the trials that came there. The amount of training of
//! boosting is rounds × learning rate, so that slow learners aren't stopped for being slow.

use crate::input::Observer;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use yard_types::{
    event::Progress,
    run::{Family, Params, TrainPoint},
};

/// Trials that must have come to a rung before it stops any.
const ENOUGH: usize = 4;
/// One in so many goes on.
const ETA: usize = 3;
const BOOSTING: [f64; 3] = [1.5, 4.5, 13.5];
const NET: [f64; 3] = [4.0, 12.0, 36.0];

/// Losses of earlier trials at the rungs of each family.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rungs(BTreeMap<Family, Vec<Vec<f64>>>);

impl Rungs {
    /// Adds what a trial reached.
    pub(crate) fn record(&mut self, family: Family, reached: &[f64]) {
        let rungs = self.0.entry(family).or_default();
        rungs.resize(rungs.len().max(reached.len()), Vec::new());
        for (rung, loss) in rungs.iter_mut().zip(reached) {
            rung.push(*loss);
        }
    }

    fn at(&self, family: Family, rung: usize) -> &[f64] {
        self.0.get(&family).and_then(|rungs| rungs.get(rung)).map_or(&[], Vec::as_slice)
    }
}

/// Why a trial ended early.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stopped {
    /// It fell behind: sentence.
    Pruned(String),
    /// The time was used up.
    Time,
}

/// An observer that passes everything on and stops a trial.
pub(crate) struct Pruner<'a> {
    inner: &'a dyn Observer,
    clock: &'a (dyn Fn() -> f64 + Sync),
    /// Moment at which the trial must end.
    deadline: Option<f64>,
    family: Family,
    /// Amount of training of one step.
    pace: f64,
    rungs: &'a Rungs,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    best: Option<f64>,
    last: u32,
    /// A second fit began (folds): only the first is judged.
    over: bool,
    reached: Vec<f64>,
    stopped: Option<Stopped>,
}

impl<'a> Pruner<'a> {
    pub(crate) fn new(
        (inner, clock): (&'a dyn Observer, &'a (dyn Fn() -> f64 + Sync)),
        deadline: Option<f64>,
        (family, params): (Family, &Params),
        rungs: &'a Rungs,
    ) -> Self {
        let rate = || params.get("learning_rate").and_then(|text| text.trim().parse().ok());
        let pace = match family {
            Family::Boosting => rate().unwrap_or(yard_boost::BoostParams::default().learning_rate),
            _ => 1.0,
        };
        Self { inner, clock, deadline, family, pace, rungs, state: Mutex::default() }
    }

    /// Returns the losses reached and why the trial was stopped, if it was.
    pub(crate) fn end(self) -> (Vec<f64>, Option<Stopped>) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state.reached, state.stopped)
    }

    /// Stops the trial: it fell behind, as the sentence says.
    pub(crate) fn stop(&self, sentence: String) {
        self.state().stopped.get_or_insert(Stopped::Pruned(sentence));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, point: &TrainPoint) {
        let amounts: &[f64] = match self.family {
            Family::Boosting => &BOOSTING,
            Family::Mlp | Family::Cnn | Family::Resnet | Family::Transformer | Family::Text => &NET,
            _ => return,
        };
        let mut state = self.state();
        state.over |= point.step <= state.last;
        let Some(loss) = point.validation_loss.filter(|_| !state.over && state.stopped.is_none()) else {
            return;
        };
        state.last = point.step;
        let best = state.best.map_or(loss, |best| best.min(loss));
        state.best = Some(best);
        let rung = state.reached.len();
        if amounts.get(rung).is_none_or(|amount| f64::from(point.step) * self.pace < *amount) {
            return;
        }
        state.reached.push(best);
        let others = self.rungs.at(self.family, rung);
        let ahead = others.iter().filter(|other| **other < best).count();
        if others.len() >= ENOUGH && ahead >= (others.len() + 1).div_ceil(ETA) {
            state.stopped = Some(Stopped::Pruned(format!(
                "pruned: after {} steps {ahead} of {} trials had a lower loss",
                point.step,
                others.len()
            )));
        }
    }
}

impl Observer for Pruner<'_> {
    fn progress(&self, progress: Progress) {
        self.inner.progress(progress);
    }

    fn point(&self, point: TrainPoint) {
        self.inner.point(point);
        self.judge(&point);
    }

    fn cancelled(&self) -> bool {
        if self.inner.cancelled() {
            return true;
        }
        let late = self.deadline.is_some_and(|deadline| (self.clock)() > deadline);
        let mut state = self.state();
        if late && state.stopped.is_none() {
            state.stopped = Some(Stopped::Time);
        }
        state.stopped.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Silent;

    fn follow(rungs: &Rungs, losses: &[f64], deadline: Option<f64>) -> (Vec<f64>, Option<Stopped>) {
        let clock = || 5.0;
        let pruner = Pruner::new((&Silent, &clock), deadline, (Family::Mlp, &Params::new()), rungs);
        for (at, loss) in losses.iter().enumerate() {
            if pruner.cancelled() {
                break;
            }
            pruner.point(TrainPoint {
                step: at as u32 + 1,
                train_loss: 0.0,
                validation_loss: Some(*loss),
                validation_metric: None,
            });
        }
        pruner.end()
    }

    #[test]
    fn trials_that_fall_behind_are_stopped_at_a_rung() {
        let mut rungs = Rungs::default();
        for loss in [0.5, 0.4, 0.3, 0.6] {
            let (reached, stopped) = follow(&rungs, &[loss; 20], None);
            assert_eq!((reached.as_slice(), stopped), (&[loss, loss][..], None));
            rungs.record(Family::Mlp, &reached);
        }
        let (reached, stopped) = follow(&rungs, &[0.45; 20], None);
        assert_eq!(reached, [0.45]);
        assert!(matches!(stopped, Some(Stopped::Pruned(text)) if text.contains("2 of 4")));
        assert_eq!(follow(&rungs, &[0.35; 20], None), (vec![0.35, 0.35], None));
        // The best loss so far counts, not the last.
        assert_eq!(follow(&rungs, &[0.2, 0.9, 0.9, 0.9, 0.9], None), (vec![0.2], None));
    }

    #[test]
    fn time_and_later_folds() {
        assert_eq!(follow(&Rungs::default(), &[0.1; 9], Some(4.0)), (vec![], Some(Stopped::Time)));
        assert_eq!(follow(&Rungs::default(), &[0.1; 9], Some(6.0)), (vec![0.1], None));
        let (rungs, clock) = (Rungs::default(), || 0.0);
        let pruner = Pruner::new((&Silent, &clock), None, (Family::Mlp, &Params::new()), &rungs);
        for step in [1, 2, 1, 2, 3, 4, 5] {
            let (train_loss, validation_loss) = (0.0, Some(1.0));
            pruner.point(TrainPoint { step, train_loss, validation_loss, validation_metric: None });
        }
        assert_eq!(pruner.end(), (vec![], None));
    }
}
