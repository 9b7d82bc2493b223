//! Completes the recipe of image columns: size, colour and standardisation of the pixels, from images of
//! training rows alone, decoded by the scorer. Nets of convolutions get images as they are up to a longest
//! side; all other families small grey ones, whose pixels are features like any other.

use crate::TrainError;
use rayon::prelude::*;
use yard_score::image::{self, Pixels};
use yard_types::{
    image::{FittedImage, ImageSpec, MAX_PIXELS},
    recipe::{FittedRecipe, Scale},
    run::Family,
    schema::FieldType,
    table::{Column, Table},
};

/// Images that size and standardisation are computed from, evenly spread over the training rows.
const SAMPLE: usize = 2_000;

/// Adds the pixels of every image field to a recipe that was fitted on `rows`; returns notes.
pub(crate) fn complete(
    recipe: &mut FittedRecipe,
    (table, rows): (&Table, &[u32]),
    (family, spec): (Family, &ImageSpec),
) -> Result<Vec<String>, TrainError> {
    let mut notes = Vec::new();
    for input in 0..recipe.inputs.len() {
        if recipe.inputs[input].field_type != FieldType::Image {
            continue;
        }
        let name = recipe.inputs[input].name.clone();
        let cells = sample(table, &name, rows);
        let read = |cell: &&str| image::read(cell, table.files()).ok();
        let found: Vec<Pixels> = cells.par_iter().filter_map(read).collect();
        if found.is_empty() {
            let note = format!("\"{name}\": none of {} images can be read; it tells nothing", cells.len());
            notes.push(note);
            continue;
        }
        let net = family == Family::Cnn;
        let side = if net { spec.net_side } else { spec.flat_side };
        let channels = if net && found.par_iter().any(coloured) { 3 } else { 1 };
        let size = size(&found, side as usize, channels);
        recipe.add_image(FittedImage {
            input: input as u32,
            first: 0,
            channels: channels as u32,
            height: size.0 as u32,
            width: size.1 as u32,
            scale: scales(&found, channels, size),
        });
    }
    if recipe.features.iter().all(|feature| only_flag(recipe, feature.input)) {
        return Err(TrainError::Settings {
            what: notes.join("; "),
            advice: "give PNG or JPEG files that can be read, or other columns".to_owned(),
        });
    }
    Ok(notes)
}

/// Returns whether a field is an image without pixels.
fn only_flag(recipe: &FittedRecipe, input: u32) -> bool {
    let image = recipe.inputs.get(input as usize).is_some_and(|own| own.field_type == FieldType::Image);
    image && !recipe.images.iter().any(|own| own.input == input)
}

fn sample<'a>(table: &'a Table, name: &str, rows: &[u32]) -> Vec<&'a str> {
    let Some(Column::Text(text)) = table.column(name) else { return Vec::new() };
    let count = rows.len().min(SAMPLE);
    let row = |at: usize| rows.get(at * rows.len() / count.max(1)).and_then(|row| text.get(*row as usize));
    (0..count).filter_map(row).collect()
}

fn coloured(pixels: &Pixels) -> bool {
    pixels.channels == 3 && pixels.data.chunks_exact(3).any(|p| p[0] != p[1] || p[1] != p[2])
}

/// Returns the median height and width, made smaller by one factor until the longest side fits.
fn size(found: &[Pixels], side: usize, channels: usize) -> (usize, usize) {
    let median = |of: fn(&Pixels) -> usize| {
        let mut all: Vec<usize> = found.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(1)
    };
    let (height, width) = (median(|own| own.height), median(|own| own.width));
    let most = (MAX_PIXELS / channels).isqrt();
    let factor = side.min(most) as f64 / height.max(width) as f64;
    let smaller = |own: usize| if factor < 1.0 { (own as f64 * factor).round() as usize } else { own };
    (smaller(height).max(1), smaller(width).max(1))
}

/// Returns mean and deviation of the pixels of each channel, as fractions of the brightest.
fn scales(found: &[Pixels], channels: usize, size: (usize, usize)) -> Vec<Scale> {
    let plane = size.0 * size.1;
    // Two sums a channel of each image; images are added up in their order.
    let sums: Vec<Vec<(f64, f64)>> = found
        .par_iter()
        .map(|pixels| {
            let planes = image::planes(pixels, channels, size);
            let sums = planes.chunks_exact(plane).map(|plane| {
                plane.iter().map(|value| value / 255.0).fold((0.0, 0.0), |(a, b), v| (a + v, b + v * v))
            });
            sums.collect()
        })
        .collect();
    let n = (found.len() * plane) as f64;
    (0..channels)
        .map(|channel| {
            let (sum, squares) = sums.iter().fold((0.0, 0.0), |(a, b), own| {
                own.get(channel).map_or((a, b), |(sum, squares)| (a + sum, b + squares))
            });
            let mean = sum / n;
            let sd = (squares / n - mean * mean).max(0.0).sqrt();
            Scale { mean, inverse_sd: if sd > 1e-9 { 1.0 / sd } else { 0.0 } }
        })
        .collect()
}

/// Returns whether a table has images to learn from.
pub(crate) fn has_images(schema: &yard_types::schema::Schema) -> bool {
    schema.features().any(|field| field.field_type == FieldType::Image)
}
