//! Progress with its amount, the time left and a stop; a badge with a count.

use egui::{Align2, CornerRadius, Response, Role, Sense, Ui, WidgetInfo, vec2};

use crate::{Icon, fmt, fonts::Type, paint, show, status::Status, text, tokens::tokens};

/// Progress of a job: amount of a total with its unit, time left, an error, a stop.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct Progress<'a> {
    name: &'a str,
    done: u64,
    total: Option<u64>,
    unit: &'a str,
    left: Option<f64>,
    error: Option<&'a str>,
    stop: bool,
}

impl<'a> Progress<'a> {
    /// A job with its name; without a total, a third of the bar moves along.
    pub fn new(name: &'a str) -> Self {
        Self { name, done: 0, total: None, unit: "", left: None, error: None, stop: false }
    }

    /// `done` of `total` units ("rows", "epochs").
    pub fn of(mut self, done: u64, total: Option<u64>, unit: &'a str) -> Self {
        (self.done, self.total, self.unit) = (done, total, unit);
        self
    }

    /// Seconds left, as far as they are known.
    pub fn left(mut self, secs: Option<f64>) -> Self {
        self.left = secs;
        self
    }

    /// The job failed: why, and what to do.
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// A Stop link after the time.
    pub fn stoppable(mut self) -> Self {
        self.stop = true;
        self
    }

    fn amount(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        match self.total {
            Some(total) => format!("{} / {}{unit}", fmt::count(self.done), fmt::count(total)),
            None => format!("{}{unit}", fmt::count(self.done)),
        }
    }

    /// Draws name, bar and amount, and the time left below; true if Stop was pressed.
    pub fn show(self, ui: &mut Ui) -> bool {
        let share = self.total.filter(|total| *total > 0).map(|total| self.done as f64 / total as f64);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            text::small(ui, self.name);
            if let Some(error) = self.error {
                crate::status_line(ui, Status::Error, error);
                return false;
            }
            show::progress(ui, self.name, share, &self.amount());
            ui.horizontal(|ui| {
                if let Some(secs) = self.left.filter(|secs| secs.is_finite()) {
                    text::note(ui, format!("{} left", fmt::time_left(secs)));
                }
                self.stop && text::icon_link(ui, Icon::Stop, "Stop").clicked()
            })
            .inner
        })
        .inner
    }
}

/// A small count on a tint: new entries, findings. `name` says what is counted ("findings").
pub fn badge(ui: &mut Ui, status: Status, count: usize, name: &str) -> Response {
    let words = fmt::count(count as u64);
    let width = (paint::text_width(ui.painter(), &words, Type::CaptionStrong) + 10.0).max(18.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 18.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{words} {name}")));
    let t = tokens(ui);
    let fill = match status {
        Status::Ok | Status::Done => t.tint_ok,
        Status::Warn => t.tint_warn,
        Status::Error => t.tint_error,
        Status::Info | Status::Running => t.tint_info,
        Status::Idle => t.sunken,
    };
    let colour = match status {
        Status::Idle => t.text_2,
        Status::Done => t.success,
        _ => status.colour(t),
    };
    ui.painter().rect_filled(rect, CornerRadius::same(9), fill);
    paint::text_at(ui.painter(), rect.center(), Align2::CENTER_CENTER, &words, Type::CaptionStrong, colour);
    response
}

/// Grey lines where text is on its way; `name` says what is awaited.
pub fn skeleton_lines(ui: &mut Ui, name: &str, lines: usize) -> Response {
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, lines as f32 * 20.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name));
    let t = tokens(ui);
    for line in 0..lines {
        let share = if line + 1 == lines && lines > 1 { 0.6 } else { 1.0 };
        let corner = rect.min + vec2(0.0, line as f32 * 20.0 + 5.0);
        let bar = egui::Rect::from_min_size(corner, vec2(width * share, 10.0));
        ui.painter().rect_filled(bar, CornerRadius::same(3), t.sunken);
    }
    response
}
