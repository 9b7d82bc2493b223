//! `config.json`: kind and sizes of an encoder.

use super::{Wrong, read_json};
use serde_json::Value;
use std::path::Path;

/// Naming of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bert,
    Roberta,
    Distil,
}

/// Kind and sizes.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) kind: Kind,
    pub(super) vocabulary: usize,
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) hidden: usize,
    /// Positions in the file, those that `RoBERTa` never uses included.
    pub(super) positions: usize,
    /// Kinds of segments; `DistilBERT` has none.
    pub(super) segments: usize,
    pub(super) epsilon: f32,
    /// First position that is used.
    pub(super) offset: usize,
}

const ADVICE: &str = "give an encoder of the kinds bert, roberta or distilbert with exact GELU";

impl Config {
    pub(super) fn read(folder: &Path) -> Result<Self, Wrong> {
        Self::of(&read_json(folder, "config.json")?)
    }

    fn of(json: &Value) -> Result<Self, Wrong> {
        let kind = match json["model_type"].as_str() {
            Some("bert") => Kind::Bert,
            Some("roberta" | "xlm-roberta" | "camembert") => Kind::Roberta,
            Some("distilbert") => Kind::Distil,
            _ => return Err(Wrong(format!("config.json: model_type {}", json["model_type"]), ADVICE)),
        };
        let distil = kind == Kind::Distil;
        let name = |usual: &'static str, other: &'static str| if distil { other } else { usual };
        let size = |name: &str, most: u64| match json[name].as_u64() {
            Some(value) if (1..=most).contains(&value) => Ok(value as usize),
            _ => Err(Wrong(
                format!("config.json: {name} is {}; expected 1 to {most}", json[name]),
                "check the file against the one that the model was published with",
            )),
        };
        let act = json[name("hidden_act", "activation")].as_str().unwrap_or("gelu");
        if act != "gelu" {
            return Err(Wrong(format!("config.json: activation \"{act}\""), ADVICE));
        }
        let kind_of_places = json["position_embedding_type"].as_str().unwrap_or("absolute");
        if kind_of_places != "absolute" || json["sinusoidal_pos_embds"].as_bool() == Some(true) {
            return Err(Wrong(
                format!("config.json: positions are \"{kind_of_places}\" or sinusoidal"),
                ADVICE,
            ));
        }
        let roberta = kind == Kind::Roberta;
        let padding = json["pad_token_id"].as_u64().unwrap_or(1).min(1 << 20) as usize;
        let own = Self {
            kind,
            vocabulary: size("vocab_size", 1 << 20)?,
            width: size(name("hidden_size", "dim"), 8_192)?,
            layers: size(name("num_hidden_layers", "n_layers"), 96)?,
            heads: size(name("num_attention_heads", "n_heads"), 256)?,
            hidden: size(name("intermediate_size", "hidden_dim"), 65_536)?,
            positions: size("max_position_embeddings", 65_536)?,
            segments: if distil { 0 } else { size("type_vocab_size", 1_024)? },
            epsilon: json["layer_norm_eps"].as_f64().unwrap_or(1e-12) as f32,
            offset: if roberta { padding + 1 } else { 0 },
        };
        if !own.width.is_multiple_of(own.heads) || own.offset >= own.positions {
            let what = format!(
                "config.json: {} heads of width {}, positions {} to {}",
                own.heads, own.width, own.offset, own.positions
            );
            return Err(Wrong(what, "check the file against the one that the model was published with"));
        }
        if !(own.epsilon > 0.0 && own.epsilon < 1.0) {
            return Err(Wrong(format!("config.json: layer_norm_eps is {}", json["layer_norm_eps"]), ADVICE));
        }
        Ok(own)
    }

    /// Returns the most pieces of a text.
    pub(super) fn places(&self) -> usize {
        self.positions - self.offset
    }
}
