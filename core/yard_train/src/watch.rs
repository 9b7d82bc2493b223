//! The frame's metric on validation rows along the training curve. Knows no learner: it takes margins.
//!
//! Early steps are measured one by one, later ones ever more sparsely ([`due`]): about 60 of 300 steps,
//! so that a metric that sorts the rows costs little beside the training.

use crate::{fit::link_of, measure::decision};
use serde::{Deserialize, Serialize};
use yard_metrics::{BinaryRows, Decision, MulticlassRows, RegressionRows, Rows, metric_set};
use yard_score::{
    math::{exp, sigmoid, softmax},
    model::Link,
};
use yard_types::{
    frame::{Costs, Frame, Task},
    metric::{default_metric, metric_info},
};

/// Which metric is followed and how decisions are taken for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// Metric name.
    pub metric: String,
    /// Link of the margins.
    pub link: Link,
    /// Margins per row.
    pub outputs: usize,
    /// Probability threshold of a binary decision.
    pub threshold: f64,
    /// Costs of a binary decision.
    pub costs: Costs,
}

/// Returns the frame's metric, or the task's default where the task lacks it.
pub(crate) fn metric_name(frame: &Frame) -> &str {
    let known = metric_info(&frame.metric).is_some_and(|_| defined(frame.task, &frame.metric));
    if known { frame.metric.as_str() } else { default_metric(frame.task) }
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

/// Returns whether the metric is computed at a step (from 1): all up to 20, then about ten for each
/// doubling.
pub(crate) fn due(step: u32) -> bool {
    let stride = match step / 10 {
        0..=1 => 1,
        2..=4 => 2,
        5..=9 => 5,
        10..=19 => 10,
        20..=49 => 20,
        50..=99 => 50,
        100..=499 => 100,
        _ => 500,
    };
    step.is_multiple_of(stride)
}

impl Watch {
    /// Follows the metric of a frame.
    pub(crate) fn of(frame: &Frame) -> Self {
        let (link, outputs) = link_of(frame);
        let Decision { threshold, costs } = decision(frame, None);
        Self { metric: metric_name(frame).to_owned(), link, outputs, threshold, costs }
    }

    /// Returns the metric of margins, `[rows, outputs]` row-major, of rows with targets `y` (class codes
    /// or values) and weights. `None` without rows or where the metric has no value.
    pub(crate) fn value(&self, y: &[f64], weights: Option<&[f64]>, margins: &[f32]) -> Option<f64> {
        if y.is_empty() || margins.len() != y.len() * self.outputs {
            return None;
        }
        let decision = Decision { threshold: self.threshold, costs: self.costs };
        let measure = |rows: Rows<'_>| metric_set(rows, &decision).get(&self.metric).copied();
        match self.link {
            Link::Logistic => {
                let codes: Vec<u8> = y.iter().map(|y| *y as u8).collect();
                let p: Vec<f32> = margins.iter().map(|m| sigmoid(f64::from(*m)) as f32).collect();
                let rows = BinaryRows::new(&codes, &p).ok()?;
                let rows = weights.map_or(Ok(rows), |weights| rows.with_weights(weights)).ok()?;
                measure(Rows::Binary(rows))
            }
            Link::Softmax => {
                let codes: Vec<usize> = y.iter().map(|y| *y as usize).collect();
                let p = self.probabilities(margins);
                let rows = MulticlassRows::new(&codes, &p, self.outputs).ok()?;
                let rows = weights.map_or(Ok(rows), |weights| rows.with_weights(weights)).ok()?;
                measure(Rows::Multiclass(rows))
            }
            Link::Identity | Link::Log => {
                let respond = |margin: &f32| exp(f64::from(*margin)) as f32;
                let predictions: Vec<f32> = match self.link {
                    Link::Log => margins.iter().map(respond).collect(),
                    _ => margins.to_vec(),
                };
                let rows = RegressionRows::new(y, &predictions).ok()?;
                let rows = weights.map_or(Ok(rows), |weights| rows.with_weights(weights)).ok()?;
                measure(Rows::Regression(rows))
            }
        }
    }

    fn probabilities(&self, margins: &[f32]) -> Vec<f32> {
        let mut out = Vec::with_capacity(margins.len());
        for row in margins.chunks_exact(self.outputs) {
            let mut scores: Vec<f64> = row.iter().map(|margin| f64::from(*margin)).collect();
            softmax(&mut scores);
            out.extend(scores.iter().map(|score| *score as f32));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::{Data, Signal};

    fn watch(task: Task) -> Watch {
        Watch::of(&Data::new(task, Signal::Sum, 30).frame)
    }

    #[test]
    fn values_are_those_of_the_metrics() {
        let binary = watch(Task::Binary);
        // By hand: of the four pairs of a positive and a negative, three are in order.
        let value = binary.value(&[0.0, 1.0, 0.0, 1.0], None, &[-1.0, 0.0, 0.5, 2.0]).unwrap();
        assert!((value - 0.75).abs() < 1e-12, "{value}");
        let weighted =
            binary.value(&[0.0, 1.0, 0.0, 1.0], Some(&[1.0, 3.0, 1.0, 1.0]), &[-1.0, 0.0, 0.5, 2.0]);
        assert!((weighted.unwrap() - 0.625).abs() < 1e-12, "{weighted:?}");
        let regression = watch(Task::Regression);
        assert_eq!(regression.metric, "rmse");
        let value = regression.value(&[1.0, 2.0], None, &[1.0, 4.0]).unwrap();
        assert!((value - 2.0_f64.sqrt()).abs() < 1e-12, "{value}");
        let classes = watch(Task::Multiclass);
        let margins = [5.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0];
        assert!(classes.value(&[0.0, 1.0, 2.0], None, &margins).is_some());
    }

    #[test]
    fn rows_that_do_not_fit_have_no_value() {
        assert_eq!(watch(Task::Binary).value(&[], None, &[]), None);
        assert_eq!(watch(Task::Binary).value(&[0.0], None, &[0.0, 1.0]), None);
        // One class has no ROC AUC.
        assert_eq!(watch(Task::Binary).value(&[1.0, 1.0], None, &[0.0, 1.0]), None);
    }

    #[test]
    fn steps_thin_out() {
        let count = |to: u32| (1..=to).filter(|step| due(*step)).count();
        assert_eq!((count(20), count(100), count(300), count(1_000)), (20, 45, 60, 80));
    }
}
