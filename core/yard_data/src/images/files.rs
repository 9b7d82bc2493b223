//! Reads files within one folder by relative path. No name leads out of it: absolute paths, `..` and links
//! to elsewhere are refused.

use std::path::{Component, Path, PathBuf};
use yard_types::files::FileSource;

/// Largest file in bytes; what an image may have is decided by the decoder.
const MOST_BYTES: u64 = 64 << 20;

/// Files below a folder.
#[derive(Debug)]
pub(crate) struct FolderFiles {
    base: PathBuf,
    place: String,
}

impl FolderFiles {
    /// Reads below `base`.
    pub(crate) fn new(base: &Path) -> Self {
        let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
        Self { place: base.to_string_lossy().into_owned(), base }
    }

    /// Returns the path of a file below the folder.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, String> {
        let relative = Path::new(name);
        let inside =
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if name.is_empty() || !inside {
            return Err("the path leads out of the folder of the data; expected one below it".to_owned());
        }
        let path = self.base.join(relative);
        let real = path.canonicalize().map_err(|error| reason(&error))?;
        if real.starts_with(&self.base) {
            return Ok(real);
        }
        Err("it is a link out of the folder of the data".to_owned())
    }
}

impl FileSource for FolderFiles {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.path(name)?;
        let meta = std::fs::metadata(&path).map_err(|error| reason(&error))?;
        if !meta.is_file() {
            return Err("it is no regular file".to_owned());
        }
        if meta.len() > MOST_BYTES {
            return Err(format!("it has {} bytes; at most {MOST_BYTES} are read", meta.len()));
        }
        std::fs::read(&path).map_err(|error| reason(&error))
    }

    fn place(&self) -> &str {
        &self.place
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("it can't be read ({error})"),
    }
}
