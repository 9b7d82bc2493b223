//! The time of a search: what is left of the budget, what a trial of a family costs, and what has to be
//! kept back for the last fits and the evaluation. Costs are learnt from the trials that have ended. A
//! search without a budget asks no clock. Knows nothing of models.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use yard_types::run::Family;

/// Share of the budget that is always kept back, and the most that is.
const LEAST_BACK: f64 = 0.06;
const MOST_BACK: f64 = 0.5;
/// Share of the budget that one trial may use.
const ONE_TRIAL: f64 = 0.25;
/// Estimates are exceeded, as other work on the machine comes and goes.
const SAFETY: f64 = 1.3;

/// What a candidate will still cost, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Its last fits on one worker.
    pub(crate) fits: f64,
    /// Its share of the evaluation.
    pub(crate) evaluation: f64,
}

/// The time of a search.
pub(crate) struct Budget<'a> {
    clock: &'a (dyn Fn() -> f64 + Sync),
    started: f64,
    /// Seconds in all; `None` without a budget.
    total: Option<f64>,
    /// Trials and last fits at once.
    workers: usize,
    costs: Mutex<BTreeMap<Family, Costs>>,
}

#[derive(Default)]
struct Costs {
    trials: u32,
    seconds: f64,
    last: Cost,
}

impl<'a> Budget<'a> {
    /// Begins a budget; `used` seconds of it were spent before (by the search that is resumed).
    pub(crate) fn new(
        clock: &'a (dyn Fn() -> f64 + Sync),
        total: Option<f64>,
        workers: usize,
        used: f64,
    ) -> Self {
        let started = clock() - used / workers.max(1) as f64;
        Self { clock, started, total, workers: workers.max(1), costs: Mutex::default() }
    }

    fn costs(&self) -> MutexGuard<'_, BTreeMap<Family, Costs>> {
        self.costs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a trial took, and what its model would still cost.
    pub(crate) fn record(&self, family: Family, seconds: f64, cost: Option<Cost>) {
        let mut costs = self.costs();
        let own = costs.entry(family).or_default();
        own.trials += 1;
        own.seconds += seconds;
        if let Some(cost) = cost {
            own.last.fits = own.last.fits.max(cost.fits);
            own.last.evaluation = own.last.evaluation.max(cost.evaluation);
        }
    }

    /// Returns what is kept back: the last fits of a model of each family, and their evaluation.
    fn kept_back(&self, total: f64) -> f64 {
        let costs = self.costs();
        let fits: f64 = costs.values().map(|own| own.last.fits).sum();
        let longest = costs.values().map(|own| own.last.fits).fold(0.0, f64::max);
        let evaluation: f64 = costs.values().map(|own| own.last.evaluation).sum();
        let needed = SAFETY * ((fits / self.workers as f64).max(longest) + evaluation);
        (LEAST_BACK * total + needed).min(MOST_BACK * total)
    }

    /// Returns the moment at which trials end.
    fn trials_end(&self) -> Option<f64> {
        self.total.map(|total| self.started + total - self.kept_back(total))
    }

    /// Returns whether a trial of the family would end in time, as far as is known.
    pub(crate) fn allows(&self, family: Family) -> bool {
        let Some(end) = self.trials_end() else { return true };
        let mean = self.costs().get(&family).map_or(0.0, |own| own.seconds / f64::from(own.trials.max(1)));
        (self.clock)() + mean < end
    }

    /// Returns whether there is time for any of the families.
    pub(crate) fn allows_any(&self, mut families: impl Iterator<Item = Family>) -> bool {
        families.any(|family| self.allows(family))
    }

    /// Returns the moment at which a trial that begins now is stopped.
    pub(crate) fn trial_deadline(&self) -> Option<f64> {
        let total = self.total?;
        Some(self.trials_end()?.min((self.clock)() + ONE_TRIAL * total))
    }

    /// Returns the seconds until the budget ends, less the share that is always kept back.
    pub(crate) fn left(&self) -> Option<f64> {
        self.total.map(|total| self.started + (1.0 - LEAST_BACK) * total - (self.clock)())
    }

    /// Returns the seconds that models with these costs need to the end, fitted side by side.
    pub(crate) fn needed(&self, costs: impl Iterator<Item = Cost>) -> f64 {
        let (mut fits, mut longest, mut evaluation) = (0.0, 0.0_f64, 0.0);
        for cost in costs {
            fits += cost.fits;
            longest = longest.max(cost.fits);
            evaluation += cost.evaluation;
        }
        (fits / self.workers as f64).max(longest) + evaluation
    }

    /// Returns whether there is a budget.
    pub(crate) fn is_set(&self) -> bool {
        self.total.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn time_is_kept_back_for_the_last_fits() {
        let now = Mutex::new(0.0);
        let clock = || *now.lock().unwrap();
        let budget = Budget::new(&clock, Some(100.0), 2, 0.0);
        assert!(budget.allows(Family::Forest));
        assert_eq!(budget.trial_deadline(), Some(25.0));
        budget.record(Family::Forest, 30.0, Some(Cost { fits: 20.0, evaluation: 5.0 }));
        // 6 are always kept back, and 1.3 × (20 + 5).
        *now.lock().unwrap() = 31.0;
        assert!(budget.allows(Family::Forest));
        *now.lock().unwrap() = 32.0;
        assert!(!budget.allows(Family::Forest) && budget.allows(Family::Linear));
        *now.lock().unwrap() = 62.0;
        assert!(!budget.allows(Family::Linear));
        assert_eq!(budget.trial_deadline(), Some(61.5));
        assert_eq!(budget.left(), Some(32.0));
        let two = [Cost { fits: 8.0, evaluation: 1.0 }, Cost { fits: 2.0, evaluation: 1.0 }];
        assert_eq!(budget.needed(two.into_iter()), 10.0);
        // Never more than half.
        budget.record(Family::Mlp, 1.0, Some(Cost { fits: 500.0, evaluation: 0.0 }));
        assert!(!budget.allows(Family::Linear));
        assert_eq!(budget.trial_deadline(), Some(50.0));
    }

    #[test]
    fn without_a_budget_no_clock_is_asked() {
        let asked = Mutex::new(0);
        let clock = || {
            *asked.lock().unwrap() += 1;
            0.0
        };
        let budget = Budget::new(&clock, None, 1, 0.0);
        assert!(budget.allows(Family::Mlp) && budget.trial_deadline().is_none() && budget.left().is_none());
        assert_eq!(*asked.lock().unwrap(), 1);
        let resumed = Budget::new(&clock, Some(10.0), 2, 12.0);
        assert!((resumed.left().unwrap() - 3.4).abs() < 1e-12);
    }
}
