//! The one plot of the program: title, note, axes with units, direct labels, reference lines,
//! intervals as bands, hover values, zoom, and its data as text.
//!
//! `egui_plot` draws lines, bands, bars and points; ticks, labels, crosshair and handle are painted
//! here, so that they follow the tokens. Knows nothing about models: the presets in [`presets`] take
//! numbers and words. For the contract see W. S. Cleveland, The Elements of Graphing Data (1994).

mod axis;
mod cache;
mod data;
mod decimate;
mod draw;
mod export;
#[cfg(test)]
mod export_tests;
mod extra;
mod handle;
mod hover;
mod labels;
mod layout;
mod menu;
pub mod presets;
mod raster;
mod series;
mod svg;
#[cfg(test)]
mod tests;
mod view;

use egui::{Id, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};

pub use axis::Axis;
pub use export::{Export, exports};
pub use extra::{EventMark, Heat};
pub use series::{Bars, Dash, Line, Marker, Points, Reference, Span};

use crate::{
    fonts::Type,
    paint, show,
    status::{Status, status_line},
    text,
    tokens::tokens,
};
use layout::Layout;

/// Where the names of the lines stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// At the end of each line.
    #[default]
    Ends,
    /// Stacked inside, at the bottom right: for curves that all end at the same point.
    BottomRight,
    /// Stacked inside, at the top left.
    TopLeft,
    /// As a row of chips under the title.
    Above,
    /// Nowhere: the caller shows them in a table.
    Hidden,
}

/// Whether there is something to draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    /// There is.
    #[default]
    Ready,
    /// Not yet: what will appear here.
    Empty(String),
    /// On its way: what is done, and the share of 1 if it is known.
    Loading(String, Option<f64>),
    /// It failed: what and why, and what to do.
    Failed(String, String),
}

/// A vertical line that can be dragged: a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Handle {
    /// Its place on the x axis.
    pub x: f64,
    /// Ends of where it can be put.
    pub range: (f64, f64),
    /// What it is and what it gives ("threshold 0.167, cost 451").
    pub label: String,
}

/// What brushing did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Brush {
    /// From one x to another.
    Range(f64, f64),
    /// Nothing is selected any more.
    Cleared,
}

/// A plot. Build it, add marks, `show` it.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct Plot<'a> {
    title: &'a str,
    note: &'a str,
    x: Axis<'a>,
    y: Axis<'a>,
    lines: Vec<Line>,
    points: Vec<Points>,
    bars: Vec<Bars>,
    references: Vec<Reference>,
    markers: Vec<Marker>,
    spans: Vec<Span>,
    heat: Option<Heat>,
    events: Vec<EventMark>,
    handle: Option<Handle>,
    names: Names,
    state: State,
    height: f32,
    width: Option<f32>,
    group: Option<&'a str>,
    brushable: bool,
    brush: Option<(f64, f64)>,
    fixed: bool,
}

/// What happened on a plot in this frame.
pub struct PlotResponse {
    /// The area of the plot.
    pub response: Response,
    /// The new place of the handle, while it is dragged or moved by keys.
    pub handle: Option<f64>,
    /// A range of x was brushed, or the brush was cleared.
    pub brushed: Option<Brush>,
    /// x under the pointer.
    pub hovered: Option<f64>,
    /// x and y of a click.
    pub clicked: Option<[f64; 2]>,
    /// The user asked to save the data: the text of the CSV file.
    pub save_csv: Option<String>,
}

impl<'a> Plot<'a> {
    /// A plot with its title (quantity with unit and direction) and the axes.
    pub fn new(title: &'a str, x: Axis<'a>, y: Axis<'a>) -> Self {
        Self {
            title,
            note: "",
            x,
            y,
            lines: Vec::new(),
            points: Vec::new(),
            bars: Vec::new(),
            references: Vec::new(),
            markers: Vec::new(),
            spans: Vec::new(),
            heat: None,
            events: Vec::new(),
            handle: None,
            names: Names::Ends,
            state: State::Ready,
            height: 228.0,
            width: None,
            group: None,
            brushable: false,
            brush: None,
            fixed: false,
        }
    }

    /// n, split and method, in one quiet line below the title.
    pub fn note(mut self, note: &'a str) -> Self {
        self.note = note;
        self
    }

    /// Adds a line.
    pub fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    /// Adds several lines.
    pub fn lines(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// Adds points.
    pub fn points(mut self, points: Points) -> Self {
        self.points.push(points);
        self
    }

    /// Adds bars.
    pub fn bars(mut self, bars: Bars) -> Self {
        self.bars.push(bars);
        self
    }

    /// Adds a reference line with its name.
    pub fn reference(mut self, reference: Reference) -> Self {
        self.references.push(reference);
        self
    }

    /// Adds a dot with a label.
    pub fn marker(mut self, marker: Marker) -> Self {
        self.markers.push(marker);
        self
    }

    /// Adds a shaded range of x.
    pub fn span(mut self, span: Span) -> Self {
        self.spans.push(span);
        self
    }

    /// Cells of colours; the axes then count columns and rows (see [`presets::heat_map`]).
    pub fn heat(mut self, heat: Heat) -> Self {
        self.heat = Some(heat);
        self
    }

    /// Marks of what happened, at the top: releases, alerts.
    pub fn events(mut self, events: impl IntoIterator<Item = EventMark>) -> Self {
        self.events.extend(events);
        self
    }

    /// Adds a handle that can be dragged.
    pub fn handle(mut self, handle: Handle) -> Self {
        self.handle = Some(handle);
        self
    }

    /// Where the names of the lines stand.
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Shows that there is nothing to draw, and why.
    pub fn state(mut self, state: State) -> Self {
        self.state = state;
        self
    }

    /// Height of the whole in points, title included.
    pub fn height(mut self, height: f32) -> Self {
        self.height = height;
        self
    }

    /// Width of the whole in points; the available width by default.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// Plots of the same group share the crosshair.
    pub fn group(mut self, group: &'a str) -> Self {
        self.group = Some(group);
        self
    }

    /// Lets a range of x be selected by dragging; `range` is what is selected now.
    pub fn brush(mut self, range: Option<(f64, f64)>) -> Self {
        self.brushable = true;
        self.brush = range;
        self
    }

    /// Switches zoom off.
    pub fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    /// Draws the plot.
    pub fn show(mut self, ui: &mut Ui) -> PlotResponse {
        let width = self.width.unwrap_or_else(|| ui.available_width());
        let id = ui.make_persistent_id(("plot", self.title, self.y.label));
        let start = ui.cursor().min;
        let rect = Rect::from_min_size(start, vec2(width, self.height));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        self.y.log = menu::log_of(&self, ui.ctx(), id);
        ui.advance_cursor_after_rect(rect);
        let spoken = data::summary(&self);
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(spoken.clone()),
            ..WidgetInfo::labeled(Role::Figure, true, self.title)
        });
        let mut outcome = PlotResponse {
            response,
            handle: None,
            brushed: None,
            hovered: None,
            clicked: None,
            save_csv: None,
        };
        if !ui.is_rect_visible(rect) {
            return outcome;
        }
        let head = self.head(ui, rect, id);
        menu::show(&self, ui, rect, (id, &mut outcome));
        let body = Rect::from_min_max(egui::pos2(rect.left(), head), rect.max);
        match &self.state {
            State::Ready if ui.data(|data| data.get_temp(id.with("table"))).unwrap_or(false) => {
                data::table(&self, ui, body);
            }
            State::Ready if data::is_empty(&self) => {
                message(ui, body, &State::Empty("No values to draw".to_owned()));
            }
            State::Ready => self.draw(ui, body, id, &mut outcome),
            state => message(ui, body, state),
        }
        outcome
    }

    /// Title, note and menu; returns where the plot begins.
    fn head(&self, ui: &mut Ui, rect: Rect, id: Id) -> f32 {
        let t = tokens(ui);
        let menu = 20.0;
        let title =
            paint::fitted(ui.painter(), self.title, Type::LabelStrong, t.text, rect.width() - menu - 4.0);
        let cut = title.elided;
        let place = paint::galley_at(ui.painter(), rect.min, egui::Align2::LEFT_TOP, title);
        if cut {
            ui.interact(place, id.with("title"), Sense::hover()).on_hover_text(self.title);
        }
        let mut y = rect.top() + 16.0;
        if !self.note.is_empty() {
            let note = paint::fitted(ui.painter(), self.note, Type::Caption, t.text_3, rect.width());
            paint::galley_at(ui.painter(), egui::pos2(rect.left(), y), egui::Align2::LEFT_TOP, note);
            y += 16.0;
        }
        if self.names == Names::Above {
            labels::above(self, ui, egui::pos2(rect.left(), y));
            y += 16.0;
        }
        y + 4.0
    }

    fn draw(&self, ui: &mut Ui, body: Rect, id: Id, outcome: &mut PlotResponse) {
        let layout = Layout::new(self, ui, body, id);
        self.paint(ui, &layout, id);
        let area = ui.interact(layout.area, id.with("area"), Sense::CLICK | Sense::DRAG);
        menu::context(self, &area, (id, outcome));
        extra::events(self, ui, &layout, id);
        handle::show(self, ui, &layout, id, outcome);
        view::navigate(self, ui, (&layout, &area), id, outcome);
        hover::show(self, ui, (&layout, &area), id, outcome);
        paint::focus_ring(ui, layout.area, 2, &outcome.response);
    }

    fn paint(&self, ui: &mut Ui, layout: &Layout, id: Id) {
        draw::ground(self, ui, layout);
        extra::heat(self, ui, layout);
        extra::density(self, ui, layout, id);
        draw::marks(self, ui, layout, id);
        draw::references(self, ui, layout);
        labels::show(self, ui, layout);
    }

    /// The plot without anything that is worked with, for a picture.
    fn still(&self, ui: &mut Ui, rect: Rect, zoom: Option<view::Bounds>) {
        let t = tokens(ui);
        ui.painter().rect_filled(ui.ctx().content_rect(), egui::CornerRadius::ZERO, t.surface);
        let id = Id::unique("yard_ui.plot.still");
        view::set(ui.ctx(), id, zoom);
        let head = self.head(ui, rect, id);
        let body = Rect::from_min_max(egui::pos2(rect.left(), head), rect.max);
        let layout = Layout::new(self, ui, body, id);
        self.paint(ui, &layout, id);
        extra::events(self, ui, &layout, id);
        handle::still(self, ui, &layout);
    }
}

/// The frame of a plot that can't be drawn, with the reason.
fn message(ui: &mut Ui, body: Rect, state: &State) {
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body));
    child.spacing_mut().item_spacing.y = 8.0;
    match state {
        State::Ready => {}
        State::Empty(sentence) => {
            text::paragraph(&mut child, sentence);
        }
        State::Loading(what, done) => {
            show::skeleton(&mut child, vec2(body.width(), (body.height() - 32.0).max(24.0)));
            show::progress(&mut child, what, *done, what);
        }
        State::Failed(what, advice) => {
            status_line(&mut child, Status::Error, what);
            text::paragraph(&mut child, advice);
        }
    }
}
