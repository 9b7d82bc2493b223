//! How free text becomes terms: words and runs of words, or runs of characters. One place for fitting a
//! vocabulary (training) and for looking terms up (scoring). Knows nothing of vocabularies and weights.
//!
//! The rules are those of scikit-learn's `CountVectorizer`: lower case; a word is two or more letters,
//! digits or underscores (`(?u)\b\w\w+\b`); runs of characters over the text (`char`) or within words that
//! are padded with a blank at both ends (`char_wb`).
//! Bounds: of a text the first [`MOST_BYTES`] are read, so that time and memory of a term list are bounded.
//! Methods: Salton and Buckley, 1988, "Term-weighting approaches in automatic text retrieval",
//! doi:10.1016/0306-4573(88)90021-0; Cavnar and Trenkle, 1994, "N-gram-based text categorization".

use serde::{Deserialize, Serialize};

/// Bytes of a text that are read; the rest is cut off before a character.
pub const MOST_BYTES: usize = 1 << 18;
/// Longest run of words or characters.
pub const LONGEST_RUN: u8 = 8;

/// What a term is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Words.
    Words,
    /// Characters of the whole text.
    Chars,
    /// Characters within words, a blank before and after each.
    WordChars,
}

impl Unit {
    /// Returns the unit in words, for descriptions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Chars => "characters",
            Self::WordChars => "characters of words",
        }
    }
}

/// Which terms a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TermRule {
    /// What a term consists of.
    pub unit: Unit,
    /// Shortest run, at least 1.
    pub shortest: u8,
    /// Longest run, at most [`LONGEST_RUN`].
    pub longest: u8,
}

/// Working memory of [`TermRule::each`].
#[derive(Clone, Debug, Default)]
pub struct TermScratch {
    text: String,
    /// Bytes from and to of each word, or the start of each character.
    spans: Vec<(u32, u32)>,
}

impl TermRule {
    /// Returns whether the lengths make sense.
    pub fn is_valid(self) -> bool {
        (1..=LONGEST_RUN).contains(&self.shortest) && (self.shortest..=LONGEST_RUN).contains(&self.longest)
    }

    /// Calls `found` for every term of a text, repeated ones each time.
    pub fn each(self, text: &str, scratch: &mut TermScratch, mut found: impl FnMut(&str)) {
        let lower = head(text).to_lowercase();
        let TermScratch { text, spans } = scratch;
        text.clear();
        spans.clear();
        match self.unit {
            Unit::Words => {
                split_words(&lower, text, spans);
                self.runs(text, spans, &mut found);
            }
            Unit::Chars => {
                squeeze(&lower, text);
                mark_chars(text, spans);
                self.runs(text, spans, &mut found);
            }
            Unit::WordChars => {
                for word in lower.split(is_blank).filter(|word| !word.is_empty()) {
                    text.clear();
                    spans.clear();
                    text.push(' ');
                    text.push_str(word);
                    text.push(' ');
                    mark_chars(text, spans);
                    self.runs_of_word(text, spans, &mut found);
                }
            }
        }
    }

    fn runs(self, text: &str, spans: &[(u32, u32)], found: &mut impl FnMut(&str)) {
        for length in usize::from(self.shortest)..=usize::from(self.longest).min(spans.len()) {
            for run in spans.windows(length) {
                found(&text[run[0].0 as usize..run[length - 1].1 as usize]);
            }
        }
    }

    /// As [`Self::runs`], but a word shorter than a run counts once as a whole.
    fn runs_of_word(self, text: &str, spans: &[(u32, u32)], found: &mut impl FnMut(&str)) {
        for length in usize::from(self.shortest)..=usize::from(self.longest) {
            if length >= spans.len() {
                found(text);
                return;
            }
            for run in spans.windows(length) {
                found(&text[run[0].0 as usize..run[length - 1].1 as usize]);
            }
        }
    }
}

/// Returns the part of a text that is read.
fn head(text: &str) -> &str {
    if text.len() <= MOST_BYTES {
        return text;
    }
    let end = (0..=MOST_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// Returns whether a character is a letter (general category L).
pub fn is_letter(c: char) -> bool {
    c.is_alphabetic() && (c.is_ascii() || (!c.is_numeric() && !crate::marks::is_mark(c)))
}

fn is_word(c: char) -> bool {
    c == '_' || (c.is_alphanumeric() && (c.is_ascii() || !crate::marks::is_mark(c)))
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Writes the words of two or more characters, one blank between them, with their places.
fn split_words(lower: &str, text: &mut String, spans: &mut Vec<(u32, u32)>) {
    for word in lower.split(|c| !is_word(c)) {
        if word.chars().nth(1).is_none() {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        let from = text.len() as u32;
        text.push_str(word);
        spans.push((from, text.len() as u32));
    }
}

/// Writes the text with each run of two or more blanks replaced by one space.
fn squeeze(lower: &str, text: &mut String) {
    let mut chars = lower.chars().peekable();
    while let Some(c) = chars.next() {
        let mut out = c;
        while is_blank(c) && chars.next_if(|next| is_blank(*next)).is_some() {
            out = ' ';
        }
        text.push(out);
    }
}

fn mark_chars(text: &str, spans: &mut Vec<(u32, u32)>) {
    spans.extend(text.char_indices().map(|(at, c)| (at as u32, (at + c.len_utf8()) as u32)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(unit: Unit, shortest: u8, longest: u8, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let rule = TermRule { unit, shortest, longest };
        rule.each(text, &mut TermScratch::default(), |term| out.push(term.to_owned()));
        out
    }

    #[test]
    fn words_and_runs_of_words() {
        assert_eq!(
            terms(Unit::Words, 1, 2, "I am  FREE-entry: Ünder_9!"),
            ["am", "free", "entry", "ünder_9", "am free", "free entry", "entry ünder_9"]
        );
        assert_eq!(terms(Unit::Words, 2, 3, "one word"), ["one word"]);
        assert!(terms(Unit::Words, 1, 2, " ! a b").is_empty());
        // A vowel sign ends a word.
        assert_eq!(terms(Unit::Words, 1, 1, "काम नमन"), ["नमन"]);
    }

    #[test]
    fn runs_of_characters() {
        assert_eq!(terms(Unit::Chars, 1, 2, "a \n b"), ["a", " ", "b", "a ", " b"]);
        assert_eq!(terms(Unit::Chars, 2, 5, "Ab"), ["ab"]);
        assert_eq!(
            terms(Unit::WordChars, 2, 4, "ab c"),
            [" a", "ab", "b ", " ab", "ab ", " ab ", " c", "c ", " c "]
        );
    }

    #[test]
    fn long_texts_are_cut() {
        let long = "é".repeat(MOST_BYTES);
        assert_eq!(terms(Unit::Words, 1, 1, &long), [long[..MOST_BYTES].to_owned()]);
        assert_eq!(terms(Unit::Chars, 1, 1, &long).len(), MOST_BYTES / 2);
    }
}
