//! Triangles to pixels, in software: for pictures of a plot, which must not depend on a graphics card.
//!
//! Colours are premultiplied and blended as egui's own renderers do it. A pixel belongs to a triangle if
//! its centre lies inside, on a top or on a left edge (J. Pineda, A Parallel Algorithm for Polygon
//! Rasterization, 1988, doi:10.1145/54852.378457).

use egui::{
    Color32, ColorImage, Rect, TexturesDelta,
    epaint::{ClippedPrimitive, ImageData, Primitive, Vertex},
};

/// The texture of the glyphs.
#[derive(Clone, Debug, Default)]
pub(super) struct Atlas {
    size: [usize; 2],
    pixels: Vec<Color32>,
}

impl Atlas {
    /// Takes over what has changed in the texture.
    pub(super) fn apply(&mut self, delta: &TexturesDelta) {
        for change in delta.set.values().flatten() {
            let ImageData::Color(image) = &change.image;
            match change.pos {
                None => *self = Self { size: image.size, pixels: image.pixels.clone() },
                Some([left, top]) => self.patch(image, (left, top)),
            }
        }
    }

    fn patch(&mut self, image: &ColorImage, (left, top): (usize, usize)) {
        let width = image.size[0];
        for (row, line) in image.pixels.chunks(width.max(1)).enumerate() {
            let start = (top + row) * self.size[0] + left;
            if left + width <= self.size[0]
                && let Some(target) = self.pixels.get_mut(start..start + width)
            {
                target.copy_from_slice(line);
            }
        }
    }

    fn pixel(&self, x: i64, y: i64) -> [f32; 4] {
        let (width, height) = (self.size[0] as i64, self.size[1] as i64);
        let at = y.clamp(0, (height - 1).max(0)) * width + x.clamp(0, (width - 1).max(0));
        self.pixels.get(at as usize).map_or([255.0; 4], |colour| colour.to_array().map(f32::from))
    }

    /// Linear between the four nearest.
    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        let (x, y) = (u * self.size[0] as f32 - 0.5, v * self.size[1] as f32 - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (a, b) = (x - left, y - top);
        let (left, top) = (left as i64, top as i64);
        let corners = [
            (self.pixel(left, top), (1.0 - a) * (1.0 - b)),
            (self.pixel(left + 1, top), a * (1.0 - b)),
            (self.pixel(left, top + 1), (1.0 - a) * b),
            (self.pixel(left + 1, top + 1), a * b),
        ];
        let mut sum = [0.0; 4];
        for (colour, weight) in corners {
            for (channel, value) in sum.iter_mut().zip(colour) {
                *channel += value * weight;
            }
        }
        sum
    }
}

/// Paints meshes onto a transparent image of `size` pixels at `scale` pixels a point.
pub(super) fn paint(
    primitives: &[ClippedPrimitive],
    atlas: &Atlas,
    (size, scale): ([usize; 2], f32),
) -> ColorImage {
    let mut canvas = Canvas { size, pixels: vec![[0.0; 4]; size[0] * size[1]], scale };
    for primitive in primitives {
        let Primitive::Mesh(mesh) = &primitive.primitive else {
            continue;
        };
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |at: usize| mesh.vertices.get(corners[at] as usize);
            if let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2)) {
                canvas.triangle([a, b, c], primitive.clip_rect, atlas);
            }
        }
    }
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let pixels = canvas
        .pixels
        .iter()
        .map(|[r, g, b, a]| Color32::from_rgba_premultiplied(byte(*r), byte(*g), byte(*b), byte(*a)))
        .collect();
    ColorImage::new(size, pixels)
}

struct Canvas {
    size: [usize; 2],
    pixels: Vec<[f32; 4]>,
    scale: f32,
}

impl Canvas {
    fn triangle(&mut self, mut corners: [&Vertex; 3], clip: Rect, atlas: &Atlas) {
        let at = |vertex: &Vertex| (vertex.pos.x * self.scale, vertex.pos.y * self.scale);
        let area = edge(at(corners[0]), at(corners[1]), at(corners[2]));
        if area == 0.0 || !area.is_finite() {
            return;
        }
        if area < 0.0 {
            corners.swap(1, 2);
        }
        let (a, b, c) = (at(corners[0]), at(corners[1]), at(corners[2]));
        let area = area.abs();
        let range = |low: f32, high: f32, (from, to): (f32, f32), size: usize| {
            let (from, to) = ((from * self.scale).round(), (to * self.scale).round());
            let low = low.floor().max(from).max(0.0) as usize;
            (low, (high.ceil().min(to).max(0.0) as usize).min(size))
        };
        let min = |one: f32, other: f32, third: f32| one.min(other).min(third);
        let max = |one: f32, other: f32, third: f32| one.max(other).max(third);
        let (left, right) =
            range(min(a.0, b.0, c.0), max(a.0, b.0, c.0), (clip.left(), clip.right()), self.size[0]);
        let (top, bottom) =
            range(min(a.1, b.1, c.1), max(a.1, b.1, c.1), (clip.top(), clip.bottom()), self.size[1]);
        for y in top..bottom {
            for x in left..right {
                let point = (x as f32 + 0.5, y as f32 + 0.5);
                let weights = [edge(b, c, point), edge(c, a, point), edge(a, b, point)];
                let inside = inside(weights[0], b, c) && inside(weights[1], c, a) && inside(weights[2], a, b);
                if inside {
                    self.blend((x, y), shade(corners, weights.map(|weight| weight / area), atlas));
                }
            }
        }
    }

    /// Lays a premultiplied colour over the pixel.
    fn blend(&mut self, (x, y): (usize, usize), colour: [f32; 4]) {
        if let Some(pixel) = self.pixels.get_mut(y * self.size[0] + x) {
            let left = 1.0 - colour[3] / 255.0;
            for (under, over) in pixel.iter_mut().zip(colour) {
                *under = *under * left + over;
            }
        }
    }
}

/// Twice the area of the triangle, positive if `c` lies to the right of the way from `a` to `b` (y down).
fn edge(a: (f32, f32), b: (f32, f32), c: (f32, f32)) -> f32 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

/// Inside, or on an edge that belongs to this triangle and not to its neighbour.
fn inside(weight: f32, from: (f32, f32), to: (f32, f32)) -> bool {
    let owns = (to.1 - from.1) < 0.0 || (to.1 == from.1 && to.0 > from.0);
    weight > 0.0 || (weight == 0.0 && owns)
}

fn shade(corners: [&Vertex; 3], weights: [f32; 3], atlas: &Atlas) -> [f32; 4] {
    let mut colour = [0.0; 4];
    let (mut u, mut v) = (0.0, 0.0);
    for (corner, weight) in corners.iter().zip(weights) {
        for (channel, value) in colour.iter_mut().zip(corner.color.to_array()) {
            *channel += f32::from(value) * weight;
        }
        u += corner.uv.x * weight;
        v += corner.uv.y * weight;
    }
    let texture = atlas.sample(u, v);
    for (channel, value) in colour.iter_mut().zip(texture) {
        *channel *= value / 255.0;
    }
    colour
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Mesh, TextureId, pos2};

    #[test]
    fn triangles_that_share_an_edge_paint_each_pixel_once() {
        let mut mesh = Mesh::with_texture(TextureId::default());
        let half = Color32::from_rgba_premultiplied(100, 0, 0, 128);
        mesh.add_colored_rect(Rect::from_min_max(pos2(1.0, 1.0), pos2(5.0, 4.0)), half);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(9.0, 9.0));
        let primitive = ClippedPrimitive { clip_rect: whole, primitive: Primitive::Mesh(mesh) };
        let image = paint(&[primitive], &Atlas::default(), ([12, 12], 2.0));
        let painted = image.pixels.iter().filter(|pixel| **pixel == half).count();
        assert_eq!(painted, 8 * 6, "no seam, no double pixel");
        assert_eq!(image.pixels.iter().filter(|pixel| **pixel != Color32::TRANSPARENT).count(), painted);
    }
}
