//! Opening a data file: what it is, what its columns hold, and the table. Three linear passes over the
//! file (encoding and hash, types, values); memory holds the table only.

use crate::bytes::fingerprint;
use crate::column::Wanted;
use crate::error::DataError;
use crate::findings::{With, finding};
use crate::infer::{Decided, FileFacts, decide, file_facts};
use crate::layout::Layout;
use crate::options::ReadOptions;
use crate::read::{ChunkReader, MAX_ROWS};
use crate::scan::ColumnScan;
use std::path::Path;
use std::sync::Arc;
use yard_types::{
    cell::CellRules,
    profile::{Finding, Fingerprint, Fix, Severity},
    schema::{Field, Role, Schema},
    table::Table,
};

/// An opened data file.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// All columns, in the order of the schema.
    pub table: Table,
    /// Types, rules and roles (feature, or dropped for columns without a value).
    pub schema: Schema,
    /// Repairs and choices made while reading.
    pub findings: Vec<Finding>,
    /// Size and hash of the file.
    pub fingerprint: Fingerprint,
}

/// Opens a CSV (also TSV and the like, also gzip), Parquet or NDJSON file or a folder of images, finds
/// out its format and types, and reads it. Repairs and doubtful choices are findings; what can't be read is an error.
pub fn open(path: &Path, options: &ReadOptions) -> Result<Dataset, DataError> {
    let layout = Layout::detect(path, options)?;
    let fingerprint = fingerprint(path, options.watch.as_ref())?;
    let (scans, rows) = scan(&layout, options)?;
    let (schema, mut findings) = decide_all(&layout, &scans, options);
    let wanted: Vec<Wanted> = schema.fields.iter().map(Wanted::from).collect();
    let mut reader = ChunkReader::from_layout(&layout, &wanted, 1 << 16)?;
    let mut got = 0;
    loop {
        let portion = reader.fill_portion(1 << 16)? as u64;
        got += portion;
        if portion == 0 {
            break;
        }
    }
    if got != rows {
        return Err(DataError::Changed { expected: rows, got, path: path.to_owned() });
    }
    let table = reader.take_table()?;
    let watch = options.watch.as_ref();
    let fingerprint = crate::images::fingerprint::of_table(fingerprint, (path, &table, &schema), watch)?;
    let mut all = reader.findings();
    all.append(&mut findings);
    if rows == 0 {
        let message = "the file has a header but no rows; training needs rows".to_owned();
        all.push(finding(Severity::Error, "no_rows", 0, message));
    }
    Ok(Dataset { table, schema, findings: all, fingerprint })
}

fn scan(layout: &Layout, options: &ReadOptions) -> Result<(Vec<ColumnScan>, u64), DataError> {
    let mut null_words = CellRules::default().null_words;
    null_words.extend(options.null_words.iter().cloned());
    let null_words = Arc::new(null_words);
    let mut sinks: Vec<Option<ColumnScan>> =
        layout.names.iter().map(|_| Some(ColumnScan::new(Arc::clone(&null_words)))).collect();
    let mut source = layout.source()?;
    let mut rows = 0_u64;
    loop {
        let got = source.fill(&mut sinks, 1 << 16)?;
        if got == 0 {
            break;
        }
        rows += got as u64;
        if rows > MAX_ROWS {
            let path = layout.path().to_owned();
            return Err(DataError::TooLarge { what: "rows", limit: MAX_ROWS, path });
        }
    }
    Ok((sinks.into_iter().flatten().collect(), rows))
}

fn decide_all(layout: &Layout, scans: &[ColumnScan], options: &ReadOptions) -> (Schema, Vec<Finding>) {
    let mut null_words = CellRules::default().null_words;
    null_words.extend(options.null_words.iter().cloned());
    let facts = FileFacts { folder: crate::images::base(layout.path()), ..file_facts(scans, &null_words) };
    let mut schema = Schema { fields: Vec::new(), format: layout.format.clone() };
    let mut findings = Vec::new();
    if crate::images::infer::is_folder(&layout.format.kind) {
        schema.fields = crate::images::infer::fields(&layout.names);
        return (schema, findings);
    }
    let mut nameless = Vec::new();
    let last = if layout.format.kind == "csv" { layout.names.len() - 1 } else { layout.names.len() };
    for (at, (name, scan)) in layout.names.iter().zip(scans).enumerate() {
        let empty = scan.filled == 0;
        if empty && layout.unnamed.get(at).copied().unwrap_or(false) && layout.format.header {
            if at < last {
                nameless.push(name.clone());
            }
            continue;
        }
        if at == last && empty {
            continue;
        }
        let Decided { mut field, findings: found } = decide(name, scan, &facts);
        findings.extend(found.into_iter().map(|found| with_fix(found, &field)));
        if at == last {
            field.role = Role::Dropped;
        }
        schema.fields.push(field);
    }
    if !nameless.is_empty() {
        let message = format!(
            "{} with neither a name nor a value left out (positions {})",
            crate::findings::counted(nameless.len() as u64, "column", "columns"),
            nameless.join(", ").replace("column_", "")
        );
        findings.push(finding(Severity::Info, "empty_column", nameless.len() as u64, message));
    }
    (schema, findings)
}

fn with_fix(found: Finding, field: &Field) -> Finding {
    if found.code == "empty_column" && found.fix.is_none() {
        return found.fix(Fix::Drop { column: field.name.clone() });
    }
    found
}
