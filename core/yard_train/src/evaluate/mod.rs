//! Measures a model on rows: every field of [`yard_types::evaluation::Evaluation`].
//!
//! All predictions come from the scorer that serves. Figures are deterministic for any number of threads
//! (latency apart): threads take whole slices, fields or blocks.

mod effort;
mod groups;
mod importance;
mod latency;
mod rule;
mod slices;
#[cfg(test)]
mod tests;

pub(crate) use effort::{Effort, effort, model_bytes};

use crate::{
    Context, TrainError,
    measure::{Scored, decision, resamples_for, score},
    target::Part,
    train::in_pool,
};
use yard_metrics::{
    BinaryRows, Decision, Rows,
    bootstrap::Bootstrap,
    classification, cost, curve,
    fairness::{GroupColumn, fairness},
};
use yard_score::{model::ScorerParts, predictions::Predictions, scorer::Scorer};
use yard_types::{
    evaluation::{Confusion, Evaluation, ExpectedCost, Fairness, Residual},
    event::Progress,
    frame::{Frame, Task},
    ids::ModelId,
    metric::{MetricSet, MetricValue, default_metric},
    schema::Schema,
    split::Split,
    table::Table,
};

/// Resamples of the metrics' intervals and of the cost curve.
const RESAMPLES: u32 = 300;
const CALIBRATION_BINS: usize = 10;
const RESIDUALS: usize = 2_000;

/// What is evaluated, on which rows.
#[derive(Clone, Copy, Debug)]
pub struct EvaluateInput<'a> {
    /// Model.
    pub model: ModelId,
    /// Its parts.
    pub parts: &'a ScorerParts,
    /// Table with the evaluated rows, the target and the protected columns.
    pub table: &'a Table,
    /// Evaluated rows of the table.
    pub rows: &'a [u32],
    /// Schema of the dataset (slices follow its features).
    pub schema: &'a Schema,
    /// Frame.
    pub frame: &'a Frame,
    /// `validation`, `test` or `file`.
    pub split: &'a str,
    /// Table and split that the model was trained on: the best single rule is sought on its training
    /// rows. `None` leaves the rule out.
    pub training: Option<(&'a Table, &'a Split)>,
    /// Probability threshold moved by hand; `None` = by the costs.
    pub threshold: Option<f64>,
    /// Size of the model in bytes.
    pub size_bytes: u64,
    /// Seed of bootstrap, shuffles and samples.
    pub seed: u64,
}

/// Evaluates a model. Rows without a target are left out; an evaluation without rows is an error.
pub fn evaluate(input: &EvaluateInput<'_>, context: &Context<'_>) -> Result<Evaluation, TrainError> {
    in_pool(context.threads, || Work::new(input, context)?.evaluation())
}

/// Rows with truth and predictions, and how they are decided.
struct Work<'a> {
    input: &'a EvaluateInput<'a>,
    context: &'a Context<'a>,
    scorer: Scorer,
    part: Part,
    predictions: Predictions,
    scored: Scored,
    decision: Decision,
    /// The metric that importance and the order of slices follow.
    metric: &'a str,
}

impl<'a> Work<'a> {
    fn new(input: &'a EvaluateInput<'a>, context: &'a Context<'a>) -> Result<Self, TrainError> {
        let EvaluateInput { table, schema, frame, parts, .. } = *input;
        let part = Part::read(table, schema, frame, input.rows)?;
        if part.rows.is_empty() {
            return Err(TrainError::TooFewRows { part: "evaluation", rows: 0, needed: 1 });
        }
        let scorer = Scorer::new(parts).map_err(|error| TrainError::part("scorer", &error))?;
        let predictions = score(&scorer, table, &part.rows)?;
        let scored = Scored::new(frame, &part, &predictions);
        let decision = decision(frame, input.threshold);
        let known = scored.points(&decision)?.contains_key(&frame.metric);
        let metric = if known { frame.metric.as_str() } else { default_metric(frame.task) };
        Ok(Self { input, context, scorer, part, predictions, scored, decision, metric })
    }

    fn evaluation(&self) -> Result<Evaluation, TrainError> {
        let binary = self.scored.binary()?;
        self.step("metrics", 0)?;
        let (metrics, rest) = rayon::join(
            || self.scored.intervals(&self.decision, RESAMPLES, self.input.seed),
            || rayon::join(|| slices::slices(self), || importance::importance(self)),
        );
        let (metrics, slices, importance) = (metrics?, rest.0?, rest.1?);
        self.step("costs and groups", 1)?;
        let (cost_curve, expected_cost) = rayon::join(
            || binary.as_ref().map(|rows| self.cost_curve(rows)).unwrap_or_default(),
            || binary.as_ref().map(|rows| self.expected_cost(rows, &metrics)).transpose(),
        );
        let (expected_cost, fairness) = (expected_cost?.flatten(), self.fairness(binary.as_ref())?);
        self.step("latency", 2)?;
        Ok(Evaluation {
            model: self.input.model,
            split: self.input.split.to_owned(),
            rows: self.part.rows.len() as u64,
            positives: self.scored.positives(),
            threshold: binary.map(|_| self.decision.threshold),
            expected_cost,
            roc: binary.as_ref().map(curve::roc).unwrap_or_default(),
            precision_recall: binary.as_ref().map(curve::precision_recall).unwrap_or_default(),
            calibration: binary
                .as_ref()
                .map(|rows| curve::calibration(rows, CALIBRATION_BINS))
                .unwrap_or_default(),
            cost_curve,
            confusion: self.confusion()?,
            residuals: self.residuals(),
            slices,
            fairness,
            importance,
            latency: latency::latency(self),
            size_bytes: self.input.size_bytes,
            metrics,
        })
    }

    fn step(&self, phase: &str, done: u64) -> Result<(), TrainError> {
        let observer = self.context.observer;
        observer.progress(Progress {
            phase: format!("evaluation: {phase}"),
            done,
            total: Some(3),
            unit: "steps".to_owned(),
        });
        if observer.cancelled() { Err(TrainError::Cancelled) } else { Ok(()) }
    }

    fn cost_curve(&self, rows: &BinaryRows<'_>) -> Vec<yard_types::evaluation::CostPoint> {
        let resamples = resamples_for(rows.len(), RESAMPLES);
        curve::cost_curve(rows, &self.decision.costs, &Bootstrap { resamples, seed: self.input.seed })
    }

    fn expected_cost(
        &self,
        rows: &BinaryRows<'_>,
        metrics: &MetricSet,
    ) -> Result<Option<ExpectedCost>, TrainError> {
        let costs = &self.decision.costs;
        let (Some(do_nothing), Some(always)) = (cost::do_nothing(rows, costs), cost::always(rows, costs))
        else {
            return Ok(None);
        };
        let model = metrics.get("expected_cost").copied();
        Ok(Some(ExpectedCost {
            model: model.unwrap_or(MetricValue::point(f64::NAN)),
            do_nothing,
            always,
            best_rule: rule::best_rule(self, rows)?,
        }))
    }

    fn confusion(&self) -> Result<Option<Confusion>, TrainError> {
        let classes = &self.input.frame.classes;
        Ok(match (self.scored.rows()?, classes.as_slice()) {
            (Rows::Binary(rows), [negative, positive]) => {
                Some(classification::confusion(&rows, self.decision.threshold, [negative, positive]))
            }
            (Rows::Multiclass(rows), _) => Some(classification::confusion_multiclass(&rows, classes)),
            _ => None,
        })
    }

    /// Returns predicted and true values of at most 2,000 rows, evenly spaced.
    fn residuals(&self) -> Vec<Residual> {
        if self.input.frame.task != Task::Regression {
            return Vec::new();
        }
        let stride = self.part.y.len().div_ceil(RESIDUALS).max(1);
        let pairs = self.predictions.margins.iter().zip(&self.part.y).step_by(stride);
        pairs
            .map(|(predicted, actual)| Residual { predicted: f64::from(*predicted), actual: *actual })
            .collect()
    }

    fn fairness(&self, rows: Option<&BinaryRows<'_>>) -> Result<Vec<Fairness>, TrainError> {
        let Some(rows) = rows else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for name in &self.input.frame.protected {
            let Some(groups) = groups::Groups::of(self.input, name, &self.part.rows) else { continue };
            let column = GroupColumn { name, codes: &groups.codes, labels: &groups.values };
            let figures = fairness(&column, rows, self.decision.threshold);
            found.push(figures.map_err(|error| TrainError::part("metrics", &error))?);
        }
        Ok(found)
    }
}
