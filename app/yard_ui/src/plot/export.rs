//! What leaves a plot: its picture at twice the size, SVG, CSV. The plot is drawn once more on a
//! screen of its own, so that the picture is sharp and holds no menu, pointer or focus.
//!
//! The window saves what [`exports`] gives back; nothing is written to disk here.

use egui::{ColorImage, Context, Id, RawInput, Rect, Ui, Vec2, ViewportId, epaint::ClippedShape, pos2};

use super::{Plot, raster, svg};
use crate::{Theme, space::S16, theme};

/// A file that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Suggested file name with its ending ("roc-true-positive-rate.png").
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

fn queue() -> Id {
    Id::unique("yard_ui.plot.exports")
}

/// Takes the files that plots were asked to save since the last call: once a frame, by the window.
pub fn exports(ctx: &Context) -> Vec<Export> {
    ctx.data_mut(|data| data.remove_temp::<Vec<Export>>(queue())).unwrap_or_default()
}

pub(super) fn push(ctx: &Context, title: &str, ending: &str, bytes: Vec<u8>) {
    let export = Export { name: format!("{}.{ending}", slug(title)), bytes };
    ctx.data_mut(|data| data.get_temp_mut_or_default::<Vec<Export>>(queue()).push(export));
}

/// A title as a file name: letters, digits and hyphens, at most 60.
fn slug(title: &str) -> String {
    let mut name = String::new();
    for letter in title.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() >= 60 {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "plot".to_owned() } else { name.to_owned() }
}

/// A plot drawn on its own screen.
pub(super) struct Still {
    ctx: Context,
    size: Vec2,
    shapes: Vec<ClippedShape>,
    atlas: raster::Atlas,
    scale: f32,
}

impl Still {
    /// Draws `plot` in the theme of `ui`, in the size and zoom it has there, at `scale` pixels a point.
    pub(super) fn new(plot: &Plot<'_>, ui: &Ui, (size, id, scale): (Vec2, Id, f32)) -> Self {
        let ctx = Context::default();
        let theme = if ui.visuals().dark_mode { Theme::Dark } else { Theme::Light };
        theme::high_contrast(&ctx, theme::is_high_contrast(ui.ctx()));
        crate::apply(&ctx, theme);
        let whole = size + Vec2::splat(2.0 * S16);
        let mut input =
            RawInput { screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), whole)), ..RawInput::default() };
        input.viewports.entry(ViewportId::ROOT).or_default().native_pixels_per_point = Some(scale);
        let zoom = super::view::zoomed(ui.ctx(), id);
        let mut still = Self { ctx, size: whole, shapes: Vec::new(), atlas: raster::Atlas::default(), scale };
        // The first pass loads the fonts, the second draws with them.
        for _ in 0..2 {
            let place = Rect::from_min_size(pos2(S16, S16), size);
            let mut output = still.ctx.clone().run_ui(input.clone(), |ui| plot.still(ui, place, zoom));
            still.atlas.apply(&output.textures_delta);
            output.textures_delta.clear();
            still.shapes = std::mem::take(&mut output.shapes);
        }
        // The theme of this thread's tokens is that of the window again.
        theme::high_contrast(ui.ctx(), theme::is_high_contrast(ui.ctx()));
        still
    }

    /// The picture in pixels.
    pub(super) fn image(&self) -> ColorImage {
        let meshes = self.ctx.tessellate(self.shapes.clone(), self.scale);
        let size = [(self.size.x * self.scale).ceil() as usize, (self.size.y * self.scale).ceil() as usize];
        raster::paint(&meshes, &self.atlas, (size, self.scale))
    }

    /// The picture as vectors.
    pub(super) fn svg(&self, title: &str) -> String {
        svg::write(&self.ctx, &self.shapes, (self.size, title))
    }
}

/// An image as the bytes of a PNG file; nothing if it has no pixels.
pub(super) fn png(image: &ColorImage) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.size[0] as u32, image.size[1] as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    let pixels: Vec<u8> = image.pixels.iter().flat_map(|pixel| pixel.to_srgba_unmultiplied()).collect();
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(slug("ROC, true positive rate"), "roc-true-positive-rate");
        assert_eq!(slug("../..\\evil: name?"), "evil-name");
        assert_eq!(slug("–"), "plot");
        assert!(slug(&"a b".repeat(90)).len() <= 60);
    }
}
