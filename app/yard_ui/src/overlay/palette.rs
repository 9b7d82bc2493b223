//! The command palette: a search field over a list of commands and objects, all by keyboard.
//!
//! A pure widget: the caller gives the entries of this moment and gets the index of the chosen one.

use egui::{
    Align, Align2, Area, Context, CornerRadius, Frame, Id, Key, Margin, Modal, Modifiers, Order, Rect,
    Response, Role, ScrollArea, Sense, Stroke, TextEdit, TextFormat, Ui, WidgetInfo, pos2, text::LayoutJob,
    vec2,
};

use super::fuzzy::{Match, fuzzy};
use crate::{
    button::{key_width, paint_key},
    fmt,
    fonts::Type,
    icon::{self, Icon, Look},
    paint,
    space::{PALETTE, RADIUS_CONTROL, RADIUS_DIALOG, S8, S16},
    theme::shadow,
    tokens::{tokens, tokens_ctx},
};

const ROW: f32 = 36.0;
const GROUP: f32 = 28.0;
const LIST: f32 = 8.0 * ROW;

/// One line of the palette.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Heading under which it stands ("Commands", "Places and objects").
    pub group: &'a str,
    /// Icon before the label.
    pub icon: Icon,
    /// What it does.
    pub label: &'a str,
    /// A quiet remark; for an entry that is off, the reason.
    pub hint: &'a str,
    /// Shortcut, may be empty.
    pub shortcut: &'a str,
    /// Whether it can be chosen now.
    pub enabled: bool,
}

/// The state of the palette between frames.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    open: bool,
    query: String,
    selected: usize,
    fresh: bool,
}

/// An entry that matches, with the letters to mark.
struct Hit {
    index: usize,
    label: Match,
}

impl Palette {
    /// Opens the palette with an empty query.
    pub fn open(&mut self) {
        *self = Self { open: true, fresh: true, ..Self::default() };
    }

    /// Opens the palette with `query` typed already.
    pub fn open_with(&mut self, query: impl Into<String>) {
        self.open();
        self.query = query.into();
    }

    /// Whether the palette is on the screen.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Draws the palette while it is open; returns the index of the chosen entry and closes.
    pub fn show(&mut self, ctx: &Context, entries: &[Entry<'_>]) -> Option<usize> {
        if !self.open {
            return None;
        }
        let t = tokens_ctx(ctx);
        let id = Id::unique("yard_ui.palette");
        let frame = Frame::new()
            .fill(t.surface)
            .stroke(Stroke::new(1.0 / ctx.pixels_per_point(), t.border))
            .corner_radius(RADIUS_DIALOG)
            .shadow(shadow(t));
        let area = Area::new(id)
            .kind(egui::UiKind::Modal)
            .order(Order::Foreground)
            .role(Role::Dialog)
            .accessible_name("Command palette")
            .anchor(Align2::CENTER_TOP, vec2(0.0, 72.0));
        let response =
            Modal::new(id).area(area).frame(frame).backdrop_color(t.dim_colour()).show(ctx, |ui| {
                ui.set_width(PALETTE.min(ctx.content_rect().width() - 2.0 * S16));
                self.inside(ui, entries, true)
            });
        if response.backdrop_response.clicked() {
            self.open = false;
        }
        response.inner
    }

    /// The palette's inside without the dimmed window: search field, list, footer.
    pub fn content(&mut self, ui: &mut Ui, entries: &[Entry<'_>]) -> Option<usize> {
        self.inside(ui, entries, false)
    }

    /// `holds` says that the search field keeps the focus, and that the palette takes its keys.
    fn inside(&mut self, ui: &mut Ui, entries: &[Entry<'_>], holds: bool) -> Option<usize> {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        let before = self.query.clone();
        let keys = if holds { Keys::take(ui) } else { Keys::default() };
        self.field(ui, holds);
        if self.query != before {
            self.selected = 0;
        }
        let hits = search(&self.query, entries);
        self.selected = keys.moved(self.selected, hits.len());
        line(ui);
        let clicked = self.list(ui, entries, &hits, keys.moves());
        line(ui);
        footer(ui, hits.len(), entries.len());
        if keys.escape {
            self.open = false;
        }
        let entered = keys.enter.then(|| hits.get(self.selected).map(|hit| hit.index)).flatten();
        let chosen =
            clicked.or(entered).filter(|&index| entries.get(index).is_some_and(|entry| entry.enabled));
        if chosen.is_some() {
            self.open = false;
        }
        chosen
    }

    fn field(&mut self, ui: &mut Ui, holds: bool) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::hover());
        let t = tokens(ui);
        icon::paint(
            ui.painter(),
            pos2(rect.left() + S16 + 8.0, rect.center().y),
            Icon::MagnifyingGlass,
            icon::SMALL,
            t.text_2,
            Look::Regular,
        );
        let width = key_width(ui, "Esc");
        paint_key(ui, pos2(rect.right() - S16 - width, rect.center().y), "Esc", t.text_2, t.border);
        let place = Rect::from_min_max(
            pos2(rect.left() + S16 + 24.0, rect.top() + 8.0),
            pos2(rect.right() - S16 - width - S8, rect.bottom() - 8.0),
        );
        let edit = TextEdit::singleline(&mut self.query)
            .id(Id::unique("yard_ui.palette.query"))
            .frame(Frame::NONE)
            .font(Type::Body.font())
            .text_color(t.text)
            .hint_text(Type::Body.rich("Search or run a command").color(t.text_3))
            .align(Align2::LEFT_CENTER)
            .min_size(vec2(0.0, place.height()))
            .desired_width(place.width());
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(place));
        let response = child.add(edit).accessible_name("Search or run a command");
        if holds && (self.fresh || !response.has_focus()) {
            response.request_focus();
            self.fresh = false;
        }
    }

    fn list(&mut self, ui: &mut Ui, entries: &[Entry<'_>], hits: &[Hit], moved: bool) -> Option<usize> {
        let mut clicked = None;
        if hits.is_empty() {
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 64.0), Sense::hover());
            let text = format!("Nothing matches \"{}\"", self.query);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
            paint::text_at(
                ui.painter(),
                rect.center(),
                Align2::CENTER_CENTER,
                &text,
                Type::Label,
                tokens(ui).text_2,
            );
            return None;
        }
        Frame::new().inner_margin(Margin::symmetric(S8 as i8, 4)).show(ui, |ui| {
            ScrollArea::vertical()
                .max_height(LIST)
                .min_scrolled_height(LIST)
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    let mut group = "";
                    for (place, hit) in hits.iter().enumerate() {
                        let entry = &entries[hit.index];
                        if entry.group != group {
                            group = entry.group;
                            group_ui(ui, group);
                        }
                        let response = entry_ui(ui, entry, &hit.label, place == self.selected);
                        if response.clicked() {
                            clicked = Some(hit.index);
                        }
                        if place == self.selected && moved {
                            response.scroll_to_me(None);
                        }
                    }
                });
        });
        clicked
    }
}

/// Matches of `query`, best group first, best entry of a group first; ties keep the given order.
fn search(query: &str, entries: &[Entry<'_>]) -> Vec<Hit> {
    let mut hits: Vec<(i32, Hit)> = entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let label = fuzzy(query, entry.label);
            let hint =
                fuzzy(query, entry.hint).filter(|found| found.score > 500).map(|found| found.score - 2000);
            let score = label.as_ref().map(|found| found.score).or(hint)?;
            let label = label.unwrap_or(Match { score: 0, at: Vec::new() });
            Some((score, Hit { index, label }))
        })
        .collect();
    let best = |group: &str, hits: &[(i32, Hit)]| {
        hits.iter().filter(|(_, hit)| entries[hit.index].group == group).map(|(score, _)| *score).max()
    };
    let mut groups: Vec<&str> = Vec::new();
    for (_, hit) in &hits {
        let group = entries[hit.index].group;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(best(group, &hits)));
    let rank = |group: &str| groups.iter().position(|other| *other == group);
    hits.sort_by_key(|(score, hit)| (rank(entries[hit.index].group), std::cmp::Reverse(*score), hit.index));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

fn line(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), paint::crisp(ui.painter(), rect.top()), paint::border(ui));
}

fn group_ui(ui: &mut Ui, group: &str) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), GROUP), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, group));
    let at = pos2(rect.left() + 12.0, rect.center().y + 2.0);
    paint::text_at(ui.painter(), at, Align2::LEFT_CENTER, group, Type::Caption, tokens(ui).text_3);
}

fn entry_ui(ui: &mut Ui, entry: &Entry<'_>, found: &Match, selected: bool) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, entry.enabled, selected, entry.label));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let t = tokens(ui);
    if selected || response.hovered() {
        let fill = if selected { t.selected } else { t.hover };
        ui.painter().rect_filled(rect, CornerRadius::same(RADIUS_CONTROL), fill);
    }
    let y = rect.center().y;
    let tint = if selected { t.accent } else { t.text_2 };
    icon::paint(ui.painter(), pos2(rect.left() + 20.0, y), entry.icon, icon::SMALL, tint, Look::Regular);
    let mut right = rect.right() - 12.0;
    if !entry.shortcut.is_empty() {
        right -= key_width(ui, entry.shortcut);
        paint_key(ui, pos2(right, y), entry.shortcut, t.text_2, t.border);
        right -= S8;
    }
    let left = rect.left() + 40.0;
    let mut job = marked(entry, found, ui);
    job.append(entry.hint, 6.0, Type::Label.format(t.text_3));
    job.wrap.max_width = right - left;
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.painter().layout_job(job);
    paint::galley_at(ui.painter(), pos2(left, y), Align2::LEFT_CENTER, galley);
    response
}

/// The label with the matched letters in semibold.
fn marked(entry: &Entry<'_>, found: &Match, ui: &Ui) -> LayoutJob {
    let t = tokens(ui);
    let colour = if entry.enabled { t.text } else { t.text_3 };
    let plain = TextFormat { valign: Align::Center, ..Type::Body.format(colour) };
    let strong = Type::Strong.format(colour);
    let mut job = LayoutJob::default();
    let mut run = String::new();
    let mut bold = false;
    for (at, letter) in entry.label.chars().enumerate() {
        let hit = found.at.binary_search(&at).is_ok();
        if hit != bold && !run.is_empty() {
            job.append(&run, 0.0, if bold { strong.clone() } else { plain.clone() });
            run.clear();
        }
        bold = hit;
        run.push(letter);
    }
    job.append(&run, 0.0, if bold { strong } else { plain });
    job
}

fn footer(ui: &mut Ui, hits: usize, all: usize) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let t = tokens(ui);
    let y = rect.center().y;
    let mut x = rect.left() + S16;
    for (key, word) in [("↑", ""), ("↓", "choose"), ("Enter", "run"), ("Esc", "close")] {
        paint_key(ui, pos2(x, y), key, t.text_2, t.border);
        x += key_width(ui, key) + 6.0;
        let end =
            paint::text_at(ui.painter(), pos2(x, y), Align2::LEFT_CENTER, word, Type::Caption, t.text_2);
        x = end.right() + if word.is_empty() { 0.0 } else { 12.0 };
    }
    let text = format!("{} of {}", fmt::count(hits), fmt::count(all));
    paint::text_at(
        ui.painter(),
        pos2(rect.right() - S16, y),
        Align2::RIGHT_CENTER,
        &text,
        Type::Caption,
        t.text_2,
    );
}

/// The keys that the palette takes before its text field sees them.
#[derive(Default)]
struct Keys {
    steps: i64,
    enter: bool,
    escape: bool,
}

impl Keys {
    fn take(ui: &Ui) -> Self {
        ui.input_mut(|input| {
            let mut times = |key: Key| input.count_and_consume_key(Modifiers::NONE, key) as i64;
            Self {
                steps: times(Key::ArrowDown) - times(Key::ArrowUp)
                    + 7 * (times(Key::PageDown) - times(Key::PageUp)),
                enter: times(Key::Enter) > 0,
                escape: times(Key::Escape) > 0,
            }
        })
    }

    fn moves(&self) -> bool {
        self.steps != 0
    }

    fn moved(&self, selected: usize, count: usize) -> usize {
        let last = count.saturating_sub(1) as i64;
        (selected as i64 + self.steps).clamp(0, last) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(group: &'a str, label: &'a str, hint: &'a str) -> Entry<'a> {
        Entry { group, icon: Icon::Cube, label, hint, shortcut: "", enabled: true }
    }

    #[test]
    fn groups_stay_together_and_the_best_comes_first() {
        let entries = [
            entry("Commands", "Copy as command", "modelyard package"),
            entry("Commands", "Verify a package", ""),
            entry("Places", "Package", "place"),
            entry("Commands", "Package run 14", ""),
            entry("Commands", "Stop", ""),
        ];
        let order: Vec<usize> = search("pack", &entries).iter().map(|hit| hit.index).collect();
        assert_eq!(order, [2, 3, 1, 0]);
        let all: Vec<usize> = search("", &entries).iter().map(|hit| hit.index).collect();
        assert_eq!(all, [0, 1, 3, 4, 2]);
    }
}
