//! Files that cells of a table name, such as images: read when they are needed, never all at once.
//! Whoever reads the table says where they lie; this module knows only how they are asked for.

use std::fmt;
use std::sync::Arc;

/// Reads files by the names that stand in cells.
pub trait FileSource: Send + Sync {
    /// Returns the bytes of a file; the error says why there are none. Names that lead out of the place
    /// are refused.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;
    /// Returns where the files lie, for messages.
    fn place(&self) -> &str;
}

/// A shared source of files. Two are equal when they read from the same place.
#[derive(Clone)]
pub struct Files(Arc<dyn FileSource>);

impl Files {
    /// Shares a source.
    pub fn new(source: impl FileSource + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Returns the bytes of a file; the error says why there are none.
    pub fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.0.read(name)
    }

    /// Returns where the files lie.
    pub fn place(&self) -> &str {
        self.0.place()
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Files").field(&self.place()).finish()
    }
}

impl PartialEq for Files {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}
