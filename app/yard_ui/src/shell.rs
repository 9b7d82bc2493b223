//! The frame of the window: top bar, rail of the loop, view, inspector, status bar.
//!
//! Data in, events out: the caller says what each place is called and what state it is in, and acts
//! on what comes back. Knows nothing about what a place shows.

mod bars;
mod head;
mod rail;

use egui::{Frame, Margin, Panel, Rect, Response, ScrollArea, Ui, pos2};

pub use bars::{Job, StatusBar, TopBar};
pub use head::{inspector_head, inspector_section, view_head, view_height_left};
pub use rail::{NextStep, Place};

use crate::{
    paint,
    space::{INSPECTOR, INSPECTOR_RANGE, NARROW, RAIL, RAIL_COLLAPSED, S12, S24, STATUS_BAR, TOP_BAR},
    tokens::tokens,
};

/// What of the frame is open; keep it between frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShellState {
    /// The inspector beside the view, in a window of 1200 points and more.
    pub inspector: bool,
    /// The inspector over the view, in a narrower window.
    pub inspector_over: bool,
}

impl Default for ShellState {
    fn default() -> Self {
        Self { inspector: true, inspector_over: false }
    }
}

impl ShellState {
    /// Opens or closes the inspector as the window's width asks for (Ctrl+I).
    pub fn toggle_inspector(&mut self, ctx: &egui::Context) {
        if is_narrow(ctx) {
            self.inspector_over = !self.inspector_over;
        } else {
            self.inspector = !self.inspector;
        }
    }
}

/// What the user did on the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellEvent {
    /// Go to the place with this index.
    Place(usize),
    /// The next step's link.
    NextStep,
    /// The search field: open the palette.
    Palette,
    /// The theme button.
    Theme,
    /// The inspector button (the state has been switched already).
    Inspector,
    /// The stop button of the running job.
    Stop,
    /// The settings button.
    Settings,
    /// The help button.
    Help,
}

/// The answer of the frame in one pass.
pub struct ShellResponse {
    /// What was clicked.
    pub event: Option<ShellEvent>,
    /// The project button, for a menu below it.
    pub project: Response,
    /// The bell, for the history below it.
    pub bell: Response,
}

/// Which part of the frame is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// The view, inside its padding, scrolled vertically.
    View,
    /// The inspector, inside its padding, scrolled vertically.
    Inspector,
}

/// The frame of this moment.
#[derive(Clone, Debug)]
#[must_use = "call `show`"]
pub struct Shell<'a> {
    /// Project, search field, buttons.
    pub top: TopBar<'a>,
    /// The places in the order of the loop.
    pub places: &'a [Place<'a>],
    /// Index of the shown place.
    pub current: usize,
    /// What the loop asks for next.
    pub next: Option<NextStep<'a>>,
    /// The bottom line.
    pub status: StatusBar<'a>,
}

impl Shell<'_> {
    /// Draws the frame; `content` is called for the view and, if open, for the inspector.
    pub fn show(
        self,
        ui: &mut Ui,
        state: &mut ShellState,
        mut content: impl FnMut(&mut Ui, Region),
    ) -> ShellResponse {
        let narrow = is_narrow(ui.ctx());
        let inspector_open = if narrow { state.inspector_over } else { state.inspector };
        let t = tokens(ui);
        let bar = Frame::new().fill(t.bg);
        let mut event = None;
        let top = panel(Panel::top("yard_top").exact_size(TOP_BAR).frame(bar)).show(ui, |ui| {
            line(ui, Edge::Bottom);
            bars::top(ui, &self.top, inspector_open, &mut event)
        });
        panel(Panel::bottom("yard_status").exact_size(STATUS_BAR).frame(bar)).show(ui, |ui| {
            line(ui, Edge::Top);
            let next = if narrow { self.next.as_ref() } else { None };
            bars::status(ui, &self.status, next, &mut event);
        });
        let rail_width = if narrow { RAIL_COLLAPSED } else { RAIL };
        panel(Panel::left("yard_rail").exact_size(rail_width).frame(bar)).show(ui, |ui| {
            line(ui, Edge::Right);
            rail::show(ui, &self, narrow, &mut event);
        });
        if inspector_open && !narrow {
            inspector_beside(ui, bar, &mut content);
        }
        let view = Frame::new().fill(t.surface);
        egui::CentralPanel::no_frame().frame(view).show(ui, |ui| {
            let padding = Margin { left: S24 as i8, right: S24 as i8, top: 20, bottom: S24 as i8 };
            scrolled(ui, ("view", self.current), padding, |ui| content(ui, Region::View));
        });
        if inspector_open && narrow {
            inspector_over(ui, &mut content);
        }
        if event == Some(ShellEvent::Inspector) {
            state.toggle_inspector(ui.ctx());
        }
        let (project, bell) = top.inner;
        ShellResponse { event, project, bell }
    }
}

/// Whether the window is too narrow for rail and inspector beside the view.
pub fn is_narrow(ctx: &egui::Context) -> bool {
    ctx.content_rect().width() < NARROW
}

fn panel(panel: Panel) -> Panel {
    panel.show_separator_line(false).resizable(false)
}

fn inspector_beside(ui: &mut Ui, bar: Frame, content: &mut impl FnMut(&mut Ui, Region)) {
    let (least, most) = INSPECTOR_RANGE;
    Panel::right("yard_inspector")
        .default_size(INSPECTOR)
        .size_range(least..=most)
        .show_separator_line(false)
        .resizable(true)
        .frame(bar)
        .show(ui, |ui| {
            ui.take_available_space();
            line(ui, Edge::Left);
            inspector(ui, content);
        });
}

fn inspector_over(ui: &Ui, content: &mut impl FnMut(&mut Ui, Region)) {
    let t = tokens(ui);
    let screen = ui.ctx().content_rect();
    let place = Rect::from_min_max(
        pos2(screen.right() - INSPECTOR, screen.top() + TOP_BAR),
        pos2(screen.right(), screen.bottom() - STATUS_BAR),
    );
    egui::Area::new(egui::Id::unique("yard_inspector_over"))
        .order(egui::Order::Middle)
        .fixed_pos(place.min)
        .constrain(false)
        .show(ui.ctx(), |ui| {
            ui.set_max_size(place.size());
            ui.set_min_size(place.size());
            ui.painter().add(crate::theme::shadow(t).as_shape(place, 0));
            ui.painter().rect_filled(place, 0, t.bg);
            let mut child = ui.new_child(egui::UiBuilder::new().max_rect(place));
            line(&child, Edge::Left);
            inspector(&mut child, content);
        });
}

fn inspector(ui: &mut Ui, content: &mut impl FnMut(&mut Ui, Region)) {
    scrolled(ui, "inspector", Margin::same(S12 as i8), |ui| content(ui, Region::Inspector));
}

fn scrolled(
    ui: &mut Ui,
    salt: impl std::hash::Hash + std::fmt::Debug,
    padding: Margin,
    content: impl FnOnce(&mut Ui),
) {
    ScrollArea::vertical().id_salt(salt).auto_shrink([false, false]).show(ui, |ui| {
        Frame::new().inner_margin(padding).show(ui, |ui| {
            ui.set_min_width(ui.available_width());
            content(ui);
        });
    });
}

#[derive(Clone, Copy)]
enum Edge {
    Top,
    Bottom,
    Left,
    Right,
}

/// A hairline along one edge of the panel.
fn line(ui: &Ui, edge: Edge) {
    let rect = ui.max_rect();
    let stroke = paint::border(ui);
    let painter = ui.painter();
    let half = paint::hairline(ui) / 2.0;
    match edge {
        Edge::Top => painter.hline(rect.x_range(), paint::crisp(painter, rect.top() + half), stroke),
        Edge::Bottom => painter.hline(rect.x_range(), paint::crisp(painter, rect.bottom() - half), stroke),
        Edge::Left => painter.vline(paint::crisp(painter, rect.left() + half), rect.y_range(), stroke),
        Edge::Right => painter.vline(paint::crisp(painter, rect.right() - half), rect.y_range(), stroke),
    };
}
