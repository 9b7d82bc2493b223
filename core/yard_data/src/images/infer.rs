//! Finds columns of images: words that all end as images do, of which one of the first few is a file below
//! the folder of the data, or that all are data URIs.

use super::{IMAGE, KIND, files::FolderFiles, is_image_name};
use crate::findings::{finding, shown};
use crate::scan::ColumnScan;
use std::path::Path;
use yard_types::{
    cell::CellRules,
    profile::{Finding, Severity},
    schema::{Field, FieldType, Role},
};

/// Paths that are looked for.
const TRIED: usize = 16;

/// Decides whether a column of words holds images.
pub(crate) fn decide(field: &mut Field, scan: &ColumnScan, base: &Path, findings: &mut Vec<Finding>) -> bool {
    let words = scan.words();
    if words.is_empty() {
        return false;
    }
    if words.keys().all(|word| word.starts_with("data:image/")) {
        field.field_type = FieldType::Image;
        return true;
    }
    if !words.keys().all(|word| is_image_name(word)) {
        return false;
    }
    let files = FolderFiles::new(base);
    if words.keys().take(TRIED).any(|word| files.path(word).is_ok()) {
        field.field_type = FieldType::Image;
        return true;
    }
    let first = words.keys().next().map_or("", |word| word);
    let message = format!(
        "the words look like paths of images, but no such file is below the folder of the data (first: \"{}\"); \
         the column is read as words; give paths relative to the data file",
        shown(first)
    );
    findings.push(finding(Severity::Warning, "no_images", scan.filled, message));
    false
}

/// Returns the fields of a folder of images: a class is the name of its sub-folder, whatever it looks like.
pub(crate) fn fields(names: &[String]) -> Vec<Field> {
    let rules = CellRules { null_words: Vec::new(), ..CellRules::default() };
    let field = |name: &String| Field {
        name: name.clone(),
        field_type: if name == IMAGE { FieldType::Image } else { FieldType::Category },
        role: Role::Feature,
        rules: rules.clone(),
    };
    names.iter().map(field).collect()
}

/// Returns whether a source is a folder of images.
pub(crate) fn is_folder(kind: &str) -> bool {
    kind == KIND
}
