//! The Pareto front of trials: those that no other trial beats in quality, latency and size at once.

use yard_types::{metric::better, run::Trial};

/// Marks the trials on the front: no other one is at least as good in the metric, as fast and as small, and
/// better in one of them. A trial without the metric, latency or size is not on it.
pub(crate) fn mark(metric: &str, trials: &mut [Trial]) {
    let figures: Vec<Option<(f64, f64, u64)>> = trials
        .iter()
        .map(|trial| {
            let value = trial.validation.get(metric)?.value;
            (!value.is_nan()).then_some((value, trial.latency_us?, trial.size_bytes?))
        })
        .collect();
    let beats = |a: (f64, f64, u64), b: (f64, f64, u64)| {
        !better(metric, b.0, a.0) && a.1 <= b.1 && a.2 <= b.2 && a != b
    };
    for (trial, own) in trials.iter_mut().zip(&figures) {
        trial.front = own.is_some_and(|own| !figures.iter().flatten().any(|other| beats(*other, own)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yard_types::{
        metric::{MetricSet, MetricValue},
        run::{Family, Params},
    };

    fn trial(value: f64, latency_us: f64, size_bytes: u64) -> Trial {
        Trial {
            family: Family::Linear,
            params: Params::new(),
            validation: MetricSet::from([("rmse".to_owned(), MetricValue::point(value))]),
            seconds: 0.0,
            kept: false,
            note: String::new(),
            size_bytes: Some(size_bytes),
            latency_us: Some(latency_us),
            front: false,
        }
    }

    #[test]
    fn the_front_by_hand() {
        let mut trials = vec![
            trial(1.0, 9.0, 900),
            trial(2.0, 1.0, 10),
            // Worse and slower than the second.
            trial(3.0, 2.0, 10),
            // Between the two.
            trial(1.5, 5.0, 500),
            // As good as the first, but larger.
            trial(1.0, 9.0, 901),
            trial(f64::NAN, 0.1, 1),
        ];
        trials.push(Trial { latency_us: None, ..trial(0.1, 0.0, 0) });
        // Equal figures are both on it.
        trials.push(trial(2.0, 1.0, 10));
        mark("rmse", &mut trials);
        let marked: Vec<bool> = trials.iter().map(|trial| trial.front).collect();
        assert_eq!(marked, [true, true, false, true, false, false, false, true]);
    }
}
