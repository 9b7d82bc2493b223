//! Files that survive a crash: written beside, synced, renamed, and the folder synced. A failed sync is
//! final; nothing is retried on the same file.

use crate::error::ServeError;
use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
};

/// Makes a folder that only its owner can enter.
pub(crate) fn private_folder(path: &Path) -> Result<(), ServeError> {
    fs::create_dir_all(path).map_err(ServeError::file("make the folder", path))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(ServeError::file("protect the folder", path))?;
    }
    Ok(())
}

/// Creates a new file that only its owner can read; fails when it exists.
pub(crate) fn create_private(path: &Path) -> Result<File, ServeError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map_err(ServeError::file("create the file", path))
}

/// Replaces a file at once: a reader sees the old bytes or the new ones.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), ServeError> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let _ = fs::remove_file(&temporary);
    let mut file = create_private(&temporary)?;
    file.write_all(bytes).map_err(ServeError::file("write the file", &temporary))?;
    commit(&file, &temporary, path)
}

/// Syncs a complete temporary file, gives it its name and syncs the folder.
pub(crate) fn commit(file: &File, temporary: &Path, path: &Path) -> Result<(), ServeError> {
    file.sync_all().map_err(ServeError::file("sync the file", temporary))?;
    fs::rename(temporary, path).map_err(ServeError::file("rename the file", path))?;
    match path.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Syncs a folder, so that names in it survive a power loss.
fn sync_folder(folder: &Path) -> Result<(), ServeError> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(ServeError::file("sync the folder", folder))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
