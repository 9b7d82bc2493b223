//! Tables in memory, read once per content and reading rules, and the split that goes with them.
//!
//! A dataset is what was imported: before a file is read again its hash is compared, and a file that
//! changed since is a stated error, never a silent reread.

use crate::{canonical::to_canonical, error::EngineError, jobs::JobContext};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use yard_data::{ReadOptions, Wanted, Watch};
use yard_types::{
    event::DatasetRecord,
    ids::Sha256,
    project::ProjectState,
    schema::{FieldType, Schema},
    table::Table,
};

/// Tables kept at a time.
const KEPT: usize = 3;

/// Cache of tables, most recently used last.
#[derive(Default)]
pub(crate) struct Tables {
    kept: Mutex<Vec<(Key, Arc<Table>)>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    content: Sha256,
    reading: Sha256,
}

impl Tables {
    /// Returns the table of a dataset.
    pub(crate) fn load(
        &self,
        record: &DatasetRecord,
        context: &JobContext,
    ) -> Result<Arc<Table>, EngineError> {
        let key = Key { content: record.fingerprint.sha256, reading: reading_hash(&record.schema) };
        if let Some(table) = self.find(&key) {
            return Ok(table);
        }
        let path = Path::new(&record.path);
        let images = record.schema.fields.iter().any(|field| field.field_type == FieldType::Image);
        if !images || !path.exists() {
            check_unchanged(record, None, context)?;
        }
        let wanted: Vec<Wanted> = record.schema.fields.iter().map(Wanted::from).collect();
        let options = ReadOptions { watch: Some(watch(context)), ..ReadOptions::like(&record.schema.format) };
        let table = yard_data::read_table(path, &wanted, &options).map_err(data_error)?.table;
        if table.rows() as u64 != record.profile.rows {
            return Err(EngineError::failed(format!(
                "the file gave {} rows, its import gave {}; import it again: \"{}\"",
                table.rows(),
                record.profile.rows,
                record.path
            )));
        }
        if images {
            check_unchanged(record, Some(&table), context)?;
        }
        let table = Arc::new(table);
        self.keep(key, Arc::clone(&table));
        Ok(table)
    }

    /// Keeps a table that was read for an import.
    pub(crate) fn put(&self, record: &DatasetRecord, table: Table) -> Arc<Table> {
        let key = Key { content: record.fingerprint.sha256, reading: reading_hash(&record.schema) };
        let table = Arc::new(table);
        self.keep(key, Arc::clone(&table));
        table
    }

    fn find(&self, key: &Key) -> Option<Arc<Table>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kept.iter().position(|(own, _)| own == key)?;
        let entry = kept.remove(index);
        let table = Arc::clone(&entry.1);
        kept.push(entry);
        Some(table)
    }

    fn keep(&self, key: Key, table: Arc<Table>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(own, _)| *own != key);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((key, table));
    }
}

/// Fails when the file, or an image that the table names, is not the one that was imported.
fn check_unchanged(
    record: &DatasetRecord,
    table: Option<&Table>,
    context: &JobContext,
) -> Result<(), EngineError> {
    let path = Path::new(&record.path);
    if !path.exists() {
        return Err(EngineError::failed(format!(
            "the data file is gone; expected it where it was imported from; put it back or import it \
             again: \"{}\"",
            record.path
        )));
    }
    let watch = watch(context);
    let now = match table {
        None => yard_data::fingerprint(path, Some(&watch)),
        Some(table) => yard_data::fingerprint_of(path, (table, &record.schema), Some(&watch)),
    };
    let now = now.map_err(data_error)?;
    if now == record.fingerprint {
        return Ok(());
    }
    Err(EngineError::failed(format!(
        "the data file changed since its import ({} bytes then, {} now, SHA-256 {} then, {} now); import it \
         again as a new dataset version: \"{}\"",
        record.fingerprint.bytes,
        now.bytes,
        record.fingerprint.sha256.short(),
        now.sha256.short(),
        record.path
    )))
}

/// Two schemas that read a file alike (roles don't matter) have the same hash.
fn reading_hash(schema: &Schema) -> Sha256 {
    let reading: Vec<_> =
        schema.fields.iter().map(|field| (&field.name, field.field_type, &field.rules)).collect();
    let text = serde_json::to_value(reading).map(|value| to_canonical(&value)).unwrap_or_default();
    crate::canonical::sha256(&[text.as_bytes()])
}

/// Lets a reader report to a job and be stopped by it.
pub(crate) fn watch(context: &JobContext) -> Watch {
    let context = context.clone();
    Arc::new(move |progress| {
        context.progress(progress);
        !context.cancelled()
    })
}

/// Turns a reader's error into ours; a stop by the user stays one.
pub(crate) fn data_error(error: yard_data::DataError) -> EngineError {
    match error {
        yard_data::DataError::Cancelled => EngineError::Cancelled,
        other => EngineError::failed(other),
    }
}

/// Returns the dataset of an id, or the current one.
pub(crate) fn dataset(
    state: &ProjectState,
    id: Option<yard_types::ids::DatasetId>,
) -> Result<&DatasetRecord, EngineError> {
    let found = match id {
        Some(id) => state.datasets.get(&id),
        None => state.dataset(),
    };
    found.ok_or_else(|| EngineError::refused("the project has no data; import a file first"))
}
