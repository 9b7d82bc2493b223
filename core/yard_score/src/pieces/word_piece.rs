//! Longest pieces first. Paper: Wu et al., 2016, "Google's neural machine translation system",
//! arXiv:1609.08144.

use super::cutter::Index;

#[derive(Clone, Debug)]
pub(super) struct WordPiece {
    index: Index,
    prefix: String,
    unknown: u32,
    longest: usize,
    /// Bytes of the longest piece.
    most: usize,
}

impl WordPiece {
    pub(super) fn new(index: Index, prefix: &str, unknown: u32, longest: u32) -> Self {
        #[allow(clippy::iter_over_hash_type, reason = "a maximum is the same in any order")]
        let most = index.keys().map(|piece| piece.len()).max().unwrap_or(0);
        Self { index, prefix: prefix.to_owned(), unknown, longest: longest as usize, most }
    }

    /// Appends the numbers of a word's pieces, or that of the unknown.
    pub(super) fn cut(&self, word: &str, out: &mut Vec<u32>) {
        let before = out.len();
        if word.chars().nth(self.longest).is_some() || !self.pieces(word, out) {
            out.truncate(before);
            out.push(self.unknown);
        }
    }

    /// Returns whether pieces cover the word.
    fn pieces(&self, word: &str, out: &mut Vec<u32>) -> bool {
        let mut piece = String::new();
        let mut from = 0;
        while from < word.len() {
            piece.clear();
            piece.push_str(if from > 0 { &self.prefix } else { "" });
            let start = piece.len();
            let end = (from..=word.len().min(from + self.most)).rev().find(|at| word.is_char_boundary(*at));
            piece.push_str(&word[from..end.unwrap_or(from)]);
            let found = loop {
                if piece.len() <= start {
                    return false;
                }
                if let Some(number) = self.index.get(piece.as_str()) {
                    break *number;
                }
                piece.pop();
            };
            out.push(found);
            from += piece.len() - start;
        }
        true
    }
}
