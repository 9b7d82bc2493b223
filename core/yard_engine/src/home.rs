//! The user's own folder: signing key, servers of this machine, targets' tokens, samples' projects.
//! Outside every project, readable by the user alone.
//!
//! `MODELYARD_HOME` names another folder (tests, several identities); else the system's data folder.

use crate::error::EngineError;
use std::path::{Path, PathBuf};

/// The user's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Uses a folder, made when needed.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Finds the folder: `MODELYARD_HOME`, else the system's data folder of the user.
    pub fn find() -> Result<Self, EngineError> {
        if let Some(root) = std::env::var_os("MODELYARD_HOME").filter(|root| !root.is_empty()) {
            return Ok(Self::at(root));
        }
        directories::ProjectDirs::from("", "", "modelyard")
            .map(|dirs| Self::at(dirs.data_local_dir()))
            .ok_or_else(|| {
                EngineError::refused(
                    "the system tells no home folder; expected one for keys and servers; set MODELYARD_HOME",
                )
            })
    }

    /// Returns the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a folder within, made private to the user.
    pub fn folder(&self, name: &str) -> Result<PathBuf, EngineError> {
        let path = self.root.join(name);
        make_private(&path).map_err(|source| EngineError::Io { act: "make", path: path.clone(), source })?;
        Ok(path)
    }
}

/// Makes a folder (and its parents) with mode 0700.
pub fn make_private(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Mode of files for the user alone.
pub const PRIVATE: u32 = 0o600;
/// Mode of files that the user may pass on.
pub const SHARED: u32 = 0o644;

/// Writes a file whole or not at all: a new file in the same folder, synced, then renamed, then the
/// folder synced.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), EngineError> {
    use std::io::Write as _;
    let fail = |act: &'static str| {
        let path = path.to_owned();
        move |source| EngineError::Io { act, path, source }
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(&temporary).map_err(fail("make"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail("write"))?;
    drop(file);
    std::fs::rename(&temporary, path).map_err(fail("write"))?;
    crate::project::sync_folder_of(path)?;
    Ok(())
}
