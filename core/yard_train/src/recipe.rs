//! The recipe of a run: fitted on training rows alone, and described for people.

use crate::{TrainError, TrainInput};
use yard_types::{
    cell::CellRules,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, RecipeSpec, Scale},
    schema::{Field, FieldType},
    table::{Column, FieldValue},
};

/// Fits the recipe on `rows`.
pub(crate) fn fit(
    input: &TrainInput<'_>,
    spec: &RecipeSpec,
    encoding: Encoding,
    rows: &[u32],
) -> Result<FittedRecipe, TrainError> {
    let mut recipe = FittedRecipe { encoding, inputs: Vec::new(), features: Vec::new() };
    for field in input.schema.features().filter(|field| !spec.exclude.contains(&field.name)) {
        let Some(column) = input.table.column(&field.name) else {
            return Err(TrainError::Settings {
                what: format!("feature column \"{}\" is not in the data", field.name),
                advice: "drop it or correct the schema".to_owned(),
            });
        };
        add(&mut recipe, field, column, (spec, rows));
    }
    Ok(recipe)
}

fn add(recipe: &mut FittedRecipe, field: &Field, column: &Column, (spec, rows): (&RecipeSpec, &[u32])) {
    let input = recipe.inputs.len() as u32;
    let dense = recipe.encoding == Encoding::Dense;
    let mut push = |name: String, op| recipe.features.push(Feature { name, input, op });
    let mut categories = Vec::new();
    let missing = rows.iter().any(|row| column.value(*row as usize) == FieldValue::Missing);
    match field.field_type {
        FieldType::Number | FieldType::Integer | FieldType::Boolean => {
            let values: Vec<f64> = rows.iter().map(|row| number(column.value(*row as usize))).collect();
            let (fill, scale) = if dense { fill_and_scale(&values) } else { (None, None) };
            push(field.name.clone(), FeatureOp::Number { fill, scale });
        }
        FieldType::Category | FieldType::Text => {
            categories = known(column, rows);
            if dense {
                for (code, word) in categories.iter().take(spec.max_categories).enumerate() {
                    push(format!("{} = {word}", field.name), FeatureOp::OneHot { code: code as u32 });
                }
            } else {
                push(field.name.clone(), FeatureOp::Code);
            }
        }
        FieldType::Datetime => {
            for part in &spec.date_parts {
                let part_of = |row: &u32| match column.value(*row as usize) {
                    FieldValue::Instant(micros) => part.of(micros),
                    _ => f64::NAN,
                };
                let values: Vec<f64> = rows.iter().map(part_of).collect();
                let (fill, scale) = if dense { fill_and_scale(&values) } else { (None, None) };
                push(format!("{} {}", field.name, part.word()), FeatureOp::Date { part: *part, fill, scale });
            }
        }
    }
    if dense && missing {
        push(format!("{} missing", field.name), FeatureOp::MissingFlag);
    }
    recipe.inputs.push(FittedInput {
        name: field.name.clone(),
        field_type: field.field_type,
        rules: CellRules::default(),
        categories,
    });
}

fn number(value: FieldValue<'_>) -> f64 {
    if let FieldValue::Number(number) = value { number } else { f64::NAN }
}

fn known(column: &Column, rows: &[u32]) -> Vec<String> {
    let mut words = std::collections::BTreeSet::new();
    for row in rows {
        if let FieldValue::Text(word) = column.value(*row as usize) {
            words.insert(word.to_owned());
        }
    }
    words.into_iter().collect()
}

fn fill_and_scale(values: &[f64]) -> (Option<f64>, Option<Scale>) {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_unstable_by(f64::total_cmp);
    let fill = yard_metrics::interval::quantile_sorted(&finite, 0.5).unwrap_or(0.0);
    let filled: Vec<f64> = values.iter().map(|v| if v.is_finite() { *v } else { fill }).collect();
    let mean = yard_metrics::sum::mean(&filled).unwrap_or(0.0);
    let squares: Vec<f64> = filled.iter().map(|value| (value - mean).powi(2)).collect();
    let sd = yard_metrics::sum::mean(&squares).unwrap_or(0.0).sqrt();
    let inverse_sd = if sd > 0.0 { 1.0 / sd } else { 0.0 };
    (Some(fill), Some(Scale { mean, inverse_sd }))
}

/// Describes the fitted recipe, one line per input field.
pub(crate) fn lines(recipe: &FittedRecipe) -> Vec<String> {
    let line = |(index, input): (usize, &FittedInput)| {
        let own: Vec<&Feature> =
            recipe.features.iter().filter(|feature| feature.input as usize == index).collect();
        let mut steps = Vec::new();
        let hot = own.iter().filter(|feature| matches!(feature.op, FeatureOp::OneHot { .. })).count();
        for feature in &own {
            steps.extend(step(feature, input.categories.len()));
        }
        if hot > 0 {
            steps.insert(0, format!("one-hot, {hot} features"));
        }
        if own.is_empty() {
            steps.push("no feature".to_owned());
        }
        format!("{}: {}", input.name, steps.join("; "))
    };
    recipe.inputs.iter().enumerate().map(line).collect()
}

fn step(feature: &Feature, categories: usize) -> Option<String> {
    let filled = |fill: Option<f64>, scale: Option<Scale>| {
        let fill = fill.map_or("missing kept".to_owned(), |fill| format!("missing → {fill}"));
        let scaled = if scale.is_some() { ", standardised" } else { "" };
        format!("{fill}{scaled}")
    };
    match &feature.op {
        FeatureOp::Number { fill, scale } => Some(format!("number, {}", filled(*fill, *scale))),
        FeatureOp::MissingFlag => Some("flag for missing".to_owned()),
        FeatureOp::Code => Some(format!("category code, {categories} known")),
        FeatureOp::OneHot { .. } => None,
        FeatureOp::Date { part, fill, scale } => Some(format!("{}, {}", part.word(), filled(*fill, *scale))),
    }
}
