//! Reading a file by given columns and rules: the whole file at once, or in portions for files larger
//! than memory.

use crate::column::{ColumnBuilder, Wanted};
use crate::error::{DataError, did_you_mean};
use crate::layout::Layout;
use crate::options::ReadOptions;
use crate::raw::Source;
use std::path::Path;
use yard_types::{
    files::Files,
    profile::Finding,
    schema::SourceFormat,
    table::{Column, Table},
};

/// Most rows of a table in memory: row numbers are u32.
pub(crate) const MAX_ROWS: u64 = u32::MAX as u64 - 1;
/// Rows asked of a source at once.
const PORTION: usize = 1 << 16;

/// A table read by a given schema.
#[derive(Clone, Debug)]
pub struct ReadTable {
    /// The columns wanted (optional ones only when the file has them), in the order wanted.
    pub table: Table,
    /// Repairs of the file and cells that did not fit.
    pub findings: Vec<Finding>,
    /// How the file was read.
    pub format: SourceFormat,
}

/// Returns the column names of a file, after repairs of empty and repeated names.
pub fn column_names(path: &Path, options: &ReadOptions) -> Result<Vec<String>, DataError> {
    let layout = Layout::detect(path, options)?;
    let csv = layout.format.kind == "csv";
    let count = layout.names.len() - usize::from(csv);
    Ok(layout.names.into_iter().take(count).collect())
}

/// Reads a whole file by the types and rules of training. A cell that does not fit is missing and
/// counted in a finding; a wanted column that the file lacks is an error that names it.
pub fn read_table(path: &Path, wanted: &[Wanted], options: &ReadOptions) -> Result<ReadTable, DataError> {
    let mut reader = ChunkReader::open(path, wanted, PORTION, options)?;
    while reader.fill_portion(PORTION)? > 0 {}
    let table = reader.take_table()?;
    Ok(ReadTable { table, findings: reader.findings(), format: reader.format })
}

/// Reads a file in portions of about `rows` rows: CSV (also gzip), Parquet and NDJSON. Memory holds one
/// portion. An iterator over tables; after an error it ends.
pub struct ChunkReader {
    source: Source,
    builders: Vec<Option<ColumnBuilder>>,
    /// Source column of each wanted column that the file has, in the order wanted.
    order: Vec<usize>,
    path: std::path::PathBuf,
    files: Option<Files>,
    layout_findings: Vec<Finding>,
    format: SourceFormat,
    rows: usize,
    given: u64,
    ended: bool,
}

impl ChunkReader {
    /// Opens a file; `rows` is the size of a portion, at least 1.
    pub fn open(
        path: &Path,
        wanted: &[Wanted],
        rows: usize,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let layout = Layout::detect(path, options)?;
        Self::from_layout(&layout, wanted, rows)
    }

    pub(crate) fn from_layout(layout: &Layout, wanted: &[Wanted], rows: usize) -> Result<Self, DataError> {
        let mut builders: Vec<Option<ColumnBuilder>> = layout.names.iter().map(|_| None).collect();
        let index: std::collections::BTreeMap<&str, usize> =
            layout.names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let (mut order, mut missing) = (Vec::new(), Vec::new());
        for column in wanted {
            match index.get(column.name.as_str()) {
                Some(at) if builders[*at].is_none() => {
                    builders[*at] = Some(ColumnBuilder::new(column.clone()));
                    order.push(*at);
                }
                Some(_) => {}
                None if column.optional => {}
                None => missing.push(column.name.clone()),
            }
        }
        if let Some(first) = missing.first() {
            let near = did_you_mean(first, &layout.names);
            return Err(DataError::MissingColumns { columns: missing, near, path: layout.path().to_owned() });
        }
        Ok(Self {
            source: layout.source()?,
            builders,
            order,
            path: layout.path().to_owned(),
            files: crate::images::source_of(layout.path(), wanted.iter().map(|column| column.field_type)),
            layout_findings: layout.findings.clone(),
            format: layout.format.clone(),
            rows: rows.max(1),
            given: 0,
            ended: false,
        })
    }

    /// Reads up to `most` further rows into the builders.
    pub(crate) fn fill_portion(&mut self, most: usize) -> Result<usize, DataError> {
        let got = self.source.fill(&mut self.builders, most)?;
        self.given += got as u64;
        if self.given > MAX_ROWS {
            return Err(DataError::TooLarge { what: "rows", limit: MAX_ROWS, path: self.path.clone() });
        }
        Ok(got)
    }

    pub(crate) fn take_table(&mut self) -> Result<Table, DataError> {
        let mut columns: Vec<(String, Column)> = Vec::with_capacity(self.order.len());
        for at in &self.order {
            if let Some(Some(builder)) = self.builders.get_mut(*at) {
                columns.push((builder.name().to_owned(), builder.take()));
            }
        }
        let table = Table::new(columns).map(|table| table.with_files(self.files.clone()));
        table.map_err(|error| DataError::Argument {
            what: "columns of the file",
            got: error.to_string(),
            expected: "columns of equal length".to_owned(),
        })
    }

    /// Returns the next portion; `None` at the end.
    pub fn next_table(&mut self) -> Result<Option<Table>, DataError> {
        if self.ended {
            return Ok(None);
        }
        let got = self.fill_portion(self.rows);
        match got {
            Ok(0) => {
                self.ended = true;
                Ok(None)
            }
            Ok(_) => self.take_table().map(Some),
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }

    /// Returns the rows given so far.
    pub fn rows_read(&self) -> u64 {
        self.given
    }

    /// Returns how the file is read.
    pub fn format(&self) -> &SourceFormat {
        &self.format
    }

    /// Returns repairs and cells that did not fit, of the rows given so far.
    pub fn findings(&self) -> Vec<Finding> {
        let mut out = self.layout_findings.clone();
        out.extend(self.source.findings());
        let builders = self.order.iter().filter_map(|at| self.builders.get(*at)?.as_ref());
        out.extend(builders.filter_map(ColumnBuilder::finding));
        out
    }
}

impl Iterator for ChunkReader {
    type Item = Result<Table, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_table().transpose()
    }
}
