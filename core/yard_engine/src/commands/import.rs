//! Import: a data file becomes a dataset with schema, profile and split; and what follows from it when a
//! role, a type, the frame or the split is changed.

use super::evaluate;
use crate::{
    engine::Core,
    error::EngineError,
    images,
    jobs::{Done, JobContext},
    models, tables,
};
use std::path::Path;
use yard_data::{Dataset, ReadOptions};
use yard_types::{
    command::NewProject,
    event::{DatasetRecord, Event, Notice},
    frame::{Frame, Task},
    ids::DatasetId,
    metric,
    profile::{Finding, Profile},
    run::ModelRecord,
    schema::{Field, FieldType, Role, Schema},
    split::{Split, SplitSpec},
    table::Table,
};

/// Imports a file as the next dataset and sets frame, roles and split, all in one commit.
pub(crate) fn import(core: &Core, context: &JobContext, options: &NewProject) -> Result<Done, EngineError> {
    let path = std::path::absolute(&options.data).map_err(EngineError::failed)?;
    context.phase("reading");
    let read = ReadOptions { watch: Some(tables::watch(context)), ..ReadOptions::default() };
    let mut opened = yard_data::open(&path, &read).map_err(tables::data_error)?;
    context.check()?;
    context.phase("profiling");
    let framed = yard_data::infer_frame(&mut opened, options).map_err(tables::data_error)?;
    let frame = framed.as_ref().map(|framed| &framed.frame);
    let mut profile = yard_data::profile(&opened, frame);
    images::inspect((&opened.table, &opened.schema), &mut profile, read.watch.as_ref())?;
    let id = next_dataset(core);
    let record = record_of(id, &path, &opened, profile);
    let mut events = vec![Event::DatasetImported { dataset: Box::new(record.clone()) }];
    let mut notes = Vec::new();
    if let Some(framed) = framed {
        let (split, made) = split_rows(&opened.table, &record.schema, &framed.frame, &framed.split)?;
        notes = framed.notes;
        notes.extend(made);
        let counts = split.counts();
        events.push(Event::FrameSet { frame: Box::new(framed.frame) });
        events.push(Event::SplitSet { dataset: id, spec: framed.split, counts, notes: notes.clone() });
    }
    context.check()?;
    core.commit(context.command, &[], events)?;
    core.tables.put(&record, opened.table);
    let mut result = serde_json::to_value(&record.profile).map_err(EngineError::failed)?;
    result["dataset"] = serde_json::json!(id);
    result["notes"] = serde_json::json!(notes);
    let message = format!(
        "{}: {} rows, {} columns, {} findings",
        record.name,
        record.profile.rows,
        record.profile.columns.len(),
        record.profile.findings.len()
    );
    Ok(Done::new(message, result))
}

fn record_of(id: DatasetId, path: &Path, opened: &Dataset, profile: Profile) -> DatasetRecord {
    DatasetRecord {
        id,
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.to_string_lossy().into_owned(),
        fingerprint: opened.fingerprint.clone(),
        schema: opened.schema.clone(),
        profile,
    }
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
    let read = evaluate::read_like(context, &old.schema, (&path.to_string_lossy(), &frame.target))?;
    let present = |field: &&Field| read.table.column(&field.name).is_some();
    let fields = old.schema.fields.iter().filter(present).cloned().collect();
    let schema = Schema { fields, format: read.format };
    let fingerprint = yard_data::fingerprint_of(&path, (&read.table, &schema), Some(&watch));
    let fingerprint = fingerprint.map_err(tables::data_error)?;
    let opened = Dataset { table: read.table, schema, findings: read.findings, fingerprint };
    let mut profile = yard_data::profile(&opened, Some(&frame));
    images::inspect((&opened.table, &opened.schema), &mut profile, Some(&watch))?;
    let record = record_of(next_dataset(core), &path, &opened, profile);
    let made = state.splits.get(&old.id).map(|split| split.spec.clone());
    let spec = made.unwrap_or_else(|| split_spec(&record.schema, &frame, 0));
    let (split, notes) = split_rows(&opened.table, &record.schema, &frame, &spec)?;
    let events = vec![
        Event::DatasetImported { dataset: Box::new(record.clone()) },
        Event::SplitSet { dataset: record.id, spec, counts: split.counts(), notes },
    ];
    core.commit(context.command, &[], events)?;
    core.tables.put(&record, opened.table);
    Ok(record.id)
}

fn next_dataset(core: &Core) -> DatasetId {
    DatasetId(core.state().datasets.keys().next_back().map_or(0, |last| last.0) + 1)
}

/// Returns the split that the roles ask for.
fn split_spec(schema: &Schema, frame: &Frame, seed: u64) -> SplitSpec {
    let name = |role| schema.with_role(role).map(|field| field.name.clone());
    let (group, time, column) = (name(Role::Group), name(Role::Time), name(Role::Split));
    SplitSpec { seed, stratify: frame.task.is_classification(), group, time, column, ..SplitSpec::default() }
}

/// Divides the rows; the same table, frame and specification give the same split.
pub(crate) fn split_rows(
    table: &Table,
    schema: &Schema,
    frame: &Frame,
    spec: &SplitSpec,
) -> Result<(Split, Vec<String>), EngineError> {
    yard_data::split(table, schema, frame, spec).map_err(tables::data_error)
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

/// Sets the frame. With another target or positive class, what the frame says of the target is completed
/// from the data, and profile and split are made again.
pub(crate) fn set_frame(core: &Core, context: &JobContext, frame: &Frame) -> Result<Done, EngineError> {
    let state = core.state();
    let mut frame = frame.clone();
    let mut events = Vec::new();
    if let Some(record) = state.dataset() {
        let question = |frame: &Frame| (frame.target.clone(), frame.task, frame.positive.clone());
        let asked_anew = state.frame.as_ref().map(question) != Some(question(&frame));
        if asked_anew || !state.splits.contains_key(&record.id) {
            let seed = state.splits.get(&record.id).map_or(0, |split| split.spec.seed);
            events = reframed(core, context, record, (&mut frame, seed))?;
        }
    }
    events.insert(0, Event::FrameSet { frame: Box::new(frame.clone()) });
    core.commit(context.command, &[], events)?;
    let result = serde_json::to_value(&frame).map_err(EngineError::failed)?;
    Ok(Done::new(format!("The question: {}", frame.target), result))
}

fn reframed(
    core: &Core,
    context: &JobContext,
    record: &DatasetRecord,
    (frame, seed): (&mut Frame, u64),
) -> Result<Vec<Event>, EngineError> {
    let mut opened = dataset_of(core, context, record)?;
    for field in &mut opened.schema.fields {
        if field.role == Role::Target {
            field.role = Role::Feature;
        }
    }
    let facts = NewProject {
        target: Some(frame.target.clone()),
        task: Some(if frame.task == Task::Regression { Task::Regression } else { Task::Binary }),
        positive: frame.positive.clone(),
        ..NewProject::default()
    };
    let inferred = yard_data::infer_frame(&mut opened, &facts).map_err(tables::data_error)?;
    let mut notes = Vec::new();
    if let Some(inferred) = inferred {
        notes = inferred.notes;
        if !metric::fits(&frame.metric, inferred.frame.task) {
            frame.metric = inferred.frame.metric;
        }
        frame.floors.retain(|floor| metric::fits(&floor.metric, inferred.frame.task));
        frame.costs = frame.costs.filter(|_| inferred.frame.task == Task::Binary);
        frame.task = inferred.frame.task;
        frame.classes = inferred.frame.classes;
        frame.positive = inferred.frame.positive;
    }
    let spec = split_spec(&opened.schema, frame, seed);
    let (split, made) = split_rows(&opened.table, &opened.schema, frame, &spec)?;
    notes.extend(made);
    let mut profile = yard_data::profile(&opened, Some(frame));
    images::inspect((&opened.table, &opened.schema), &mut profile, None)?;
    let dataset = DatasetRecord { schema: opened.schema, profile, ..record.clone() };
    Ok(vec![
        Event::DatasetImported { dataset: Box::new(dataset) },
        Event::SplitSet { dataset: record.id, spec, counts: split.counts(), notes },
    ])
}

/// Returns an imported dataset in the form of the data crate. Findings are those of reading alone: the
/// profile finds its own again.
fn dataset_of(core: &Core, context: &JobContext, record: &DatasetRecord) -> Result<Dataset, EngineError> {
    let table = core.tables.load(record, context)?;
    let of_profile = yard_data::profile(
        &Dataset {
            table: (*table).clone(),
            schema: record.schema.clone(),
            findings: Vec::new(),
            fingerprint: record.fingerprint.clone(),
        },
        core.state().frame.as_ref(),
    );
    let of_images = |own: &&Finding| matches!(own.code.as_str(), "images" | "broken_images");
    let read = record.profile.findings.iter();
    let read = read.filter(|own| !of_profile.findings.contains(own) && !of_images(own));
    Ok(Dataset {
        findings: read.cloned().collect(),
        table: (*table).clone(),
        schema: record.schema.clone(),
        fingerprint: record.fingerprint.clone(),
    })
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
    let mut opened = dataset_of(core, context, old)?;
    opened.findings.retain(|finding| finding.column.as_deref() != Some(column));
    for field in &mut opened.schema.fields {
        if field.name == column {
            field.field_type = field_type;
        }
    }
    let mut record = DatasetRecord { schema: opened.schema.clone(), ..old.clone() };
    opened.table = (*core.tables.load(&record, context)?).clone();
    record.profile = yard_data::profile(&opened, state.frame.as_ref());
    images::inspect((&opened.table, &opened.schema), &mut record.profile, None)?;
    let filled = |profile: &Profile| {
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

/// Profiles a file without a project.
pub fn profile_file(path: &Path, target: Option<&str>) -> Result<Profile, EngineError> {
    let mut opened = yard_data::open(path, &ReadOptions::default()).map_err(tables::data_error)?;
    let facts = NewProject { target: target.map(str::to_owned), ..NewProject::default() };
    let framed = yard_data::infer_frame(&mut opened, &facts).map_err(tables::data_error)?;
    let mut profile = yard_data::profile(&opened, framed.as_ref().map(|framed| &framed.frame));
    images::inspect((&opened.table, &opened.schema), &mut profile, None)?;
    Ok(profile)
}
