//! Packages: everything that a model needs to serve, signed with the user's key, written whole.

use crate::{
    engine::Core,
    error::EngineError,
    home, images,
    jobs::{Done, JobContext},
    models::{self, Loaded},
    project::NewObject,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use yard_data::ContractInput;
use yard_metrics::sketch::{ReferenceSet, ReferenceSketch, SCORE_FIELD};
use yard_package::{Lineage, PackageContent, SigningKey, card, golden};
use yard_score::scorer::Scorer;
use yard_types::{
    command::ModelChoice,
    contract::{Contract, ContractField},
    evaluation::Evaluation,
    event::Event,
    files::Files,
    frame::{Costs, Frame, Task},
    package::PackageRecord,
    project::ProjectState,
    schema::FieldType,
    table::{Column, FieldValue, Table},
};

/// Training rows that the reference sketches and feature means are made of, at most.
const REFERENCE_ROWS: usize = 10_000;

/// A package that was built and committed.
pub(crate) struct Built {
    pub(crate) record: PackageRecord,
    pub(crate) bytes: Vec<u8>,
}

/// Builds a package and prints what `package` prints.
pub(crate) fn package(
    core: &Core,
    context: &JobContext,
    choice: ModelChoice,
    out: Option<&str>,
) -> Result<Done, EngineError> {
    let built = build(core, context, choice, out)?;
    let record = &built.record;
    let result = json!({
        "package": record.path, "model": record.model, "name": record.name, "version": record.version,
        "sha256": record.sha256, "bytes": record.bytes, "signed_by": record.signed_by, "checks": record.checks,
    });
    let message =
        format!("{} version {}: {} bytes in \"{}\"", record.name, record.version, record.bytes, record.path);
    Ok(Done::new(message, result))
}

/// Builds, verifies, writes and commits a package.
pub(crate) fn build(
    core: &Core,
    context: &JobContext,
    choice: ModelChoice,
    out: Option<&str>,
) -> Result<Built, EngineError> {
    let model = models::load(core, context, choice)?;
    context.phase("packaging");
    let bytes = bytes_of(core, &model)?;
    let package = yard_package::Package::read(bytes.clone()).map_err(EngineError::failed)?;
    let report = yard_package::verify::verify_package(&package);
    if !report.ok {
        let failed = report.claims.iter().find(|claim| !claim.ok);
        let what = failed.map_or_else(String::new, |claim| format!("{}: {}", claim.name, claim.detail));
        return Err(EngineError::failed(format!(
            "the package does not verify ({what}); nothing was written"
        )));
    }
    context.check()?;
    let path = match out {
        Some(out) => std::path::absolute(out).map_err(EngineError::failed)?,
        None => beside(core.project().path(), package.name(), package.version()),
    };
    write_whole(&path, &bytes)?;
    let record = PackageRecord {
        model: model.record.id,
        name: package.name().to_owned(),
        version: package.version(),
        sha256: package.sha256,
        bytes: bytes.len() as u64,
        path: path.to_string_lossy().into_owned(),
        entries: package.manifest.entries.clone(),
        checks: report.claims,
        card: package.content.card.clone(),
        signed_by: package.signed_by.clone(),
    };
    let event = Event::PackageBuilt { package: Box::new(record.clone()) };
    core.commit(context.command, &[NewObject::new("package", bytes.clone())], vec![event])?;
    Ok(Built { record, bytes })
}

/// Makes the bytes of a package.
pub(crate) fn bytes_of(core: &Core, model: &Loaded) -> Result<Vec<u8>, EngineError> {
    let content = content(core, model)?;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)
        .map_err(|error| EngineError::failed(format!("no random numbers for a key: {error}")))?;
    let key = SigningKey::load_or_create(&core.options.home.folder("keys")?, random)
        .map_err(EngineError::failed)?;
    yard_package::write(&content, Some(&key)).map_err(EngineError::failed)
}

fn content(core: &Core, model: &Loaded) -> Result<PackageContent, EngineError> {
    let state = core.state();
    let frame = served_frame(&state, model);
    let scorer = models::scorer(&model.parts)?;
    let mut contract = yard_data::contract(&ContractInput {
        name: &state.name,
        table: &model.table,
        rows: &model.split.train,
        schema: &model.dataset.schema,
        frame: &model.frame,
        recipe: &model.parts.recipe,
    });
    images::set_examples(&mut contract, &model.table, &model.split.train);
    let reference_rows = thinned(&model.split.train);
    let held_out = if model.split.test.is_empty() { &model.split.validation } else { &model.split.test };
    let sample = sample(&contract, &model.table, held_out)?;
    let threshold = (frame.task == Task::Binary).then(|| frame.threshold());
    let evaluations: Vec<Evaluation> = ["test", "validation"]
        .into_iter()
        .filter_map(|part| state.evaluation(model.record.id, part).cloned())
        .collect();
    let lineage = lineage(&state, model);
    let version = model.record.id.0;
    let facts = card::CardFacts {
        contract: &contract,
        frame: &frame,
        evaluations: &evaluations,
        lineage: &lineage,
        version,
        model_sha256: model.record.model_sha256,
    };
    Ok(PackageContent {
        version,
        written_by: format!("modelyard {}", env!("CARGO_PKG_VERSION")),
        golden: golden::make(&scorer, &contract, &sample, threshold).map_err(EngineError::failed)?,
        reference: reference(&scorer, &contract, &model.table, &reference_rows)?,
        feature_means: Some(models::feature_means(model)?),
        card: card::render(&facts),
        parts: model.parts.clone(),
        contract,
        frame,
        evaluations,
        lineage,
    })
}

/// Returns rows that golden examples are made of. Images stand in them as in requests, so there are few.
fn sample(contract: &Contract, table: &Table, rows: &[u32]) -> Result<Table, EngineError> {
    if !images::any(contract) {
        return Ok(table.take(&thinned(rows)));
    }
    let count = rows.len().min(golden::MIN_EXAMPLES);
    let few: Vec<u32> = (0..count).filter_map(|at| rows.get(at * rows.len() / count).copied()).collect();
    images::inline(&table.take(&few), &images::names(contract))
}

/// Returns the frame as served: a threshold set by hand is carried by the cost of a false positive, since
/// server, card and golden examples all read the threshold from the costs.
fn served_frame(state: &ProjectState, model: &Loaded) -> Frame {
    let mut frame = model.frame.clone();
    if let Some(threshold) = state.thresholds.get(&model.record.id) {
        let miss = frame.costs_or_default().false_negative.max(f64::MIN_POSITIVE);
        let p = threshold.clamp(1e-9, 1.0 - 1e-9);
        frame.costs =
            Some(Costs { false_positive: miss * p / (1.0 - p), false_negative: miss, ..Costs::default() });
        frame.decision = format!("{} (threshold {threshold} set by hand)", frame.decision);
    }
    frame
}

fn reference(
    scorer: &Scorer,
    contract: &Contract,
    table: &Table,
    rows: &[u32],
) -> Result<ReferenceSet, EngineError> {
    let sample = table.take(rows);
    let mut fields = Vec::new();
    for field in &contract.fields {
        if let Some(column) = sample.column(&field.name) {
            fields.push(field_sketch(field, column, sample.files()));
        }
    }
    let scores = scorer.score_table(&sample).map_err(EngineError::failed)?;
    let score = match contract.task {
        Task::Regression => {
            let values: Vec<f64> = scores.margins.iter().map(|value| f64::from(*value)).collect();
            ReferenceSketch::from_values(SCORE_FIELD, &values)
        }
        Task::Binary => {
            let values: Vec<f64> = scores.class_probabilities(1).into_iter().map(f64::from).collect();
            ReferenceSketch::from_values(SCORE_FIELD, &values)
        }
        Task::Multiclass => {
            ReferenceSketch::from_categories(SCORE_FIELD, (0..scores.rows()).map(|row| scores.label(row)))
        }
    };
    Ok(ReferenceSet { rows: sample.rows() as u64, fields, score })
}

/// Numbers and points in time are counted in quantile bins, booleans and words by value, free text by its
/// characters, images by the bytes of their files.
fn field_sketch(field: &ContractField, column: &Column, files: Option<&Files>) -> ReferenceSketch {
    if let (FieldType::Image, Column::Text(text)) = (field.field_type, column) {
        return ReferenceSketch::from_values(&field.name, &images::sizes(text, files));
    }
    let rows = 0..column.len();
    if field.field_type == FieldType::Text && field.categories.is_empty() {
        let characters = |row: usize| match column.value(row) {
            FieldValue::Text(text) => text.trim().chars().count() as f64,
            _ => f64::NAN,
        };
        return ReferenceSketch::from_values(&field.name, &rows.map(characters).collect::<Vec<_>>());
    }
    let words = matches!(field.field_type, FieldType::Boolean | FieldType::Category | FieldType::Text);
    if words {
        let word = |row: usize| match column.value(row) {
            FieldValue::Text(text) => Some(text),
            FieldValue::Number(number) => Some(if number == 0.0 { "false" } else { "true" }),
            _ => None,
        };
        return ReferenceSketch::from_categories(&field.name, rows.map(word));
    }
    let number = |row: usize| match column.value(row) {
        FieldValue::Number(number) => number,
        FieldValue::Instant(micros) => micros as f64,
        _ => f64::NAN,
    };
    ReferenceSketch::from_values(&field.name, &rows.map(number).collect::<Vec<_>>())
}

/// Returns at most [`REFERENCE_ROWS`] rows, evenly spread.
pub(crate) fn thinned(rows: &[u32]) -> Vec<u32> {
    if rows.len() <= REFERENCE_ROWS {
        return rows.to_vec();
    }
    (0..REFERENCE_ROWS).filter_map(|at| rows.get(at * rows.len() / REFERENCE_ROWS).copied()).collect()
}

fn lineage(state: &ProjectState, model: &Loaded) -> Lineage {
    let run = state.runs.get(&model.record.run);
    let counts = model.split.counts();
    Lineage {
        project: state.name.clone(),
        dataset: model.dataset.name.clone(),
        fingerprint: model.dataset.fingerprint.sha256.to_hex(),
        rows: model.dataset.profile.rows,
        split: format!("{} train, {} validation, {} test rows", counts.train, counts.validation, counts.test),
        run: run.map_or_else(|| yard_types::run::RunSpec::new(model.record.family), |run| run.spec.clone()),
        params: model.record.params.clone(),
        device: model.record.device.clone(),
        trained_at: run.map(|run| run.started_at.clone()).unwrap_or_default(),
        recipe: model.record.recipe_lines.clone(),
        more: serde_json::to_string(&model.dataset.schema.format)
            .map(|json| (crate::batch::FORMAT_FACT.to_owned(), json))
            .into_iter()
            .collect(),
    }
}

fn beside(project: &Path, name: &str, version: u64) -> PathBuf {
    project.with_file_name(format!("{name}-v{version}.modelpack"))
}

/// Writes a file whole or not at all, synced, replacing an older one only by the rename.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    if path.is_dir() {
        return Err(EngineError::refused(format!(
            "expected a file name, found a folder: \"{}\"",
            path.display()
        )));
    }
    home::write_atomic(path, bytes, home::SHARED)
}
