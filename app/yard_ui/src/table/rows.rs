//! The visible rows of a table.

use egui::{CornerRadius, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Cell, Table, TableResponse, geometry::Geometry, scroll::Scroll};
use crate::{paint, tokens::tokens};

pub(super) fn show<'c>(
    table: &Table<'_>,
    ui: &mut Ui,
    (geometry, scroll): (&Geometry, &Scroll),
    cell: &mut impl FnMut(usize, usize) -> Cell<'c>,
    outcome: &mut TableResponse,
) {
    let clip = geometry.body.intersect(ui.clip_rect());
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(geometry.body));
    inside.set_clip_rect(clip);
    let (first, last) = range(geometry, scroll, clip);
    outcome.drawn = (first, last);
    for row in first..last {
        let y = geometry.body.top() + (row - scroll.top) as f32 * geometry.row_height;
        let rect = Rect::from_min_size(
            pos2(geometry.body.left(), y),
            vec2(geometry.body.width(), geometry.row_height),
        );
        let cells: Vec<Cell<'c>> = (0..table.columns.len()).map(|column| cell(row, column)).collect();
        row_ui(table, &inside, (row, rect), &cells, outcome);
        for (at, content) in cells.iter().enumerate() {
            let (x, width) = geometry.columns[at];
            let place =
                Rect::from_min_size(pos2(rect.left() + x - scroll.x, y), vec2(width, geometry.row_height));
            let visible = place.intersects(clip);
            if visible
                && content.show(&inside, place, table.columns[at].align, outcome.response.id.with((row, at)))
            {
                outcome.cell = Some((row, at));
                outcome.cell_rect = place;
            }
        }
    }
}

/// First visible row and one past the last: those that touch the clip rectangle.
fn range(geometry: &Geometry, scroll: &Scroll, clip: Rect) -> (usize, usize) {
    if clip.height() <= 0.0 {
        return (scroll.top, scroll.top);
    }
    let above = ((clip.top() - geometry.body.top()) / geometry.row_height).floor().max(0.0) as usize;
    let below = ((clip.bottom() - geometry.body.top()) / geometry.row_height).ceil().max(0.0) as usize;
    let first = (scroll.top + above).min(geometry.rows);
    (first, (scroll.top + below).clamp(first, geometry.rows))
}

fn row_ui(
    table: &Table<'_>,
    ui: &Ui,
    (row, rect): (usize, Rect),
    cells: &[Cell<'_>],
    outcome: &mut TableResponse,
) {
    let response = ui.interact(rect, outcome.response.id.with(("row", row)), Sense::CLICK);
    let selected = table.selected == Some(row);
    response.widget_info(|| {
        let words: Vec<&str> =
            cells.iter().map(|cell| cell.text.as_ref()).filter(|text| !text.is_empty()).collect();
        WidgetInfo::selected(Role::Row, true, selected, words.join(", "))
    });
    let t = tokens(ui);
    let marked = table.marked.is_some_and(|marked| marked(row));
    let hovered = response.contains_pointer();
    let fill = match (selected, marked, hovered) {
        (true, ..) => Some(t.selected),
        (_, true, _) => Some(t.faded(t.selected, 0.6)),
        (_, _, true) => Some(t.hover),
        _ => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, fill);
    }
    let y = paint::crisp(ui.painter(), rect.bottom() - 0.5);
    ui.painter().hline(rect.x_range(), y, Stroke::new(paint::hairline(ui), t.faded(t.border, 0.45)));
    if hovered {
        outcome.hovered = Some(row);
    }
    if response.double_clicked() {
        outcome.activated = Some(row);
    }
    if response.clicked() {
        outcome.response.request_focus();
        let shift = ui.input(|input| input.modifiers.shift);
        match table.selected.filter(|_| shift) {
            Some(from) => outcome.range = Some((from.min(row), from.max(row))),
            None => outcome.selected = Some(row),
        }
    }
}
