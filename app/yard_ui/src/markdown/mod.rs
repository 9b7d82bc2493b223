//! Markdown as widgets: headings, paragraphs with bold, italic, code and links, lists, quotes, tables,
//! code blocks with a copy button. For help texts, model cards and notes.
//!
//! The way in is [`show`]; [`parse`] gives the blocks to whoever searches in them. A link is given back
//! to the caller and never opened here; images are drawn as their text, HTML is shown as text. Any
//! input is drawn: what is no Markdown is a paragraph.
//! The subset is that of J. `MacFarlane`, `CommonMark` Spec 0.31.2 (2024), and GitHub's tables.

mod draw;
mod inline;
mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use egui::{
    Ui,
    cache::{ComputerMut, FrameCache},
};

pub use parse::parse;

/// How a run of text looks and where it leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The text; a line break inside is a hard one.
    pub text: String,
    /// Semibold.
    pub bold: bool,
    /// Slanted.
    pub italic: bool,
    /// Mono face on a grey ground.
    pub code: bool,
    /// Target of the link that the text belongs to.
    pub link: Option<String>,
}

/// Alignment of a column of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// At the right: numbers.
    Right,
}

/// A part of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading of level 1 to 6.
    Heading(u8, Vec<Span>),
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// A list: the number of its first item if it is numbered, and the blocks of each item.
    List(Option<u64>, Vec<Vec<Self>>),
    /// A block of code with its language, which may be empty.
    Code(String, String),
    /// A quote.
    Quote(Vec<Self>),
    /// A table: alignment of the columns, head, rows; all rows are as long as the head.
    Table(Vec<Side>, Vec<Vec<Span>>, Vec<Vec<Vec<Span>>>),
    /// A line across.
    Rule,
}

/// The text of spans without their looks.
pub fn plain(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

#[derive(Default)]
struct Parser;

impl ComputerMut<&str, Arc<Vec<Block>>> for Parser {
    fn compute(&mut self, source: &str) -> Arc<Vec<Block>> {
        Arc::new(parse(source))
    }
}

type Cache = FrameCache<Arc<Vec<Block>>, Parser>;

/// Draws `source` over the available width, at most 720 points; `link` is called with the target of a
/// link that was clicked or opened by Enter. The text is parsed once, not in every frame.
///
/// ```
/// # egui::__run_test_ui(|ui| {
/// # yard_ui::apply(ui.ctx(), yard_ui::Theme::Light);
/// yard_ui::markdown::show(ui, "**ROC AUC**: see [ranking](metrics.md#auc)", |target| {
///     // open the page `target`
/// });
/// # });
/// ```
pub fn show(ui: &mut Ui, source: &str, mut link: impl FnMut(&str)) {
    let blocks = ui.memory_mut(|memory| Arc::clone(memory.caches.cache::<Cache>().get(source)));
    blocks_ui(ui, &blocks, &mut link);
}

/// Draws blocks that are parsed already, as [`show`] does.
pub fn blocks_ui(ui: &mut Ui, blocks: &[Block], link: &mut dyn FnMut(&str)) {
    ui.scope(|ui| {
        ui.set_max_width(ui.available_width().min(720.0));
        draw::blocks(ui, blocks, link);
    });
}
