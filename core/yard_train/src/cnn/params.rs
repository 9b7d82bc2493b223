//! Hyperparameters of the net of convolutions.

use crate::{
    TrainError,
    fit::FitData,
    mlp::{Pace, Schedule, read_schedule},
    params::Reader,
};
use yard_types::{image::ImageSpec, run::Params};

/// Hyperparameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CnnParams {
    /// Largest number of passes over the training rows.
    pub(super) epochs: u32,
    /// Largest step size, reached after 0.3 of the training.
    pub(super) learning_rate: f64,
    /// Decoupled weight decay.
    pub(super) l2: f64,
    /// Rows of a step.
    pub(super) batch: u32,
    /// Epochs without a better validation loss after which training stops; 0 never stops early.
    pub(super) patience: u32,
    /// Share of units before the last layer dropped in each step.
    pub(super) dropout: f64,
    /// Channels of the first stage; each later stage has twice as many, up to 128; 0 goes by the size.
    pub(super) channels: u32,
    /// Units of the layer in which images and other columns meet.
    pub(super) hidden: u32,
    /// Longest side of images in pixels.
    pub(super) side: u32,
    /// Largest shift of an image, as a share of its sides.
    pub(super) shift: f64,
    /// Largest rotation in degrees.
    pub(super) rotate: f64,
    /// Largest change of size, as a share.
    pub(super) zoom: f64,
    /// Whether images are mirrored left to right.
    pub(super) flip: bool,
    /// A safetensors file with weights to start from, made from a model of the same shape.
    pub(super) weights: Option<String>,
    /// Step size along the training.
    pub(super) schedule: Schedule,
    /// Largest norm of all gradients of a step; 0 never clips.
    pub(super) clip: f64,
    /// Weight of the old value in the running average of the weights, which is then what is kept; 0 keeps
    /// the weights themselves.
    pub(super) ema: f64,
    /// Batches of a step.
    pub(super) accumulate: u32,
    /// Steps between checkpoints; 0 leaves them to time alone.
    pub(super) checkpoint: u32,
}

/// Names of the hyperparameters.
pub(crate) const NAMES: [&str; 19] = [
    "epochs",
    "learning_rate",
    "l2",
    "batch",
    "patience",
    "dropout",
    "channels",
    "hidden",
    "side",
    "shift",
    "rotate",
    "zoom",
    "flip",
    "weights",
    "schedule",
    "clip",
    "ema",
    "accumulate",
    "checkpoint",
];

impl CnnParams {
    /// Reads hyperparameters; the number of epochs falls and the batch grows with the number of rows.
    pub(crate) fn read(params: &Params, rows: usize) -> Result<Self, TrainError> {
        let reader = Reader::new(params, "cnn", &NAMES)?;
        let (epochs, batch) = match rows {
            0..5_000 => (40, 32),
            5_000..50_000 => (20, 64),
            _ => (10, 128),
        };
        let flip = match reader.text("flip").map(str::trim) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(reader.bad("flip", "true or false".to_owned())),
        };
        Ok(Self {
            epochs: reader.whole("epochs", 1..=100_000)?.unwrap_or(epochs),
            learning_rate: reader.number("learning_rate", 1e-7..=1.0)?.unwrap_or(5e-3),
            l2: reader.number("l2", 0.0..=100.0)?.unwrap_or(0.05),
            batch: reader.whole("batch", 2..=65_536)?.unwrap_or(batch),
            patience: reader.whole("patience", 0..=100_000)?.unwrap_or(15),
            dropout: reader.number("dropout", 0.0..=0.9)?.unwrap_or(0.2),
            channels: reader.whole("channels", 0..=128)?.unwrap_or(0),
            hidden: reader.whole("hidden", 1..=4_096)?.unwrap_or(128),
            side: side_of(&reader, ImageSpec::default().net_side)?,
            shift: reader.number("shift", 0.0..=0.5)?.unwrap_or(0.08),
            rotate: reader.number("rotate", 0.0..=180.0)?.unwrap_or(8.0),
            zoom: reader.number("zoom", 0.0..=0.5)?.unwrap_or(0.08),
            flip,
            weights: reader.text("weights").map(str::to_owned),
            schedule: read_schedule(&reader, Schedule::OneCycle)?,
            clip: reader.number("clip", 0.0..=1e9)?.unwrap_or(0.0),
            ema: reader.number("ema", 0.0..=0.999_999)?.unwrap_or(0.0),
            accumulate: reader.whole("accumulate", 1..=1_024)?.unwrap_or(1),
            checkpoint: reader.whole("checkpoint", 0..=u32::MAX)?.unwrap_or(0),
        })
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
        let mut out = Params::new();
        let mut set = |name: &str, value: String| drop(out.insert(name.to_owned(), value));
        set("epochs", self.epochs.to_string());
        set("learning_rate", self.learning_rate.to_string());
        set("l2", self.l2.to_string());
        set("batch", self.batch.to_string());
        set("patience", self.patience.to_string());
        set("dropout", self.dropout.to_string());
        set("channels", self.channels.to_string());
        set("hidden", self.hidden.to_string());
        set("side", self.side.to_string());
        set("shift", self.shift.to_string());
        set("rotate", self.rotate.to_string());
        set("zoom", self.zoom.to_string());
        set("flip", self.flip.to_string());
        set("schedule", self.schedule.word().to_owned());
        set("clip", self.clip.to_string());
        set("ema", self.ema.to_string());
        set("accumulate", self.accumulate.to_string());
        set("checkpoint", self.checkpoint.to_string());
        if let Some(weights) = &self.weights {
            set("weights", weights.clone());
        }
        out
    }
}

/// Returns the longest side of images that a run asks for.
pub(crate) fn side(params: &Params, spec: &ImageSpec) -> Result<u32, TrainError> {
    side_of(&Reader::new(params, "cnn", &NAMES)?, spec.net_side)
}

fn side_of(reader: &Reader<'_>, default: u32) -> Result<u32, TrainError> {
    Ok(reader.whole("side", 4..=256)?.unwrap_or(default))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn written_parameters_read_back() {
        let given = [("flip", "true"), ("side", "32"), ("weights", "a.safetensors"), ("rotate", "0")];
        let given: Params = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let params = CnnParams::read(&given, 100).unwrap();
        assert!(params.flip && params.side == 32 && params.rotate == 0.0);
        assert_eq!(CnnParams::read(&params.to_params(), 1_000_000).unwrap(), params);
        assert_eq!(side(&given, &ImageSpec::default()).unwrap(), 32);
        for (name, value) in [("flip", "maybe"), ("side", "3"), ("batch", "1"), ("depth", "3")] {
            let params = Params::from([(name.to_owned(), value.to_owned())]);
            let text = CnnParams::read(&params, 10).unwrap_err().to_string();
            assert!(text.contains(name), "{text}");
        }
    }
}
