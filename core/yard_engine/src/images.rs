//! Columns of images: what is in them, told at import; images in requests and examples. Broken images are
//! missing values, and each import and batch says how many, which and why. Decoding is the scorer's.

use crate::error::EngineError;
use std::collections::BTreeMap;
use yard_data::Watch;
use yard_score::image;
use yard_types::{
    contract::Contract,
    event::Progress,
    files::Files,
    profile::{Finding, Profile, Severity},
    schema::{FieldType, Schema},
    table::{Column, Table, TextColumn},
};

/// Broken images named in a finding.
const NAMED: usize = 20;
/// Largest image that stands as an example in a contract.
const EXAMPLE_BYTES: usize = 4_096;

/// Images of a column.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    read: u64,
    broken: u64,
    /// Names of the first broken ones, with the reason.
    first: Vec<String>,
    /// Images by (width, height).
    sizes: BTreeMap<(usize, usize), u64>,
    coloured: u64,
}

impl Seen {
    /// Looks at the images of a column; false from `watch` stops.
    pub(crate) fn look(
        &mut self,
        text: &TextColumn,
        files: Option<&Files>,
        watch: &dyn Fn(Progress) -> bool,
    ) -> Result<(), EngineError> {
        let mut rows = vec![0_u64; text.words.len()];
        for code in &text.codes {
            if let Some(slot) = rows.get_mut(*code as usize) {
                *slot += 1;
            }
        }
        for (at, (cell, rows)) in text.words.iter().zip(rows).enumerate().filter(|(_, (_, rows))| *rows > 0) {
            match image::read(cell, files) {
                Ok(pixels) => {
                    self.read += rows;
                    *self.sizes.entry((pixels.width, pixels.height)).or_default() += rows;
                    self.coloured += rows * u64::from(pixels.channels == 3);
                }
                Err(error) => {
                    self.broken += rows;
                    if self.first.len() < NAMED {
                        let name: String = cell.chars().take(80).collect();
                        self.first.push(format!("{name}: {error}"));
                    }
                }
            }
            let (phase, unit) = ("looking at images".to_owned(), "images".to_owned());
            let told = || Progress { phase, done: at as u64, total: Some(text.words.len() as u64), unit };
            if at % 64 == 0 && !watch(told()) {
                return Err(EngineError::Cancelled);
            }
        }
        Ok(())
    }

    /// Returns what is wrong with the images, if anything.
    pub(crate) fn broken(&self, column: &str) -> Option<Finding> {
        let first = self.first.first()?;
        Some(Finding {
            severity: Severity::Warning,
            code: "broken_images".to_owned(),
            column: Some(column.to_owned()),
            count: self.broken,
            message: format!(
                "{} of {} images can't be read and count as missing (first: {first}); mend or replace them",
                self.broken,
                self.broken + self.read
            ),
            examples: self.first.clone(),
            fix: None,
        })
    }

    /// Returns what the images are.
    fn described(&self, column: &str) -> Finding {
        let common = self.sizes.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
        let size = match (common, self.sizes.len()) {
            (None, _) => String::new(),
            (Some(((width, height), _)), 1) => format!(", all {width} × {height} pixels"),
            (Some(((width, height), count)), sizes) => {
                format!(", {sizes} sizes, most often {width} × {height} pixels ({count})")
            }
        };
        Finding {
            severity: Severity::Info,
            code: "images".to_owned(),
            column: Some(column.to_owned()),
            count: self.read,
            message: format!("{} images are read{size}; {} in colour", self.read, self.coloured),
            examples: Vec::new(),
            fix: None,
        }
    }
}

/// Adds to a profile what its columns of images hold.
pub(crate) fn inspect(
    (table, schema): (&Table, &Schema),
    profile: &mut Profile,
    watch: Option<&Watch>,
) -> Result<(), EngineError> {
    for field in schema.fields.iter().filter(|field| field.field_type == FieldType::Image) {
        let Some(Column::Text(text)) = table.column(&field.name) else { continue };
        let mut seen = Seen::default();
        seen.look(text, table.files(), &|progress| watch.is_none_or(|watch| watch(progress)))?;
        if let Some(own) = profile.columns.iter_mut().find(|own| own.name == field.name) {
            own.missing += seen.broken;
        }
        profile.findings.extend(seen.broken(&field.name));
        profile.findings.push(seen.described(&field.name));
    }
    profile.findings.sort_by_key(|finding| finding.severity);
    Ok(())
}

/// Returns whether a model takes images.
pub(crate) fn any(contract: &Contract) -> bool {
    contract.fields.iter().any(|field| field.field_type == FieldType::Image)
}

/// Puts the images themselves in the place of their names, as requests hold them; a broken one is missing.
pub(crate) fn inline(table: &Table, fields: &[&str]) -> Result<Table, EngineError> {
    let columns = table.names().iter().zip(table.columns()).map(|(name, column)| {
        let inlined = match column {
            Column::Text(text) if fields.contains(&name.as_str()) => {
                let cells: Vec<Option<String>> =
                    (0..text.codes.len()).map(|row| uri(text.get(row)?, table.files())).collect();
                Column::Text(TextColumn::from_cells(cells.iter().map(Option::as_deref)))
            }
            column => column.clone(),
        };
        (name.clone(), inlined)
    });
    Table::new(columns.collect()).map_err(EngineError::failed)
}

/// Returns an image as a request holds it; `None` when it can't be read.
pub(crate) fn uri(cell: &str, files: Option<&Files>) -> Option<String> {
    let bytes = image::bytes_of(cell, files).ok()?;
    image::decode(&bytes).ok()?;
    Some(image::to_data_uri(&bytes))
}

/// Returns the names of a contract's fields of images.
pub(crate) fn names(contract: &Contract) -> Vec<&str> {
    let images = contract.fields.iter().filter(|field| field.field_type == FieldType::Image);
    images.map(|field| field.name.as_str()).collect()
}

/// Gives a contract's fields of images a small image as example.
pub(crate) fn set_examples(contract: &mut Contract, table: &Table, rows: &[u32]) {
    for field in contract.fields.iter_mut().filter(|field| field.field_type == FieldType::Image) {
        let Some(Column::Text(text)) = table.column(&field.name) else { continue };
        let cells = rows.iter().take(100).filter_map(|row| text.get(*row as usize));
        let small = |uri: &String| uri.len() <= EXAMPLE_BYTES;
        let found = cells.filter_map(|cell| uri(cell, table.files())).find(small);
        field.example = found.map_or(serde_json::Value::Null, serde_json::Value::String);
    }
}

/// Returns the bytes of the image of each row, as the server counts them; NaN without one.
pub(crate) fn sizes(text: &TextColumn, files: Option<&Files>) -> Vec<f64> {
    let size = |row: usize| {
        let bytes = text.get(row).and_then(|cell| image::bytes_of(cell, files).ok());
        bytes.filter(|bytes| image::decode(bytes).is_ok()).map_or(f64::NAN, |bytes| bytes.len() as f64)
    };
    (0..text.codes.len()).map(size).collect()
}
