//! Shapes as SVG 1.1 (W3C Recommendation, 2011): lines, rectangles, circles, curves, text, triangles.
//!
//! Text stays text, in the faces of the program; what has no element of its own becomes triangles.

use std::fmt::Write as _;

use egui::{
    Color32, Context, FontFamily, Mesh, Pos2, Rect, Shape, Stroke, Vec2,
    epaint::{ClippedShape, ColorMode, PathShape, PathStroke, Primitive, RectShape, TextShape},
};

/// The whole document, `size` points large.
pub(super) fn write(ctx: &Context, shapes: &[ClippedShape], (size, title): (Vec2, &str)) -> String {
    let mut out = Out { text: String::new(), clips: Vec::new() };
    for clipped in shapes {
        let before = out.text.len();
        out.shape(ctx, &clipped.shape);
        if out.text.len() > before {
            let clip = out.clip(clipped.clip_rect);
            out.text.insert_str(before, &format!("<g clip-path=\"url(#c{clip})\">\n"));
            out.text.push_str("</g>\n");
        }
    }
    let mut document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n<title>{2}</title>\n<defs>\n",
        number(size.x),
        number(size.y),
        escaped(title)
    );
    for (at, rect) in out.clips.iter().enumerate() {
        let _ = writeln!(document, "<clipPath id=\"c{at}\"><rect {}/></clipPath>", place(*rect));
    }
    document.push_str("</defs>\n");
    document.push_str(&out.text);
    document.push_str("</svg>\n");
    document
}

struct Out {
    text: String,
    clips: Vec<Rect>,
}

impl Out {
    fn clip(&mut self, rect: Rect) -> usize {
        self.clips.iter().position(|known| *known == rect).unwrap_or_else(|| {
            self.clips.push(rect);
            self.clips.len() - 1
        })
    }

    fn line(&mut self, element: &str) {
        self.text.push_str(element);
        self.text.push('\n');
    }

    fn shape(&mut self, ctx: &Context, shape: &Shape) {
        match shape {
            Shape::Noop | Shape::Callback(_) => {}
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.shape(ctx, shape)),
            Shape::Circle(circle) => {
                let looks = looks(circle.fill, circle.stroke);
                self.line(&format!(
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {looks}/>",
                    number(circle.center.x),
                    number(circle.center.y),
                    number(circle.radius)
                ));
            }
            Shape::LineSegment { points, stroke } => {
                self.line(&format!(
                    "<path d=\"{}\" {}/>",
                    path(points, false),
                    looks(Color32::TRANSPARENT, *stroke)
                ));
            }
            Shape::Path(shape) => self.path(shape),
            Shape::Rect(shape) => self.rect(shape),
            Shape::Text(shape) => self.text(shape),
            Shape::Mesh(mesh) => self.mesh(mesh),
            Shape::CubicBezier(curve) => {
                let [a, b, c, d] = curve.points.map(point);
                self.line(&format!(
                    "<path d=\"M{a} C{b} {c} {d}\" {}/>",
                    path_looks(curve.fill, &curve.stroke)
                ));
            }
            Shape::QuadraticBezier(curve) => {
                let [a, b, c] = curve.points.map(point);
                self.line(&format!("<path d=\"M{a} Q{b} {c}\" {}/>", path_looks(curve.fill, &curve.stroke)));
            }
            Shape::Ellipse(_) | Shape::Band(_) => self.triangles(ctx, shape),
        }
    }

    fn triangles(&mut self, ctx: &Context, shape: &Shape) {
        let clipped = ClippedShape {
            clip_rect: Rect::EVERYTHING,
            shape: shape.clone(),
            transform_after_tessellation: egui::emath::TSTransform::IDENTITY,
        };
        for primitive in ctx.tessellate(vec![clipped], 1.0) {
            if let Primitive::Mesh(mesh) = primitive.primitive {
                self.mesh(&mesh);
            }
        }
    }

    fn path(&mut self, shape: &PathShape) {
        if shape.points.len() > 1 {
            let looks = path_looks(shape.fill, &shape.stroke);
            self.line(&format!("<path d=\"{}\" {looks}/>", path(&shape.points, shape.closed)));
        }
    }

    fn rect(&mut self, shape: &RectShape) {
        let half = match shape.stroke_kind {
            egui::StrokeKind::Inside => -shape.stroke.width / 2.0,
            egui::StrokeKind::Middle => 0.0,
            egui::StrokeKind::Outside => shape.stroke.width / 2.0,
        };
        let radius = if shape.corner_radius.nw > 0 {
            format!(" rx=\"{}\"", shape.corner_radius.nw)
        } else {
            String::new()
        };
        self.line(&format!(
            "<rect {}{radius} {}/>",
            place(shape.rect.expand(half)),
            looks(shape.fill, shape.stroke)
        ));
    }

    /// One element a line of text, at its baseline.
    fn text(&mut self, shape: &TextShape) {
        let Some(section) = shape.galley.job.sections.first() else {
            return;
        };
        let colour = match (shape.override_text_color, section.format.color) {
            (None, Color32::PLACEHOLDER) => shape.fallback_color,
            (Some(colour), _) | (None, colour) => colour,
        };
        let (face, weight) = face(&section.format.font_id.family);
        for row in &shape.galley.rows {
            let words: String = row.glyphs.iter().map(|glyph| glyph.chr).collect();
            let Some(first) = row.glyphs.first().filter(|_| !words.trim().is_empty()) else {
                continue;
            };
            let at = shape.pos + row.pos.to_vec2() + first.pos.to_vec2();
            self.line(&format!(
                "<text x=\"{}\" y=\"{}\" font-family=\"{face}\" font-weight=\"{weight}\" font-size=\"{}\" {}>{}</text>",
                number(at.x),
                number(at.y),
                number(section.format.font_id.size),
                fill(colour),
                escaped(&words)
            ));
        }
    }

    fn mesh(&mut self, mesh: &Mesh) {
        for corners in mesh.indices.chunks_exact(3) {
            let vertices: Vec<_> =
                corners.iter().filter_map(|at| mesh.vertices.get(*at as usize)).copied().collect();
            let [a, b, c] = vertices.as_slice() else {
                continue;
            };
            let colour = a.color.lerp_to_gamma(b.color, 0.5).lerp_to_gamma(c.color, 1.0 / 3.0);
            if colour != Color32::TRANSPARENT {
                let points = [a.pos, b.pos, c.pos];
                let path = path(&points, true);
                self.line(&format!("<path d=\"{path}\" shape-rendering=\"crispEdges\" {}/>", fill(colour)));
            }
        }
    }
}

/// At most two digits after the point; what is not finite becomes 0, which XML readers accept.
fn number(value: f32) -> String {
    let value = if value.is_finite() { value.clamp(-1e6, 1e6) } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn point(at: Pos2) -> String {
    format!("{} {}", number(at.x), number(at.y))
}

fn path(points: &[Pos2], closed: bool) -> String {
    let mut text = String::new();
    for (at, place) in points.iter().enumerate() {
        text.push(if at == 0 { 'M' } else { 'L' });
        text.push_str(&point(*place));
    }
    if closed {
        text.push('Z');
    }
    text
}

fn place(rect: Rect) -> String {
    format!(
        "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
        number(rect.left()),
        number(rect.top()),
        number(rect.width().max(0.0)),
        number(rect.height().max(0.0))
    )
}

fn paint(kind: &str, colour: Color32) -> String {
    let [r, g, b, a] = colour.to_srgba_unmultiplied();
    match a {
        0 => format!("{kind}=\"none\""),
        255 => format!("{kind}=\"#{r:02x}{g:02x}{b:02x}\""),
        _ => format!("{kind}=\"#{r:02x}{g:02x}{b:02x}\" {kind}-opacity=\"{:.3}\"", f32::from(a) / 255.0),
    }
}

fn fill(colour: Color32) -> String {
    paint("fill", colour)
}

fn looks(colour: Color32, stroke: Stroke) -> String {
    if stroke.width <= 0.0 || stroke.color == Color32::TRANSPARENT {
        return fill(colour);
    }
    format!("{} {} stroke-width=\"{}\"", fill(colour), paint("stroke", stroke.color), number(stroke.width))
}

fn path_looks(colour: Color32, stroke: &PathStroke) -> String {
    let line = match &stroke.color {
        ColorMode::Solid(line) => *line,
        ColorMode::UV(_) => Color32::TRANSPARENT,
    };
    format!("{} stroke-linejoin=\"round\"", looks(colour, Stroke::new(stroke.width, line)))
}

fn face(family: &FontFamily) -> (&'static str, u16) {
    match family {
        FontFamily::Monospace => ("'JetBrains Mono', monospace", 400),
        FontFamily::Proportional => ("Inter, sans-serif", 400),
        FontFamily::Name(name) if name.starts_with("mono") => ("'JetBrains Mono', monospace", 500),
        FontFamily::Name(_) => ("Inter, sans-serif", 600),
    }
}

/// Text for XML; control letters, which XML forbids, are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
