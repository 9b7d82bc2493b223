//! What stands in a cell: text with a look, so that copying and screen readers need no second source.

use std::borrow::Cow;

use egui::{
    Align, Align2, Color32, CornerRadius, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::{
    fmt,
    fonts::Type,
    icon::{self, Icon, Look},
    marks::{self, Histogram, Interval},
    paint,
    space::S8,
    status::{self, Chip, Status},
    tokens::tokens,
};

/// A cell: the text that is copied and read out, and how it is drawn.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) look: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Text,
    Strong,
    Muted,
    Number,
    Missing,
    Link,
    Word(Status),
    Chip(Status, Option<Icon>),
    Choice(Icon, Cow<'static, str>),
    Swatch(Color32, bool),
    Icon(Icon),
    Button(Icon),
    Interval(Interval),
    Histogram(Histogram),
    Sparkline(Vec<f64>),
    Share(f64),
}

impl<'a> Cell<'a> {
    fn new(text: impl Into<Cow<'a, str>>, look: Kind) -> Self {
        Self { text: text.into(), look }
    }

    /// Plain text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Kind::Text)
    }

    /// Semibold text.
    pub fn strong(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Kind::Strong)
    }

    /// Quiet text.
    pub fn muted(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Kind::Muted)
    }

    /// A number, hash or address in the mono face, formatted by [`crate::fmt`].
    pub fn number(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Kind::Number)
    }

    /// A missing value: an en dash; copied as an empty field.
    pub fn missing() -> Self {
        Self::new(fmt::MISSING, Kind::Missing)
    }

    /// `Some` as a number, `None` as missing.
    pub fn number_opt(text: Option<String>) -> Self {
        text.map_or_else(Self::missing, Self::number)
    }

    /// A link: a click is reported as `TableResponse::cell`.
    pub fn link(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Kind::Link)
    }

    /// Icon and word of a status.
    pub fn status(status: Status, word: impl Into<Cow<'a, str>>) -> Self {
        Self::new(word, Kind::Word(status))
    }

    /// A chip with the tint of a status.
    pub fn chip(status: Status, word: impl Into<Cow<'a, str>>) -> Self {
        Self::new(word, Kind::Chip(status, Some(status.icon())))
    }

    /// A grey chip with an icon of its own.
    pub fn tag(icon: Icon, word: impl Into<Cow<'a, str>>) -> Self {
        Self::new(word, Kind::Chip(Status::Idle, Some(icon)))
    }

    /// A grey chip that opens a menu: a click is reported as `TableResponse::cell`. `name` says what is
    /// chosen ("Role of tenure"); the accessible name is the two together.
    pub fn choice(icon: Icon, word: impl Into<Cow<'a, str>>, name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(word, Kind::Choice(icon, name.into()))
    }

    /// The colour of a run: filled while it is drawn in the plots, an empty box else. Clickable.
    pub fn swatch(colour: Color32, filled: bool, name: impl Into<Cow<'a, str>>) -> Self {
        Self::new(name, Kind::Swatch(colour, filled))
    }

    /// An icon with its name.
    pub fn icon(icon: Icon, name: impl Into<Cow<'a, str>>) -> Self {
        Self::new(name, Kind::Icon(icon))
    }

    /// An icon button with its name: a click is reported as `TableResponse::cell`.
    pub fn button(icon: Icon, name: impl Into<Cow<'a, str>>) -> Self {
        Self::new(name, Kind::Button(icon))
    }

    /// An estimate with its interval on the column's range.
    pub fn interval(mark: Interval) -> Self {
        Self::new(fmt::with_interval(mark.value, mark.low, mark.high, 3), Kind::Interval(mark))
    }

    /// A mini histogram; `words` describe it for copying and screen readers.
    pub fn histogram(histogram: Histogram, words: impl Into<Cow<'a, str>>) -> Self {
        Self::new(words, Kind::Histogram(histogram))
    }

    /// A sparkline; `words` describe it.
    pub fn sparkline(values: Vec<f64>, words: impl Into<Cow<'a, str>>) -> Self {
        Self::new(words, Kind::Sparkline(values))
    }

    /// A small bar for a share of 1.
    pub fn share(share: f64, text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(text, Kind::Share(share))
    }

    /// The text for the clipboard; a missing value is empty.
    pub(super) fn copied(&self) -> String {
        if matches!(self.look, Kind::Missing) { String::new() } else { self.text.clone().into_owned() }
    }

    /// Paints the text of the cell with a painter of its own, without controls: for grids.
    pub(super) fn paint_clipped(&self, ui: &Ui, painter: &egui::Painter, rect: Rect, align: Align) {
        let t = tokens(ui);
        let inner = rect.shrink2(vec2(S8, 0.0));
        let (kind, colour) = match self.look {
            Kind::Number => (Type::Mono, t.text),
            Kind::Missing => (Type::Mono, t.text_3),
            Kind::Muted => (Type::Label, t.text_2),
            Kind::Strong => (Type::LabelStrong, t.text),
            _ => (Type::Label, t.text),
        };
        let galley = paint::fitted(painter, &self.text, kind, colour, inner.width() + 0.5);
        let (at, anchor) = anchored(inner, align);
        paint::galley_at(painter, at, anchor, galley);
    }

    /// Draws the cell into `rect` (padding included); returns true if its own control was clicked.
    pub(super) fn show(&self, ui: &Ui, rect: Rect, align: Align, id: egui::Id) -> bool {
        let inner = rect.shrink2(vec2(S8, 0.0));
        match &self.look {
            Kind::Text | Kind::Strong | Kind::Muted | Kind::Number | Kind::Missing => {
                self.paint_text(ui, (rect, inner), align, id);
            }
            Kind::Link | Kind::Button(_) | Kind::Swatch(..) => {
                return self.control(ui, rect, align, id).clicked();
            }
            Kind::Choice(glyph, name) => return self.choice_ui(ui, inner, (*glyph, name), id).clicked(),
            Kind::Word(status) => {
                status::paint_word(
                    ui,
                    pos2(inner.left(), rect.center().y),
                    rect.right() - inner.left(),
                    *status,
                    &self.text,
                );
            }
            Kind::Chip(status, glyph) => self.paint_chip(ui, inner, *status, *glyph),
            Kind::Icon(glyph) => {
                icon::paint(
                    ui.painter(),
                    rect.center(),
                    *glyph,
                    icon::SMALL,
                    tokens(ui).text_2,
                    Look::Regular,
                );
            }
            Kind::Interval(mark) => marks::paint_interval(ui, inner, mark),
            Kind::Histogram(histogram) => {
                marks::paint_histogram(ui, inner.shrink2(vec2(0.0, 3.0)), histogram);
            }
            Kind::Sparkline(values) => {
                marks::paint_sparkline(ui, inner.shrink2(vec2(0.0, 3.0)), values, tokens(ui).series(0));
            }
            Kind::Share(share) => self.paint_share(ui, inner, *share),
        }
        false
    }

    /// Text on one line; the whole of a cut text is shown on hover.
    fn paint_text(&self, ui: &Ui, (rect, inner): (Rect, Rect), align: Align, id: egui::Id) {
        let t = tokens(ui);
        let (kind, colour) = match self.look {
            Kind::Strong => (Type::LabelStrong, t.text),
            Kind::Muted => (Type::Label, t.text_2),
            Kind::Number => (Type::Mono, t.text),
            Kind::Missing => (Type::Mono, t.text_3),
            _ => (Type::Label, t.text),
        };
        let galley = paint::fitted(ui.painter(), &self.text, kind, colour, inner.width() + 0.5);
        let cut = galley.elided;
        let (at, anchor) = anchored(inner, align);
        paint::galley_at(ui.painter(), at, anchor, galley);
        if cut {
            ui.interact(rect, id, Sense::hover()).on_hover_text(self.text.as_ref());
        }
    }

    fn paint_chip(&self, ui: &Ui, inner: Rect, status: Status, glyph: Option<Icon>) {
        let chip = match glyph {
            Some(glyph) => Chip::new(status, self.text.as_ref()).icon(glyph),
            None => Chip::plain(self.text.as_ref()),
        };
        let width = chip.width(ui).min(inner.width());
        let height = 20.0_f32.min(inner.height() - 2.0);
        let rect =
            Rect::from_min_size(pos2(inner.left(), inner.center().y - height / 2.0), vec2(width, height));
        chip.paint_at(ui, rect, false);
    }

    fn choice_ui(&self, ui: &Ui, inner: Rect, (glyph, name): (Icon, &str), id: egui::Id) -> Response {
        let chip = Chip::new(Status::Idle, self.text.as_ref()).icon(glyph);
        let size = vec2(chip.width(ui).min(inner.width()), 20.0_f32.min(inner.height() - 2.0));
        let rect = Rect::from_min_size(pos2(inner.left(), inner.center().y - size.y / 2.0), size);
        let response = ui.interact(rect, id, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name}: {}", self.text)));
        chip.paint_at(ui, rect, response.hovered());
        paint::focus_ring(ui, rect, 3, &response);
        response.on_hover_cursor(egui::CursorIcon::PointingHand)
    }

    fn paint_share(&self, ui: &Ui, inner: Rect, share: f64) {
        let t = tokens(ui);
        let text = paint::text_at(
            ui.painter(),
            inner.right_center(),
            Align2::RIGHT_CENTER,
            &self.text,
            Type::Mono,
            t.text,
        );
        let track = Rect::from_min_max(
            pos2(inner.left(), inner.center().y - 2.0),
            pos2(text.left() - S8, inner.center().y + 2.0),
        );
        if track.width() > 4.0 && share.is_finite() {
            let filled = vec2(track.width() * share.clamp(0.0, 1.0) as f32, 4.0);
            ui.painter().rect_filled(track, CornerRadius::same(2), t.border);
            ui.painter().rect_filled(Rect::from_min_size(track.min, filled), CornerRadius::same(2), t.accent);
        }
    }

    fn control(&self, ui: &Ui, rect: Rect, align: Align, id: egui::Id) -> Response {
        let t = tokens(ui);
        let response = ui.interact(rect, id, Sense::click());
        let role = if matches!(self.look, Kind::Link) { Role::Link } else { Role::Button };
        response.widget_info(|| WidgetInfo::labeled(role, true, &self.text));
        match &self.look {
            Kind::Link => {
                let inner = rect.shrink2(vec2(S8, 0.0));
                let galley =
                    paint::fitted(ui.painter(), &self.text, Type::Label, t.accent, inner.width() + 0.5);
                let (at, anchor) = anchored(inner, align);
                paint::galley_at(ui.painter(), at, anchor, galley);
            }
            Kind::Button(glyph) => {
                let colour = if response.hovered() { t.text } else { t.text_2 };
                icon::paint(ui.painter(), rect.center(), *glyph, icon::SMALL, colour, Look::Regular);
            }
            Kind::Swatch(colour, filled) => {
                let place = Rect::from_center_size(rect.center(), vec2(11.0, 11.0));
                if *filled {
                    paint::swatch(ui.painter(), place.center(), 11.0, *colour);
                } else {
                    ui.painter().rect_stroke(
                        place,
                        CornerRadius::same(2),
                        Stroke::new(1.0, t.border_strong),
                        StrokeKind::Inside,
                    );
                }
            }
            _ => {}
        }
        paint::focus_ring(ui, rect.shrink(2.0), 2, &response);
        let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
        if matches!(self.look, Kind::Link) { response } else { response.on_hover_text(self.text.as_ref()) }
    }
}

fn anchored(inner: Rect, align: Align) -> (egui::Pos2, Align2) {
    match align {
        Align::Min => (inner.left_center(), Align2::LEFT_CENTER),
        Align::Center => (inner.center(), Align2::CENTER_CENTER),
        Align::Max => (inner.right_center(), Align2::RIGHT_CENTER),
    }
}
