//! A choice among few options: a field that opens a list.

use egui::{
    Align2, Key, Popup, PopupCloseBehavior, Rect, Response, Role, ScrollArea, Sense, Ui, Widget, WidgetInfo,
    pos2, vec2,
};

use super::{FieldState, paint_frame, text};
use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{RADIUS_CONTROL, S8},
    tokens::tokens,
};

/// A choice by index. `ui.add(Select::new("Family", &mut index, &["auto", "linear"]))`
#[must_use = "call `show` or `ui.add`"]
pub struct Select<'a> {
    name: &'a str,
    index: &'a mut usize,
    options: &'a [&'a str],
    remark: &'a str,
    width: Option<f32>,
    enabled: bool,
}

impl<'a> Select<'a> {
    /// A choice with its accessible name; an `index` outside of `options` shows "not set".
    pub fn new(name: &'a str, index: &'a mut usize, options: &'a [&'a str]) -> Self {
        Self { name, index, options, remark: "", width: None, enabled: true }
    }

    /// A quiet remark at the right inside the field ("1 869 of 7 043 rows").
    pub fn remark(mut self, remark: &'a str) -> Self {
        self.remark = remark;
        self
    }

    /// Width in points; the available width by default.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// Switches the choice off.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Draws the choice. Up and Down change it while it has the focus, Enter and Space open the list.
    pub fn show(self, ui: &mut Ui) -> Response {
        let enabled = self.enabled;
        ui.add_enabled_ui(enabled, |ui| self.show_on(ui)).inner
    }

    fn show_on(self, ui: &mut Ui) -> Response {
        let (rect, mut response) = text::allocate_box(ui, self.width);
        let current = self.options.get(*self.index).copied().unwrap_or("");
        text::name_of(&response, Role::ComboBox, self.name, current, ui.is_enabled());
        if ui.is_rect_visible(rect) {
            paint_select(
                ui,
                rect,
                &response,
                if current.is_empty() { "not set" } else { current },
                self.remark,
            );
        }
        let before = *self.index;
        if response.has_focus() {
            step_by_arrows(ui, &response, self.index, self.options.len());
        }
        list(&response, self.index, self.options);
        if *self.index != before {
            response.mark_changed();
        }
        response
    }
}

impl Widget for Select<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        self.show(ui)
    }
}

/// A choice of a value among `(value, word)` pairs.
pub fn select_value<T: PartialEq + Clone>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    options: &[(T, &str)],
) -> Response {
    let words: Vec<&str> = options.iter().map(|(_, word)| *word).collect();
    let mut index = options.iter().position(|(option, _)| option == value).unwrap_or(usize::MAX);
    let response = Select::new(name, &mut index, &words).show(ui);
    if response.changed()
        && let Some((chosen, _)) = options.get(index)
    {
        *value = chosen.clone();
    }
    response
}

fn paint_select(ui: &Ui, rect: Rect, response: &Response, current: &str, remark: &str) {
    let t = tokens(ui);
    let state = text::state_of(ui, response, false);
    paint_frame(ui, rect, state);
    let arrow = pos2(rect.right() - S8 - 8.0, rect.center().y);
    icon::paint(ui.painter(), arrow, Icon::CaretDown, 14.0, t.text_2, Look::Regular);
    let mut right = rect.right() - S8 - 16.0 - 4.0;
    if !remark.is_empty() {
        let galley = paint::fitted(ui.painter(), remark, Type::Caption, t.text_3, rect.width() * 0.6);
        let place =
            paint::galley_at(ui.painter(), pos2(right, rect.center().y), Align2::RIGHT_CENTER, galley);
        right = place.left() - 8.0;
    }
    let colour = if state == FieldState::Off { t.text_3 } else { t.text };
    let galley = paint::fitted(ui.painter(), current, Type::Label, colour, right - rect.left() - S8);
    paint::galley_at(ui.painter(), pos2(rect.left() + S8, rect.center().y), Align2::LEFT_CENTER, galley);
}

fn step_by_arrows(ui: &Ui, response: &Response, index: &mut usize, count: usize) {
    if Popup::is_id_open(ui.ctx(), Popup::default_response_id(response)) || count == 0 {
        return;
    }
    ui.memory_mut(|memory| {
        let filter = egui::EventFilter { vertical_arrows: true, ..egui::EventFilter::default() };
        memory.set_focus_lock_filter(response.id, filter);
    });
    let (up, down) = ui.input(|input| (input.key_pressed(Key::ArrowUp), input.key_pressed(Key::ArrowDown)));
    if down {
        *index = if *index < count { (*index + 1).min(count - 1) } else { 0 };
    } else if up {
        *index = if *index < count { index.saturating_sub(1) } else { count - 1 };
    }
}

fn list(response: &Response, index: &mut usize, options: &[&str]) {
    let width = response.rect.width();
    Popup::menu(response).gap(2.0).width(width).close_behavior(PopupCloseBehavior::CloseOnClick).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.set_min_width(width - 10.0);
        ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
            for (at, option) in options.iter().enumerate() {
                if option_row(ui, option, at == *index).clicked() {
                    *index = at;
                    ui.close();
                }
            }
        });
    });
}

/// A row of a list or menu: 28 points, a check before the chosen one.
pub(crate) fn option_row(ui: &mut Ui, word: &str, chosen: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::MenuItemRadio, true, chosen, word));
    let t = tokens(ui);
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, egui::CornerRadius::same(RADIUS_CONTROL), t.hover);
    }
    if chosen {
        icon::paint(
            ui.painter(),
            pos2(rect.left() + 14.0, rect.center().y),
            Icon::Check,
            14.0,
            t.accent,
            Look::Regular,
        );
    }
    let galley = paint::fitted(ui.painter(), word, Type::Label, t.text, rect.width() - 36.0);
    paint::galley_at(ui.painter(), pos2(rect.left() + 28.0, rect.center().y), Align2::LEFT_CENTER, galley);
    paint::focus_ring(ui, rect.shrink(2.0), RADIUS_CONTROL, &response);
    response
}
