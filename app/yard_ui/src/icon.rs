//! The icons of the program: one enum over the embedded Phosphor subset.
//!
//! An icon is a glyph, so it is sharp at every scale and takes a token's colour.

use egui::{Align2, Color32, FontId, Painter, Pos2, Response, Sense, Ui, Vec2};

use crate::{fonts, tokens::tokens};

macro_rules! icons {
    ($($name:ident $file:literal $code:literal,)*) => {
        /// A glyph of the icon font, named as in Phosphor.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Icon {
            $(#[doc = $file] $name,)*
        }

        impl Icon {
            /// Every icon, in the order of `assets/icons/icons.txt`.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code point in the icon font.
            pub const fn glyph(self) -> char {
                match self { $(Self::$name => $code,)* }
            }

            /// The name of the glyph in Phosphor.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $file,)* }
            }
        }
    };
}

icons! {
    House "house" '\u{e2c2}',
    Target "target" '\u{e47c}',
    Table "table" '\u{e476}',
    ChartLine "chart-line" '\u{e154}',
    Crosshair "crosshair" '\u{e1d6}',
    Package "package" '\u{e390}',
    RocketLaunch "rocket-launch" '\u{e3fe}',
    Pulse "pulse" '\u{e000}',
    GitBranch "git-branch" '\u{e278}',
    Stack "stack" '\u{e466}',
    CaretDown "caret-down" '\u{e136}',
    CaretUp "caret-up" '\u{e13c}',
    CaretLeft "caret-left" '\u{e138}',
    CaretRight "caret-right" '\u{e13a}',
    CaretUpDown "caret-up-down" '\u{e140}',
    MagnifyingGlass "magnifying-glass" '\u{e30c}',
    Sidebar "sidebar" '\u{eab6}',
    SidebarSimple "sidebar-simple" '\u{ec24}',
    CircleHalf "circle-half" '\u{e18c}',
    Sun "sun" '\u{e472}',
    Moon "moon" '\u{e330}',
    Desktop "desktop" '\u{e560}',
    Bell "bell" '\u{e0ce}',
    Check "check" '\u{e182}',
    CheckCircle "check-circle" '\u{e184}',
    X "x" '\u{e4f6}',
    XCircle "x-circle" '\u{e4f8}',
    Warning "warning" '\u{e4e0}',
    WarningCircle "warning-circle" '\u{e4e2}',
    Info "info" '\u{e2ce}',
    CircleNotch "circle-notch" '\u{eb44}',
    CircleDashed "circle-dashed" '\u{e602}',
    Clock "clock" '\u{e19a}',
    Star "star" '\u{e46a}',
    Trash "trash" '\u{e4a6}',
    Copy "copy" '\u{e1ca}',
    DownloadSimple "download-simple" '\u{e20c}',
    UploadSimple "upload-simple" '\u{e4c0}',
    Export "export" '\u{eaf0}',
    DotsThree "dots-three" '\u{e1fe}',
    Play "play" '\u{e3d0}',
    Pause "pause" '\u{e39e}',
    Stop "stop" '\u{e46c}',
    Square "square" '\u{e45e}',
    Eye "eye" '\u{e220}',
    EyeSlash "eye-slash" '\u{e224}',
    Funnel "funnel" '\u{e266}',
    Tag "tag" '\u{e478}',
    ShieldCheck "shield-check" '\u{e40c}',
    Crown "crown" '\u{e614}',
    Archive "archive" '\u{e00c}',
    ArrowClockwise "arrow-clockwise" '\u{e036}',
    ArrowCounterClockwise "arrow-counter-clockwise" '\u{e038}',
    ArrowUp "arrow-up" '\u{e08e}',
    ArrowDown "arrow-down" '\u{e03e}',
    ArrowRight "arrow-right" '\u{e06c}',
    ArrowLeft "arrow-left" '\u{e058}',
    Plus "plus" '\u{e3d4}',
    Minus "minus" '\u{e32a}',
    Equals "equals" '\u{e21c}',
    PencilSimple "pencil-simple" '\u{e3b4}',
    FloppyDisk "floppy-disk" '\u{e248}',
    FolderOpen "folder-open" '\u{e256}',
    File "file" '\u{e230}',
    FileCsv "file-csv" '\u{eb1c}',
    BracketsCurly "brackets-curly" '\u{e860}',
    Key "key" '\u{e2d6}',
    TextT "text-t" '\u{e48a}',
    ToggleLeft "toggle-left" '\u{e674}',
    Hash "hash" '\u{e2a2}',
    ListBullets "list-bullets" '\u{e2f2}',
    CalendarBlank "calendar-blank" '\u{e10a}',
    Cube "cube" '\u{e1da}',
    Cpu "cpu" '\u{e610}',
    Gear "gear" '\u{e270}',
    Keyboard "keyboard" '\u{e2d8}',
    Link "link" '\u{e2e2}',
    Lock "lock" '\u{e2fa}',
    WifiSlash "wifi-slash" '\u{e4f2}',
    Lightning "lightning" '\u{e2de}',
    Flask "flask" '\u{e79e}',
    Scales "scales" '\u{e750}',
    UsersThree "users-three" '\u{e68e}',
    ChartBar "chart-bar" '\u{e150}',
    ChartScatter "chart-scatter" '\u{eaac}',
    SlidersHorizontal "sliders-horizontal" '\u{e434}',
    GitDiff "git-diff" '\u{e27c}',
    TreeStructure "tree-structure" '\u{e67c}',
    Question "question" '\u{e3e8}',
    Wrench "wrench" '\u{e5d4}',
    TerminalWindow "terminal-window" '\u{eae8}',
    Database "database" '\u{e1de}',
    ArrowSquareOut "arrow-square-out" '\u{e5de}',
    Circle "circle" '\u{e18a}',
}

/// Size of an icon in rows, buttons and chips, in points.
pub const SMALL: f32 = 16.0;
/// Size of an icon in the rail, in points.
pub const LARGE: f32 = 20.0;

/// Draws `icon` of 16 points in the colour of secondary text. Purely decorative: it has no name.
pub fn icon(ui: &mut Ui, icon: Icon) -> Response {
    let colour = tokens(ui).text_2;
    icon_with(ui, icon, SMALL, colour, false)
}

/// Draws `icon` in `size` points and `colour`, outlined or filled.
pub fn icon_with(ui: &mut Ui, icon: Icon, size: f32, colour: Color32, fill: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    if ui.is_rect_visible(rect) {
        let kind = if fill { Look::Fill } else { Look::Regular };
        paint(ui.painter(), rect.center(), icon, size, colour, kind);
    }
    response
}

/// Outlined or filled glyph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Outlined.
    Regular,
    /// Filled: the selected place, states that must be seen from afar.
    Fill,
}

/// Paints `icon` with its centre at `centre`.
pub fn paint(painter: &Painter, centre: Pos2, icon: Icon, size: f32, colour: Color32, look: Look) {
    let font = FontId::new(size, fonts::icons(look == Look::Fill));
    painter.text(centre, Align2::CENTER_CENTER, icon.glyph(), font, colour);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enum_lists_exactly_the_glyphs_of_the_font_subset() {
        let listed: Vec<(String, u32)> = include_str!("../../../assets/icons/icons.txt")
            .lines()
            .filter_map(|line| {
                let (name, code) = line.split_once(' ')?;
                Some((name.to_owned(), u32::from_str_radix(code.trim(), 16).ok()?))
            })
            .collect();
        let known: Vec<(String, u32)> =
            Icon::ALL.iter().map(|icon| (icon.name().to_owned(), icon.glyph() as u32)).collect();
        assert_eq!(listed, known);
    }
}
