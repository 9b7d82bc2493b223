//! Helpers of the integration tests: files in a temporary folder, findings by code.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use yard_data::{Dataset, ReadOptions, infer_frame, open};
use yard_types::{
    command::NewProject,
    profile::Finding,
    schema::FieldType,
    table::{Column, Table},
};

/// A temporary folder.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

pub(crate) fn opened(name: &str, bytes: impl AsRef<[u8]>) -> Dataset {
    let folder = Folder::new();
    open(&folder.file(name, bytes), &ReadOptions::default()).unwrap()
}

pub(crate) fn refused(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    open(&folder.file(name, bytes), &ReadOptions::default()).unwrap_err().to_string()
}

/// 40 rows of x (number), age (integer), color (3 levels), target (yes/no).
pub(crate) fn plain() -> String {
    let mut text = "x,age,color,target\n".to_owned();
    for row in 0..40 {
        let color = ["blue", "red", "green"][row % 3];
        let target = ["no", "yes"][row * 5 % 7 % 2];
        writeln!(text, "{}.25,{},{color},{target}", row * 7 % 13, 20 + row).unwrap();
    }
    text
}

pub(crate) fn packed(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn finding<'a>(findings: &'a [Finding], code: &str) -> &'a Finding {
    findings.iter().find(|found| found.code == code).unwrap_or_else(|| panic!("no {code} in {findings:#?}"))
}

pub(crate) fn numbers(table: &Table, name: &str) -> Vec<f64> {
    match table.column(name) {
        Some(Column::Number(values)) => values.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

pub(crate) fn types(dataset: &Dataset) -> Vec<FieldType> {
    dataset.schema.fields.iter().map(|field| field.field_type).collect()
}

pub(crate) fn frame_error(dataset: &mut Dataset, target: &str) -> String {
    let facts = NewProject { target: Some(target.to_owned()), ..NewProject::default() };
    infer_frame(dataset, &facts).unwrap_err().to_string()
}
