//! A text field of 28 points with an optional unit at its right, and the path field.

use egui::{
    Align2, Frame, Id, Rect, Response, Role, Sense, TextEdit, Ui, UiBuilder, Widget, WidgetInfo, pos2, vec2,
};

use super::{FieldState, frame_shape};
use crate::{
    button::IconButton,
    fonts::Type,
    icon::Icon,
    paint,
    space::{RADIUS_CONTROL, S8},
    status::{Status, status_line},
    tokens::tokens,
};

/// A text field. `ui.add(TextField::new("Unit", &mut unit).hint("not set"))`
#[must_use = "call `show` or `ui.add`"]
pub struct TextField<'a> {
    name: &'a str,
    value: &'a mut String,
    unit: &'a str,
    hint: &'a str,
    error: Option<&'a str>,
    width: Option<f32>,
    rows: usize,
    mono: bool,
    secret: bool,
    enabled: bool,
    id: Option<Id>,
}

impl<'a> TextField<'a> {
    /// A field with its accessible name.
    pub fn new(name: &'a str, value: &'a mut String) -> Self {
        Self {
            name,
            value,
            unit: "",
            hint: "",
            error: None,
            width: None,
            rows: 1,
            mono: false,
            secret: false,
            enabled: true,
            id: None,
        }
    }

    /// Text at the right edge inside the field: a unit or a quiet remark.
    pub fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// Text shown while the field is empty.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// Turns the field red and says below what is expected.
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// Width in points; the available width by default.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// Several lines: the field grows to `rows` lines of 20 points.
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows.max(1);
        self
    }

    /// Mono face: numbers, hashes, addresses.
    pub fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// Shows dots instead of the text: a token.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Switches the field off.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// A fixed id, for a caller that sets the focus.
    pub fn id(mut self, id: Id) -> Self {
        self.id = Some(id);
        self
    }

    /// Draws the field; the response is that of the text edit (`changed()`, `lost_focus()`).
    pub fn show(self, ui: &mut Ui) -> Response {
        let error = self.error;
        let enabled = self.enabled;
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let response = ui.add_enabled_ui(enabled, |ui| self.show_box(ui)).inner;
            if let Some(error) = error {
                status_line(ui, Status::Error, error);
            }
            response
        })
        .inner
    }

    fn show_box(self, ui: &mut Ui) -> Response {
        let width = self.width.unwrap_or_else(|| ui.available_width());
        let height = if self.rows == 1 { crate::space::control(ui) } else { self.rows as f32 * 20.0 + 16.0 };
        let (_, rect) = ui.allocate_space(vec2(width, height));
        let ground = ui.painter().add(egui::Shape::Noop);
        let unit = paint_unit(ui, rect, self.unit);
        let left = rect.left() + S8;
        let right = if unit > 0.0 { rect.right() - S8 - unit - 4.0 } else { rect.right() - S8 };
        let inner = Rect::from_min_max(pos2(left, rect.top()), pos2(right.max(left + 8.0), rect.bottom()));
        let (name, error, rows) = (self.name, self.error.is_some(), self.rows);
        let id = self.id.unwrap_or_else(|| ui.make_persistent_id(("field", name)));
        let edit = self.edit(ui).id(id).desired_width(inner.width());
        let place = if rows == 1 { inner } else { inner.shrink2(vec2(0.0, 8.0)) };
        let mut child = ui.new_child(UiBuilder::new().max_rect(place));
        child.shrink_clip_rect(inner.intersect(ui.clip_rect()));
        let response = child.add(edit).accessible_name(name);
        let state = state_of(ui, &response, error);
        ui.painter().set(ground, frame_shape(ui, rect, state));
        if response.has_focus() {
            paint::focus_ring_at(ui, rect, RADIUS_CONTROL);
            ui.data_mut(|data| data.insert_temp(focused_id(), name.to_owned()));
        }
        response
    }

    fn edit(self, ui: &Ui) -> TextEdit<'a> {
        let t = tokens(ui);
        let kind = if self.mono { Type::Mono } else { Type::Label };
        let colour = if ui.is_enabled() { t.text } else { t.text_3 };
        let hint = kind.rich(self.hint).color(t.text_3);
        let edit =
            if self.rows == 1 { TextEdit::singleline(self.value) } else { TextEdit::multiline(self.value) };
        edit.font(kind.font())
            .text_color(colour)
            .hint_text(hint)
            .password(self.secret)
            .desired_rows(self.rows)
            .frame(Frame::NONE)
            .align(if self.rows == 1 { Align2::LEFT_CENTER } else { Align2::LEFT_TOP })
            .min_size(vec2(0.0, crate::space::control(ui)))
    }
}

fn focused_id() -> Id {
    Id::unique("yard_ui.field.focused")
}

/// The name of the text field that had the focus in this pass; asked once a pass.
pub fn take_focused_name(ctx: &egui::Context) -> Option<String> {
    ctx.data_mut(|data| data.remove_temp(focused_id()))
}

impl Widget for TextField<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

pub(super) fn state_of(ui: &Ui, response: &Response, error: bool) -> FieldState {
    if !ui.is_enabled() {
        FieldState::Off
    } else if error {
        FieldState::Error
    } else if response.has_focus() {
        FieldState::Focus
    } else {
        FieldState::Rest
    }
}

/// Paints `unit` at the right edge of the field `rect` and returns its width.
pub(super) fn paint_unit(ui: &Ui, rect: Rect, unit: &str) -> f32 {
    if unit.is_empty() {
        return 0.0;
    }
    let t = tokens(ui);
    let galley = paint::fitted(ui.painter(), unit, Type::Caption, t.text_3, rect.width() * 0.6);
    let width = galley.size().x;
    let at = pos2(rect.right() - S8, rect.top() + crate::space::control(ui) / 2.0);
    paint::galley_at(ui.painter(), at, Align2::RIGHT_CENTER, galley);
    width
}

/// A text field for a path with a button that opens a file dialog.
#[must_use = "call `show`"]
pub struct PathField<'a> {
    name: &'a str,
    value: &'a mut String,
    hint: &'a str,
    error: Option<&'a str>,
}

/// What happened on a path field.
pub struct PathResponse {
    /// The text field.
    pub field: Response,
    /// The user wants to choose a file: open a dialog and write the answer into the value.
    pub browse: bool,
}

impl<'a> PathField<'a> {
    /// A path field with its accessible name.
    pub fn new(name: &'a str, value: &'a mut String) -> Self {
        Self { name, value, hint: "", error: None }
    }

    /// Text shown while the field is empty.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// Turns the field red and says below what is expected.
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// Draws field and button on one line of the available width.
    pub fn show(self, ui: &mut Ui) -> PathResponse {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let width = ui.available_width() - crate::space::control(ui) - 4.0;
            let field = TextField::new(self.name, self.value)
                .mono()
                .hint(self.hint)
                .error(self.error)
                .width(width)
                .show(ui);
            let label = format!("Choose {}", self.name.to_lowercase());
            let browse = IconButton::new(Icon::FolderOpen, label).show(ui).clicked();
            PathResponse { field, browse }
        })
        .inner
    }
}

/// A read-only value that looks like a field (a value that another place owns).
pub(super) fn name_of(response: &Response, role: Role, name: &str, value: &str, enabled: bool) {
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(value.to_owned()),
        ..WidgetInfo::labeled(role, enabled, name)
    });
}

/// Allocates the box of a control of `width` points and the height of a field.
pub(super) fn allocate_box(ui: &mut Ui, width: Option<f32>) -> (Rect, Response) {
    let width = width.unwrap_or_else(|| ui.available_width());
    ui.allocate_exact_size(vec2(width, crate::space::control(ui)), Sense::click())
}
