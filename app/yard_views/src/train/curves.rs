//! Loss and metric over trees, epochs or iterations, live and afterwards. Colour says the run, dash the
//! split: validation solid, train dashed. The kept run is a solid reference line.

use super::{View, compare, focus, in_progress, kept_model, model_of, params, progress, series_of};
use crate::{
    layout::{self, Side},
    words,
};
use yard_state::{jobs::Job, state::StudioState};
use yard_types::{
    metric::{Direction, metric_info},
    project::{RunRecord, RunState},
    run::{Family, ModelRecord, TrainPoint},
};
use yard_ui::{
    Axis, Line, Plot, Segmented, fmt,
    plot::{Dash, Marker, Reference, State},
    show, space, text, tokens,
};

/// Height of a plot.
pub(super) const HEIGHT: f32 = 264.0;
/// Narrower than this the plots stand below each other.
const BESIDE: f32 = 520.0;
/// Runs drawn beside the one in focus.
const MOST_OTHERS: usize = 4;

/// Curve of a run: live while it trains, else as stored.
pub(super) fn curve<'a>(state: &'a StudioState, run: &'a RunRecord) -> &'a [TrainPoint] {
    match state.live_curves.get(&run.id) {
        Some(live) if run.curve.is_empty() => live,
        _ => &run.curve,
    }
}

/// The step with the best validation loss.
pub(super) fn best(curve: &[TrainPoint]) -> Option<&TrainPoint> {
    curve.iter().filter(|point| point.validation_loss.is_some_and(f64::is_finite)).min_by(|a, b| {
        a.validation_loss.unwrap_or(f64::NAN).total_cmp(&b.validation_loss.unwrap_or(f64::NAN))
    })
}

/// Draws heading and plots, or the comparison, or why the run failed.
pub(super) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let Some(run) = focus(state).cloned() else {
        first_run(ui);
        return;
    };
    heading(ui, state, &run, view);
    ui.add_space(space::S4);
    if view.tab == 1 {
        compare::show(ui, state, &run);
        return;
    }
    if let RunState::Failed { message } = &run.state {
        failed(ui, &run, message);
        return;
    }
    let subject = Subject::new(state, &run);
    let beside = |ui: &mut egui::Ui| {
        if subject.any_metric() {
            subject.metric_ui(ui);
        } else {
            progress::show(ui, state, &run);
        }
    };
    if !subject.any_metric() && !progress::enough(state) {
        subject.loss_ui(ui, view.log_scale);
        return;
    }
    if ui.available_width() < BESIDE {
        subject.loss_ui(ui, view.log_scale);
        ui.add_space(space::S8);
        beside(ui);
        return;
    }
    let width = (ui.available_width() - space::S16) / 2.0;
    layout::two(ui, width, space::S16, |ui, side| match side {
        Side::Left => subject.loss_ui(ui, view.log_scale),
        Side::Right => beside(ui),
    });
}

fn first_run(ui: &mut egui::Ui) {
    yard_ui::section(ui, "Curves", "");
    ui.add_space(space::S8);
    Plot::new("Loss, lower is better", Axis::new("step"), Axis::new("loss"))
        .height(HEIGHT)
        .state(State::Empty("Loss and metric of the first run are drawn here while it trains.".to_owned()))
        .show(ui);
}

fn failed(ui: &mut egui::Ui, run: &RunRecord, message: &str) {
    let (what, advice) = match message.rsplit_once(';') {
        Some((what, advice)) => (what.trim(), advice.trim()),
        None => (message, "Change the recipe and start again; the settings of this run stay in the log."),
    };
    show::failed(ui, &format!("Run {} failed", run.id), what, advice);
}

fn heading(ui: &mut egui::Ui, state: &StudioState, run: &RunRecord, view: &mut View) {
    let family = family(state, run);
    let title = format!("Run {}, {}", run.id, family.word());
    let note = note(state, run, family);
    let plots = view.tab == 0 && !matches!(run.state, RunState::Failed { .. });
    yard_ui::section_with(ui, &title, &note, |ui| {
        ui.spacing_mut().item_spacing.x = space::S8;
        Segmented::new(&mut view.tab, &["Curves", "Compare"]).show(ui);
        if plots {
            yard_ui::checkbox(ui, &mut view.log_scale, "Log");
        }
    });
}

/// "epoch 27 of 60, no better epoch for 12 of 20" while it trains; the end of a finished run.
fn note(state: &StudioState, run: &RunRecord, family: Family) -> String {
    let points = curve(state, run);
    let Some(last) = points.last() else {
        return match run.state {
            RunState::Running if in_progress(state, run) => "fitting the recipe".to_owned(),
            RunState::Cancelled => "stopped by hand".to_owned(),
            RunState::Failed { .. } => "failed".to_owned(),
            _ => "no curve kept".to_owned(),
        };
    };
    let unit = unit(family);
    let Some(best) = best(points) else { return format!("{unit} {}", last.step) };
    if !in_progress(state, run) {
        return format!("{unit} {} of {} kept", best.step, last.step);
    }
    let total = total(state, run).map_or(String::new(), |total| format!(" of {}", fmt::count(total)));
    let waited = last.step.saturating_sub(best.step);
    let patience = params::patience(family, &run.spec.params);
    let waiting = match patience {
        Some(patience) if waited > 0 => format!(", no better {unit} for {waited} of {patience}"),
        _ => String::new(),
    };
    format!("{unit} {}{total}{waiting}", last.step)
}

/// Steps in all of a run in progress, when its job says so.
fn total(state: &StudioState, run: &RunRecord) -> Option<u64> {
    let job: &Job = state.jobs.running().filter(|_| in_progress(state, run))?;
    job.progress.as_ref()?.total
}

/// Family that the run trains: for `auto` that of the model it kept.
pub(super) fn family(state: &StudioState, run: &RunRecord) -> Family {
    model_of(state, run.id).map_or(run.spec.family, |model| model.family)
}

/// Name of a step.
pub(super) fn unit(family: Family) -> &'static str {
    match family {
        Family::Boosting | Family::Forest => "tree",
        Family::Mlp | Family::Cnn | Family::Resnet | Family::Transformer | Family::Text => "epoch",
        Family::Linear | Family::Scorecard | Family::Auto | Family::Ensemble => "iteration",
    }
}

fn series(points: &[TrainPoint], pick: impl Fn(&TrainPoint) -> Option<f64>) -> Vec<[f64; 2]> {
    points.iter().filter_map(|point| Some([f64::from(point.step), pick(point)?])).collect()
}

fn with_value(name: &str, points: &[[f64; 2]], format: impl Fn(f64) -> String) -> String {
    points.last().map_or_else(|| name.to_owned(), |last| format!("{name} {}", format(last[1])))
}

/// Validation loss of a model at the step that it kept.
pub(super) fn kept_loss(state: &StudioState, model: &ModelRecord) -> Option<f64> {
    let run = state.project.runs.get(&model.run)?;
    let at = run.curve.iter().find(|point| point.step == model.steps);
    at.and_then(|point| point.validation_loss).or_else(|| best(&run.curve)?.validation_loss)
}

/// Whether the losses of two families stand on one scale: classes share the log loss, while the learners of
/// a number scale its square each in its own way.
pub(super) fn same_loss(state: &StudioState, one: Family, other: Family) -> bool {
    let classes = state.project.frame.as_ref().is_some_and(|frame| frame.task.is_classification());
    classes || one == other
}

/// The run in focus with what is drawn beside it.
struct Subject<'a> {
    state: &'a StudioState,
    run: &'a RunRecord,
    points: &'a [TrainPoint],
    unit: &'static str,
    others: Vec<(&'a RunRecord, usize)>,
    kept: Option<&'a ModelRecord>,
}

impl<'a> Subject<'a> {
    fn new(state: &'a StudioState, run: &'a RunRecord) -> Self {
        let shown = state.shown_runs.iter().filter(|own| **own != run.id);
        let other = |own| Some((state.project.runs.get(own)?, series_of(state, *own)?));
        Self {
            state,
            run,
            points: curve(state, run),
            unit: unit(family(state, run)),
            others: shown.filter_map(other).take(MOST_OTHERS).collect(),
            kept: kept_model(state).filter(|model| model.run != run.id),
        }
    }

    fn any_metric(&self) -> bool {
        let has = |points: &[TrainPoint]| points.iter().any(|point| point.validation_metric.is_some());
        has(self.points) || self.others.iter().any(|(run, _)| has(curve(self.state, run)))
    }

    /// The whole range of a net's epochs while it trains, so that the rest is in sight.
    fn axis(&self) -> Axis<'static> {
        let axis = Axis::new(self.unit).about(5);
        match total(self.state, self.run) {
            Some(total) if self.unit == "epoch" && total > 1 => axis.range(1.0, total as f64),
            _ => axis,
        }
    }

    fn counts(&self) -> String {
        let split = self.state.project.splits.get(&self.run.dataset).map(|split| split.counts);
        split.map_or(String::new(), |own| {
            format!("train n = {}, validation n = {}", fmt::count(own.train), fmt::count(own.validation))
        })
    }

    fn empty(&self) -> Option<State> {
        if !self.points.is_empty() {
            return None;
        }
        Some(match self.run.state {
            RunState::Running if in_progress(self.state, self.run) => {
                State::Loading("The first step has not ended yet".to_owned(), None)
            }
            RunState::Running => State::Empty(
                "This run was interrupted when the project was closed; start it again to see its curves."
                    .to_owned(),
            ),
            RunState::Cancelled => State::Empty("This run was stopped before it kept a curve.".to_owned()),
            _ => State::Empty("This run kept no curve.".to_owned()),
        })
    }

    fn loss_ui(&self, ui: &mut egui::Ui, log: bool) {
        let t = tokens(ui);
        let train = series(self.points, |point| Some(point.train_loss));
        let validation = series(self.points, |point| point.validation_loss);
        let note = self.counts();
        let axis = Axis::new("").about(5).log(log);
        let mut plot = Plot::new("Loss, lower is better", self.axis(), axis).note(&note).height(HEIGHT);
        if let Some(state) = self.empty() {
            plot = plot.state(state);
        }
        let label = with_value("train", &train, fmt::loss);
        plot = plot.line(Line::new("train", t.series(0), train).dash(Dash::Dashed).label(label));
        if !validation.is_empty() {
            let label = with_value("validation", &validation, fmt::loss);
            plot = plot.line(Line::new("validation", t.series(0), validation).label(label));
        }
        let own = family(self.state, self.run);
        let on_scale = |other: Family| same_loss(self.state, own, other);
        for (other, colour) in self.others.iter().filter(|(run, _)| on_scale(family(self.state, run))) {
            let line = series(curve(self.state, other), |point| point.validation_loss);
            plot = plot.line(Line::new(format!("run {}", other.id), t.series(*colour), line));
        }
        if let Some((point, loss)) = best(self.points).and_then(|point| Some((point, point.validation_loss?)))
        {
            let at = f64::from(point.step);
            let label = format!("best {}: {}", point.step, fmt::loss(loss));
            plot = plot.reference(Reference::vertical(at, label)).marker(Marker::new([at, loss], ""));
        }
        let shown = |model: &&ModelRecord| self.others.iter().all(|(run, _)| run.id != model.run);
        let kept = self
            .kept
            .filter(shown)
            .filter(|model| on_scale(model.family))
            .and_then(|model| Some((model, kept_loss(self.state, model)?)));
        if let Some((model, loss)) = kept {
            let label = format!("run {} {}", model.run, fmt::loss(loss));
            plot = plot.reference(Reference::horizontal(loss, label).colour(t.series(1)).solid());
        }
        plot.group("training").show(ui);
    }

    fn metric_ui(&self, ui: &mut egui::Ui) {
        let t = tokens(ui);
        let metric = words::chosen_metric(&self.state.project);
        let validation = series(self.points, |point| point.validation_metric);
        let way = match metric_info(metric).map(|info| info.direction) {
            Some(Direction::Lower) => "lower is better",
            _ => "higher is better",
        };
        let title = format!("{}, {way}", words::metric_label(metric));
        let split = self.state.project.splits.get(&self.run.dataset).map(|split| split.counts.validation);
        let note = split.map_or_else(String::new, |n| format!("validation n = {}", fmt::count(n)));
        let mut plot = Plot::new(&title, self.axis(), Axis::new("").about(4)).note(&note).height(HEIGHT);
        if let Some(state) = self.empty() {
            plot = plot.state(state);
        }
        let label = with_value("validation", &validation, |value| words::metric(metric, value));
        plot = plot.line(Line::new("validation", t.series(0), validation).label(label));
        for (other, colour) in &self.others {
            let line = series(curve(self.state, other), |point| point.validation_metric);
            plot = plot.line(Line::new(format!("run {}", other.id), t.series(*colour), line));
        }
        if let Some((point, value)) =
            best(self.points).and_then(|point| Some((point, point.validation_metric?)))
        {
            let at = f64::from(point.step);
            let label = format!("best {}: {}", point.step, words::metric(metric, value));
            plot = plot.reference(Reference::vertical(at, label)).marker(Marker::new([at, value], ""));
        }
        let value = self.kept.and_then(|own| Some((own, own.metrics.get("validation")?.get(metric)?.value)));
        if let Some((model, value)) = value {
            let label = format!("run {} {}", model.run, words::metric(metric, value));
            plot = plot.reference(Reference::horizontal(value, label).colour(t.series(1)).solid());
        }
        plot.group("training").show(ui);
    }
}

/// What the newest points say, in one sentence: rising validation loss is overfitting.
pub(super) fn diagnosis(points: &[TrainPoint], unit: &str) -> Option<String> {
    let best = best(points)?;
    let last = points.last()?;
    let (low, now) = (best.validation_loss?, last.validation_loss?);
    let falling = last.train_loss < best.train_loss;
    let waited = last.step.saturating_sub(best.step);
    let rise = (now - low) / low.abs().max(f64::MIN_POSITIVE);
    (falling && waited >= 5 && rise > 0.005).then(|| {
        format!("Validation loss has risen since {unit} {} while training loss fell: the model overfits from there.", best.step)
    })
}

/// A sentence when there is nothing to compare with.
pub(super) fn nothing_to_compare(ui: &mut egui::Ui, run: &RunRecord) {
    text::paragraph(
        ui,
        format!("Press the eye of another run in the table below to compare it with run {}.", run.id),
    );
}
