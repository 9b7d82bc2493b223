//! An encoder from a local folder: `config.json`, `tokenizer.json` and `model.safetensors` of BERT, `RoBERTa`
//! or `DistilBERT`, as the library transformers names things. What the scorer can't do exactly is refused.
//! Nothing is fetched and no code is run: pickled weights (`pytorch_model.bin`) are refused.
//! Papers: Devlin et al., 2019, "BERT", arXiv:1810.04805; Liu et al., 2019, "`RoBERTa`", arXiv:1907.11692;
//! Sanh et al., 2019, "`DistilBERT`", arXiv:1910.01108.

mod arrays;
mod config;
mod ops;
mod tokenizer;

use crate::TrainError;
use std::path::Path;
use yard_score::deep::DeepOp;
use yard_types::pieces::Tokenizer;

/// Largest JSON file.
const MOST_JSON: u64 = 64 << 20;
/// Largest file of weights.
const MOST_WEIGHTS: u64 = 8 << 30;

/// A trained encoder: operations from the numbers of pieces to a token for each.
#[derive(Clone, Debug)]
pub(crate) struct Pretrained {
    pub(crate) ops: Vec<DeepOp>,
    pub(crate) width: usize,
    /// Model type and size, for notes.
    pub(crate) what: String,
}

/// What is wrong with a folder: the problem, and what to do.
#[derive(Debug)]
struct Wrong(String, &'static str);

impl Wrong {
    fn at(self, folder: &str) -> TrainError {
        TrainError::Settings { what: format!("weights=\"{folder}\": {}", self.0), advice: self.1.to_owned() }
    }
}

fn read_json(folder: &Path, name: &str) -> Result<serde_json::Value, Wrong> {
    let path = folder.join(name);
    let advice = "give the folder of a BERT, RoBERTa or DistilBERT model with config.json, tokenizer.json and \
                  model.safetensors";
    let size = std::fs::metadata(&path).map_err(|error| Wrong(format!("{name}: {error}"), advice))?.len();
    if size > MOST_JSON {
        return Err(Wrong(format!("{name} has {size} bytes; expected at most {MOST_JSON}"), advice));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| Wrong(format!("{name}: {error}"), advice))?;
    serde_json::from_str(&text).map_err(|error| Wrong(format!("{name} is no JSON: {error}"), advice))
}

/// Returns the most pieces of a text that the encoder in a folder can read.
pub(crate) fn most_places(folder: &str) -> Result<u32, TrainError> {
    let config = config::Config::read(Path::new(folder)).map_err(|wrong| wrong.at(folder))?;
    Ok(config.places() as u32)
}

/// Reads the tokenizer of a folder and compares it with the library `tokenizers` on texts.
pub(crate) fn tokenizer<'a>(
    folder: &str,
    texts: impl Iterator<Item = &'a str>,
) -> Result<Tokenizer, TrainError> {
    let read = || {
        let config = config::Config::read(Path::new(folder))?;
        let own = tokenizer::read(Path::new(folder))?;
        let known = own.model.vocabulary().len();
        if known > config.vocabulary {
            let what = format!(
                "tokenizer.json has {known} pieces, config.json a vocabulary of {}",
                config.vocabulary
            );
            return Err(Wrong(what, "give tokenizer and weights that belong together"));
        }
        tokenizer::compare(Path::new(folder), &own, texts)?;
        Ok(own)
    };
    read().map_err(|wrong| wrong.at(folder))
}

/// Reads the encoder of a folder for texts of so many pieces.
pub(crate) fn encoder(folder: &str, places: usize) -> Result<Pretrained, TrainError> {
    let read = || {
        let config = config::Config::read(Path::new(folder))?;
        let arrays = arrays::Arrays::read(Path::new(folder), &config)?;
        ops::ops(&config, &arrays, places)
    };
    read().map_err(|wrong| wrong.at(folder))
}

/// Reads a tokenizer from its JSON; an error says what can't be done.
#[cfg(test)]
pub(super) fn read_tokenizer(json: &serde_json::Value) -> Result<Tokenizer, String> {
    tokenizer::of(json).map_err(|wrong| wrong.0)
}
