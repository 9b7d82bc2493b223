//! `model.safetensors`: arrays by name, with the shapes that the config asks for and finite values.

use super::{MOST_WEIGHTS, Wrong, config::Config};
use candle_core::{DType, Device, Tensor};
use std::{collections::HashMap, path::Path};

/// Arrays of a file; names begin with a prefix that depends on how the model was saved.
pub(super) struct Arrays {
    all: HashMap<String, Tensor>,
    prefix: String,
}

const ADVICE: &str = "give the model.safetensors that belongs to config.json";

impl Arrays {
    pub(super) fn read(folder: &Path, config: &Config) -> Result<Self, Wrong> {
        let path = folder.join("model.safetensors");
        if !path.exists() {
            let pickled =
                ["pytorch_model.bin", "model.bin", "model.pt"].iter().find(|name| folder.join(name).exists());
            return Err(match pickled {
                Some(name) => Wrong(
                    format!("{name} is a pickled file, which can run code when it is read"),
                    "save the model as model.safetensors (save_pretrained of transformers does)",
                ),
                None => Wrong("model.safetensors is not there".to_owned(), ADVICE),
            });
        }
        let failed = |error: &dyn std::fmt::Display| {
            let text = error.to_string();
            Wrong(format!("model.safetensors: {}", text.lines().next().unwrap_or_default()), ADVICE)
        };
        let size = std::fs::metadata(&path).map_err(|error| failed(&error))?.len();
        if size > MOST_WEIGHTS {
            let what = format!("model.safetensors has {size} bytes; expected at most {MOST_WEIGHTS}");
            return Err(Wrong(what, ADVICE));
        }
        let all = candle_core::safetensors::load(&path, &Device::Cpu).map_err(|error| failed(&error))?;
        let word = "embeddings.word_embeddings.weight";
        let prefixes = ["", "bert.", "roberta.", "distilbert."];
        let found = prefixes.iter().find(|prefix| all.contains_key(&format!("{prefix}{word}")));
        let Some(prefix) = found else {
            let what = format!("model.safetensors has no \"{word}\" of a {:?} encoder", config.kind);
            return Err(Wrong(what, ADVICE));
        };
        Ok(Self { prefix: (*prefix).to_owned(), all })
    }

    /// Returns an array of this shape.
    pub(super) fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Wrong> {
        let full = format!("{}{name}", self.prefix);
        // Early files have other names for the normalisation.
        let old =
            full.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        let Some(tensor) = self.all.get(&full).or_else(|| self.all.get(&old)) else {
            return Err(Wrong(format!("model.safetensors has no \"{full}\""), ADVICE));
        };
        if tensor.dims() != shape {
            let what = format!("model.safetensors: \"{full}\" is {:?}; expected {shape:?}", tensor.dims());
            return Err(Wrong(what, ADVICE));
        }
        if !matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16 | DType::F64) {
            let what = format!("model.safetensors: \"{full}\" holds {:?}", tensor.dtype());
            return Err(Wrong(what, "give floating-point weights that are not quantised"));
        }
        let values = tensor.to_dtype(DType::F32).and_then(|tensor| tensor.flatten_all()?.to_vec1::<f32>());
        let values =
            values.map_err(|error| Wrong(format!("model.safetensors: \"{full}\": {error}"), ADVICE))?;
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(at) => Err(Wrong(
                format!("model.safetensors: \"{full}\" has {} at position {at}", values[at]),
                "give weights that are finite numbers",
            )),
        }
    }
}
