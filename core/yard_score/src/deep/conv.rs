//! Convolutions and pooling of images `[planes, height, width]`. A convolution is the product of every
//! pixel's surroundings with the weights: each sum starts at the bias and goes by plane, row and column of
//! the window, pixels beyond the edge counting as 0. Batch normalisation is folded into the weights before
//! a net is stored. Papers: `LeCun` et al., 1998, "Gradient-based learning applied to document recognition",
//! doi:10.1109/5.726791; Lin, Chen and Yan, 2014, "Network in network", arXiv:1312.4400 (means of planes).

use super::{
    Pointwise,
    dense::{Panels, Tiles, product},
};
use crate::forward::simd::Level;

/// A convolution with its weights packed.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    pub(super) panels: Panels,
    pub(super) kernel: usize,
    /// Planes, height and width of the images that go in.
    pub(super) shape: [usize; 3],
    pub(super) activation: Pointwise,
}

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(super) struct ConvWork {
    /// `[height × width, planes × kernel × kernel]`.
    windows: Vec<f32>,
    /// `[height × width, outputs]`.
    sums: Vec<f32>,
    tiles: Tiles,
}

impl Conv {
    /// Computes `[outputs, height, width]` of each image.
    pub(super) fn run(&self, level: Level, x: &[f32], work: &mut ConvWork, out: &mut Vec<f32>) {
        let [planes, height, width] = self.shape;
        let (pixels, inputs, outputs) =
            (height * width, planes * self.kernel * self.kernel, self.panels.outputs());
        let ConvWork { windows, sums, tiles } = work;
        for image in x.chunks_exact(planes * pixels) {
            self.windows(image, windows);
            tiles.pack(windows, (pixels, inputs, inputs));
            sums.clear();
            sums.resize(pixels * outputs, 0.0);
            product(level, (tiles, &self.panels), (sums, outputs), self.activation);
            for output in 0..outputs {
                out.extend(sums.iter().skip(output).step_by(outputs));
            }
        }
    }

    /// Writes the surroundings of every pixel.
    fn windows(&self, image: &[f32], windows: &mut Vec<f32>) {
        let [planes, height, width] = self.shape;
        let (kernel, reach) = (self.kernel, self.kernel / 2);
        windows.clear();
        windows.resize(height * width * planes * kernel * kernel, 0.0);
        for (at, window) in windows.chunks_exact_mut(planes * kernel * kernel).enumerate() {
            let (row, column) = (at / width, at % width);
            let first = column.saturating_sub(reach);
            let count = (column + reach + 1).min(width) - first;
            let skip = first + reach - column;
            for (line, slots) in window.chunks_exact_mut(kernel).enumerate() {
                let (plane, from) = (line / kernel, (row + line % kernel).wrapping_sub(reach));
                if from < height {
                    let start = (plane * height + from) * width + first;
                    slots[skip..skip + count].copy_from_slice(&image[start..start + count]);
                }
            }
        }
    }
}

/// Takes the largest value of each `size` × `size` square; lines and columns that fill no square are left
/// out. NaN is kept.
pub(super) fn max_pool(x: &[f32], [height, width]: [usize; 2], size: usize, out: &mut Vec<f32>) {
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    for plane in x.chunks_exact(height * width) {
        for row in 0..height / size {
            for column in 0..width / size {
                let mut most = plane[row * size * width + column * size];
                for line in plane.chunks_exact(width).skip(row * size).take(size) {
                    most = line[column * size..(column + 1) * size].iter().copied().fold(most, larger);
                }
                out.push(most);
            }
        }
    }
}

/// Takes the mean of each plane, summed in order in f64.
pub(super) fn plane_means(x: &[f32], pixels: usize, out: &mut Vec<f32>) {
    for plane in x.chunks_exact(pixels) {
        let sum: f64 = plane.iter().map(|value| f64::from(*value)).sum();
        out.push((sum / pixels as f64) as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(at: usize) -> f32 {
        ((at * 37 % 101) as f32 - 50.0) * 0.013
    }

    /// Every sum as the module's description says it.
    fn expected(shape: [usize; 3], kernel: usize, (weights, bias): (&[f32], &[f32]), x: &[f32]) -> Vec<f32> {
        let [planes, height, width] = shape;
        let mut out = Vec::new();
        for (output, bias) in bias.iter().enumerate() {
            for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let mut sum = *bias;
                for at in 0..planes * kernel * kernel {
                    let (plane, place) = (at / (kernel * kernel), at % (kernel * kernel));
                    let y = (row + place / kernel).wrapping_sub(kernel / 2);
                    let x_at = (column + place % kernel).wrapping_sub(kernel / 2);
                    let inside = y < height && x_at < width;
                    let pixel = if inside { x[(plane * height + y) * width + x_at] } else { 0.0 };
                    sum += pixel * weights[output * planes * kernel * kernel + at];
                }
                out.push(if sum < 0.0 { 0.0 } else { sum });
            }
        }
        out
    }

    #[test]
    fn convolutions_are_the_sums_they_say() {
        for (shape, kernel, outputs) in
            [([1, 1, 1], 3, 1), ([2, 4, 3], 3, 17), ([3, 5, 7], 5, 2), ([1, 2, 2], 1, 3)]
        {
            let inputs = shape[0] * kernel * kernel;
            let weights: Vec<f32> = (0..inputs * outputs).map(value).collect();
            let bias: Vec<f32> = (0..outputs).map(|at| value(at + 7)).collect();
            let one = shape.iter().product::<usize>();
            let x: Vec<f32> = (0..3 * one).map(|at| value(at + 3)).collect();
            let panels = Panels::of_layer(inputs, &weights, &bias);
            let conv = Conv { panels, kernel, shape, activation: Pointwise::Relu };
            for level in Level::all() {
                let mut out = Vec::new();
                conv.run(level, &x, &mut ConvWork::default(), &mut out);
                let all: Vec<f32> = x
                    .chunks(one)
                    .flat_map(|image| expected(shape, kernel, (&weights, &bias), image))
                    .collect();
                assert_eq!(out, all, "{shape:?} {kernel} {level:?}");
            }
        }
    }

    #[test]
    fn pools() {
        let x = [1.0, 5.0, 9.0, 2.0, 3.0, 9.0, 7.0, 7.0, 7.0];
        let mut out = Vec::new();
        max_pool(&x, [3, 3], 2, &mut out);
        assert_eq!(out, [5.0]);
        out.clear();
        max_pool(&[1.0, f32::NAN, 3.0, 4.0], [2, 2], 2, &mut out);
        assert!(out[0].is_nan() || out[0] == 4.0);
        out.clear();
        plane_means(&x, 3, &mut out);
        assert_eq!(out, [5.0, 14.0 / 3.0, 7.0]);
    }
}
