//! Splits a cleaned text into words. Knows no pieces.
//!
//! Runs of GPT-2 (Radford et al., 2019, "Language models are unsupervised multitask learners"): the pattern
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, whose bytes then become
//! characters that can be printed.

use unicode_categories::UnicodeCategories;
use yard_types::pieces::Words;

/// The mark of `SentencePiece`.
const MARK: char = '\u{2581}';

/// Calls `take` with each word until it returns false.
pub(super) fn each(words: Words, text: &str, mut take: impl FnMut(&str) -> bool) {
    match words {
        Words::Blanks => {
            text.split_whitespace().all(take);
        }
        Words::Punctuation => {
            text.split_whitespace().all(|word| pieces_of_signs(word, &mut take));
        }
        Words::Bytes { blank_first } => bytes(text, blank_first, take),
        Words::Marked { mark_first, split } => marked(text, (mark_first, split), take),
    }
}

fn is_sign(c: char) -> bool {
    c.is_ascii_punctuation() || (!c.is_ascii() && c.is_punctuation())
}

/// Takes runs without signs, and each sign; returns whether to go on.
fn pieces_of_signs(word: &str, take: &mut impl FnMut(&str) -> bool) -> bool {
    word.split_inclusive(is_sign).all(|part| {
        let last = part.char_indices().next_back().filter(|(_, c)| is_sign(*c));
        let Some((at, _)) = last else { return take(part) };
        let (before, sign) = part.split_at(at);
        (before.is_empty() || take(before)) && take(sign)
    })
}

fn marked(text: &str, (mark_first, split): (bool, bool), mut take: impl FnMut(&str) -> bool) {
    let mut own: String = text.chars().map(|c| if c == ' ' { MARK } else { c }).collect();
    if mark_first && !own.starts_with(MARK) && !own.is_empty() {
        own.insert(0, MARK);
    }
    if !split {
        if !own.is_empty() {
            take(&own);
        }
        return;
    }
    let mut from = 0;
    let starts = own.char_indices().filter(|(at, c)| *at > 0 && *c == MARK).map(|(at, _)| at);
    for to in starts.chain([own.len()]) {
        if to > from && !take(&own[from..to]) {
            return;
        }
        from = to;
    }
}

/// Kind of a character for the runs of GPT-2.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Blank,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        if c.is_ascii() {
            return match c {
                'a'..='z' | 'A'..='Z' => Self::Letter,
                '0'..='9' => Self::Digit,
                ' ' | '\t'..='\r' => Self::Blank,
                _ => Self::Other,
            };
        }
        match c {
            c if c.is_whitespace() => Self::Blank,
            c if c.is_numeric() => Self::Digit,
            c if yard_types::text::is_letter(c) => Self::Letter,
            _ => Self::Other,
        }
    }
}

const ENDINGS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/// Returns the bytes of the run that a text begins with.
fn run_of(text: &str) -> usize {
    if let Some(ending) = ENDINGS.iter().find(|ending| text.starts_with(**ending)) {
        return ending.len();
    }
    let rest = text.strip_prefix(' ').unwrap_or(text);
    let kind = rest.chars().next().map_or(Kind::Blank, Kind::of);
    if kind != Kind::Blank {
        let end = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
        return text.len() - rest.len() + end;
    }
    let end = text.find(|c| Kind::of(c) != Kind::Blank).unwrap_or(text.len());
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    // Blanks before a word leave it the last one, unless it is the only one.
    if end < text.len() && end > last { end - last } else { end }
}

fn bytes(text: &str, blank_first: bool, mut take: impl FnMut(&str) -> bool) {
    let own;
    let mut rest = text;
    if blank_first && !text.is_empty() && !text.starts_with(' ') {
        own = format!(" {text}");
        rest = &own;
    }
    let mut word = String::new();
    while !rest.is_empty() {
        let (run, after) = rest.split_at(run_of(rest));
        word.clear();
        word.extend(run.bytes().map(shown));
        if !take(&word) {
            return;
        }
        rest = after;
    }
}

/// Returns the character that stands for a byte.
fn shown(byte: u8) -> char {
    // Bytes without a character of their own are numbered from 256 on.
    let number = match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => u32::from(byte),
        0..=b' ' => 256 + u32::from(byte),
        0x7f..=0xa0 => 256 + 33 + u32::from(byte - 0x7f),
        0xad => 256 + 67,
    };
    char::from_u32(number).unwrap_or(' ')
}
