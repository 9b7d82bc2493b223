//! A tokenizer, checked and ready: from a text to the numbers of its pieces.

use super::{bpe::Bpe, clean, unigram::Unigram, word_piece::WordPiece, words};
use std::collections::HashMap;
use yard_types::pieces::{Clean, MOST_BYTES, PieceModel, Tokenizer, Words};

/// Numbers of pieces. Looked up only, never walked through.
pub(super) type Index = HashMap<Box<str>, u32>;

/// A checked tokenizer.
#[derive(Clone, Debug)]
pub struct Cutter {
    clean: Vec<Clean>,
    words: Words,
    model: Model,
    before: Vec<u32>,
    after: Vec<u32>,
}

#[derive(Clone, Debug)]
enum Model {
    Bpe(Bpe),
    WordPiece(WordPiece),
    Unigram(Unigram),
}

/// Returns the numbers of pieces that are there; an empty piece is a number without one.
fn index(vocabulary: &[String]) -> Result<Index, String> {
    let mut index = Index::with_capacity(vocabulary.len());
    for (piece, number) in vocabulary.iter().zip(0..).filter(|(piece, _)| !piece.is_empty()) {
        if index.insert(piece.as_str().into(), number).is_some() {
            return Err(format!("the piece {} is listed twice", crate::error::quoted(piece)));
        }
    }
    Ok(index)
}

impl Cutter {
    /// Checks a tokenizer; an error says what is wrong with it.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, String> {
        let known = tokenizer.model.vocabulary().len();
        let index = index(tokenizer.model.vocabulary())?;
        let fixed = tokenizer.before.iter().chain(&tokenizer.after).copied();
        let unknown = match &tokenizer.model {
            PieceModel::Bpe { unknown, .. } => *unknown,
            PieceModel::WordPiece { unknown, .. } | PieceModel::Unigram { unknown, .. } => Some(*unknown),
        };
        if let Some(number) = fixed.chain(unknown).find(|number| *number as usize >= known) {
            return Err(format!("the piece {number} does not exist; there are {known}"));
        }
        let model = match &tokenizer.model {
            PieceModel::Bpe { vocabulary, merges, prefix, suffix, unknown, fuse, whole } => {
                let bpe = Bpe::new(index, vocabulary, (prefix, suffix), merges)?;
                Model::Bpe(bpe.with(*unknown, *fuse, *whole))
            }
            PieceModel::WordPiece { prefix, unknown, longest, .. } => {
                Model::WordPiece(WordPiece::new(index, prefix, *unknown, *longest))
            }
            PieceModel::Unigram { vocabulary, scores, unknown } => {
                Model::Unigram(Unigram::new(index, vocabulary, scores, *unknown)?)
            }
        };
        let Tokenizer { clean, words, before, after, .. } = tokenizer;
        Ok(Self { clean: clean.clone(), words: *words, model, before: before.clone(), after: after.clone() })
    }

    /// Cuts a text into at most `most` pieces, those that every text has included: its end is left out.
    pub fn cut(&self, text: &str, most: usize) -> Vec<u32> {
        let mut out = self.before.clone();
        let own = most.saturating_sub(self.after.len());
        self.each_word(text, |word| {
            match &self.model {
                Model::Bpe(model) => model.cut(word, &mut out),
                Model::WordPiece(model) => model.cut(word, &mut out),
                Model::Unigram(model) => model.cut(word, &mut out),
            }
            out.len() < own
        });
        out.truncate(own);
        out.extend(&self.after);
        out
    }

    /// Calls `take` with each word of a text until it returns false.
    pub fn each_word(&self, text: &str, take: impl FnMut(&str) -> bool) {
        words_of(&self.clean, self.words, text, take);
    }
}

/// Calls `take` with each word of a text until it returns false; the first [`MOST_BYTES`] are read.
fn words_of(clean: &[Clean], words: Words, text: &str, take: impl FnMut(&str) -> bool) {
    let end = (0..=text.len().min(MOST_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    words::each(words, &clean::run(clean, &text[..end]), take);
}
