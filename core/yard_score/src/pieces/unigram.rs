//! The pieces of a word whose scores have the largest sum. Paper: Kudo, 2018, "Subword regularization",
//! doi:10.18653/v1/P18-1007.

use super::cutter::Index;

/// What a character without a piece costs more than the worst piece.
const PENALTY: f64 = 10.0;

#[derive(Clone, Debug)]
pub(super) struct Unigram {
    index: Index,
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
    /// Bytes of the longest piece.
    most: usize,
}

/// The best way to a place of a word.
#[derive(Clone, Copy)]
struct Way {
    score: f64,
    from: usize,
    number: u32,
}

impl Unigram {
    pub(super) fn new(
        index: Index,
        vocabulary: &[String],
        scores: &[f64],
        unknown: u32,
    ) -> Result<Self, String> {
        if scores.len() != vocabulary.len() || scores.iter().any(|score| !score.is_finite()) {
            return Err(format!("{} pieces have {} finite scores", vocabulary.len(), scores.len()));
        }
        let most = vocabulary.iter().map(String::len).max().unwrap_or(0);
        let worst = scores.iter().copied().fold(f64::INFINITY, f64::min);
        Ok(Self { index, scores: scores.to_vec(), unknown, unknown_score: worst - PENALTY, most })
    }

    /// Appends the numbers of a word's pieces; neighbouring unknown characters are one.
    pub(super) fn cut(&self, word: &str, out: &mut Vec<u32>) {
        let mut ways: Vec<Option<Way>> = vec![None; word.len() + 1];
        let mut at = 0;
        while at < word.len() {
            let reached = if at == 0 { 0.0 } else { ways[at].map_or(f64::NEG_INFINITY, |way| way.score) };
            let first = word[at..].chars().next().map_or(1, char::len_utf8);
            let mut covered = false;
            let ends = (at + 1..=word.len().min(at + self.most)).filter(|end| word.is_char_boundary(*end));
            for end in ends {
                let Some(number) = self.index.get(&word[at..end]).copied() else { continue };
                let score = reached + self.scores[number as usize];
                offer(&mut ways[end], Way { score, from: at, number });
                covered |= end == at + first;
            }
            if !covered {
                let way = Way { score: reached + self.unknown_score, from: at, number: self.unknown };
                offer(&mut ways[at + first], way);
            }
            at += first;
        }
        let before = out.len();
        let mut at = word.len();
        while at > 0 {
            let Some(way) = ways[at] else { break };
            let fused = way.number == self.unknown && out.len() > before && out.last() == Some(&way.number);
            if !fused {
                out.push(way.number);
            }
            at = way.from;
        }
        out[before..].reverse();
    }
}

fn offer(slot: &mut Option<Way>, way: Way) {
    if slot.is_none_or(|own| way.score > own.score) {
        *slot = Some(way);
    }
}
