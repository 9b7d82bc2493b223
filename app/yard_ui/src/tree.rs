//! A tree of rows that open and close: folders and columns, steps of a pipeline, groups of settings.
//!
//! The tree is one stop of the Tab key; the arrow keys walk inside it as in the ARIA pattern for trees.

use std::collections::BTreeSet;

use egui::{
    Align2, CornerRadius, EventFilter, Id, Key, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{RADIUS_CONTROL, ROW, S8},
    status::Status,
    tokens::tokens,
};

const STEP: f32 = 16.0;

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a builder: give it to `tree`"]
pub struct TreeNode {
    /// Tells nodes apart, in the whole tree.
    pub key: u64,
    /// Icon of its kind.
    pub icon: Icon,
    /// Name.
    pub label: String,
    /// One quiet fact at the right; may be empty.
    pub note: String,
    /// `Error` and `Warn` colour the row's fact.
    pub status: Status,
    /// Nodes that are off can't be opened by Enter, but can be selected and read.
    pub enabled: bool,
    /// What is inside.
    pub children: Vec<Self>,
}

impl TreeNode {
    /// A node without children.
    pub fn new(key: u64, icon: Icon, label: impl Into<String>) -> Self {
        Self {
            key,
            icon,
            label: label.into(),
            note: String::new(),
            status: Status::Idle,
            enabled: true,
            children: Vec::new(),
        }
    }

    /// The fact at the right.
    pub fn note(mut self, status: Status, note: impl Into<String>) -> Self {
        self.status = status;
        self.note = note.into();
        self
    }

    /// Nodes inside this one.
    pub fn children(mut self, children: Vec<Self>) -> Self {
        self.children = children;
        self
    }

    /// Switches the node off unless `enabled`.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }
}

/// What is open and selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeState {
    /// Keys of the open nodes.
    pub open: BTreeSet<u64>,
    /// Key of the selected node.
    pub selected: Option<u64>,
}

struct Row<'a> {
    depth: usize,
    parent: Option<u64>,
    node: &'a TreeNode,
}

fn rows<'a>(nodes: &'a [TreeNode], open: &BTreeSet<u64>) -> Vec<Row<'a>> {
    fn add<'a>(
        nodes: &'a [TreeNode],
        open: &BTreeSet<u64>,
        (depth, parent): (usize, Option<u64>),
        out: &mut Vec<Row<'a>>,
    ) {
        for node in nodes {
            out.push(Row { depth, parent, node });
            if open.contains(&node.key) {
                add(&node.children, open, (depth + 1, Some(node.key)), out);
            }
        }
    }
    let mut out = Vec::new();
    add(nodes, open, (0, None), &mut out);
    out
}

/// Draws the tree over the available width; returns the key of the node that was opened by Enter or a
/// double click. Up and Down move, Right and Left open and close, Home and End go to the ends.
pub fn tree(ui: &mut Ui, name: &str, nodes: &[TreeNode], state: &mut TreeState) -> Option<u64> {
    let id = ui.make_persistent_id(("tree", name));
    let known = rows(nodes, &state.open);
    let size = vec2(ui.available_width(), known.len().max(1) as f32 * ROW);
    let place = Rect::from_min_size(ui.cursor().min, size);
    let whole = ui.interact(place, id, Sense::focusable_noninteractive());
    whole.widget_info(|| WidgetInfo::labeled(Role::Tree, true, name));
    let mut opened = None;
    if whole.has_focus() {
        opened = keyboard(ui, &whole, &known, state);
    }
    let rows = rows(nodes, &state.open);
    let place = Rect::from_min_size(place.min, vec2(size.x, rows.len().max(1) as f32 * ROW));
    ui.advance_cursor_after_rect(place);
    for (at, row) in rows.iter().enumerate() {
        let rect = Rect::from_min_size(place.min + vec2(0.0, at as f32 * ROW), vec2(size.x, ROW));
        if ui.is_rect_visible(rect) && row_ui(ui, (id, rect), row, state) {
            opened = Some(row.node.key);
        }
    }
    paint::focus_ring(ui, place, RADIUS_CONTROL, &whole);
    opened
}

/// Draws one row; true if it was opened by a double click.
fn row_ui(ui: &Ui, (id, rect): (Id, Rect), row: &Row<'_>, state: &mut TreeState) -> bool {
    let node = row.node;
    let row_id = id.with(node.key);
    let response = ui.interact(rect, row_id, Sense::CLICK);
    let selected = state.selected == Some(node.key);
    let open = state.open.contains(&node.key);
    let spoken =
        if node.note.is_empty() { node.label.clone() } else { format!("{}, {}", node.label, node.note) };
    response.widget_info(|| WidgetInfo::selected(Role::TreeItem, node.enabled, selected, &spoken));
    ui.ctx().accesskit_node_builder(row_id, |builder| {
        builder.set_level(row.depth + 1);
        if !node.children.is_empty() {
            builder.set_expanded(open);
        }
    });
    paint_row(ui, rect, row, (selected, open, response.hovered()));
    if response.clicked() {
        ui.memory_mut(|memory| memory.request_focus(id));
        state.selected = Some(node.key);
        let caret = rect.left() + row.depth as f32 * STEP + 20.0;
        let on_caret = response.interact_pointer_pos().is_some_and(|at| at.x < caret);
        if on_caret && !node.children.is_empty() {
            toggle(state, node.key);
        }
    }
    response.double_clicked() && node.enabled
}

fn paint_row(ui: &Ui, rect: Rect, row: &Row<'_>, (selected, open, hovered): (bool, bool, bool)) {
    let t = tokens(ui);
    let node = row.node;
    if selected || hovered {
        let fill = if selected { t.selected } else { t.hover };
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), fill);
    }
    let y = rect.center().y;
    let x = rect.left() + row.depth as f32 * STEP;
    if !node.children.is_empty() {
        let caret = if open { Icon::CaretDown } else { Icon::CaretRight };
        icon::paint(ui.painter(), pos2(x + 10.0, y), caret, 12.0, t.text_2, Look::Regular);
    }
    let (glyph, text) = if node.enabled { (t.text_2, t.text) } else { (t.text_3, t.text_3) };
    icon::paint(ui.painter(), pos2(x + 28.0, y), node.icon, icon::SMALL, glyph, Look::Regular);
    let colour = if node.status == Status::Idle { t.text_3 } else { node.status.colour(t) };
    let right = rect.right() - S8;
    let note = paint::fitted(ui.painter(), &node.note, Type::Caption, colour, rect.width() * 0.5);
    let width = note.size().x;
    paint::galley_at(ui.painter(), pos2(right, y), Align2::RIGHT_CENTER, note);
    let room = right - width - S8 - (x + 42.0);
    let label = paint::fitted(ui.painter(), &node.label, Type::Label, text, room);
    paint::galley_at(ui.painter(), pos2(x + 42.0, y), Align2::LEFT_CENTER, label);
}

fn toggle(state: &mut TreeState, key: u64) {
    if !state.open.remove(&key) {
        state.open.insert(key);
    }
}

fn keyboard(ui: &Ui, whole: &Response, rows: &[Row<'_>], state: &mut TreeState) -> Option<u64> {
    ui.memory_mut(|memory| {
        let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
        memory.set_focus_lock_filter(whole.id, filter);
    });
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let at = state.selected.and_then(|key| rows.iter().position(|row| row.node.key == key));
    let here = at.and_then(|at| rows.get(at));
    let last = rows.len().checked_sub(1)?;
    let mut to = at;
    if pressed(Key::ArrowDown) {
        to = Some(at.map_or(0, |at| (at + 1).min(last)));
    } else if pressed(Key::ArrowUp) {
        to = Some(at.map_or(last, |at| at.saturating_sub(1)));
    } else if pressed(Key::Home) {
        to = Some(0);
    } else if pressed(Key::End) {
        to = Some(last);
    }
    if to != at {
        state.selected = to.and_then(|to| rows.get(to)).map(|row| row.node.key);
        return None;
    }
    let here = here?;
    let inside = !here.node.children.is_empty();
    if pressed(Key::ArrowRight) && inside {
        if !state.open.insert(here.node.key) {
            state.selected = here.node.children.first().map(|child| child.key);
        }
    } else if pressed(Key::ArrowLeft) && !state.open.remove(&here.node.key) {
        state.selected = here.parent.or(state.selected);
    }
    (pressed(Key::Enter) && here.node.enabled).then_some(here.node.key)
}
