//! Pieces of texts as numbers: the step of a recipe before a text encoder. A text is cleaned, split into
//! words and cut into pieces as the library `tokenizers` does it, number for number, by code of its own
//! that depends on nothing but the text. Names of special pieces in a text are plain text: nobody can
//! write a separator into a text.

mod bpe;
mod clean;
mod cutter;
#[cfg(test)]
mod tests;
mod unigram;
mod word_piece;
mod words;

pub use cutter::Cutter;

use crate::error::ScoreError;
use yard_types::{
    pieces::FittedPieces,
    recipe::{Feature, FeatureOp, FittedRecipe},
    schema::FieldType,
};

/// A checked text field that is cut into pieces.
#[derive(Clone, Debug)]
pub(crate) struct PieceStep {
    pub(crate) input: usize,
    /// Feature of the first place.
    pub(crate) first: usize,
    length: usize,
    cutter: Cutter,
}

impl PieceStep {
    fn new(recipe: &FittedRecipe, index: usize) -> Result<Self, ScoreError> {
        let own: &FittedPieces = &recipe.pieces[index];
        let wrong = |problem: String| ScoreError::Recipe { what: format!("tokenizer {index}"), problem };
        if let Some(problem) = own.problem() {
            return Err(wrong(problem));
        }
        let Some(input) = recipe.inputs.get(own.input as usize) else {
            return Err(wrong(format!("input {} does not exist", own.input)));
        };
        if !matches!(input.field_type, FieldType::Text | FieldType::Category) {
            return Err(wrong(format!("it does not fit a {} field", input.field_type.word())));
        }
        let (first, length) = (own.first as usize, own.length as usize);
        let listed = |(at, feature): (usize, &Feature)| {
            feature.op == FeatureOp::Piece { pieces: index as u32, place: at as u32 }
                && feature.input == own.input
        };
        let features = recipe.features.iter().skip(first).take(length);
        if features.len() != length || !features.enumerate().all(listed) {
            return Err(wrong("its features are not those of its places".to_owned()));
        }
        let cutter = Cutter::new(&own.tokenizer).map_err(wrong)?;
        Ok(Self { input: own.input as usize, first, length, cutter })
    }

    /// Writes the places of a text, of an empty one when it is missing, into the features of a row.
    pub(crate) fn write(&self, text: Option<&str>, row: &mut [f32]) {
        let numbers = self.cutter.cut(text.unwrap_or_default(), self.length);
        let slots = &mut row[self.first..self.first + self.length];
        slots.fill(0.0);
        for (slot, number) in slots.iter_mut().zip(numbers) {
            *slot = (number + 1) as f32;
        }
    }
}

/// Checks the tokenizers of a recipe, and that every place belongs to one.
pub(crate) fn steps(recipe: &FittedRecipe) -> Result<Vec<PieceStep>, ScoreError> {
    let mut all = Vec::with_capacity(recipe.pieces.len());
    for index in 0..recipe.pieces.len() {
        all.push(PieceStep::new(recipe, index)?);
    }
    let own: usize = all.iter().map(|step| step.length).sum();
    let listed = |feature: &&Feature| matches!(feature.op, FeatureOp::Piece { .. });
    let listed = recipe.features.iter().filter(listed).count();
    if listed == own {
        return Ok(all);
    }
    let problem = format!("{listed} features are pieces; the tokenizers have {own}");
    Err(ScoreError::Recipe { what: "pieces".to_owned(), problem })
}
