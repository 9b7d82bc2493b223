//! [`Scorer`]: recipe, forward pass, calibration and link of a model, checked and compiled. Everything
//! that could make a damaged or hostile model panic or loop is refused by [`Scorer::new`].
//!
//! One row, a block, a table: all go through the same encoding and the same forward pass, so that an
//! answer has the same bits whichever way the row arrives.

use crate::{
    encode::{self, BLOCK, BoundTable, Encoder, Rows},
    error::ScoreError,
    forward::{Forward, Work},
    model::{Calibration, Link, Model, ScorerParts},
    predictions::{Outcome, Predictions, RowPrediction},
    value::InputValue,
};
use yard_types::{
    frame::Task,
    recipe::{Feature, FeatureOp},
    table::{FieldValue, Table},
};

/// A model that is ready to score.
///
/// ```
/// use yard_score::{model::*, scorer::Scorer};
/// use yard_types::{frame::Task, recipe::*, schema::FieldType, table::FieldValue};
/// let parts = ScorerParts {
///     task: Task::Regression,
///     classes: vec![],
///     recipe: FittedRecipe {
///         encoding: Encoding::Dense,
///         inputs: vec![FittedInput {
///             name: "rooms".into(),
///             field_type: FieldType::Number,
///             rules: Default::default(),
///             categories: vec![],
///         }],
///         texts: vec![],
///         images: vec![],
///         pieces: vec![],
///         features: vec![Feature {
///             name: "rooms".into(),
///             input: 0,
///             op: FeatureOp::Number { fill: Some(3.0), scale: None },
///         }],
///     },
///     link: Link::Identity,
///     calibration: Calibration::None,
///     model: Model::Linear(LinearModel { n_features: 1, weights: vec![20.0], bias: vec![50.0] }),
/// };
/// let scorer = Scorer::new(&parts)?;
/// let mut scratch = scorer.scratch();
/// let answer = scorer.score_row(&[FieldValue::Text("4")], &mut scratch)?;
/// assert_eq!(answer.margins, [130.0]);
/// # Ok::<(), yard_score::error::ScoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scorer {
    task: Task,
    encoder: Encoder,
    forward: Forward,
    outcome: Outcome,
    outputs: usize,
}

/// Working memory of one thread; made by [`Scorer::scratch`] for that scorer.
#[derive(Clone, Debug)]
pub struct Scratch {
    features: Vec<f32>,
    values: Vec<InputValue>,
    work: Work,
    scores: Vec<f64>,
    margins: Vec<f32>,
    probabilities: Vec<f32>,
}

impl Scorer {
    /// Checks and compiles a model.
    pub fn new(parts: &ScorerParts) -> Result<Self, ScoreError> {
        let outputs = parts.model.outputs();
        check_outcome(parts, outputs)?;
        let encoder = Encoder::new(&parts.recipe)?;
        let codes: Vec<bool> = parts.recipe.features.iter().map(|f| f.op == FeatureOp::Code).collect();
        if encoder.n_features() == 0 {
            let what = "features".to_owned();
            return Err(ScoreError::Recipe { what, problem: "there are none".to_owned() });
        }
        if let Some(feature) = missing_for(&parts.model, &parts.recipe.features) {
            return Err(ScoreError::Recipe {
                what: format!("feature {}", crate::error::quoted(&feature.name)),
                problem: "it can be missing, which linear models and nets can't take".to_owned(),
            });
        }
        Ok(Self {
            task: parts.task,
            forward: Forward::new(&parts.model, &codes)?,
            encoder,
            outcome: Outcome::new(parts.link, parts.calibration.clone(), &parts.classes),
            outputs,
        })
    }

    /// Returns the task.
    pub fn task(&self) -> Task {
        self.task
    }

    /// Returns the classes in model order; empty for regression.
    pub fn classes(&self) -> &[String] {
        self.outcome.classes()
    }

    /// Returns the number of margins per row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Returns link, calibration and classes.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns the compiled recipe.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Returns the names of the input fields in order.
    pub fn input_names(&self) -> impl Iterator<Item = &str> {
        self.encoder.inputs().iter().map(|input| input.name.as_str())
    }

    /// Returns the margin at and above which a binary row counts as positive.
    pub fn margin_threshold(&self, probability: f64) -> f64 {
        self.outcome.margin_threshold(probability)
    }

    /// Makes the working memory for one thread.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            features: vec![0.0; self.encoder.n_features()],
            values: Vec::new(),
            work: self.forward.work(1),
            scores: vec![0.0; self.classes().len()],
            margins: vec![0.0; self.outputs],
            probabilities: vec![0.0; self.classes().len()],
        }
    }

    /// Returns the rows that are scored together.
    fn block(&self) -> usize {
        encode::block_rows(self.encoder.n_features())
    }

    /// Makes the working memory for a block of rows.
    fn block_scratch(&self) -> Scratch {
        let block = self.block();
        Scratch {
            features: vec![0.0; self.encoder.n_features() * block],
            values: Vec::with_capacity(block),
            work: self.forward.work(block),
            margins: vec![0.0; self.outputs * block],
            probabilities: vec![0.0; self.classes().len() * block],
            ..self.scratch()
        }
    }

    /// Scores one row of values in input order; allocates nothing unless it fails.
    pub fn score_row<'a>(
        &'a self,
        row: &[FieldValue<'_>],
        scratch: &'a mut Scratch,
    ) -> Result<RowPrediction<'a>, ScoreError> {
        let n_features = self.encoder.n_features();
        self.encoder.encode_row(row, &mut scratch.features[..n_features])?;
        self.finish(1, 0, scratch)?;
        let probabilities = &scratch.probabilities[..self.classes().len()];
        Ok(RowPrediction::new(&self.outcome, &scratch.margins[..self.outputs], probabilities))
    }

    /// Scores all rows of a table.
    pub fn score_table(&self, table: &Table) -> Result<Predictions, ScoreError> {
        self.score_rows(table, Rows::Range(0, table.rows()))
    }

    /// Scores some rows of a table. Columns are found by name; one that is absent is an error.
    pub fn score_rows(&self, table: &Table, rows: Rows<'_>) -> Result<Predictions, ScoreError> {
        self.score_bound(&self.encoder.bind(table)?, rows)
    }

    /// Scores some rows of a table that was bound to this scorer's encoder. Threads share the binding
    /// and score rows of their own; the answers don't depend on how rows are divided.
    pub fn score_bound(&self, bound: &BoundTable<'_>, rows: Rows<'_>) -> Result<Predictions, ScoreError> {
        let mut out = Predictions::with_capacity(&self.outcome, self.outputs, rows.len());
        let mut scratch = self.block_scratch();
        let n_features = self.encoder.n_features();
        for start in (0..rows.len()).step_by(self.block()) {
            let end = (start + self.block()).min(rows.len());
            let features = &mut scratch.features[..(end - start) * n_features];
            bound.encode_block(rows, (start, end), &mut scratch.values, features)?;
            self.finish(end - start, start, &mut scratch)?;
            self.take(end - start, &scratch, &mut out);
        }
        Ok(out)
    }

    /// Scores rows that [`Encoder::encode`] has encoded, `[rows, n_features]`.
    pub fn score_features(&self, features: &[f32]) -> Result<Predictions, ScoreError> {
        let n_features = self.encoder.n_features();
        let rows = features.len().checked_div(n_features).unwrap_or(0);
        crate::forward::check_len("number of feature values", features.len(), rows * n_features)?;
        let mut out = Predictions::with_capacity(&self.outcome, self.outputs, rows);
        let mut scratch = self.block_scratch();
        for start in (0..rows).step_by(self.block()) {
            let end = (start + self.block()).min(rows);
            let block = &features[start * n_features..end * n_features];
            scratch.features[..block.len()].copy_from_slice(block);
            self.finish(end - start, start, &mut scratch)?;
            self.take(end - start, &scratch, &mut out);
        }
        Ok(out)
    }

    /// Margins of encoded rows `[rows, n_features]`, before a log link is applied.
    pub(crate) fn margins(&self, features: &[f32]) -> Result<Vec<f32>, ScoreError> {
        let n_features = self.encoder.n_features();
        let rows = features.len() / n_features;
        let mut margins = vec![0.0; rows * self.outputs];
        let mut work = self.forward.work(rows.min(BLOCK));
        let blocks = features.chunks(n_features * BLOCK).zip(margins.chunks_mut(self.outputs * BLOCK));
        for (features, margins) in blocks {
            self.forward.run(features, &mut work, margins);
        }
        match margins.iter().position(|margin| !margin.is_finite()) {
            None => Ok(margins),
            Some(at) => Err(ScoreError::Overflow { row: at / self.outputs }),
        }
    }

    /// From features in `scratch` to margins and probabilities in it. `first` numbers rows in errors.
    fn finish(&self, rows: usize, first: usize, scratch: &mut Scratch) -> Result<(), ScoreError> {
        let features = &scratch.features[..rows * self.encoder.n_features()];
        let margins = &mut scratch.margins[..rows * self.outputs];
        self.forward.run(features, &mut scratch.work, margins);
        self.outcome.respond(margins);
        if let Some(at) = margins.iter().position(|margin| !margin.is_finite()) {
            return Err(ScoreError::Overflow { row: first + at / self.outputs });
        }
        let classes = self.classes().len();
        if classes > 0 {
            let probabilities = scratch.probabilities.chunks_exact_mut(classes);
            for (row, out) in margins.chunks_exact(self.outputs).zip(probabilities) {
                self.outcome.probabilities(row, &mut scratch.scores, out);
            }
        }
        Ok(())
    }

    fn take(&self, rows: usize, scratch: &Scratch, out: &mut Predictions) {
        out.margins.extend_from_slice(&scratch.margins[..rows * self.outputs]);
        out.probabilities.extend_from_slice(&scratch.probabilities[..rows * self.classes().len()]);
    }
}

/// Returns a feature that may be missing and reaches a linear model or net.
fn missing_for<'a>(model: &Model, features: &'a [Feature]) -> Option<&'a Feature> {
    match model {
        Model::Trees(_) => None,
        Model::Linear(_) | Model::Net(_) | Model::Deep(_) => encode::may_be_missing(features),
        Model::Ensemble(model) => model.members.iter().find_map(|member| {
            let first = member.first as usize;
            let own = features.get(first..first.checked_add(member.n_features as usize)?)?;
            missing_for(&member.model, own)
        }),
    }
}

/// Checks that task, link, classes, calibration and the number of outputs fit together.
fn check_outcome(parts: &ScorerParts, outputs: usize) -> Result<(), ScoreError> {
    let wrong =
        |what: String, expected: &str| ScoreError::Inconsistent { what, expected: expected.to_owned() };
    let (links, classes) = match parts.task {
        Task::Binary => (&[Link::Logistic][..], 2),
        Task::Multiclass => (&[Link::Softmax][..], outputs.max(2)),
        Task::Regression => (&[Link::Identity, Link::Log][..], 0),
    };
    if !links.contains(&parts.link) {
        return Err(wrong(
            format!("the link is {:?} for a {:?} task", parts.link, parts.task),
            "a link of the task",
        ));
    }
    crate::forward::check_len("number of classes", parts.classes.len(), classes)?;
    let margins = if parts.task == Task::Multiclass { classes } else { 1 };
    crate::forward::check_len("number of outputs", outputs, margins)?;
    let distinct: std::collections::BTreeSet<&String> = parts.classes.iter().collect();
    if distinct.len() != parts.classes.len() {
        return Err(wrong("a class name appears twice".to_owned(), "distinct class names"));
    }
    if let Calibration::Platt { slope, intercept } = parts.calibration {
        if parts.task == Task::Regression {
            return Err(wrong("a regression model has a calibration".to_owned(), "none"));
        }
        if !(slope.is_finite() && slope > 0.0 && intercept.is_finite()) {
            let what = format!("calibration slope {slope}, intercept {intercept}");
            return Err(wrong(what, "finite numbers and a positive slope"));
        }
    }
    let scaled = match &parts.model {
        Model::Net(net) => (net.scale, net.shift) != (1.0, 0.0),
        Model::Deep(net) => (net.scale, net.shift) != (1.0, 0.0),
        _ => false,
    };
    if parts.task != Task::Regression && scaled {
        return Err(wrong("a classifier has an output scale".to_owned(), "scale 1 and shift 0"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "scorer_tests.rs"]
mod tests;
