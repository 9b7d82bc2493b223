#![allow(clippy::unwrap_used, clippy::panic)]
//! The scorer's cutting against the library `tokenizers`, number for number: own tokenizers, and those that
//! are read from `tokenizer.json`.

use super::{import::read_tokenizer, learn::learn};
use serde_json::{Value, json};
use std::str::FromStr;
use yard_score::pieces::Cutter;
use yard_types::{
    pieces::{PieceModel, Tokenizer},
    rng::Rng,
};

/// Characters of many scripts, marks, signs, blanks and controls.
const ALPHABET: &str = "abcdeABEéÉñøßİıΣσςДжקשالمहिन्दी漢字かな한글ñe\u{301}\u{345} \t\n\u{a0}\u{2003}\
                        .,!?'’-_#@$€%🙂👨‍👩‍👧\u{200d}\u{feff}\u{0}\u{1f}ﬁⅣ²٣०ᄒ's't're";

/// Draws texts of words that repeat.
fn texts(count: usize) -> Vec<String> {
    let mut rng = Rng::new(6, 6);
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for _ in 0..200 {
        let length = 1 + rng.below(7);
        words.push((0..length).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect());
    }
    let mut out = Vec::new();
    for _ in 0..count {
        let length = rng.below(12);
        let own: Vec<&str> = (0..length).map(|_| words[rng.below(200) as usize].as_str()).collect();
        out.push(own.join(["", " ", "  "][rng.below(3) as usize]));
    }
    out.extend(["", " ", "[CLS] x <s>", "it's  we've\n\n done", "tab\tend "].map(str::to_owned));
    out.push("aé🙂".repeat(5_000));
    out
}

/// Compares on all texts; returns how many pieces were compared.
fn compare(json: &Value, own: &Tokenizer) -> usize {
    let mut library = tokenizers::Tokenizer::from_str(&json.to_string()).unwrap();
    library.set_encode_special_tokens(true);
    let cutter = Cutter::new(own).unwrap();
    let mut count = 0;
    for text in texts(2_000) {
        let expected = library.encode(text.as_str(), true).unwrap();
        assert_eq!(cutter.cut(&text, usize::MAX), expected.get_ids(), "{text:?}");
        count += expected.get_ids().len();
    }
    count
}

fn file(normalizer: Value, pre_tokenizer: Value, model: Value) -> Value {
    let special = ["[CLS]", "[UNK]"].iter().zip(0..).map(|(content, id)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    });
    let single = json!([{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                        {"Sequence": {"id": "A", "type_id": 0}}]);
    let around = json!({"type": "TemplateProcessing", "single": single, "pair": single,
                        "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [0], "tokens": ["[CLS]"]}}});
    json!({"version": "1.0", "truncation": null, "padding": null, "decoder": null,
           "added_tokens": special.collect::<Vec<Value>>(), "post_processor": around,
           "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "model": model})
}

fn bert(strip: bool, lowercase: bool) -> Value {
    json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
           "strip_accents": strip, "lowercase": lowercase})
}

fn numbered<'a>(pieces: impl Iterator<Item = &'a str>) -> Value {
    Value::Object(pieces.zip(0..).map(|(piece, at)| (piece.to_owned(), json!(at))).collect())
}

#[test]
fn own_tokenizers_cut_as_the_library_does_and_read_back() {
    let all = texts(2_000);
    let own = learn(all.iter().take(1_500).map(|text| (text.as_str(), 1)), 400);
    let PieceModel::Bpe { vocabulary, merges, .. } = &own.model else { panic!("bpe") };
    assert!(merges.len() > 50);
    let pair = |(a, b): &(u32, u32)| json!([vocabulary[*a as usize], vocabulary[*b as usize]]);
    let model = json!({
        "type": "BPE", "dropout": null, "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "ignore_merges": false,
        "vocab": numbered(vocabulary.iter().map(String::as_str)),
        "merges": merges.iter().map(pair).collect::<Vec<Value>>(),
    });
    let steps = json!({"type": "Sequence", "normalizers":
                       [bert(false, false), {"type": "NFC"}, {"type": "Lowercase"}]});
    let file = file(steps, json!({"type": "BertPreTokenizer"}), model);
    assert!(compare(&file, &own) > 10_000);
    assert_eq!(read_tokenizer(&file).unwrap(), own);
}

#[test]
fn word_pieces_are_cut_as_the_library_does() {
    let pieces = ["[CLS]", "[UNK]", "a", "b", "e", "##a", "##b", "##e", "##ab", "##è", ".", "σ", "##σ", "漢"];
    for strip in [true, false] {
        let model = json!({"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                           "max_input_chars_per_word": 6, "vocab": numbered(pieces.into_iter())});
        let file = file(bert(strip, true), json!({"type": "BertPreTokenizer"}), model);
        assert!(compare(&file, &read_tokenizer(&file).unwrap()) > 5_000);
    }
}

/// The characters of bytes as GPT-2 numbers them.
fn byte_characters() -> Vec<String> {
    let mut next = 256;
    let character = |byte: u32| {
        let shown = (33..=126).contains(&byte) || (161..=172).contains(&byte) || byte >= 174;
        let number = if shown { byte } else { next };
        next += u32::from(!shown);
        char::from_u32(number).unwrap().to_string()
    };
    (0..256).map(character).collect()
}

#[test]
fn bytes_are_cut_as_the_library_does() {
    let mut pieces = vec!["[CLS]".to_owned(), "[UNK]".to_owned()];
    pieces.extend(byte_characters());
    let merges = [["Ã", "©"], ["a", "b"], ["Ġ", "a"], ["Ġa", "b"], ["ð", "Ł"], ["'", "s"], ["ab", "e"]];
    pieces.extend(merges.iter().map(|pair| pair.concat()));
    for first in [true, false] {
        let model = json!({
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": numbered(pieces.iter().map(String::as_str)), "merges": merges,
        });
        let words = json!({"type": "ByteLevel", "add_prefix_space": first, "trim_offsets": true,
                           "use_regex": true});
        let file = file(Value::Null, words, model);
        assert!(compare(&file, &read_tokenizer(&file).unwrap()) > 10_000);
    }
}

#[test]
fn the_most_probable_pieces_are_those_of_the_library() {
    let pieces = [
        ("[CLS]", 0.0),
        ("[UNK]", 0.0),
        ("\u{2581}", -2.0),
        ("a", -3.0),
        ("b", -3.5),
        ("ab", -4.0),
        ("\u{2581}a", -4.5),
        ("e", -3.25),
        ("é", -5.0),
        ("be", -4.75),
        ("🙂", -6.0),
    ];
    let vocab: Vec<Value> = pieces.iter().map(|(piece, score)| json!([piece, score])).collect();
    for (split, scheme) in [(true, "always"), (false, "never")] {
        let model = json!({"type": "Unigram", "unk_id": 1, "vocab": vocab, "byte_fallback": false});
        let words = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme,
                           "split": split});
        let file = file(json!({"type": "NFKC"}), words, model);
        assert!(compare(&file, &read_tokenizer(&file).unwrap()) > 10_000);
    }
}

#[test]
fn what_the_scorer_cannot_do_is_named() {
    let model = json!({"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[CLS]": 0, "[UNK]": 1}});
    let good = file(bert(true, true), json!({"type": "BertPreTokenizer"}), model);
    read_tokenizer(&good).unwrap();
    for (path, value, word) in [
        ("/normalizer", json!({"type": "Replace"}), "normaliser"),
        ("/pre_tokenizer", json!({"type": "Digits"}), "pre-tokenizer"),
        ("/pre_tokenizer", Value::Null, "pre-tokenizer"),
        ("/model/type", json!("WordLevel"), "pieces by"),
        ("/model/unk_token", json!("none"), "unknown piece"),
        ("/model/vocab", json!({"a": 0, "b": 0}), "number 0"),
        ("/model/vocab", json!({"a": u64::MAX}), "the number"),
        ("/model/vocab", json!(3), "no vocabulary"),
        ("/post_processor/single", json!([]), "post-processor"),
        ("/added_tokens/0/special", json!(false), "added token"),
    ] {
        let mut file = good.clone();
        *file.pointer_mut(path).unwrap() = value;
        let error = read_tokenizer(&file).unwrap_err();
        assert!(error.contains(word), "{path}: {error}");
    }
}
