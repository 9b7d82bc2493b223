//! Direct labels: the name of a line at its end, of a reference at the edge, pushed apart where they
//! would lie on each other.

use egui::{Align2, Color32, Pos2, Ui, pos2};

use super::{
    Names, Plot,
    layout::{Layout, at_ends},
    series::Place,
};
use crate::{fonts::Type, paint, tokens::tokens};

const LINE: f32 = 15.0;
const CHIP: f32 = 14.0;

/// A label that wants to stand at a height.
struct Label<'a> {
    at: Pos2,
    text: &'a str,
    chip: Option<Color32>,
    colour: Color32,
}

/// Room at the right of the area for the labels that stand outside of it.
pub(super) fn right_margin(plot: &Plot<'_>, ui: &Ui, (x0, x1): (f64, f64), width: f32) -> f32 {
    let chip = if has_chips(plot) { CHIP } else { 0.0 };
    let text = |words: &str| paint::text_width(ui.painter(), words, Type::Caption);
    let ends = plot.lines.iter().filter(|_| at_ends(plot)).filter_map(|line| {
        let share = (plot.x.to_plot(line.end()?[0]) - x0) / (x1 - x0);
        let needed = text(line.shown_label()?) + chip + 10.0;
        // A line that ends early has its label inside the area.
        let inside = (1.0 - share) as f32 * width * 0.85;
        Some(needed - inside.max(0.0))
    });
    let references =
        plot.references.iter().filter(|reference| matches!(reference.place, Place::Horizontal(_))).map(
            |reference| {
                if reference.label.is_empty() {
                    0.0
                } else {
                    text(&reference.label) + 8.0 + if reference.solid { CHIP } else { 0.0 }
                }
            },
        );
    ends.chain(references).fold(0.0, f32::max).min(width * 0.4)
}

/// A chip is needed as soon as colour tells lines apart.
fn has_chips(plot: &Plot<'_>) -> bool {
    let mut colours: Vec<[u8; 4]> = plot
        .lines
        .iter()
        .map(|line| line.colour.to_array())
        .chain(plot.bars.iter().map(|bars| bars.colour.to_array()))
        .collect();
    colours.sort_unstable();
    colours.dedup();
    colours.len() > 1
}

pub(super) fn show(plot: &Plot<'_>, ui: &Ui, layout: &Layout) {
    let t = tokens(ui);
    let chips = has_chips(plot);
    let mut labels: Vec<Label<'_>> = Vec::new();
    for line in &plot.lines {
        if let (true, Some(text), Some(end)) = (at_ends(plot), line.shown_label(), line.end()) {
            let at = layout.screen(plot.x.to_plot(end[0]), plot.y.to_plot(end[1]));
            let at = pos2(at.x.min(layout.area.right()) + 6.0, at.y);
            labels.push(Label { at, text, chip: chips.then_some(line.colour), colour: t.text });
        }
    }
    for reference in &plot.references {
        if let (Place::Horizontal(y), false) = (reference.place, reference.label.is_empty()) {
            let at = pos2(layout.area.right() + 4.0, layout.screen_y(plot.y.to_plot(y)));
            let chip = reference.colour.filter(|_| reference.solid);
            labels.push(Label { at, text: &reference.label, chip, colour: t.text_2 });
        }
    }
    labels.retain(|label| label.at.y.is_finite() && layout.area.expand(8.0).y_range().contains(label.at.y));
    push_apart(&mut labels, layout);
    for label in &labels {
        paint_label(ui, label);
    }
    inside(plot, ui, layout, chips);
}

/// Sorted by height, each label keeps a line's distance to the one above; the stack stays in the area.
fn push_apart(labels: &mut [Label<'_>], layout: &Layout) {
    labels.sort_by(|one, other| one.at.y.total_cmp(&other.at.y));
    let near = |one: f32, other: f32| (one - other).abs() < 80.0;
    for at in 1..labels.len() {
        let (above, here) = (labels[at - 1].at, labels[at].at);
        if near(above.x, here.x) {
            labels[at].at.y = here.y.max(above.y + LINE);
        }
    }
    let mut floor = layout.area.bottom() + 4.0;
    for label in labels.iter_mut().rev() {
        if label.at.y > floor {
            label.at.y = floor;
            floor -= LINE;
        } else {
            floor = label.at.y - LINE;
        }
    }
}

fn paint_label(ui: &Ui, label: &Label<'_>) {
    let mut x = label.at.x;
    if let Some(colour) = label.chip {
        paint::swatch(ui.painter(), pos2(x + 5.0, label.at.y), 9.0, colour);
        x += CHIP;
    }
    paint::text_at(
        ui.painter(),
        pos2(x, label.at.y),
        Align2::LEFT_CENTER,
        label.text,
        Type::Caption,
        label.colour,
    );
}

/// Names stacked in a corner of the area.
fn inside(plot: &Plot<'_>, ui: &Ui, layout: &Layout, chips: bool) {
    if !matches!(plot.names, Names::BottomRight | Names::TopLeft) {
        return;
    }
    let named: Vec<(&str, Color32)> = names(plot);
    let width = named
        .iter()
        .map(|(text, _)| paint::text_width(ui.painter(), text, Type::Caption))
        .fold(0.0, f32::max)
        + CHIP;
    let height = named.len() as f32 * LINE;
    let corner = if plot.names == Names::TopLeft {
        layout.area.left_top() + egui::vec2(12.0, 6.0)
    } else {
        layout.area.right_bottom() - egui::vec2(width + 12.0, height + 8.0)
    };
    let colour = tokens(ui).text;
    for (at, (text, chip)) in named.iter().enumerate() {
        let place = pos2(corner.x, corner.y + (at as f32 + 0.5) * LINE);
        paint_label(ui, &Label { at: place, text, chip: chips.then_some(*chip), colour });
    }
}

fn names<'a>(plot: &'a Plot<'_>) -> Vec<(&'a str, Color32)> {
    let lines = plot.lines.iter().filter_map(|line| Some((line.shown_label()?, line.colour)));
    let bars =
        plot.bars.iter().filter(|bars| !bars.name.is_empty()).map(|bars| (bars.name.as_str(), bars.colour));
    let points = plot
        .points
        .iter()
        .filter(|points| !points.name.is_empty())
        .map(|points| (points.name.as_str(), points.colour));
    lines.chain(bars).chain(points).collect()
}

/// Names as a row of chips, for bars and histograms.
pub(super) fn above(plot: &Plot<'_>, ui: &Ui, start: Pos2) {
    let colour = tokens(ui).text;
    let mut x = start.x;
    for (text, chip) in names(plot) {
        let label = Label { at: pos2(x, start.y + 8.0), text, chip: Some(chip), colour };
        paint_label(ui, &label);
        x += CHIP + paint::text_width(ui.painter(), text, Type::Caption) + 12.0;
    }
}
