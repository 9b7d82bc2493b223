//! A folder of images as a table: `image` is the path below the folder, `label` the first sub-folder.
//! Rows are in the order of their paths. Hidden files and links are passed over; other files are counted in
//! a finding. An image that can't be decoded is still a row.

use super::{IMAGE, LABEL, is_image_name};
use crate::error::DataError;
use crate::findings::{With, counted, finding};
use crate::raw::{CellSink, Raw};
use std::path::Path;
use std::sync::Arc;
use yard_types::profile::{Finding, Severity};

/// Sub-folders within sub-folders that are looked into.
const DEPTH: usize = 16;
const SHOWN: usize = 5;

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageFolder {
    /// Paths below the folder, with `/`, sorted.
    pub(crate) paths: Arc<Vec<String>>,
    others: u64,
    other_examples: Vec<String>,
    links: u64,
}

impl ImageFolder {
    /// Looks through a folder.
    pub(crate) fn list(path: &Path) -> Result<Self, DataError> {
        let (mut found, mut paths) = (Self::default(), Vec::new());
        found.walk(path, "", (0, &mut paths))?;
        paths.sort_unstable();
        found.paths = Arc::new(paths);
        found.other_examples.sort_unstable();
        found.other_examples.truncate(SHOWN);
        Ok(found)
    }

    fn walk(
        &mut self,
        path: &Path,
        below: &str,
        (depth, paths): (usize, &mut Vec<String>),
    ) -> Result<(), DataError> {
        let fail = |source| DataError::io("list the folder", path, source);
        for entry in std::fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let kind = entry.file_type().map_err(fail)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                self.other(&name.to_string_lossy(), below);
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let own = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            if kind.is_symlink() {
                self.links += 1;
            } else if kind.is_dir() && depth < DEPTH {
                self.walk(&entry.path(), &own, (depth + 1, paths))?;
            } else if kind.is_file() && is_image_name(name) {
                paths.push(own);
            } else {
                self.other(name, below);
            }
            if paths.len() as u64 > crate::read::MAX_ROWS {
                let limit = crate::read::MAX_ROWS;
                return Err(DataError::TooLarge { what: "images", limit, path: path.to_owned() });
            }
        }
        Ok(())
    }

    fn other(&mut self, name: &str, below: &str) {
        self.others += 1;
        // Enough to sort a few out of, whatever order the system lists them in.
        if self.other_examples.len() < 1_000 {
            self.other_examples.push(if below.is_empty() {
                name.to_owned()
            } else {
                format!("{below}/{name}")
            });
        }
    }

    /// Returns the columns: `label` only when there are sub-folders.
    pub(crate) fn names(&self) -> Vec<String> {
        let labelled = self.paths.iter().any(|path| path.contains('/'));
        let names = if labelled { &[IMAGE, LABEL][..] } else { &[IMAGE] };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Returns what was passed over.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut out = Vec::new();
        if self.others > 0 {
            let message = format!(
                "{} no .png, .jpg or .jpeg and left out (such as \"{}\")",
                counted(self.others, "file is", "files are"),
                self.other_examples.first().map_or("", String::as_str)
            );
            let found = finding(Severity::Info, "not_images", self.others, message);
            out.push(found.examples(self.other_examples.clone()));
        }
        if self.links > 0 {
            let message = format!(
                "{} left out, since a link can lead out of the folder; put the files themselves there",
                counted(self.links, "link was", "links were")
            );
            out.push(finding(Severity::Warning, "links", self.links, message));
        }
        out
    }
}

/// Gives the rows of a folder.
pub(crate) struct FolderSource {
    paths: Arc<Vec<String>>,
    next: usize,
}

impl FolderSource {
    pub(crate) fn new(paths: Arc<Vec<String>>) -> Self {
        Self { paths, next: 0 }
    }

    /// Gives up to `most` rows to the sinks of `image` and `label`.
    pub(crate) fn fill<S: CellSink>(&mut self, sinks: &mut [Option<S>], most: usize) -> usize {
        let rows = self.paths.iter().skip(self.next).take(most);
        let mut given = 0;
        for path in rows {
            if let Some(Some(sink)) = sinks.first_mut() {
                sink.push(Raw::Text(path));
            }
            if let Some(Some(sink)) = sinks.get_mut(1) {
                let label = path.split_once('/').map(|(label, _)| label);
                sink.push(label.map_or(Raw::Missing, Raw::Text));
            }
            given += 1;
        }
        self.next += given;
        given
    }
}
