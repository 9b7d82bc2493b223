//! Trains a run: one family, `auto`, a search, with or without cross-validation.

use crate::{
    Context, TrainError, TrainInput, TrainOutput,
    auto::{self, Rows},
    fit::{Run, Trained},
    folds::cross_validate,
    measure::{Scored, decision, score},
    target::Part,
};
use std::collections::BTreeMap;
use yard_types::{
    metric::MetricSet,
    run::{Family, RunSpec, Trial},
    split::SplitPart,
};

/// Resamples of the intervals of reported metrics.
const RESAMPLES: u32 = 300;

/// Trains what `spec` asks for and measures the result on validation and test rows.
///
/// The recipe is fitted on training rows; validation rows stop, choose and calibrate; test rows are
/// measured at the end. The same input, spec and seed give the same [`TrainOutput::parts`] for any number
/// of threads (nets: on one machine); only a search with a time budget depends on the clock.
pub fn train(
    input: &TrainInput<'_>,
    spec: &RunSpec,
    context: &Context<'_>,
) -> Result<TrainOutput, TrainError> {
    in_pool(context.threads, || run(&Run { input, spec, context }))
}

/// Runs `work` on a pool of its own with so many threads.
pub(crate) fn in_pool<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T, TrainError> + Send,
) -> Result<T, TrainError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .build()
        .map_err(|error| TrainError::part("threads", &error))?;
    pool.install(work)
}

/// What was kept, with the tries that led to it.
pub(crate) struct Kept {
    pub(crate) family: Family,
    pub(crate) trained: Trained,
    pub(crate) trials: Vec<Trial>,
    /// Figures over folds, when they were asked for.
    pub(crate) cross_validation: Option<MetricSet>,
}

fn run(run: &Run<'_>) -> Result<TrainOutput, TrainError> {
    let started = (run.context.clock)();
    if run.context.observer.cancelled() {
        return Err(TrainError::Cancelled);
    }
    check_frame(run)?;
    crate::device::DeviceChoice::parse(&run.spec.device)?;
    let rows = Rows::read(run)?;
    let searches = run.spec.family == Family::Auto || run.spec.trials > 1 || run.spec.budget_secs.is_some();
    let kept = if searches { auto::search(run, &rows)? } else { single(run, &rows)? };
    let metrics = measured(run, &rows, &kept)?;
    Ok(output(run, &rows, kept, metrics, started))
}

fn check_frame(run: &Run<'_>) -> Result<(), TrainError> {
    let frame = run.input.frame;
    let classes = frame.classes.len();
    let wrong = match frame.task {
        yard_types::frame::Task::Binary => classes != 2,
        yard_types::frame::Task::Multiclass => classes < 2,
        yard_types::frame::Task::Regression => false,
    };
    if wrong {
        return Err(TrainError::Settings {
            what: format!("the frame lists {classes} classes for the target \"{}\"", frame.target),
            advice: "set the target again so that its classes are read from the data".to_owned(),
        });
    }
    Ok(())
}

fn single(run: &Run<'_>, rows: &Rows) -> Result<Kept, TrainError> {
    let (family, params) = (run.spec.family, &run.spec.params);
    let cross_validation = if run.spec.folds > 0 {
        Some(cross_validate(run, &rows.both(), family, params)?.metrics)
    } else {
        None
    };
    let trained = run.fit(family, params, &rows.train, &rows.validation)?;
    Ok(Kept { family, trained, trials: Vec::new(), cross_validation })
}

/// Measures the kept model through the scorer on validation and test rows.
fn measured(run: &Run<'_>, rows: &Rows, kept: &Kept) -> Result<BTreeMap<String, MetricSet>, TrainError> {
    let frame = run.input.frame;
    let mut metrics = BTreeMap::new();
    let parts = [(SplitPart::Validation, &rows.validation), (SplitPart::Test, &rows.test)];
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.rows.is_empty()) {
        let predictions = score(&kept.trained.scorer, run.input.table, &part.rows)?;
        let scored = Scored::new(frame, part, &predictions);
        let set = scored.intervals(&decision(frame, None), RESAMPLES, run.spec.seed)?;
        metrics.insert(name.word().to_owned(), set);
    }
    if let Some(set) = &kept.cross_validation {
        metrics.insert("cross_validation".to_owned(), set.clone());
    }
    Ok(metrics)
}

fn output(
    run: &Run<'_>,
    rows: &Rows,
    kept: Kept,
    metrics: BTreeMap<String, MetricSet>,
    started: f64,
) -> TrainOutput {
    let Kept { family, trained, trials, .. } = kept;
    let mut notes = trained.notes;
    for (name, part) in [("training", &rows.train), ("validation", &rows.validation), ("test", &rows.test)] {
        if part.dropped > 0 {
            let target = &run.input.frame.target;
            notes.push(format!(
                "{} {name} rows without a usable value of \"{target}\" were left out",
                part.dropped
            ));
        }
    }
    let failed = trials.iter().filter(|trial| trial.note.starts_with("failed"));
    notes.extend(failed.map(|trial| format!("{}: {}", trial.family.word(), trial.note)));
    TrainOutput {
        family,
        params: trained.fitted.params,
        metrics,
        trials,
        curve: trained.fitted.curve,
        steps: trained.fitted.steps,
        parameters: trained.fitted.parameters,
        seconds: (run.context.clock)() - started,
        device: trained.fitted.device,
        features: trained.parts.recipe.features.len() as u32,
        recipe_lines: yard_data::recipe_lines(&trained.parts.recipe),
        notes,
        parts: trained.parts,
    }
}

impl Rows {
    fn read(run: &Run<'_>) -> Result<Self, TrainError> {
        let TrainInput { table, schema, frame, split } = *run.input;
        let target = yard_data::target(table, schema, frame)?;
        let read = |part| Part::of(&target, (table, schema), frame, split.rows(part));
        Ok(Self {
            train: read(SplitPart::Train)?,
            validation: read(SplitPart::Validation)?,
            test: read(SplitPart::Test)?,
        })
    }
}
