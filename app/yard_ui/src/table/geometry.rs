//! Where columns and rows of a table lie.

use egui::{Rect, pos2};

use super::{Column, Width};
use crate::space::ROW;

/// Height of the horizontal scroll bar's strip.
const BAR: f32 = 10.0;

/// The places of a table in one frame; `x` of the columns is relative to the scrolled content.
pub(super) struct Geometry {
    pub(super) rect: Rect,
    pub(super) header: Rect,
    pub(super) body: Rect,
    pub(super) row_height: f32,
    pub(super) rows: usize,
    pub(super) columns: Vec<(f32, f32)>,
    pub(super) width: f32,
}

impl Geometry {
    pub(super) fn new(
        columns: &[Column<'_>],
        rect: Rect,
        row_height: f32,
        (rows, header): (usize, bool),
    ) -> Self {
        let top = if header { rect.top() + ROW } else { rect.top() };
        let bottom = rect.bottom() - Self::bar_height(columns, rect.width());
        let widths = widths(columns, rect.width());
        let mut x = 0.0;
        let columns = widths
            .iter()
            .map(|width| {
                let from = x;
                x += width;
                (from, *width)
            })
            .collect();
        Self {
            rect,
            header: Rect::from_min_max(rect.min, pos2(rect.right(), top)),
            body: Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), bottom.max(top))),
            row_height,
            rows,
            columns,
            width: x,
        }
    }

    /// Height that a horizontal scroll bar needs, 0 if all columns fit.
    pub(super) fn bar_height(columns: &[Column<'_>], width: f32) -> f32 {
        if least(columns) > width + 0.5 { BAR } else { 0.0 }
    }

    /// Rows that fit the body as a whole.
    pub(super) fn visible_rows(&self) -> usize {
        (self.body.height() / self.row_height + 0.01).floor().max(1.0) as usize
    }

    /// The last row that may be the first visible one.
    pub(super) fn last_top(&self) -> usize {
        self.rows.saturating_sub(self.visible_rows())
    }

    pub(super) fn overflows(&self) -> bool {
        self.last_top() > 0
    }

    pub(super) fn last_x(&self) -> f32 {
        (self.width - self.rect.width()).max(0.0)
    }
}

fn least(columns: &[Column<'_>]) -> f32 {
    columns
        .iter()
        .map(|column| match column.width {
            Width::Exact(width) | Width::Rest(width) => width,
        })
        .sum()
}

fn widths(columns: &[Column<'_>], available: f32) -> Vec<f32> {
    let rests = columns.iter().filter(|column| matches!(column.width, Width::Rest(_))).count();
    let spare = (available - least(columns)).max(0.0) / rests.max(1) as f32;
    columns
        .iter()
        .map(|column| match column.width {
            Width::Exact(width) => width,
            Width::Rest(width) => width + spare,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    #[test]
    fn rest_columns_share_what_is_left() {
        let columns = [Column::new("a", 50.0), Column::rest("b", 80.0), Column::rest("c", 40.0)];
        assert_eq!(widths(&columns, 300.0), [50.0, 145.0, 105.0]);
        assert_eq!(widths(&columns, 100.0), [50.0, 80.0, 40.0]);
    }

    #[test]
    fn a_million_rows_stay_integers() {
        let columns = [Column::new("a", 50.0)];
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 24.0 + 240.0));
        let geometry = Geometry::new(&columns, rect, 24.0, (1_000_000, true));
        assert_eq!(geometry.visible_rows(), 10);
        assert_eq!(geometry.last_top(), 999_990);
    }
}
