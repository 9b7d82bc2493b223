//! The virtual table: integer rows of fixed height, of which only the visible ones are asked for.
//!
//! A million rows cost as much as the fifty on the screen: the scroll position is a row number, not
//! a number of points, so that no precision is lost. Knows nothing about what a row means.

mod cell;
mod geometry;
pub mod grid;
mod header;
mod rows;
mod scroll;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use egui::{Align, Event, Key, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

pub use cell::Cell;

use crate::{
    show::Better,
    space::{ROW, ROW_COMPACT},
};
use geometry::Geometry;
use scroll::Scroll;

/// Width of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Width {
    /// Exactly so many points.
    Exact(f32),
    /// A part of what the others leave, at least so many points.
    Rest(f32),
}

/// A column of a table.
#[derive(Clone, Debug)]
#[must_use = "a builder: give it to the widget"]
pub struct Column<'a> {
    title: Cow<'a, str>,
    width: Width,
    align: Align,
    sortable: bool,
    better: Option<Better>,
    tooltip: Option<Cow<'a, str>>,
}

impl<'a> Column<'a> {
    /// A column of `width` points, text at the left. The title carries the unit ("Time, s").
    pub fn new(title: impl Into<Cow<'a, str>>, width: f32) -> Self {
        Self {
            title: title.into(),
            width: Width::Exact(width),
            align: Align::Min,
            sortable: false,
            better: None,
            tooltip: None,
        }
    }

    /// A column that takes the rest of the width, at least `least` points.
    pub fn rest(title: impl Into<Cow<'a, str>>, least: f32) -> Self {
        Self { width: Width::Rest(least), ..Self::new(title, least) }
    }

    /// Right-aligned: numbers.
    pub fn right(mut self) -> Self {
        self.align = Align::Max;
        self
    }

    /// A click on the header asks for this order.
    pub fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    /// An arrow in the header: which way is better.
    pub fn better(mut self, better: Better) -> Self {
        self.better = Some(better);
        self
    }

    /// Text on hover over the header.
    pub fn tooltip(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.tooltip = Some(text.into());
        self
    }
}

/// The order of a table; the caller sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Index of the column.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
}

/// What the user did in this frame.
pub struct TableResponse {
    /// The whole table.
    pub response: Response,
    /// The row that was selected by a click or an arrow key.
    pub selected: Option<usize>,
    /// First and last row of a range selected with Shift.
    pub range: Option<(usize, usize)>,
    /// The row that was opened by a double click or Enter.
    pub activated: Option<usize>,
    /// The order that a header click asks for.
    pub sort: Option<Sort>,
    /// The interactive cell (icon button, link) that was clicked, as row and column.
    pub cell: Option<(usize, usize)>,
    /// Where that cell lies, for a menu below it.
    pub cell_rect: Rect,
    /// The row under the pointer.
    pub hovered: Option<usize>,
    /// Rows that were drawn: first and one past the last.
    pub drawn: (usize, usize),
}

/// A table. `Table::new("Runs", &columns).rows(n).show(ui, |row, column| Cell::text(..))`
#[must_use = "call `show`"]
pub struct Table<'a> {
    name: &'a str,
    columns: &'a [Column<'a>],
    rows: usize,
    row_height: f32,
    height: Option<f32>,
    sort: Option<Sort>,
    selected: Option<usize>,
    marked: Option<&'a dyn Fn(usize) -> bool>,
    scroll_to: Option<usize>,
    header: bool,
}

impl<'a> Table<'a> {
    /// A table with its accessible name, which is also its identity inside the place.
    pub fn new(name: &'a str, columns: &'a [Column<'a>]) -> Self {
        Self {
            name,
            columns,
            rows: 0,
            row_height: ROW,
            height: None,
            sort: None,
            selected: None,
            marked: None,
            scroll_to: None,
            header: true,
        }
    }

    /// Number of rows.
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// Rows of 20 points instead of 24.
    pub fn compact(mut self) -> Self {
        self.row_height = ROW_COMPACT;
        self
    }

    /// Height in points, header included. Without, the table takes what its rows need, at most what
    /// the place offers; in a scrolled view, more than 60 rows get a window of 20.
    pub fn height(mut self, height: f32) -> Self {
        self.height = Some(height);
        self
    }

    /// The order that is shown by a chevron.
    pub fn sort(mut self, sort: Option<Sort>) -> Self {
        self.sort = sort;
        self
    }

    /// The selected row.
    pub fn selected(mut self, row: Option<usize>) -> Self {
        self.selected = row;
        self
    }

    /// Rows that are marked besides the selected one: a brushed selection.
    pub fn marked(mut self, marked: &'a dyn Fn(usize) -> bool) -> Self {
        self.marked = Some(marked);
        self
    }

    /// Brings `row` into view in this frame.
    pub fn scroll_to(mut self, row: Option<usize>) -> Self {
        self.scroll_to = row;
        self
    }

    /// Leaves the header out.
    pub fn without_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Draws the table. `cell(row, column)` is asked for visible cells only, and for the selected
    /// row when it is copied (Ctrl+C: header and row as tab-separated text).
    pub fn show<'c>(self, ui: &mut Ui, mut cell: impl FnMut(usize, usize) -> Cell<'c>) -> TableResponse {
        let (rect, response) = self.allocate(ui);
        let enabled = ui.is_enabled();
        let label = format!("{}, {} rows", self.name, self.rows);
        response.widget_info(|| WidgetInfo::labeled(Role::Table, enabled, &label));
        let geometry = Geometry::new(self.columns, rect, self.row_height, (self.rows, self.header));
        let mut scroll = Scroll::load(ui, response.id);
        let mut outcome = TableResponse {
            selected: None,
            range: None,
            activated: None,
            sort: None,
            cell: None,
            cell_rect: rect,
            hovered: None,
            drawn: (0, 0),
            response: response.clone(),
        };
        self.keyboard(ui, &response, &geometry, &mut outcome);
        if let Some(row) = outcome.selected.or(self.scroll_to) {
            scroll.bring(row, &geometry);
        }
        scroll.wheel(ui, &geometry);
        scroll.clamp(&geometry);
        if ui.is_rect_visible(rect) {
            header::show(&self, ui, &geometry, &scroll, &mut outcome);
            rows::show(&self, ui, (&geometry, &scroll), &mut cell, &mut outcome);
            scroll.bars(ui, &geometry, response.id);
        }
        scroll.store(ui, response.id);
        self.copy(ui, &response, &mut cell);
        crate::paint::focus_ring(ui, rect, crate::space::RADIUS_CONTROL, &response);
        outcome
    }

    fn allocate(&self, ui: &mut Ui) -> (Rect, Response) {
        let width = ui.available_width();
        let header = if self.header { ROW } else { 0.0 };
        let whole = header + self.rows as f32 * self.row_height + Geometry::bar_height(self.columns, width);
        let room = self.height.unwrap_or_else(|| self.room(ui, whole));
        let height = whole.min(room).max(header + self.row_height);
        let start = ui.cursor().min;
        let rect = Rect::from_min_size(pos2(start.x, start.y), vec2(width, height));
        let id = ui.make_persistent_id(("table", self.name));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        ui.advance_cursor_after_rect(rect);
        (rect, response)
    }

    /// Height where the caller gives none: what the place offers; inside a scrolled view all rows of
    /// a short table, and a window of 20 rows on a long one.
    fn room(&self, ui: &Ui, whole: f32) -> f32 {
        let offered = ui.available_height();
        if offered.is_finite() {
            offered
        } else if self.rows <= 60 {
            whole
        } else {
            ROW + 20.0 * self.row_height
        }
    }

    fn keyboard(&self, ui: &Ui, response: &Response, geometry: &Geometry, outcome: &mut TableResponse) {
        if !response.has_focus() || self.rows == 0 {
            return;
        }
        ui.memory_mut(|memory| {
            let filter = egui::EventFilter { vertical_arrows: true, ..egui::EventFilter::default() };
            memory.set_focus_lock_filter(response.id, filter);
        });
        let page = (geometry.visible_rows() as i64 - 1).max(1);
        let last = self.rows as i64 - 1;
        let at = self.selected.map_or(-1, |row| row as i64);
        let (steps, home, end, enter) = ui.input(|input| {
            let times = |key| input.num_presses(key) as i64;
            let lines = times(Key::ArrowDown) - times(Key::ArrowUp);
            let pages = times(Key::PageDown) - times(Key::PageUp);
            (
                lines + pages * page,
                input.key_pressed(Key::Home),
                input.key_pressed(Key::End),
                input.key_pressed(Key::Enter),
            )
        });
        let target = match (home, end) {
            (true, _) => 0,
            (_, true) => last,
            _ => at + steps,
        };
        if (home || end || steps != 0) && target != at {
            outcome.selected = Some(target.clamp(0, last) as usize);
        }
        if enter {
            outcome.activated = self.selected;
        }
    }

    fn copy<'c>(&self, ui: &Ui, response: &Response, cell: &mut impl FnMut(usize, usize) -> Cell<'c>) {
        let wanted = response.has_focus()
            && ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Copy)));
        let Some(row) = self.selected.filter(|&row| wanted && row < self.rows) else {
            return;
        };
        ui.ctx().copy_text(self.tsv([row], cell));
    }

    /// Header and `rows` as tab-separated text; tabs and line breaks inside a cell become spaces.
    pub fn tsv<'c>(
        &self,
        rows: impl IntoIterator<Item = usize>,
        cell: &mut impl FnMut(usize, usize) -> Cell<'c>,
    ) -> String {
        let clean = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let titles: Vec<String> = self.columns.iter().map(|column| clean(&column.title)).collect();
        let mut text = titles.join("\t");
        for row in rows {
            text.push('\n');
            let cells: Vec<String> =
                (0..self.columns.len()).map(|column| clean(&cell(row, column).copied())).collect();
            text.push_str(&cells.join("\t"));
        }
        text
    }
}
