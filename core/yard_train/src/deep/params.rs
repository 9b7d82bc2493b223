//! Hyperparameters of deep nets, with defaults by the number of training rows.

use super::Kind;
use crate::{
    TrainError,
    encoder::TextParams,
    fit::FitData,
    mlp::{Pace, Schedule, read_schedule},
    params::Reader,
};
use yard_types::run::Params;

/// Hyperparameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeepParams {
    pub(super) kind: Kind,
    /// Blocks of layers.
    pub(super) blocks: u32,
    /// Values of a token, or of the hidden vector.
    pub(super) width: u32,
    /// Heads of attention; they divide the width.
    pub(super) heads: u32,
    /// Most bins of the piecewise-linear encoding of a number; below 2 numbers stay as they are.
    pub(super) bins: u32,
    /// Largest number of passes over the training rows.
    pub(super) epochs: u32,
    /// Largest step size, reached after a tenth of the training.
    pub(super) learning_rate: f64,
    /// Decoupled weight decay.
    pub(super) l2: f64,
    /// Rows of a step.
    pub(super) batch: u32,
    /// Epochs without a better validation loss after which training stops; 0 never stops early.
    pub(super) patience: u32,
    /// Share of values dropped in each step.
    pub(super) dropout: f64,
    /// Largest norm of all gradients of a step; 0 never clips.
    pub(super) clip: f64,
    /// Pieces of a text encoder's own tokenizer at most, and those of a text that are read.
    pub(super) pieces: [u32; 2],
    /// Units of the layer in which texts and other columns meet.
    pub(super) hidden: u32,
    /// Step size along the training.
    pub(super) schedule: Schedule,
    /// Weight of the old value in the running average of the weights, which is then what is kept; 0 keeps
    /// the weights themselves.
    pub(super) ema: f64,
    /// Batches of a step.
    pub(super) accumulate: u32,
    /// Steps between checkpoints; 0 leaves them to time alone.
    pub(super) checkpoint: u32,
    /// Folder of an encoder to start from.
    pub(super) weights: Option<String>,
    /// Rank of the changes of its dense layers; 0 trains all of its weights.
    pub(super) rank: u32,
    /// Weight of these changes: they count alpha / rank.
    pub(super) alpha: f64,
}

const RESNET: [&str; 14] = [
    "blocks",
    "width",
    "bins",
    "epochs",
    "learning_rate",
    "l2",
    "batch",
    "patience",
    "dropout",
    "clip",
    "schedule",
    "ema",
    "accumulate",
    "checkpoint",
];
const TRANSFORMER: [&str; 15] = [
    "blocks",
    "width",
    "heads",
    "bins",
    "epochs",
    "learning_rate",
    "l2",
    "batch",
    "patience",
    "dropout",
    "clip",
    "schedule",
    "ema",
    "accumulate",
    "checkpoint",
];
const TEXT: [&str; 20] = [
    "blocks",
    "width",
    "heads",
    "pieces",
    "max_pieces",
    "hidden",
    "epochs",
    "learning_rate",
    "l2",
    "batch",
    "patience",
    "dropout",
    "clip",
    "schedule",
    "ema",
    "accumulate",
    "checkpoint",
    "weights",
    "rank",
    "alpha",
];

/// Returns the names of the hyperparameters.
pub(crate) fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Transformer => &TRANSFORMER,
        Kind::Resnet => &RESNET,
        Kind::Text => &TEXT,
    }
}

impl DeepParams {
    /// Reads hyperparameters.
    pub(crate) fn read(params: &Params, kind: Kind, rows: usize) -> Result<Self, TrainError> {
        let reader = Reader::new(params, kind.word(), names(kind))?;
        let text = TextParams::read(&reader)?;
        let weights = reader.text("weights").map(str::to_owned);
        let rate = match (&weights, params.get("rank").map(|rank| rank.trim())) {
            (None, _) => 1e-3,
            (Some(_), Some("0")) => 5e-5,
            (Some(_), _) => 5e-4,
        };
        let (epochs, batch, blocks) = match rows {
            _ if kind == Kind::Text && weights.is_some() => (5, 32, 2),
            _ if kind == Kind::Text => (20, 32, 2),
            0..2_000 => (60, 32, 2),
            2_000..20_000 => (40, 128, 2),
            _ => (20, 256, 3),
        };
        let width = if kind == Kind::Resnet { 128 } else { 64 };
        let own = Self {
            kind,
            blocks: reader.whole("blocks", 1..=32)?.unwrap_or(blocks),
            width: reader.whole("width", 1..=2_048)?.unwrap_or(width),
            heads: reader.whole("heads", 1..=64)?.unwrap_or(4),
            bins: reader.whole("bins", 0..=256)?.unwrap_or(16),
            epochs: reader.whole("epochs", 1..=100_000)?.unwrap_or(epochs),
            learning_rate: reader.number("learning_rate", 1e-7..=1.0)?.unwrap_or(rate),
            l2: reader.number("l2", 0.0..=100.0)?.unwrap_or(0.02),
            batch: reader.whole("batch", 1..=65_536)?.unwrap_or(batch),
            patience: reader.whole("patience", 0..=100_000)?.unwrap_or(if kind == Kind::Text {
                5
            } else {
                12
            }),
            dropout: reader.number("dropout", 0.0..=0.9)?.unwrap_or(if kind == Kind::Text {
                0.2
            } else {
                0.15
            }),
            clip: reader.number("clip", 0.0..=1e9)?.unwrap_or(1.0),
            pieces: [text.pieces, text.max_pieces],
            hidden: reader.whole("hidden", 1..=4_096)?.unwrap_or(64),
            schedule: read_schedule(&reader, Schedule::Cosine)?,
            ema: reader.number("ema", 0.0..=0.999_999)?.unwrap_or(0.0),
            accumulate: reader.whole("accumulate", 1..=1_024)?.unwrap_or(1),
            checkpoint: reader.whole("checkpoint", 0..=u32::MAX)?.unwrap_or(0),
            rank: reader.whole("rank", 0..=256)?.unwrap_or(8),
            alpha: reader.number("alpha", 0.01..=1_024.0)?.unwrap_or(16.0),
            weights,
        };
        if kind != Kind::Resnet && !own.width.is_multiple_of(own.heads) {
            let name = if params.contains_key("heads") { "heads" } else { "width" };
            let pair = format!("heads that divide the width; {} heads and {} do not", own.heads, own.width);
            return Err(reader.bad(name, pair));
        }
        Ok(own)
    }

    /// Returns how fast and how long a net is trained.
    pub(super) fn pace(&self, data: &FitData<'_>) -> Pace {
        Pace {
            seed: data.seed,
            epochs: self.epochs,
            stop_after: data.stop_after,
            step_rows: (self.batch as usize).saturating_mul(self.accumulate as usize),
            learning_rate: self.learning_rate,
            schedule: self.schedule,
            l2: self.l2,
            clip: self.clip,
            ema: self.ema,
            checkpoint: self.checkpoint,
            patience: self.patience,
        }
    }

    /// Writes all hyperparameters in force.
    pub(crate) fn to_params(&self) -> Params {
        let value = |name: &str| match name {
            "blocks" => self.blocks.to_string(),
            "width" => self.width.to_string(),
            "heads" => self.heads.to_string(),
            "bins" => self.bins.to_string(),
            "epochs" => self.epochs.to_string(),
            "learning_rate" => self.learning_rate.to_string(),
            "l2" => self.l2.to_string(),
            "batch" => self.batch.to_string(),
            "patience" => self.patience.to_string(),
            "dropout" => self.dropout.to_string(),
            "pieces" => self.pieces[0].to_string(),
            "max_pieces" => self.pieces[1].to_string(),
            "hidden" => self.hidden.to_string(),
            "schedule" => self.schedule.word().to_owned(),
            "ema" => self.ema.to_string(),
            "accumulate" => self.accumulate.to_string(),
            "checkpoint" => self.checkpoint.to_string(),
            "weights" => self.weights.clone().unwrap_or_default(),
            "rank" => self.rank.to_string(),
            "alpha" => self.alpha.to_string(),
            _ => self.clip.to_string(),
        };
        let own = |name: &&&str| self.weights.is_some() || !matches!(**name, "weights" | "rank" | "alpha");
        names(self.kind).iter().filter(own).map(|name| ((*name).to_owned(), value(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn written_parameters_read_back_and_bad_ones_say_why() {
        let given = [("width", "48"), ("blocks", "1"), ("dropout", "0.25"), ("clip", "2.5")];
        let given: Params = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for kind in Kind::ALL {
            let params = DeepParams::read(&given, kind, 100).unwrap();
            assert_eq!((params.width, params.blocks, params.clip), (48, 1, 2.5));
            assert_eq!(DeepParams::read(&params.to_params(), kind, 1_000_000).unwrap(), params);
            for (name, value) in [("width", "0"), ("dropout", "1"), ("layers", "3"), ("batch", "none")] {
                let params = Params::from([(name.to_owned(), value.to_owned())]);
                let text = DeepParams::read(&params, kind, 10).unwrap_err().to_string();
                assert!(text.contains(name) && text.contains(kind.word()), "{text}");
            }
        }
        let odd = Params::from([("heads".to_owned(), "7".to_owned())]);
        let text = DeepParams::read(&odd, Kind::Transformer, 10).unwrap_err().to_string();
        assert!(text.contains("heads=7") && text.contains("divide"), "{text}");
        assert!(DeepParams::read(&odd, Kind::Resnet, 10).is_err());
    }
}
