//! Tabs over a part of a view: one chosen, arrow keys between them, a mark on those with an error.

use egui::{
    Align2, CornerRadius, EventFilter, Key, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{RADIUS_CONTROL, S8, S12},
    tokens::tokens,
};

const HEIGHT: f32 = 32.0;

/// A tab.
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder: give it to `tabs`"]
pub struct Tab<'a> {
    label: &'a str,
    count: Option<usize>,
    enabled: bool,
    error: bool,
}

impl<'a> Tab<'a> {
    /// A tab with its label, which is also its accessible name.
    pub fn new(label: &'a str) -> Self {
        Self { label, count: None, enabled: true, error: false }
    }

    /// How many things are in it.
    pub fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Switches the tab off unless `enabled`.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Marks the tab: something in it has to be mended.
    pub fn error(mut self, error: bool) -> Self {
        self.error = error;
        self
    }

    fn words(&self) -> String {
        match self.count {
            Some(count) => format!("{} {}", self.label, crate::fmt::count(count as u64)),
            None => self.label.to_owned(),
        }
    }
}

/// Draws tabs in a row; `index` is the chosen one. Left, Right, Home and End move the choice past tabs
/// that are off; `changed()` of the response says that it moved.
pub fn tabs(ui: &mut Ui, name: &str, index: &mut usize, list: &[Tab<'_>]) -> Response {
    let (rect, mut whole) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    whole.widget_info(|| WidgetInfo::labeled(Role::TabList, true, name));
    let before = *index;
    let y = paint::crisp(ui.painter(), rect.bottom() - 0.5);
    ui.painter().hline(rect.x_range(), y, paint::border(ui));
    let mut x = rect.left();
    let mut moved = None;
    for (at, tab) in list.iter().enumerate() {
        let mark = if tab.error { 20.0 } else { 0.0 };
        let width = (paint::text_width(ui.painter(), &tab.words(), Type::Strong) + mark + 2.0 * S12).ceil();
        let place = Rect::from_min_size(pos2(x, rect.top()), vec2(width, HEIGHT));
        let response = tab_ui(ui, (place, whole.id.with(at)), tab, before == at);
        if response.clicked() && tab.enabled {
            *index = at;
        }
        if response.has_focus() {
            moved = moved.or(arrows(ui, &response, at, list));
        }
        x += width;
    }
    if let Some(to) = moved {
        *index = to;
        ui.memory_mut(|memory| memory.request_focus(whole.id.with(to)));
    }
    if *index != before {
        whole.mark_changed();
    }
    whole
}

fn tab_ui(ui: &Ui, (place, id): (Rect, egui::Id), tab: &Tab<'_>, chosen: bool) -> Response {
    let enabled = tab.enabled && ui.is_enabled();
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let response = ui.interact(place, id, sense);
    let words = tab.words();
    let spoken = if tab.error { format!("{words}, with an error") } else { words.clone() };
    response.widget_info(|| WidgetInfo::selected(Role::Tab, enabled, chosen, &spoken));
    let t = tokens(ui);
    if response.hovered() && enabled && !chosen {
        let ground = place.shrink2(vec2(2.0, 4.0));
        ui.painter().rect_filled(ground, CornerRadius::same(RADIUS_CONTROL), t.hover);
    }
    let (kind, colour) = match (chosen, enabled) {
        (true, _) => (Type::Strong, t.text),
        (false, true) => (Type::Body, t.text_2),
        (false, false) => (Type::Body, t.text_3),
    };
    let at = place.left_center() + vec2(S12, 0.0);
    let text = paint::text_at(ui.painter(), at, Align2::LEFT_CENTER, &words, kind, colour);
    if tab.error {
        let centre = pos2(text.right() + S8 + 4.0, place.center().y);
        icon::paint(ui.painter(), centre, Icon::WarningCircle, 14.0, t.error, Look::Fill);
    }
    if chosen {
        let y = place.bottom() - 1.0;
        ui.painter().hline(place.x_range().shrink(4.0), y, Stroke::new(2.0, t.accent));
    }
    paint::focus_ring(ui, place.shrink2(vec2(3.0, 4.0)), RADIUS_CONTROL, &response);
    response
}

/// The tab that the pressed key leads to.
fn arrows(ui: &Ui, response: &Response, at: usize, list: &[Tab<'_>]) -> Option<usize> {
    ui.memory_mut(|memory| {
        let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        memory.set_focus_lock_filter(response.id, filter);
    });
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let on = |to: &usize| list.get(*to).is_some_and(|tab| tab.enabled);
    if pressed(Key::ArrowRight) {
        (at + 1..list.len()).find(on)
    } else if pressed(Key::ArrowLeft) {
        (0..at).rev().find(on)
    } else if pressed(Key::Home) {
        (0..list.len()).find(on)
    } else if pressed(Key::End) {
        (0..list.len()).rev().find(on)
    } else {
        None
    }
}
