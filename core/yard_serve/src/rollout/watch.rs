//! The evidence about one canary, request by request. Errors and slow answers are compared by e-values, so
//! that a canary that is not worse is rolled back with probability of at most α, however long it runs and however
//! often one looks. Who gets the canary depends on a key alone, as the test asks. Methods: `yard_metrics::sequential`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use yard_metrics::sequential::{BoundedMean, TwoRates};
use yard_types::rollout::{Evidence, EvidencePoint, SideEvidence, WatchPlan};

/// Stable answers after which slowness is known.
const WARM_UP: usize = 200;
/// Latencies of the stable version that its percentile is taken of.
const KEPT: usize = 1_024;
/// Slowest answers below this are not slow, nanoseconds.
const FLOOR: f64 = 1e6;
/// Points of the curve.
const POINTS: usize = 200;
/// Signals that may roll a canary back: errors and latency.
const SIGNALS: f64 = 2.0;
/// Bounds that a promotion asks of: errors, slowness and score, each of two sides.
const BOUNDS: f64 = 6.0;

/// What was seen of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) canary: bool,
    pub(crate) failed: bool,
    pub(crate) nanos: u64,
    /// Probability of the positive class.
    pub(crate) score: Option<f64>,
}

/// What the evidence asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    RollBack(String),
    Promote(String),
}

impl Verdict {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::RollBack(reason) | Self::Promote(reason) => reason,
        }
    }
}

/// The watch over one canary.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) version: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: WatchPlan,
    errors: TwoRates,
    slow: TwoRates,
    error_rate: [BoundedMean; 2],
    slow_rate: [BoundedMean; 2],
    score: [BoundedMean; 2],
    /// Latest latencies of the stable version, a ring.
    latencies: Vec<u64>,
    next: usize,
    limit: Option<f64>,
    curve: Vec<EvidencePoint>,
    stride: u64,
    verdict: Option<Verdict>,
    told: bool,
}

impl Watch {
    pub(crate) fn new(version: u64, plan: WatchPlan) -> Self {
        let bounds = || [BoundedMean::new(plan.alpha / BOUNDS); 2];
        let state = State {
            plan,
            errors: TwoRates::default(),
            slow: TwoRates::default(),
            error_rate: bounds(),
            slow_rate: bounds(),
            score: bounds(),
            latencies: Vec::new(),
            next: 0,
            limit: None,
            curve: Vec::new(),
            stride: 1,
            verdict: None,
            told: false,
        };
        Self { version, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request; returns a verdict once, when it is to be acted upon.
    pub(crate) fn count(&self, seen: Seen) -> Option<Verdict> {
        let mut state = self.state();
        state.count(seen);
        state.due()
    }

    /// Stops or resumes acting; a verdict that was held back is returned.
    pub(crate) fn freeze(&self, frozen: bool) -> Option<Verdict> {
        let mut state = self.state();
        state.plan.frozen = frozen;
        state.due()
    }

    /// Returns the plan.
    pub(crate) fn plan(&self) -> WatchPlan {
        self.state().plan
    }

    /// Returns the evidence so far.
    pub(crate) fn evidence(&self) -> Evidence {
        self.state().evidence(self.version)
    }
}

impl State {
    fn count(&mut self, seen: Seen) {
        let side = usize::from(seen.canary);
        self.errors.push(seen.canary, seen.failed);
        self.error_rate[side].push(f64::from(u8::from(seen.failed)));
        if !seen.failed {
            self.time(seen, side);
            if let Some(score) = seen.score {
                self.score[side].push(score);
            }
        }
        if seen.canary {
            self.note_point();
            if self.verdict.is_none() {
                self.verdict = self.judge();
            }
        }
    }

    /// The limit is made of the past alone, so that it does not depend on the request that it judges.
    fn time(&mut self, seen: Seen, side: usize) {
        if let Some(limit) = self.limit {
            let slow = seen.nanos as f64 > limit;
            self.slow.push(seen.canary, slow);
            self.slow_rate[side].push(f64::from(u8::from(slow)));
        }
        if seen.canary {
            return;
        }
        if self.latencies.len() < KEPT {
            self.latencies.push(seen.nanos);
        } else if let Some(slot) = self.latencies.get_mut(self.next) {
            *slot = seen.nanos;
        }
        self.next = (self.next + 1) % KEPT;
        if self.latencies.len() >= WARM_UP && self.next.is_multiple_of(WARM_UP) {
            let mut sorted = self.latencies.clone();
            sorted.sort_unstable();
            let high = sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(u64::MAX) as f64;
            self.limit = Some((high * self.plan.slow).max(FLOOR));
        }
    }

    fn point(&self) -> EvidencePoint {
        EvidencePoint {
            requests: self.errors.counts()[1],
            errors: self.errors.log_e() / std::f64::consts::LN_10,
            latency: self.slow.log_e() / std::f64::consts::LN_10,
        }
    }

    fn note_point(&mut self) {
        if !self.errors.counts()[1].is_multiple_of(self.stride) {
            return;
        }
        self.curve.push(self.point());
        if self.curve.len() >= POINTS {
            let mut keep = false;
            self.curve.retain(|_| {
                keep = !keep;
                !keep
            });
            self.stride *= 2;
        }
    }

    fn log_limit(&self) -> f64 {
        (SIGNALS / self.plan.alpha).ln()
    }

    fn judge(&self) -> Option<Verdict> {
        let signals = [("fails", &self.errors), ("is slow", &self.slow)];
        for (what, test) in signals {
            if test.log_e() >= self.log_limit() {
                let ([stable, canary], [bad, worse]) = (test.counts(), test.failures());
                return Some(Verdict::RollBack(format!(
                    "the canary {what} more often: {worse} of {canary} requests, the stable version {bad} of \
                     {stable}; e-value {:.0}, limit {:.0}",
                    test.log_e().exp(),
                    self.log_limit().exp()
                )));
            }
        }
        self.not_worse()
    }

    fn not_worse(&self) -> Option<Verdict> {
        let canary = self.errors.counts()[1];
        if canary < self.plan.at_least {
            return None;
        }
        let most = |[stable, canary]: &[BoundedMean; 2]| canary.bounds().1 - stable.bounds().0;
        let (errors, slow) = (most(&self.error_rate), most(&self.slow_rate));
        let [stable, own] = self.score.map(|score| score.bounds());
        let score = (own.1 - stable.0).max(stable.1 - own.0);
        let compared = self.score[0].count() > 0;
        let good = errors <= self.plan.margin
            && slow <= self.plan.margin
            && (!compared || score <= self.plan.score_margin);
        good.then(|| {
            Verdict::Promote(format!(
                "after {canary} requests the canary fails at most {errors:.4} more often and is slow at most \
                 {slow:.4} more often than the stable version; asked: {}",
                self.plan.margin
            ))
        })
    }

    /// Returns a verdict that is to be carried out and was not returned yet.
    fn due(&mut self) -> Option<Verdict> {
        let wanted = match self.verdict {
            Some(Verdict::RollBack(_)) => self.plan.rollback,
            Some(Verdict::Promote(_)) => self.plan.promote,
            None => false,
        };
        if !wanted || self.plan.frozen || self.told {
            return None;
        }
        self.told = true;
        self.verdict.clone()
    }

    fn side(&self, side: usize) -> SideEvidence {
        let score = &self.score[side];
        let known = score.mean().is_some();
        SideEvidence {
            requests: self.errors.counts()[side],
            errors: self.errors.failures()[side],
            timed: self.slow.counts()[side],
            slow: self.slow.failures()[side],
            score: score.mean(),
            score_low: known.then(|| score.bounds().0),
            score_high: known.then(|| score.bounds().1),
        }
    }

    fn evidence(&self, version: u64) -> Evidence {
        let (verdict, reason) = match &self.verdict {
            None => ("watching", ""),
            Some(verdict @ Verdict::RollBack(_)) => ("roll_back", verdict.reason()),
            Some(verdict @ Verdict::Promote(_)) => ("promote", verdict.reason()),
        };
        Evidence {
            version,
            plan: self.plan,
            limit: self.log_limit() / std::f64::consts::LN_10,
            stable: self.side(0),
            canary: self.side(1),
            slow_ms: self.limit.map(|nanos| nanos / 1e6),
            latest: self.point(),
            curve: self.curve.clone(),
            verdict: verdict.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yard_types::rng::Rng;

    /// Error rate and slow-down of the canary.
    #[derive(Clone, Copy)]
    struct Canary(f64, f64);

    /// Runs a canary at 10 % until a verdict; returns it with the canary's requests.
    fn run(seed: u64, plan: WatchPlan, canary: Canary, requests: u64) -> (Option<Verdict>, u64) {
        let (watch, mut rng, mut own) = (Watch::new(2, plan), Rng::new(seed, 3), 0);
        for _ in 0..requests {
            let is_canary = rng.uniform() < 0.1;
            own += u64::from(is_canary);
            let (rate, factor) = if is_canary { (canary.0, canary.1) } else { (0.01, 1.0) };
            // Latencies have a long tail: exp of a normal, median 2 ms.
            let nanos = 2e6 * (0.5 * rng.normal()).exp() * factor;
            let failed = rng.uniform() < rate;
            let score = Some(rng.uniform());
            if let Some(verdict) = watch.count(Seen { canary: is_canary, failed, nanos: nanos as u64, score })
            {
                return (Some(verdict), own);
            }
        }
        (None, own)
    }

    #[test]
    fn of_a_thousand_equal_pairs_under_ten_are_rolled_back() {
        let false_rollbacks =
            (0..1_000).filter(|seed| run(*seed, WatchPlan::default(), Canary(0.01, 1.0), 20_000).0.is_some());
        let count = false_rollbacks.count();
        assert!(count < 10, "{count} of 1000");
    }

    #[test]
    fn a_bad_canary_is_rolled_back_within_200_of_its_requests() {
        let mut taken: Vec<u64> = (0..1_000)
            .map(|seed| {
                let (verdict, own) = run(seed, WatchPlan::default(), Canary(0.2, 1.0), 20_000);
                assert!(matches!(verdict, Some(Verdict::RollBack(_))), "seed {seed}");
                own
            })
            .collect();
        taken.sort_unstable();
        assert!(taken[500] <= 60, "median {}", taken[500]);
        assert!(taken[999] <= 200, "largest {}", taken[999]);
    }

    #[test]
    fn a_slow_canary_is_rolled_back() {
        let late = (0..200)
            .filter(|seed| {
                let (verdict, own) = run(*seed, WatchPlan::default(), Canary(0.01, 3.0), 20_000);
                !matches!(verdict, Some(Verdict::RollBack(_))) || own > 500
            })
            .count();
        assert_eq!(late, 0);
    }

    #[test]
    fn a_good_canary_is_promoted_when_asked() {
        let plan = WatchPlan { promote: true, ..WatchPlan::default() };
        let (verdict, own) = run(1, plan, Canary(0.01, 1.0), 200_000);
        assert!(matches!(verdict, Some(Verdict::Promote(_))), "{verdict:?} after {own}");
        assert!(own >= 1_000, "{own}");
        let (verdict, _) = run(1, plan, Canary(0.05, 1.0), 200_000);
        assert!(matches!(verdict, Some(Verdict::RollBack(_))), "{verdict:?}");
    }

    #[test]
    fn frozen_evidence_is_acted_upon_when_it_thaws() {
        let watch = Watch::new(2, WatchPlan { frozen: true, ..WatchPlan::default() });
        for index in 0..2_000 {
            let canary = index % 10 == 0;
            let seen = Seen { canary, failed: canary, nanos: 1_000, score: None };
            assert_eq!(watch.count(seen), None);
        }
        let evidence = watch.evidence();
        assert_eq!(evidence.verdict, "roll_back");
        assert!(evidence.curve.len() <= 200 && evidence.latest.errors > evidence.limit);
        assert!(matches!(watch.freeze(false), Some(Verdict::RollBack(_))));
        assert_eq!(watch.freeze(false), None, "told once");
    }
}
