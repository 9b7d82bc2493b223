//! Design kit: tokens, fonts, icons, widgets, table, plots, palette; knows egui, knows no ML.
//!
//! Every control sets role, name and value, is reached by Tab and shows a focus ring; colours come
//! from tokens only. Call [`apply`] once a frame, before anything is drawn.
//!
//! # Index
//!
//! **Colours and type.** [`tokens()`] gives the [`Tokens`] of the theme (`t.text_2`, `t.series(i)`,
//! `t.sequential(share)`); [`Type`] is the type scale; [`space`] the measures; [`icon()`] and
//! [`Icon`] the glyphs (16 in rows, 20 in the rail).
//!
//! **Text.** [`text::title`], [`text::body`], [`text::small`], [`text::secondary`],
//! [`text::paragraph`] (wraps), [`text::note`] (11), [`text::mono`], [`text::fitted`] (ellipsis and
//! tooltip), [`text::link`], [`text::icon_link`] ("Copy"). Numbers are formatted by [`fmt`]:
//! `metric`, `loss`, `count`, `percent`, `interval`, `with_interval`, `difference`,
//! `difference_interval`, `duration`, `ago`, `bytes`, `hash`; missing is [`fmt::MISSING`].
//!
//! **Buttons.** [`Button`]`::primary|secondary|quiet|danger|danger_filled(label)` with `.icon(..)`,
//! `.key("Ctrl+K")`, `.enabled_if(cond, "why it is off")`, `.menu()`; [`IconButton`]`::new(icon, name)`
//! with `.badge(n)`, `.selected(b)`; [`key_cap`].
//!
//! **Fields.** [`TextField`], [`PathField`] (answers `browse`), [`NumberField`] (`new`, `optional`;
//! unit, range, arithmetic), [`Select`] by index or [`select_value`] by value, [`checkbox`],
//! [`radio`], [`Segmented`], [`Slider`]. [`Form`]`::new(label_width).row(ui, "Label", |ui| ..)` puts the
//! label before a control that has the same name; `.value(..)` before chips or text.
//!
//! **States.** [`Status`] (`Ok Warn Error Info Running Done Idle`) as [`Chip`], [`status_word`],
//! [`status_line`] (a sentence that wraps); [`legend`] for the colour of a run.
//!
//! **Content.** [`section`] and [`section_with`] (controls at the right), [`divider`],
//! [`Figure`] and [`figures`], [`key_value`], [`key_text`], [`key_values`], [`show::code`],
//! [`code_with_copy`], [`progress`], [`show::spinner`], [`show::skeleton`], [`show::card`], [`Empty`],
//! [`show::failed`], [`show::drop_target`], [`show::drop_overlay`].
//!
//! **Markdown.** [`markdown::show`] draws help texts, cards and notes; links go to the caller.
//!
//! **Settings.** [`high_contrast`], [`touch`] (controls of 32 points), [`reduce_motion`].
//!
//! **Lists.** [`tabs()`] of [`Tab`]s, [`tree()`] of [`TreeNode`]s, [`reorder()`] (Alt+Up and Alt+Down),
//! [`Progress`] with time left and Stop, [`badge`], [`skeleton_lines`].
//!
//! **Marks.** [`marks`]: `interval`, `mini_histogram`, `sparkline`, `bar_list` (importance, reasons,
//! policies), `share_bar` (traffic), `score_bar`. [`matrix::CostMatrix`] (2 × 2),
//! [`matrix::HeatMatrix`] (k × k), [`lineage::Graph`], [`flow::flow`] (Sankey), [`timeline::timeline`].
//!
//! **Table.** `Table::new("Runs", &columns).rows(n).selected(row).sort(sort).show(ui, |row, column|
//! Cell::number(..))`: virtual, a million rows; [`TableResponse`] says what was selected, opened,
//! sorted or clicked; Ctrl+C copies the row. [`Cell`] has text, number, missing, status, chip,
//! swatch, button, link, interval, histogram, sparkline, share.
//!
//! **Grid.** [`table::grid::Grid`]: ten million rows by a thousand columns from [`table::grid::Pages`]
//! that come when they can; frozen columns, order, filters, search, ranges of rows, cell inspector.
//!
//! **Plot.** `Plot::new(title, Axis::new("epoch"), Axis::new("log loss")).note("test n = 1 409")
//! .line(Line::new(name, colour, points).band(..).dash(..)).reference(..).show(ui)`;
//! [`plot::presets`] has `roc`, `precision_recall`, `calibration`, `cost` (with its threshold handle),
//! `curves`, `distributions`, `stacked`, `scatter`, `bars`, `heat_map`, `waterfall`, `beeswarm`,
//! `parallel`, `over_time`. Every plot has crosshair, box zoom, its data as table, and a menu with copy,
//! PNG, SVG and CSV: the window saves what [`plot::exports`] gives.
//!
//! **Over the view.** [`Dialog`], [`overlay::dialog_with`], [`Toasts`], [`Palette`] with [`Entry`],
//! [`overlay::menu`] with [`overlay::menu_item`].
//!
//! **Window.** [`Shell`]`.show(ui, &mut state, |ui, region| ..)` draws top bar, rail, status bar and
//! calls back for [`Region::View`] and [`Region::Inspector`]; [`view_head`], [`inspector_head`],
//! [`inspector_section`] head them; [`shell::view_height_left`] sizes a table that fills the view.
//!
//! # Example
//!
//! ```
//! # egui::__run_test_ui(|ui| {
//! use yard_ui::{Button, Icon, Theme, apply, view_head};
//! apply(ui.ctx(), Theme::System);
//! view_head(ui, "Train", "split by row hash", |ui| {
//!     if ui.add(Button::primary("Start training").icon(Icon::Play).key("Ctrl+Enter")).clicked() {
//!         // send the command
//!     }
//! });
//! # });
//! ```

pub mod button;
pub mod field;
pub mod flow;
pub mod fmt;
pub mod fonts;
pub mod gallery;
pub mod icon;
pub mod lineage;
pub mod markdown;
pub mod marks;
pub mod matrix;
pub mod overlay;
pub mod paint;
pub mod plot;
pub mod progress;
#[cfg(debug_assertions)]
mod reload;
pub mod reorder;
pub mod shell;
pub mod show;
pub mod space;
pub mod status;
pub mod table;
pub mod tabs;
pub mod text;
pub mod theme;
pub mod timeline;
pub mod tokens;
pub mod tree;

pub use button::{Button, IconButton, key_cap};
pub use field::{
    Form, NumberField, PathField, Segmented, Select, Slider, TextField, checkbox, form_row, radio,
    select_value, take_focused_name,
};
pub use fonts::Type;
pub use icon::{Icon, icon, icon_with};
pub use overlay::{Answer, Dialog, Entry, Palette, Toast, ToastEvent, Toasts};
pub use plot::{Axis, Line, Plot, PlotResponse};
pub use progress::{Progress, badge, skeleton_lines};
pub use reorder::{Move, reorder};
pub use shell::{Place, Region, Shell, ShellEvent, ShellState, inspector_head, inspector_section, view_head};
pub use show::{
    Better, Empty, Figure, code_with_copy, divider, figures, key_text, key_value, key_values, progress,
    section, section_with,
};
pub use status::{Chip, Status, legend, status_line, status_word};
pub use table::{Cell, Column, Sort, Table, TableResponse};
pub use tabs::{Tab, tabs};
pub use theme::{Theme, apply, high_contrast, reduce_motion, touch};
pub use tokens::{Tokens, tokens, tokens_ctx};
pub use tree::{TreeNode, TreeState, tree};

#[cfg(test)]
mod lists_tests;
#[cfg(test)]
mod looks_tests;
#[cfg(test)]
mod pictures;
