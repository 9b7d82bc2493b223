//! An image brought to a size: grey by the weights of ITU-R BT.601, then the mean over the area that each
//! new pixel covers (rows first, then columns; f64, in order of the pixels). An image that has the size
//! already is taken as it is.

use super::Pixels;

/// Share of source pixels in one new pixel: first source pixel and weights that add up to 1.
struct Cover {
    first: usize,
    weights: Vec<f64>,
}

/// Returns the planes `[channels, height, width]` of an image, values 0..=255.
pub(super) fn planes(pixels: &Pixels, channels: usize, (height, width): (usize, usize)) -> Vec<f64> {
    let source = with_channels(pixels, channels);
    let mut out = vec![0.0; channels * height * width];
    if (pixels.height, pixels.width) == (height, width) {
        for (at, value) in out.iter_mut().enumerate() {
            let (channel, place) = (at / (height * width), at % (height * width));
            *value = f64::from(source[place * channels + channel]);
        }
        return out;
    }
    let columns = covers(pixels.width, width);
    let rows = covers(pixels.height, height);
    let mut lines = vec![0.0; pixels.height * width];
    for channel in 0..channels {
        for (line, own) in lines.chunks_exact_mut(width).enumerate() {
            for (slot, cover) in own.iter_mut().zip(&columns) {
                let value = |at: usize| source[(line * pixels.width + cover.first + at) * channels + channel];
                *slot = weighted(cover, |at| f64::from(value(at)));
            }
        }
        let plane = &mut out[channel * height * width..(channel + 1) * height * width];
        for (own, cover) in plane.chunks_exact_mut(width).zip(&rows) {
            for (column, slot) in own.iter_mut().enumerate() {
                *slot = weighted(cover, |at| lines[(cover.first + at) * width + column]);
            }
        }
    }
    out
}

fn weighted(cover: &Cover, value: impl Fn(usize) -> f64) -> f64 {
    cover.weights.iter().enumerate().map(|(at, weight)| weight * value(at)).sum()
}

fn covers(from: usize, to: usize) -> Vec<Cover> {
    (0..to)
        .map(|at| {
            // In units of 1/to of a source pixel, so that bounds are whole numbers.
            let (low, high) = (at * from, (at + 1) * from);
            let (first, last) = (low / to, high.div_ceil(to));
            let share = |pixel: usize| {
                let covered = high.min((pixel + 1) * to) - low.max(pixel * to);
                covered as f64 / from as f64
            };
            Cover { first, weights: (first..last).map(share).collect() }
        })
        .collect()
}

/// Returns `[pixels, channels]`.
fn with_channels(pixels: &Pixels, channels: usize) -> std::borrow::Cow<'_, [u8]> {
    if pixels.channels == channels {
        return pixels.data.as_slice().into();
    }
    if channels == 1 {
        let grey = |pixel: &[u8]| {
            let [red, green, blue] = [0, 1, 2].map(|at| u32::from(pixel[at]));
            ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
        };
        return pixels.data.chunks_exact(3).map(grey).collect::<Vec<u8>>().into();
    }
    pixels.data.iter().flat_map(|grey| [*grey; 3]).collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_averaged() {
        let pixels = |width: usize, height: usize, data: &[u8]| Pixels {
            width,
            height,
            channels: data.len() / (width * height),
            data: data.to_vec(),
        };
        let four = pixels(2, 2, &[0, 100, 200, 40]);
        assert_eq!(planes(&four, 1, (2, 2)), [0.0, 100.0, 200.0, 40.0]);
        assert_eq!(planes(&four, 1, (1, 1)), [85.0]);
        assert_eq!(planes(&four, 1, (2, 1)), [50.0, 120.0]);
        assert_eq!(planes(&pixels(1, 1, &[7]), 1, (2, 3)), [7.0; 6]);
        // Three columns onto two: each new one covers one and a half.
        let got = planes(&pixels(3, 1, &[0, 90, 30]), 1, (1, 2));
        assert!((got[0] - 30.0).abs() < 1e-12 && (got[1] - 50.0).abs() < 1e-12, "{got:?}");
        let coloured = pixels(1, 2, &[255, 0, 0, 10, 20, 30]);
        assert_eq!(planes(&coloured, 3, (2, 1)), [255.0, 10.0, 0.0, 20.0, 0.0, 30.0]);
        assert_eq!(planes(&coloured, 1, (2, 1)), [76.0, 18.0]);
        assert_eq!(planes(&four, 3, (1, 1)), [85.0; 3]);
    }
}
