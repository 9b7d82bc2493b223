//! Small changes of images while training: shift, rotation, size, and mirroring where it is asked for
//! (never by itself: a mirrored digit is another digit). The draws of a row in an epoch depend on seed,
//! epoch and row alone, so that it doesn't matter which thread makes them. Pixels are interpolated between
//! their four neighbours; beyond the edge the edge goes on.
//! Paper: Simard, Steinkraus and Platt, 2003, "Best practices for convolutional neural networks applied to
//! visual document analysis", doi:10.1109/ICDAR.2003.1227801.

use super::{params::CnnParams, plan::Tower};
use yard_types::rng;

const STREAM: u64 = 0x6175_676d_0000_0000;

/// Which changes are made, how large at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Augment {
    shift: f64,
    rotate: f64,
    zoom: f64,
    flip: bool,
    seed: u64,
}

/// A change: where the pixel at (row, column) of the new image comes from, both from the centre.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Change {
    /// `[row by row, row by column, column by row, column by column]`.
    turn: [f64; 4],
    shift: [f64; 2],
}

impl Augment {
    pub(super) fn new(params: &CnnParams, seed: u64) -> Self {
        let CnnParams { shift, rotate, zoom, flip, .. } = *params;
        Self { shift, rotate, zoom, flip, seed }
    }

    fn change(&self, tower: &Tower, epoch: u32, row: u32) -> Change {
        let stream = STREAM + u64::from(epoch);
        let draw = |at: u64| 2.0 * rng::uniform(self.seed, stream, u64::from(row) * 8 + at) - 1.0;
        let angle = (draw(0) * self.rotate).to_radians();
        let size = 1.0 / (1.0 + draw(1) * self.zoom);
        let (sine, cosine) = (angle.sin() * size, angle.cos() * size);
        let mirror = if self.flip && draw(4) < 0.0 { -1.0 } else { 1.0 };
        let shift = [draw(2) * self.shift * tower.height as f64, draw(3) * self.shift * tower.width as f64];
        Change { turn: [cosine, -sine * mirror, sine, cosine * mirror], shift }
    }

    /// Writes the changed image of a row, `[height, width, channels]`, from `[channels, height, width]`.
    pub(super) fn write(&self, tower: &Tower, x: &[f32], (epoch, row): (u32, u32), out: &mut Vec<f32>) {
        let change = self.change(tower, epoch, row);
        let (height, width) = (tower.height, tower.width);
        let centre = [(height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0];
        for at in 0..height * width {
            let (y, z) = ((at / width) as f64 - centre[0], (at % width) as f64 - centre[1]);
            let [a, b, c, d] = change.turn;
            let from_y = a * y + b * z + centre[0] + change.shift[0];
            let from_z = c * y + d * z + centre[1] + change.shift[1];
            let (y, z) = (between(from_y, height), between(from_z, width));
            for plane in x.chunks_exact(height * width) {
                let pixel = |row: usize, column: usize| plane[row * width + column];
                let upper = pixel(y.0, z.0) * (1.0 - z.2) + pixel(y.0, z.1) * z.2;
                let lower = pixel(y.1, z.0) * (1.0 - z.2) + pixel(y.1, z.1) * z.2;
                out.push(upper * (1.0 - y.2) + lower * y.2);
            }
        }
    }
}

/// Returns the neighbours of a position and the share of the second.
fn between(position: f64, size: usize) -> (usize, usize, f32) {
    let last = size - 1;
    let position = position.clamp(0.0, last as f64);
    let first = position.floor();
    ((first as usize).min(last), (first as usize + 1).min(last), (position - first) as f32)
}

/// Writes an image as it is, `[height, width, channels]` from `[channels, height, width]`.
pub(super) fn plain(tower: &Tower, x: &[f32], out: &mut Vec<f32>) {
    let plane = tower.height * tower.width;
    for at in 0..plane {
        out.extend(x.iter().skip(at).step_by(plane));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn augment(shift: f64, rotate: f64, zoom: f64, flip: bool) -> Augment {
        Augment { shift, rotate, zoom, flip, seed: 3 }
    }

    fn tower(height: usize, width: usize, channels: usize) -> Tower {
        Tower { first: 0, channels, height, width, stages: Vec::new(), flat: true }
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        let tower = tower(3, 2, 2);
        let x: Vec<f32> = (0..12).map(|at| at as f32).collect();
        let (mut same, mut changed) = (Vec::new(), Vec::new());
        plain(&tower, &x, &mut same);
        assert_eq!(same, [0.0, 6.0, 1.0, 7.0, 2.0, 8.0, 3.0, 9.0, 4.0, 10.0, 5.0, 11.0]);
        augment(0.0, 0.0, 0.0, false).write(&tower, &x, (1, 5), &mut changed);
        assert_eq!(changed, same);
    }

    #[test]
    fn draws_depend_on_epoch_and_row_and_mirrors_are_asked_for() {
        let tower = tower(4, 4, 1);
        let x: Vec<f32> = (0..16).map(|at| at as f32).collect();
        let made = |augment: Augment, epoch, row| {
            let mut out = Vec::new();
            augment.write(&tower, &x, (epoch, row), &mut out);
            out
        };
        let all = augment(0.1, 10.0, 0.1, false);
        assert_eq!(made(all, 1, 7), made(all, 1, 7));
        assert_ne!(made(all, 1, 7), made(all, 2, 7));
        assert_ne!(made(all, 1, 7), made(all, 1, 8));
        assert!(made(all, 1, 7).iter().all(|value| (0.0..=15.0).contains(value)));
        let flips = augment(0.0, 0.0, 0.0, true);
        let mirrored = [3.0, 2.0, 1.0, 0.0];
        let seen: Vec<bool> = (0..20).map(|row| made(flips, 1, row)[..4] == mirrored).collect();
        assert!(seen.contains(&true) && seen.contains(&false));
    }
}
