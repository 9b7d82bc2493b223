//! The shape of a net, from the recipe: a tower of convolutions for each image, and the features of all
//! other columns. A stage is two convolutions and a pooling; there are as many as the size of the image
//! bears, each with twice the channels of the one before. Small ends keep their positions, large ones
//! are averaged.

use super::params::CnnParams;
use yard_types::recipe::FittedRecipe;

/// Side of the windows of convolutions.
pub(super) const KERNEL: usize = 3;
const MOST_STAGES: usize = 4;
const MOST_CHANNELS: usize = 128;
/// Sides from which on another stage follows.
const LEAST_SIDE: usize = 4;
/// Values of a last tensor up to which positions are kept.
const MOST_FLAT: usize = 1_024;

/// The convolutions over one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tower {
    /// First feature of the pixels.
    pub(super) first: usize,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Channels of each stage.
    pub(super) stages: Vec<usize>,
    /// Whether the last tensor is kept with its positions; else it is averaged.
    pub(super) flat: bool,
}

impl Tower {
    fn new(first: usize, [channels, height, width]: [usize; 3], start: usize) -> Self {
        let mut stages = Vec::new();
        let (mut end, mut own) = ([height, width], start);
        while stages.len() < MOST_STAGES && end[0].min(end[1]) >= LEAST_SIDE {
            stages.push(own.min(MOST_CHANNELS));
            end = end.map(|side| side / 2);
            own *= 2;
        }
        if stages.is_empty() {
            stages.push(own);
            // An image too small to be pooled: one stage of convolutions alone.
        }
        let mut tower = Self { first, channels, height, width, stages, flat: true };
        tower.flat = tower.end().iter().product::<usize>() <= MOST_FLAT;
        tower
    }

    /// Returns whether a stage ends with pooling.
    pub(super) fn pools(&self) -> bool {
        self.height.min(self.width) >= LEAST_SIDE
    }

    /// Returns channels, height and width after the last stage.
    fn end(&self) -> [usize; 3] {
        let halves = if self.pools() { self.stages.len() } else { 0 };
        [self.stages.last().copied().unwrap_or(0), self.height >> halves, self.width >> halves]
    }

    /// Returns the values that a row leaves the tower with.
    pub(super) fn outputs(&self) -> usize {
        let [channels, height, width] = self.end();
        if self.flat { channels * height * width } else { channels }
    }

    /// Returns the number of pixels' features.
    pub(super) fn pixels(&self) -> usize {
        self.channels * self.height * self.width
    }
}

/// Returns the channels of the first stage by the size of an image: large images cost more at each.
fn channels_of([_, height, width]: [usize; 3]) -> usize {
    match height.max(width) {
        0..=16 => 24,
        17..=40 => 16,
        _ => 12,
    }
}

/// The shape of a net.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) towers: Vec<Tower>,
    /// Features of the other columns come first: their number.
    pub(super) plain: usize,
    pub(super) hidden: usize,
    pub(super) outputs: usize,
}

impl Plan {
    /// Returns the shape for a recipe; `None` when it has no image, or features that are no pixels behind
    /// one.
    pub(super) fn new(recipe: &FittedRecipe, params: &CnnParams, outputs: usize) -> Option<Self> {
        let plain = recipe.images.first()?.first as usize;
        let mut towers = Vec::new();
        let mut next = plain;
        for image in &recipe.images {
            if image.first as usize != next {
                return None;
            }
            let shape = [image.channels, image.height, image.width].map(|side| side as usize);
            let start = if params.channels == 0 { channels_of(shape) } else { params.channels as usize };
            towers.push(Tower::new(next, shape, start));
            next += image.pixels();
        }
        (next == recipe.features.len()).then_some(Self {
            towers,
            plain,
            hidden: params.hidden as usize,
            outputs,
        })
    }

    /// Returns the values that meet before the hidden layer.
    pub(super) fn joined(&self) -> usize {
        self.plain + self.towers.iter().map(Tower::outputs).sum::<usize>()
    }

    /// Returns the features of a row.
    pub(super) fn features(&self) -> usize {
        self.plain + self.towers.iter().map(Tower::pixels).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_the_size() {
        let tower = |channels, height, width| Tower::new(0, [channels, height, width], 16);
        let digits = tower(1, 8, 8);
        assert_eq!((digits.stages.as_slice(), digits.outputs()), (&[16, 32][..], 32 * 2 * 2));
        let mnist = tower(1, 28, 28);
        assert_eq!((mnist.stages.as_slice(), mnist.outputs()), (&[16, 32, 64][..], 64 * 3 * 3));
        let photo = tower(3, 64, 48);
        assert_eq!((photo.stages.as_slice(), photo.outputs()), (&[16, 32, 64, 128][..], 128));
        assert!(!photo.flat);
        let dot = tower(3, 1, 2);
        assert_eq!((dot.stages.as_slice(), dot.outputs()), (&[16][..], 32));
    }
}
