//! Convolution windows as a tensor operation with a gradient, so that convolutions become products of
//! matrices. Images are `[rows, height, width, channels]`; the windows of every pixel are
//! `[rows × height × width, kernel × kernel × channels]`, pixels beyond the edge being 0. Images are
//! spread over threads; each is computed alone, so that results don't depend on how.
//! Method: Chellapilla, Puri and Simard, 2006, "High performance convolutional neural networks for
//! document processing", inria-00112631.

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Geometry of the windows.
#[derive(Clone, Copy, Debug)]
struct Geometry {
    height: usize,
    width: usize,
    channels: usize,
    kernel: usize,
}

impl Geometry {
    fn image(self) -> usize {
        self.height * self.width * self.channels
    }

    fn windows(self) -> usize {
        self.image() * self.kernel * self.kernel
    }

    /// Calls `take` with (place in the windows, place in the image, length) of every run of values that
    /// lies within the image.
    fn runs(self, mut take: impl FnMut(usize, usize, usize)) {
        let (reach, line) = (self.kernel / 2, self.kernel * self.channels);
        for row in 0..self.height {
            for column in 0..self.width {
                let window = (row * self.width + column) * self.kernel * line;
                let first = column.saturating_sub(reach);
                let count = (column + reach + 1).min(self.width) - first;
                let skip = first + reach - column;
                for at in 0..self.kernel {
                    let from = (row + at).wrapping_sub(reach);
                    if from < self.height {
                        let place = window + at * line + skip * self.channels;
                        let image = (from * self.width + first) * self.channels;
                        take(place, image, count * self.channels);
                    }
                }
            }
        }
    }
}

struct Windows(Geometry);
struct Images(Geometry);

/// Returns the windows of images `[rows, height, width, channels]`.
pub(super) fn windows(x: &Tensor, kernel: usize) -> Result<Tensor> {
    let (_, height, width, channels) = x.dims4()?;
    x.contiguous()?.apply_op1(Windows(Geometry { height, width, channels, kernel }))
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    let (from, to) = layout.contiguous_offsets().ok_or_else(|| Error::msg("images are not contiguous"))?;
    all.get(from..to).ok_or_else(|| Error::msg("images are cut off"))
}

impl CustomOp1 for Windows {
    fn name(&self) -> &'static str {
        "windows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let geometry = self.0;
        let x = values(storage, layout)?;
        let rows = x.len() / geometry.image().max(1);
        let mut out = vec![0.0_f32; rows * geometry.windows()];
        let images = x.par_chunks_exact(geometry.image().max(1));
        out.par_chunks_exact_mut(geometry.windows().max(1)).zip(images).for_each(|(out, image)| {
            geometry.runs(|place, from, len| {
                out[place..place + len].copy_from_slice(&image[from..from + len]);
            });
        });
        let shape =
            (rows * geometry.height * geometry.width, geometry.kernel * geometry.kernel * geometry.channels);
        Ok((CpuStorage::F32(out), shape.into()))
    }

    fn bwd(&self, _arg: &Tensor, _res: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op1_no_bwd(&Images(self.0)).map(Some)
    }
}

impl CustomOp1 for Images {
    fn name(&self) -> &'static str {
        "images"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let geometry = self.0;
        let windows = values(storage, layout)?;
        let rows = windows.len() / geometry.windows().max(1);
        let mut out = vec![0.0_f32; rows * geometry.image()];
        let own = windows.par_chunks_exact(geometry.windows().max(1));
        out.par_chunks_exact_mut(geometry.image().max(1)).zip(own).for_each(|(image, windows)| {
            geometry.runs(|place, to, len| {
                for (slot, value) in image[to..to + len].iter_mut().zip(&windows[place..place + len]) {
                    *slot += value;
                }
            });
        });
        Ok((CpuStorage::F32(out), (rows, geometry.height, geometry.width, geometry.channels).into()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::{Device, Var};

    /// A convolution by windows and its gradient are those of candle's own.
    #[test]
    fn windows_times_weights_is_a_convolution() {
        let draw = |count: usize, stream: u64| -> Vec<f32> {
            (0..count).map(|at| yard_types::rng::uniform(1, stream, at as u64) as f32 - 0.5).collect()
        };
        for (rows, height, width, channels, outputs, kernel) in [(2, 5, 4, 3, 6, 3), (3, 1, 2, 1, 2, 5)] {
            let cpu = Device::Cpu;
            let x = Tensor::from_vec(
                draw(rows * height * width * channels, 1),
                (rows, height, width, channels),
                &cpu,
            );
            let x = Var::from_tensor(&x.unwrap()).unwrap();
            let w = Tensor::from_vec(
                draw(outputs * channels * kernel * kernel, 2),
                (outputs, channels, kernel, kernel),
                &cpu,
            );
            let w = w.unwrap();
            let own = windows(x.as_tensor(), kernel).unwrap();
            let flat = w.permute((2, 3, 1, 0)).unwrap().contiguous().unwrap();
            let flat = flat.reshape((kernel * kernel * channels, outputs)).unwrap();
            let own = own.matmul(&flat).unwrap();
            let theirs = x.as_tensor().permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
            let theirs = theirs.conv2d(&w, kernel / 2, 1, 1, 1).unwrap();
            let theirs = theirs.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap();
            let theirs = theirs.reshape(own.shape()).unwrap();
            let slope = Tensor::from_vec(draw(own.elem_count(), 3), own.shape(), &cpu).unwrap();
            let close = |a: &Tensor, b: &Tensor| {
                let gap = (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                assert!(gap.to_scalar::<f32>().unwrap() < 1e-5, "{gap}");
            };
            close(&own, &theirs);
            let gradient = |y: &Tensor| {
                let grads = (y * &slope).unwrap().sum_all().unwrap().backward().unwrap();
                grads.get(x.as_tensor()).unwrap().clone()
            };
            close(&gradient(&own), &gradient(&theirs));
        }
    }
}
