//! Where the project stands in the loop: the fact and state of each place, and the next step with the
//! figure that supports it.

use crate::{command::UiCommand, jobs::JobStage, route::Place, state::StudioState};
use yard_types::{
    metric::metric_info,
    monitor::Alert,
    project::{ProjectState, RunState},
};

/// State of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageState {
    /// Not yet.
    Blank,
    /// Under way.
    Running,
    /// Needs a look.
    Attention,
    /// Done.
    Done,
}

impl StageState {
    /// Returns the word that goes with the icon.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blank => "not yet",
            Self::Running => "running",
            Self::Attention => "attention",
            Self::Done => "done",
        }
    }
}

/// A stage of the loop with one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Place.
    pub place: Place,
    /// One fact.
    pub fact: String,
    /// State.
    pub state: StageState,
}

/// The next step: verb and object, the evidence, the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// Link text.
    pub label: String,
    /// One sentence with a figure.
    pub evidence: String,
    /// Where it is done.
    pub place: Place,
}

/// Returns the stage of a place.
pub fn stage(state: &StudioState, place: Place) -> Stage {
    let (fact, stage) = match place {
        Place::Start => ("goal and recent work".to_owned(), StageState::Blank),
        Place::Frame => frame_fact(state),
        Place::Data => data_fact(state),
        Place::Train => train_fact(state),
        Place::Evaluate => evaluate_fact(state),
        Place::Package => package_fact(state),
        Place::Deploy => deploy_fact(state),
        Place::Monitor => monitor_fact(state),
        Place::Registry => registry_fact(state),
        Place::Settings => blank("of this user"),
        Place::Help => blank("places, terms, commands"),
    };
    Stage { place, fact, state: stage }
}

/// Formats a count with its noun: "1 run", "2 runs".
pub fn count(n: usize, noun: &str) -> String {
    format!("{} {noun}{}", group(n as u64), if n == 1 { "" } else { "s" })
}

/// Groups digits by thin spaces.
pub fn group(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

fn blank(text: &str) -> (String, StageState) {
    (text.to_owned(), StageState::Blank)
}

fn frame_fact(state: &StudioState) -> (String, StageState) {
    let Some(frame) = &state.project.frame else { return blank("no decision yet") };
    match frame.costs {
        Some(costs) => {
            let fact = format!("FP {}, FN {}", costs.false_positive, costs.false_negative);
            (fact, StageState::Done)
        }
        None if frame.task == yard_types::frame::Task::Binary => {
            ("no costs stated".to_owned(), StageState::Attention)
        }
        None => (format!("predicts {}", frame.target), StageState::Done),
    }
}

fn data_fact(state: &StudioState) -> (String, StageState) {
    let Some(dataset) = state.project.dataset() else { return blank("no data yet") };
    let findings = &dataset.profile.findings;
    let fact = format!("{} rows, {}", group(dataset.profile.rows), count(findings.len(), "finding"));
    let errors = findings.iter().any(|finding| finding.severity == yard_types::profile::Severity::Error);
    (fact, if errors { StageState::Attention } else { StageState::Done })
}

fn train_fact(state: &StudioState) -> (String, StageState) {
    let runs = &state.project.runs;
    if let Some(job) = state.jobs.running().filter(|job| job.label.to_lowercase().contains("train")) {
        let fact = job.progress.as_ref().map_or("queued".to_owned(), |progress| match progress.total {
            Some(total) => format!("{} {} of {total}", progress.unit, progress.done),
            None => format!("{} {}", progress.done, progress.unit),
        });
        return (fact, StageState::Running);
    }
    match runs.values().next_back().map(|run| &run.state) {
        None => blank("no runs yet"),
        Some(RunState::Failed { .. }) => {
            (format!("{}, last failed", count(runs.len(), "run")), StageState::Attention)
        }
        Some(_) => {
            let kept =
                state.project.best_model().map_or(String::new(), |model| format!(", kept {}", model.run));
            (format!("{}{kept}", count(runs.len(), "run")), StageState::Done)
        }
    }
}

fn evaluate_fact(state: &StudioState) -> (String, StageState) {
    let Some(model) = state.chosen_model() else { return blank("no model yet") };
    let metric = state.project.frame.as_ref().map_or("roc_auc", |frame| frame.metric.as_str());
    let Some(evaluation) = state.project.evaluation(model.id, "test") else {
        return (format!("run {} not evaluated", model.run), StageState::Blank);
    };
    let info = metric_info(metric);
    let (label, decimals) = info.map_or((metric, 3), |info| (info.label, info.decimals));
    (format!("{label} {:.decimals$}", evaluation.metric(metric)), StageState::Done)
}

fn package_fact(state: &StudioState) -> (String, StageState) {
    match state.project.packages.last() {
        None => blank("no package yet"),
        Some(package) => (format!("version {} built", package.version), StageState::Done),
    }
}

fn deploy_fact(state: &StudioState) -> (String, StageState) {
    let Some(status) = &state.project.deployment else { return blank("nothing deployed") };
    if status.state == "unreachable" {
        return ("server unreachable".to_owned(), StageState::Attention);
    }
    if let Some(canary) = &status.canary {
        let kind = if canary.shadow { "shadow" } else { "canary" };
        return (format!("{kind} {} at {} %", canary.served.version, canary.percent), StageState::Running);
    }
    match (&status.stable, status.state.as_str()) {
        (Some(stable), "running") => (format!("version {} serves", stable.version), StageState::Done),
        _ => blank("stopped"),
    }
}

fn monitor_fact(state: &StudioState) -> (String, StageState) {
    match &state.project.monitor {
        None => blank("no windows yet"),
        Some(report) => match open_alerts(&state.project).len() {
            0 => (count(report.windows.len(), "window"), StageState::Done),
            open => (count(open, "alert"), StageState::Attention),
        },
    }
}

fn registry_fact(state: &StudioState) -> (String, StageState) {
    let versions = state.project.packages.len();
    (count(versions, "version"), if versions == 0 { StageState::Blank } else { StageState::Done })
}

/// Returns the alerts that speak of what serves now, newest first. Once a version is promoted, the windows
/// of the one before it are history; while a canary runs, windows that both answered count as well.
pub fn open_alerts(project: &ProjectState) -> Vec<&Alert> {
    let Some(report) = &project.monitor else { return Vec::new() };
    let status = project.deployment.as_ref();
    let champion = status.and_then(|status| status.stable.as_ref()).map(|served| served.version);
    let mixed = status.is_some_and(|status| status.canary.is_some());
    let counts = |alert: &&Alert| {
        let version = report.windows.get(alert.window as usize).map(|window| window.version);
        version.is_none() || champion.is_none() || version == champion || (mixed && version == Some(0))
    };
    report.alerts.iter().filter(counts).collect()
}

/// Says what an alert is about in a few words: "drift in tenure".
pub fn alert_words(alert: &Alert) -> String {
    let what = match alert.kind.as_str() {
        "missing" => "missing values",
        "unseen" => "unseen values",
        "quality" => "lower live quality",
        "cost" => "higher live cost",
        other => other,
    };
    alert.field.as_ref().map_or(what.to_owned(), |field| format!("{what} in {field}"))
}

/// Returns the next step of the loop.
pub fn next_step(state: &StudioState) -> NextStep {
    let step = |label: &str, evidence: String, place| NextStep { label: label.to_owned(), evidence, place };
    let project = &state.project;
    if !state.open {
        return step("Import data", "A CSV or Parquet file, or one of the samples.".to_owned(), Place::Start);
    }
    if project.dataset().is_none() {
        return step("Import data", "The project has no data yet.".to_owned(), Place::Data);
    }
    let Some(frame) = &project.frame else {
        return step("State the decision", "Choose the target column.".to_owned(), Place::Frame);
    };
    let Some(model) = state.chosen_model() else {
        let evidence = project
            .dataset()
            .map_or(String::new(), |dataset| format!("{} rows are ready.", group(dataset.profile.rows)));
        return step("Start training", evidence, Place::Train);
    };
    let run = model.run;
    let metric = metric_info(&frame.metric).map_or(frame.metric.as_str(), |info| info.label);
    let figure = model.metrics.get("validation").and_then(|set| set.get(&frame.metric));
    let evidence =
        figure.map_or(String::new(), |value| format!("{metric} {:.3} on validation rows.", value.value));
    if project.evaluation(model.id, "test").is_none() {
        return step(&format!("Evaluate run {run}"), evidence, Place::Evaluate);
    }
    if project.packages.iter().all(|package| package.model != model.id) {
        return step(&format!("Package run {run}"), evidence, Place::Package);
    }
    serving_step(state, run)
}

fn serving_step(state: &StudioState, run: yard_types::ids::RunId) -> NextStep {
    let step = |label: String, evidence: String, place| NextStep { label, evidence, place };
    let project = &state.project;
    let version = project.packages.last().map_or(0, |package| package.version);
    let Some(status) = project.deployment.as_ref().filter(|status| status.state == "running") else {
        let evidence = "The package is built and verified.".to_owned();
        return step(format!("Deploy version {version}"), evidence, Place::Deploy);
    };
    if let Some(canary) = &status.canary {
        let requests = status.stats.iter().find(|stats| stats.version == canary.served.version);
        let seen = requests.map_or(0, |stats| stats.requests);
        let label = format!("Review canary {}", canary.served.version);
        return step(label, format!("{} requests seen.", group(seen)), Place::Deploy);
    }
    let alerts = open_alerts(project);
    if let Some(alert) = alerts.first() {
        let more = match alerts.len() - 1 {
            0 => String::new(),
            more => format!(", {}", count(more, "more alert")),
        };
        let evidence = format!("Version {} shows {}{more}.", served_version(state), alert_words(alert));
        return step("Retrain".to_owned(), evidence, Place::Monitor);
    }
    if let (Some(champion), Some(chosen)) = (project.champion(), state.chosen_model())
        && chosen.id != champion
    {
        let newer = project.models.get(&champion).is_some_and(|model| model.dataset < chosen.dataset);
        let evidence = if newer {
            "It was trained on newer data than the champion; the gates compare them.".to_owned()
        } else {
            "It is better than the champion on validation rows.".to_owned()
        };
        return step(format!("Deploy run {run} as canary"), evidence, Place::Deploy);
    }
    let evidence = "The endpoint is healthy.".to_owned();
    step("Watch the endpoint".to_owned(), evidence, Place::Monitor)
}

fn served_version(state: &StudioState) -> u64 {
    let status = state.project.deployment.as_ref();
    status.and_then(|status| status.stable.as_ref()).map_or(0, |served| served.version)
}

/// Returns the command behind the primary button of the current place.
pub fn primary(state: &StudioState) -> UiCommand {
    let project = &state.project;
    match state.place {
        Place::Start if !state.open => UiCommand::ImportData,
        Place::Start | Place::Settings | Place::Help => UiCommand::Go(next_step(state).place),
        Place::Frame => UiCommand::Go(if project.frame.is_some() { Place::Train } else { Place::Data }),
        Place::Data if project.dataset().is_none() => UiCommand::ImportData,
        Place::Data if project.frame.is_none() => UiCommand::Go(Place::Frame),
        Place::Data => UiCommand::Go(Place::Train),
        Place::Train => UiCommand::StartTraining,
        Place::Evaluate => evaluate_primary(state),
        Place::Package => package_primary(state),
        Place::Deploy => deploy_primary(state),
        Place::Monitor if project.monitor.is_none() => UiCommand::RefreshMonitor,
        Place::Monitor => UiCommand::Retrain,
        Place::Registry => UiCommand::CheckGates,
    }
}

fn evaluate_primary(state: &StudioState) -> UiCommand {
    let evaluated =
        state.chosen_model().is_some_and(|model| state.project.evaluation(model.id, "test").is_some());
    if evaluated { UiCommand::BuildPackage } else { UiCommand::Evaluate }
}

fn package_primary(state: &StudioState) -> UiCommand {
    let chosen = state.chosen_model().map(|model| model.id);
    let built = state.project.packages.iter().any(|package| Some(package.model) == chosen);
    if built { UiCommand::Go(Place::Deploy) } else { UiCommand::BuildPackage }
}

fn deploy_primary(state: &StudioState) -> UiCommand {
    let running = state.project.deployment.as_ref().filter(|status| status.state == "running");
    match running {
        None => UiCommand::Deploy,
        Some(status) if status.canary.is_some() => UiCommand::Promote,
        Some(_) if state.project.champion() != state.chosen_model().map(|model| model.id) => {
            UiCommand::DeployCanary
        }
        Some(_) => UiCommand::Go(Place::Monitor),
    }
}

/// Returns whether a job of the session failed and was not looked at since.
pub fn last_failure(state: &StudioState) -> Option<&str> {
    state.jobs.all().last().and_then(|job| match &job.stage {
        JobStage::Failed(message) => Some(message.as_str()),
        _ => None,
    })
}
