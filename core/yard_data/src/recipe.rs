//! Fits the recipe on training rows: which fields become which features, with categories, medians and
//! scales. `yard_score` alone executes the result. Knows no learner.

use crate::error::DataError;
use crate::findings::counted;
use crate::recipe_text::{self, Texts, no_prose, word_counts};
use yard_metrics::{interval::quantile_sorted, sum};
use yard_types::{
    image::FittedImage,
    pieces::FittedPieces,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, RecipeSpec, Scale},
    schema::{Field, FieldType, Role, Schema},
    table::{Column, FieldValue, MISSING_INSTANT, Table, TextColumn},
};

/// A fitted recipe with what was decided on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct RecipeFit {
    /// Recipe.
    pub recipe: FittedRecipe,
    /// Columns left out and why, and the like.
    pub notes: Vec<String>,
}

/// Fits a recipe on the rows given (training rows only). Fields with role feature feed it, except those
/// excluded, constant or empty in these rows, and names and codes with more than `max_categories` values (all
/// noted). Free text with more values than that becomes the weights of its terms. Vocabularies, medians, scales and categories come from these rows alone; infinities are left out of medians
/// and scales.
pub fn fit_recipe(
    table: &Table,
    rows: &[u32],
    schema: &Schema,
    spec: &RecipeSpec,
    encoding: Encoding,
) -> Result<RecipeFit, DataError> {
    let target = schema.with_role(Role::Target).map_or(String::new(), |field| field.name.clone());
    if rows.is_empty() {
        return Err(DataError::NoRows { target, needed: 1 });
    }
    let recipe = FittedRecipe {
        encoding,
        inputs: Vec::new(),
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features: Vec::new(),
    };
    let column = table.column(&target);
    let mut fit = Fit { rows, spec, target: column, recipe, notes: Vec::new() };
    for field in schema.features() {
        if spec.exclude.contains(&field.name) {
            fit.notes.push(format!("\"{}\" is left out by the recipe", field.name));
        } else if let Some(column) = table.column(&field.name) {
            fit.field(field, column);
        } else {
            return Err(crate::target::unknown_column(table.names(), &field.name, "feature"));
        }
    }
    if fit.recipe.features.is_empty() {
        let reason = if fit.notes.is_empty() {
            "no column has the role feature".to_owned()
        } else {
            fit.notes.join("; ")
        };
        return Err(DataError::NoFeatures { target, reason });
    }
    Ok(RecipeFit { recipe: fit.recipe, notes: fit.notes })
}

struct Fit<'a> {
    rows: &'a [u32],
    spec: &'a RecipeSpec,
    target: Option<&'a Column>,
    recipe: FittedRecipe,
    notes: Vec<String>,
}

impl Fit<'_> {
    fn dense(&self) -> bool {
        self.recipe.encoding == Encoding::Dense
    }

    fn field(&mut self, field: &Field, column: &Column) {
        match column {
            Column::Number(values) => self.number(field, values),
            Column::Text(_) if field.field_type == FieldType::Image => self.image(field),
            Column::Text(text) => self.words(field, text),
            Column::Instant(values) => self.date(field, values),
        }
    }

    fn skip(&mut self, field: &Field, reason: &str) {
        self.notes.push(format!("\"{}\" is left out: {reason}", field.name));
    }

    fn input(&mut self, field: &Field, categories: Vec<String>) -> u32 {
        self.recipe.inputs.push(FittedInput {
            name: field.name.clone(),
            field_type: field.field_type,
            rules: field.rules.clone(),
            categories,
        });
        self.recipe.inputs.len() as u32 - 1
    }

    fn feature(&mut self, name: String, input: u32, op: FeatureOp) {
        self.recipe.features.push(Feature { name, input, op });
    }

    fn flag(&mut self, field: &Field, input: u32, missing: usize) {
        if self.dense() && missing > 0 {
            self.feature(format!("{} missing", field.name), input, FeatureOp::MissingFlag);
        }
    }

    fn number(&mut self, field: &Field, values: &[f64]) {
        let cells: Vec<f64> =
            self.rows.iter().map(|row| values.get(*row as usize).copied().unwrap_or(f64::NAN)).collect();
        let missing = cells.iter().filter(|value| value.is_nan()).count();
        let Some(first) = cells.iter().find(|value| !value.is_nan()) else {
            self.skip(field, "it has no value in the training rows");
            return;
        };
        if missing == 0 && cells.iter().all(|value| value == first) {
            self.skip(field, &format!("it is always {first} in the training rows"));
            return;
        }
        let input = self.input(field, Vec::new());
        let (fill, scale) = if self.dense() { fill_and_scale(&cells) } else { (None, None) };
        self.feature(field.name.clone(), input, FeatureOp::Number { fill, scale });
        self.flag(field, input, missing);
    }

    fn words(&mut self, field: &Field, text: &TextColumn) {
        let (counts, missing) = word_counts(text, self.rows.iter().map(|row| *row as usize));
        let mut found: Vec<(usize, &String)> =
            counts.iter().copied().zip(&text.words).filter(|(count, _)| *count > 0).collect();
        if field.field_type == FieldType::Text && found.len() > self.spec.max_categories {
            self.prose(field, text, &counts, missing);
            return;
        }
        if found.is_empty() || (found.len() == 1 && missing == 0) {
            let value = found.first().map_or("empty", |(_, word)| word.as_str());
            self.skip(field, &format!("it is always \"{value}\" in the training rows"));
            return;
        }
        // The most frequent first, ties in order of the word.
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let all = found.len();
        found.retain(|(count, _)| *count >= self.spec.min_category_rows);
        if self.dense() {
            found.truncate(self.spec.max_categories);
        }
        let mut categories: Vec<String> = found.iter().map(|(_, word)| (*word).clone()).collect();
        categories.sort();
        let others = all > categories.len();
        if others {
            self.notes.push(format!(
                "\"{}\": {} of {all} categories are kept, the rarer ones count as \"other\"",
                field.name,
                categories.len()
            ));
        }
        self.category(field, &categories, others, missing);
    }

    /// An image: whether it is missing. The pixels are added by whoever can decode them.
    fn image(&mut self, field: &Field) {
        let input = self.input(field, Vec::new());
        self.feature(format!("{} missing", field.name), input, FeatureOp::MissingFlag);
    }

    /// Free text: one feature per term.
    fn prose(&mut self, field: &Field, text: &TextColumn, counts: &[usize], missing: usize) {
        if let Some(reason) = no_prose(text, counts) {
            self.skip(field, reason);
            return;
        }
        if self.spec.text.as_pieces {
            // Whether it is missing; the pieces are added by whoever learns a tokenizer.
            let input = self.input(field, Vec::new());
            self.feature(format!("{} missing", field.name), input, FeatureOp::MissingFlag);
            return;
        }
        let texts = Texts { text, rows: self.rows, counts, target: self.target };
        let spec = &self.spec.text;
        let most = if self.dense() { spec.dense_terms } else { spec.tree_terms };
        let fitted = spec.rules.iter().filter(|rule| rule.is_valid());
        let fitted: Vec<_> =
            fitted.filter_map(|rule| recipe_text::fit(&texts, *rule, spec, most.max(1))).collect();
        if fitted.is_empty() {
            let reason = format!("free text without a term that is in {} training rows", spec.min_rows);
            self.skip(field, &reason);
            return;
        }
        let input = self.input(field, Vec::new());
        for mut text in fitted {
            text.input = input;
            self.notes.push(format!("\"{}\" is free text: {}", field.name, recipe_text::line(&text)));
            self.recipe.add_text(text);
        }
        self.flag(field, input, missing);
    }

    fn category(&mut self, field: &Field, categories: &[String], others: bool, missing: usize) {
        let input = self.input(field, categories.to_vec());
        if !self.dense() {
            self.feature(field.name.clone(), input, FeatureOp::Code);
            return;
        }
        for (code, category) in categories.iter().enumerate() {
            let name = format!("{} = {category}", field.name);
            self.feature(name, input, FeatureOp::OneHot { code: code as u32 });
        }
        if others {
            let code = categories.len() as u32;
            self.feature(format!("{} other", field.name), input, FeatureOp::OneHot { code });
        }
        self.flag(field, input, missing);
    }

    fn date(&mut self, field: &Field, values: &[i64]) {
        let cells: Vec<i64> = self
            .rows
            .iter()
            .map(|row| values.get(*row as usize).copied().unwrap_or(MISSING_INSTANT))
            .collect();
        let missing = cells.iter().filter(|value| **value == MISSING_INSTANT).count();
        let varying: Vec<_> = self
            .spec
            .date_parts
            .iter()
            .map(|part| {
                let of = |micros: &i64| if *micros == MISSING_INSTANT { f64::NAN } else { part.of(*micros) };
                (*part, cells.iter().map(of).collect::<Vec<f64>>())
            })
            .filter(|(_, parts)| {
                let mut known = parts.iter().filter(|value| !value.is_nan());
                known.next().is_some_and(|first| missing > 0 || known.any(|value| value != first))
            })
            .collect();
        if varying.is_empty() {
            self.skip(field, "its date parts do not vary in the training rows");
            return;
        }
        let input = self.input(field, Vec::new());
        for (part, parts) in varying {
            let (fill, scale) = if self.dense() { fill_and_scale(&parts) } else { (None, None) };
            self.feature(
                format!("{} {}", field.name, part.word()),
                input,
                FeatureOp::Date { part, fill, scale },
            );
        }
        self.flag(field, input, missing);
    }
}

/// Median of the finite cells, and mean and deviation (n − 1) after filling with it.
fn fill_and_scale(cells: &[f64]) -> (Option<f64>, Option<Scale>) {
    let mut finite: Vec<f64> = cells.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    let fill = quantile_sorted(&finite, 0.5).unwrap_or(0.0);
    let filled: Vec<f64> = cells
        .iter()
        .filter(|value| !value.is_infinite())
        .map(|value| if value.is_nan() { fill } else { *value })
        .collect();
    let mean = sum::mean(&filled).unwrap_or(0.0);
    let squares = sum::sum_by(filled.len(), |at| (filled[at] - mean) * (filled[at] - mean));
    let sd = (squares / filled.len().saturating_sub(1).max(1) as f64).sqrt();
    let inverse_sd = if sd > 0.0 && sd.is_finite() { 1.0 / sd } else { 0.0 };
    (Some(fill), Some(Scale { mean, inverse_sd }))
}

/// Returns one line per input field that says what the recipe does with it.
pub fn recipe_lines(recipe: &FittedRecipe) -> Vec<String> {
    let line = |(at, input): (usize, &FittedInput)| {
        let own: Vec<&Feature> =
            recipe.features.iter().filter(|feature| feature.input as usize == at).collect();
        let image = recipe.images.iter().find(|image| image.input as usize == at);
        let pieces = recipe.pieces.iter().find(|pieces| pieces.input as usize == at);
        let what = match own.first().map(|feature| &feature.op) {
            _ if image.is_some() => image.map_or_else(String::new, image_line),
            _ if pieces.is_some() => pieces.map_or_else(String::new, pieces_line),
            Some(FeatureOp::Number { fill: Some(fill), .. }) => {
                format!("number, missing filled with {}, standardised", crate::text::number_text(*fill))
            }
            Some(FeatureOp::Number { .. }) => "number, missing kept".to_owned(),
            Some(FeatureOp::Rank { cuts, .. }) => format!("rank among {} thresholds", cuts.len()),
            Some(FeatureOp::Code) => format!("ordinal code of {}", categories(input)),
            Some(FeatureOp::OneHot { .. }) => format!("one-hot of {}", categories(input)),
            Some(FeatureOp::Date { .. }) => {
                let parts: Vec<&str> = own
                    .iter()
                    .filter_map(|feature| match feature.op {
                        FeatureOp::Date { part, .. } => Some(part.word()),
                        _ => None,
                    })
                    .collect();
                format!("date parts {}", parts.join(", "))
            }
            Some(FeatureOp::Term { .. }) => {
                let texts = recipe.texts.iter().filter(|text| text.input as usize == at);
                texts.map(recipe_text::line).collect::<Vec<_>>().join(" and ")
            }
            Some(FeatureOp::MissingFlag | FeatureOp::Pixel { .. } | FeatureOp::Piece { .. }) | None => {
                "not used".to_owned()
            }
        };
        let flagged = own.iter().any(|feature| feature.op == FeatureOp::MissingFlag);
        format!("{}: {what}{}", input.name, if flagged { ", missing flag" } else { "" })
    };
    recipe.inputs.iter().enumerate().map(line).collect()
}

fn image_line(image: &FittedImage) -> String {
    let colour = if image.channels == 1 { "grey" } else { "red, green and blue" };
    format!("image, {} × {} pixels, {colour}, standardised", image.width, image.height)
}

fn pieces_line(pieces: &FittedPieces) -> String {
    let known = pieces.tokenizer.model.vocabulary().len();
    format!("text, the first {} of its pieces, by a tokenizer of {known}", pieces.length)
}

fn categories(input: &FittedInput) -> String {
    counted(input.categories.len() as u64, "category", "categories")
}

/// Returns the typical value of a column in the rows given, for forms: median, most frequent word.
pub(crate) fn typical(field_type: FieldType, column: &Column, rows: &[u32]) -> serde_json::Value {
    match column {
        // A path would mean nothing to whoever reads the contract.
        Column::Text(_) if field_type == FieldType::Image => serde_json::Value::Null,
        Column::Text(text) => {
            let mut counts = vec![0_usize; text.words.len()];
            for row in rows {
                if let Some(count) =
                    text.codes.get(*row as usize).and_then(|code| counts.get_mut(*code as usize))
                {
                    *count += 1;
                }
            }
            let best = (0..counts.len())
                .max_by(|a, b| counts[*a].cmp(&counts[*b]).then_with(|| text.words[*b].cmp(&text.words[*a])));
            best.map_or(serde_json::Value::Null, |at| serde_json::Value::String(text.words[at].clone()))
        }
        Column::Number(_) | Column::Instant(_) => {
            let mut known = finite(column, rows);
            known.sort_by(f64::total_cmp);
            let Some(middle) = known.get(known.len().saturating_sub(1) / 2).copied() else {
                return serde_json::Value::Null;
            };
            match field_type {
                FieldType::Boolean => serde_json::Value::Bool(middle != 0.0),
                FieldType::Datetime => serde_json::Value::String(crate::column::instant_text(middle as i64)),
                _ if middle.fract() == 0.0 && middle.abs() <= crate::ndjson::EXACT as f64 => {
                    serde_json::Value::from(middle as i64)
                }
                _ => serde_json::Value::from(middle),
            }
        }
    }
}

/// Returns the finite numbers (or microseconds) of a column in the rows given.
pub(crate) fn finite(column: &Column, rows: &[u32]) -> Vec<f64> {
    rows.iter()
        .filter_map(|row| match column.value(*row as usize) {
            FieldValue::Number(number) if number.is_finite() => Some(number),
            FieldValue::Instant(micros) => Some(micros as f64),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
#[path = "recipe_tests.rs"]
mod tests;
