//! Counting the values of requests in the bins of the package's reference. A cell is read as the scorer
//! reads it: by the cell rules of its field.

use crate::{
    rows::{Column, Rows},
    served::{Answers, Served},
};
use yard_metrics::sketch::{CurrentSketch, Layout, SketchCounts};
use yard_types::{cell::CellRules, recipe::FittedInput, schema::FieldType, table::FieldValue};

/// The sketches of one window of one version.
#[derive(Debug)]
pub(crate) struct Sketches {
    fields: Vec<FieldSketch>,
    score: CurrentSketch,
    score_is_category: bool,
}

#[derive(Debug)]
struct FieldSketch {
    /// Position in the scorer's inputs; `None` for a field of the contract that the model does not use.
    input: Option<usize>,
    category: bool,
    /// Numbers that mean missing.
    null_numbers: Vec<f64>,
    sketch: CurrentSketch,
}

impl Sketches {
    /// Makes empty sketches for a version.
    pub(crate) fn new(served: &Served) -> Self {
        let category = |layout: &Layout| matches!(layout, Layout::Category { .. });
        let fields = served.reference.fields.iter().map(|reference| {
            let input = served.inputs.find(&reference.field).and_then(Column::input);
            let fitted = input.and_then(|at| served.fitted.get(at));
            FieldSketch {
                input,
                category: category(&reference.layout),
                null_numbers: fitted.map(|fitted| fitted.rules.null_numbers()).unwrap_or_default(),
                sketch: CurrentSketch::new(reference),
            }
        });
        Self {
            fields: fields.filter(|field| field.input.is_some()).collect(),
            score: CurrentSketch::new(&served.reference.score),
            score_is_category: category(&served.reference.score.layout),
        }
    }

    /// Continues from stored counts; counts for other bins are left out.
    pub(crate) fn restore<'a>(
        &mut self,
        fields: impl Iterator<Item = (&'a str, &'a SketchCounts)>,
        score: &SketchCounts,
    ) {
        for (name, counts) in fields {
            if let Some(own) = self.fields.iter_mut().find(|own| own.sketch.field() == name) {
                // Other bins can't be added up: the window then starts anew for this field.
                let _ = own.sketch.merge(counts);
            }
        }
        let _ = self.score.merge(score);
    }

    /// Counts all rows of a request and returns the sum of the scores.
    pub(crate) fn count(&mut self, served: &Served, rows: &Rows, answers: &Answers) -> f64 {
        for field in &mut self.fields {
            let Some((input, fitted)) = field.input.and_then(|at| Some((at, served.fitted.get(at)?))) else {
                continue;
            };
            for row in 0..rows.len() {
                push(field, fitted, rows.value(row, input));
            }
        }
        self.count_scores(served, answers)
    }

    fn count_scores(&mut self, served: &Served, answers: &Answers) -> f64 {
        let mut sum = 0.0;
        for row in 0..answers.rows {
            if self.score_is_category {
                let label =
                    answers.labels.get(row).and_then(|label| served.scorer().classes().get(*label as usize));
                match label {
                    Some(label) => self.score.push_category(label),
                    None => self.score.push_missing(),
                }
                continue;
            }
            let score = answers.score(row);
            self.score.push_number(score);
            sum += score;
        }
        sum
    }

    /// Returns the counts by field, and those of the score.
    pub(crate) fn counts(&self) -> (impl Iterator<Item = (&str, &SketchCounts)>, &SketchCounts) {
        (self.fields.iter().map(|field| (field.sketch.field(), field.sketch.counts())), self.score.counts())
    }
}

fn push(field: &mut FieldSketch, fitted: &FittedInput, value: FieldValue<'_>) {
    let FieldSketch { sketch, category, null_numbers, .. } = field;
    let category = *category;
    match value {
        FieldValue::Missing => sketch.push_missing(),
        FieldValue::Number(number) if null_numbers.contains(&number) => sketch.push_missing(),
        FieldValue::Number(number) if category => sketch.push_category(&number_word(fitted, number)),
        FieldValue::Number(number) if fitted.field_type == FieldType::Text => {
            sketch.push_number(number_word(fitted, number).chars().count() as f64);
        }
        FieldValue::Number(number) => sketch.push_number(number),
        FieldValue::Instant(micros) => sketch.push_number(micros as f64),
        FieldValue::Text(text) if fitted.rules.missing(text) => sketch.push_missing(),
        FieldValue::Text(text) if category => sketch.push_category(&fitted.rules.word(text)),
        // Free text is counted by its characters.
        FieldValue::Text(text) if fitted.field_type == FieldType::Text => {
            sketch.push_number(text.trim().chars().count() as f64);
        }
        // Images are counted by the bytes of their files.
        FieldValue::Text(text) if fitted.field_type == FieldType::Image => {
            match yard_score::image::data_uri_bytes(text) {
                Some(bytes) => sketch.push_number(bytes as f64),
                None => sketch.push_missing(),
            }
        }
        FieldValue::Text(text) => match number_of(fitted.field_type, &fitted.rules, text) {
            Some(number) => sketch.push_number(number),
            None => sketch.push_category(text),
        },
    }
}

fn number_word(fitted: &FittedInput, number: f64) -> String {
    match fitted.field_type {
        FieldType::Boolean if number == 1.0 => "true".to_owned(),
        FieldType::Boolean if number == 0.0 => "false".to_owned(),
        _ => format!("{}", number + 0.0),
    }
}

fn number_of(field_type: FieldType, rules: &CellRules, text: &str) -> Option<f64> {
    match field_type {
        FieldType::Boolean => CellRules::boolean(text).map(f64::from),
        FieldType::Datetime => rules.instant(text).map(|micros| micros as f64),
        _ => rules.number(text),
    }
}
