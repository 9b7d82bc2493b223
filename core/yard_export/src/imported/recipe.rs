//! The recipe of a model that was read: numbers as they are, categories by word or by code. Category sets
//! of the trees go from the file's codes to the recipe's, which are positions in a sorted list of words.

use super::ColumnInfo;
use crate::error::ImportError;
use std::collections::BTreeMap;
use yard_score::model::{CATEGORY_SPLIT, Sum, Tree, TreeEnsemble};
use yard_types::{
    cell::CellRules,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    schema::FieldType,
};

/// The file's code of a category → the recipe's.
type Codes = BTreeMap<u32, u32>;

/// Returns a recipe of numbers that are taken as they are: `x0`, `x1`, ...
pub(crate) fn number_recipe(
    format: &'static str,
    count: usize,
    encoding: Encoding,
) -> Result<FittedRecipe, ImportError> {
    let column = |index: usize| ColumnInfo { name: format!("x{index}"), ..ColumnInfo::default() };
    let none =
        &mut TreeEnsemble { n_features: 0, base: Vec::new(), grid: 0.0, sum: Sum::Grid, trees: Vec::new() };
    let numbers = recipe(format, (0..count).map(column).collect(), none)?;
    Ok(FittedRecipe { encoding, ..numbers })
}

pub(super) fn recipe(
    format: &'static str,
    columns: Vec<ColumnInfo>,
    ensemble: &mut TreeEnsemble,
) -> Result<FittedRecipe, ImportError> {
    let (mut inputs, mut features, mut codes) = (Vec::new(), Vec::new(), Vec::new());
    for (index, column) in columns.into_iter().enumerate() {
        if column.categorical && column.numeric {
            return Err(ImportError::Unsupported {
                format,
                what: format!("column \"{}\"", column.name),
                lost: "it is split by categories and by a threshold",
                instead: "train it as the one or the other",
            });
        }
        let (categories, own) = if column.categorical || column.words.is_some() {
            categories(&column)
        } else {
            (Vec::new(), Codes::new())
        };
        let category = column.categorical || column.words.is_some();
        let op = if category {
            FeatureOp::Code
        } else if column.cuts.is_empty() {
            FeatureOp::Number { fill: None, scale: None }
        } else {
            FeatureOp::Rank { cuts: column.cuts, zero_missing: column.zero_missing == Some(true) }
        };
        features.push(Feature { name: column.name.clone(), input: index as u32, op });
        inputs.push(FittedInput {
            name: column.name,
            field_type: if category { FieldType::Category } else { FieldType::Number },
            // A word such as "NA" may be a category here: only the empty cell is missing.
            rules: CellRules { null_words: Vec::new(), ..CellRules::default() },
            categories,
        });
        codes.push(own);
    }
    for tree in &mut ensemble.trees {
        map_sets(tree, &codes);
    }
    Ok(FittedRecipe {
        encoding: Encoding::Trees,
        inputs,
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features,
    })
}

/// Returns the sorted words of a column and the map of its codes.
fn categories(column: &ColumnInfo) -> (Vec<String>, Codes) {
    let mut named: Vec<(String, u32)> = match &column.words {
        Some(words) => words.iter().enumerate().map(|(code, word)| (word.clone(), code as u32)).collect(),
        None => column.codes.iter().map(|code| (code.to_string(), *code)).collect(),
    };
    named.retain(|(word, _)| !word.trim().is_empty());
    named.sort();
    let codes = named.iter().enumerate().map(|(own, (_, code))| (*code, own as u32)).collect();
    (named.into_iter().map(|(word, _)| word).collect(), codes)
}

/// Writes the sets of a tree anew in the recipe's codes. Codes without a word can't occur and are left out.
fn map_sets(tree: &mut Tree, codes: &[Codes]) {
    let old = std::mem::take(&mut tree.category_words);
    for node in 0..tree.feature.len() {
        if tree.flags[node] & CATEGORY_SPLIT == 0 {
            continue;
        }
        let offset = tree.threshold[node] as usize;
        let count = old.get(offset).copied().unwrap_or(0) as usize;
        let set = old.get(offset + 1..offset + 1 + count).unwrap_or_default();
        let mut mapped: Vec<u32> = Vec::new();
        for code in codes_of(set) {
            let own = codes.get(tree.feature[node] as usize).and_then(|codes| codes.get(&code));
            if let Some(own) = own {
                let word = *own as usize / 32;
                if mapped.len() <= word {
                    mapped.resize(word + 1, 0);
                }
                mapped[word] |= 1 << (own % 32);
            }
        }
        tree.threshold[node] = tree.category_words.len() as f32;
        tree.category_words.push(mapped.len() as u32);
        tree.category_words.extend(mapped);
    }
}

fn codes_of(set: &[u32]) -> impl Iterator<Item = u32> + '_ {
    set.iter().enumerate().flat_map(|(index, word)| {
        (0..32).filter(move |bit| word >> bit & 1 == 1).map(move |bit| index as u32 * 32 + bit)
    })
}
