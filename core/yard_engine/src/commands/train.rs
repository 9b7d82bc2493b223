//! Training: a run becomes a model with its evaluations, all committed at once, or nothing.

use super::{
    evaluate,
    resume::{self, Interrupted},
};
use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models,
    project::NewObject,
};
use serde_json::json;
use std::sync::Arc;
use yard_score::{
    model::ScorerParts,
    scorecard::{self, Scorecard, ScorecardLine, ScorecardRow},
};
use yard_train::{Context, Observer, TrainError, TrainInput, TrainOutput};
use yard_types::{
    command::ModelChoice,
    evaluation::Evaluation,
    event::{DatasetRecord, Event, Notice, Progress},
    frame::Frame,
    ids::{DatasetId, ModelId, RunId},
    run::{BinPoints, FeaturePoints, ModelRecord, Points, RunSpec, TrainPoint, Trial},
    split::Split,
    table::Table,
};

/// Below so many training and validation rows together a kept model is refitted on both.
const REFIT_ROWS: usize = 20_000;

/// Passes a learner's news on to the job.
pub(crate) struct JobObserver<'a> {
    pub(crate) core: &'a Core,
    pub(crate) context: &'a JobContext,
    pub(crate) run: Option<RunId>,
}

impl Observer for JobObserver<'_> {
    fn progress(&self, progress: Progress) {
        self.context.progress(progress);
    }

    fn point(&self, point: TrainPoint) {
        if let Some(run) = self.run {
            self.context.notice(Notice::TrainingPoint { run, point });
        }
    }

    fn trial(&self, index: u32, trial: &Trial, saved: &[u8]) {
        let Some(run) = self.run else { return };
        if self.core.state().runs.get(&run).is_some_and(|own| own.trials.len() > index as usize) {
            // Told before the run was stopped.
            return;
        }
        let mut trial = trial.clone();
        evaluate::defined_only(&mut trial.validation);
        let object = NewObject::new("trial", saved.to_vec());
        let event = Event::TrialFinished { run, index, trial: Box::new(trial), saved: Some(object.sha256()) };
        // The run's last event lists all trials, so a search goes on when this one can't be stored.
        if let Err(error) = self.core.commit(self.context.command, &[object], vec![event]) {
            let message = format!("trial {} of run {run} is not in the log yet: {error}", index + 1);
            self.context.notice(Notice::Warning { message });
        }
    }

    fn warning(&self, message: &str) {
        self.context.notice(Notice::Warning { message: message.to_owned() });
    }

    fn cancelled(&self) -> bool {
        self.context.cancelled()
    }
}

/// The data of a run.
pub(crate) struct RunData {
    pub(crate) dataset: DatasetRecord,
    pub(crate) table: Arc<Table>,
    pub(crate) split: Split,
    pub(crate) frame: Frame,
}

impl RunData {
    /// Loads a dataset, the current one without an id.
    pub(crate) fn load(
        core: &Core,
        context: &JobContext,
        id: Option<DatasetId>,
    ) -> Result<Self, EngineError> {
        let state = core.state();
        let (dataset, table, split) = models::data(core, context, &state, id)?;
        Ok(Self { dataset, table, split, frame: models::frame(&state)? })
    }

    fn input(&self) -> TrainInput<'_> {
        TrainInput {
            table: &self.table,
            schema: &self.dataset.schema,
            frame: &self.frame,
            split: &self.split,
        }
    }
}

/// States the end of a run that leaves this function in any other way than by its result (a panic).
struct OpenRun<'a> {
    core: &'a Core,
    context: &'a JobContext,
    run: RunId,
    open: bool,
}

impl OpenRun<'_> {
    fn end(&mut self, events: Vec<Event>) -> Result<(), EngineError> {
        self.open = false;
        self.core.commit(self.context.command, &[], events).map(drop)
    }
}

impl Drop for OpenRun<'_> {
    fn drop(&mut self) {
        if self.open {
            let message = "the run stopped on an error in the program".to_owned();
            // Nothing is left to tell it to if this fails too: the next opening closes the run.
            let _ = self.end(vec![Event::RunFailed { run: self.run, message }]);
        }
    }
}

/// Trains a run on the current dataset.
pub(crate) fn start(core: &Core, context: &JobContext, spec: &RunSpec) -> Result<Done, EngineError> {
    let data = RunData::load(core, context, None)?;
    Ok(done(core, run(core, context, spec, &data)?, &data))
}

/// Trains a stopped run again, from its checkpoint if there is one.
pub(crate) fn again(
    core: &Core,
    context: &JobContext,
    run: RunId,
    spec: &RunSpec,
) -> Result<Done, EngineError> {
    let dataset = core.state().runs.get(&run).map(|record| record.dataset);
    let data = RunData::load(core, context, dataset)?;
    core.commit(context.command, &[], vec![Event::RunResumed { run }])?;
    Ok(done(core, carried_out(core, context, spec, (run, &data))?, &data))
}

fn done(core: &Core, (model, notes): (ModelRecord, Vec<String>), data: &RunData) -> Done {
    let state = core.state();
    let trials = state.runs.get(&model.run).map(|run| run.trials.clone()).unwrap_or_default();
    let mut result = json!({
        "run": model.run, "model": model.id, "family": model.family, "seconds": model.seconds,
        "metrics": model.metrics, "model_sha256": model.model_sha256, "params": model.params,
        "steps": model.steps, "device": model.device, "features": model.features, "notes": notes,
    });
    if !trials.is_empty() {
        result["trials"] = json!(trials);
    }
    let name = data.frame.metric.as_str();
    let test = model.metrics.get("test").or_else(|| model.metrics.get("validation"));
    let figure = test.and_then(|set| set.get(name)).map_or(f64::NAN, |metric| metric.value);
    let message = format!("Model {} ({}): {name} {figure:.4}", model.id, model.family.word());
    Done::new(message, result)
}

/// Trains, evaluates and commits; returns the model and the notes of the learner.
pub(crate) fn run(
    core: &Core,
    context: &JobContext,
    spec: &RunSpec,
    data: &RunData,
) -> Result<(ModelRecord, Vec<String>), EngineError> {
    let run = RunId(core.state().runs.keys().next_back().map_or(0, |last| last.0) + 1);
    let spec = &refit_stated(core, spec, data);
    let started = Event::RunStarted { run, spec: Box::new(spec.clone()), dataset: data.dataset.id };
    core.commit(context.command, &[], vec![started])?;
    carried_out(core, context, spec, (run, data))
}

/// Trains a run that was stated as started, and commits its end.
fn carried_out(
    core: &Core,
    context: &JobContext,
    spec: &RunSpec,
    (run, data): (RunId, &RunData),
) -> Result<(ModelRecord, Vec<String>), EngineError> {
    let mut open = OpenRun { core, context, run, open: true };
    match trained(core, context, spec, (run, data)) {
        Ok((events, object, model, notes)) => {
            open.open = false;
            core.commit(context.command, &[object], events)?;
            resume::forget(core, run);
            Ok((model, notes))
        }
        Err(EngineError::Cancelled) => {
            open.end(resume::stopped_events(core, run, Interrupted(false)))?;
            let message = resume::how(core, run);
            context.notice(Notice::Warning { message });
            Err(EngineError::Cancelled)
        }
        Err(error) => {
            open.end(vec![Event::RunFailed { run, message: error.to_string() }])?;
            resume::forget(core, run);
            Err(error)
        }
    }
}

/// States whether the kept model is trained again on training and validation rows, unless the run says
/// so itself: yes, when the validation rows were taken by us, they and the training rows are few, and
/// test rows are left to measure on.
fn refit_stated(core: &Core, spec: &RunSpec, data: &RunData) -> RunSpec {
    let mut spec = spec.clone();
    let RunData { dataset, table, split, .. } = data;
    let few = split.train.len() + split.validation.len() < REFIT_ROWS;
    let usable = few && !split.validation.is_empty() && !split.test.is_empty();
    let state = core.state();
    let ours = |made: &yard_types::project::SplitRecord| {
        !yard_data::marks_validation(table, &dataset.schema, &made.spec)
    };
    if usable && state.splits.get(&dataset.id).is_some_and(ours) {
        spec.params.entry("refit".to_owned()).or_insert_with(|| "true".to_owned());
    }
    spec
}

type Trained = (Vec<Event>, NewObject, ModelRecord, Vec<String>);

fn trained(
    core: &Core,
    context: &JobContext,
    spec: &RunSpec,
    (run, data): (RunId, &RunData),
) -> Result<Trained, EngineError> {
    let observer = JobObserver { core, context, run: Some(run) };
    let finished = resume::finished_trials(core, run);
    let output = with_context(core, &observer, |surroundings| {
        let checkpoints = Some(resume::folder(core, run));
        let surroundings = Context { finished: &finished, checkpoints, ..surroundings.clone() };
        yard_train::train(&data.input(), spec, &surroundings)
    })?;
    let bytes = yard_package::parts_to_bytes(&output.parts).map_err(EngineError::failed)?;
    let object = NewObject::new("model", bytes);
    let id = ModelId(core.state().models.keys().next_back().map_or(0, |last| last.0) + 1);
    let evaluations = evaluate::both_parts(core, context, data, (id, &output, object.bytes.len() as u64))?;
    let notes = output.notes.clone();
    let model = model_record(&output, (id, run, data.dataset.id), &object, &evaluations)?;
    let mut events = vec![Event::RunFinished {
        run,
        model: Box::new(model.clone()),
        curve: output.curve,
        trials: output.trials,
    }];
    events.extend(
        evaluations.into_iter().map(|evaluation| Event::ModelEvaluated { evaluation: Box::new(evaluation) }),
    );
    Ok((events, object, model, notes))
}

fn model_record(
    output: &TrainOutput,
    (id, run, dataset): (ModelId, RunId, DatasetId),
    object: &NewObject,
    evaluations: &[Evaluation],
) -> Result<ModelRecord, EngineError> {
    let mut metrics = output.metrics.clone();
    for evaluation in evaluations {
        // The same figures as the evaluation shows, with its intervals.
        metrics.insert(evaluation.split.clone(), evaluation.metrics.clone());
    }
    metrics.values_mut().for_each(evaluate::defined_only);
    Ok(ModelRecord {
        id,
        run,
        family: output.family,
        params: output.params.clone(),
        model_sha256: yard_package::model_hash(&output.parts).map_err(EngineError::failed)?,
        object: object.sha256(),
        dataset,
        metrics,
        steps: output.steps,
        parameters: output.parameters,
        size_bytes: object.bytes.len() as u64,
        seconds: output.seconds,
        device: output.device.clone(),
        features: output.features,
        recipe_lines: output.recipe_lines.clone(),
        points: scorecard::table(&output.parts).map(|card| Box::new(points(card))),
    })
}

/// The points of a scorecard as they are recorded.
fn points(card: Scorecard) -> Points {
    let bin = |row: ScorecardRow| BinPoints { bin: row.bin, points: row.points, share: row.share };
    let feature = |line: ScorecardLine| FeaturePoints {
        feature: line.feature,
        bins: line.rows.into_iter().map(bin).collect(),
    };
    Points {
        base: card.base,
        point: card.point,
        doubling: card.doubling,
        features: card.lines.into_iter().map(feature).collect(),
    }
}

/// Runs something of the training crate with this engine's threads, clock and worker.
pub(crate) fn with_context<T>(
    core: &Core,
    observer: &dyn Observer,
    act: impl FnOnce(&Context<'_>) -> Result<T, TrainError>,
) -> Result<T, EngineError> {
    let clock = || core.options.clock.elapsed_secs();
    let mut surroundings = Context::new(core.options.threads, observer, &clock);
    surroundings.worker.clone_from(&core.options.worker);
    act(&surroundings).map_err(|error| match error {
        TrainError::Cancelled => EngineError::Cancelled,
        other => EngineError::failed(other),
    })
}

/// Trains a model's run again and compares the hashes.
pub(crate) fn reproduce(core: &Core, context: &JobContext, choice: ModelChoice) -> Result<Done, EngineError> {
    let state = core.state();
    let record = models::record(&state, choice)?;
    let Some(run) = state.runs.get(&record.run) else {
        return Err(EngineError::failed(format!(
            "run {} of model {} is not in the log",
            record.run, record.id
        )));
    };
    let data = RunData::load(core, context, Some(record.dataset))?;
    let observer = JobObserver { core, context, run: None };
    let output = with_context(core, &observer, |surroundings| {
        let kept = (record.family, &record.params);
        yard_train::reproduce::same_model(&data.input(), &run.spec, kept, surroundings)
    })?;
    let again = hash_of(&output.parts)?;
    let equal = again == record.model_sha256;
    let result = json!({
        "model": record.id, "model_sha256": record.model_sha256, "reproduced_sha256": again, "equal": equal,
        "seconds": output.seconds,
    });
    let message = if equal {
        format!("Model {} trained again has the same hash {}", record.id, again.short())
    } else {
        format!(
            "Model {} trained again has hash {}, expected {}",
            record.id,
            again.short(),
            record.model_sha256.short()
        )
    };
    Ok(Done::new(message, result))
}

fn hash_of(parts: &ScorerParts) -> Result<yard_types::ids::Sha256, EngineError> {
    yard_package::model_hash(parts).map_err(EngineError::failed)
}
