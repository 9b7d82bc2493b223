//! Fits vocabularies of free text on training rows: which terms become features. The terms themselves are
//! found by [`yard_types::text`], weights are computed by the scorer. Knows no learner.
//!
//! A vocabulary of more than [`MOST_SELECTED`] terms keeps those in most rows; a smaller one those that
//! tell most about the target: by the chi-square statistic of presence and class (Yang and Pedersen,
//! 1997, "A comparative study on feature selection in text categorization"), or for numbers by the squares
//! between rows with and without the term.

use crate::findings::counted;
use std::collections::{BTreeMap, HashMap};
use yard_types::{
    recipe::{FittedText, TextSpec},
    table::{Column, TextColumn},
    text::{TermRule, TermScratch},
};

/// Largest vocabulary whose terms are chosen by what they tell about the target.
const MOST_SELECTED: usize = 5_000;
/// Terms that are counted at once; beyond it the rarest are forgotten.
const MOST_COUNTED: usize = 3_000_000;
/// Distinct numbers up to which a target counts as classes.
const MOST_CLASSES: usize = 20;
/// Mean words of a text, at least.
const FEW_WORDS: f64 = 3.0;
/// Mean characters below which values that nearly all differ are names.
const SHORT: f64 = 40.0;
/// Share of rows with a value of their own from which on values nearly all differ.
const OWN: f64 = 0.95;

/// Returns why a column of words is no text to learn from: names or codes; `None` when it is one.
/// `counts` are the rows of each word.
pub(crate) fn no_prose(text: &TextColumn, counts: &[usize]) -> Option<&'static str> {
    let (mut rows, mut own, mut words, mut characters) = (0_usize, 0_usize, 0_usize, 0_usize);
    for (word, count) in text.words.iter().zip(counts).filter(|(_, count)| **count > 0) {
        rows += count;
        own += 1;
        words += count * word.split_whitespace().take(1_000).count();
        characters += count * word.len().min(100_000);
    }
    let mean = |sum: usize| sum as f64 / rows.max(1) as f64;
    if mean(words) < FEW_WORDS {
        return Some("short values such as names or codes, too many to be categories");
    }
    if mean(own) >= OWN && mean(characters) < SHORT {
        return Some("short values that nearly all differ, such as names");
    }
    None
}

/// Returns the rows of each word of a column.
pub(crate) fn word_counts(text: &TextColumn, rows: impl IntoIterator<Item = usize>) -> (Vec<usize>, usize) {
    let (mut counts, mut missing) = (vec![0_usize; text.words.len()], 0);
    for row in rows {
        match text.codes.get(row).and_then(|code| counts.get_mut(*code as usize)) {
            Some(count) => *count += 1,
            None => missing += 1,
        }
    }
    (counts, missing)
}

/// What a vocabulary is fitted on.
pub(crate) struct Texts<'a> {
    pub(crate) text: &'a TextColumn,
    pub(crate) rows: &'a [u32],
    /// Rows of each word.
    pub(crate) counts: &'a [usize],
    pub(crate) target: Option<&'a Column>,
}

/// Fits a vocabulary of at most `most` terms; `None` when no term is in enough rows.
pub(crate) fn fit(texts: &Texts<'_>, rule: TermRule, spec: &TextSpec, most: usize) -> Option<FittedText> {
    let mut found = texts.count(rule, spec.min_rows.max(1));
    if found.len() > most {
        // In most rows first, ties in order of the term.
        found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if let Some(target) = texts.target.filter(|_| most <= MOST_SELECTED) {
            found.truncate(20 * MOST_SELECTED);
            texts.most_telling(rule, &mut found, target);
        }
        found.truncate(most);
    }
    found.sort_unstable();
    if found.is_empty() {
        return None;
    }
    let (terms, counts) = found.into_iter().map(|(term, count)| (String::from(term), count)).unzip();
    let rows = texts.rows.len() as u64;
    Some(FittedText { input: 0, first: 0, rule, sublinear: spec.sublinear, rows, terms, counts })
}

/// Returns one sentence on a vocabulary.
pub(crate) fn line(text: &FittedText) -> String {
    let (shortest, longest) = (text.rule.shortest, text.rule.longest);
    let runs = if shortest == longest { format!("{shortest}") } else { format!("{shortest} to {longest}") };
    let terms = counted(text.terms.len() as u64, "term", "terms");
    format!("TF-IDF of {terms} ({runs} {})", text.rule.unit.word())
}

impl Texts<'_> {
    /// Counts the rows of each term, those in fewer than `least` left out.
    fn count(&self, rule: TermRule, least: usize) -> Vec<(Box<str>, u32)> {
        // Rows and the last text that had the term, so that a text counts once.
        let mut index: HashMap<Box<str>, (u32, usize)> = HashMap::new();
        let (mut scratch, mut floor) = (TermScratch::default(), least as u32);
        for (at, (word, rows)) in self.text.words.iter().zip(self.counts).enumerate() {
            if *rows == 0 {
                continue;
            }
            rule.each(word, &mut scratch, |term| match index.get_mut(term) {
                Some((count, last)) if *last != at => (*count, *last) = (*count + *rows as u32, at),
                Some(_) => {}
                None => {
                    index.insert(term.into(), (*rows as u32, at));
                }
            });
            let mut forgotten = 1;
            while index.len() > MOST_COUNTED {
                index.retain(|_, (count, _)| *count > forgotten);
                forgotten += 1;
                floor = floor.max(forgotten);
            }
        }
        let mut found: Vec<(Box<str>, u32)> =
            index.into_iter().map(|(term, (count, _))| (term, count)).collect();
        found.retain(|(_, count)| *count >= floor);
        found.sort_unstable();
        found
    }

    /// Orders terms by what they tell about the target, ties as they come.
    fn most_telling(&self, rule: TermRule, found: &mut Vec<(Box<str>, u32)>, target: &Column) {
        let rows = self.rows.iter().map(|row| *row as usize);
        let known = rows.filter_map(|row| {
            let word = *self.text.codes.get(row)? as usize;
            (word < self.text.words.len()).then_some((word, row))
        });
        let mut rows_of: Vec<(usize, usize)> = known.collect();
        rows_of.sort_unstable();
        let told = Target::of(target, self.rows);
        let index: HashMap<&str, usize> =
            found.iter().enumerate().map(|(at, (term, _))| (term.as_ref(), at)).collect();
        let mut sums = vec![0.0_f64; found.len() * told.width];
        let (mut scratch, mut own) = (TermScratch::default(), Vec::<usize>::new());
        for same in rows_of.chunk_by(|a, b| a.0 == b.0) {
            own.clear();
            rule.each(&self.text.words[same[0].0], &mut scratch, |term| own.extend(index.get(term)));
            own.sort_unstable();
            own.dedup();
            for (_, row) in same {
                let Some((slot, value)) = told.add(*row) else { continue };
                for term in &own {
                    sums[term * told.width + slot] += value;
                }
            }
        }
        let mut ranked: Vec<(f64, usize)> = found
            .iter()
            .zip(sums.chunks_exact(told.width))
            .map(|((_, count), sums)| told.statistic(f64::from(*count), sums))
            .zip(0..)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        *found = ranked.into_iter().map(|(_, at)| found[at].clone()).collect();
    }
}

/// The target of training rows: classes, or a number.
struct Target {
    /// Class or value by row of the table.
    values: BTreeMap<usize, f64>,
    /// Sums held per term: rows of each class, or one sum of values.
    width: usize,
    /// Rows of each class.
    classes: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl Target {
    fn of(column: &Column, rows: &[u32]) -> Self {
        let value = |row: &u32| match column {
            Column::Number(values) => values.get(*row as usize).copied().filter(|value| value.is_finite()),
            Column::Text(text) => {
                text.get(*row as usize).and(text.codes.get(*row as usize)).map(|code| f64::from(*code))
            }
            Column::Instant(_) => None,
        };
        let mut values: BTreeMap<usize, f64> =
            rows.iter().filter_map(|row| Some((*row as usize, value(row)?))).collect();
        let mut distinct: Vec<f64> = values.values().copied().collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let count = values.len().max(1) as f64;
        let mean = values.values().sum::<f64>() / count;
        let variance = values.values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        if matches!(column, Column::Number(_)) && distinct.len() > MOST_CLASSES {
            return Self { values, width: 1, classes: Vec::new(), mean, variance };
        }
        let mut classes = vec![0.0; distinct.len().max(1)];
        for value in values.values_mut() {
            let class = distinct.partition_point(|own| own < value);
            classes[class] += 1.0;
            *value = class as f64;
        }
        Self { values, width: classes.len(), classes, mean, variance }
    }

    /// Returns which sum a row adds to and what.
    fn add(&self, row: usize) -> Option<(usize, f64)> {
        let value = *self.values.get(&row)?;
        Some(if self.classes.is_empty() { (0, value) } else { (value as usize, 1.0) })
    }

    /// Returns what a term tells that is in `count` rows.
    fn statistic(&self, count: f64, sums: &[f64]) -> f64 {
        let total = self.values.len() as f64;
        let share = count / total.max(1.0);
        if share >= 1.0 || total == 0.0 {
            return 0.0;
        }
        if self.classes.is_empty() {
            let difference = sums[0] / count - self.mean;
            return difference * difference * count / ((1.0 - share) * self.variance.max(f64::MIN_POSITIVE));
        }
        let of_class = |(observed, rows): (&f64, &f64)| {
            let expected = share * rows;
            if expected > 0.0 { (observed - expected).powi(2) / (expected * (1.0 - share)) } else { 0.0 }
        };
        sums.iter().zip(&self.classes).map(of_class).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use yard_types::text::Unit;

    const WORDS: TermRule = TermRule { unit: Unit::Words, shortest: 1, longest: 1 };

    fn fitted(cells: &[&str], target: Option<&Column>, most: usize) -> FittedText {
        let text = TextColumn::from_cells(cells.iter().map(|cell| Some(*cell)));
        let rows: Vec<u32> = (0..cells.len() as u32).collect();
        let (counts, _) = word_counts(&text, 0..cells.len());
        let texts = Texts { text: &text, rows: &rows, counts: &counts, target };
        fit(&texts, WORDS, &TextSpec::default(), most).unwrap()
    }

    #[test]
    fn terms_in_enough_rows_are_kept() {
        let cells = ["the cat", "the dog the dog", "the cat", "a bird"];
        let all = fitted(&cells, None, 10);
        assert_eq!(all.terms, ["cat", "the"]);
        assert_eq!((all.counts, all.rows), (vec![2, 3], 4));
        assert_eq!(fitted(&cells, None, 1).terms, ["the"]);
    }

    #[test]
    fn small_vocabularies_tell_most_about_the_target() {
        let cells = ["the win now", "the win at", "the card at", "the card now", "the win", "the card"];
        let classes = ["spam", "spam", "ham", "ham", "spam", "ham"];
        let target = Column::Text(TextColumn::from_cells(classes.iter().map(|class| Some(*class))));
        assert_eq!(fitted(&cells, Some(&target), 2).terms, ["card", "win"]);
        let many: Vec<String> = (0..60).map(|at| format!("x{at} {}", cells[at % 6])).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let numbers: Vec<f64> =
            (0..60).map(|at| f64::from(at) * 0.1 + [9.0, 9.0, 0.0][at as usize % 3]).collect();
        let kept = fitted(&many, Some(&Column::Number(numbers)), 2).terms;
        assert_eq!(kept.len(), 2);
        assert!(!kept.contains(&"the".to_owned()), "{kept:?}");
    }

    #[test]
    fn names_and_codes_are_no_prose() {
        let prose = |cells: &[String]| {
            let text = TextColumn::from_cells(cells.iter().map(|cell| Some(cell.as_str())));
            let (counts, _) = word_counts(&text, 0..cells.len());
            no_prose(&text, &counts).is_none()
        };
        let cells = |make: &dyn Fn(usize) -> String| (0..200).map(make).collect::<Vec<String>>();
        assert!(!prose(&cells(&|at| format!("code-{at}"))));
        assert!(!prose(&cells(&|at| format!("Anna Maria Berg {at}"))));
        assert!(prose(&cells(&|at| format!("My card number {at} has not arrived after two weeks"))));
        assert!(prose(&cells(&|at| format!("card is lost {}", at % 120))));
    }
}
