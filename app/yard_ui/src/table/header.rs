//! The header row of a table: titles, the chevron of the order, the arrow of "better".

use egui::{Align, Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{Column, Sort, Table, TableResponse, geometry::Geometry, scroll::Scroll};
use crate::{
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::S8,
    tokens::tokens,
};

pub(super) fn show(
    table: &Table<'_>,
    ui: &mut Ui,
    geometry: &Geometry,
    scroll: &Scroll,
    outcome: &mut TableResponse,
) {
    if !table.header {
        return;
    }
    let bottom = paint::crisp(ui.painter(), geometry.header.bottom() - 0.5);
    ui.painter().hline(geometry.header.x_range(), bottom, paint::border(ui));
    let clip = geometry.header.intersect(ui.clip_rect());
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(geometry.header));
    inside.set_clip_rect(clip);
    for (at, column) in table.columns.iter().enumerate() {
        let (x, width) = geometry.columns[at];
        let left = geometry.header.left() + x - scroll.x;
        let rect =
            Rect::from_min_size(pos2(left, geometry.header.top()), vec2(width, geometry.header.height()));
        if rect.intersects(clip) && title_ui(&inside, outcome, (at, column), rect, table.sort) {
            let same = table.sort.filter(|sort| sort.column == at);
            outcome.sort = Some(Sort { column: at, descending: same.is_some_and(|sort| !sort.descending) });
        }
    }
}

/// Draws one title; true if it was clicked.
fn title_ui(
    ui: &Ui,
    outcome: &TableResponse,
    (at, column): (usize, &Column<'_>),
    rect: Rect,
    sort: Option<Sort>,
) -> bool {
    let sense = if column.sortable { Sense::click() } else { Sense::hover() };
    let response = ui.interact(rect, outcome.response.id.with(("header", at)), sense);
    if !column.title.is_empty() {
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &column.title));
    }
    let t = tokens(ui);
    let sorted = sort.filter(|sort| sort.column == at);
    let colour = if sorted.is_some() || (column.sortable && response.hovered()) { t.text } else { t.text_2 };
    let mark = if sorted.is_some() { 16.0 } else { 0.0 };
    let title = match column.better {
        Some(better) => format!("{} {}", column.title, better.arrow()),
        None => column.title.to_string(),
    };
    let inner = rect.shrink2(vec2(S8, 0.0));
    let galley = paint::fitted(ui.painter(), &title, Type::Caption, colour, inner.width() - mark + 0.5);
    let cut = galley.elided;
    let (place, anchor) = match column.align {
        Align::Min => (inner.left_center(), Align2::LEFT_CENTER),
        Align::Center => (inner.center(), Align2::CENTER_CENTER),
        Align::Max => (pos2(inner.right() - mark, inner.center().y), Align2::RIGHT_CENTER),
    };
    let text = paint::galley_at(ui.painter(), place, anchor, galley);
    if let Some(sort) = sorted {
        let glyph = if sort.descending { Icon::CaretDown } else { Icon::CaretUp };
        icon::paint(
            ui.painter(),
            pos2(text.right() + 9.0, inner.center().y),
            glyph,
            12.0,
            t.text,
            Look::Regular,
        );
    }
    paint::focus_ring(ui, rect.shrink(3.0), 2, &response);
    let clicked = response.clicked();
    let better = column.better.map(|better| format!("{title}: {}", better.words()));
    match (&column.tooltip, better) {
        (Some(tooltip), _) => drop(response.on_hover_text(tooltip.as_ref())),
        (None, Some(words)) => drop(response.on_hover_text(words)),
        (None, None) if cut => drop(response.on_hover_text(title)),
        _ => {}
    }
    clicked
}
