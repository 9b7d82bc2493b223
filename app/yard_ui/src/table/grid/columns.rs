//! Order, width, hiding and freezing of columns: kept by the caller beside the selection.

use std::collections::BTreeSet;

use crate::space::S48;

/// Widest column in points.
const WIDEST: f32 = 800.0;

/// What the user did to the columns. Columns are told by their index in the data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnsState {
    order: Vec<usize>,
    widths: Vec<f32>,
    hidden: BTreeSet<usize>,
    frozen: usize,
}

impl ColumnsState {
    /// `frozen` columns stay at the left while the others scroll.
    pub fn frozen(frozen: usize) -> Self {
        Self { frozen, ..Self::default() }
    }

    /// Makes the state fit `widths.len()` columns; columns that are new get their width from there.
    pub(super) fn fit(&mut self, count: usize, width: impl Fn(usize) -> f32) {
        self.order.retain(|column| *column < count);
        self.order.extend(self.widths.len().min(count)..count);
        self.widths.truncate(count);
        self.widths.extend((self.widths.len()..count).map(width));
    }

    /// The columns in the order in which they are shown.
    pub fn shown(&self) -> Vec<usize> {
        self.order.iter().copied().filter(|column| !self.hidden.contains(column)).collect()
    }

    /// Columns that are hidden.
    pub fn hidden(&self) -> impl Iterator<Item = usize> + '_ {
        self.hidden.iter().copied()
    }

    /// Width of `column` in points.
    pub fn width(&self, column: usize) -> f32 {
        self.widths.get(column).copied().unwrap_or(S48)
    }

    /// Sets the width of `column`, between 48 and 800 points.
    pub fn resize(&mut self, column: usize, width: f32) {
        if let Some(slot) = self.widths.get_mut(column).filter(|_| width.is_finite()) {
            *slot = width.clamp(S48, WIDEST);
        }
    }

    /// Hides `column`; the last one that is shown stays.
    pub fn hide(&mut self, column: usize) {
        if self.shown().len() > 1 {
            self.hidden.insert(column);
        }
    }

    /// Shows all columns again.
    pub fn show_all(&mut self) {
        self.hidden.clear();
    }

    /// How many of the shown columns are frozen.
    pub fn frozen_count(&self) -> usize {
        self.frozen
    }

    /// Freezes the first `count` shown columns.
    pub fn freeze(&mut self, count: usize) {
        self.frozen = count;
    }

    /// Moves the shown column at place `from` to place `to`, among the shown ones.
    pub fn move_to(&mut self, from: usize, to: usize) {
        let shown = self.shown();
        let (Some(column), Some(target)) = (shown.get(from).copied(), shown.get(to).copied()) else {
            return;
        };
        let Some(before) = self.order.iter().position(|other| *other == column) else {
            return;
        };
        self.order.remove(before);
        let place = self.order.iter().position(|other| *other == target).unwrap_or(self.order.len());
        self.order.insert(if to > from { place + 1 } else { place }, column);
    }
}

/// Where the shown columns lie in one frame.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) shown: Vec<usize>,
    /// Left edge of each shown column, and the right edge of the last one.
    pub(super) edges: Vec<f32>,
    pub(super) frozen: usize,
}

impl Places {
    pub(super) fn new(state: &ColumnsState) -> Self {
        let shown = state.shown();
        let mut edges = vec![0.0];
        for column in &shown {
            edges.push(edges.last().copied().unwrap_or(0.0) + state.width(*column));
        }
        let frozen = state.frozen.min(shown.len().saturating_sub(1));
        Self { shown, edges, frozen }
    }

    pub(super) fn width(&self) -> f32 {
        self.edges.last().copied().unwrap_or(0.0)
    }

    pub(super) fn frozen_width(&self) -> f32 {
        self.edges.get(self.frozen).copied().unwrap_or(0.0)
    }

    /// Left edge and width of the shown column at `place`, from the left of the grid.
    pub(super) fn span(&self, place: usize, scrolled: f32) -> (f32, f32) {
        let (from, to) = (self.edges[place], self.edges[place + 1]);
        (if place < self.frozen { from } else { from - scrolled }, to - from)
    }

    /// The places that are seen between the frozen columns and `width`: first and one past the last.
    pub(super) fn visible(&self, scrolled: f32, width: f32) -> (usize, usize) {
        let left = self.frozen_width() + scrolled;
        let first = self.edges[1..].partition_point(|right| *right <= left).max(self.frozen);
        let last = self.edges[..self.shown.len()].partition_point(|edge| *edge < scrolled + width);
        (first.min(self.shown.len()), last.max(first).min(self.shown.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(count: usize) -> ColumnsState {
        let mut state = ColumnsState::frozen(1);
        state.fit(count, |_| 100.0);
        state
    }

    #[test]
    fn columns_move_hide_and_come_back() {
        let mut columns = state(4);
        columns.hide(1);
        columns.move_to(0, 2);
        assert_eq!(columns.shown(), [2, 3, 0]);
        columns.move_to(2, 0);
        columns.show_all();
        assert_eq!(columns.shown(), [1, 0, 2, 3]);
        columns.move_to(9, 0);
        columns.resize(2, f32::NAN);
        columns.resize(2, 1.0);
        assert_eq!(columns.width(2), 48.0);
        columns.fit(6, |_| 70.0);
        assert_eq!((columns.shown().len(), columns.width(5)), (6, 70.0));
        columns.fit(2, |_| 70.0);
        assert_eq!(columns.shown(), [1, 0]);
        columns.hide(0);
        columns.hide(1);
        assert_eq!(columns.shown(), [1], "one column is always left");
    }

    #[test]
    fn frozen_columns_stay_and_the_visible_ones_follow_the_scroll() {
        let places = Places::new(&state(1_000));
        assert_eq!(places.visible(0.0, 350.0), (1, 4));
        assert_eq!(places.visible(250.0, 350.0), (3, 6));
        assert_eq!(places.span(0, 250.0), (0.0, 100.0));
        assert_eq!(places.span(3, 250.0), (50.0, 100.0));
        assert_eq!(places.visible(99_650.0, 350.0).1, 1_000);
    }
}
