//! Buttons: one filled primary per view, secondary, quiet, danger, and icon buttons.

use std::borrow::Cow;

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Widget,
    WidgetInfo, pos2, vec2,
};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{CONTROL, RADIUS_CONTROL},
    tokens::{Tokens, mix, tokens},
};

/// What a button looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Primary,
    Secondary,
    Quiet,
    Danger,
    DangerFilled,
}

/// A button of 28 points height. Its label is a verb with its object ("Package run 14").
///
/// `ui.add(Button::primary("Start training").icon(Icon::Play).key("Ctrl+Enter"))`
#[derive(Clone, Debug)]
#[must_use = "call `show` or `ui.add`"]
pub struct Button<'a> {
    kind: Kind,
    label: Cow<'a, str>,
    icon: Option<Icon>,
    key: Option<Cow<'a, str>>,
    tooltip: Option<Cow<'a, str>>,
    off: Option<Cow<'a, str>>,
    menu: bool,
    min_width: f32,
}

impl<'a> Button<'a> {
    fn new(kind: Kind, label: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind,
            label: label.into(),
            icon: None,
            key: None,
            tooltip: None,
            off: None,
            menu: false,
            min_width: 0.0,
        }
    }

    /// The filled button: the next step, exactly one in a view.
    pub fn primary(label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Kind::Primary, label)
    }

    /// An outlined button.
    pub fn secondary(label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Kind::Secondary, label)
    }

    /// A button without outline, in the accent colour: minor acts inside a view.
    pub fn quiet(label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Kind::Quiet, label)
    }

    /// An outlined button in the error colour: it removes something.
    pub fn danger(label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Kind::Danger, label)
    }

    /// The filled button of a dialog that asks about something that can't be undone.
    pub fn danger_filled(label: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Kind::DangerFilled, label)
    }

    /// An icon before the label.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// The shortcut, shown as a key-cap after the label. It is shown, not listened to.
    pub fn key(mut self, key: impl Into<Cow<'a, str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Text on hover.
    pub fn tooltip(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.tooltip = Some(text.into());
        self
    }

    /// Switches the button off unless `enabled`; `why` is shown on hover then.
    pub fn enabled_if(mut self, enabled: bool, why: impl Into<Cow<'a, str>>) -> Self {
        self.off = (!enabled).then(|| why.into());
        self
    }

    /// A chevron after the label: the button opens a menu.
    pub fn menu(mut self) -> Self {
        self.menu = true;
        self
    }

    /// At least this wide, in points.
    pub fn min_width(mut self, width: f32) -> Self {
        self.min_width = width;
        self
    }

    /// Draws the button; `clicked()` of the response is true for mouse, Enter and Space.
    pub fn show(self, ui: &mut Ui) -> Response {
        let off = self.off.clone();
        if off.is_none() {
            return self.show_on(ui);
        }
        let response = ui.add_enabled_ui(false, |ui| self.show_on(ui)).inner;
        match off {
            Some(why) if !why.is_empty() => response.on_disabled_hover_text(why.into_owned()),
            _ => response,
        }
    }

    fn show_on(self, ui: &mut Ui) -> Response {
        let measure = Parts::of(&self, ui);
        let size = vec2(measure.width().max(self.min_width), crate::space::control(ui));
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &self.label));
        if ui.is_rect_visible(rect) {
            let look = Colours::of(&self, ui, &response);
            let radius = CornerRadius::same(RADIUS_CONTROL);
            ui.painter().rect(rect, radius, look.fill, look.line, StrokeKind::Inside);
            measure.paint(&self, ui, rect, &look);
            paint::focus_ring(ui, rect, RADIUS_CONTROL, &response);
        }
        let response = match &self.tooltip {
            Some(text) if enabled => response.on_hover_text(text.as_ref()),
            _ => response,
        };
        if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response }
    }
}

impl Widget for Button<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

/// Widths of the parts of a button.
struct Parts {
    padding: f32,
    icon: f32,
    label: f32,
    key: f32,
    menu: f32,
}

impl Parts {
    fn of(button: &Button<'_>, ui: &Ui) -> Self {
        let painter = ui.painter();
        Self {
            padding: if button.kind == Kind::Quiet { 8.0 } else { 12.0 },
            icon: if button.icon.is_some() { icon::SMALL + 8.0 } else { 0.0 },
            label: paint::text_width(painter, &button.label, button.text_type()),
            key: button.key.as_ref().map_or(0.0, |key| key_width(ui, key) + 8.0),
            menu: if button.menu { 8.0 + 12.0 } else { 0.0 },
        }
    }

    fn width(&self) -> f32 {
        (self.padding * 2.0 + self.icon + self.label + self.key + self.menu).ceil()
    }

    fn paint(&self, button: &Button<'_>, ui: &Ui, rect: Rect, look: &Colours) {
        let spare = (rect.width() - self.width()).max(0.0) / 2.0;
        let mut x = rect.left() + self.padding + spare;
        let y = rect.center().y;
        if let Some(glyph) = button.icon {
            let centre = pos2(x + icon::SMALL / 2.0, y);
            icon::paint(ui.painter(), centre, glyph, icon::SMALL, look.text, Look::Regular);
            x += self.icon;
        }
        let end = paint::text_at(
            ui.painter(),
            pos2(x, y),
            Align2::LEFT_CENTER,
            &button.label,
            button.text_type(),
            look.text,
        );
        x = end.right();
        if let Some(key) = &button.key {
            paint_key(ui, pos2(x + 8.0, y), key, look.key, look.key_line);
            x += self.key;
        }
        if button.menu {
            let centre = pos2(x + 8.0 + 6.0, y);
            icon::paint(ui.painter(), centre, Icon::CaretDown, 14.0, look.text, Look::Regular);
        }
    }
}

impl Button<'_> {
    fn text_type(&self) -> Type {
        match self.kind {
            Kind::Primary | Kind::DangerFilled => Type::Strong,
            _ => Type::Body,
        }
    }
}

/// Colours of a button in its state.
struct Colours {
    fill: Color32,
    line: Stroke,
    text: Color32,
    key: Color32,
    key_line: Color32,
}

impl Colours {
    fn of(button: &Button<'_>, ui: &Ui, response: &Response) -> Self {
        let t = tokens(ui);
        if !ui.is_enabled() {
            return Self::off(button, t);
        }
        let hot = response.hovered() || response.is_pointer_button_down_on();
        let base = match button.kind {
            Kind::Primary => return Self::filled(t, t.accent, hot),
            Kind::DangerFilled => return Self::filled(t, t.error, hot),
            Kind::Secondary => t.text,
            Kind::Quiet => t.accent,
            Kind::Danger => t.error,
        };
        let quiet = button.kind == Kind::Quiet;
        let rest = if quiet { Color32::TRANSPARENT } else { t.surface };
        let line = if quiet { Color32::TRANSPARENT } else { t.border };
        Self {
            fill: if hot { t.hover } else { rest },
            line: Stroke::new(1.0, line),
            text: base,
            key: t.text_2,
            key_line: t.border,
        }
    }

    fn filled(t: &Tokens, ground: Color32, hot: bool) -> Self {
        Self {
            fill: if hot { mix(ground, t.text, 0.12) } else { ground },
            line: Stroke::NONE,
            text: t.on_accent,
            key: t.on_accent,
            key_line: mix(ground, t.on_accent, 0.5),
        }
    }

    fn off(button: &Button<'_>, t: &Tokens) -> Self {
        let quiet = button.kind == Kind::Quiet;
        Self {
            fill: if quiet { Color32::TRANSPARENT } else { t.sunken },
            line: Stroke::new(1.0, if quiet { Color32::TRANSPARENT } else { t.border }),
            text: t.text_3,
            key: t.text_3,
            key_line: t.border,
        }
    }
}

/// A key-cap of its own, as in a hint line: "Ctrl+K".
pub fn key_cap(ui: &mut Ui, key: &str) -> Response {
    let size = vec2(key_width(ui, key), 16.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, key));
    if ui.is_rect_visible(rect) {
        let t = tokens(ui);
        paint_key(ui, rect.left_center(), key, t.text_2, t.border);
    }
    response
}

/// Width of a key-cap in points.
pub(crate) fn key_width(ui: &Ui, key: &str) -> f32 {
    (paint::text_width(ui.painter(), key, Type::Caption) + 10.0).ceil()
}

/// Paints a key-cap whose left edge is centred at `at`.
pub(crate) fn paint_key(ui: &Ui, at: egui::Pos2, key: &str, text: Color32, line: Color32) {
    let width = key_width(ui, key);
    let rect = Rect::from_min_size(paint::snapped(ui.painter(), at - vec2(0.0, 8.0)), vec2(width, 16.0));
    let radius = CornerRadius::same(3);
    ui.painter().rect_stroke(rect, radius, Stroke::new(1.0, line), StrokeKind::Inside);
    paint::text_at(ui.painter(), rect.center(), Align2::CENTER_CENTER, key, Type::Caption, text);
}

/// A button of 28 × 28 points with an icon alone; `name` is its accessible name and its tooltip.
#[derive(Clone, Debug)]
#[must_use = "call `show` or `ui.add`"]
pub struct IconButton<'a> {
    icon: Icon,
    name: Cow<'a, str>,
    selected: bool,
    enabled: bool,
    side: f32,
    badge: Option<usize>,
}

impl<'a> IconButton<'a> {
    /// An icon button with its name.
    pub fn new(icon: Icon, name: impl Into<Cow<'a, str>>) -> Self {
        Self { icon, name: name.into(), selected: false, enabled: true, side: CONTROL, badge: None }
    }

    /// Shows the button pressed in: it is a toggle that is on.
    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// Switches the button off.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Side in points; 20 fits a table row.
    pub fn side(mut self, side: f32) -> Self {
        self.side = side;
        self
    }

    /// A count on the corner; 0 shows nothing.
    pub fn badge(mut self, count: usize) -> Self {
        self.badge = (count > 0).then_some(count);
        self
    }

    /// Draws the button.
    pub fn show(self, ui: &mut Ui) -> Response {
        ui.add_enabled_ui(self.enabled, |ui| self.show_on(ui)).inner
    }

    fn show_on(self, ui: &mut Ui) -> Response {
        // A button of the full height grows with the setting; smaller ones sit in rows.
        let side = if self.side == CONTROL { crate::space::control(ui) } else { self.side };
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click());
        let enabled = ui.is_enabled();
        let name = self.accessible_name();
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, enabled, &name);
            info.selected = self.selected.then_some(true);
            info
        });
        if ui.is_rect_visible(rect) {
            self.paint(ui, rect, &response);
        }
        response.on_hover_text(name)
    }

    fn accessible_name(&self) -> String {
        match self.badge {
            Some(count) => format!("{}, {count} new", self.name),
            None => self.name.to_string(),
        }
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response) {
        let t = tokens(ui);
        let radius = CornerRadius::same(RADIUS_CONTROL);
        if self.selected {
            ui.painter().rect_filled(rect, radius, t.selected);
        } else if response.hovered() && ui.is_enabled() {
            ui.painter().rect_filled(rect, radius, t.hover);
        }
        let colour = match (ui.is_enabled(), self.selected) {
            (false, _) => t.border_strong,
            (true, true) => t.accent,
            (true, false) => t.text_2,
        };
        icon::paint(ui.painter(), rect.center(), self.icon, icon::SMALL, colour, Look::Regular);
        if let Some(count) = self.badge {
            paint_badge(ui, rect, count);
        }
        paint::focus_ring(ui, rect, RADIUS_CONTROL, response);
    }
}

impl Widget for IconButton<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

fn paint_badge(ui: &Ui, rect: Rect, count: usize) {
    let t = tokens(ui);
    let text = if count > 99 { "99+".to_owned() } else { count.to_string() };
    let width = (paint::text_width(ui.painter(), &text, Type::CaptionStrong) + 7.0).max(14.0);
    let place = Rect::from_center_size(pos2(rect.right() - 5.0, rect.top() + 7.0), vec2(width, 14.0));
    ui.painter().rect_filled(place, CornerRadius::same(7), t.warning);
    paint::text_at(
        ui.painter(),
        place.center(),
        Align2::CENTER_CENTER,
        &text,
        Type::CaptionStrong,
        t.surface,
    );
}
