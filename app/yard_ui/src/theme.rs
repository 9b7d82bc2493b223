//! Light and dark: sets fonts, sizes and colours of egui from the tokens.
//!
//! Knows egui's `Style`; the colours themselves live in [`mod@crate::tokens`].

use egui::{Context, CornerRadius, Margin, Shadow, Stroke, Style, Visuals, style::WidgetVisuals, vec2};
use serde::{Deserialize, Serialize};

use crate::{
    fonts,
    space::{RADIUS_CARD, RADIUS_CONTROL},
    tokens::{Tokens, tokens_of},
};

/// The theme that the user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Always light.
    Light,
    /// Always dark.
    Dark,
    /// As the system says.
    #[default]
    System,
}

impl Theme {
    /// The other of light and dark, seen from the theme that `ctx` draws now.
    pub fn toggled(ctx: &Context) -> Self {
        if ctx.theme() == egui::Theme::Dark { Self::Light } else { Self::Dark }
    }
}

impl From<Theme> for egui::ThemePreference {
    fn from(theme: Theme) -> Self {
        match theme {
            Theme::Light => Self::Light,
            Theme::Dark => Self::Dark,
            Theme::System => Self::System,
        }
    }
}

/// Sets fonts and both styles, and chooses `theme`. Cheap when nothing changed: call it each frame.
pub fn apply(ctx: &Context, theme: Theme) {
    let key = egui::Id::unique("yard_ui.theme");
    crate::tokens::set_high_contrast(is_high_contrast(ctx));
    #[cfg(debug_assertions)]
    if crate::reload::poll(ctx) {
        restyle(ctx);
    }
    let known: Option<Theme> = ctx.data(|data| data.get_temp(key));
    if known == Some(theme) {
        return;
    }
    if known.is_none() {
        ctx.set_fonts(fonts::definitions());
        for theme in [egui::Theme::Light, egui::Theme::Dark] {
            let before = ctx.style_of(theme);
            let mut style = style(theme == egui::Theme::Dark);
            // Motion that was switched off stays off: a test, or a system that asks for it.
            style.animation_time = style.animation_time.min(before.animation_time);
            style.scroll_animation = before.scroll_animation;
            style.visuals.text_cursor.blink = before.visuals.text_cursor.blink;
            ctx.set_style_of(theme, style);
        }
    }
    ctx.set_theme(theme);
    ctx.data_mut(|data| data.insert_temp(key, theme));
}

/// Whether the colours of high contrast are drawn.
pub fn is_high_contrast(ctx: &Context) -> bool {
    ctx.data(|data| data.get_temp(contrast_key())).unwrap_or(false)
}

fn contrast_key() -> egui::Id {
    egui::Id::unique("yard_ui.high-contrast")
}

/// Switches the colours of high contrast on or off (a setting of the user): text at 7:1 and more.
pub fn high_contrast(ctx: &Context, on: bool) {
    let before = is_high_contrast(ctx);
    crate::tokens::set_high_contrast(on);
    if before != on {
        ctx.data_mut(|data| data.insert_temp(contrast_key(), on));
        restyle(ctx);
    }
}

/// Puts the colours of the tokens into the styles, and leaves what else was set.
fn restyle(ctx: &Context) {
    for theme in [egui::Theme::Light, egui::Theme::Dark] {
        let dark = theme == egui::Theme::Dark;
        let mut style = ctx.style_of(theme).as_ref().clone();
        let blink = style.visuals.text_cursor.blink;
        style.visuals = visuals(dark, tokens_of(dark));
        style.visuals.text_cursor.blink = blink;
        ctx.set_style_of(theme, style);
    }
}

/// Whether motion is reduced: what turns or moves stands still.
pub(crate) fn is_motion_reduced(ui: &egui::Ui) -> bool {
    ui.style().animation_time == 0.0
}

/// Makes buttons and fields 32 points high instead of 28 (a setting of the user).
pub fn touch(ctx: &Context, on: bool) {
    let side = if on { crate::space::CONTROL_TOUCH } else { crate::space::CONTROL };
    if ctx.global_style().spacing.interact_size.y != side {
        ctx.all_styles_mut(|style| style.spacing.interact_size = vec2(side, side));
    }
}

/// Switches animations and the blinking of the text cursor off or on (a setting of the user).
pub fn reduce_motion(ctx: &Context, reduced: bool) {
    ctx.all_styles_mut(|style| {
        style.animation_time = if reduced { 0.0 } else { 0.1 };
        style.visuals.text_cursor.blink = !reduced;
        style.scroll_animation = if reduced {
            egui::style::ScrollAnimation::none()
        } else {
            egui::style::ScrollAnimation::default()
        };
    });
}

/// The egui style of the light (`false`) or dark (`true`) theme.
pub fn style(dark: bool) -> Style {
    let t = tokens_of(dark);
    let mut style = Style {
        text_styles: fonts::text_styles(),
        visuals: visuals(dark, t),
        animation_time: 0.1,
        ..Style::default()
    };
    style.spacing.item_spacing = vec2(8.0, 8.0);
    style.spacing.button_padding = vec2(12.0, 4.0);
    style.spacing.interact_size = vec2(28.0, 28.0);
    style.spacing.menu_margin = Margin::same(4);
    style.spacing.window_margin = Margin::same(16);
    style.spacing.icon_width = 16.0;
    style.spacing.combo_height = 280.0;
    style.spacing.tooltip_width = 360.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.url_in_tooltip = true;
    #[cfg(debug_assertions)]
    {
        style.debug.show_unaligned = false;
    }
    style
}

fn visuals(dark: bool, t: &Tokens) -> Visuals {
    let mut v = if dark { Visuals::dark() } else { Visuals::light() };
    let widget = |fill, line| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: CornerRadius::same(RADIUS_CONTROL),
        fg_stroke: Stroke::new(1.0, t.text),
        expansion: 0.0,
    };
    v.widgets.noninteractive = widget(t.surface, t.border);
    v.widgets.inactive = widget(t.surface, t.border_strong);
    v.widgets.hovered = widget(t.hover, t.border_strong);
    v.widgets.active = widget(t.selected, t.accent);
    v.widgets.open = widget(t.hover, t.border_strong);
    v.selection.bg_fill = t.selected;
    v.selection.stroke = Stroke::new(2.0, t.accent);
    v.hyperlink_color = t.accent;
    v.weak_text_color = Some(t.text_3);
    v.faint_bg_color = t.bg;
    v.extreme_bg_color = t.surface;
    v.text_edit_bg_color = Some(t.surface);
    v.code_bg_color = t.sunken;
    v.warn_fg_color = t.warning;
    v.error_fg_color = t.error;
    v.window_fill = t.surface;
    v.window_stroke = Stroke::new(1.0, t.border);
    v.window_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.menu_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.panel_fill = t.surface;
    v.window_shadow = shadow(t);
    v.popup_shadow = shadow(t);
    v.text_cursor.stroke = Stroke::new(1.5, t.accent);
    v.handle_shape = egui::style::HandleShape::Circle;
    v.slider_trailing_fill = true;
    // Disabled controls have their own colours; fading would take text below its contrast.
    v.disabled_alpha = 1.0;
    v
}

/// The shadow of menus, toasts and dialogs; nothing else has one.
pub(crate) fn shadow(t: &Tokens) -> Shadow {
    Shadow { offset: [0, 6], blur: 18, spread: 0, color: t.shadow_colour() }
}
