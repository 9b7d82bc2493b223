//! Draws the markdown of a help page: paragraphs, lists, code, and links to other pages, which stand
//! below the text that holds them.

use yard_ui::{Type, space, text, tokens};

/// A title.
pub(super) fn heading(ui: &mut egui::Ui, title: &str) {
    text::label(ui, title, Type::Strong, tokens(ui).text);
}

/// A block of the source.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Paragraph(String),
    Item(String),
    Code(String),
}

fn blocks_of(source: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut code: Option<String> = None;
    let mut open = false;
    for line in source.lines() {
        if line.starts_with("```") {
            match code.take() {
                Some(text) => blocks.push(Block::Code(text.trim_end().to_owned())),
                None => code = Some(String::new()),
            }
            open = false;
        } else if let Some(text) = &mut code {
            text.push_str(line);
            text.push('\n');
        } else if line.trim().is_empty() {
            open = false;
        } else if let Some(item) = line.strip_prefix("- ") {
            blocks.push(Block::Item(item.to_owned()));
            open = true;
        } else if open && let Some(Block::Paragraph(text) | Block::Item(text)) = blocks.last_mut() {
            text.push(' ');
            text.push_str(line.trim());
        } else {
            blocks.push(Block::Paragraph(line.trim().to_owned()));
            open = true;
        }
    }
    blocks
}

/// Draws blocks; a clicked link is put into `link`.
pub(super) fn blocks(ui: &mut egui::Ui, source: &str, link: &mut Option<String>) {
    let width = ui.available_width().min(680.0);
    ui.scope(|ui| {
        ui.set_max_width(width);
        for block in blocks_of(source) {
            match &block {
                Block::Paragraph(own) => prose(ui, own, ""),
                Block::Item(own) => prose(ui, own, "•"),
                Block::Code(own) => {
                    yard_ui::show::code(ui, "Command", own);
                }
            }
        }
        see_also(ui, source, link);
    });
}

fn prose(ui: &mut egui::Ui, source: &str, bullet: &str) {
    let line = plain(source);
    if bullet.is_empty() {
        text::paragraph(ui, line);
        return;
    }
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S8;
        text::secondary(ui, bullet);
        ui.vertical(|ui| text::paragraph(ui, line));
    });
}

/// The pages and sections that the text refers to, each once, on one line.
fn see_also(ui: &mut egui::Ui, source: &str, link: &mut Option<String>) {
    let mut targets = links(source);
    let mut seen = std::collections::BTreeSet::new();
    targets.retain(|target| seen.insert(target.clone()));
    if targets.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S12;
        text::note(ui, "See also");
        for target in targets {
            let (page, at) = super::find(&target);
            let word = at.map_or(page.title.as_str(), |at| page.sections[at].title.as_str());
            if text::link(ui, word).clicked() {
                *link = Some(target);
            }
        }
    });
}

/// Targets of the links `[word](page#section)` in a text.
pub(super) fn links(source: &str) -> Vec<String> {
    let ends = source.match_indices("](").map(|(at, _)| &source[at + 2..]);
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The text without marks: links by their words, no stars, no backticks.
pub(super) fn plain(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        out.push_str(&before.replacen('[', "", 1));
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_marks() {
        let source = "One\ntwo.\n\n- first\n  goes on\n- second\n\n```\nmodelyard runs P\n```\n";
        let wanted = [
            Block::Paragraph("One two.".to_owned()),
            Block::Item("first goes on".to_owned()),
            Block::Item("second".to_owned()),
            Block::Code("modelyard runs P".to_owned()),
        ];
        assert_eq!(blocks_of(source), wanted);
        let source = "see **both** `a` and [PSI](terms#PSI) or [Data](data).";
        assert_eq!(plain(source), "see both a and PSI or Data.");
        assert_eq!(links(source), ["terms#PSI", "data"]);
    }
}
