//! Drawing of Markdown blocks in the type scale, each with a role and a name.

use std::sync::Arc;

use egui::{
    CornerRadius, CursorIcon, Frame, Galley, Id, Margin, Rect, Response, Role, Sense, Stroke, Ui, UiBuilder,
    WidgetInfo, pos2, text::LayoutJob, text_selection::LabelSelectionState, vec2,
};

use super::{Block, Side, Span, plain};
use crate::{
    Icon,
    fonts::{Type, semibold},
    icon::{self, Look},
    paint,
    space::{RADIUS_CONTROL, S4, S8, S16},
    tokens::tokens,
};

/// Indentation of lists and quotes in points.
const INDENT: f32 = 20.0;

pub(super) fn blocks(ui: &mut Ui, blocks: &[Block], link: &mut dyn FnMut(&str)) {
    ui.spacing_mut().item_spacing.y = S8;
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 && matches!(block, Block::Heading(..)) {
            ui.add_space(S8);
        }
        block_ui(ui, block, link);
    }
}

fn block_ui(ui: &mut Ui, block: &Block, link: &mut dyn FnMut(&str)) {
    match block {
        Block::Heading(level, spans) => {
            let kind = match level {
                1 => Type::Title,
                2 => Type::Large,
                _ => Type::Strong,
            };
            text(ui, spans, (kind, Role::Heading), link);
        }
        Block::Paragraph(spans) => text(ui, spans, (Type::Body, Role::Label), link),
        Block::List(first, items) => list(ui, *first, items, link),
        Block::Code(language, source) => code(ui, language, source),
        Block::Quote(inner) => quote(ui, inner, link),
        Block::Table(sides, head, rows) => table(ui, sides, (head, rows), link),
        Block::Rule => crate::show::divider(ui, S8),
    }
}

fn job(ui: &Ui, spans: &[Span], kind: Type, width: f32) -> LayoutJob {
    let t = tokens(ui);
    let mut job = LayoutJob::default();
    job.wrap.max_width = width.max(1.0);
    for span in spans {
        let mut format = kind.format(t.text);
        if span.bold {
            format.font_id.family = semibold();
        }
        format.italics = span.italic;
        if span.code {
            format.font_id = egui::FontId::new(kind.size() - 1.0, Type::Mono.family());
            format.background = t.sunken;
        }
        if span.link.is_some() {
            format.color = t.accent;
        }
        job.append(&span.text, 0.0, format);
    }
    job
}

/// One run of text with its links, over the available width.
fn text(ui: &mut Ui, spans: &[Span], (kind, role): (Type, Role), link: &mut dyn FnMut(&str)) {
    let job = job(ui, spans, kind, ui.available_width());
    let galley = ui.painter().layout_job(job);
    // Text can be selected, and is no stop of the Tab key.
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::CLICK | Sense::DRAG);
    let name = plain(spans);
    response.widget_info(|| WidgetInfo::labeled(role, true, &name));
    galley_ui(ui, (rect, &response, galley), spans, link);
}

fn galley_ui(
    ui: &Ui,
    (rect, response, galley): (Rect, &Response, Arc<Galley>),
    spans: &[Span],
    link: &mut dyn FnMut(&str),
) {
    if ui.is_rect_visible(rect) {
        let colour = tokens(ui).text;
        LabelSelectionState::label_text_selection(
            ui,
            response,
            rect.min,
            Arc::clone(&galley),
            colour,
            Stroke::NONE,
        );
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::Text);
        }
    }
    links(ui, (rect, response.id, &galley), spans, link);
}

/// Lays a link over each linked part of `galley`; a link over two lines is one link of two parts.
fn links(ui: &Ui, (rect, id, galley): (Rect, Id, &Galley), spans: &[Span], link: &mut dyn FnMut(&str)) {
    let mut start = 0;
    let mut at = 0;
    while at < spans.len() {
        let target = spans[at].link.as_ref();
        let mut name = spans[at].text.clone();
        let mut next = at + 1;
        while target.is_some() && next < spans.len() && spans[next].link.as_ref() == target {
            name.push_str(&spans[next].text);
            next += 1;
        }
        let end = start + name.chars().count();
        if let Some(target) = target
            && link_ui(ui, (rect, id.with(at), galley), (start, end), (&name, target))
        {
            link(target);
        }
        (start, at) = (end, next);
    }
}

fn link_ui(
    ui: &Ui,
    (rect, id, galley): (Rect, Id, &Galley),
    (start, end): (usize, usize),
    (name, target): (&str, &str),
) -> bool {
    let parts = parts(galley, start, end);
    let Some(first) = parts.first() else {
        return false;
    };
    let place = first.translate(rect.min.to_vec2());
    let response = ui.interact(place, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, name));
    let mut clicked = response.clicked();
    let mut hovered = response.hovered();
    for (at, part) in parts.iter().enumerate().skip(1) {
        let more = ui.interact(part.translate(rect.min.to_vec2()), id.with(at), Sense::CLICK);
        clicked |= more.clicked();
        hovered |= more.hovered();
    }
    let t = tokens(ui);
    for part in parts.iter().map(|part| part.translate(rect.min.to_vec2())) {
        if hovered {
            let y = paint::crisp(ui.painter(), part.bottom() - 2.0);
            ui.painter().hline(part.x_range(), y, Stroke::new(1.0, t.accent));
        }
        if response.has_focus() {
            paint::focus_ring_at(ui, part.shrink2(vec2(0.0, 1.0)), RADIUS_CONTROL);
        }
    }
    if hovered {
        ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
    }
    response.on_hover_text(target);
    clicked
}

/// The rectangles of the letters from `start` to `end`, one for each line.
fn parts(galley: &Galley, start: usize, end: usize) -> Vec<Rect> {
    let mut parts = Vec::new();
    let mut first = 0;
    for row in &galley.rows {
        let count = row.char_count_excluding_newline().0;
        let (from, to) = (start.max(first), end.min(first + count));
        if from < to {
            let rect = row.rect();
            let x = |at: usize| rect.left() + row.x_offset((at - first).into());
            parts.push(Rect::from_min_max(pos2(x(from), rect.top()), pos2(x(to), rect.bottom())));
        }
        first += row.char_count_including_newline().0;
    }
    parts
}

fn list(ui: &mut Ui, first: Option<u64>, items: &[Vec<Block>], link: &mut dyn FnMut(&str)) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = S4;
        for (at, item) in items.iter().enumerate() {
            let mark = match first {
                Some(first) => format!("{}.", first.saturating_add(at as u64)),
                None => "•".to_owned(),
            };
            item_ui(ui, &mark, item, link);
        }
    });
}

/// Mark and blocks of an item. The item is named by its first text.
fn item_ui(ui: &mut Ui, mark: &str, item: &[Block], link: &mut dyn FnMut(&str)) {
    let t = tokens(ui);
    let start = ui.cursor().min;
    let width = paint::text_width(ui.painter(), mark, Type::Body).max(8.0) + S8;
    let indent = width.max(INDENT);
    paint::text_at(
        ui.painter(),
        start + vec2(indent - S8, 10.0),
        egui::Align2::RIGHT_CENTER,
        mark,
        Type::Body,
        t.text_2,
    );
    inset(ui, indent, |ui| {
        ui.spacing_mut().item_spacing.y = S4;
        match item.split_first() {
            Some((Block::Paragraph(spans), rest)) => {
                text(ui, spans, (Type::Body, Role::ListItem), link);
                for block in rest {
                    block_ui(ui, block, link);
                }
            }
            Some(_) => item.iter().for_each(|block| block_ui(ui, block, link)),
            None => ui.add_space(Type::Body.line_height()),
        }
    });
}

/// Draws `content` with its left edge moved by `indent`; returns its rectangle.
fn inset(ui: &mut Ui, indent: f32, content: impl FnOnce(&mut Ui)) -> Rect {
    let place = ui.available_rect_before_wrap();
    let inner = Rect::from_min_max(pos2(place.left() + indent, place.top()), place.max);
    let used = ui.scope_builder(UiBuilder::new().max_rect(inner), content);
    used.response.rect
}

fn quote(ui: &mut Ui, inner: &[Block], link: &mut dyn FnMut(&str)) {
    let start = ui.cursor().min;
    let used = inset(ui, S16, |ui| blocks(ui, inner, link));
    let bar = Rect::from_min_max(pos2(start.x, used.top()), pos2(start.x + 3.0, used.bottom()));
    ui.painter().rect_filled(bar, CornerRadius::same(1), tokens(ui).border_strong);
}

/// A block of code with its language and a button that copies it.
fn code(ui: &mut Ui, language: &str, source: &str) {
    let t = tokens(ui);
    let name = if language.is_empty() { "Code".to_owned() } else { format!("Code, {language}") };
    let frame =
        Frame::new().fill(t.sunken).corner_radius(RADIUS_CONTROL).inner_margin(Margin::symmetric(8, 6));
    let inner = frame.show(ui, |ui| {
        let width = ui.available_width();
        ui.set_min_width(width);
        let mut job = LayoutJob::simple_format(source.to_owned(), Type::MonoSmall.format(t.text));
        job.wrap.max_width = (width - 28.0).max(1.0);
        let galley = ui.painter().layout_job(job);
        let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::CLICK | Sense::DRAG);
        response.widget_info(|| WidgetInfo::labeled(Role::Code, true, format!("{name}: {source}")));
        galley_ui(ui, (rect, &response, galley), &[], &mut |_| {});
    });
    let corner = inner.response.rect.right_top() + vec2(-26.0, 2.0);
    let place = Rect::from_min_size(corner, vec2(24.0, 24.0));
    let button = ui.interact(place, inner.response.id.with("copy"), Sense::click());
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Copy code"));
    let colour = if button.hovered() { t.text } else { t.text_2 };
    icon::paint(ui.painter(), place.center(), Icon::Copy, icon::SMALL, colour, Look::Regular);
    paint::focus_ring(ui, place.shrink(2.0), RADIUS_CONTROL, &button);
    if button.clicked() {
        ui.ctx().copy_text(source.to_owned());
    }
    button.on_hover_text("Copy code");
}

type Row = Vec<Vec<Span>>;

fn table(ui: &mut Ui, sides: &[Side], (head, rows): (&Row, &[Row]), link: &mut dyn FnMut(&str)) {
    let widths = widths(ui, sides.len(), (head, rows));
    let whole = ui.cursor().min;
    let used = ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        row_ui(ui, sides, (&widths, head, true), link);
        for row in rows {
            row_ui(ui, sides, (&widths, row, false), link);
        }
    });
    let rect = Rect::from_min_max(whole, used.response.rect.max);
    let response = ui.interact(rect, used.response.id.with("table"), Sense::hover());
    let name = head.iter().map(|cell| plain(cell)).collect::<Vec<_>>().join(", ");
    response.widget_info(|| WidgetInfo::labeled(Role::Table, true, format!("{name}: {} rows", rows.len())));
}

/// Widths that the texts want; if there is less room, wide columns give way to narrow ones.
fn widths(ui: &Ui, count: usize, (head, rows): (&Row, &[Row])) -> Vec<f32> {
    let mut wanted = vec![0.0_f32; count];
    for row in std::iter::once(head).chain(rows) {
        for (width, cell) in wanted.iter_mut().zip(row) {
            let job = job(ui, cell, Type::Label, f32::INFINITY);
            *width = width.max(ui.painter().layout_job(job).size().x + 2.0 * S8);
        }
    }
    share_out(&wanted, ui.available_width())
}

/// Gives each column what it wants, or an equal part of what the narrower ones leave.
pub(super) fn share_out(wanted: &[f32], available: f32) -> Vec<f32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|one, other| wanted[*one].total_cmp(&wanted[*other]));
    let mut given = vec![0.0; wanted.len()];
    let mut left = available;
    for (done, &at) in order.iter().enumerate() {
        let part = left / (wanted.len() - done) as f32;
        given[at] = wanted[at].ceil().min(part.max(24.0));
        left -= given[at];
    }
    given
}

fn row_ui(
    ui: &mut Ui,
    sides: &[Side],
    (widths, cells, head): (&[f32], &Row, bool),
    link: &mut dyn FnMut(&str),
) {
    let t = tokens(ui);
    let kind = if head { Type::LabelStrong } else { Type::Label };
    let galleys: Vec<Arc<Galley>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| ui.painter().layout_job(job(ui, cell, kind, width - 2.0 * S8)))
        .collect();
    let height = galleys.iter().map(|galley| galley.size().y).fold(16.0, f32::max) + S8;
    let (rect, row) = ui.allocate_exact_size(vec2(widths.iter().sum(), height), Sense::hover());
    let mut x = rect.left();
    for (at, galley) in galleys.into_iter().enumerate() {
        let (width, size) = (widths[at], galley.size());
        let spare = width - 2.0 * S8 - size.x;
        let shift = match sides[at] {
            Side::Left => 0.0,
            Side::Centre => spare / 2.0,
            Side::Right => spare,
        };
        let place = Rect::from_min_size(pos2(x + S8 + shift.max(0.0), rect.top() + S4), size);
        let response = ui.interact(place, row.id.with(at), Sense::CLICK | Sense::DRAG);
        let role = if head { Role::ColumnHeader } else { Role::Cell };
        let name = plain(&cells[at]);
        response.widget_info(|| WidgetInfo::labeled(role, true, &name));
        galley_ui(ui, (place, &response, galley), &cells[at], link);
        x += width;
    }
    let y = paint::crisp(ui.painter(), rect.bottom() - 0.5);
    let line =
        if head { paint::border(ui) } else { Stroke::new(paint::hairline(ui), t.faded(t.border, 0.45)) };
    ui.painter().hline(rect.x_range(), y, line);
}
