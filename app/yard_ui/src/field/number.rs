//! A number field: unit at the right, simple arithmetic, arrow keys, and dragging on the unit.

use egui::{
    Align2, CursorIcon, EventFilter, Frame, Id, Key, Rect, Response, Sense, TextEdit, Ui, UiBuilder, Widget,
    emath::Numeric, pos2, vec2,
};

use super::{FieldState, evaluate, frame_shape};
use crate::{
    fmt,
    fonts::Type,
    paint,
    space::{RADIUS_CONTROL, S8},
    status::{Status, status_line},
    tokens::tokens,
};

type GetSet<'a> = Box<dyn FnMut(Option<Option<f64>>) -> Option<f64> + 'a>;

/// A number field. The value changes only to numbers inside the range; `changed()` says when.
///
/// `ui.add(NumberField::new("False negative", &mut cost).unit("offers").range(0.0, 1e6))`
#[must_use = "call `show` or `ui.add`"]
pub struct NumberField<'a> {
    name: &'a str,
    value: GetSet<'a>,
    unit: &'a str,
    hint: &'a str,
    range: (f64, f64),
    decimals: Option<usize>,
    integer: bool,
    optional: bool,
    step: f64,
    width: Option<f32>,
    enabled: bool,
}

impl<'a> NumberField<'a> {
    /// A field for any number type; integer types take whole numbers of their range only.
    pub fn new<N: Numeric>(name: &'a str, value: &'a mut N) -> Self {
        let integer = N::INTEGRAL;
        let mut field = Self::with(
            name,
            Box::new(move |set: Option<Option<f64>>| {
                if let Some(Some(number)) = set {
                    *value = N::from_f64(number);
                }
                Some(value.to_f64())
            }),
        );
        field.integer = integer;
        if integer {
            field.range = (N::MIN.to_f64(), N::MAX.to_f64());
        }
        field
    }

    /// A field that may be empty.
    pub fn optional(name: &'a str, value: &'a mut Option<f64>) -> Self {
        let mut field = Self::with(
            name,
            Box::new(move |set: Option<Option<f64>>| {
                if let Some(number) = set {
                    *value = number;
                }
                *value
            }),
        );
        field.optional = true;
        field.hint = "not set";
        field
    }

    fn with(name: &'a str, value: GetSet<'a>) -> Self {
        Self {
            name,
            value,
            unit: "",
            hint: "",
            range: (f64::NEG_INFINITY, f64::INFINITY),
            decimals: None,
            integer: false,
            optional: false,
            step: 1.0,
            width: None,
            enabled: true,
        }
    }

    /// Unit at the right edge.
    pub fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// Text shown while an optional field is empty.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// Smallest and largest value that is accepted.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = (low, high);
        self
    }

    /// Digits after the point at rest; without, as many as the value needs.
    pub fn decimals(mut self, decimals: usize) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// Step of the arrow keys and of 4 points of dragging on the unit; 1 by default.
    pub fn step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// Width in points; the available width by default.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// Switches the field off.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Draws the field; `changed()` of the response is true when the value has changed.
    pub fn show(mut self, ui: &mut Ui) -> Response {
        let enabled = self.enabled;
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let (response, complaint) = ui.add_enabled_ui(enabled, |ui| self.show_box(ui)).inner;
            if let Some(complaint) = complaint {
                status_line(ui, Status::Error, &complaint);
            }
            response
        })
        .inner
    }

    fn show_box(&mut self, ui: &mut Ui) -> (Response, Option<String>) {
        let id = ui.make_persistent_id(("number", self.name));
        let width = self.width.unwrap_or_else(|| ui.available_width());
        let (_, rect) = ui.allocate_space(vec2(width, crate::space::control(ui)));
        let ground = ui.painter().add(egui::Shape::Noop);
        let mut draft = Draft::load(ui, id, || self.at_rest());
        let judged = self.judge(&draft.text);
        let right = self.paint_right(ui, rect, &draft, &judged);
        let inner = Rect::from_min_max(
            pos2(rect.left() + S8, rect.top()),
            pos2((rect.right() - S8 - right).max(rect.left() + S8 + 8.0), rect.bottom()),
        );
        let mut response = self.edit(ui, inner, id, &mut draft.text);
        let mut changed = self.commit(ui, &response, &mut draft);
        changed |= self.scrub(ui, rect, right, id);
        let complaint = self.judge(&draft.text).err().filter(|_| draft.editing || draft.refused);
        draft.store(ui, id);
        let state = if !ui.is_enabled() {
            FieldState::Off
        } else if complaint.is_some() {
            FieldState::Error
        } else if response.has_focus() {
            FieldState::Focus
        } else {
            FieldState::Rest
        };
        ui.painter().set(ground, frame_shape(ui, rect, state));
        if response.has_focus() {
            paint::focus_ring_at(ui, rect, RADIUS_CONTROL);
        }
        if changed {
            response.mark_changed();
        }
        (response, complaint)
    }

    fn edit(&self, ui: &mut Ui, inner: Rect, id: Id, text: &mut String) -> Response {
        let t = tokens(ui);
        let colour = if ui.is_enabled() { t.text } else { t.text_3 };
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        let edit = TextEdit::singleline(text)
            .id(id)
            .font(Type::Mono.font())
            .text_color(colour)
            .hint_text(Type::Label.rich(self.hint).color(t.text_3))
            .frame(Frame::NONE)
            .event_filter(filter)
            .align(Align2::LEFT_CENTER)
            .min_size(vec2(0.0, crate::space::control(ui)))
            .desired_width(inner.width());
        let mut child = ui.new_child(UiBuilder::new().max_rect(inner));
        child.shrink_clip_rect(inner.intersect(ui.clip_rect()));
        child.add(edit).accessible_name(self.name)
    }

    /// The text of the value while nobody edits it.
    fn at_rest(&mut self) -> String {
        let Some(value) = (self.value)(None).filter(|value| value.is_finite()) else {
            return String::new();
        };
        match self.decimals {
            Some(decimals) => format!("{value:.decimals$}").replace('-', "−"),
            None if value != 0.0 && !self.integer && (value.abs() < 1e-3 || value.abs() >= 1e15) => {
                format!("{value:e}").replace('-', "−")
            }
            None => format!("{value}").replace('-', "−"),
        }
    }

    /// The number in `text`, or what was expected instead.
    fn judge(&self, text: &str) -> Result<Option<f64>, String> {
        if text.trim().is_empty() {
            return if self.optional { Ok(None) } else { Err(self.expectation()) };
        }
        match evaluate(text) {
            Some(value) if value < self.range.0 || value > self.range.1 => Err(self.expectation()),
            Some(value) if self.integer && value.fract() != 0.0 => Err(self.expectation()),
            Some(value) => Ok(Some(value)),
            None => Err(self.expectation()),
        }
    }

    fn expectation(&self) -> String {
        let noun = if self.integer { "a whole number" } else { "a number" };
        // Limits of the number type itself are no help to the reader.
        let shown = |limit: f64| limit.abs() < 1e15;
        let number = |value: f64| fmt::fixed(value, if value.fract() == 0.0 { 0 } else { 3 });
        match (shown(self.range.0), shown(self.range.1)) {
            (true, true) => format!("{} to {} expected", number(self.range.0), number(self.range.1)),
            (true, false) => format!("{noun} of {} or more expected", number(self.range.0)),
            (false, true) => format!("{noun} of {} or less expected", number(self.range.1)),
            (false, false) => format!("{noun} expected"),
        }
    }

    /// Takes the draft over on Enter and when the focus leaves; gives it up on Escape; steps on arrows.
    fn commit(&mut self, ui: &Ui, response: &Response, draft: &mut Draft) -> bool {
        if response.changed() {
            draft.editing = true;
            draft.refused = false;
        }
        if response.has_focus()
            && let Some(steps) = arrow_steps(ui)
        {
            let before = self.judge(&draft.text).ok().flatten().or((self.value)(None)).unwrap_or(0.0);
            let changed = self.set(Some(before + steps * self.step));
            draft.text = self.at_rest();
            return changed;
        }
        if response.lost_focus() {
            let escaped = ui.input(|input| input.key_pressed(Key::Escape));
            let judged = if escaped { None } else { self.judge(&draft.text).ok() };
            let changed = judged.is_some_and(|value| draft.editing && self.set(value));
            draft.refused = judged.is_none() && !escaped && draft.editing;
            draft.editing = false;
            if !draft.refused {
                draft.text = self.at_rest();
            }
            return changed;
        }
        if !response.has_focus() && !draft.refused {
            draft.text = self.at_rest();
            draft.editing = false;
        }
        false
    }

    fn set(&mut self, value: Option<f64>) -> bool {
        let before = (self.value)(None);
        let inside = value.map(|number| number.clamp(self.range.0, self.range.1));
        let after = (self.value)(Some(inside));
        before != after
    }

    /// Dragging on the unit changes the value by steps.
    fn scrub(&mut self, ui: &Ui, rect: Rect, right: f32, id: Id) -> bool {
        if right <= 0.0 || !ui.is_enabled() {
            return false;
        }
        let zone = Rect::from_min_max(pos2(rect.right() - S8 - right, rect.top()), rect.max);
        let response = ui
            .interact(zone, id.with("scrub"), Sense::DRAG)
            .on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
        if !response.dragged() {
            return false;
        }
        let key = id.with("scrub-rest");
        let rest: f32 = ui.data(|data| data.get_temp(key)).unwrap_or(0.0) + response.drag_delta().x / 4.0;
        let steps = rest.trunc();
        ui.data_mut(|data| data.insert_temp(key, if response.drag_stopped() { 0.0 } else { rest - steps }));
        let before = (self.value)(None).unwrap_or(0.0);
        steps != 0.0 && self.set(Some(before + f64::from(steps) * self.step))
    }

    /// Paints the unit, or the result while arithmetic is typed; returns the width used.
    fn paint_right(&self, ui: &Ui, rect: Rect, draft: &Draft, judged: &Result<Option<f64>, String>) -> f32 {
        let computed = match judged {
            Ok(Some(value)) if draft.editing && is_expression(&draft.text) => {
                let digits = if value.fract() == 0.0 { 0 } else { 4 };
                format!("= {} {}", fmt::fixed(*value, digits), self.unit)
            }
            _ => self.unit.to_owned(),
        };
        let text = computed.trim_end();
        if text.is_empty() {
            return 0.0;
        }
        let colour = tokens(ui).text_3;
        let galley = paint::fitted(ui.painter(), text, Type::Caption, colour, rect.width() * 0.6);
        let width = galley.size().x;
        paint::galley_at(
            ui.painter(),
            pos2(rect.right() - S8, rect.center().y),
            Align2::RIGHT_CENTER,
            galley,
        );
        width + 4.0
    }
}

impl Widget for NumberField<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

fn is_expression(text: &str) -> bool {
    text.trim_start_matches(['-', '−', '+']).contains(['*', '/', '+', '(', '×', '÷'])
        || text.trim().get(1..).is_some_and(|rest| rest.contains(" - ") || rest.contains(" − "))
}

fn arrow_steps(ui: &Ui) -> Option<f64> {
    ui.input(|input| {
        let factor = if input.modifiers.shift { 10.0 } else { 1.0 };
        let up = input.num_presses(Key::ArrowUp) as f64;
        let down = input.num_presses(Key::ArrowDown) as f64;
        (up != down).then_some((up - down) * factor)
    })
}

/// The text while the user types.
#[derive(Clone, Default)]
struct Draft {
    text: String,
    editing: bool,
    refused: bool,
}

impl Draft {
    fn load(ui: &Ui, id: Id, rest: impl FnOnce() -> String) -> Self {
        let kept: Option<Self> = ui.data(|data| data.get_temp(id.with("draft")));
        kept.unwrap_or_else(|| Self { text: rest(), ..Self::default() })
    }

    fn store(self, ui: &Ui, id: Id) {
        ui.data_mut(|data| data.insert_temp(id.with("draft"), self));
    }
}
