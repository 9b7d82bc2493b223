//! The fonts of the program and the type scale.
//!
//! Inter for text, `JetBrains` Mono for numbers, hashes and code (its figures are tabular), Phosphor
//! for icons; all embedded, so that nothing is looked up on the machine.

use std::{collections::BTreeMap, sync::Arc};

use egui::{Color32, FontData, FontDefinitions, FontFamily, FontId, RichText, TextFormat};

const SEMIBOLD: &str = "inter-semibold";
const MONO_MEDIUM: &str = "mono-medium";
const ICONS: &str = "icons";
const ICONS_FILL: &str = "icons-fill";

/// The type scale: size, weight and face of every text in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// 20/24 semibold: the title of a view.
    Title,
    /// 28 mono: the one headline number of a place.
    Hero,
    /// 20/24 mono medium: a number in a row of headline figures.
    Figure,
    /// 15/20 semibold: the heading of a dialog or a large section.
    Large,
    /// 13/20 semibold: the heading of a section, the label of a filled button.
    Strong,
    /// 13/20: body text and buttons.
    Body,
    /// 12/16 semibold: the heading in the inspector, the title of a plot.
    LabelStrong,
    /// 12/16: tables, labels, paragraphs of the inspector.
    Label,
    /// 11/16 semibold: a counter.
    CaptionStrong,
    /// 11/16: notes, units, axis names.
    Caption,
    /// 12/16 mono: numbers in tables, hashes.
    Mono,
    /// 11/16 mono: code, ticks of axes.
    MonoSmall,
}

impl Type {
    /// Size in points.
    pub fn size(self) -> f32 {
        match self {
            Self::Hero => 28.0,
            Self::Title | Self::Figure => 20.0,
            Self::Large => 15.0,
            Self::Strong | Self::Body => 13.0,
            Self::LabelStrong | Self::Label | Self::Mono => 12.0,
            Self::CaptionStrong | Self::Caption | Self::MonoSmall => 11.0,
        }
    }

    /// Distance of two lines in points.
    pub fn line_height(self) -> f32 {
        match self {
            Self::Hero => 36.0,
            Self::Title | Self::Figure => 24.0,
            Self::Large | Self::Strong | Self::Body => 20.0,
            _ => 16.0,
        }
    }

    /// Font family.
    pub fn family(self) -> FontFamily {
        match self {
            Self::Title | Self::Large | Self::Strong | Self::LabelStrong | Self::CaptionStrong => semibold(),
            Self::Hero | Self::Figure => FontFamily::Name(MONO_MEDIUM.into()),
            Self::Mono | Self::MonoSmall => FontFamily::Monospace,
            Self::Body | Self::Label | Self::Caption => FontFamily::Proportional,
        }
    }

    /// Size and family for egui.
    pub fn font(self) -> FontId {
        FontId::new(self.size(), self.family())
    }

    /// A text format in `colour`, with the line height of the scale.
    pub fn format(self, colour: Color32) -> TextFormat {
        TextFormat {
            font_id: self.font(),
            color: colour,
            line_height: Some(self.line_height()),
            valign: egui::Align::Center,
            ..TextFormat::default()
        }
    }

    /// Text for an egui label or button.
    pub fn rich(self, text: impl Into<String>) -> RichText {
        RichText::new(text).font(self.font()).line_height(Some(self.line_height()))
    }
}

/// The semibold text face.
pub fn semibold() -> FontFamily {
    FontFamily::Name(SEMIBOLD.into())
}

/// The icon face, outlined or filled.
pub(crate) fn icons(fill: bool) -> FontFamily {
    FontFamily::Name(if fill { ICONS_FILL } else { ICONS }.into())
}

/// Definitions for [`egui::Context::set_fonts`].
pub(crate) fn definitions() -> FontDefinitions {
    let files: [(&str, &'static [u8]); 6] = [
        ("inter", include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
        (SEMIBOLD, include_bytes!("../../../assets/fonts/Inter-SemiBold.otf")),
        ("mono", include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")),
        (MONO_MEDIUM, include_bytes!("../../../assets/fonts/JetBrainsMono-Medium.ttf")),
        (ICONS, include_bytes!("../../../assets/icons/Phosphor-Regular.ttf")),
        (ICONS_FILL, include_bytes!("../../../assets/icons/Phosphor-Fill.ttf")),
    ];
    let mut fonts = FontDefinitions::empty();
    let mut fallback: Vec<String> =
        FontDefinitions::default().families.remove(&FontFamily::Proportional).unwrap_or_default();
    // Letters beyond the subsets (a Cyrillic column name) come from egui's own fonts.
    fonts.font_data = FontDefinitions::default().font_data;
    for (name, bytes) in files {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let mut family = |key: FontFamily, names: &[&str]| {
        let mut list: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        list.append(&mut fallback.clone());
        fonts.families.insert(key, list);
    };
    family(FontFamily::Proportional, &["inter"]);
    family(semibold(), &[SEMIBOLD, "inter"]);
    family(FontFamily::Monospace, &["mono", "inter"]);
    family(FontFamily::Name(MONO_MEDIUM.into()), &[MONO_MEDIUM, "inter"]);
    fallback.clear();
    let mut icon_family = |key: FontFamily, name: &str| {
        fonts.families.insert(key, vec![name.to_owned()]);
    };
    icon_family(icons(false), ICONS);
    icon_family(icons(true), ICONS_FILL);
    fonts
}

/// egui's named text styles in the type scale.
pub(crate) fn text_styles() -> BTreeMap<egui::TextStyle, FontId> {
    use egui::TextStyle as S;
    [
        (S::Small, Type::Caption.font()),
        (S::Body, Type::Body.font()),
        (S::Button, Type::Body.font()),
        (S::Heading, Type::Title.font()),
        (S::Monospace, Type::Mono.font()),
    ]
    .into()
}
