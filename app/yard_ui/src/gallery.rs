//! The kit in one picture: every widget in its states, with made-up content.
//!
//! Used by the tests that draw both themes and, by developers, as a living catalogue.

mod controls;
mod large;
mod lists;
mod plots;
mod window;

pub use large::{grid, more_plots};
pub use lists::lists;
pub use plots::plots;
pub use window::{overlays, palette_over, window};

use egui::{Layout, Ui, vec2};

use crate::{
    overlay::Palette,
    space::{S24, S32},
    text,
};

/// The values behind the controls of the gallery.
#[derive(Clone, Debug)]
pub struct GalleryState {
    /// A cost in a number field.
    pub cost: f64,
    /// A floor, not set at first.
    pub floor: Option<f64>,
    /// A whole number with a range that it breaks.
    pub trees: u32,
    /// A choice.
    pub family: usize,
    /// A segment.
    pub segment: usize,
    /// Free text.
    pub unit: String,
    /// A check box.
    pub stratified: bool,
    /// A threshold.
    pub threshold: f64,
    /// A path.
    pub path: String,
    /// Selected row of the table.
    pub row: Option<usize>,
    /// The palette inside the picture.
    pub palette: Palette,
    /// Selected cell of the matrix.
    pub cell: Option<(usize, usize)>,
    /// Selected node of the graph.
    pub node: Option<usize>,
    /// The large table.
    pub grid: crate::table::grid::GridState,
    /// Its pages.
    pub pages: crate::table::grid::Pages,
    /// Selected tab.
    pub tab: usize,
    /// The tree.
    pub tree: crate::TreeState,
    /// Steps in their order.
    pub steps: Vec<String>,
    /// Selected step.
    pub step: Option<usize>,
    /// The last link that was followed.
    pub link: String,
    /// Place on the time slider.
    pub event: f64,
}

impl Default for GalleryState {
    fn default() -> Self {
        let mut palette = Palette::default();
        palette.open_with("pack");
        Self {
            cost: 5.0,
            floor: None,
            trees: 600,
            family: 1,
            segment: 0,
            unit: String::new(),
            stratified: true,
            threshold: 0.167,
            path: "data/telco_churn.csv".to_owned(),
            row: Some(0),
            palette,
            cell: None,
            node: Some(4),
            grid: crate::table::grid::GridState {
                columns: crate::table::grid::ColumnsState::frozen(1),
                selected: crate::table::grid::RowSet::range(2, 5),
                cursor: Some((4, 2)),
                ..Default::default()
            },
            pages: crate::table::grid::Pages::default(),
            tab: 0,
            tree: crate::TreeState { open: [1].into(), selected: Some(3) },
            steps: ["impute tenure", "scale charges", "one-hot contract"].map(str::to_owned).to_vec(),
            step: Some(1),
            link: String::new(),
            event: 412.0,
        }
    }
}

/// Draws controls, states and overlays in two columns.
pub fn gallery(ui: &mut Ui, state: &mut GalleryState) {
    text::title(ui, "Kit");
    ui.add_space(4.0);
    let width = (ui.available_width() - S32) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = S32;
        column(ui, width, |ui| {
            controls::buttons(ui);
            controls::fields(ui, state);
            controls::chips(ui);
            controls::table(ui, state);
            controls::waiting(ui);
        });
        column(ui, width, |ui| {
            controls::figures(ui);
            controls::toasts(ui);
            controls::palette(ui, state);
            controls::values(ui);
        });
    });
}

fn column(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(
        vec2(width, ui.available_height()),
        Layout::top_down(egui::Align::Min),
        |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            content(ui);
        },
    );
}

fn gap(ui: &mut Ui) {
    ui.add_space(S24 - ui.spacing().item_spacing.y);
}
