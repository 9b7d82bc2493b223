#![allow(clippy::unwrap_used, clippy::panic)]
//! Cutting by hand-made tokenizers, in every way of encoding a row, and refusals. Equality with the library
//! `tokenizers` is tested where texts are trained on.

use super::Cutter;
use crate::encode::{Encoder, Rows};
use yard_types::{
    cell::CellRules,
    pieces::{Clean, FittedPieces, PieceModel, Tokenizer, Words},
    recipe::{Encoding, FittedInput, FittedRecipe},
    schema::FieldType,
    table::{Column, FieldValue, Table, TextColumn},
};

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|own| (*own).to_owned()).collect()
}

fn tokenizer(model: PieceModel, words: Words) -> Tokenizer {
    let clean = vec![Clean::Control, Clean::Ideographs, Clean::Nfd, Clean::Marks, Clean::Lowercase];
    Tokenizer { clean, words, model, before: vec![0], after: vec![1] }
}

fn bpe(merges: &[(u32, u32)]) -> PieceModel {
    PieceModel::Bpe {
        vocabulary: strings(&["[CLS]", "[SEP]", "?", "a", "b", "##a", "##b", "ab", "##ab", "abab"]),
        merges: merges.to_vec(),
        prefix: "##".to_owned(),
        suffix: String::new(),
        unknown: Some(2),
        fuse: true,
        whole: false,
    }
}

const MERGES: [(u32, u32); 3] = [(3, 6), (5, 6), (7, 8)];

fn recipe(length: u32, tokenizer: Tokenizer) -> FittedRecipe {
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
    recipe.add_pieces(FittedPieces { input: 0, first: 0, length, tokenizer });
    recipe
}

#[test]
fn pairs_are_merged_in_order_of_the_list() {
    let own = Cutter::new(&tokenizer(bpe(&MERGES), Words::Punctuation)).unwrap();
    assert_eq!(own.cut("abab", 9), [0, 9, 1]);
    assert_eq!(own.cut("aba xyb", 9), [0, 7, 5, 2, 6, 1]);
    assert_eq!(own.cut("ÁB,b", 9), [0, 7, 2, 4, 1]);
    assert_eq!(own.cut(&"ab ".repeat(50_000), 4), [0, 7, 7, 1]);
    assert_eq!(own.cut("ab", 2), [0, 1]);
    assert_eq!(own.cut("", 9), [0, 1]);
}

#[test]
fn longest_pieces_come_first() {
    let vocabulary = strings(&["[CLS]", "[SEP]", "?", "un", "##aff", "##able", "u"]);
    let model = PieceModel::WordPiece { vocabulary, prefix: "##".to_owned(), unknown: 2, longest: 9 };
    let own = Cutter::new(&tokenizer(model, Words::Punctuation)).unwrap();
    assert_eq!(own.cut("Unaffable u unb", 9), [0, 3, 4, 5, 6, 2, 1]);
    assert_eq!(own.cut("unaffableable", 9), [0, 2, 1]);
}

#[test]
fn the_most_probable_pieces_are_found() {
    let vocabulary = strings(&["<s>", "</s>", "<unk>", "\u{2581}", "a", "b", "\u{2581}ab", "ba"]);
    let scores = vec![0.0, 0.0, 0.0, -2.0, -1.0, -1.5, -2.5, -1.2];
    let model = PieceModel::Unigram { vocabulary, scores, unknown: 2 };
    let own = Cutter::new(&tokenizer(model, Words::Marked { mark_first: true, split: true })).unwrap();
    assert_eq!(own.cut("ab", 9), [0, 6, 1]);
    assert_eq!(own.cut("aba b", 9), [0, 6, 4, 3, 5, 1]);
    assert_eq!(own.cut("xy", 9), [0, 3, 2, 1]);
}

/// Table, one row, without zeros and column by column: the same bits.
#[test]
fn every_way_of_encoding_gives_the_same_places() {
    let recipe = recipe(6, tokenizer(bpe(&MERGES), Words::Punctuation));
    let encoder = Encoder::new(&recipe).unwrap();
    let long = "ab".repeat(50_000);
    let texts = [Some("abab a"), None, Some(""), Some("\u{0}\u{200d}🙂 ab"), Some(long.as_str())];
    let table = Table::new(vec![("note".to_owned(), Column::Text(TextColumn::from_cells(texts)))]).unwrap();
    let all = encoder.encode(&table, Rows::Range(0, 5)).unwrap();
    assert_eq!(all[..12], [1.0, 10.0, 4.0, 2.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!((all[12..14].to_vec(), all[29]), (vec![1.0, 2.0], 2.0));
    let columns = encoder.encode_columns(&table, Rows::Range(0, 5)).unwrap();
    let sparse = encoder.encode_sparse(&table, Rows::Range(0, 5)).unwrap();
    for (at, text) in texts.iter().enumerate() {
        let expected = &all[at * 6..(at + 1) * 6];
        let mut row = [7.0; 6];
        encoder.encode_row(&[text.map_or(FieldValue::Missing, FieldValue::Text)], &mut row).unwrap();
        assert_eq!(row, expected, "{at}");
        assert!(columns.iter().map(|column| column[at]).eq(expected.iter().copied()));
        let mut row = [0.0; 6];
        for entry in sparse.starts[at]..sparse.starts[at + 1] {
            row[sparse.columns[entry] as usize] = sparse.values[entry];
        }
        assert_eq!(row, expected, "{at}");
    }
}

#[test]
fn tokenizers_that_do_not_fit_are_refused() {
    let refused = |recipe: &FittedRecipe, word: &str| {
        let error = Encoder::new(recipe).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    };
    let with = |change: &dyn Fn(&mut Tokenizer)| {
        let mut own = tokenizer(bpe(&MERGES), Words::Punctuation);
        change(&mut own);
        recipe(6, own)
    };
    refused(&with(&|own| own.before = vec![10]), "piece 10 does not exist");
    refused(&with(&|own| own.model = bpe(&[(3, 99)])), "merge 0");
    refused(&with(&|own| own.model = bpe(&[(3, 4)])), "shorter");
    refused(&with(&|own| own.model = bpe(&[(9, 5)])), "makes a piece");
    let twice = |own: &mut Tokenizer| {
        let PieceModel::Bpe { vocabulary, .. } = &mut own.model else { panic!("bpe") };
        vocabulary[4] = "a".to_owned();
    };
    refused(&with(&twice), "listed twice");
    let scores = |own: &mut Tokenizer| {
        let vocabulary = strings(&["a", "b"]);
        own.model = PieceModel::Unigram { vocabulary, scores: vec![0.0, f64::NAN], unknown: 0 };
    };
    refused(&with(&scores), "finite scores");
    let mut number = with(&|_| ());
    number.inputs[0].field_type = FieldType::Number;
    refused(&number, "does not fit a number field");
    let mut fewer = with(&|_| ());
    fewer.features.pop();
    refused(&fewer, "places");
    let mut none = with(&|_| ());
    none.pieces.clear();
    refused(&none, "6 features are pieces");
}
