//! Pages of cells that a reader delivers when it can: the grid asks, draws what is there, and never
//! waits.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Cell;

/// Rows of a page.
pub const PAGE_ROWS: usize = 128;
/// Columns of a page.
pub const PAGE_COLUMNS: usize = 32;
/// Pages that are kept: about two million cells.
const KEPT: usize = 512;

/// A page by its place: rows from `rows * PAGE_ROWS`, columns from `columns * PAGE_COLUMNS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page {
    /// Number of the page downwards.
    pub rows: usize,
    /// Number of the page to the right.
    pub columns: usize,
}

impl Page {
    /// The page with a cell.
    pub fn of(row: usize, column: usize) -> Self {
        Self { rows: row / PAGE_ROWS, columns: column / PAGE_COLUMNS }
    }
}

#[derive(Clone, Debug)]
struct Kept {
    cells: Vec<Vec<Cell<'static>>>,
    used: u64,
}

/// The pages that are there, those on their way, and those to be asked for.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    kept: BTreeMap<Page, Kept>,
    asked: BTreeSet<Page>,
    wanted: BTreeSet<Page>,
    clock: u64,
}

impl Pages {
    /// The cell, if its page is there; if not, the page is wanted.
    pub fn cell(&mut self, row: usize, column: usize) -> Option<Cell<'static>> {
        let page = Page::of(row, column);
        self.clock += 1;
        let Some(kept) = self.kept.get_mut(&page) else {
            self.wanted.insert(page);
            return None;
        };
        kept.used = self.clock;
        let line = kept.cells.get(row % PAGE_ROWS)?;
        Some(line.get(column % PAGE_COLUMNS).cloned().unwrap_or_else(Cell::missing))
    }

    /// The pages that are wanted and not asked for yet; they count as asked for from now on. What was
    /// scrolled past before it was asked for is forgotten.
    pub fn ask(&mut self) -> Vec<Page> {
        let wanted = std::mem::take(&mut self.wanted);
        let new: Vec<Page> = wanted.into_iter().filter(|page| !self.asked.contains(page)).collect();
        self.asked.extend(&new);
        new
    }

    /// Takes a page that has come: its rows, each with the cells of the page's columns. The page that was
    /// used the longest ago goes when there are too many.
    pub fn put(&mut self, page: Page, cells: Vec<Vec<Cell<'static>>>) {
        self.asked.remove(&page);
        self.clock += 1;
        self.kept.insert(page, Kept { cells, used: self.clock });
        if self.kept.len() > KEPT
            && let Some(oldest) = self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(page, _)| *page)
        {
            self.kept.remove(&oldest);
        }
    }

    /// A page that failed: it may be asked for again.
    pub fn failed(&mut self, page: Page) {
        self.asked.remove(&page);
    }

    /// Forgets all pages: the rows are in another order now, or others.
    pub fn clear(&mut self) {
        *self = Self { clock: self.clock, ..Self::default() };
    }

    /// Pages that are on their way.
    pub fn awaited(&self) -> usize {
        self.asked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_once_and_the_oldest_goes() {
        let mut pages = Pages::default();
        assert!(pages.cell(300, 40).is_none());
        assert!(pages.cell(301, 41).is_none());
        let page = Page { rows: 2, columns: 1 };
        assert_eq!(pages.ask(), [page]);
        assert!(pages.cell(300, 40).is_none());
        assert!(pages.ask().is_empty(), "it is on its way");
        pages.failed(page);
        pages.cell(300, 40);
        assert_eq!(pages.ask(), [page]);
        pages.put(page, vec![vec![Cell::text("a"); PAGE_COLUMNS]; PAGE_ROWS]);
        assert_eq!(pages.cell(300, 40).map(|cell| cell.copied()), Some("a".to_owned()));
        for rows in 100..100 + KEPT {
            pages.put(Page { rows, columns: 0 }, Vec::new());
        }
        assert!(pages.cell(300, 40).is_none(), "pages that are not used go");
    }
}
