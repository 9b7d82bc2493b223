//! A version in memory, ready to answer: scorer, contract, sketches, live figures, and the constant parts
//! of its answers already as JSON.

use crate::{
    http::reply::Refusal,
    json,
    rows::{Inputs, Rows, wrong_value},
    stats::SharedLatencies,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use yard_metrics::sketch::ReferenceSet;
use yard_score::{
    error::ScoreError,
    explain::Explainer,
    model::ScorerParts,
    scorer::{Scorer, Scratch},
};
use yard_types::{
    contract::Contract, deploy::VersionStats, frame::Task, ids::Sha256, recipe::FittedInput,
    table::FieldValue,
};

/// What a package gives for serving.
#[derive(Debug)]
pub(crate) struct Material {
    pub(crate) contract: Contract,
    pub(crate) parts: ScorerParts,
    /// Probability at and above which a binary row is decided positive.
    pub(crate) threshold: f64,
    pub(crate) reference: ReferenceSet,
    /// Means of the features over training rows, for explanations.
    pub(crate) feature_means: Option<Vec<f32>>,
}

/// Which version this is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) model: String,
    pub(crate) version: u64,
    pub(crate) sha256: Sha256,
}

/// Ways in which rows arrive; also the word in the log and in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Predict,
    Infer,
    Explain,
    Grpc,
    Invocations,
    Shadow,
}

impl Dialect {
    pub(crate) const ALL: [Self; 6] =
        [Self::Predict, Self::Infer, Self::Explain, Self::Grpc, Self::Invocations, Self::Shadow];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Infer => "infer",
            Self::Explain => "explain",
            Self::Grpc => "grpc",
            Self::Invocations => "invocations",
            Self::Shadow => "shadow",
        }
    }
}

/// HTTP statuses that are counted one by one; others count with the last.
pub(crate) const CODES: [u16; 5] = [200, 400, 413, 503, 500];

/// Live figures.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) latencies: SharedLatencies,
    /// Sum over requests that were not answered.
    pub(crate) failed_nanos: AtomicU64,
    /// Requests by dialect and status.
    pub(crate) requests: [[AtomicU64; CODES.len()]; Dialect::ALL.len()],
    pub(crate) rows: AtomicU64,
    /// Records with fields that the contract does not have.
    pub(crate) ignored_fields: AtomicU64,
    /// Sum and count of the score, written by the log's thread.
    pub(crate) score: Mutex<(f64, u64)>,
}

impl Figures {
    pub(crate) fn count(&self, dialect: Dialect, status: u16, nanos: u64) {
        let code = CODES.iter().position(|code| *code == status).unwrap_or(CODES.len() - 1);
        self.requests[dialect as usize][code].fetch_add(1, Relaxed);
        self.latencies.add(nanos);
        if status != 200 {
            self.failed_nanos.fetch_add(nanos, Relaxed);
        }
    }

    /// Returns answered and failed requests; for a shadow, those that it scored.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let (mut good, mut bad) = (0, 0);
        for dialect in Dialect::ALL {
            for (code, count) in CODES.iter().zip(&self.requests[dialect as usize]) {
                *(if *code == 200 { &mut good } else { &mut bad }) += count.load(Relaxed);
            }
        }
        (good, bad)
    }

    pub(crate) fn stats(&self, version: u64) -> VersionStats {
        let (good, bad) = self.totals();
        let latencies = self.latencies.snapshot();
        let (sum, count) = *self.score.lock().unwrap_or_else(PoisonError::into_inner);
        VersionStats {
            version,
            requests: good + bad,
            errors: bad,
            p50_ms: latencies.quantile_ms(0.5),
            p95_ms: latencies.quantile_ms(0.95),
            p99_ms: latencies.quantile_ms(0.99),
            mean_score: (count > 0).then(|| sum / count as f64),
        }
    }
}

/// Answers to the rows of one request, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answers {
    pub(crate) rows: usize,
    pub(crate) outputs: usize,
    pub(crate) classes: usize,
    /// `[rows, outputs]`.
    pub(crate) margins: Vec<f32>,
    /// `[rows, classes]`.
    pub(crate) probabilities: Vec<f32>,
    /// Class index of each row; empty for regression.
    pub(crate) labels: Vec<u32>,
    /// Decision of each row; empty unless binary.
    pub(crate) decisions: Vec<bool>,
}

impl Answers {
    /// Returns whether a row has one number as its score.
    pub(crate) fn has_score(&self) -> bool {
        self.classes <= 2
    }

    /// Returns the score of a row: the probability of the positive class, or the predicted number.
    pub(crate) fn score(&self, row: usize) -> f64 {
        let score = if self.classes == 0 {
            self.margins.get(row * self.outputs)
        } else {
            self.probabilities.get(row * self.classes + 1)
        };
        score.map_or(f64::NAN, |score| f64::from(*score))
    }
}

/// A loaded version.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) identity: Identity,
    pub(crate) contract: Contract,
    pub(crate) inputs: Inputs,
    pub(crate) fitted: Vec<FittedInput>,
    pub(crate) reference: ReferenceSet,
    pub(crate) figures: Figures,
    pub(crate) fragments: Fragments,
    scorer: Scorer,
    margin_threshold: f64,
    parts: ScorerParts,
    feature_means: Option<Vec<f32>>,
    explainer: OnceLock<Result<Arc<Explainer>, ScoreError>>,
    scratches: Mutex<Vec<Scratch>>,
}

/// Constant pieces of answers.
#[derive(Debug)]
pub(crate) struct Fragments {
    /// `{"model":"m","version":3,"request_id":`
    pub(crate) head: Vec<u8>,
    /// Class names as JSON.
    pub(crate) classes: Vec<Vec<u8>>,
    /// `"field":` of each input, for the log.
    pub(crate) keys: Vec<Vec<u8>>,
}

impl Served {
    /// Compiles a version.
    pub(crate) fn new(identity: Identity, material: Material) -> Result<Self, ScoreError> {
        let scorer = Scorer::new(&material.parts)?;
        let fitted = material.parts.recipe.inputs.clone();
        let names = fitted.iter().map(|input| (input.name.clone(), input.field_type));
        let mut head = b"{\"model\":".to_vec();
        json::write_string(&mut head, &identity.model);
        head.extend_from_slice(b",\"version\":");
        json::write_display(&mut head, identity.version);
        head.extend_from_slice(b",\"request_id\":");
        let class = |name: &String| {
            let mut text = Vec::new();
            json::write_string(&mut text, name);
            text
        };
        let key = |input: &FittedInput| {
            let mut text = class(&input.name);
            text.push(b':');
            text
        };
        let keys = fitted.iter().map(key).collect();
        Ok(Self {
            inputs: Inputs::new(names, &material.contract),
            fragments: Fragments { head, classes: scorer.classes().iter().map(class).collect(), keys },
            margin_threshold: scorer.margin_threshold(material.threshold),
            contract: material.contract,
            fitted,
            reference: material.reference,
            figures: Figures::default(),
            scorer,
            identity,
            parts: material.parts,
            feature_means: material.feature_means,
            explainer: OnceLock::new(),
            scratches: Mutex::new(Vec::new()),
        })
    }

    /// Returns the scorer.
    pub(crate) fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Returns the explainer, made at the first call.
    pub(crate) fn explainer(&self) -> Result<Arc<Explainer>, Refusal> {
        let made = self
            .explainer
            .get_or_init(|| Explainer::new(&self.parts, self.feature_means.as_deref()).map(Arc::new));
        made.clone().map_err(|error| Refusal::internal(format!("the model can't be explained: {error}")))
    }

    /// Scores every row. A panic of the scorer is an internal error of this request alone.
    pub(crate) fn score(&self, rows: &Rows) -> Result<Answers, Refusal> {
        catch_unwind(AssertUnwindSafe(|| self.score_rows(rows)))
            .unwrap_or_else(|_| Err(Refusal::internal("the scorer failed on this request")))
    }

    fn score_rows(&self, rows: &Rows) -> Result<Answers, Refusal> {
        let (n, outputs, classes) = (rows.len(), self.scorer.outputs(), self.scorer.classes().len());
        let task = self.scorer.task();
        let mut answers = Answers {
            rows: n,
            outputs,
            classes,
            margins: Vec::with_capacity(n * outputs),
            probabilities: Vec::with_capacity(n * classes),
            labels: Vec::with_capacity(if classes > 0 { n } else { 0 }),
            decisions: Vec::with_capacity(if task == Task::Binary { n } else { 0 }),
        };
        let mut scratch = self.take_scratch();
        let mut row = Vec::with_capacity(self.inputs.fields.len());
        for index in 0..n {
            rows.row(index, &mut row);
            let answer =
                self.scorer.score_row(&row, &mut scratch).map_err(|error| row_refusal(index, error))?;
            answers.margins.extend_from_slice(answer.margins);
            answers.probabilities.extend_from_slice(answer.probabilities);
            if classes > 0 {
                answers.labels.push(answer.label_index() as u32);
            }
            if task == Task::Binary {
                let margin = answer.margins.first().copied().unwrap_or(f32::NAN);
                answers.decisions.push(f64::from(margin) >= self.margin_threshold);
            }
        }
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(answers)
    }

    fn take_scratch(&self) -> Scratch {
        let kept = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| self.scorer.scratch())
    }

    /// Scores one row in which every field is missing, or the contract's examples when that fails: fills
    /// caches, and shows that the version answers at all.
    pub(crate) fn warm(&self) -> Result<(), ScoreError> {
        let mut scratch = self.take_scratch();
        let row = vec![FieldValue::Missing; self.inputs.fields.len()];
        for _ in 0..8 {
            self.scorer.score_row(&row, &mut scratch)?;
        }
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(())
    }
}

/// Turns an error of the scorer into the refusal of one instance.
pub(crate) fn row_refusal(row: usize, error: ScoreError) -> Refusal {
    match error {
        ScoreError::Value { field, expected, got, .. } => wrong_value(row, &field, expected, &got),
        ScoreError::Overflow { .. } => Refusal::bad(
            "overflow",
            format!("instance {row}: the result is not a number; a value is too large for this model"),
        ),
        other => Refusal::internal(format!("instance {row}: {other}")),
    }
}
