//! Pieces of words, the input of a text encoder: how a text is cut ([`Tokenizer`]) and which features its
//! places are ([`FittedPieces`]). Cutting is done by `yard_score`; this module cuts nothing.
//!
//! Papers: Sennrich, Haddow and Birch, 2016, "Neural machine translation of rare words with subword units",
//! doi:10.18653/v1/P16-1162 (pairs that are merged); Wu et al., 2016, arXiv:1609.08144 (longest pieces
//! first); Kudo, 2018, "Subword regularization", doi:10.18653/v1/P18-1007 (the most probable pieces).

use crate::recipe::{Feature, FeatureOp, FittedRecipe};
use serde::{Deserialize, Serialize};

/// Most pieces of a text that can be read.
pub const MOST_PLACES: u32 = 4_096;
/// Most pieces that a tokenizer knows: their numbers stay exact as f32.
pub const MOST_PIECES: usize = 1 << 20;
/// Bytes of a text that are read; the rest is cut off before a character.
pub const MOST_BYTES: usize = 1 << 18;

/// A change of a text before it is cut into words, as the library `tokenizers` makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clean {
    /// Control characters are left out, every blank becomes a space.
    Control,
    /// A space before and after each Chinese character.
    Ideographs,
    /// Canonical decomposition.
    Nfd,
    /// Canonical composition.
    Nfc,
    /// Compatibility decomposition.
    Nfkd,
    /// Compatibility composition.
    Nfkc,
    /// Non-spacing marks are left out.
    Marks,
    /// Lower case, character by character.
    Lowercase,
}

/// How words are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Words {
    /// Between blanks; each punctuation mark is a word of its own.
    Punctuation,
    /// Between blanks.
    Blanks,
    /// Runs of letters, digits or other signs with the blank before them, their bytes as characters (GPT-2).
    Bytes {
        /// Whether a text begins with a blank.
        blank_first: bool,
    },
    /// Blanks become U+2581, which starts a word (`SentencePiece`).
    Marked {
        /// Whether the text begins with that mark.
        mark_first: bool,
        /// Whether words are cut before it.
        split: bool,
    },
}

/// How a word is cut into pieces; piece `i` has the number `i`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PieceModel {
    /// Characters, of which the first pair in a list is merged again and again (byte-pair encoding).
    Bpe {
        /// Pieces; an empty one is a number without a piece.
        vocabulary: Vec<String>,
        /// Numbers of pairs in order of their merging.
        merges: Vec<(u32, u32)>,
        /// Stands before characters within a word.
        prefix: String,
        /// Stands behind the last character of a word.
        suffix: String,
        /// Number of unknown characters; without one they are left out.
        unknown: Option<u32>,
        /// Whether neighbouring unknown characters are one.
        fuse: bool,
        /// Whether a word that is a piece stays whole.
        whole: bool,
    },
    /// The longest piece first.
    WordPiece {
        /// Pieces; an empty one is a number without a piece.
        vocabulary: Vec<String>,
        /// Stands before pieces within a word.
        prefix: String,
        /// Number of a word that can't be cut.
        unknown: u32,
        /// Characters beyond which a word is unknown.
        longest: u32,
    },
    /// The pieces whose scores have the largest sum.
    Unigram {
        /// Pieces; an empty one is a number without a piece.
        vocabulary: Vec<String>,
        /// Score of each piece: the logarithm of its probability.
        scores: Vec<f64>,
        /// Number of characters that no piece covers, neighbours as one.
        unknown: u32,
    },
}

impl PieceModel {
    /// Returns the pieces by number.
    pub fn vocabulary(&self) -> &[String] {
        match self {
            Self::Bpe { vocabulary, .. }
            | Self::WordPiece { vocabulary, .. }
            | Self::Unigram { vocabulary, .. } => vocabulary,
        }
    }
}

/// How a text becomes numbers of pieces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tokenizer {
    /// Changes of the text, in order.
    pub clean: Vec<Clean>,
    /// Words.
    pub words: Words,
    /// Pieces.
    pub model: PieceModel,
    /// Numbers before the pieces of every text.
    pub before: Vec<u32>,
    /// Numbers behind them.
    pub after: Vec<u32>,
}

/// A text field whose pieces are features: 1 + the number of the piece at each place, 0 beyond the end. A
/// longer text loses its end; a missing one reads as an empty one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedPieces {
    /// Index into [`FittedRecipe::inputs`].
    pub input: u32,
    /// Index of the feature of the first place; the others follow in order.
    pub first: u32,
    /// Places, those of [`Tokenizer::before`] and [`Tokenizer::after`] included.
    pub length: u32,
    /// Tokenizer.
    pub tokenizer: Tokenizer,
}

impl FittedPieces {
    /// Returns what is wrong with the sizes, if anything.
    pub fn problem(&self) -> Option<String> {
        let own = &self.tokenizer;
        let (known, fixed) = (own.model.vocabulary().len(), own.before.len().saturating_add(own.after.len()));
        if self.length == 0 || self.length > MOST_PLACES || fixed > self.length as usize {
            return Some(format!(
                "{} places for a text, {fixed} of them the same in every text; at least these and at most \
                 {MOST_PLACES} can be used",
                self.length
            ));
        }
        if known == 0 || known > MOST_PIECES {
            return Some(format!("a tokenizer of {known} pieces; 1 to {MOST_PIECES} can be used"));
        }
        None
    }
}

impl FittedRecipe {
    /// Adds a text that is cut into pieces, with one feature per place; `own.first` is set. One with a
    /// problem is left out: its features could be without limit.
    pub fn add_pieces(&mut self, mut own: FittedPieces) {
        if own.problem().is_some() {
            return;
        }
        own.first = self.features.len() as u32;
        let field = self.inputs.get(own.input as usize).map_or("", |input| input.name.as_str());
        let index = self.pieces.len() as u32;
        let feature = |place: u32| Feature {
            name: format!("{field}: piece {}", place + 1),
            input: own.input,
            op: FeatureOp::Piece { pieces: index, place },
        };
        let features: Vec<Feature> = (0..own.length).map(feature).collect();
        self.features.extend(features);
        self.pieces.push(own);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        cell::CellRules,
        recipe::{Encoding, FittedInput},
        schema::FieldType,
    };

    fn recipe(length: u32) -> FittedRecipe {
        let input = FittedInput {
            name: "note".to_owned(),
            field_type: FieldType::Text,
            rules: CellRules::default(),
            categories: Vec::new(),
        };
        let mut recipe = FittedRecipe {
            encoding: Encoding::Dense,
            inputs: vec![input],
            texts: Vec::new(),
            images: Vec::new(),
            pieces: Vec::new(),
            features: Vec::new(),
        };
        let model = PieceModel::WordPiece {
            vocabulary: ["[CLS]", "[UNK]", "a", "##b"].map(str::to_owned).to_vec(),
            prefix: "##".to_owned(),
            unknown: 1,
            longest: 100,
        };
        let clean = vec![Clean::Control, Clean::Lowercase];
        let words = Words::Punctuation;
        let tokenizer = Tokenizer { clean, words, model, before: vec![0], after: Vec::new() };
        recipe.features.push(Feature {
            name: "note missing".to_owned(),
            input: 0,
            op: FeatureOp::MissingFlag,
        });
        recipe.add_pieces(FittedPieces { input: 0, first: 0, length, tokenizer });
        recipe
    }

    #[test]
    fn places_are_stored_once() {
        let recipe = recipe(5);
        assert_eq!((recipe.features.len(), recipe.pieces[0].first), (6, 1));
        assert_eq!(recipe.features[5].name, "note: piece 5");
        let json = serde_json::to_string(&recipe).unwrap();
        assert!(!json.contains("piece 5"), "{json}");
        assert_eq!(serde_json::from_str::<FittedRecipe>(&json).unwrap(), recipe);
        for length in ["0", "4097", "4000000000"] {
            let wrong = json.replace("\"length\":5", &format!("\"length\":{length}"));
            assert!(serde_json::from_str::<FittedRecipe>(&wrong).is_err(), "{length}");
        }
    }

    #[test]
    fn sizes_without_limit_add_nothing() {
        assert!(recipe(MOST_PLACES + 1).pieces.is_empty());
        assert_eq!(recipe(0).features.len(), 1);
    }
}
