//! The image step of a recipe: what the user asks for ([`ImageSpec`]) and what was fitted
//! ([`FittedImage`]). Every pixel is a feature, so that any family can learn from images; nets of
//! convolutions take the same features as planes `[channels, height, width]`. Decoding and resizing are
//! done by `yard_score`; this module knows no image format.

use crate::recipe::{Feature, FeatureOp, FittedRecipe, Scale};
use serde::{Deserialize, Serialize};

/// Most pixels (channels × height × width) of a recipe's image step.
pub const MAX_PIXELS: usize = 1 << 18;

/// How images become features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageSpec {
    /// Longest side for nets of convolutions; smaller images keep their size.
    pub net_side: u32,
    /// Longest side for all other families, which see grey pixels.
    pub flat_side: u32,
}

impl Default for ImageSpec {
    fn default() -> Self {
        Self { net_side: 64, flat_side: 16 }
    }
}

/// An image step: decoded, brought to `height` × `width` by averaging over areas, as fractions 0..=1, then
/// standardised by channel. A missing image has all features 0, the mean; a flag tells it apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedImage {
    /// Index into [`FittedRecipe::inputs`].
    pub input: u32,
    /// Index of the feature of the first pixel; the others follow by channel, row, column.
    pub first: u32,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Columns of pixels.
    pub width: u32,
    /// Standardisation of each channel.
    pub scale: Vec<Scale>,
}

impl FittedImage {
    /// Returns the number of features.
    pub fn pixels(&self) -> usize {
        (self.channels as usize).saturating_mul(self.height as usize).saturating_mul(self.width as usize)
    }

    /// Returns what is wrong with the step, if anything.
    pub fn problem(&self) -> Option<String> {
        if !matches!(self.channels, 1 | 3) || self.height == 0 || self.width == 0 {
            return Some(format!("an image of {} × {} × {}", self.channels, self.height, self.width));
        }
        if self.pixels() > MAX_PIXELS {
            return Some(format!("{} pixels; at most {MAX_PIXELS} can be used", self.pixels()));
        }
        let fits = self.scale.len() == self.channels as usize
            && self.scale.iter().all(|scale| scale.mean.is_finite() && scale.inverse_sd.is_finite());
        (!fits).then(|| "an image's standardisation does not fit its channels".to_owned())
    }

    fn feature(&self, image: usize, at: usize, field: &str) -> Feature {
        let (height, width) = (self.height as usize, self.width as usize);
        let (row, column) = (at / width % height, at % width);
        let channel = match (self.channels, at / (width * height)) {
            (1, _) => "",
            (_, 0) => " red",
            (_, 1) => " green",
            _ => " blue",
        };
        Feature {
            name: format!("{field}: pixel {row},{column}{channel}"),
            input: self.input,
            op: FeatureOp::Pixel { image: image as u32, at: at as u32 },
        }
    }
}

impl FittedRecipe {
    /// Adds an image step with one feature per pixel; `image.first` is set. A step with a problem is left
    /// out: its features could be without limit.
    pub fn add_image(&mut self, mut image: FittedImage) {
        if image.problem().is_some() {
            return;
        }
        image.first = self.features.len() as u32;
        let field = self.inputs.get(image.input as usize).map_or("", |input| input.name.as_str());
        let index = self.images.len();
        self.features.extend((0..image.pixels()).map(|at| image.feature(index, at, field)));
        self.images.push(image);
    }
}
