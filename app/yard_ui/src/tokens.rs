//! Colour tokens of the two themes, read from `assets/theme/*.json`.
//!
//! A view names a role ("text-2", "warning"), never a colour. Knows nothing about widgets.

use std::{cell::Cell, sync::LazyLock};

use egui::{Color32, Context, Ui};
use serde::{Deserialize, Deserializer, de::Error as _};

/// The number of colours in the plot series, in their fixed order.
pub const SERIES: usize = 6;

/// All colours of one theme. Text tokens keep 4.5:1 and line tokens 3:1 on every ground of the theme.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Ground of rail, inspector and bars.
    #[serde(deserialize_with = "hex")]
    pub bg: Color32,
    /// Ground of the view, of fields and of cards.
    #[serde(deserialize_with = "hex")]
    pub surface: Color32,
    /// Ground of code, of neutral chips and of disabled controls.
    #[serde(deserialize_with = "hex")]
    pub sunken: Color32,
    /// Ground under the pointer.
    #[serde(deserialize_with = "hex")]
    pub hover: Color32,
    /// Ground of the selected row or item.
    #[serde(deserialize_with = "hex")]
    pub selected: Color32,
    /// Decorative hairlines and grids.
    #[serde(deserialize_with = "hex")]
    pub border: Color32,
    /// Outline of inputs, base line of plots.
    #[serde(deserialize_with = "hex")]
    pub border_strong: Color32,
    /// Main text.
    #[serde(deserialize_with = "hex")]
    pub text: Color32,
    /// Labels and paragraphs.
    #[serde(deserialize_with = "hex")]
    pub text_2: Color32,
    /// Hints, units, axes.
    #[serde(deserialize_with = "hex")]
    pub text_3: Color32,
    /// The one accent: primary action, link, focus ring.
    #[serde(deserialize_with = "hex")]
    pub accent: Color32,
    /// Text on the accent and on the filled danger button.
    #[serde(deserialize_with = "hex")]
    pub on_accent: Color32,
    /// Status: good.
    #[serde(deserialize_with = "hex")]
    pub success: Color32,
    /// Status: needs attention.
    #[serde(deserialize_with = "hex")]
    pub warning: Color32,
    /// Status: failed.
    #[serde(deserialize_with = "hex")]
    pub error: Color32,
    /// Tint under success text.
    #[serde(deserialize_with = "hex")]
    pub tint_ok: Color32,
    /// Tint under warning text.
    #[serde(deserialize_with = "hex")]
    pub tint_warn: Color32,
    /// Tint under error text.
    #[serde(deserialize_with = "hex")]
    pub tint_error: Color32,
    /// Tint under accent text.
    #[serde(deserialize_with = "hex")]
    pub tint_info: Color32,
    /// Bars of baselines and of data that is not judged; at least 3:1 on `surface`.
    #[serde(deserialize_with = "hex")]
    pub neutral_mark: Color32,
    /// Plot series in their fixed order; see [`Tokens::series`].
    #[serde(deserialize_with = "hex_list")]
    pub series: [Color32; SERIES],
    /// Sequential scale from little to much.
    #[serde(deserialize_with = "hex_list")]
    pub sequential: [Color32; SERIES],
    /// Text on each step of [`Tokens::sequential`].
    #[serde(deserialize_with = "hex_list")]
    pub sequential_text: [Color32; SERIES],
    /// Colour of the shadow under menus and dialogs.
    #[serde(deserialize_with = "hex")]
    pub shadow: Color32,
    /// Opacity of the shadow, 0 to 255.
    pub shadow_alpha: u8,
    /// Opacity of the ground drawn over the view behind a dialog, 0 to 255.
    pub dim_alpha: u8,
}

impl Tokens {
    /// The colour of series `index`; indices from six on start again.
    pub fn series(&self, index: usize) -> Color32 {
        self.series[index % SERIES]
    }

    /// Fill and text colour for `share` in 0..=1 on the sequential scale; NaN counts as 0.
    pub fn sequential(&self, share: f64) -> (Color32, Color32) {
        let clean = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let step = ((clean * SERIES as f64) as usize).min(SERIES - 1);
        (self.sequential[step], self.sequential_text[step])
    }

    /// Diverging scale for `value` in -1..=1: series 1, surface, series 2. Returns fill and text.
    pub fn diverging(&self, value: f64) -> (Color32, Color32) {
        let clean = if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 };
        let end = if clean < 0.0 { self.series[0] } else { self.series[1] };
        let fill = mix(self.surface, end, clean.abs() as f32);
        let text =
            if contrast(self.text, fill) >= contrast(self.surface, fill) { self.text } else { self.surface };
        (fill, text)
    }

    /// A quieter version of `colour` on the surface: `share` of it is left.
    pub fn faded(&self, colour: Color32, share: f32) -> Color32 {
        mix(self.surface, colour, share)
    }

    /// The shadow colour with its opacity.
    pub fn shadow_colour(&self) -> Color32 {
        with_alpha(self.shadow, self.shadow_alpha)
    }

    /// The veil over the view behind a dialog or the palette.
    pub fn dim_colour(&self) -> Color32 {
        with_alpha(Color32::BLACK, self.dim_alpha)
    }
}

/// Linear mix in gamma space: `share` 0 gives `from`, 1 gives `to`.
pub fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    from.lerp_to_gamma(to, share.clamp(0.0, 1.0))
}

/// The same colour with another opacity.
#[expect(clippy::disallowed_methods, reason = "the one place where colours are made")]
pub fn with_alpha(colour: Color32, alpha: u8) -> Color32 {
    Color32::from_rgba_unmultiplied(colour.r(), colour.g(), colour.b(), alpha)
}

/// WCAG 2.2 contrast ratio of two opaque colours, 1..=21.
pub fn contrast(one: Color32, other: Color32) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(colour: Color32) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
}

static LIGHT: LazyLock<Tokens> = LazyLock::new(|| parse(include_str!("../../../assets/theme/light.json")));
static DARK: LazyLock<Tokens> = LazyLock::new(|| parse(include_str!("../../../assets/theme/dark.json")));
static LIGHT_CONTRAST: LazyLock<Tokens> =
    LazyLock::new(|| parse(include_str!("../../../assets/theme/light-contrast.json")));
static DARK_CONTRAST: LazyLock<Tokens> =
    LazyLock::new(|| parse(include_str!("../../../assets/theme/dark-contrast.json")));

thread_local! {
    /// Whether what this thread draws is in high contrast; set by `theme::apply` in every frame.
    static CONTRAST: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn set_high_contrast(on: bool) {
    CONTRAST.set(on);
}

// The files are part of the program; the tests prove that both parse.
fn parse(json: &str) -> Tokens {
    serde_json::from_str(json).unwrap_or_default()
}

/// The tokens of the light (`false`) or dark (`true`) theme, in high contrast if that is on.
pub fn tokens_of(dark: bool) -> &'static Tokens {
    #[cfg(debug_assertions)]
    if let Some(tokens) = crate::reload::loaded(crate::reload::index(dark, CONTRAST.get())) {
        return tokens;
    }
    match (dark, CONTRAST.get()) {
        (false, false) => &LIGHT,
        (true, false) => &DARK,
        (false, true) => &LIGHT_CONTRAST,
        (true, true) => &DARK_CONTRAST,
    }
}

/// The tokens of the theme that `ui` is drawn in.
pub fn tokens(ui: &Ui) -> &'static Tokens {
    tokens_of(ui.visuals().dark_mode)
}

/// The tokens of the theme that the window is drawn in.
pub fn tokens_ctx(ctx: &Context) -> &'static Tokens {
    tokens_of(ctx.theme() == egui::Theme::Dark)
}

fn hex<'de, D: Deserializer<'de>>(from: D) -> Result<Color32, D::Error> {
    let text = String::deserialize(from)?;
    colour(&text).map_err(D::Error::custom)
}

fn hex_list<'de, D: Deserializer<'de>>(from: D) -> Result<[Color32; SERIES], D::Error> {
    let texts = <[String; SERIES]>::deserialize(from)?;
    let mut colours = [Color32::TRANSPARENT; SERIES];
    for (slot, text) in colours.iter_mut().zip(&texts) {
        *slot = colour(text).map_err(D::Error::custom)?;
    }
    Ok(colours)
}

fn colour(text: &str) -> Result<Color32, String> {
    Color32::from_hex(text).map_err(|_| format!("colour \"{text}\" is not of the form #RRGGBB"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn load(dark: bool) -> Tokens {
        let json = if dark {
            include_str!("../../../assets/theme/dark.json")
        } else {
            include_str!("../../../assets/theme/light.json")
        };
        serde_json::from_str(json).unwrap()
    }

    fn load_contrast(dark: bool) -> Tokens {
        let json = if dark {
            include_str!("../../../assets/theme/dark-contrast.json")
        } else {
            include_str!("../../../assets/theme/light-contrast.json")
        };
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn high_contrast_keeps_7_for_text_and_4_5_for_lines() {
        for dark in [false, true] {
            let t = load_contrast(dark);
            let texts = [t.text, t.text_2, t.text_3, t.accent, t.success, t.warning, t.error];
            for ground in [t.bg, t.surface, t.sunken, t.hover, t.selected] {
                for colour in texts {
                    check(dark, "text", colour, ground, 7.0);
                }
                check(dark, "border-strong", t.border_strong, ground, 4.5);
            }
            check(dark, "border", t.border, t.surface, 4.5);
            check(dark, "neutral mark", t.neutral_mark, t.surface, 4.5);
            for (text, ground) in [
                (t.on_accent, t.accent),
                (t.on_accent, t.error),
                (t.success, t.tint_ok),
                (t.warning, t.tint_warn),
                (t.error, t.tint_error),
                (t.accent, t.tint_info),
            ] {
                check(dark, "filled", text, ground, 7.0);
            }
            for (fill, text) in t.sequential.iter().zip(t.sequential_text) {
                check(dark, "sequential text", text, *fill, 7.0);
            }
            for series in t.series {
                check(dark, "series", series, t.surface, 4.5);
            }
        }
    }

    #[test]
    fn high_contrast_is_switched_for_this_thread() {
        set_high_contrast(true);
        let found = (tokens_of(false).clone(), tokens_of(true).clone());
        set_high_contrast(false);
        assert_eq!(found, (load_contrast(false), load_contrast(true)));
        assert_eq!(tokens_of(false), &load(false));
    }

    fn check(dark: bool, name: &str, colour: Color32, ground: Color32, least: f64) {
        let found = contrast(colour, ground);
        assert!(found >= least, "{name} on {ground:?}, dark {dark}: {found:.2} below {least}");
    }

    #[test]
    fn files_parse_into_what_the_program_uses() {
        assert_eq!(&load(false), tokens_of(false));
        assert_eq!(&load(true), tokens_of(true));
    }

    #[test]
    fn contrast_agrees_with_known_values() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        // Figures of the token table.
        let light = load(false);
        assert!((contrast(light.text, light.surface) - 17.27).abs() < 0.01);
        assert!((contrast(light.accent, light.surface) - 6.09).abs() < 0.01);
        let dark = load(true);
        assert!((contrast(dark.border_strong, dark.selected) - 3.02).abs() < 0.01);
    }

    #[test]
    fn text_keeps_4_5_and_lines_3_on_every_ground() {
        for dark in [false, true] {
            let t = load(dark);
            for ground in [t.bg, t.surface, t.sunken, t.hover, t.selected] {
                for (name, colour) in [
                    ("text", t.text),
                    ("text-2", t.text_2),
                    ("text-3", t.text_3),
                    ("accent", t.accent),
                    ("success", t.success),
                    ("warning", t.warning),
                    ("error", t.error),
                ] {
                    check(dark, name, colour, ground, 4.5);
                }
                check(dark, "border-strong", t.border_strong, ground, 3.0);
            }
        }
    }

    #[test]
    fn filled_grounds_keep_their_text() {
        for dark in [false, true] {
            let t = load(dark);
            check(dark, "on-accent", t.on_accent, t.accent, 4.5);
            check(dark, "on-accent on error", t.on_accent, t.error, 4.5);
            check(dark, "success on tint", t.success, t.tint_ok, 4.5);
            check(dark, "warning on tint", t.warning, t.tint_warn, 4.5);
            check(dark, "error on tint", t.error, t.tint_error, 4.5);
            check(dark, "accent on tint", t.accent, t.tint_info, 4.5);
            for (fill, text) in t.sequential.iter().zip(t.sequential_text) {
                check(dark, "sequential text", text, *fill, 4.5);
            }
        }
    }

    #[test]
    fn marks_of_plots_keep_3() {
        for dark in [false, true] {
            let t = load(dark);
            for series in t.series {
                check(dark, "series", series, t.surface, 3.0);
            }
            check(dark, "neutral mark", t.neutral_mark, t.surface, 3.0);
        }
    }

    #[test]
    fn scales_accept_any_number() {
        let t = load(false);
        assert_eq!(t.sequential(f64::NAN).0, t.sequential[0]);
        assert_eq!(t.sequential(7.0).0, t.sequential[5]);
        assert_eq!(t.diverging(0.0).0, t.surface);
        assert_eq!(t.diverging(-2.0).0, t.series[0]);
        assert_eq!(t.series(7), t.series[1]);
    }
}
