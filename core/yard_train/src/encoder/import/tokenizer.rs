//! `tokenizer.json` of the library `tokenizers`, as far as the scorer does the same, number for number. The
//! two are compared on texts before anything is trained.

use super::{Wrong, read_json};
use serde_json::Value;
use std::path::Path;
use yard_score::pieces::Cutter;
use yard_types::pieces::{Clean, MOST_PIECES, PieceModel, Tokenizer, Words};

/// Texts that are compared at most.
const COMPARED: usize = 500;
const ADVICE: &str = "use a tokenizer with a Bert, lower-case or Unicode normaliser, words by Bert, WhitespaceSplit, \
                      ByteLevel or Metaspace, and pieces by WordPiece, BPE or Unigram";

fn cannot(part: &str, what: &Value) -> Wrong {
    let text = what.to_string();
    let shown: String = text.chars().take(120).collect();
    Wrong(format!("tokenizer.json: the scorer can't do {part} {shown}"), ADVICE)
}

fn yes(json: &Value, name: &str, default: bool) -> bool {
    json[name].as_bool().unwrap_or(default)
}

/// Reads a tokenizer.
pub(super) fn read(folder: &Path) -> Result<Tokenizer, Wrong> {
    of(&read_json(folder, "tokenizer.json")?)
}

pub(super) fn of(json: &Value) -> Result<Tokenizer, Wrong> {
    let mut vocabulary = vocabulary(json)?;
    let added = json["added_tokens"].as_array().map_or(&[][..], Vec::as_slice);
    for token in added {
        let (Some(id), Some(text)) = (token["id"].as_u64(), token["content"].as_str()) else {
            return Err(cannot("the added token", token));
        };
        if !yes(token, "special", false) {
            return Err(cannot("the added token, which is no special one,", token));
        }
        put(&mut vocabulary, id, text)?;
    }
    let mut clean = Vec::new();
    cleaned(&json["normalizer"], &mut clean)?;
    let words = words(&json["pre_tokenizer"])?;
    let number = |piece: &str| vocabulary.iter().position(|own| own == piece).map(|at| at as u32);
    let (before, after) = around(&json["post_processor"], &number)?;
    let model = model(&json["model"], vocabulary.clone(), &number)?;
    let own = Tokenizer { clean, words, model, before, after };
    Cutter::new(&own).map_err(|problem| Wrong(format!("tokenizer.json: {problem}"), ADVICE))?;
    Ok(own)
}

fn put(vocabulary: &mut Vec<String>, id: u64, piece: &str) -> Result<(), Wrong> {
    if id >= MOST_PIECES as u64 {
        return Err(Wrong(format!("tokenizer.json: a piece has the number {id}"), ADVICE));
    }
    let id = id as usize;
    if vocabulary.len() <= id {
        vocabulary.resize(id + 1, String::new());
    }
    if !vocabulary[id].is_empty() && vocabulary[id] != piece {
        return Err(Wrong(format!("tokenizer.json: two pieces have the number {id}"), ADVICE));
    }
    piece.clone_into(&mut vocabulary[id]);
    Ok(())
}

fn vocabulary(json: &Value) -> Result<Vec<String>, Wrong> {
    let mut out = Vec::new();
    match &json["model"]["vocab"] {
        Value::Object(pieces) => {
            for (piece, id) in pieces {
                put(&mut out, id.as_u64().unwrap_or(u64::MAX), piece)?;
            }
        }
        Value::Array(pieces) => {
            for (piece, id) in pieces.iter().zip(0..) {
                put(&mut out, id, piece[0].as_str().unwrap_or_default())?;
            }
        }
        _ => return Err(Wrong("tokenizer.json has no vocabulary".to_owned(), ADVICE)),
    }
    Ok(out)
}

fn cleaned(json: &Value, out: &mut Vec<Clean>) -> Result<(), Wrong> {
    if json.is_null() {
        return Ok(());
    }
    match json["type"].as_str() {
        Some("Sequence") => {
            let all = json["normalizers"].as_array().ok_or_else(|| cannot("the normaliser", json))?;
            all.iter().try_for_each(|own| cleaned(own, out))?;
        }
        Some("BertNormalizer") => {
            let lower = yes(json, "lowercase", true);
            out.extend(yes(json, "clean_text", true).then_some(Clean::Control));
            out.extend(yes(json, "handle_chinese_chars", true).then_some(Clean::Ideographs));
            if yes(json, "strip_accents", lower) {
                out.extend([Clean::Nfd, Clean::Marks]);
            }
            out.extend(lower.then_some(Clean::Lowercase));
        }
        Some("Lowercase") => out.push(Clean::Lowercase),
        Some("NFC") => out.push(Clean::Nfc),
        Some("NFD") => out.push(Clean::Nfd),
        Some("NFKC") => out.push(Clean::Nfkc),
        Some("NFKD") => out.push(Clean::Nfkd),
        _ => return Err(cannot("the normaliser", json)),
    }
    Ok(())
}

fn words(json: &Value) -> Result<Words, Wrong> {
    match json["type"].as_str() {
        Some("BertPreTokenizer") => Ok(Words::Punctuation),
        Some("WhitespaceSplit") => Ok(Words::Blanks),
        Some("ByteLevel") if yes(json, "use_regex", true) => {
            Ok(Words::Bytes { blank_first: yes(json, "add_prefix_space", true) })
        }
        Some("Metaspace") if json["replacement"].as_str() == Some("\u{2581}") => {
            let scheme = json["prepend_scheme"].as_str().unwrap_or("always");
            let mark_first = scheme != "never" && yes(json, "add_prefix_space", true);
            Ok(Words::Marked { mark_first, split: yes(json, "split", true) })
        }
        Some("Sequence") => match json["pretokenizers"].as_array().map(Vec::as_slice) {
            Some([one]) => words(one),
            _ => Err(cannot("the pre-tokenizer", json)),
        },
        _ => Err(cannot("the pre-tokenizer", json)),
    }
}

/// Numbers before and behind a text.
type Around = (Vec<u32>, Vec<u32>);

fn around(json: &Value, number: &dyn Fn(&str) -> Option<u32>) -> Result<Around, Wrong> {
    let wrong = || cannot("the post-processor", json);
    let pair = |name: &str| json[name][0].as_str().and_then(number).ok_or_else(wrong);
    match json["type"].as_str() {
        None if json.is_null() => Ok(Around::default()),
        Some("ByteLevel") => Ok(Around::default()),
        Some("BertProcessing" | "RobertaProcessing") => Ok((vec![pair("cls")?], vec![pair("sep")?])),
        Some("Sequence") => {
            let mut out = Around::default();
            for own in json["processors"].as_array().ok_or_else(wrong)? {
                let (before, after) = around(own, number)?;
                out.0.splice(0..0, before);
                out.1.extend(after);
            }
            Ok(out)
        }
        Some("TemplateProcessing") => {
            let (mut out, mut behind) = (Around::default(), false);
            for part in json["single"].as_array().ok_or_else(wrong)? {
                if let Some(token) = part["SpecialToken"]["id"].as_str() {
                    let ids = json["special_tokens"][token]["ids"].as_array().ok_or_else(wrong)?;
                    let ids: Option<Vec<u32>> =
                        ids.iter().map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect();
                    if behind { &mut out.1 } else { &mut out.0 }.extend(ids.ok_or_else(wrong)?);
                } else if part["Sequence"].is_object() && !behind {
                    behind = true;
                } else {
                    return Err(wrong());
                }
            }
            if behind { Ok(out) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

fn model(
    json: &Value,
    vocabulary: Vec<String>,
    number: &dyn Fn(&str) -> Option<u32>,
) -> Result<PieceModel, Wrong> {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let unknown = json["unk_token"].as_str().and_then(number);
    let refused = ["byte_fallback", "dropout"].iter().find(|name| {
        json[**name].as_bool() == Some(true) || json[**name].as_f64().is_some_and(|share| share > 0.0)
    });
    if let Some(name) = refused {
        return Err(cannot(&format!("pieces with {name}"), &json[*name]));
    }
    match json["type"].as_str() {
        Some("WordPiece") => Ok(PieceModel::WordPiece {
            vocabulary,
            prefix: json["continuing_subword_prefix"].as_str().unwrap_or("##").to_owned(),
            unknown: unknown.ok_or_else(|| cannot("the unknown piece", &json["unk_token"]))?,
            longest: json["max_input_chars_per_word"].as_u64().unwrap_or(100).min(100_000) as u32,
        }),
        Some("BPE") => Ok(PieceModel::Bpe {
            merges: merges(&json["merges"], &vocabulary)?,
            vocabulary,
            prefix: text("continuing_subword_prefix"),
            suffix: text("end_of_word_suffix"),
            unknown,
            fuse: yes(json, "fuse_unk", false),
            whole: yes(json, "ignore_merges", false),
        }),
        Some("Unigram") => {
            let pieces = json["vocab"].as_array().map_or(&[][..], Vec::as_slice);
            let mut scores: Vec<f64> =
                pieces.iter().map(|piece| piece[1].as_f64().unwrap_or(f64::NAN)).collect();
            let known = scores.len();
            // Added pieces are special: no word is cut into them.
            let added = scores.len()..vocabulary.len();
            if !added.is_empty() {
                return Err(cannot("special pieces beyond a vocabulary of", &Value::from(known)));
            }
            scores.truncate(vocabulary.len());
            let unknown = json["unk_id"].as_u64().filter(|id| (*id as usize) < known);
            let unknown = unknown.ok_or_else(|| cannot("the unknown piece", &json["unk_id"]))? as u32;
            Ok(PieceModel::Unigram { vocabulary, scores, unknown })
        }
        _ => Err(cannot("pieces by", &json["type"])),
    }
}

fn merges(json: &Value, vocabulary: &[String]) -> Result<Vec<(u32, u32)>, Wrong> {
    let numbers: std::collections::HashMap<&str, u32> =
        vocabulary.iter().map(String::as_str).zip(0..).collect();
    let pairs = json.as_array().ok_or_else(|| cannot("merges", json))?;
    let mut out = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let texts = match pair {
            Value::String(text) => text.split_once(' '),
            pair => pair[0].as_str().zip(pair[1].as_str()),
        };
        let own = texts.and_then(|(a, b)| Some((*numbers.get(a)?, *numbers.get(b)?)));
        out.push(own.ok_or_else(|| cannot("the merge", pair))?);
    }
    Ok(out)
}

/// Compares with the library on texts; special pieces in a text are plain text in both.
pub(super) fn compare<'a>(
    folder: &Path,
    own: &Tokenizer,
    texts: impl Iterator<Item = &'a str>,
) -> Result<(), Wrong> {
    let wrong = |problem: String| Wrong(format!("tokenizer.json: {problem}"), ADVICE);
    let mut library = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json"))
        .map_err(|error| wrong(error.to_string()))?;
    library.set_encode_special_tokens(true);
    library.with_padding(None);
    library.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
    let cutter = Cutter::new(own).map_err(wrong)?;
    for text in texts.take(COMPARED).filter(|text| text.len() < 10_000) {
        let expected = library.encode(text, true).map_err(|error| wrong(error.to_string()))?;
        let found = cutter.cut(text, usize::MAX);
        if found != expected.get_ids() {
            let shown: String = text.chars().take(60).collect();
            return Err(wrong(format!("the scorer cuts {shown:?} into other pieces than the library does")));
        }
    }
    Ok(())
}
