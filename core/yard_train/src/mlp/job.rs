//! A net's training as a job that can be done in this process or by the worker: settings, data as plain
//! arrays, result. Knows nothing of tables and recipes.

use super::{
    input::{Group, Knots},
    schedule::Schedule,
};
use crate::{TrainError, params::Reader, watch::Watch};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use yard_score::model::{DenseNet, Link};
use yard_types::{
    event::Progress,
    run::{Params, TrainPoint},
};

/// Hyperparameters of the multi-layer perceptron.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetParams {
    /// Units of the hidden layers; empty = no hidden layer.
    pub layers: Vec<usize>,
    /// Largest number of passes over the training rows.
    pub epochs: u32,
    /// Step size of `AdamW`.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub l2: f64,
    /// Rows of a step.
    pub batch: u32,
    /// Epochs without a better validation loss after which training stops; 0 never stops early.
    pub patience: u32,
    /// Share of hidden units dropped in each step.
    pub dropout: f64,
    /// Step size along the training.
    pub schedule: Schedule,
    /// Largest norm of all gradients of a step; 0 never clips.
    pub clip: f64,
    /// Most bins of the piecewise-linear encoding of a number; 0 leaves numbers as they are.
    pub bins: u32,
    /// Most values of the embedding of a category; 0 leaves categories one-hot.
    pub embedding: u32,
    /// Weight of the old value in the running average of the weights, which is then what is kept; 0 keeps
    /// the weights themselves.
    #[serde(default)]
    pub ema: f64,
    /// Batches of a step: as if a batch had so many times the rows, in the memory of one.
    #[serde(default = "one")]
    pub accumulate: u32,
    /// Precision of the products.
    #[serde(default)]
    pub precision: Precision,
    /// Steps between checkpoints; 0 leaves them to time alone.
    #[serde(default)]
    pub checkpoint: u32,
}

fn one() -> u32 {
    1
}

/// Precision of a net's products. Weights, their state and the loss are f32 or better in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the exponent of f32; GPUs only.
    Bf16,
}

impl Precision {
    /// Returns the word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

const ALLOWED: [&str; 15] = [
    "layers",
    "epochs",
    "learning_rate",
    "l2",
    "batch",
    "patience",
    "dropout",
    "schedule",
    "clip",
    "bins",
    "embedding",
    "ema",
    "accumulate",
    "precision",
    "checkpoint",
];

impl NetParams {
    /// Returns the names of the hyperparameters.
    pub(crate) fn names() -> &'static [&'static str] {
        &ALLOWED
    }

    /// Reads hyperparameters; the default batch grows with the number of training rows.
    pub(crate) fn read(params: &Params, rows: usize) -> Result<Self, TrainError> {
        let reader = Reader::new(params, "mlp", &ALLOWED)?;
        let batch = match rows {
            0..2_000 => 32,
            2_000..20_000 => 128,
            20_000..200_000 => 256,
            _ => 1024,
        };
        Ok(Self {
            layers: read_layers(&reader)?,
            epochs: reader.whole("epochs", 1..=100_000)?.unwrap_or(100),
            learning_rate: reader.number("learning_rate", 1e-7..=1.0)?.unwrap_or(1e-3),
            l2: reader.number("l2", 0.0..=100.0)?.unwrap_or(0.01),
            batch: reader.whole("batch", 1..=1_000_000)?.unwrap_or(batch),
            patience: reader.whole("patience", 0..=100_000)?.unwrap_or(10),
            dropout: reader.number("dropout", 0.0..=0.9)?.unwrap_or(0.0),
            schedule: read_schedule(&reader, Schedule::Constant)?,
            clip: reader.number("clip", 0.0..=1e9)?.unwrap_or(1.0),
            bins: reader.whole("bins", 0..=256)?.unwrap_or(DEFAULT_BINS),
            embedding: reader.whole("embedding", 0..=512)?.unwrap_or(DEFAULT_EMBEDDING),
            ema: reader.number("ema", 0.0..=0.999_999)?.unwrap_or(0.0),
            accumulate: reader.whole("accumulate", 1..=1024)?.unwrap_or(1),
            precision: read_precision(&reader)?,
            checkpoint: reader.whole("checkpoint", 0..=u32::MAX)?.unwrap_or(0),
        })
    }

    /// Returns the rows of a step.
    pub(super) fn step_rows(&self) -> usize {
        (self.batch as usize).saturating_mul(self.accumulate as usize)
    }

    /// Writes all hyperparameters in force.
    pub(crate) fn to_params(&self) -> Params {
        let layers: Vec<String> = self.layers.iter().map(ToString::to_string).collect();
        let layers = if layers.is_empty() { "none".to_owned() } else { layers.join(",") };
        let values = [
            layers,
            self.epochs.to_string(),
            self.learning_rate.to_string(),
            self.l2.to_string(),
            self.batch.to_string(),
            self.patience.to_string(),
            self.dropout.to_string(),
            self.schedule.word().to_owned(),
            self.clip.to_string(),
            self.bins.to_string(),
            self.embedding.to_string(),
            self.ema.to_string(),
            self.accumulate.to_string(),
            self.precision.word().to_owned(),
            self.checkpoint.to_string(),
        ];
        ALLOWED.iter().map(|name| (*name).to_owned()).zip(values).collect()
    }
}

const DEFAULT_BINS: u32 = 16;
const DEFAULT_EMBEDDING: u32 = 16;

/// Reads the schedule of a family with this default.
pub(crate) fn read_schedule(reader: &Reader<'_>, default: Schedule) -> Result<Schedule, TrainError> {
    let Some(text) = reader.text("schedule") else { return Ok(default) };
    Schedule::from_word(text).ok_or_else(|| reader.bad("schedule", Schedule::WORDS.to_owned()))
}

fn read_precision(reader: &Reader<'_>) -> Result<Precision, TrainError> {
    let word = reader.text("precision").map(str::trim);
    let known =
        [Precision::F32, Precision::Bf16].into_iter().find(|own| word.is_none_or(|word| own.word() == word));
    known.ok_or_else(|| reader.bad("precision", "f32 or bf16".to_owned()))
}

fn read_layers(reader: &Reader<'_>) -> Result<Vec<usize>, TrainError> {
    let Some(text) = reader.text("layers") else { return Ok(vec![64, 32]) };
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let sizes: Option<Vec<usize>> = text
        .split([',', '-', 'x'])
        .map(|part| part.trim().parse().ok().filter(|units| (1..=8192).contains(units)))
        .collect();
    sizes.filter(|sizes| sizes.len() <= 16).ok_or_else(|| {
        reader.bad("layers", "at most 16 layer sizes from 1 to 8192, such as 64,32, or none".to_owned())
    })
}

/// What shall be trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetJob {
    /// Features of a row.
    pub features: usize,
    /// Margins of a row.
    pub outputs: usize,
    /// Loss: squared, logistic or softmax.
    pub link: Link,
    /// Hyperparameters.
    pub params: NetParams,
    /// Seed of initial weights, shuffles and dropout.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// `cpu`, `cuda:N` or `metal`.
    pub device: String,
    /// The metric that is followed on validation rows.
    #[serde(default)]
    pub watch: Option<Watch>,
    /// Mean and standard deviation of a regression's target, which is trained standardised; else 0 and 1.
    #[serde(default = "standard")]
    pub target: (f64, f64),
    /// Numbers that are encoded by bins.
    #[serde(default)]
    pub knots: Vec<Knots>,
    /// Categories that are embedded.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Epochs after which training ends, within the schedule of `params.epochs`.
    #[serde(default)]
    pub stop_after: Option<u32>,
    /// Folder for checkpoints; `None` keeps none.
    #[serde(default)]
    pub checkpoints: Option<PathBuf>,
}

fn standard() -> (f64, f64) {
    (0.0, 1.0)
}

/// Rows of a net: features `[rows, features]` row-major, target (class code or standardised value),
/// weights (mean 1) if any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetRows {
    /// `[rows, features]`.
    pub x: Vec<f32>,
    /// `[rows]`.
    pub y: Vec<f32>,
    /// `[rows]`.
    pub weights: Option<Vec<f32>>,
}

/// Who follows a net's training.
pub trait NetObserver {
    /// Takes progress.
    fn progress(&self, progress: Progress);
    /// Takes a point of the curve.
    fn point(&self, point: TrainPoint);
    /// Returns whether to stop; asked between steps.
    fn cancelled(&self) -> bool;
    /// Returns whether it is time for a checkpoint; asked between steps.
    fn checkpoint_due(&self) -> bool {
        false
    }
    /// Takes a sentence about something that went wrong and does not end the training.
    fn warning(&self, message: &str) {
        let _ = message;
    }
}

/// A trained net.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetResult {
    /// Net with the weights of the best epoch; output scale 1, shift 0.
    pub net: DenseNet,
    /// Epochs up to the best.
    pub steps: u32,
    /// One point an epoch.
    pub curve: Vec<TrainPoint>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<NetParams, TrainError> {
        NetParams::read(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(), 100)
    }

    #[test]
    fn written_values_are_read_back() {
        for layers in ["8", "64,32", "none"] {
            let params =
                read(&[("layers", layers), ("dropout", "0.1"), ("batch", "7"), ("schedule", "cosine")])
                    .unwrap();
            let more = [("ema", "0.999"), ("accumulate", "4"), ("precision", "bf16"), ("checkpoint", "50")];
            let params = NetParams::read(
                &params
                    .to_params()
                    .into_iter()
                    .chain(more.map(|(k, v)| (k.to_owned(), v.to_owned())))
                    .collect(),
                100,
            )
            .unwrap();
            assert_eq!((params.ema, params.step_rows(), params.checkpoint), (0.999, 28, 50));
            assert_eq!(NetParams::read(&params.to_params(), 5_000_000).unwrap(), params);
        }
    }

    #[test]
    fn bad_values_say_what_is_allowed() {
        for (name, value) in [
            ("layers", "64,,32"),
            ("layers", "0"),
            ("epochs", "0"),
            ("dropout", "1"),
            ("schedule", "sine"),
            ("precision", "f16"),
            ("ema", "1"),
        ] {
            let text = read(&[(name, value)]).unwrap_err().to_string();
            assert!(text.contains(value) && text.contains("expected"), "{text}");
        }
        let text = read(&[("hidden", "3")]).unwrap_err().to_string();
        assert!(text.contains("layers, epochs, learning_rate"), "{text}");
    }
}
