//! Import: a data file becomes a dataset with schema, profile and split; and what follows from it when a
//! role, a type, the frame or the split is changed.

use super::adapter;
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models, tables,
};
use std::path::Path;
use yard_data::ReadOptions;
use yard_types::{
    command::NewProject,
    event::{DatasetRecord, Event, Notice},
    frame::Frame,
    ids::DatasetId,
    profile::{Finding, Severity},
    run::ModelRecord,
    schema::{FieldType, Role, Schema},
    split::{Split, SplitSpec},
    table::{FieldValue, Table},
};

/// Imports a file as the next dataset and sets frame, roles and split, all in one commit.
pub(crate) fn import(core: &Core, context: &JobContext, options: &NewProject) -> Result<Done, EngineError> {
    let path = std::path::absolute(&options.data).map_err(EngineError::failed)?;
    context.phase("reading");
    let read = ReadOptions { watch: Some(tables::watch(context)), ..ReadOptions::default() };
    let opened = yard_data::open(&path, &read).map_err(tables::data_error)?;
    context.check()?;
    context.phase("profiling");
    let planned = adapter::plan(&opened, options).map_err(tables::data_error)?;
    let mut profile = adapter::profile(&opened.table, &planned.schema, planned.frame.as_ref());
    profile.findings.splice(0..0, opened.findings.iter().chain(&planned.findings).cloned());
    sort_findings(&mut profile.findings);
    let id = next_dataset(core);
    let record = DatasetRecord {
        id,
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.to_string_lossy().into_owned(),
        fingerprint: opened.fingerprint,
        schema: planned.schema,
        profile,
    };
    let mut events = vec![Event::DatasetImported { dataset: Box::new(record.clone()) }];
    if let Some(frame) = planned.frame {
        let spec = split_spec(&record.schema, &frame, options.seed);
        let (split, notes) = split_rows(&opened.table, &record.schema, &frame, &spec)?;
        events.push(Event::FrameSet { frame: Box::new(frame) });
        events.push(Event::SplitSet { dataset: id, spec, counts: split.counts(), notes });
    }
    context.check()?;
    core.commit(context.command, &[], events)?;
    core.tables.put(&record, opened.table);
    let result = serde_json::to_value(&record.profile).map_err(EngineError::failed)?;
    let message = format!(
        "{}: {} rows, {} columns, {} findings",
        record.name,
        record.profile.rows,
        record.profile.columns.len(),
        record.profile.findings.len()
    );
    Ok(Done::new(message, result))
}

/// Imports fresh data by the schema of the champion's dataset: the same fields, types and roles.
pub(crate) fn fresh(
    core: &Core,
    context: &JobContext,
    champion: &ModelRecord,
    data: &str,
) -> Result<DatasetId, EngineError> {
    let state = core.state();
    let old = tables::dataset(&state, Some(champion.dataset))?;
    let frame = models::frame(&state)?;
    let path = std::path::absolute(data).map_err(EngineError::failed)?;
    let watch = tables::watch(context);
    let fingerprint = yard_data::fingerprint(&path, Some(&watch)).map_err(tables::data_error)?;
    let table = super::evaluate::read_like(context, &old.schema, (&path.to_string_lossy(), &frame.target))?;
    let fields = old.schema.fields.iter().filter(|field| table.column(&field.name).is_some()).cloned();
    let schema = Schema { fields: fields.collect(), format: old.schema.format.clone() };
    let profile = adapter::profile(&table, &schema, Some(&frame));
    let record = DatasetRecord {
        id: next_dataset(core),
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.to_string_lossy().into_owned(),
        fingerprint,
        schema,
        profile,
    };
    let made = state.splits.get(&old.id).map(|split| split.spec.clone());
    let spec = made.unwrap_or_else(|| split_spec(&record.schema, &frame, 0));
    let (split, notes) = split_rows(&table, &record.schema, &frame, &spec)?;
    let events = vec![
        Event::DatasetImported { dataset: Box::new(record.clone()) },
        Event::SplitSet { dataset: record.id, spec, counts: split.counts(), notes },
    ];
    core.commit(context.command, &[], events)?;
    core.tables.put(&record, table);
    Ok(record.id)
}

fn next_dataset(core: &Core) -> DatasetId {
    DatasetId(core.state().datasets.keys().next_back().map_or(0, |last| last.0) + 1)
}

/// Returns the split that the roles ask for.
fn split_spec(schema: &Schema, frame: &Frame, seed: u64) -> SplitSpec {
    let name = |role| schema.with_role(role).map(|field| field.name.clone());
    let (group, time, column) = (name(Role::Group), name(Role::Time), name(Role::Split));
    let plain = group.is_none() && time.is_none() && column.is_none();
    SplitSpec {
        seed,
        stratify: plain && frame.task.is_classification(),
        group,
        time,
        column,
        ..SplitSpec::default()
    }
}

/// Divides the rows; the same table, frame and specification give the same split.
pub(crate) fn split_rows(
    table: &Table,
    schema: &Schema,
    frame: &Frame,
    spec: &SplitSpec,
) -> Result<(Split, Vec<String>), EngineError> {
    adapter::split(table, schema, frame, spec).map_err(tables::data_error)
}

/// Makes the split of a dataset.
pub(crate) fn set_split(
    core: &Core,
    context: &JobContext,
    dataset: DatasetId,
    spec: &SplitSpec,
) -> Result<Done, EngineError> {
    let state = core.state();
    let record = tables::dataset(&state, Some(dataset))?;
    let table = core.tables.load(record, context)?;
    let frame = models::frame(&state)?;
    let (split, notes) = split_rows(&table, &record.schema, &frame, spec)?;
    let counts = split.counts();
    let result = serde_json::json!({"counts": counts, "notes": notes});
    let event = Event::SplitSet { dataset, spec: spec.clone(), counts, notes };
    core.commit(context.command, &[], vec![event])?;
    let message =
        format!("{} train, {} validation, {} test rows", counts.train, counts.validation, counts.test);
    Ok(Done::new(message, result))
}

/// Sets the frame; a dataset whose split is missing or follows another target is split again, and its
/// profile is made again for the new target.
pub(crate) fn set_frame(core: &Core, context: &JobContext, frame: &Frame) -> Result<Done, EngineError> {
    let state = core.state();
    let mut frame = frame.clone();
    let mut events = Vec::new();
    if let Some(record) = state.dataset() {
        let table = core.tables.load(record, context)?;
        let mut schema = record.schema.clone();
        let new_target = state.frame.as_ref().is_none_or(|old| {
            (&old.target, old.task, &old.positive) != (&frame.target, frame.task, &frame.positive)
        });
        if new_target {
            frame = adapter::complete(&table, &schema, &frame).map_err(tables::data_error)?;
            for field in &mut schema.fields {
                if field.name == frame.target {
                    field.role = Role::Target;
                } else if field.role == Role::Target {
                    field.role = Role::Feature;
                }
            }
            let profile = adapter::profile(&table, &schema, Some(&frame));
            events.push(Event::DatasetImported {
                dataset: Box::new(DatasetRecord { schema: schema.clone(), profile, ..record.clone() }),
            });
        }
        if new_target || !state.splits.contains_key(&record.id) {
            let seed = state.splits.get(&record.id).map_or(0, |split| split.spec.seed);
            let spec = split_spec(&schema, &frame, seed);
            let (split, notes) = split_rows(&table, &schema, &frame, &spec)?;
            events.push(Event::SplitSet { dataset: record.id, spec, counts: split.counts(), notes });
        }
    }
    events.insert(0, Event::FrameSet { frame: Box::new(frame.clone()) });
    core.commit(context.command, &[], events)?;
    let result = serde_json::to_value(&frame).map_err(EngineError::failed)?;
    Ok(Done::new(format!("The question: {}", frame.target), result))
}

/// Sets the role of a column; a role that the split follows makes the split again.
pub(crate) fn set_role(
    core: &Core,
    context: &JobContext,
    dataset: DatasetId,
    (column, role): (&str, Role),
) -> Result<Done, EngineError> {
    let state = core.state();
    let record = tables::dataset(&state, Some(dataset))?;
    let mut schema = record.schema.clone();
    let is_target = |role| role == Role::Target;
    let before = schema.field(column).map_or(Role::Feature, |field| field.role);
    if is_target(role) || is_target(before) {
        return Err(EngineError::refused(format!(
            "column \"{column}\" can't become or cease to be the target here; set the target in the frame"
        )));
    }
    let single = matches!(role, Role::Id | Role::Time | Role::Group | Role::Weight | Role::Split);
    for field in &mut schema.fields {
        if field.name == column {
            field.role = role;
        } else if single && field.role == role {
            field.role = Role::Feature;
        }
    }
    let mut events = vec![Event::SchemaSet { dataset, schema: Box::new(schema.clone()) }];
    let splits = |role| matches!(role, Role::Time | Role::Group | Role::Split);
    if let Some(frame) = state.frame.as_ref().filter(|_| splits(role) || splits(before)) {
        let table = core.tables.load(record, context)?;
        let seed = state.splits.get(&dataset).map_or(0, |split| split.spec.seed);
        let spec = split_spec(&schema, frame, seed);
        let (split, notes) = split_rows(&table, &schema, frame, &spec)?;
        events.push(Event::SplitSet { dataset, spec, counts: split.counts(), notes });
    }
    core.commit(context.command, &[], events)?;
    let word = serde_json::to_value(role).map_err(EngineError::failed)?;
    Ok(Done::new(format!("{column} is now {}", word.as_str().unwrap_or_default()), word))
}

/// Reads a column as another type and profiles the data again.
pub(crate) fn set_type(
    core: &Core,
    context: &JobContext,
    dataset: DatasetId,
    (column, field_type): (&str, FieldType),
) -> Result<Done, EngineError> {
    let state = core.state();
    let old = tables::dataset(&state, Some(dataset))?;
    if state.frame.as_ref().is_some_and(|frame| frame.target == column) {
        return Err(EngineError::refused(format!(
            "\"{column}\" is the target; choose its task in the frame instead of its type"
        )));
    }
    let mut record = old.clone();
    for field in &mut record.schema.fields {
        if field.name == column {
            field.field_type = field_type;
        }
    }
    let table = core.tables.load(&record, context)?;
    record.profile = adapter::profile(&table, &record.schema, state.frame.as_ref());
    let kept = old.profile.findings.iter().filter(|own| own.column.is_none()).cloned();
    let fresh: Vec<Finding> = record.profile.findings.drain(..).collect();
    record.profile.findings = kept.filter(|own| !fresh.contains(own)).chain(fresh.iter().cloned()).collect();
    sort_findings(&mut record.profile.findings);
    let filled = |profile: &yard_types::profile::Profile| {
        profile.columns.iter().find(|own| own.name == column).map_or(0, |own| profile.rows - own.missing)
    };
    let (before, after) = (filled(&old.profile), filled(&record.profile));
    if after < before {
        let message = format!(
            "{} of {before} values of \"{column}\" can't be read as {} and are now missing",
            before - after,
            field_type.word()
        );
        context.notice(Notice::Warning { message });
    }
    let result = serde_json::to_value(&record.profile).map_err(EngineError::failed)?;
    let events = vec![Event::DatasetImported { dataset: Box::new(record) }];
    core.commit(context.command, &[], events)?;
    Ok(Done::new(format!("{column} is now read as {}", field_type.word()), result))
}

fn sort_findings(findings: &mut [Finding]) {
    let rank = |finding: &Finding| match finding.severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    };
    findings.sort_by_key(rank);
}

/// Returns the class of a target cell, `None` when missing or unknown. Numbers and booleans match the
/// class that reads the same.
pub(crate) fn class_code(value: FieldValue<'_>, classes: &[String]) -> Option<usize> {
    match value {
        FieldValue::Missing => None,
        FieldValue::Text(text) => {
            let text = text.trim();
            classes.iter().position(|class| class == text)
        }
        FieldValue::Number(number) => {
            let word = format!("{}", number + 0.0);
            let truth = if number == 1.0 { "true" } else { "false" };
            classes.iter().position(|class| *class == word).or_else(|| {
                let boolean = number == 0.0 || number == 1.0;
                classes.iter().position(|class| boolean && class.eq_ignore_ascii_case(truth))
            })
        }
        FieldValue::Instant(micros) => {
            let text = yard_types::date::format_iso(micros);
            classes.iter().position(|class| *class == text)
        }
    }
}

/// Profiles a file without a project.
pub fn profile_file(path: &Path, target: Option<&str>) -> Result<yard_types::profile::Profile, EngineError> {
    let opened = yard_data::open(path, &ReadOptions::default()).map_err(tables::data_error)?;
    let options = NewProject {
        data: path.to_string_lossy().into_owned(),
        target: target.map(str::to_owned),
        ..NewProject::default()
    };
    let planned = adapter::plan(&opened, &options).map_err(tables::data_error)?;
    let mut profile = adapter::profile(&opened.table, &planned.schema, planned.frame.as_ref());
    profile.findings.splice(0..0, opened.findings.into_iter().chain(planned.findings));
    sort_findings(&mut profile.findings);
    Ok(profile)
}
