//! The image steps of a checked recipe: from a cell to the features of its pixels. An image is decoded
//! once for all steps of its field. One that is missing or broken has features 0, the mean; whether a broken one is an error is up to the caller.

use super::{ImageError, Pixels, read, resize};
use crate::{error::ScoreError, value::Input};
use yard_types::{
    files::Files,
    recipe::{FeatureOp, FittedRecipe, Scale},
    schema::FieldType,
    table::FieldValue,
};

/// A checked image step.
#[derive(Clone, Debug)]
pub(crate) struct ImageStep {
    pub(crate) input: usize,
    first: usize,
    channels: usize,
    size: (usize, usize),
    scale: Vec<Scale>,
}

impl ImageStep {
    fn new(recipe: &FittedRecipe, index: usize) -> Result<Self, ScoreError> {
        let image = &recipe.images[index];
        let wrong = |problem: String| ScoreError::Recipe { what: format!("image {index}"), problem };
        if let Some(problem) = image.problem() {
            return Err(wrong(problem));
        }
        let Some(input) = recipe.inputs.get(image.input as usize) else {
            return Err(wrong(format!("input {} does not exist", image.input)));
        };
        if input.field_type != FieldType::Image {
            return Err(wrong(format!("it does not fit a {} field", input.field_type.word())));
        }
        let first = image.first as usize;
        let own = recipe.features.iter().skip(first).take(image.pixels());
        let listed = |(at, feature): (usize, &yard_types::recipe::Feature)| {
            feature.op == FeatureOp::Pixel { image: index as u32, at: at as u32 }
                && feature.input == image.input
        };
        if own.len() != image.pixels() || !own.enumerate().all(listed) {
            return Err(wrong("its features are not those of its pixels".to_owned()));
        }
        Ok(Self {
            input: image.input as usize,
            first,
            channels: image.channels as usize,
            size: (image.height as usize, image.width as usize),
            scale: image.scale.clone(),
        })
    }

    fn len(&self) -> usize {
        self.channels * self.size.0 * self.size.1
    }

    /// Writes the features of an image, or those of none, into a row.
    fn write(&self, pixels: Option<&Pixels>, row: &mut [f32]) {
        let slots = &mut row[self.first..self.first + self.len()];
        let Some(pixels) = pixels else {
            slots.fill(0.0);
            return;
        };
        let planes = resize::planes(pixels, self.channels, self.size);
        let plane = self.size.0 * self.size.1;
        for (at, (slot, value)) in slots.iter_mut().zip(&planes).enumerate() {
            let scale = self.scale[at / plane];
            *slot = ((value / 255.0 - scale.mean) * scale.inverse_sd) as f32;
        }
    }
}

/// Checks the image steps of a recipe, and that every pixel feature belongs to one.
pub(crate) fn steps(recipe: &FittedRecipe) -> Result<Vec<ImageStep>, ScoreError> {
    let mut all = Vec::with_capacity(recipe.images.len());
    for index in 0..recipe.images.len() {
        all.push(ImageStep::new(recipe, index)?);
    }
    let own: usize = all.iter().map(ImageStep::len).sum();
    let listed = |feature: &&yard_types::recipe::Feature| matches!(feature.op, FeatureOp::Pixel { .. });
    let listed = recipe.features.iter().filter(listed).count();
    if listed == own {
        return Ok(all);
    }
    let problem = format!("{listed} features are pixels; the image steps have {own}");
    Err(ScoreError::Recipe { what: "pixels".to_owned(), problem })
}

/// Writes the pixels of one field's value into a row by all its steps; `None` when the image is missing.
pub(crate) fn write<'a>(
    steps: impl Iterator<Item = &'a ImageStep>,
    (input, value): (&Input, FieldValue<'_>),
    files: Option<&Files>,
    row: &mut [f32],
) -> Result<Option<()>, ImageError> {
    let read = match (input.text(value), value) {
        (None, _) => Ok(None),
        (Some(cell), FieldValue::Text(_)) => read(&cell, files).map(Some),
        _ => Err(ImageError::NotAUri),
    };
    let pixels = read.as_ref().ok().and_then(Option::as_ref);
    for step in steps {
        step.write(pixels, row);
    }
    read.map(|pixels| pixels.map(|_| ()))
}
