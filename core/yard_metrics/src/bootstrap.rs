//! Bootstrap intervals of metrics and the paired comparison of two models.
//!
//! Rows are drawn with replacement; a resample is a count per row that multiplies the row's weight, so
//! scores are sorted once. Draws come from the counter generator (`yard_types::rng`): the same seed gives
//! the same intervals. Method: Efron and Tibshirani, 1993, "An introduction to the bootstrap",
//! doi:10.1201/9780429246593, chapters 13 (percentile interval) and 10 (bias).

use crate::{
    error::MetricsError,
    interval::quantile_sorted,
    prepared::Prepared,
    rows::{Decision, Rows},
    sum::mean,
};
use yard_types::{
    metric::{Direction, MetricSet, MetricValue, metric_info},
    rng,
};

/// Base of the generator's streams: resample r draws from stream `STREAM + r`.
const STREAM: u64 = 0x626f_6f74_0000_0000;

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Number of resamples; 300 to 1,000 are usual. 0 gives no intervals.
    pub resamples: u32,
    /// Seed.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 300 resamples, seed 0.
    fn default() -> Self {
        Self { resamples: 300, seed: 0 }
    }
}

impl Bootstrap {
    /// Writes the weights of resample `index` into `out`: `base` times the number of draws of each row.
    pub fn weights(&self, index: u32, base: &[f64], out: &mut Vec<f64>) {
        let n = base.len() as u64;
        out.clear();
        out.resize(base.len(), 0.0);
        for draw in 0..n {
            let row = rng::below(self.seed, STREAM + u64::from(index), draw, n) as usize;
            out[row] += base[row];
        }
    }
}

/// Returns all metrics of the task with 95 % percentile intervals. A bound is `None` when the metric was
/// defined in fewer than nine tenths of the resamples. The calibration error, whose resamples lie above
/// the value by construction, gets its interval shifted by that bias.
pub fn intervals(rows: Rows<'_>, decision: &Decision, bootstrap: &Bootstrap) -> MetricSet {
    let prepared = Prepared::new(rows, decision);
    let base = rows.weights();
    let (mut weights, mut scratch) = (Vec::new(), Vec::new());
    let values = prepared.values(&base, &mut scratch);
    let mut draws: Vec<Vec<f64>> = vec![Vec::new(); values.len()];
    for index in 0..bootstrap.resamples {
        bootstrap.weights(index, &base, &mut weights);
        let resampled = prepared.values(&weights, &mut scratch);
        for (list, value) in draws.iter_mut().zip(resampled) {
            list.extend(value);
        }
    }
    let mut set = MetricSet::new();
    for ((name, value), draws) in prepared.names().iter().zip(values).zip(draws) {
        let Some(value) = value else { continue };
        let bias = if *name == "ece" { mean(&draws).map_or(0.0, |mean| mean - value) } else { 0.0 };
        let (low, high) = percentiles(draws, bootstrap.resamples);
        let floor = if bias == 0.0 { f64::NEG_INFINITY } else { 0.0 };
        let shift = |bound: Option<f64>| bound.map(|bound| (bound - bias).max(floor));
        set.insert((*name).to_owned(), MetricValue { value, low: shift(low), high: shift(high) });
    }
    set
}

/// Returns the 2.5 % and 97.5 % quantiles of the draws, `None` when too many resamples gave no value.
pub(crate) fn percentiles(mut draws: Vec<f64>, resamples: u32) -> (Option<f64>, Option<f64>) {
    if draws.is_empty() || (draws.len() as f64) < 0.9 * f64::from(resamples) {
        return (None, None);
    }
    draws.sort_unstable_by(f64::total_cmp);
    (quantile_sorted(&draws, 0.025), quantile_sorted(&draws, 0.975))
}

/// The difference of a metric between two models on the same rows.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedDifference {
    /// Metric.
    pub metric: String,
    /// Value of the champion.
    pub champion: f64,
    /// Value of the challenger.
    pub challenger: f64,
    /// Challenger minus champion, in the metric's unit.
    pub difference: f64,
    /// Lower bound of the 95 % interval of the difference.
    pub low: Option<f64>,
    /// Upper bound.
    pub high: Option<f64>,
    /// Share of resamples in which the challenger is worse by the metric's direction; ties count half.
    pub p_worse: f64,
}

impl PairedDifference {
    /// Returns whether the challenger is worse beyond noise: the whole interval lies on the worse side.
    pub fn worse_beyond_noise(&self) -> bool {
        if lower_is_better(&self.metric) {
            self.low.is_some_and(|low| low > 0.0)
        } else {
            self.high.is_some_and(|high| high < 0.0)
        }
    }
}

/// Compares two models on the same rows by resampling the rows jointly.
///
/// `champion` and `challenger` hold the same rows in the same order with the same truth; the champion's
/// weights are used. Errors when they don't, when the task has no such metric, or when it has no value.
pub fn paired_difference(
    champion: Rows<'_>,
    challenger: Rows<'_>,
    decision: &Decision,
    metric: &str,
    bootstrap: &Bootstrap,
) -> Result<PairedDifference, MetricsError> {
    check_same_rows(&champion, &challenger)?;
    let (old, new) = (Prepared::new(champion, decision), Prepared::new(challenger, decision));
    let position = old.names().iter().position(|name| *name == metric);
    let position = position.ok_or_else(|| MetricsError::UnknownMetric {
        metric: metric.to_owned(),
        known: old.names().join(", "),
    })?;
    let base = champion.weights();
    let mut scratch = Vec::new();
    let mut both = |weights: &[f64]| {
        let old = *old.values(weights, &mut scratch).get(position)?;
        let new = *new.values(weights, &mut scratch).get(position)?;
        old.zip(new)
    };
    let (old_value, new_value) = both(&base)
        .ok_or_else(|| MetricsError::Undefined { metric: metric.to_owned(), rows: champion.len() })?;
    let mut weights = Vec::new();
    let mut draws = Vec::with_capacity(bootstrap.resamples as usize);
    for index in 0..bootstrap.resamples {
        bootstrap.weights(index, &base, &mut weights);
        draws.extend(both(&weights).map(|(old, new)| new - old));
    }
    let p_worse = share_worse(&draws, lower_is_better(metric));
    let (low, high) = percentiles(draws, bootstrap.resamples);
    Ok(PairedDifference {
        metric: metric.to_owned(),
        champion: old_value,
        challenger: new_value,
        difference: new_value - old_value,
        low,
        high,
        p_worse,
    })
}

fn lower_is_better(metric: &str) -> bool {
    metric_info(metric).is_some_and(|info| info.direction == Direction::Lower)
}

fn share_worse(draws: &[f64], lower_is_better: bool) -> f64 {
    let worse = |draw: &&f64| if lower_is_better { **draw > 0.0 } else { **draw < 0.0 };
    let ties = draws.iter().filter(|draw| **draw == 0.0).count() as f64;
    let worse = draws.iter().filter(worse).count() as f64;
    if draws.is_empty() { f64::NAN } else { (worse + 0.5 * ties) / draws.len() as f64 }
}

fn check_same_rows(champion: &Rows<'_>, challenger: &Rows<'_>) -> Result<(), MetricsError> {
    if champion.len() != challenger.len() {
        return Err(MetricsError::Length {
            what: "scores of the challenger",
            expected: champion.len(),
            got: challenger.len(),
        });
    }
    let difference = match (champion, challenger) {
        (Rows::Binary(a), Rows::Binary(b)) => first_difference(a.y(), b.y()),
        (Rows::Multiclass(a), Rows::Multiclass(b)) => first_difference(a.y(), b.y()),
        (Rows::Regression(a), Rows::Regression(b)) => first_difference(a.truth(), b.truth()),
        _ => Some(0),
    };
    difference.map_or(Ok(()), |row| Err(MetricsError::DifferentRows { row }))
}

fn first_difference<T: PartialEq>(a: &[T], b: &[T]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a != b)
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
