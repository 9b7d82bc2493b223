//! States in sight: status with colour, icon and word; chips; colour swatches of runs.

use std::borrow::Cow;

use egui::{Align2, Color32, CornerRadius, Rect, Response, Role, Sense, Ui, Widget, WidgetInfo, pos2, vec2};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{CHIP, RADIUS_CONTROL},
    tokens::{Tokens, tokens},
};

/// A state that the user must be able to tell apart: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Status {
    /// Done, healthy, passed.
    Ok,
    /// Needs attention.
    Warn,
    /// Failed.
    Error,
    /// A remark without alarm.
    Info,
    /// Going on now.
    Running,
    /// Finished without judgement ("done", "within noise").
    Done,
    /// Nothing yet, idle, not judged.
    #[default]
    Idle,
}

impl Status {
    /// The colour of icon and word.
    pub fn colour(self, t: &Tokens) -> Color32 {
        match self {
            Self::Ok => t.success,
            Self::Warn => t.warning,
            Self::Error => t.error,
            Self::Info | Self::Running => t.accent,
            Self::Done | Self::Idle => t.text_2,
        }
    }

    /// The ground of a chip.
    pub fn tint(self, t: &Tokens) -> Color32 {
        match self {
            Self::Ok => t.tint_ok,
            Self::Warn => t.tint_warn,
            Self::Error => t.tint_error,
            Self::Info | Self::Running => t.tint_info,
            Self::Done | Self::Idle => t.sunken,
        }
    }

    /// The icon.
    pub fn icon(self) -> Icon {
        match self {
            Self::Ok => Icon::CheckCircle,
            Self::Warn => Icon::Warning,
            Self::Error => Icon::XCircle,
            Self::Info => Icon::Info,
            Self::Running => Icon::CircleNotch,
            Self::Done => Icon::Check,
            Self::Idle => Icon::CircleDashed,
        }
    }

    /// The word for a screen reader where no word is drawn (rail, dots).
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok | Self::Done => "done",
            Self::Warn => "attention",
            Self::Error => "failed",
            Self::Info => "note",
            Self::Running => "running",
            Self::Idle => "not yet",
        }
    }
}

/// A chip of 20 points height: tint, icon and word; clickable with [`Chip::button`].
#[derive(Clone, Debug)]
#[must_use = "call `show` or `ui.add`"]
pub struct Chip<'a> {
    word: Cow<'a, str>,
    status: Status,
    icon: Option<Icon>,
    clickable: bool,
    tooltip: Option<Cow<'a, str>>,
}

impl<'a> Chip<'a> {
    /// A chip with the colour and icon of `status`.
    pub fn new(status: Status, word: impl Into<Cow<'a, str>>) -> Self {
        Self { word: word.into(), status, icon: Some(status.icon()), clickable: false, tooltip: None }
    }

    /// A grey chip with an icon of its own: a role, a tag.
    pub fn neutral(icon: Icon, word: impl Into<Cow<'a, str>>) -> Self {
        Self { icon: Some(icon), ..Self::new(Status::Idle, word) }
    }

    /// A grey chip without icon.
    pub fn plain(word: impl Into<Cow<'a, str>>) -> Self {
        Self { icon: None, ..Self::new(Status::Idle, word) }
    }

    /// Another icon than that of the status.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Makes the chip a button.
    pub fn button(mut self) -> Self {
        self.clickable = true;
        self
    }

    /// Text on hover.
    pub fn tooltip(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.tooltip = Some(text.into());
        self
    }

    /// Draws the chip.
    pub fn show(self, ui: &mut Ui) -> Response {
        let size = vec2(self.width(ui), CHIP);
        let sense = if self.clickable { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(size, sense);
        let role = if self.clickable { Role::Button } else { Role::Label };
        let enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::labeled(role, enabled, &self.word));
        if ui.is_rect_visible(rect) {
            self.paint_at(ui, rect, response.hovered() && self.clickable);
            paint::focus_ring(ui, rect, RADIUS_CONTROL, &response);
        }
        match self.tooltip {
            Some(text) => response.on_hover_text(text.into_owned()),
            None => response,
        }
    }

    /// Width of the chip in points.
    pub(crate) fn width(&self, ui: &Ui) -> f32 {
        let icon = if self.icon.is_some() { 14.0 + 4.0 } else { 0.0 };
        (paint::text_width(ui.painter(), &self.word, Type::Caption) + icon + 12.0).ceil()
    }

    pub(crate) fn paint_at(&self, ui: &Ui, rect: Rect, hot: bool) {
        let t = tokens(ui);
        let fill = if hot { t.hover } else { self.status.tint(t) };
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), fill);
        let colour = self.status.colour(t);
        let mut x = rect.left() + 6.0;
        if let Some(glyph) = self.icon {
            icon::paint(ui.painter(), pos2(x + 7.0, rect.center().y), glyph, 14.0, colour, Look::Regular);
            x += 18.0;
        }
        let width = rect.right() - 6.0 - x;
        let galley = paint::fitted(ui.painter(), &self.word, Type::Caption, colour, width.max(0.0) + 0.5);
        paint::galley_at(ui.painter(), pos2(x, rect.center().y), Align2::LEFT_CENTER, galley);
    }
}

impl Widget for Chip<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

/// Icon and word of a status on one line of 12 points, without a tint.
pub fn status_word(ui: &mut Ui, status: Status, word: &str) -> Response {
    let width = paint::text_width(ui.painter(), word, Type::Label) + 14.0 + 4.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width.ceil(), 16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
    if ui.is_rect_visible(rect) {
        paint_word(ui, rect.left_center(), rect.width(), status, word);
    }
    response
}

/// Paints icon and word with their left edge at `at`, cut at `width` points.
pub(crate) fn paint_word(ui: &Ui, at: egui::Pos2, width: f32, status: Status, word: &str) {
    let colour = status.colour(tokens(ui));
    let look = if matches!(status, Status::Ok | Status::Warn) { Look::Fill } else { Look::Regular };
    icon::paint(ui.painter(), pos2(at.x + 7.0, at.y), status.icon(), 14.0, colour, look);
    let galley = paint::fitted(ui.painter(), word, Type::Label, colour, (width - 18.0).max(0.0) + 0.5);
    paint::galley_at(ui.painter(), pos2(at.x + 18.0, at.y), Align2::LEFT_CENTER, galley);
}

/// A sentence of `status` that wraps: an error below a field, a warning in the inspector.
pub fn status_line(ui: &mut Ui, status: Status, sentence: &str) -> Response {
    let t = tokens(ui);
    let tint = status.colour(t);
    let colour = if matches!(status, Status::Warn | Status::Error) { tint } else { t.text_2 };
    let width = (ui.available_width() - 20.0).max(40.0);
    let galley = paint::wrapped(ui.painter(), sentence, Type::Label, colour, width, egui::Align::Min);
    let size = vec2(galley.size().x + 20.0, galley.size().y.max(16.0));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, sentence));
    if ui.is_rect_visible(rect) {
        let glyph = if status == Status::Error { Icon::WarningCircle } else { status.icon() };
        icon::paint(ui.painter(), rect.left_top() + vec2(7.0, 8.0), glyph, 14.0, colour, Look::Regular);
        ui.painter().galley(paint::snapped(ui.painter(), rect.left_top() + vec2(20.0, 0.0)), galley, colour);
    }
    response
}

/// A colour chip with its word: the legend of a run, a version or a split.
pub fn legend(ui: &mut Ui, colour: Color32, word: &str) -> Response {
    let width = paint::text_width(ui.painter(), word, Type::Label) + 16.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width.ceil(), 16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
    if ui.is_rect_visible(rect) {
        paint::swatch(ui.painter(), rect.left_center() + vec2(5.0, 0.0), 10.0, colour);
        let text = tokens(ui).text;
        paint::text_at(
            ui.painter(),
            rect.left_center() + vec2(16.0, 0.0),
            Align2::LEFT_CENTER,
            word,
            Type::Label,
            text,
        );
    }
    response
}
