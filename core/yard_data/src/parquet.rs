//! Rows of a Parquet file through polars, slice by slice, so that a file larger than memory can be read.
//! Nested columns are kept as text. A damaged file is an error, never a panic.

use crate::bytes::{head, open_file};
use crate::error::DataError;
use crate::raw::{CellSink, Raw};
use polars::prelude::{
    ArrowDataType, Column, DataFrame, DataType, ParquetReader, PolarsError, PolarsResult, SerReader, TimeUnit,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Rows decoded at once.
const SLICE: usize = 1 << 17;

/// A Parquet file being read.
pub(crate) struct ParquetSource {
    path: PathBuf,
    rows: usize,
    at: usize,
}

/// Names of the columns and number of rows.
pub(crate) struct ParquetShape {
    pub(crate) names: Vec<String>,
    pub(crate) rows: usize,
}

/// Reads names and row count from the footer.
pub(crate) fn shape(path: &Path) -> Result<ParquetShape, DataError> {
    let (file, size) = open_file(path)?;
    let broken = |reason: &str| DataError::Parquet { reason: reason.to_owned(), path: path.to_owned() };
    if size < 12 || !ends_with_magic(path, size)? {
        return Err(broken("the footer is missing at the end, the file seems to be cut"));
    }
    let (shape, unknown) = guard(path, || {
        let mut reader = ParquetReader::new(file);
        let schema = reader.schema()?;
        let unknown =
            schema.iter_values().find_map(|field| Some((field.name.to_string(), unread(&field.dtype)?)));
        let names = schema.iter_names().map(|name| name.to_string()).collect();
        Ok((ParquetShape { names, rows: reader.num_rows()? }, unknown))
    })?;
    match unknown {
        None => Ok(shape),
        Some((name, (got, better))) => Err(DataError::Unsupported {
            found: format!("column \"{name}\" has the Parquet type {got}, which this version does not read"),
            advice: better,
            path: path.to_owned(),
        }),
    }
}

/// Types that polars reads only with features that the workspace leaves off: name and what to do.
fn unread(dtype: &ArrowDataType) -> Option<(&'static str, &'static str)> {
    match dtype {
        ArrowDataType::UInt8 => Some(("uint8", "write the column as int32")),
        ArrowDataType::UInt16 => Some(("uint16", "write the column as int32")),
        ArrowDataType::Float16 => Some(("float16", "write the column as float32")),
        ArrowDataType::Decimal(_, _) | ArrowDataType::Decimal256(_, _) => {
            Some(("decimal", "write the column as float64"))
        }
        _ => None,
    }
}

fn ends_with_magic(path: &Path, size: u64) -> Result<bool, DataError> {
    use std::io::{Read, Seek, SeekFrom};
    let (mut file, _) = open_file(path)?;
    let mut tail = [0_u8; 4];
    file.seek(SeekFrom::Start(size - 4))
        .and_then(|_| file.read_exact(&mut tail))
        .map_err(|source| DataError::io("read", path, source))?;
    Ok(&tail == b"PAR1")
}

/// Returns whether the file starts as a Parquet file does.
pub(crate) fn has_magic(path: &Path) -> Result<bool, DataError> {
    Ok(head(path, 4)? == b"PAR1")
}

/// Runs polars on an untrusted file: its errors and panics become one error.
fn guard<T>(path: &Path, work: impl FnOnce() -> PolarsResult<T>) -> Result<T, DataError> {
    let reason = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the reader met content that it does not know".to_owned(),
    };
    let reason = reason.lines().next().unwrap_or_default().to_owned();
    Err(DataError::Parquet { reason, path: path.to_owned() })
}

impl ParquetSource {
    pub(crate) fn new(path: PathBuf, rows: usize) -> Self {
        Self { path, rows, at: 0 }
    }

    /// Gives up to `most` further rows to the sinks, column by column.
    pub(crate) fn fill<S: CellSink>(
        &mut self,
        sinks: &mut [Option<S>],
        most: usize,
    ) -> Result<usize, DataError> {
        let mut given = 0;
        while given < most && self.at < self.rows {
            let count = SLICE.min(most - given).min(self.rows - self.at);
            let wanted: Vec<usize> = (0..sinks.len()).filter(|column| sinks[*column].is_some()).collect();
            let frame = self.slice(count, &wanted)?;
            for (column, index) in frame.columns().iter().zip(&wanted) {
                if let Some(sink) = &mut sinks[*index] {
                    guard(&self.path, || push_column(column, sink))?;
                }
            }
            self.at += count;
            given += count;
        }
        Ok(given)
    }

    fn slice(&self, count: usize, wanted: &[usize]) -> Result<DataFrame, DataError> {
        let (file, _) = open_file(&self.path)?;
        let frame = guard(&self.path, || {
            ParquetReader::new(file)
                .with_slice(Some((self.at, count)))
                .with_projection(Some(wanted.to_vec()))
                .finish()
        })?;
        if frame.height() != count && !wanted.is_empty() {
            let (expected, got) = (count as u64, frame.height() as u64);
            return Err(DataError::Changed { expected, got, path: self.path.clone() });
        }
        Ok(frame)
    }
}

fn push_column(column: &Column, sink: &mut impl CellSink) -> Result<(), PolarsError> {
    match column.dtype() {
        DataType::Boolean => {
            for cell in column.bool()?.iter() {
                sink.push(cell.map_or(Raw::Missing, Raw::Boolean));
            }
        }
        DataType::UInt64 => {
            for cell in column.u64()?.iter() {
                push_unsigned(cell, sink);
            }
        }
        dtype if dtype.is_integer() => {
            for cell in column.cast(&DataType::Int64)?.i64()?.iter() {
                sink.push(cell.map_or(Raw::Missing, Raw::Integer));
            }
        }
        dtype if dtype.is_float() || dtype.is_decimal() => {
            for cell in column.cast(&DataType::Float64)?.f64()?.iter() {
                sink.push(cell.map_or(Raw::Missing, Raw::Number));
            }
        }
        DataType::Date | DataType::Datetime(_, _) => {
            let micros = column.cast(&DataType::Datetime(TimeUnit::Microseconds, None))?;
            for cell in micros.cast(&DataType::Int64)?.i64()?.iter() {
                sink.push(cell.map_or(Raw::Missing, Raw::Instant));
            }
        }
        DataType::String => push_text(column, sink)?,
        DataType::List(_) | DataType::Binary | DataType::Null | DataType::Unknown(_) => {
            push_shown(column, sink)?;
        }
        _ => match column.cast(&DataType::String) {
            Ok(text) => push_text(&text, sink)?,
            Err(_) => push_shown(column, sink)?,
        },
    }
    Ok(())
}

fn push_unsigned(cell: Option<u64>, sink: &mut impl CellSink) {
    match cell {
        None => sink.push(Raw::Missing),
        Some(value) => match i64::try_from(value) {
            Ok(value) => sink.push(Raw::Integer(value)),
            Err(_) => sink.push(Raw::Text(&value.to_string())),
        },
    }
}

fn push_text(column: &Column, sink: &mut impl CellSink) -> Result<(), PolarsError> {
    for cell in column.str()?.iter() {
        sink.push(cell.map_or(Raw::Missing, Raw::Text));
    }
    Ok(())
}

fn push_shown(column: &Column, sink: &mut impl CellSink) -> Result<(), PolarsError> {
    for row in 0..column.len() {
        let cell = column.get(row)?;
        if cell.is_null() {
            sink.push(Raw::Missing);
        } else {
            sink.push(Raw::Text(&cell.to_string()));
        }
    }
    Ok(())
}
