//! The large table: ten million rows by a thousand columns, of which only what is seen is asked for.
//!
//! Cells come from a callback that answers at once, with nothing while they are on their way ([`Pages`]
//! keeps them); sorting, filtering and searching are asked of the caller, who counts rows anew. Frozen
//! columns, resizing, reordering, hiding, multi-selection and the cell inspector are kept in
//! [`GridState`]. Knows nothing about what a row means.

mod body;
mod columns;
mod header;
mod keys;
mod pages;
mod select;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use egui::{Event, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

pub use columns::ColumnsState;
pub use pages::{PAGE_COLUMNS, PAGE_ROWS, Page, Pages};
pub use select::RowSet;

use super::{Cell, Sort, geometry::Geometry, scroll::Scroll};
use crate::{
    Icon, TextField, fmt,
    icon::{self},
    marks::Histogram,
    paint,
    space::{RADIUS_CONTROL, ROW},
    text,
};
use columns::Places;

/// Cells that are put on the clipboard from here; more are left to the caller.
const COPIED: usize = 1_000_000;
/// Height of the mini histogram in the header.
const HISTOGRAM: f32 = 20.0;

/// Kind of the values of a column: its icon and its alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Numbers, right-aligned.
    #[default]
    Number,
    /// Words of a set.
    Category,
    /// Free text.
    Text,
    /// Times and days.
    Time,
    /// Yes and no.
    Flag,
    /// Keys and hashes.
    Key,
}

impl Kind {
    fn icon(self) -> Icon {
        match self {
            Self::Number => Icon::Hash,
            Self::Category => Icon::Tag,
            Self::Text => Icon::TextT,
            Self::Time => Icon::CalendarBlank,
            Self::Flag => Icon::ToggleLeft,
            Self::Key => Icon::Key,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Category => "category",
            Self::Text => "text",
            Self::Time => "time",
            Self::Flag => "flag",
            Self::Key => "key",
        }
    }
}

/// A column of the data.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to the grid"]
pub struct GridColumn {
    title: String,
    kind: Kind,
    histogram: Option<Histogram>,
    width: f32,
}

impl GridColumn {
    /// A column with its title, which carries the unit.
    pub fn new(title: impl Into<String>, kind: Kind) -> Self {
        Self { title: title.into(), kind, histogram: None, width: 112.0 }
    }

    /// A mini histogram in the header.
    pub fn histogram(mut self, histogram: Histogram) -> Self {
        self.histogram = Some(histogram);
        self
    }

    /// Width at first, in points.
    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }
}

/// What the user did with a grid; the caller keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridState {
    /// Order, widths, hidden and frozen columns.
    pub columns: ColumnsState,
    /// Selected rows.
    pub selected: RowSet,
    /// Row and place among the shown columns of the cell that the keys move.
    pub cursor: Option<(usize, usize)>,
    /// Where a range began.
    pub anchor: usize,
    /// The order of the rows.
    pub sort: Option<Sort>,
    /// Filter text by column; empty texts are not kept.
    pub filters: BTreeMap<usize, String>,
    /// Whether the fields of the filters are shown.
    pub filtering: bool,
    /// What is searched for in all columns.
    pub search: String,
    /// Whether the cell inspector is open.
    pub inspecting: bool,
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum GridEvent {
    /// Put the rows into this order; nothing is the order of the data.
    Sort(Option<Sort>),
    /// Filters or the search have changed: see [`GridState::filters`] and [`GridState::search`].
    Filter,
    /// Copy more cells than are here: these rows, these columns in this order.
    Copy(RowSet, Vec<usize>),
}

/// What happened in this frame.
pub struct GridResponse {
    /// The whole grid.
    pub response: Response,
    /// What the caller has to do.
    pub events: Vec<GridEvent>,
    /// Rows that were drawn: first and one past the last.
    pub rows: (usize, usize),
    /// Columns that were drawn besides the frozen ones, as places among the shown.
    pub columns: (usize, usize),
    /// Whether a cell was not there yet.
    pub loading: bool,
}

/// The large table.
#[derive(Clone, Copy, Debug)]
#[must_use = "call `show`"]
pub struct Grid<'a> {
    name: &'a str,
    columns: &'a [GridColumn],
    rows: usize,
    height: Option<f32>,
}

impl<'a> Grid<'a> {
    /// A grid of `rows` rows with its accessible name, which is also its identity inside the place.
    pub fn new(name: &'a str, columns: &'a [GridColumn], rows: usize) -> Self {
        Self { name, columns, rows, height: None }
    }

    /// Height in points; what the place offers by default, 400 in a scrolled view.
    pub fn height(mut self, height: f32) -> Self {
        self.height = Some(height);
        self
    }

    /// Draws the grid. `cell(row, column)` answers at once: nothing for a cell that is on its way. It is
    /// asked for visible cells only, and for selected ones when they are copied.
    pub fn show(
        self,
        ui: &mut Ui,
        state: &mut GridState,
        mut cell: impl FnMut(usize, usize) -> Option<Cell<'static>>,
    ) -> GridResponse {
        state.columns.fit(self.columns.len(), |at| self.columns[at].width);
        let mut events = Vec::new();
        ui.push_id(self.name, |ui| self.bar(ui, state, &mut events));
        let (rect, response) = self.allocate(ui);
        let label = format!("{}, {} rows, {} columns", self.name, self.rows, self.columns.len());
        response.widget_info(|| WidgetInfo::labeled(Role::Grid, true, &label));
        let mut outcome = GridResponse {
            response: response.clone(),
            events,
            rows: (0, 0),
            columns: (0, 0),
            loading: false,
        };
        if self.columns.is_empty() {
            return outcome;
        }
        let mut places = Places::new(&state.columns);
        let geometry = self.geometry(rect, state, &places);
        let mut scroll = Scroll::load(ui, response.id);
        let moved = keys::show(&self, ui, (&response, &geometry), (state, &mut outcome));
        if moved {
            places = Places::new(&state.columns);
        }
        if let Some((row, place)) = state.cursor.filter(|_| moved) {
            scroll.bring(row, &geometry);
            bring_column(&mut scroll, place, &places, rect.width());
        }
        scroll.wheel(ui, &geometry);
        scroll.clamp(&geometry);
        if ui.is_rect_visible(rect) {
            let frame = Frame { grid: &self, geometry: &geometry, scroll: &scroll, places: &places };
            body::show(&frame, ui, (state, &mut outcome), &mut cell);
            header::show(&frame, ui, (state, &mut outcome));
            scroll.bars(ui, &geometry, response.id);
        }
        scroll.store(ui, response.id);
        self.copy(ui, (state, &mut outcome), &places, &mut cell);
        paint::focus_ring(ui, rect, RADIUS_CONTROL, &response);
        outcome
    }

    fn allocate(&self, ui: &mut Ui) -> (Rect, Response) {
        let offered = ui.available_height();
        let height = self.height.unwrap_or(if offered.is_finite() { offered } else { 400.0 }).max(ROW * 4.0);
        let rect = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), height));
        let id = ui.make_persistent_id(("grid", self.name));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        ui.advance_cursor_after_rect(rect);
        (rect, response)
    }

    fn geometry(&self, rect: Rect, state: &GridState, places: &Places) -> Geometry {
        let histogram =
            if self.columns.iter().any(|column| column.histogram.is_some()) { HISTOGRAM } else { 0.0 };
        let filters = if state.filtering { ROW } else { 0.0 };
        let top = rect.top() + ROW + histogram + filters;
        let bar = if places.width() > rect.width() { 10.0 } else { 0.0 };
        Geometry {
            rect,
            header: Rect::from_min_max(rect.min, pos2(rect.right(), top)),
            body: Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), rect.bottom() - bar)),
            row_height: ROW,
            rows: self.rows,
            columns: Vec::new(),
            width: places.width(),
        }
    }

    /// Search, filters, hidden columns and the number of selected rows.
    fn bar(&self, ui: &mut Ui, state: &mut GridState, events: &mut Vec<GridEvent>) {
        ui.horizontal(|ui| {
            let field = TextField::new("Search rows", &mut state.search).hint("Search rows").width(240.0);
            if ui.add(field).changed() {
                events.push(GridEvent::Filter);
            }
            let filter = crate::IconButton::new(Icon::Funnel, "Filter columns").selected(state.filtering);
            if ui.add(filter).clicked() {
                state.filtering = !state.filtering;
            }
            let hidden = state.columns.hidden().count();
            if hidden > 0 && text::icon_link(ui, Icon::Eye, &format!("Show {hidden} hidden")).clicked() {
                state.columns.show_all();
            }
            let selected = state.selected.len();
            let words = if selected > 0 {
                format!("{} of {} rows selected", fmt::count(selected as u64), fmt::count(self.rows as u64))
            } else {
                format!(
                    "{} rows, {} columns",
                    fmt::count(self.rows as u64),
                    fmt::count(self.columns.len() as u64)
                )
            };
            text::note(ui, words);
        });
    }

    /// Selected rows as tab-separated text, if all of them are here; else the caller is asked.
    fn copy(
        &self,
        ui: &Ui,
        (state, outcome): (&GridState, &mut GridResponse),
        places: &Places,
        cell: &mut impl FnMut(usize, usize) -> Option<Cell<'static>>,
    ) {
        let wanted = outcome.response.has_focus()
            && ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Copy)));
        if !wanted || state.selected.is_empty() {
            return;
        }
        let few = state.selected.len().saturating_mul(places.shown.len()) <= COPIED;
        match few.then(|| self.tsv(&state.selected, &places.shown, cell)).flatten() {
            Some(text) => ui.ctx().copy_text(text),
            None => outcome.events.push(GridEvent::Copy(state.selected.clone(), places.shown.clone())),
        }
    }

    fn tsv(
        &self,
        rows: &RowSet,
        columns: &[usize],
        cell: &mut impl FnMut(usize, usize) -> Option<Cell<'static>>,
    ) -> Option<String> {
        let clean = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let titles: Vec<String> = columns.iter().map(|column| clean(&self.columns[*column].title)).collect();
        let mut text = titles.join("\t");
        for row in rows.iter() {
            text.push('\n');
            for (at, column) in columns.iter().enumerate() {
                if at > 0 {
                    text.push('\t');
                }
                text.push_str(&clean(&cell(row, *column)?.copied()));
            }
        }
        Some(text)
    }
}

/// The places of one frame.
struct Frame<'f> {
    grid: &'f Grid<'f>,
    geometry: &'f Geometry,
    scroll: &'f Scroll,
    places: &'f Places,
}

impl Frame<'_> {
    /// The shown places that are seen: the frozen ones, then those that scroll.
    fn seen(&self) -> (usize, usize) {
        self.places.visible(self.scroll.x, self.geometry.rect.width())
    }

    /// Where the column at `place` lies on the screen.
    fn column_rect(&self, place: usize, y: egui::Rangef) -> Rect {
        let (left, width) = self.places.span(place, self.scroll.x);
        Rect::from_x_y_ranges(self.geometry.rect.left() + left..=self.geometry.rect.left() + left + width, y)
    }

    /// The part of the grid in which the column at `place` may paint.
    fn clip(&self, place: usize) -> Rect {
        let mut rect = self.geometry.rect;
        if place >= self.places.frozen {
            rect.min.x += self.places.frozen_width();
        }
        rect
    }
}

/// Scrolls as little as needed to show the column at `place`.
fn bring_column(scroll: &mut Scroll, place: usize, places: &Places, width: f32) {
    if place < places.frozen || place + 1 >= places.edges.len() {
        return;
    }
    let (from, to) = (places.edges[place], places.edges[place + 1]);
    scroll.x = scroll.x.max(to - width).min(from - places.frozen_width());
}

/// Width of the icon of a kind with its gap.
const GLYPH: f32 = icon::SMALL + 4.0;
