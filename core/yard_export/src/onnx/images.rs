//! Images as pixels: the graph can't read files, so a field of images comes in decoded and brought to size,
//! `[N, channels × height × width]` by channel, row and column, values 0..=255, NaN where the image is
//! missing. Standardised in f64 and rounded to f32 once; a missing image is 0, the mean.

use super::graph::{Graph, Kind, Tensor, Value};
use yard_types::image::FittedImage;

/// Returns the name of the input of a step: the field's where it has but one size.
pub(super) fn name(field: &str, image: &FittedImage, only: bool) -> String {
    if only {
        return field.to_owned();
    }
    format!("{field} {}x{}x{}", image.channels, image.height, image.width)
}

/// Returns how the pixels are laid out, in a sentence.
pub(super) fn note(name: &str, image: &FittedImage) -> String {
    let colours = if image.channels == 1 { "grey" } else { "red, green and blue" };
    format!(
        "`{name}` takes pixels, f32 [N, {}]: {colours} by channel, row and column of an image of {} rows and {} \
         columns, 0 to 255, NaN in all of them where there is no image. Decoding is up to the caller; so is \
         resizing, by the mean over the area that each new pixel covers.",
        image.pixels(),
        image.height,
        image.width
    )
}

/// Computes the features of a step.
pub(super) fn features(graph: &mut Graph, image: &FittedImage, pixels: &Value) -> Value {
    let plane = (image.height as usize) * (image.width as usize);
    let of = |part: fn(&yard_types::recipe::Scale) -> f64| -> Vec<f64> {
        image.scale.iter().flat_map(|scale| std::iter::repeat_n(part(scale), plane)).collect()
    };
    let exact = graph.cast(pixels, Kind::Double);
    let most = graph.double("white", 255.0);
    let share = graph.node("Div", &[&exact, &most], &[]);
    let means = graph.row("mean", &Tensor::Double(of(|scale| scale.mean)));
    let factors = graph.row("inverse_sd", &Tensor::Double(of(|scale| scale.inverse_sd)));
    let centred = graph.node("Sub", &[&share, &means], &[]);
    let scaled = graph.node("Mul", &[&centred, &factors], &[]);
    let missing = graph.node("IsNaN", &[&exact], &[]);
    let zero = graph.double("zero", 0.0);
    let filled = graph.node("Where", &[&missing, &zero, &scaled], &[]);
    graph.cast(&filled, Kind::Float)
}

/// 1 where the image is missing.
pub(super) fn missing_flag(graph: &mut Graph, pixels: &Value) -> Value {
    let first = graph.slice(pixels, 1, (0, 1, 1));
    let missing = graph.node("IsNaN", &[&first], &[]);
    graph.cast(&missing, Kind::Float)
}
