//! Learns the pieces of a tokenizer: the most frequent pair of neighbours is merged, again and again.
//! Counts are whole numbers and ties go by the number of the pieces, so that the same texts give the same
//! tokenizer for any order and any number of threads. Words come from the scorer's own cutter.
//! Paper: Sennrich, Haddow and Birch, 2016, "Neural machine translation of rare words with subword units",
//! doi:10.18653/v1/P16-1162.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};
use yard_score::pieces::Cutter;
use yard_types::pieces::{Clean, PieceModel, Tokenizer, Words};

/// Stands before pieces within a word.
const PREFIX: &str = "##";
/// Stands before every text; its end tells of the whole.
const FIRST: &str = "[CLS]";
/// Characters that were too rare in training.
const UNKNOWN: &str = "[UNK]";
/// Characters beyond which a word is not learnt from.
const LONGEST: usize = 100;
/// How often a pair stands in the texts before it is merged.
const LEAST: u64 = 2;

/// Returns a tokenizer of so many pieces at most, learnt from texts with their number of rows.
pub(super) fn learn<'a>(texts: impl Iterator<Item = (&'a str, usize)>, most: usize) -> Tokenizer {
    let empty = |vocabulary: Vec<String>, merges: Vec<(u32, u32)>| Tokenizer {
        clean: vec![Clean::Control, Clean::Ideographs, Clean::Nfc, Clean::Lowercase],
        words: Words::Punctuation,
        model: PieceModel::Bpe {
            vocabulary,
            merges,
            prefix: PREFIX.to_owned(),
            suffix: String::new(),
            unknown: Some(1),
            fuse: true,
            whole: false,
        },
        before: vec![0],
        after: Vec::new(),
    };
    let special = [FIRST, UNKNOWN].map(str::to_owned).to_vec();
    let tokenizer = empty(special.clone(), Vec::new());
    let mut words: BTreeMap<String, u64> = BTreeMap::new();
    if let Ok(cutter) = Cutter::new(&tokenizer) {
        for (text, rows) in texts {
            cutter.each_word(text, |word| {
                if word.chars().nth(LONGEST).is_none() {
                    match words.get_mut(word) {
                        Some(count) => *count += rows as u64,
                        None => drop(words.insert(word.to_owned(), rows as u64)),
                    }
                }
                true
            });
        }
    }
    let mut own = Merging::new(special, words, most);
    while own.pieces.len() < most && own.step() {}
    empty(own.pieces, own.merges)
}

/// A pair of neighbouring pieces.
type Pair = (u32, u32);

/// Words as pieces in the making.
struct Merging {
    pieces: Vec<String>,
    index: HashMap<String, u32>,
    merges: Vec<Pair>,
    /// Pieces of each word, and how often it stands in the texts.
    words: Vec<(Vec<u32>, u64)>,
    pairs: HashMap<Pair, u64>,
    /// Pairs by how often they stand there, the lowest numbers last.
    order: BTreeSet<(u64, Reverse<Pair>)>,
    /// Words that have, or had, a pair.
    places: HashMap<Pair, BTreeSet<u32>>,
}

impl Merging {
    fn new(special: Vec<String>, counts: BTreeMap<String, u64>, most: usize) -> Self {
        let piece = |at: usize, c: char| if at == 0 { c.to_string() } else { format!("{PREFIX}{c}") };
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for (word, count) in &counts {
            for (at, c) in word.char_indices() {
                *seen.entry(piece(at, c)).or_default() += count;
            }
        }
        let mut kept: Vec<(u64, String)> = seen.into_iter().map(|(piece, count)| (count, piece)).collect();
        kept.retain(|(count, _)| *count >= LEAST);
        kept.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        kept.truncate(most.saturating_sub(special.len()));
        let mut pieces = special;
        pieces.extend(kept.into_iter().map(|(_, piece)| piece));
        let index: HashMap<String, u32> = pieces.iter().cloned().zip(0..).collect();
        let mut out = Self {
            pieces,
            index,
            merges: Vec::new(),
            words: Vec::new(),
            pairs: HashMap::new(),
            order: BTreeSet::new(),
            places: HashMap::new(),
        };
        for (word, count) in counts {
            let number = |(at, c): (usize, char)| out.index.get(&piece(at, c)).copied().unwrap_or(1);
            let own: Vec<u32> = word.char_indices().map(number).collect();
            let at = out.words.len();
            for pair in own.windows(2) {
                out.change((pair[0], pair[1]), at, count as i64);
            }
            out.words.push((own, count));
        }
        out
    }

    /// Changes the count of a pair in a word; unknown characters have none.
    fn change(&mut self, pair: Pair, word: usize, by: i64) {
        if pair.0 < 2 || pair.1 < 2 {
            return;
        }
        let before = self.pairs.get(&pair).copied().unwrap_or(0);
        let after = before.saturating_add_signed(by);
        self.order.remove(&(before, Reverse(pair)));
        if after > 0 {
            self.order.insert((after, Reverse(pair)));
        }
        self.pairs.insert(pair, after);
        self.places.entry(pair).or_default().insert(word as u32);
    }

    /// Merges the most frequent pair; returns whether there was one.
    fn step(&mut self) -> bool {
        let Some((count, Reverse(pair))) = self.order.last().copied() else { return false };
        if count < LEAST {
            return false;
        }
        let [left, right] = [pair.0, pair.1].map(|number| &self.pieces[number as usize]);
        let joined = format!("{left}{}", right.strip_prefix(PREFIX).unwrap_or(right));
        // Two pairs can make the same piece.
        let known = self.index.get(&joined).copied();
        let new = known.unwrap_or(self.pieces.len() as u32);
        if known.is_none() {
            self.index.insert(joined.clone(), new);
            self.pieces.push(joined);
        }
        self.merges.push(pair);
        for word in self.places.remove(&pair).unwrap_or_default() {
            self.merge(word as usize, pair, new);
        }
        true
    }

    fn merge(&mut self, at: usize, pair: Pair, new: u32) {
        let (old, count) = self.words[at].clone();
        let mut word = Vec::with_capacity(old.len());
        let mut rest = old.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let both = *first == pair.0 && after.first() == Some(&pair.1);
            word.push(if both { new } else { *first });
            rest = if both { &after[1..] } else { after };
        }
        if word.len() == old.len() {
            return;
        }
        for own in old.windows(2) {
            self.change((own[0], own[1]), at, -(count as i64));
        }
        for own in word.windows(2) {
            self.change((own[0], own[1]), at, count as i64);
        }
        self.words[at].0 = word;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cut(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
        let numbers = Cutter::new(tokenizer).unwrap().cut(text, 50);
        numbers.iter().map(|number| tokenizer.model.vocabulary()[*number as usize].clone()).collect()
    }

    /// The example of the paper: low, lower, newest, widest.
    #[test]
    fn frequent_pairs_become_pieces_in_any_order() {
        let texts = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
        let own = learn(texts.into_iter(), 30);
        assert_eq!(cut(&own, "Low lowest"), ["[CLS]", "low", "low", "##est"]);
        assert_eq!(cut(&own, "low €€"), ["[CLS]", "low", "[UNK]"]);
        assert_eq!(learn(texts.into_iter().rev(), 30), own);
        assert!(own.model.vocabulary().len() <= 30);
        let few = learn(texts.into_iter(), 5);
        assert_eq!(few.model.vocabulary().len(), 5);
    }

    #[test]
    fn nothing_to_learn_from_gives_a_tokenizer_all_the_same() {
        for texts in [vec![], vec![("", 3)], vec![(" \n", 1)]] {
            let own = learn(texts.into_iter(), 100);
            assert_eq!(cut(&own, "any text"), ["[CLS]", "[UNK]", "[UNK]"]);
            assert_eq!(cut(&own, ""), ["[CLS]"]);
        }
    }
}
