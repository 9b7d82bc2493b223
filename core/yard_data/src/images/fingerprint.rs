//! The fingerprint of data with images: names, sizes and contents of the images are part of it, so that a
//! changed image is a changed dataset. An image that can't be read counts with its name and no content.

use super::{files::FolderFiles, folder::ImageFolder};
use crate::error::DataError;
use crate::options::Watch;
use sha2::Digest;
use std::path::Path;
use yard_types::{
    event::Progress,
    files::FileSource,
    ids::Sha256,
    profile::Fingerprint,
    schema::{FieldType, Schema},
    table::{Column, Table},
};

/// Hashes a folder of images.
pub(crate) fn of_folder(path: &Path, watch: Option<&Watch>) -> Result<Fingerprint, DataError> {
    let found = ImageFolder::list(path)?;
    if found.paths.is_empty() {
        return Err(DataError::Folder { path: path.to_owned() });
    }
    let start = Fingerprint { bytes: 0, sha256: Sha256([0; 32]) };
    let names = found.paths.iter().map(String::as_str);
    with_files(&start, (&FolderFiles::new(path), names), watch)
}

/// Adds the images that the cells of a table name to the fingerprint of the file it was read from. A table
/// without image columns, or of a folder of images, has that fingerprint already.
pub(crate) fn of_table(
    file: Fingerprint,
    (path, table, schema): (&Path, &Table, &Schema),
    watch: Option<&Watch>,
) -> Result<Fingerprint, DataError> {
    if super::infer::is_folder(&schema.format.kind) {
        return Ok(file);
    }
    let mut names: Vec<&str> = Vec::new();
    for field in schema.fields.iter().filter(|field| field.field_type == FieldType::Image) {
        if let Some(Column::Text(text)) = table.column(&field.name) {
            names.extend(text.words.iter().map(String::as_str).filter(|word| !word.starts_with("data:")));
        }
    }
    if names.is_empty() {
        return Ok(file);
    }
    names.sort_unstable();
    names.dedup();
    with_files(&file, (&FolderFiles::new(&super::base(path)), names.into_iter()), watch)
}

fn with_files<'a>(
    start: &Fingerprint,
    (files, names): (&FolderFiles, impl Iterator<Item = &'a str>),
    watch: Option<&Watch>,
) -> Result<Fingerprint, DataError> {
    let mut hasher = sha2::Sha256::new();
    hasher.update(start.sha256.0);
    let mut bytes = start.bytes;
    for (done, name) in names.enumerate() {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        let content = files.read(name).unwrap_or_default();
        bytes += content.len() as u64;
        hasher.update((content.len() as u64).to_le_bytes());
        hasher.update(&content);
        if done % 256 == 0 && !told(watch, done as u64) {
            return Err(DataError::Cancelled);
        }
    }
    Ok(Fingerprint { bytes, sha256: Sha256(hasher.finalize().into()) })
}

fn told(watch: Option<&Watch>, done: u64) -> bool {
    let progress =
        || Progress { phase: "hashing images".to_owned(), done, total: None, unit: "images".to_owned() };
    watch.is_none_or(|watch| watch(progress()))
}
