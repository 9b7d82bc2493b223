//! TF-IDF weights of a text: its terms are looked up in a fitted vocabulary, counted, weighed and
//! divided by their norm, as scikit-learn's `TfidfVectorizer` does (equal to 1e-6; computed in f64, rounded
//! to f32 once). A text is split once for each vocabulary of its field.
//! Method: Salton and Buckley, 1988, doi:10.1016/0306-4573(88)90021-0.

use crate::{error::ScoreError, math::ln};
use std::collections::HashMap;
use yard_types::{
    recipe::{FeatureOp, FittedRecipe},
    schema::FieldType,
    text::{TermRule, TermScratch},
};

/// A checked vocabulary.
#[derive(Clone, Debug)]
pub(crate) struct Vocabulary {
    pub(crate) input: usize,
    /// Feature of the first term.
    pub(crate) first: usize,
    rule: TermRule,
    sublinear: bool,
    /// Looked up only, never walked through.
    index: HashMap<Box<str>, u32>,
    inverse_frequency: Vec<f64>,
}

/// Working memory of [`Vocabulary::weights`].
#[derive(Clone, Debug, Default)]
pub(crate) struct TextScratch {
    terms: TermScratch,
    found: Vec<u32>,
    weights: Vec<(usize, f32)>,
}

impl Vocabulary {
    /// Checks vocabulary `index` of a recipe and its features.
    pub(crate) fn new(recipe: &FittedRecipe, index: usize) -> Result<Self, ScoreError> {
        let text = &recipe.texts[index];
        let problem = |problem: String| ScoreError::Recipe { what: format!("vocabulary {index}"), problem };
        let Some(input) = recipe.inputs.get(text.input as usize) else {
            return Err(problem(format!("input {} does not exist", text.input)));
        };
        if !matches!(input.field_type, FieldType::Text | FieldType::Category) {
            return Err(problem(format!("it does not fit a {} field", input.field_type.word())));
        }
        if !text.rule.is_valid() {
            return Err(problem(format!("terms of {} to {} units", text.rule.shortest, text.rule.longest)));
        }
        if text.counts.len() != text.terms.len() {
            return Err(problem(format!("{} terms have {} counts", text.terms.len(), text.counts.len())));
        }
        if text.terms.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(problem("terms are not sorted and distinct".to_owned()));
        }
        if let Some(at) = text.counts.iter().position(|count| u64::from(*count) > text.rows) {
            return Err(problem(format!("term {at} is in more than all {} rows", text.rows)));
        }
        let first = text.first as usize;
        let listed = |(at, feature): (usize, &yard_types::recipe::Feature)| {
            feature.op == FeatureOp::Term { text: index as u32, term: at as u32 }
                && feature.input == text.input
        };
        let own = recipe.features.iter().skip(first).take(text.terms.len());
        if own.len() != text.terms.len() || !own.enumerate().all(listed) {
            return Err(problem("its features are not those of its terms".to_owned()));
        }
        let rows = text.rows as f64;
        Ok(Self {
            input: text.input as usize,
            first,
            rule: text.rule,
            sublinear: text.sublinear,
            index: text.terms.iter().zip(0..).map(|(term, at)| (term.as_str().into(), at)).collect(),
            inverse_frequency: text
                .counts
                .iter()
                .map(|count| ln((1.0 + rows) / (1.0 + f64::from(*count))) + 1.0)
                .collect(),
        })
    }

    /// Returns how many terms there are.
    pub(crate) fn len(&self) -> usize {
        self.inverse_frequency.len()
    }

    /// Returns the features of the terms of a text that are known, in order, with their weights.
    pub(crate) fn weights<'a>(&self, text: &str, scratch: &'a mut TextScratch) -> &'a [(usize, f32)] {
        let TextScratch { terms, found, weights } = scratch;
        found.clear();
        weights.clear();
        self.rule.each(text, terms, |term| found.extend(self.index.get(term).copied()));
        found.sort_unstable();
        let weigh = |same: &[u32]| {
            let count = same.len() as f64;
            let count = if self.sublinear { ln(count) + 1.0 } else { count };
            count * self.inverse_frequency[same[0] as usize]
        };
        let same = || found.chunk_by(|a, b| a == b);
        let norm = same().map(|same| weigh(same).powi(2)).sum::<f64>().sqrt();
        weights.extend(same().map(|same| (self.first + same[0] as usize, (weigh(same) / norm) as f32)));
        weights
    }
}

/// Checks that every term feature belongs to a vocabulary and that vocabularies do not overlap.
pub(crate) fn vocabularies(recipe: &FittedRecipe) -> Result<Vec<Vocabulary>, ScoreError> {
    let mut all = Vec::with_capacity(recipe.texts.len());
    for index in 0..recipe.texts.len() {
        all.push(Vocabulary::new(recipe, index)?);
    }
    let terms: usize = all.iter().map(Vocabulary::len).sum();
    let features = recipe.features.iter().filter(|feature| matches!(feature.op, FeatureOp::Term { .. }));
    let features = features.count();
    if features == terms {
        return Ok(all);
    }
    let problem = format!("{features} features are terms; the vocabularies have {terms}");
    Err(ScoreError::Recipe { what: "terms".to_owned(), problem })
}
