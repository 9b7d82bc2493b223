//! Trains a run: one family, `auto`, a search, with or without cross-validation.

use crate::{
    Context, TrainError, TrainInput, TrainOutput,
    auto::{self, Rows},
    ensemble::{self, Member},
    fit::{Run, Trained},
    folds::cross_validate,
    folds_nested,
    measure::{Scored, decision, score},
    refit,
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

/// A search whose rows tell less than so many judges by [`FOLDS`] folds: so few validation rows can't tell
/// good settings apart.
const FEW_ROWS: usize = 6_000;
/// Of a class each row counts so often: the rarer the class, the less a row of the others tells.
const CLASS_ROWS: usize = 4;
/// With fewer rows than this folds would be too small, with more too slow.
const FEWEST: usize = 50;
const MOST: usize = 20_000;
const FOLDS: u32 = 5;

/// Trains what `spec` asks for and measures the result on validation and test rows.
///
/// The recipe is fitted on training rows; validation rows stop, choose and calibrate; test rows are
/// measured at the end. With the hyperparameter `refit=true` the model kept is then trained again on
/// training and validation rows with what was chosen ([`TrainOutput::selected`]). The same input, spec and seed give the same [`TrainOutput::parts`] for any number
/// of threads (nets: on one machine); only a search with a time budget depends on the clock.
pub fn train(
    input: &TrainInput<'_>,
    spec: &RunSpec,
    context: &Context<'_>,
) -> Result<TrainOutput, TrainError> {
    let mut own = spec.clone();
    let refit = refit::take(&mut own.params)?;
    if refit == Some(true) && (input.split.test.is_empty() || input.split.validation.is_empty()) {
        return Err(TrainError::Settings {
            what: "refit=true needs validation rows to choose on and test rows to measure the model on"
                .to_owned(),
            advice: "give the split both shares, or leave refit out".to_owned(),
        });
    }
    if own.nested && own.folds == 0 {
        own.folds = FOLDS;
    }
    let runs = f64::from(folds_nested::runs(&own));
    own.budget_secs = own.budget_secs.map(|budget| budget / runs);
    in_pool(context.threads, || run(&Run { input, spec: &own, context }, refit))
}

/// Returns whether rows tell so little that a search judges by folds.
fn judged_by_folds(run: &Run<'_>, rows: &Rows) -> bool {
    let parts = [&rows.train, &rows.validation];
    let all: usize = parts.iter().map(|part| part.rows.len()).sum();
    let frame = run.input.frame;
    let telling = if frame.task.is_classification() {
        let counts = parts.map(|part| part.class_counts(frame.classes.len()));
        let rarest = counts[0].iter().zip(&counts[1]).map(|(a, b)| a + b).min().unwrap_or(0);
        all.min(CLASS_ROWS * rarest)
    } else {
        all
    };
    auto::searches(run.spec) && run.spec.folds == 0 && (FEWEST..MOST).contains(&all) && telling < FEW_ROWS
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
    /// The model that validation rows chose.
    pub(crate) trained: Trained,
    /// Members when it is an ensemble.
    pub(crate) members: Vec<Member>,
    pub(crate) trials: Vec<Trial>,
    pub(crate) notes: Vec<String>,
    /// Figures over folds, when they were asked for.
    pub(crate) cross_validation: Option<MetricSet>,
    /// Whether the time budget leaves time for a refit.
    pub(crate) refit_in_time: bool,
}

fn run(run: &Run<'_>, refit: Option<bool>) -> Result<TrainOutput, TrainError> {
    let started = (run.context.clock)();
    if run.context.observer.cancelled() {
        return Err(TrainError::Cancelled);
    }
    check_frame(run)?;
    crate::device::DeviceChoice::parse(&run.spec.device)?;
    let rows = Rows::read(run)?;
    let nested =
        run.spec.nested.then(|| folds_nested::nested(run, &rows, refit == Some(true))).transpose()?;
    let mut spec = run.spec.clone();
    if spec.nested && auto::searches(&spec) {
        // The choice on all rows is made as each inner run made it.
        (spec.folds, spec.repeats) = (0, 1);
    }
    if judged_by_folds(&Run { spec: &spec, ..*run }, &rows) {
        spec.folds = FOLDS;
    }
    let run = &Run { spec: &spec, ..*run };
    let several = run.spec.family == Family::Auto || auto::searches(run.spec);
    let kept = if several { auto::search(run, &rows, refit == Some(true))? } else { single(run, &rows)? };
    let refit = refit.map(|refit| refit && kept.refit_in_time);
    let both = if refit == Some(true) { Some(rows.both()) } else { None };
    let refitted = match &both {
        Some(both) if kept.members.is_empty() => Some(refit::refit(run, kept.family, &kept.trained, both)?),
        Some(both) => {
            let workers = auto::at_once(run, &rows);
            Some(ensemble::refit(run, (&kept.members, workers), &kept.trained, both)?)
        }
        None => None,
    };
    let mut metrics = measured(run, &rows, &kept, refitted.as_ref().unwrap_or(&kept.trained))?;
    metrics.extend(nested.map(|set| (folds_nested::NAME.to_owned(), set)));
    let mut output = output(run, &rows, kept, metrics);
    if let (Some(refitted), Some(both)) = (refitted, both) {
        let rounds = refitted.fitted.steps;
        let chosen_anew = (output.family == Family::Boosting && rounds != output.steps).then_some(rounds);
        let note = refit::note(both.rows.len(), chosen_anew);
        output.features = refitted.parts.recipe.features.len() as u32;
        output.parameters = refitted.fitted.parameters;
        output.recipe_lines = yard_data::recipe_lines(&refitted.parts.recipe);
        output.recipe_lines.push(note.clone());
        output.notes.push(note);
        output.selected = Some(std::mem::replace(&mut output.parts, refitted.parts));
    }
    output.params.extend(refit.map(|refit| (refit::NAME.to_owned(), refit.to_string())));
    output.seconds = (run.context.clock)() - started;
    Ok(output)
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
    if family == Family::Ensemble {
        let (trained, members) = ensemble::train_listed(run, params, (&rows.train, &rows.validation))?;
        let (trials, notes) = (Vec::new(), Vec::new());
        return Ok(Kept {
            family,
            trained,
            members,
            trials,
            notes,
            cross_validation: None,
            refit_in_time: true,
        });
    }
    let cross_validation = if run.spec.folds > 0 {
        Some(cross_validate(run, &rows.both(), (family, params), &|_| ())?.metrics)
    } else {
        None
    };
    let trained = run.fit(family, params, &rows.train, &rows.validation)?;
    let (members, trials, notes) = (Vec::new(), Vec::new(), Vec::new());
    Ok(Kept { family, trained, members, trials, notes, cross_validation, refit_in_time: true })
}

/// Measures the chosen model on validation rows and the last one on test rows, through the scorer.
fn measured(
    run: &Run<'_>,
    rows: &Rows,
    kept: &Kept,
    last: &Trained,
) -> Result<BTreeMap<String, MetricSet>, TrainError> {
    let frame = run.input.frame;
    let mut metrics = BTreeMap::new();
    let parts =
        [(SplitPart::Validation, &rows.validation, &kept.trained), (SplitPart::Test, &rows.test, last)];
    for (name, part, trained) in parts.into_iter().filter(|(_, part, _)| !part.rows.is_empty()) {
        let predictions = score(&trained.scorer, run.input.table, &part.rows)?;
        let scored = Scored::new(frame, part, &predictions);
        let set = scored.intervals(&decision(frame, None), RESAMPLES, run.spec.seed)?;
        metrics.insert(name.word().to_owned(), set);
    }
    if let Some(set) = &kept.cross_validation {
        metrics.insert("cross_validation".to_owned(), set.clone());
    }
    Ok(metrics)
}

fn output(run: &Run<'_>, rows: &Rows, kept: Kept, metrics: BTreeMap<String, MetricSet>) -> TrainOutput {
    let Kept { family, trained, trials, notes: mut said, .. } = kept;
    let mut notes = trained.notes;
    notes.append(&mut said);
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
        seconds: 0.0,
        device: trained.fitted.device,
        features: trained.parts.recipe.features.len() as u32,
        recipe_lines: yard_data::recipe_lines(&trained.parts.recipe),
        notes,
        parts: trained.parts,
        selected: None,
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
