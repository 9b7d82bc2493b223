//! Comparison of two models on the same rows.
//!
//! On one part the rows are resampled jointly (paired bootstrap). Over folds the corrected resampled t of
//! Nadeau and Bengio (2003, "Inference for the generalization error", doi:10.1023/A:1024068626366) is
//! used: the variance of the differences over folds is multiplied by `1 / k + test rows / training rows`,
//! as the folds' training rows overlap.

use crate::{
    TrainError,
    folds::t_95,
    measure::{Scored, decision, resamples_for},
};
use yard_metrics::bootstrap::{Bootstrap, paired_difference};
use yard_types::{
    frame::Frame,
    metric::{Direction, metric_info},
};

const RESAMPLES: u32 = 300;
/// Width of a 95 % interval of a normal variable in standard deviations.
const WIDTH_95: f64 = 3.92;

/// How models are compared.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) metric: &'a str,
    pub(crate) seed: u64,
    /// Test rows of a fold over its training rows.
    pub(crate) ratio: f64,
}

/// The difference of a metric between a model and the best one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) metric: String,
    /// Value of the model.
    pub(crate) value: f64,
    /// Value of the model minus that of the other.
    pub(crate) difference: f64,
    /// Standard error of the difference.
    pub(crate) error: Option<f64>,
    /// 95 % interval of the difference.
    pub(crate) interval: Option<(f64, f64)>,
}

impl Difference {
    /// Returns the loss against the other model in the metric's bad direction: positive is worse.
    fn worse_by(&self) -> f64 {
        let lower = metric_info(&self.metric).is_some_and(|info| info.direction == Direction::Lower);
        if lower { self.difference } else { -self.difference }
    }

    /// Returns whether the whole interval lies on the worse side.
    pub(crate) fn worse_beyond_noise(&self) -> bool {
        let Some((low, high)) = self.interval else { return false };
        if self.worse_by() == self.difference { low > 0.0 } else { high < 0.0 }
    }

    /// Returns whether the model is at most one standard error worse.
    pub(crate) fn within_one_error(&self) -> bool {
        self.worse_by() <= self.error.unwrap_or(0.0)
    }

    /// Returns whether the model is better by more than so many standard errors.
    pub(crate) fn better_by(&self, errors: f64) -> bool {
        self.error.is_some_and(|error| -self.worse_by() > errors * error) && self.worse_by() < 0.0
    }
}

impl Judge<'_> {
    /// Returns the mean of the metric over parts.
    pub(crate) fn value(&self, parts: &[Scored]) -> Result<f64, TrainError> {
        let decision = decision(self.frame, None);
        let mut sum = 0.0;
        for part in parts {
            sum += part.points(&decision)?.get(self.metric).copied().unwrap_or(f64::NAN);
        }
        Ok(sum / parts.len().max(1) as f64)
    }

    /// Compares `model` with `other` on the same parts.
    pub(crate) fn difference(&self, other: &[Scored], model: &[Scored]) -> Result<Difference, TrainError> {
        let ([other], [model]) = (other, model) else { return self.over_folds(other, model) };
        let bootstrap = Bootstrap { resamples: resamples_for(other.len(), RESAMPLES), seed: self.seed };
        let found = paired_difference(
            other.rows()?,
            model.rows()?,
            &decision(self.frame, None),
            self.metric,
            &bootstrap,
        )
        .map_err(|error| TrainError::part("metrics", &error))?;
        let interval = found.low.zip(found.high);
        Ok(Difference {
            metric: found.metric,
            value: found.challenger,
            difference: found.difference,
            error: interval.map(|(low, high)| (high - low) / WIDTH_95),
            interval,
        })
    }

    fn over_folds(&self, other: &[Scored], model: &[Scored]) -> Result<Difference, TrainError> {
        let mut differences = Vec::with_capacity(model.len());
        for (other, model) in other.iter().zip(model) {
            let one = |part: &Scored| self.value(std::slice::from_ref(part));
            differences.push(one(model)? - one(other)?);
        }
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n;
        let variance = differences.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = ((1.0 / n + self.ratio) * variance).sqrt();
        let half = t_95(differences.len()) * error;
        let finite = error.is_finite() && mean.is_finite();
        Ok(Difference {
            metric: self.metric.to_owned(),
            value: self.value(model)?,
            difference: mean,
            error: finite.then_some(error),
            interval: finite.then_some((mean - half, mean + half)),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        target::Part,
        test_data::{Data, Signal},
    };
    use yard_types::frame::Task;

    /// Parts of two rows whose predictions miss by `error`.
    fn parts(errors: &[f32]) -> Vec<Scored> {
        let part = Part { rows: vec![0, 1], y: vec![1.0, 3.0], weights: None, dropped: 0 };
        errors.iter().map(|error| Scored::of_values(&part, vec![1.0 + error, 3.0 - error])).collect()
    }

    #[test]
    fn corrected_t_by_hand() {
        let frame = Data::new(Task::Regression, Signal::Sum, 30).frame;
        let judge = Judge { frame: &frame, metric: "rmse", seed: 0, ratio: 0.25 };
        let found = judge.difference(&parts(&[0.5, 0.5, 0.5, 0.5]), &parts(&[0.3, 0.4, 0.2, 0.3])).unwrap();
        assert!((found.value - 0.3).abs() < 1e-6 && (found.difference + 0.2).abs() < 1e-6, "{found:?}");
        // Variance of -0.2, -0.1, -0.3, -0.2 is 0.02 / 3; times 1/4 + 1/4.
        let error = (0.5_f64 * 0.02 / 3.0).sqrt();
        assert!((found.error.unwrap() - error).abs() < 1e-6);
        assert!((found.interval.unwrap().1 - (-0.2 + 3.182 * error)).abs() < 1e-6);
        assert!(found.better_by(1.0) && found.within_one_error() && !found.worse_beyond_noise());
        let back = judge.difference(&parts(&[0.3, 0.4, 0.2, 0.3]), &parts(&[0.5, 0.5, 0.5, 0.5])).unwrap();
        assert!(!back.better_by(0.5) && !back.within_one_error() && back.worse_beyond_noise());
        let equal = judge.difference(&parts(&[0.3, 0.3]), &parts(&[0.3, 0.3])).unwrap();
        assert!(!equal.better_by(0.5) && equal.within_one_error() && !equal.worse_beyond_noise());
    }
}
