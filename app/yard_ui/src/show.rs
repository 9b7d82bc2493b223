//! What a view shows besides controls: headings, headline figures, key-value rows, code, progress,
//! empty and waiting states.

use egui::{
    Align, Align2, CornerRadius, Frame, Label, Layout, Margin, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::{
    button::Button,
    fmt,
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{CONTROL, RADIUS_CARD, RADIUS_CONTROL, S2, S4, S8, S12, S16},
    text,
    tokens::tokens,
};

/// The heading of a section with a quiet note beside it; `right` draws controls at the right edge.
pub fn section_with<R>(ui: &mut Ui, heading: &str, note: &str, right: impl FnOnce(&mut Ui) -> R) -> R {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), CONTROL), Sense::hover());
    let child = |ui: &mut Ui, place: Rect, layout: Layout| {
        ui.new_child(egui::UiBuilder::new().max_rect(place).layout(layout))
    };
    let mut left = child(ui, rect, Layout::left_to_right(Align::Center));
    let response = text::strong(&mut left, heading);
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, heading));
    let mut end = child(ui, rect, Layout::right_to_left(Align::Center));
    let inner = right(&mut end);
    let used = if end.min_rect().is_finite() { end.min_rect().left() } else { rect.right() };
    let from = response.rect.right() + S8;
    if !note.is_empty() && used - S8 > from {
        let place = Rect::from_min_max(pos2(from, rect.top()), pos2(used - S8, rect.bottom()));
        let mut middle = child(ui, place, Layout::left_to_right(Align::Center));
        let colour = tokens(ui).text_3;
        text::fitted(&mut middle, note, Type::Caption, colour);
    }
    inner
}

/// The heading of a section, 13/20 semibold, with a quiet note beside it.
pub fn section(ui: &mut Ui, heading: &str, note: &str) -> Response {
    let size = vec2(ui.available_width(), 20.0);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = S8;
        let response = text::strong(ui, heading);
        response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, heading));
        if !note.is_empty() {
            let colour = tokens(ui).text_3;
            text::fitted(ui, note, Type::Caption, colour);
        }
        response
    })
    .inner
}

/// A hairline across the available width, with `space` points above and below.
pub fn divider(ui: &mut Ui, space: f32) {
    let gap = ui.spacing().item_spacing.y;
    let (rect, _) = ui
        .allocate_exact_size(vec2(ui.available_width(), (space * 2.0 - gap * 2.0).max(1.0)), Sense::hover());
    let y = paint::crisp(ui.painter(), rect.center().y);
    ui.painter().hline(rect.x_range(), y, paint::border(ui));
}

/// Which direction of a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Larger is better: an arrow up.
    Higher,
    /// Smaller is better: an arrow down.
    Lower,
}

impl Better {
    /// The arrow as text.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Higher => "↑",
            Self::Lower => "↓",
        }
    }

    /// The arrow in words, for accessible names.
    pub fn words(self) -> &'static str {
        match self {
            Self::Higher => "higher is better",
            Self::Lower => "lower is better",
        }
    }
}

/// A headline figure: label, number in 20 points mono, interval line, comparison line.
#[derive(Clone, Debug, Default)]
#[must_use = "call `show`"]
pub struct Figure<'a> {
    label: &'a str,
    value: String,
    unit: &'a str,
    lines: Vec<(String, crate::Status)>,
    better: Option<Better>,
}

impl<'a> Figure<'a> {
    /// A figure with its label and its number, formatted by [`crate::fmt`].
    pub fn new(label: &'a str, value: impl Into<String>) -> Self {
        Self { label, value: value.into(), ..Self::default() }
    }

    /// Unit after the number.
    pub fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// The direction that is better, as an arrow after the label.
    pub fn better(mut self, better: Better) -> Self {
        self.better = Some(better);
        self
    }

    /// A quiet line below the number: its interval, its source.
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push((line.into(), crate::Status::Idle));
        self
    }

    /// A line below in the colour of `status`: the comparison with another model.
    pub fn compared(mut self, status: crate::Status, line: impl Into<String>) -> Self {
        self.lines.push((line.into(), status));
        self
    }

    /// Draws the figure in a column as wide as its text.
    pub fn show(self, ui: &mut Ui) -> Response {
        let label = match self.better {
            Some(better) => format!("{} {}", self.label, better.arrow()),
            None => self.label.to_owned(),
        };
        let response = ui
            .scope(|ui| {
                ui.spacing_mut().item_spacing = vec2(S4, 0.0);
                ui.spacing_mut().interact_size.y = 24.0;
                ui.vertical(|ui| {
                    text::note(ui, &label);
                    ui.horizontal(|ui| self.number(ui));
                    for (line, status) in &self.lines {
                        let t = tokens(ui);
                        let colour = if *status == crate::Status::Idle { t.text_3 } else { status.colour(t) };
                        text::label(ui, line, Type::Caption, colour);
                    }
                });
            })
            .response;
        copy_menu(ui, &response, &format!("{}: {} {}", self.label, self.value, self.unit));
        match self.better {
            Some(better) => response.on_hover_text(better.words()),
            None => response,
        }
    }

    fn number(&self, ui: &mut Ui) {
        let t = tokens(ui);
        let response = text::label(ui, &self.value, Type::Figure, t.text);
        let spoken = format!("{}: {} {}", self.label, self.value, self.unit);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken.trim_end()));
        if !self.unit.is_empty() {
            text::label(ui, self.unit, Type::Label, t.text_2);
        }
    }
}

/// A right click on a value offers to copy it, with its name and unit.
fn copy_menu(ui: &Ui, response: &Response, text: &str) {
    // Clickable, but no stop of the Tab key: tables and Ctrl+C are the keyboard's way.
    let place = ui.interact(response.rect, response.id.with("copy"), egui::Sense::CLICK);
    place.context_menu(|ui| {
        if crate::overlay::menu_item(ui, Icon::Copy, "Copy value", "").clicked() {
            ui.ctx().copy_text(text.trim_end().to_owned());
            ui.close();
        }
    });
}

/// Draws headline figures in one row of equal columns.
pub fn figures(ui: &mut Ui, list: Vec<Figure<'_>>) {
    let count = list.len().max(1);
    let gap = S16;
    let width = (ui.available_width() - gap * (count - 1) as f32) / count as f32;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for figure in list {
            ui.allocate_ui_with_layout(vec2(width, 72.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                figure.show(ui);
            });
        }
    });
}

/// One row of a key-value list, 16 points: label left, value right in the mono face.
pub fn key_value(ui: &mut Ui, key: &str, value: &str) -> Response {
    let colour = tokens(ui).text;
    key_value_in(ui, key, value, Type::Mono, colour)
}

/// One row of a key-value list whose value is text.
pub fn key_text(ui: &mut Ui, key: &str, value: &str) -> Response {
    let colour = tokens(ui).text;
    key_value_in(ui, key, value, Type::Label, colour)
}

/// One row of a key-value list with a value of `kind` in `colour`.
pub fn key_value_in(ui: &mut Ui, key: &str, value: &str, kind: Type, colour: egui::Color32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{key}: {value}")));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let t = tokens(ui);
    let painter = ui.painter();
    let name = paint::fitted(painter, key, Type::Label, t.text_2, rect.width() * 0.66);
    let left = name.size().x;
    let cut_name = name.elided;
    paint::galley_at(painter, rect.left_center(), Align2::LEFT_CENTER, name);
    let shown = if value.is_empty() { fmt::MISSING } else { value };
    let galley = paint::fitted(painter, shown, kind, colour, (rect.width() - left - S8).max(0.0));
    let cut = galley.elided || cut_name;
    paint::galley_at(painter, rect.right_center(), Align2::RIGHT_CENTER, galley);
    copy_menu(ui, &response, &format!("{key}: {value}"));
    if cut { response.on_hover_text(format!("{key}: {value}")) } else { response }
}

/// Draws `rows` of a key-value list with 4 points between them.
pub fn key_values<'a>(ui: &mut Ui, rows: impl IntoIterator<Item = (&'a str, String)>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = S4;
        for (key, value) in rows {
            key_value(ui, key, &value);
        }
    });
}

/// A block of code or of a command, one line a row, on the sunken ground.
pub fn code(ui: &mut Ui, name: &str, source: &str) -> Response {
    let t = tokens(ui);
    let response = Frame::new()
        .fill(t.sunken)
        .corner_radius(RADIUS_CONTROL)
        .inner_margin(Margin::symmetric(8, 6))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            ui.add(Label::new(Type::MonoSmall.rich(source).color(t.text_2)).selectable(true).wrap())
        })
        .inner;
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {source}")));
    response
}

/// A code block with a heading and a Copy link above; returns whether it was copied now.
pub fn code_with_copy(ui: &mut Ui, heading: &str, source: &str) -> bool {
    let copied = ui
        .horizontal(|ui| {
            text::small_strong(ui, heading);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| copy_link(ui, source)).inner
        })
        .inner;
    code(ui, heading, source);
    copied
}

/// The link "Copy" with its icon: puts `source` on the clipboard.
pub fn copy_link(ui: &mut Ui, source: &str) -> bool {
    let clicked = text::icon_link(ui, Icon::Copy, "Copy").clicked();
    if clicked {
        ui.ctx().copy_text(source.to_owned());
    }
    clicked
}

/// A progress bar of 4 points with its text at the right.
///
/// `done` is a share of 1, or nothing while the total is not known (a third moves along).
pub fn progress(ui: &mut Ui, name: &str, done: Option<f64>, text: &str) -> Response {
    let width = ui.available_width();
    progress_sized(ui, name, done, (width, text))
}

/// A progress bar of `width` points in all.
pub fn progress_sized(ui: &mut Ui, name: &str, done: Option<f64>, (width, text): (f32, &str)) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 16.0), Sense::hover());
    let share = done.filter(|share| share.is_finite()).map(|share| share.clamp(0.0, 1.0));
    response.widget_info(|| WidgetInfo {
        value: share,
        current_text_value: Some(text.to_owned()),
        ..WidgetInfo::labeled(Role::ProgressIndicator, true, name)
    });
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let t = tokens(ui);
    let galley = paint::fitted(ui.painter(), text, Type::Mono, t.text, width * 0.6);
    let right = if text.is_empty() { 0.0 } else { galley.size().x + S8 };
    paint::galley_at(ui.painter(), rect.right_center(), Align2::RIGHT_CENTER, galley);
    let track = Rect::from_min_max(
        pos2(rect.left(), rect.center().y - S2),
        pos2(rect.right() - right, rect.center().y + S2),
    );
    ui.painter().rect_filled(track, CornerRadius::same(2), t.border);
    let fill = match share {
        Some(share) => Rect::from_min_size(track.min, vec2(track.width() * share as f32, track.height())),
        None => moving_third(ui, track),
    };
    ui.painter().rect_filled(fill, CornerRadius::same(2), t.accent);
    response
}

fn moving_third(ui: &Ui, track: Rect) -> Rect {
    if crate::theme::is_motion_reduced(ui) {
        return Rect::from_min_size(track.min, vec2(track.width() / 3.0, track.height()));
    }
    ui.ctx().request_repaint_after_secs(0.05);
    let phase = (ui.input(|input| input.time) / 1.6).fract() as f32;
    let start = track.left() + (track.width() * 1.33) * phase - track.width() * 0.33;
    Rect::from_min_size(pos2(start, track.top()), vec2(track.width() / 3.0, track.height())).intersect(track)
}

/// A grey block where content is on its way.
pub fn skeleton(ui: &mut Ui, size: Vec2) -> Response {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), tokens(ui).sunken);
    response
}

/// A turning ring of 16 points, for waits of 300 ms and more; `name` says what is awaited.
pub fn spinner(ui: &mut Ui, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name));
    if ui.is_rect_visible(rect) {
        let still = crate::theme::is_motion_reduced(ui);
        if !still {
            ui.ctx().request_repaint_after_secs(0.05);
        }
        let turn = if still { 0.0 } else { ui.input(|input| input.time) * std::f64::consts::TAU / 1.2 };
        let t = tokens(ui);
        let points: Vec<_> = (0..=24)
            .map(|at| {
                let angle = (turn + f64::from(at) / 24.0 * std::f64::consts::TAU * 0.75) as f32;
                rect.center() + vec2(angle.cos(), angle.sin()) * 6.0
            })
            .collect();
        ui.painter().line(points, Stroke::new(1.5, t.accent));
    }
    response
}

/// An empty place: what appears here, one action, and a link to the stage that feeds it.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct Empty<'a> {
    icon: Icon,
    sentence: &'a str,
    action: Option<(&'a str, &'a str)>,
    link: Option<&'a str>,
    height: f32,
}

/// What the user chose in an empty place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmptyResponse {
    /// The action was pressed.
    pub action: bool,
    /// The link was pressed.
    pub link: bool,
}

impl<'a> Empty<'a> {
    /// One sentence on what appears here.
    pub fn new(icon: Icon, sentence: &'a str) -> Self {
        Self { icon, sentence, action: None, link: None, height: 144.0 }
    }

    /// The one action with its shortcut ("" for none).
    pub fn action(mut self, label: &'a str, key: &'a str) -> Self {
        self.action = Some((label, key));
        self
    }

    /// A link to the stage that feeds this place.
    pub fn link(mut self, label: &'a str) -> Self {
        self.link = Some(label);
        self
    }

    /// Least height of the card in points.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// Draws the card over the available width.
    pub fn show(self, ui: &mut Ui) -> EmptyResponse {
        card(ui, |ui| {
            ui.set_min_height(self.height - 2.0 * S16);
            ui.spacing_mut().item_spacing.y = S8;
            ui.vertical_centered(|ui| {
                let t = tokens(ui);
                icon::icon_with(ui, self.icon, icon::LARGE, t.text_2, false);
                ui.add(Label::new(Type::Label.rich(self.sentence).color(t.text_2)).wrap());
                let action = self.action.is_some_and(|(label, key)| {
                    let button = Button::secondary(label);
                    let button = if key.is_empty() { button } else { button.key(key) };
                    button.show(ui).clicked()
                });
                let link = self.link.is_some_and(|label| text::link(ui, label).clicked());
                EmptyResponse { action, link }
            })
            .inner
        })
    }
}

/// A card: hairline border, radius 6, padding 16, the width of the column.
pub fn card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let t = tokens(ui);
    Frame::new()
        .fill(t.surface)
        .stroke(paint::border(ui))
        .corner_radius(RADIUS_CARD)
        .inner_margin(Margin::same(S16 as i8))
        .show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            content(ui)
        })
        .inner
}

/// A failed part keeps its place: title, what failed, what to do, and a way to copy the details.
pub fn failed(ui: &mut Ui, title: &str, what: &str, advice: &str) -> bool {
    card(ui, |ui| {
        ui.spacing_mut().item_spacing.y = S4;
        text::small_strong(ui, title);
        crate::status::status_line(ui, crate::Status::Error, what);
        text::paragraph(ui, advice);
        let copied = text::icon_link(ui, Icon::Copy, "Copy details").clicked();
        if copied {
            ui.ctx().copy_text(format!("{title}\n{what}\n{advice}"));
        }
        copied
    })
}

/// The dashed area that says where to drop a file; a click on it counts as "choose a file".
pub fn drop_target(ui: &mut Ui, sentence: &str, note: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 92.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, sentence));
    let t = tokens(ui);
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CARD), t.hover);
    }
    let corners =
        [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    ui.painter().extend(egui::Shape::dashed_line(&corners, Stroke::new(1.0, t.border_strong), 4.0, 3.0));
    let middle = rect.center().x;
    icon::paint(
        ui.painter(),
        pos2(middle, rect.top() + 24.0),
        Icon::FileCsv,
        icon::LARGE,
        t.text_2,
        Look::Regular,
    );
    paint::text_at(
        ui.painter(),
        pos2(middle, rect.top() + 48.0),
        Align2::CENTER_CENTER,
        sentence,
        Type::Body,
        t.text_2,
    );
    paint::text_at(
        ui.painter(),
        pos2(middle, rect.top() + 70.0),
        Align2::CENTER_CENTER,
        note,
        Type::Caption,
        t.text_3,
    );
    paint::focus_ring(ui, rect, RADIUS_CARD, &response);
    response
}

/// The frame over the whole window while a file is dragged over it: says what will happen.
pub fn drop_overlay(ctx: &egui::Context, sentence: &str) {
    let t = crate::tokens::tokens_ctx(ctx);
    let screen = ctx.content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("yard_ui.drop"));
    let painter = ctx.layer_painter(layer);
    painter.rect_filled(screen, CornerRadius::ZERO, t.dim_colour());
    let place = Rect::from_center_size(screen.center(), vec2(420.0_f32.min(screen.width() - S16), 96.0));
    painter.rect(
        place,
        CornerRadius::same(RADIUS_CARD),
        t.surface,
        Stroke::new(2.0, t.accent),
        StrokeKind::Inside,
    );
    icon::paint(
        &painter,
        pos2(place.center().x, place.top() + 32.0),
        Icon::DownloadSimple,
        icon::LARGE,
        t.accent,
        Look::Regular,
    );
    let at = pos2(place.center().x, place.bottom() - S12 - 16.0);
    let galley = paint::fitted(&painter, sentence, Type::Body, t.text, place.width() - 2.0 * S12);
    paint::galley_at(&painter, at, Align2::CENTER_CENTER, galley);
}
