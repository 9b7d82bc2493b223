//! Scoring of files larger than memory: portions are read, scored on all threads, written in order.
//!
//! The scorer is the one of the server, so that a row gets the same bits here and there, in portions of
//! any size. The output appears whole, under its name, or not at all. Knows nothing of projects.

use crate::{error::EngineError, images::Seen, tables::data_error};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yard_data::{ChunkReader, OutColumn, OutKind, ReadOptions, TableWriter, Wanted};
use yard_package::Package;
use yard_score::{
    encode::{BoundTable, Rows},
    error::ScoreError,
    explain::Explainer,
    model::ScorerParts,
    predictions::Predictions,
    scorer::Scorer,
};
use yard_types::{
    event::Progress,
    profile::Finding,
    schema::{FieldType, SourceFormat},
    table::{Column, Table, TextColumn},
};

/// Rows read at a time.
const PORTION: usize = 1 << 16;
/// Rows read at a time when reasons are computed.
const REASONS_PORTION: usize = 1 << 12;

/// A model ready to score files.
pub struct Batch {
    parts: ScorerParts,
    means: Option<Vec<f32>>,
    id: Option<String>,
    /// How the file of training was read.
    format: SourceFormat,
}

/// Name of the format of the training file among the further facts of a package's lineage.
pub(crate) const FORMAT_FACT: &str = "source_format";

/// What to score, where to.
pub struct BatchJob<'a> {
    /// File to read: CSV, TSV, Parquet, NDJSON, gzip allowed.
    pub input: &'a Path,
    /// File to write; the format follows its ending.
    pub output: &'a Path,
    /// Also write what each field adds to the margin.
    pub reasons: bool,
    /// Threads.
    pub threads: usize,
    /// Is told of progress; false stops.
    pub watch: Arc<dyn Fn(Progress) -> bool + Send + Sync>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchReport {
    /// Rows scored.
    pub rows: u64,
    /// Columns written.
    pub columns: Vec<String>,
    /// Repairs of the input.
    pub findings: Vec<Finding>,
}

impl Batch {
    /// Uses a package, which is checked.
    pub fn of_package(bytes: Vec<u8>) -> Result<Self, EngineError> {
        let package = Package::read(bytes).map_err(EngineError::failed)?;
        let content = package.content;
        let format = content.lineage.more.get(FORMAT_FACT);
        let format = format.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let id = content.contract.id_field;
        Ok(Self { parts: content.parts, means: content.feature_means, id, format })
    }

    /// Uses a model. `means` are the means of its features over training rows, `format` how the file of
    /// training was read.
    pub fn of_model(parts: ScorerParts, means: Vec<f32>, id: Option<String>, format: SourceFormat) -> Self {
        Self { parts, means: Some(means), id, format }
    }

    /// Scores a file. Rows come out in the order of the input: the id if there is one, `prediction`, and
    /// for classes one `p_<class>` each; with reasons also `base` and one `reason_<field>` each, in
    /// margins of the positive or predicted class or in units of the target.
    pub fn run(&self, job: &BatchJob<'_>) -> Result<BatchReport, EngineError> {
        if yard_data::OutFormat::of(job.output).is_none() {
            return Err(EngineError::refused(format!(
                "the output must end with .csv, .ndjson, .jsonl or .parquet: \"{}\"",
                job.output.display()
            )));
        }
        let scorer = Scorer::new(&self.parts).map_err(EngineError::failed)?;
        let explainer = Explainer::new(&self.parts, self.means.as_deref()).map_err(EngineError::failed)?;
        let mut wanted: Vec<Wanted> = self.parts.recipe.inputs.iter().map(Wanted::from).collect();
        wanted.extend(self.id.iter().map(|id| Wanted::verbatim(id)));
        let portion = if job.reasons { REASONS_PORTION } else { PORTION };
        let options = ReadOptions {
            watch: Some(Arc::clone(&job.watch)),
            keep_empty_rows: true,
            ..ReadOptions::like(&self.format)
        };
        let mut reader = ChunkReader::open(job.input, &wanted, portion, &options).map_err(data_error)?;
        let temporary = temporary_beside(job.output);
        let guard = Unfinished { path: &temporary };
        let own_id = self.id.clone().or_else(|| self.path_column(job.input));
        let id = own_id
            .as_ref()
            .filter(|id| yard_data::column_names(job.input, &options).is_ok_and(|names| names.contains(id)));
        let names = Names::new(&scorer, id, job.reasons);
        let mut writer = TableWriter::create(&temporary, &names.columns).map_err(data_error)?;
        let mut rows = 0;
        let mut seen: Vec<(&str, Seen)> = self.images().map(|name| (name, Seen::default())).collect();
        while let Some(table) = reader.next_table().map_err(data_error)? {
            for (name, seen) in &mut seen {
                if let Some(Column::Text(text)) = table.column(name) {
                    seen.look(text, table.files(), &*job.watch)?;
                }
            }
            let scored = self.scored(&table, (&scorer, &explainer), job, &names)?;
            writer.write(&scored).map_err(data_error)?;
            rows += table.rows() as u64;
            let progress = Progress { phase: "scoring".into(), done: rows, total: None, unit: "rows".into() };
            if !(job.watch)(progress) {
                return Err(EngineError::Cancelled);
            }
        }
        writer.finish().map_err(data_error)?;
        let fail = |source| EngineError::Io { act: "write", path: job.output.to_owned(), source };
        std::fs::rename(&temporary, job.output).map_err(fail)?;
        std::mem::forget(guard);
        let columns = names.columns.into_iter().map(|column| column.name).collect();
        let mut findings = reader.findings();
        findings.extend(seen.iter().filter_map(|(name, seen)| seen.broken(name)));
        Ok(BatchReport { rows, columns, findings })
    }

    /// Returns the input fields that hold images.
    fn images(&self) -> impl Iterator<Item = &str> {
        let inputs = self.parts.recipe.inputs.iter();
        inputs.filter(|input| input.field_type == FieldType::Image).map(|input| input.name.as_str())
    }

    /// Returns the column that names the rows of a folder of images: their paths.
    fn path_column(&self, input: &Path) -> Option<String> {
        if input.is_dir() { self.images().next().map(str::to_owned) } else { None }
    }

    fn scored(
        &self,
        table: &Table,
        (scorer, explainer): (&Scorer, &Explainer),
        job: &BatchJob<'_>,
        names: &Names,
    ) -> Result<Table, EngineError> {
        let predictions = score_threaded(scorer, table, job.threads).map_err(EngineError::failed)?;
        let mut columns: Vec<Column> = Vec::new();
        if let Some(id) = &names.id {
            columns.push(table.column(id).cloned().unwrap_or_else(|| no_text(table.rows())));
        }
        if self.parts.classes.is_empty() {
            columns.push(Column::Number(predictions.margins.iter().copied().map(f64::from).collect()));
        } else {
            let labels = (0..predictions.rows()).map(|row| predictions.label(row));
            columns.push(Column::Text(TextColumn::from_cells(labels)));
            for class in 0..self.parts.classes.len() {
                let values = predictions.class_probabilities(class);
                columns.push(Column::Number(values.into_iter().map(f64::from).collect()));
            }
        }
        if job.reasons {
            let reasons =
                reasons(explainer, table, &predictions, job.threads).map_err(EngineError::failed)?;
            columns.extend(reasons.into_iter().map(Column::Number));
        }
        let named = names.columns.iter().map(|column| column.name.clone()).zip(columns).collect();
        Table::new(named).map_err(EngineError::failed)
    }
}

struct Names {
    id: Option<String>,
    columns: Vec<OutColumn>,
}

impl Names {
    fn new(scorer: &Scorer, id: Option<&String>, reasons: bool) -> Self {
        let mut columns = Vec::new();
        let mut add = |name: String, kind| columns.push(OutColumn { name, kind });
        if let Some(id) = id {
            add(id.clone(), OutKind::Text);
        }
        let classes = scorer.classes();
        add("prediction".to_owned(), if classes.is_empty() { OutKind::Number } else { OutKind::Text });
        for class in classes {
            add(format!("p_{class}"), OutKind::Number);
        }
        if reasons {
            add("base".to_owned(), OutKind::Number);
            for input in scorer.input_names() {
                add(format!("reason_{input}"), OutKind::Number);
            }
        }
        // An id that is called like one of ours keeps its name; ours get a mark.
        let mut seen = std::collections::BTreeSet::new();
        for column in &mut columns {
            while !seen.insert(column.name.clone()) {
                column.name.push('_');
            }
        }
        Self { id: id.cloned(), columns }
    }
}

/// Scores a table on several threads; rows do not depend on how they are divided.
pub(crate) fn score_threaded(
    scorer: &Scorer,
    table: &Table,
    threads: usize,
) -> Result<Predictions, ScoreError> {
    let bound = scorer.encoder().bind(table)?;
    let parts = in_parts(table.rows(), threads, |from, to| scorer.score_bound(&bound, Rows::Range(from, to)));
    let mut parts = parts.into_iter();
    let mut all = match parts.next() {
        Some(first) => first?,
        None => return scorer.score_bound(&bound as &BoundTable<'_>, Rows::Range(0, 0)),
    };
    for part in parts {
        all.append(part?);
    }
    Ok(all)
}

/// Returns base and contributions per field as columns.
fn reasons(
    explainer: &Explainer,
    table: &Table,
    predictions: &Predictions,
    threads: usize,
) -> Result<Vec<Vec<f64>>, ScoreError> {
    let labels = predictions.label_indices();
    let parts =
        in_parts(table.rows(), threads, |from, to| explainer.explain_rows(table, Rows::Range(from, to)));
    let width = explainer.scorer().encoder().n_inputs() + 1;
    let mut columns = vec![Vec::with_capacity(table.rows()); width];
    let mut row = 0;
    for part in parts {
        for explanation in part? {
            let output = if explanation.base.len() > 1 { labels.get(row).copied().unwrap_or(0) } else { 0 };
            columns[0].push(explanation.base.get(output).copied().unwrap_or(f64::NAN));
            for (column, value) in columns.iter_mut().skip(1).zip(explanation.of_output(output)) {
                column.push(*value);
            }
            row += 1;
        }
    }
    Ok(columns)
}

/// Divides rows into one range a thread and returns the results in row order.
fn in_parts<T: Send>(
    rows: usize,
    threads: usize,
    act: impl Fn(usize, usize) -> Result<T, ScoreError> + Sync,
) -> Vec<Result<T, ScoreError>> {
    let size = rows.div_ceil(threads.max(1)).max(1);
    let starts: Vec<usize> = (0..rows).step_by(size).collect();
    if starts.len() <= 1 {
        return starts.into_iter().map(|from| act(from, rows)).collect();
    }
    std::thread::scope(|scope| {
        let act = &act;
        let handles: Vec<_> =
            starts.into_iter().map(|from| scope.spawn(move || act(from, (from + size).min(rows)))).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn no_text(rows: usize) -> Column {
    Column::Text(TextColumn::from_cells((0..rows).map(|_| None)))
}

/// Removes a half-written file when scoring ends early.
struct Unfinished<'a> {
    path: &'a Path,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path);
    }
}

/// The ending stays last: it tells the format.
fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!(".{}.{name}", std::process::id()))
}
