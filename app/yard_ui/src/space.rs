//! The measures of the kit in points: the 4-point grid, control heights, frame sizes.
//!
//! Knows nothing about colours or widgets.

/// 2 points.
pub const S2: f32 = 2.0;
/// 4 points: between rows of a key-value list.
pub const S4: f32 = 4.0;
/// 8 points: gap between controls.
pub const S8: f32 = 8.0;
/// 12 points: padding in panels.
pub const S12: f32 = 12.0;
/// 16 points: padding in cards and dialogs.
pub const S16: f32 = 16.0;
/// 24 points: padding around a view, between sections.
pub const S24: f32 = 24.0;
/// 32 points: gap between the two columns of a view.
pub const S32: f32 = 32.0;
/// 48 points: wide gap between two columns.
pub const S48: f32 = 48.0;

/// Corner radius of controls, chips and rail items.
pub const RADIUS_CONTROL: u8 = 4;
/// Corner radius of cards and toasts.
pub const RADIUS_CARD: u8 = 6;
/// Corner radius of dialogs and the palette.
pub const RADIUS_DIALOG: u8 = 10;

/// Height of buttons and fields.
pub const CONTROL: f32 = 28.0;
/// Height of buttons and fields that are worked by finger.
pub const CONTROL_TOUCH: f32 = 32.0;
/// Height of a chip.
pub const CHIP: f32 = 20.0;
/// Height of a table row and of the table header.
pub const ROW: f32 = 24.0;
/// Height of a row in a compact table.
pub const ROW_COMPACT: f32 = 20.0;
/// Height of a row of a form.
pub const FORM_ROW: f32 = 32.0;
/// Width of the label in a narrow form.
pub const FORM_LABEL: f32 = 96.0;

/// Height of buttons and fields as the user set it: [`CONTROL`] or [`CONTROL_TOUCH`].
pub fn control(ui: &egui::Ui) -> f32 {
    ui.style().spacing.interact_size.y.clamp(CONTROL, CONTROL_TOUCH)
}

/// Height of the top bar.
pub const TOP_BAR: f32 = 40.0;
/// Height of the status bar.
pub const STATUS_BAR: f32 = 24.0;
/// Width of the rail.
pub const RAIL: f32 = 184.0;
/// Width of the collapsed rail.
pub const RAIL_COLLAPSED: f32 = 44.0;
/// Height of an item of the rail.
pub const RAIL_ITEM: f32 = 44.0;
/// Width of the inspector when the window opens.
pub const INSPECTOR: f32 = 300.0;
/// Narrowest and widest inspector.
pub const INSPECTOR_RANGE: (f32, f32) = (260.0, 420.0);
/// Below this width of the window the rail collapses and the inspector lies over the view.
pub const NARROW: f32 = 1200.0;
/// Height of the head of a view: title and one line of context.
pub const VIEW_HEAD: f32 = 48.0;
/// Width of the command palette.
pub const PALETTE: f32 = 600.0;
