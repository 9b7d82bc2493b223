//! The keys of a grid: arrows move the cell, Shift extends, Ctrl+Space toggles a row, Ctrl+A takes all,
//! Alt with Left and Right moves the column, Alt+Shift resizes it, Shift+F10 opens its menu, Enter its
//! inspector.

use egui::{EventFilter, Key, Modifiers, Popup, Response, Ui};

use super::{Geometry, Grid, GridResponse, GridState, RowSet, body::select};

/// Works the keys; true if the cursor or a column has moved.
pub(super) fn show(
    grid: &Grid<'_>,
    ui: &Ui,
    (response, geometry): (&Response, &Geometry),
    (state, outcome): (&mut GridState, &mut GridResponse),
) -> bool {
    if !response.has_focus() || grid.rows == 0 {
        return false;
    }
    ui.memory_mut(|memory| {
        let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
        memory.set_focus_lock_filter(response.id, filter);
    });
    let take = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    if take(Modifiers::COMMAND, Key::A) {
        state.selected = RowSet::range(0, grid.rows);
        return false;
    }
    let shown = state.columns.shown();
    let (row, place) = state.cursor.unwrap_or((0, 0));
    let place = place.min(shown.len().saturating_sub(1));
    let Some(column) = shown.get(place).copied() else {
        return false;
    };
    if take(Modifiers::COMMAND, Key::Space) {
        select(state, row, (false, true));
    }
    if take(Modifiers::SHIFT, Key::F10) {
        let header = outcome.response.id.with(("column", column));
        Popup::open_id(ui.ctx(), header.with("popup"));
    }
    if take(Modifiers::NONE, Key::Enter) {
        state.cursor = Some((row, place));
        state.inspecting = !state.inspecting;
    }
    if let Some(moved) = column_keys(ui, (place, column, shown.len()), state) {
        state.cursor = Some((row, moved));
        return true;
    }
    let wanted = target(ui, (row, place), (grid.rows, shown.len()), geometry, state.cursor.is_some());
    let Some((to, place)) = wanted else {
        return false;
    };
    let shift = ui.input(|input| input.modifiers.shift);
    if to != row || state.cursor.is_none() {
        select(state, to, (shift, false));
    }
    state.cursor = Some((to, place));
    true
}

/// Alt with arrows: moves the column, or with Shift its right edge. Returns the new place.
fn column_keys(
    ui: &Ui,
    (place, column, count): (usize, usize, usize),
    state: &mut GridState,
) -> Option<usize> {
    let take = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
    let wide = Modifiers::ALT | Modifiers::SHIFT;
    for (key, step) in [(Key::ArrowLeft, -8.0), (Key::ArrowRight, 8.0)] {
        if take(wide, key) {
            state.columns.resize(column, state.columns.width(column) + step);
            return Some(place);
        }
    }
    if take(Modifiers::ALT, Key::ArrowLeft) && place > 0 {
        state.columns.move_to(place, place - 1);
        return Some(place - 1);
    }
    if take(Modifiers::ALT, Key::ArrowRight) && place + 1 < count {
        state.columns.move_to(place, place + 1);
        return Some(place + 1);
    }
    None
}

/// Where the pressed keys lead.
fn target(
    ui: &Ui,
    (row, place): (usize, usize),
    (rows, columns): (usize, usize),
    geometry: &Geometry,
    known: bool,
) -> Option<(usize, usize)> {
    let page = geometry.visible_rows().saturating_sub(1).max(1) as i64;
    let (down, right, home, end, command) = ui.input(|input| {
        let times = |key| input.num_presses(key) as i64;
        (
            times(Key::ArrowDown) - times(Key::ArrowUp) + page * (times(Key::PageDown) - times(Key::PageUp)),
            times(Key::ArrowRight) - times(Key::ArrowLeft),
            input.key_pressed(Key::Home),
            input.key_pressed(Key::End),
            input.modifiers.command,
        )
    });
    if down == 0 && right == 0 && !home && !end {
        return None;
    }
    if !known {
        return Some((0, 0));
    }
    let last = (rows as i64 - 1, columns as i64 - 1);
    let mut to = ((row as i64 + down).clamp(0, last.0), (place as i64 + right).clamp(0, last.1));
    if home {
        to = if command { (0, to.1) } else { (to.0, 0) };
    }
    if end {
        to = if command { (last.0, to.1) } else { (to.0, last.1) };
    }
    Some((to.0 as usize, to.1 as usize))
}
