//! Top bar and status bar.

use egui::{
    Align, Align2, CornerRadius, Layout, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use super::{NextStep, ShellEvent};
use crate::{
    button::{IconButton, key_width, paint_key},
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    show::progress_sized,
    space::{CONTROL, RADIUS_CONTROL, S8, S12},
    status::{Chip, Status, status_word},
    text,
    tokens::tokens,
};

/// The top bar.
#[derive(Clone, Debug, Default)]
pub struct TopBar<'a> {
    /// Name of the open project; empty if none is open.
    pub project: &'a str,
    /// State of the project file ("Saved 14:21", "Read-only"); empty for none.
    pub saved: &'a str,
    /// Notifications that have not been seen.
    pub unseen: usize,
    /// Shortcut of the palette.
    pub palette_key: &'a str,
}

/// The running job in the status bar.
#[derive(Clone, Debug, Default)]
pub struct Job<'a> {
    /// What runs ("Run 15, mlp").
    pub name: &'a str,
    /// Amount and time left ("epoch 27 of 60, 10 s left").
    pub text: &'a str,
    /// Share of 1; nothing while the total is not known.
    pub done: Option<f64>,
    /// Whether it can be stopped.
    pub stoppable: bool,
    /// Shortcut of Stop.
    pub stop_key: &'a str,
}

/// The status bar.
#[derive(Clone, Debug, Default)]
pub struct StatusBar<'a> {
    /// The job that runs now.
    pub job: Option<Job<'a>>,
    /// Short facts at the right: rows and selection, CPU, memory.
    pub facts: Vec<&'a str>,
    /// State of the engine in one word or two.
    pub engine: Option<(Status, &'a str)>,
}

pub(super) fn top(
    ui: &mut Ui,
    bar: &TopBar<'_>,
    inspector: bool,
    event: &mut Option<ShellEvent>,
) -> (Response, Response) {
    let rect = ui.max_rect();
    let mut left = ui.new_child(
        UiBuilder::new().max_rect(rect.shrink2(vec2(S12, 0.0))).layout(Layout::left_to_right(Align::Center)),
    );
    left.spacing_mut().item_spacing.x = S8;
    let project = project_button(&mut left, bar.project);
    if !bar.saved.is_empty() {
        Chip::plain(bar.saved).show(&mut left);
    }
    let mut right = ui.new_child(
        UiBuilder::new().max_rect(rect.shrink2(vec2(8.0, 0.0))).layout(Layout::right_to_left(Align::Center)),
    );
    right.spacing_mut().item_spacing.x = 0.0;
    let bell = IconButton::new(Icon::Bell, "Notifications").badge(bar.unseen).show(&mut right);
    if IconButton::new(Icon::Gear, "Settings").show(&mut right).clicked() {
        *event = Some(ShellEvent::Settings);
    }
    if IconButton::new(Icon::Question, "Help").show(&mut right).clicked() {
        *event = Some(ShellEvent::Help);
    }
    if IconButton::new(Icon::CircleHalf, "Switch theme").show(&mut right).clicked() {
        *event = Some(ShellEvent::Theme);
    }
    let name = if inspector { "Close inspector" } else { "Open inspector" };
    if IconButton::new(Icon::SidebarSimple, name).show(&mut right).clicked() {
        *event = Some(ShellEvent::Inspector);
    }
    let (start, end) = (left.min_rect().right() + S12, right.min_rect().left() - S12);
    let width = 472.0_f32.min((rect.center().x - start).min(end - rect.center().x) * 2.0).max(160.0);
    let place = Rect::from_center_size(rect.center(), vec2(width, CONTROL));
    if search_field(ui, place, bar.palette_key).clicked() {
        *event = Some(ShellEvent::Palette);
    }
    (project, bell)
}

fn project_button(ui: &mut Ui, project: &str) -> Response {
    let name = if project.is_empty() { "No project" } else { project };
    let width = paint::text_width(ui.painter(), name, Type::Strong).min(240.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width + 24.0 + 22.0, CONTROL), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Project {name}")));
    let t = tokens(ui);
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), CornerRadius::same(RADIUS_CONTROL), t.hover);
    }
    let y = rect.center().y;
    icon::paint(ui.painter(), pos2(rect.left() + 8.0, y), Icon::Stack, icon::SMALL, t.accent, Look::Regular);
    let galley = paint::fitted(ui.painter(), name, Type::Strong, t.text, 240.0);
    paint::galley_at(ui.painter(), pos2(rect.left() + 24.0, y), Align2::LEFT_CENTER, galley);
    icon::paint(ui.painter(), pos2(rect.right() - 8.0, y), Icon::CaretDown, 14.0, t.text_2, Look::Regular);
    paint::focus_ring(ui, rect, RADIUS_CONTROL, &response);
    response
}

fn search_field(ui: &Ui, place: Rect, key: &str) -> Response {
    let response = ui.interact(place, ui.scope_id().with("palette-field"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Search or run a command"));
    let t = tokens(ui);
    let line = if response.hovered() { t.border_strong } else { t.border };
    ui.painter().rect(
        place,
        CornerRadius::same(RADIUS_CONTROL),
        t.surface,
        Stroke::new(1.0, line),
        StrokeKind::Inside,
    );
    let y = place.center().y;
    icon::paint(
        ui.painter(),
        pos2(place.left() + 16.0, y),
        Icon::MagnifyingGlass,
        icon::SMALL,
        t.text_2,
        Look::Regular,
    );
    let mut right = place.right() - S8;
    if !key.is_empty() {
        right -= key_width(ui, key);
        paint_key(ui, pos2(right, y), key, t.text_2, t.border);
    }
    let width = right - S8 - place.left() - 32.0;
    let galley = paint::fitted(ui.painter(), "Search or run a command", Type::Body, t.text_3, width);
    paint::galley_at(ui.painter(), pos2(place.left() + 32.0, y), Align2::LEFT_CENTER, galley);
    paint::focus_ring(ui, place, RADIUS_CONTROL, &response);
    response
}

pub(super) fn status(
    ui: &mut Ui,
    bar: &StatusBar<'_>,
    next: Option<&NextStep<'_>>,
    event: &mut Option<ShellEvent>,
) {
    let rect = ui.max_rect().shrink2(vec2(S12, 0.0));
    let mut right =
        ui.new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)));
    right.spacing_mut().item_spacing.x = S8;
    if let Some((status, word)) = bar.engine {
        status_word(&mut right, status, word);
    }
    for fact in bar.facts.iter().rev() {
        separator(&mut right);
        text::label(&mut right, *fact, Type::Caption, tokens(ui).text_2);
    }
    let end = right.min_rect().left() - S12;
    let room = Rect::from_min_max(rect.min, pos2(end.max(rect.left()), rect.bottom()));
    let mut left = ui.new_child(UiBuilder::new().max_rect(room).layout(Layout::left_to_right(Align::Center)));
    left.shrink_clip_rect(room);
    left.spacing_mut().item_spacing.x = S8;
    if let Some(job) = &bar.job {
        job_ui(&mut left, job, event);
    } else if let Some(next) = next {
        text::label(&mut left, "Next step", Type::Caption, tokens(ui).text_3);
        if text::link_of(&mut left, next.label, Type::CaptionStrong).clicked() {
            *event = Some(ShellEvent::NextStep);
        }
    } else {
        text::label(&mut left, "No job runs", Type::Caption, tokens(ui).text_3);
    }
}

fn separator(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(1.0, 12.0), Sense::hover());
    ui.painter().vline(paint::crisp(ui.painter(), rect.center().x), rect.y_range(), paint::border(ui));
}

fn job_ui(ui: &mut Ui, job: &Job<'_>, event: &mut Option<ShellEvent>) {
    let t = tokens(ui);
    text::label(ui, job.name, Type::CaptionStrong, t.text);
    text::label(ui, job.text, Type::Caption, t.text_2);
    progress_sized(ui, job.name, job.done, (96.0, ""));
    if job.stoppable {
        let stop = stop_link(ui);
        if !job.stop_key.is_empty() {
            crate::button::key_cap(ui, job.stop_key);
        }
        if stop.clicked() {
            *event = Some(ShellEvent::Stop);
        }
    }
}

fn stop_link(ui: &mut Ui) -> Response {
    let width = 18.0 + paint::text_width(ui.painter(), "Stop", Type::Caption);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 18.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Stop"));
    let t = tokens(ui);
    icon::paint(ui.painter(), rect.left_center() + vec2(7.0, 0.0), Icon::Stop, 14.0, t.error, Look::Regular);
    paint::text_at(
        ui.painter(),
        rect.left_center() + vec2(18.0, 0.0),
        Align2::LEFT_CENTER,
        "Stop",
        Type::Caption,
        t.error,
    );
    paint::focus_ring(ui, rect.expand2(vec2(2.0, 0.0)), RADIUS_CONTROL, &response);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}
