//! Free text for the family `text`: the tokenizer of each text field, learnt on the training rows of the fit
//! alone, and its places as features of the recipe. The net itself is one of [`crate::deep`].

mod import;
mod learn;
#[cfg(test)]
mod tests;

pub(crate) use import::{Pretrained, encoder as pretrained, tokenizer};

use crate::{TrainError, params::Reader};
use yard_types::{
    pieces::{FittedPieces, MOST_PLACES, Tokenizer},
    recipe::{Feature, FeatureOp, FittedRecipe},
    run::Params,
    schema::FieldType,
    table::{Column, Table},
};

/// Pieces of an own tokenizer at most, by default.
const PIECES: u32 = 4_000;
/// Pieces of a text that are read at most, by default.
const PLACES: u32 = 128;

/// Settings of the tokenizer.
pub(crate) struct TextParams {
    /// Pieces of an own tokenizer at most.
    pub(crate) pieces: u32,
    /// Pieces of a text that are read.
    pub(crate) max_pieces: u32,
}

impl TextParams {
    /// Reads the settings out of those of the family.
    pub(crate) fn read(reader: &Reader<'_>) -> Result<Self, TrainError> {
        Ok(Self {
            pieces: reader.whole("pieces", 64..=200_000)?.unwrap_or(PIECES),
            max_pieces: reader.whole("max_pieces", 4..=MOST_PLACES)?.unwrap_or(PLACES),
        })
    }
}

/// Adds the pieces of every free-text field to a recipe that was fitted on `rows`; returns notes.
pub(crate) fn complete(
    recipe: &mut FittedRecipe,
    (table, rows): (&Table, &[u32]),
    params: &Params,
) -> Result<Vec<String>, TrainError> {
    let reader = Reader::new(params, "text", crate::deep::names(crate::deep::Kind::Text))?;
    let own = TextParams::read(&reader)?;
    let mut notes = Vec::new();
    for input in 0..recipe.inputs.len() {
        if !is_free_text(recipe, input) {
            continue;
        }
        let name = recipe.inputs[input].name.clone();
        let Some(Column::Text(column)) = table.column(&name) else { continue };
        let mut counts = vec![0_usize; column.words.len()];
        for row in rows {
            let code = column.codes.get(*row as usize).map_or(usize::MAX, |code| *code as usize);
            if let Some(count) = counts.get_mut(code) {
                *count += 1;
            }
        }
        let texts = column.words.iter().map(String::as_str).zip(counts).filter(|(_, count)| *count > 0);
        let (tokenizer, length) = match reader.text("weights") {
            None => (learn::learn(texts, own.pieces as usize), own.max_pieces),
            Some(folder) => {
                let tokenizer = tokenizer(folder, texts.map(|(text, _)| text))?;
                (tokenizer, own.max_pieces.min(import::most_places(folder)?))
            }
        };
        notes.push(note(&name, &tokenizer, length));
        recipe.add_pieces(FittedPieces { input: input as u32, first: 0, length, tokenizer });
    }
    if recipe.pieces.is_empty() {
        return Err(TrainError::Settings {
            what:
                "family text needs a column of free text: different texts of three words or more on average"
                    .to_owned(),
            advice: "set the column's type to text, or choose another family".to_owned(),
        });
    }
    Ok(notes)
}

/// Returns whether a field is a text of which the recipe knows only whether it is missing.
fn is_free_text(recipe: &FittedRecipe, input: usize) -> bool {
    let own = |feature: &&Feature| feature.input as usize == input;
    recipe.inputs[input].field_type == FieldType::Text
        && recipe.features.iter().filter(own).all(|feature| feature.op == FeatureOp::MissingFlag)
}

fn note(name: &str, tokenizer: &Tokenizer, places: u32) -> String {
    let known = tokenizer.model.vocabulary().len();
    format!("\"{name}\" is free text: the first {places} of its pieces, by a tokenizer of {known}")
}
