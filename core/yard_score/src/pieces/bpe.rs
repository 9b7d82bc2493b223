//! Byte-pair encoding: of all neighbours that can be merged, the pair that comes first in the list is, the
//! leftmost of equal ones first. Paper: Sennrich, Haddow and Birch, 2016, doi:10.18653/v1/P16-1162.

use super::cutter::Index;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

#[derive(Clone, Debug)]
pub(super) struct Bpe {
    index: Index,
    prefix: String,
    suffix: String,
    /// Rank and number of the merged piece. Looked up only.
    merges: HashMap<(u32, u32), (u32, u32)>,
    unknown: Option<u32>,
    fuse: bool,
    whole: bool,
}

/// A piece in the making; neighbours by position.
#[derive(Clone, Copy)]
struct Part {
    number: u32,
    before: usize,
    after: usize,
    gone: bool,
}

const NONE: usize = usize::MAX;

impl Bpe {
    pub(super) fn new(
        index: Index,
        vocabulary: &[String],
        (prefix, suffix): (&str, &str),
        pairs: &[(u32, u32)],
    ) -> Result<Self, String> {
        let mut merges = HashMap::with_capacity(pairs.len());
        for (pair, rank) in pairs.iter().zip(0..) {
            let piece = |number: u32| vocabulary.get(number as usize).map(String::as_str);
            let (Some(left), Some(right)) = (piece(pair.0), piece(pair.1)) else {
                return Err(format!("merge {rank} names pieces {} and {}; one is not there", pair.0, pair.1));
            };
            let Some(right) = right.get(prefix.len()..) else {
                return Err(format!("merge {rank}: the right piece is shorter than \"{prefix}\""));
            };
            let Some(merged) = index.get(format!("{left}{right}").as_str()) else {
                return Err(format!("merge {rank} makes a piece that is not there"));
            };
            merges.insert(*pair, (rank, *merged));
        }
        let (prefix, suffix) = (prefix.to_owned(), suffix.to_owned());
        Ok(Self { index, prefix, suffix, merges, unknown: None, fuse: false, whole: false })
    }

    pub(super) fn with(self, unknown: Option<u32>, fuse: bool, whole: bool) -> Self {
        Self { unknown, fuse, whole, ..self }
    }

    /// Appends the numbers of a word's pieces.
    pub(super) fn cut(&self, word: &str, out: &mut Vec<u32>) {
        if let Some(number) = self.index.get(word).filter(|_| self.whole) {
            out.push(*number);
            return;
        }
        let mut parts = self.characters(word);
        self.merge(&mut parts);
        out.extend(parts.iter().filter(|part| !part.gone).map(|part| part.number));
    }

    fn characters(&self, word: &str) -> Vec<Part> {
        let mut numbers: Vec<u32> = Vec::with_capacity(word.len());
        let (mut piece, mut unknown) = (String::new(), false);
        for (at, c) in word.char_indices() {
            piece.clear();
            piece.push_str(if at > 0 { &self.prefix } else { "" });
            piece.push(c);
            if at + c.len_utf8() == word.len() {
                piece.push_str(&self.suffix);
            }
            let found = self.index.get(piece.as_str()).copied();
            let fused = found.is_none() && unknown && self.fuse;
            unknown = found.is_none();
            numbers.extend(found.or(self.unknown).filter(|_| !fused));
        }
        let last = numbers.len().saturating_sub(1);
        let part = |(at, number): (usize, u32)| Part {
            number,
            before: if at == 0 { NONE } else { at - 1 },
            after: if at == last { NONE } else { at + 1 },
            gone: false,
        };
        numbers.into_iter().enumerate().map(part).collect()
    }

    fn pair(&self, parts: &[Part], at: usize) -> Option<(u32, u32)> {
        let own = parts.get(at).filter(|own| !own.gone)?;
        let after = parts.get(own.after)?;
        self.merges.get(&(own.number, after.number)).copied()
    }

    fn merge(&self, parts: &mut [Part]) {
        let first = (0..parts.len()).filter_map(|at| Some(Reverse((self.pair(parts, at)?, at))));
        let mut queue: BinaryHeap<Reverse<((u32, u32), usize)>> = first.collect();
        while let Some(Reverse((merge, at))) = queue.pop() {
            // A pair that was changed since is another one.
            if self.pair(parts, at).is_none_or(|own| own.1 != merge.1) {
                continue;
            }
            let after = parts[at].after;
            let next = parts[after].after;
            parts[after].gone = true;
            (parts[at].number, parts[at].after) = (merge.1, next);
            if let Some(next) = parts.get_mut(next) {
                next.before = at;
            }
            for at in [parts[at].before, at] {
                queue.extend(self.pair(parts, at).map(|pair| Reverse((pair, at))));
            }
        }
    }
}
