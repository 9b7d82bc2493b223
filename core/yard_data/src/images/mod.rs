//! Images as data: a folder with one sub-folder a class, and columns of image paths in other files. Paths
//! are found and read here, within the folder of the data alone; what the bytes mean is known to
//! `yard_score`, which decodes them row by row.

pub(crate) mod files;
pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod infer;

use std::path::{Path, PathBuf};
use yard_types::{files::Files, schema::FieldType};

/// Kind of source of a folder of images, in `SourceFormat::kind`.
pub(crate) const KIND: &str = "images";
/// Column of the paths of a folder of images.
pub(crate) const IMAGE: &str = "image";
/// Column of the sub-folders of a folder of images.
pub(crate) const LABEL: &str = "label";

/// Returns whether a name ends as an image that can be decoded.
pub(crate) fn is_image_name(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    !stem.is_empty() && ["png", "jpg", "jpeg"].iter().any(|own| ending.eq_ignore_ascii_case(own))
}

/// Returns the folder that image paths of a source are relative to: the folder itself, or the one that
/// the file is in.
pub(crate) fn base(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Returns where the images of a source are read from, when one of its columns holds images.
pub(crate) fn source_of(path: &Path, types: impl IntoIterator<Item = FieldType>) -> Option<Files> {
    let any = types.into_iter().any(|own| own == FieldType::Image);
    any.then(|| Files::new(files::FolderFiles::new(&base(path))))
}
