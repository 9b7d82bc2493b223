//! A segmented control: two to five words, one chosen.

use egui::{
    Align2, CornerRadius, Key, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Widget, WidgetInfo, pos2,
    vec2,
};

use crate::{fonts::Type, paint, space::RADIUS_CONTROL, tokens::tokens};

const HEIGHT: f32 = 24.0;

/// A segmented control by index. `ui.add(Segmented::new(&mut index, &["ROC", "PR", "Cost"]))`
#[must_use = "call `show` or `ui.add`"]
pub struct Segmented<'a> {
    index: &'a mut usize,
    words: &'a [&'a str],
}

impl<'a> Segmented<'a> {
    /// Segments with their words, which are also their accessible names.
    pub fn new(index: &'a mut usize, words: &'a [&'a str]) -> Self {
        Self { index, words }
    }

    /// Draws the control. Left and Right move the choice; `changed()` of the response says so.
    pub fn show(self, ui: &mut Ui) -> Response {
        let widths: Vec<f32> = self
            .words
            .iter()
            .map(|word| (paint::text_width(ui.painter(), word, Type::LabelStrong) + 20.0).ceil())
            .collect();
        let total: f32 = widths.iter().sum();
        let (rect, mut whole) = ui.allocate_exact_size(vec2(total, HEIGHT), Sense::hover());
        let t = tokens(ui);
        let radius = CornerRadius::same(RADIUS_CONTROL);
        ui.painter().rect(rect, radius, t.surface, Stroke::new(1.0, t.border), StrokeKind::Inside);
        let mut x = rect.left();
        let before = *self.index;
        for (at, (word, width)) in self.words.iter().zip(&widths).enumerate() {
            let place = Rect::from_min_size(pos2(x, rect.top()), vec2(*width, HEIGHT));
            let response = segment(ui, &whole, place, (at, word), before == at);
            if response.clicked() {
                *self.index = at;
            }
            if response.has_focus() {
                arrows(ui, &response, self.index, self.words.len());
            }
            if at > 0 && before != at && before + 1 != at {
                ui.painter().vline(x, rect.y_range().shrink(1.0), paint::border(ui));
            }
            x += width;
        }
        if *self.index != before {
            whole.mark_changed();
        }
        whole
    }
}

impl Widget for Segmented<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

fn segment(ui: &Ui, whole: &Response, place: Rect, (at, word): (usize, &str), chosen: bool) -> Response {
    let response = ui.interact(place, whole.id.with(at), Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen, word));
    let t = tokens(ui);
    let fill = if chosen { Some(t.selected) } else { response.hovered().then_some(t.hover) };
    if let Some(fill) = fill {
        ui.painter().rect_filled(place.shrink(1.0), CornerRadius::same(RADIUS_CONTROL - 1), fill);
    }
    let (kind, colour) = if chosen { (Type::LabelStrong, t.text) } else { (Type::Label, t.text_2) };
    paint::text_at(ui.painter(), place.center(), Align2::CENTER_CENTER, word, kind, colour);
    paint::focus_ring(ui, place, RADIUS_CONTROL, &response);
    response
}

fn arrows(ui: &Ui, response: &Response, index: &mut usize, count: usize) {
    ui.memory_mut(|memory| {
        let filter = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
        memory.set_focus_lock_filter(response.id, filter);
    });
    let (left, right) =
        ui.input(|input| (input.key_pressed(Key::ArrowLeft), input.key_pressed(Key::ArrowRight)));
    if right && *index + 1 < count {
        *index += 1;
    } else if left && *index > 0 {
        *index -= 1;
    }
}
