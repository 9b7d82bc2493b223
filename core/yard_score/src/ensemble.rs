//! Joins models into one ensemble: one recipe with the features of all members side by side, and a
//! weighted sum of their calibrated margins. Of classes this is the weighted geometric mean of their
//! probabilities (logarithmic opinion pool), of numbers the weighted mean; contributions of fields stay
//! exact, as margins add up.
//! Papers: Genest and Zidek, 1986, "Combining probability distributions", doi:10.1214/ss/1177013825.

use crate::{
    error::ScoreError,
    model::{Calibration, EnsembleModel, Member, Model, ScorerParts},
};
use yard_types::{
    image::FittedImage,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, FittedText},
};

/// Joins models of the same task with weights. The result has no calibration of its own: those of the
/// members are in the sum.
///
/// Errors: no members, members of different task, classes or link, or an input field that two members
/// read differently (such as other categories).
pub fn join(members: &[(&ScorerParts, f64)]) -> Result<ScorerParts, ScoreError> {
    let Some((first, _)) = members.first() else {
        return Err(wrong("an ensemble has no members".to_owned(), "at least one"));
    };
    let mut recipe = FittedRecipe {
        encoding: Encoding::Dense,
        inputs: Vec::new(),
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features: Vec::new(),
    };
    let mut model = EnsembleModel { members: Vec::new(), bias: vec![0.0; first.model.outputs()] };
    for (parts, weight) in members {
        if (parts.task, &parts.classes, parts.link) != (first.task, &first.classes, first.link) {
            return Err(wrong("members answer different questions".to_owned(), "one task, classes and link"));
        }
        let start = add_features(&mut recipe, &parts.recipe)?;
        let slope = match parts.calibration {
            Calibration::None => 1.0,
            Calibration::Platt { slope, intercept } => {
                for bias in &mut model.bias {
                    *bias += weight * intercept;
                }
                slope
            }
        };
        model.members.push(Member {
            first: start as u32,
            n_features: parts.recipe.features.len() as u32,
            scale: weight * slope,
            model: parts.model.clone(),
        });
    }
    Ok(ScorerParts {
        recipe,
        model: Model::Ensemble(model),
        calibration: Calibration::None,
        ..(*first).clone()
    })
}

/// Returns the place of a vocabulary or an image step in the joined recipe.
type Place<'a> = dyn Fn(u32) -> u32 + 'a;

/// Adds the features of `own` unless they are there already; returns the index of the first.
fn add_features(recipe: &mut FittedRecipe, own: &FittedRecipe) -> Result<usize, ScoreError> {
    if !own.pieces.is_empty() {
        return Err(wrong("a member is a text encoder".to_owned(), "members of other families"));
    }
    if own.encoding == Encoding::Trees {
        recipe.encoding = Encoding::Trees;
    }
    let mut place = Vec::with_capacity(own.inputs.len());
    for input in &own.inputs {
        place.push(add_input(recipe, input)?);
    }
    // Vocabularies that are there already are found with their features.
    let placed = |input: u32| place.get(input as usize).copied().unwrap_or(u32::MAX);
    let same = |text: &FittedText, start: usize| {
        let moved =
            FittedText { input: placed(text.input), first: text.first + start as u32, ..text.clone() };
        recipe.texts.iter().position(|own| *own == moved)
    };
    let moved_image = |image: &FittedImage, start: usize| FittedImage {
        input: placed(image.input),
        first: image.first + start as u32,
        ..image.clone()
    };
    let same_image = |image: &FittedImage, start: usize| {
        let moved = moved_image(image, start);
        recipe.images.iter().position(|own| *own == moved)
    };
    let features_at = |start: usize, text_of: &Place<'_>, image_of: &Place<'_>| -> Vec<Feature> {
        debug_assert!(start <= recipe.features.len());
        let moved = |feature: &Feature| {
            let op = match &feature.op {
                FeatureOp::Term { text, term } => FeatureOp::Term { text: text_of(*text), term: *term },
                FeatureOp::Pixel { image, at } => FeatureOp::Pixel { image: image_of(*image), at: *at },
                other => other.clone(),
            };
            Feature { name: feature.name.clone(), input: placed(feature.input), op }
        };
        own.features.iter().map(moved).collect()
    };
    let width = own.features.len();
    for start in 0..=recipe.features.len().saturating_sub(width) {
        let found: Option<Vec<u32>> =
            own.texts.iter().map(|text| same(text, start).map(|at| at as u32)).collect();
        let images: Option<Vec<u32>> =
            own.images.iter().map(|image| same_image(image, start).map(|at| at as u32)).collect();
        let found = found.zip(images).filter(|_| start + width <= recipe.features.len());
        let Some((found, images)) = found else { continue };
        let text_of = |text: u32| found.get(text as usize).copied().unwrap_or(u32::MAX);
        let image_of = |image: u32| images.get(image as usize).copied().unwrap_or(u32::MAX);
        if recipe.features[start..start + width] == features_at(start, &text_of, &image_of)[..] {
            return Ok(start);
        }
    }
    let (start, before) = (recipe.features.len(), recipe.texts.len() as u32);
    let images_before = recipe.images.len() as u32;
    let features = features_at(start, &|text| text + before, &|image| image + images_before);
    let images: Vec<FittedImage> = own.images.iter().map(|image| moved_image(image, start)).collect();
    let texts = own.texts.iter().map(|text| FittedText {
        input: placed(text.input),
        first: text.first + start as u32,
        ..text.clone()
    });
    let texts: Vec<FittedText> = texts.collect();
    recipe.features.extend(features);
    recipe.texts.extend(texts);
    recipe.images.extend(images);
    Ok(start)
}

fn add_input(recipe: &mut FittedRecipe, input: &FittedInput) -> Result<u32, ScoreError> {
    match recipe.inputs.iter().position(|own| own.name == input.name) {
        Some(at) if recipe.inputs[at] == *input => Ok(at as u32),
        Some(_) => Err(wrong(
            format!("members read the field {} differently", crate::error::quoted(&input.name)),
            "the same type, rules and categories",
        )),
        None => {
            recipe.inputs.push(input.clone());
            Ok(recipe.inputs.len() as u32 - 1)
        }
    }
}

fn wrong(what: String, expected: &str) -> ScoreError {
    ScoreError::Inconsistent { what, expected: expected.to_owned() }
}

#[cfg(test)]
#[path = "ensemble_tests.rs"]
mod tests;
