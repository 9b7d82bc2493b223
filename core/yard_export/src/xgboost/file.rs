//! The JSON file as types. Unknown keys are ignored: other versions have more of them.

use super::malformed;
use crate::error::ImportError;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Deserialize)]
struct File {
    learner: Learner,
}

#[derive(Debug, Deserialize)]
pub(super) struct Learner {
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) feature_names: Vec<String>,
    #[serde(default)]
    pub(super) feature_types: Vec<String>,
    pub(super) gradient_booster: Booster,
    pub(super) learner_model_param: LearnerParam,
    pub(super) objective: Objective,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub(super) enum Booster {
    Gbtree { model: Gbtree },
    Dart { gbtree: Inner, weight_drop: Vec<f64> },
    Gblinear {},
}

#[derive(Debug, Deserialize)]
pub(super) struct Inner {
    pub(super) model: Gbtree,
}

#[derive(Debug, Deserialize)]
pub(super) struct Gbtree {
    pub(super) trees: Vec<TreeArrays>,
    pub(super) tree_info: Vec<u32>,
    #[serde(default)]
    pub(super) cats: Option<Categories>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Categories {
    #[serde(default)]
    pub(super) enc: Vec<CategoryList>,
}

/// The categories of a column: text as signed bytes with offsets, or numbers.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CategoryList {
    #[serde(default)]
    offsets: Option<Vec<usize>>,
    #[serde(default)]
    values: Vec<serde_json::Number>,
}

impl CategoryList {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the words by code; `None` when they are not text or not distinct.
    pub(super) fn words(&self) -> Option<Vec<String>> {
        let words: Vec<String> = match &self.offsets {
            None => self.values.iter().map(|value| value.to_string()).collect(),
            Some(offsets) => {
                let byte =
                    |value: &serde_json::Number| value.as_i64().and_then(|value| i8::try_from(value).ok());
                let bytes: Vec<u8> = self
                    .values
                    .iter()
                    .map(|value| byte(value).map(|byte| byte as u8))
                    .collect::<Option<_>>()?;
                let word = |pair: &[usize]| String::from_utf8(bytes.get(pair[0]..pair[1])?.to_vec()).ok();
                offsets.windows(2).map(word).collect::<Option<_>>()?
            }
        };
        let distinct: BTreeSet<&String> = words.iter().collect();
        (distinct.len() == words.len()).then_some(words)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct LearnerParam {
    pub(super) base_score: String,
    pub(super) num_class: String,
    pub(super) num_feature: String,
    #[serde(default = "one")]
    pub(super) num_target: String,
}

fn one() -> String {
    "1".to_owned()
}

#[derive(Debug, Deserialize)]
pub(super) struct Objective {
    pub(super) name: String,
}

/// A number or a truth value, as versions differ.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Flag {
    Bool(bool),
    Int(i64),
}

impl Flag {
    pub(super) fn yes(self) -> bool {
        match self {
            Self::Bool(yes) => yes,
            Self::Int(value) => value != 0,
        }
    }
}

/// A tree in arrays over nodes and leaves; leaf values stand in `split_conditions`.
#[derive(Debug, Deserialize)]
pub(super) struct TreeArrays {
    pub(super) left_children: Vec<i64>,
    pub(super) right_children: Vec<i64>,
    pub(super) split_indices: Vec<u32>,
    pub(super) split_conditions: Vec<f32>,
    pub(super) default_left: Vec<Flag>,
    #[serde(default)]
    pub(super) split_type: Vec<Flag>,
    #[serde(default)]
    pub(super) categories: Vec<u32>,
    #[serde(default)]
    pub(super) categories_nodes: Vec<i64>,
    #[serde(default)]
    pub(super) categories_segments: Vec<usize>,
    #[serde(default)]
    pub(super) categories_sizes: Vec<usize>,
    #[serde(default)]
    pub(super) loss_changes: Vec<f32>,
    #[serde(default)]
    pub(super) sum_hessian: Vec<f32>,
    pub(super) tree_param: TreeParam,
}

#[derive(Debug, Deserialize)]
pub(super) struct TreeParam {
    #[serde(default = "one")]
    pub(super) size_leaf_vector: String,
}

pub(super) fn parse(text: &str) -> Result<Learner, ImportError> {
    let file: File = serde_json::from_str(text)
        .map_err(|error| malformed("file", short(&error.to_string()), "the JSON of Booster.save_model"))?;
    Ok(file.learner)
}

/// Shortens text of the file for a message.
pub(super) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(120).collect();
    if text.chars().count() > 120 {
        out.push('…');
    }
    out
}
