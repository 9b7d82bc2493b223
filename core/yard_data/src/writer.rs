//! Writes tables portion by portion: CSV, NDJSON or Parquet. Text of a CSV that a spreadsheet could take
//! for a formula gets a leading apostrophe (OWASP, "CSV injection"); numbers parse back to the same bits.

use crate::column::instant_text;
use crate::error::DataError;
use crate::layout::has_ending;
use crate::text::{number_text, number_text_f32};
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    AnyValue, Column as PolarsColumn, DataFrame, DataType, Field as PolarsField, IntoColumn, NamedFrom,
    ParquetCompression, ParquetWriter, PolarsError, Schema as PolarsSchema, Series, TimeUnit,
};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use yard_types::table::{Column, FieldValue, MISSING_INSTANT, Table};

/// What a written column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutKind {
    /// Text; in CSV guarded against formulas.
    Text,
    /// Numbers, written as f64.
    Number,
    /// Numbers that are f32 values: written with the shortest digits of the f32, Parquet type float.
    Single,
    /// Whole numbers.
    Integer,
    /// Booleans held as 0 and 1.
    Boolean,
    /// Points in time.
    Instant,
}

/// A column to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutColumn {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: OutKind,
}

/// Format of a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutFormat {
    /// Comma-separated, UTF-8, header line, LF.
    Csv,
    /// One JSON object a line; missing is null, infinities are the texts `inf` and `-inf`.
    Ndjson,
    /// Parquet with Snappy, one row group a portion.
    Parquet,
}

impl OutFormat {
    /// Returns the format that a file name asks for; `None` for an ending that can't be written.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        if has_ending(&name, &["csv"]) {
            Some(Self::Csv)
        } else if has_ending(&name, &["ndjson", "jsonl"]) {
            Some(Self::Ndjson)
        } else if has_ending(&name, &["parquet", "pq"]) {
            Some(Self::Parquet)
        } else {
            None
        }
    }
}

/// Writes one file. The file is complete after [`TableWriter::finish`]; dropped before, a part is left.
pub struct TableWriter {
    path: PathBuf,
    columns: Vec<OutColumn>,
    sink: Sink,
}

enum Sink {
    Csv(BufWriter<File>),
    Ndjson(BufWriter<File>),
    Parquet(Box<BatchedWriter<BufWriter<File>>>),
}

impl TableWriter {
    /// Creates the file (an existing one is replaced); the format follows the ending.
    pub fn create(path: &Path, columns: &[OutColumn]) -> Result<Self, DataError> {
        let Some(format) = OutFormat::of(path) else {
            return Err(DataError::Argument {
                what: "name of the file to write",
                got: path.display().to_string(),
                expected: "a name that ends with .csv, .ndjson, .jsonl or .parquet".to_owned(),
            });
        };
        if path.is_dir() {
            return Err(DataError::Folder { path: path.to_owned() });
        }
        let file = File::create(path).map_err(|source| DataError::io("create the file", path, source))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        let sink = match format {
            OutFormat::Csv => Sink::Csv(file),
            OutFormat::Ndjson => Sink::Ndjson(file),
            OutFormat::Parquet => Sink::Parquet(Box::new(parquet_sink(path, file, columns)?)),
        };
        let mut writer = Self { path: path.to_owned(), columns: columns.to_vec(), sink };
        if let Sink::Csv(file) = &mut writer.sink {
            let names: Vec<String> = columns.iter().map(|column| csv_text(&column.name)).collect();
            writeln!(file, "{}", names.join(",")).map_err(|source| DataError::io("write", path, source))?;
        }
        Ok(writer)
    }

    /// Appends rows. The table must have the columns of this writer, in that order.
    pub fn write(&mut self, table: &Table) -> Result<(), DataError> {
        let own = self.columns.iter().map(|column| &column.name);
        if !own.eq(table.names()) {
            return Err(DataError::Argument {
                what: "columns to write",
                got: table.names().join(", "),
                expected: self
                    .columns
                    .iter()
                    .map(|column| column.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
        if table.rows() == 0 {
            return Ok(());
        }
        let fail = |source| DataError::io("write", &self.path, source);
        match &mut self.sink {
            Sink::Csv(file) => write_csv(file, &self.columns, table).map_err(fail),
            Sink::Ndjson(file) => write_ndjson(file, &self.columns, table).map_err(fail),
            Sink::Parquet(batched) => {
                let frame = frame(&self.columns, table);
                frame
                    .and_then(|frame| batched.write_batch(&frame))
                    .map_err(|error| parquet_error(&self.path, &error))
            }
        }
    }

    /// Completes the file.
    pub fn finish(self) -> Result<(), DataError> {
        match self.sink {
            Sink::Csv(mut file) | Sink::Ndjson(mut file) => {
                file.flush().map_err(|source| DataError::io("write", &self.path, source))
            }
            Sink::Parquet(batched) => {
                batched.finish().map(|_| ()).map_err(|error| parquet_error(&self.path, &error))
            }
        }
    }
}

fn parquet_error(path: &Path, error: &PolarsError) -> DataError {
    DataError::io("write", path, std::io::Error::other(error.to_string()))
}

fn write_csv(file: &mut impl Write, columns: &[OutColumn], table: &Table) -> std::io::Result<()> {
    for row in 0..table.rows() {
        for (at, (column, values)) in columns.iter().zip(table.columns()).enumerate() {
            if at > 0 {
                file.write_all(b",")?;
            }
            match values.value(row) {
                FieldValue::Missing => {}
                FieldValue::Text(text) => file.write_all(csv_text(text).as_bytes())?,
                FieldValue::Number(number) => file.write_all(number_of(column.kind, number).as_bytes())?,
                FieldValue::Instant(micros) => file.write_all(instant_text(micros).as_bytes())?,
            }
        }
        file.write_all(b"\n")?;
    }
    Ok(())
}

fn number_of(kind: OutKind, number: f64) -> String {
    match kind {
        OutKind::Single => number_text_f32(number as f32),
        OutKind::Boolean => if number == 0.0 { "false" } else { "true" }.to_owned(),
        _ => number_text(number),
    }
}

/// Guards and quotes a text cell. A cell that starts with = + - @, tab or carriage return gets a leading
/// apostrophe, unless it is a plain number.
pub(crate) fn csv_text(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let guarded = if risky { format!("'{text}") } else { text.to_owned() };
    let blank_edge = guarded.starts_with(' ') || guarded.ends_with(' ');
    if blank_edge || guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

fn write_ndjson(file: &mut impl Write, columns: &[OutColumn], table: &Table) -> std::io::Result<()> {
    for row in 0..table.rows() {
        file.write_all(b"{")?;
        for (at, (column, values)) in columns.iter().zip(table.columns()).enumerate() {
            if at > 0 {
                file.write_all(b",")?;
            }
            serde_json::to_writer(&mut *file, &column.name)?;
            file.write_all(b":")?;
            match values.value(row) {
                FieldValue::Missing => file.write_all(b"null")?,
                FieldValue::Text(text) => serde_json::to_writer(&mut *file, text)?,
                FieldValue::Instant(micros) => serde_json::to_writer(&mut *file, &instant_text(micros))?,
                FieldValue::Number(number) if number.is_infinite() => {
                    serde_json::to_writer(&mut *file, &number_text(number))?;
                }
                FieldValue::Number(number) => file.write_all(number_of(column.kind, number).as_bytes())?,
            }
        }
        file.write_all(b"}\n")?;
    }
    Ok(())
}

fn dtype(kind: OutKind) -> DataType {
    match kind {
        OutKind::Text => DataType::String,
        OutKind::Number => DataType::Float64,
        OutKind::Single => DataType::Float32,
        OutKind::Integer => DataType::Int64,
        OutKind::Boolean => DataType::Boolean,
        OutKind::Instant => DataType::Datetime(TimeUnit::Microseconds, None),
    }
}

fn parquet_sink(
    path: &Path,
    file: BufWriter<File>,
    columns: &[OutColumn],
) -> Result<BatchedWriter<BufWriter<File>>, DataError> {
    let fields =
        columns.iter().map(|column| PolarsField::new(column.name.as_str().into(), dtype(column.kind)));
    let schema: PolarsSchema = fields.collect();
    ParquetWriter::new(file)
        .with_compression(ParquetCompression::Snappy)
        .batched(&schema)
        .map_err(|error| parquet_error(path, &error))
}

fn frame(columns: &[OutColumn], table: &Table) -> Result<DataFrame, PolarsError> {
    let built: Result<Vec<PolarsColumn>, PolarsError> =
        columns.iter().zip(table.columns()).map(|(column, values)| polars_column(column, values)).collect();
    DataFrame::new(table.rows(), built?)
}

fn polars_column(column: &OutColumn, values: &Column) -> Result<PolarsColumn, PolarsError> {
    let name = column.name.as_str().into();
    let series = match (column.kind, values) {
        (OutKind::Text, Column::Text(text)) => {
            let cells: Vec<Option<&str>> = (0..text.codes.len()).map(|row| text.get(row)).collect();
            Series::new(name, cells)
        }
        (OutKind::Instant, Column::Instant(micros)) => {
            let cells: Vec<Option<i64>> =
                micros.iter().map(|micros| (*micros != MISSING_INSTANT).then_some(*micros)).collect();
            Series::new(name, cells).cast(&dtype(column.kind))?
        }
        (kind, Column::Number(numbers)) if kind != OutKind::Text => {
            let cells: Vec<Option<f64>> =
                numbers.iter().map(|value| (!value.is_nan()).then_some(*value)).collect();
            Series::new(name, cells).cast(&dtype(kind))?
        }
        (kind, values) => {
            let cells: Vec<AnyValue<'_>> = (0..values.len()).map(|row| shown(values, row)).collect();
            Series::from_any_values_and_dtype(name, &cells, &DataType::String, false)?.cast(&dtype(kind))?
        }
    };
    Ok(series.into_column())
}

/// A cell as text, for a column whose kind is not that of its values.
fn shown(values: &Column, row: usize) -> AnyValue<'static> {
    let text = match values.value(row) {
        FieldValue::Missing => return AnyValue::Null,
        FieldValue::Text(text) => text.to_owned(),
        FieldValue::Number(number) => number_text(number),
        FieldValue::Instant(micros) => instant_text(micros),
    };
    AnyValue::StringOwned(text.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;
    use crate::{ReadOptions, Wanted, read_table};
    use yard_types::{cell::CellRules, schema::FieldType, table::TextColumn};

    fn sample() -> (Vec<OutColumn>, Table) {
        let kinds = [
            ("id", OutKind::Text),
            ("p", OutKind::Single),
            ("x", OutKind::Number),
            ("when", OutKind::Instant),
        ];
        let columns = kinds.map(|(name, kind)| OutColumn { name: name.to_owned(), kind }).to_vec();
        let ids = TextColumn::from_cells([Some("=1+1"), Some("a,\"b\""), None, Some("007")]);
        let singles = [0.1_f32, 1.0 / 3.0, 1e-30, 0.5].map(f64::from).to_vec();
        let table = Table::new(vec![
            ("id".to_owned(), Column::Text(ids)),
            ("p".to_owned(), Column::Number(singles)),
            ("x".to_owned(), Column::Number(vec![1.0, f64::NAN, 1e300, 0.1])),
            ("when".to_owned(), Column::Instant(vec![0, MISSING_INSTANT, 1_632_577_500_500_000, 1])),
        ]);
        (columns, table.unwrap())
    }

    fn written(name: &str) -> (tempfile::TempDir, PathBuf, Table) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let (columns, table) = sample();
        let mut writer = TableWriter::create(&path, &columns).unwrap();
        writer.write(&table.take(&[0, 1])).unwrap();
        writer.write(&table.take(&[2, 3])).unwrap();
        writer.finish().unwrap();
        (folder, path, table)
    }

    #[test]
    fn csv_is_guarded_and_shortest() {
        let (_folder, path, _) = written("out.csv");
        let text = std::fs::read_to_string(path).unwrap();
        let expected = "id,p,x,when\n'=1+1,0.1,1,1970-01-01\n\"a,\"\"b\"\"\",0.33333334,,\n,1e-30,1e300,2021-09-25T13:45:00.500000Z\n007,0.5,0.1,1970-01-01T00:00:00.000001Z\n";
        assert_eq!(text, expected);
        assert_eq!(csv_text("-5"), "-5", "a number is no formula");
        assert_eq!(csv_text("\tx"), "'\tx");
        assert_eq!(csv_text("@x"), "'@x");
    }

    #[test]
    fn every_format_reads_back_to_the_same_values() {
        let number = |name: &str, field_type| Wanted {
            name: name.to_owned(),
            field_type,
            rules: CellRules::default(),
            optional: false,
            verbatim: false,
        };
        let wanted = [
            Wanted::verbatim("id"),
            number("p", FieldType::Number),
            number("x", FieldType::Number),
            number("when", FieldType::Datetime),
        ];
        for name in ["out.parquet", "out.ndjson", "out.csv"] {
            let (_folder, path, table) = written(name);
            let read = read_table(&path, &wanted, &ReadOptions::default()).unwrap();
            assert_eq!(read.table.rows(), 4, "{name}");
            for row in 0..4 {
                for (at, column) in table.columns().iter().enumerate() {
                    let (own, back) = (column.value(row), read.table.columns()[at].value(row));
                    match (own, back) {
                        (FieldValue::Number(a), FieldValue::Number(b)) if at == 1 => {
                            assert_eq!(a as f32, b as f32, "{name} row {row}");
                        }
                        (FieldValue::Text("=1+1"), FieldValue::Text(back)) => {
                            assert_eq!(back.trim_start_matches('\''), "=1+1");
                        }
                        _ => assert_eq!(own, back, "{name} row {row} column {at}"),
                    }
                }
            }
        }
    }

    #[test]
    fn wrong_names_are_refused() {
        let (columns, table) = sample();
        assert!(TableWriter::create(Path::new("out.xlsx"), &columns).is_err());
        let folder = tempfile::tempdir().unwrap();
        let mut writer = TableWriter::create(&folder.path().join("a.csv"), &columns[..2]).unwrap();
        assert!(writer.write(&table).is_err());
    }
}
