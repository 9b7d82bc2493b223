//! Help: pages about places, metrics, terms, shortcuts and the command line, with a search over their
//! sections. The pages are the markdown files of `assets/help`; they are part of the program.

mod draw;
mod pages;

pub(crate) use pages::{Section, find, search, sections, topic};

use crate::{
    head::{self, Head},
    layout::{self, Side},
};
use yard_state::{command::UiCommand, next, state::StudioState};
use yard_ui::{Icon, TextField, space, text};

/// What Help keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    query: String,
    /// Section that the view was scrolled to last.
    scrolled: String,
}

/// Most hits shown.
const HITS: usize = 12;

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let step = next::next_step(state);
    let head = Head {
        title: "Help",
        context: "What each place does, what each metric and term means and where it comes from".to_owned(),
        primary: format!("Go to {}", step.place.label()),
        icon: Icon::ArrowRight,
        others: vec![(UiCommand::ShortcutSheet, Icon::Keyboard)],
    };
    head::show(ui, state, &head);
    layout::two(ui, 208.0, space::S32, |ui, side| match side {
        Side::Left => contents_ui(ui, state, view),
        Side::Right if view.query.trim().is_empty() => page_ui(ui, state, view),
        Side::Right => hits_ui(ui, state, view),
    });
}

fn contents_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    TextField::new("Search help", &mut view.query).hint("search all pages").show(ui);
    ui.add_space(space::S8);
    let open = find(&state.help_page).0.name;
    for page in pages::pages() {
        let kind = if page.name == open { yard_ui::Type::LabelStrong } else { yard_ui::Type::Label };
        let link = text::link_of(ui, page.title.as_str(), kind);
        if link.clicked() {
            state.help(page.name);
            view.query.clear();
        }
    }
}

fn page_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let (page, wanted) = find(&state.help_page);
    let jump = view.scrolled != state.help_page;
    view.scrolled.clone_from(&state.help_page);
    let mut link = None;
    text::strong(ui, page.title.as_str());
    draw::blocks(ui, &page.intro, &mut link);
    if page.name == "shortcuts" {
        shortcuts_ui(ui);
    }
    for (at, own) in page.sections.iter().enumerate() {
        ui.add_space(space::S12);
        let response = yard_ui::section(ui, &own.title, "");
        if jump && Some(at) == wanted {
            response.scroll_to_me(Some(egui::Align::Min));
        }
        draw::blocks(ui, &own.body, &mut link);
    }
    if let Some(target) = link {
        state.help(&target);
    }
}

/// The shortcuts as the window knows them, so that the page can't be wrong.
fn shortcuts_ui(ui: &mut egui::Ui) {
    ui.add_space(space::S8);
    for command in UiCommand::all() {
        let Some(shortcut) = command.shortcut() else { continue };
        ui.horizontal(|ui| {
            ui.allocate_ui(egui::vec2(128.0, 20.0), |ui| {
                ui.set_width(128.0);
                yard_ui::key_cap(ui, &shortcut.text());
            });
            text::small(ui, command.label());
        });
    }
}

fn hits_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let hits = search(&view.query);
    let note = yard_ui::fmt::counted(hits.len() as u64, "section", "sections");
    yard_ui::section(ui, "Found", &note);
    if hits.is_empty() {
        text::paragraph(
            ui,
            "No page has all of these words. Try fewer of them, or one of the pages at the left.",
        );
        return;
    }
    for hit in hits.into_iter().take(HITS) {
        if text::link_of(ui, format!("{}: {}", hit.page_title, hit.title), yard_ui::Type::LabelStrong)
            .clicked()
        {
            state.help(&hit.address());
            view.query.clear();
        }
        text::small(ui, hit.first_line());
        ui.add_space(space::S8);
    }
}

/// Draws the inspector: what the page is about, and where it can be found.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    let (page, _) = find(&state.help_page);
    text::note(ui, "Help");
    text::strong(ui, page.title.as_str());
    yard_ui::divider(ui, space::S12);
    text::small_strong(ui, "On this page");
    let mut target = None;
    for own in &page.sections {
        if text::link(ui, own.title.as_str()).clicked() {
            target = Some(own.address());
        }
    }
    if let Some(target) = target {
        state.help(&target);
    }
    yard_ui::divider(ui, space::S12);
    text::paragraph(
        ui,
        "F1 opens the page of the focused field, figure or place. Ctrl+K finds sections by their titles.",
    );
    ui.add_space(space::S12);
    crate::command_line::show(ui, state, "modelyard --help");
}
