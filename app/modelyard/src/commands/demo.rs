//! `demo`: the whole loop on a bundled sample, through the same commands as everything else.

use super::{Session, deploy, model, train::metrics_text};
use crate::{
    args::DemoArgs,
    output::{bytes, count, duration, number},
};
use anyhow::Result;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use yard_engine::{Done, Engine, sample};
use yard_types::{
    command::{Command, ModelChoice},
    evaluation::Evaluation,
    gate::Gate,
    monitor::MonitorReport,
    package::VerifyReport,
    run::{Family, RunSpec},
};

/// Requests of ordinary and of drifted traffic.
const ORDINARY: u64 = 2_000;
const DRIFTED: u64 = 2_000;
/// Requests with a canary beside the champion.
const WITH_CANARY: u64 = 500;

/// Runs the loop.
pub(crate) fn demo(session: &Session, args: &DemoArgs) -> Result<ExitCode> {
    let sample = sample::find(&args.sample)?;
    let folder = folder(args)?;
    let project = free_project(&folder, &sample.name);
    let mut demo = Demo {
        session,
        engine: Engine::create(&project, session.options()?)?,
        started: Instant::now(),
        stages: Vec::new(),
        stage: 0,
    };
    let outcome = demo.run(&sample, &folder, args.stop);
    if let Err(error) = &outcome {
        session
            .output
            .remark(&format!("the demo stopped: {error:#}; the project is \"{}\"", project.display()));
    }
    crate::studio::remember(&demo.engine, &session.options()?);
    outcome?;
    let seconds = demo.started.elapsed().as_secs_f64();
    let state = demo.engine.state();
    let result = json!({
        "project": project, "sample": sample.name, "seconds": seconds, "stages": demo.stages,
        "deployment": state.deployment, "champion": state.champion(), "events": state.seq,
    });
    session.output.result(&result, || closing_text(&project, seconds, state.seq, args.stop))?;
    Ok(ExitCode::SUCCESS)
}

fn folder(args: &DemoArgs) -> Result<PathBuf> {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from("modelyard-demo"));
    std::fs::create_dir_all(&folder)
        .map_err(|error| anyhow::anyhow!("could not make the folder ({error}): \"{}\"", folder.display()))?;
    Ok(std::path::absolute(folder)?)
}

fn free_project(folder: &Path, name: &str) -> PathBuf {
    let path = |n: u32| {
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        folder.join(format!("{name}{number}.modelyard"))
    };
    (1..10_000).map(path).find(|path| !path.exists()).unwrap_or_else(|| path(1))
}

fn closing_text(project: &Path, seconds: f64, events: u64, stopped: bool) -> String {
    let shown = project.display();
    let server = if stopped {
        "the server was stopped".to_owned()
    } else {
        format!("the server runs on; stop it with: modelyard stop \"{shown}\"")
    };
    format!(
        "\nThe loop is closed in {}; {events} events in the log.\n  project   {shown}\n  open it   modelyard \"{shown}\"\n  server    {server}\n",
        duration(seconds)
    )
}

struct Demo<'a> {
    session: &'a Session,
    engine: Engine,
    started: Instant,
    stages: Vec<Value>,
    stage: usize,
}

impl Demo<'_> {
    fn run(&mut self, sample: &sample::Sample, folder: &Path, stop: bool) -> Result<()> {
        self.data(sample, folder)?;
        self.train()?;
        self.package()?;
        self.deploy()?;
        self.traffic("none", ORDINARY, false)?;
        let report = self.drift()?;
        self.retrain(sample, folder, &report)?;
        self.promote()?;
        if stop {
            self.title("Stop");
            let done = self.act(Command::StopDeployment)?;
            self.say(&done.message);
        }
        Ok(())
    }

    fn title(&mut self, text: &str) {
        self.stage += 1;
        self.session.output.say(&format!("\n{}. {text}", self.stage));
    }

    fn say(&self, text: &str) {
        for line in text.trim_end().lines() {
            self.session.output.say(&format!("   {line}"));
        }
    }

    fn act(&mut self, command: Command) -> Result<Done> {
        let started = Instant::now();
        let done = self.session.run(&self.engine, command)?;
        let seconds = started.elapsed().as_secs_f64();
        self.stages.push(json!({"stage": self.stage, "message": done.message, "seconds": seconds}));
        Ok(done)
    }

    fn data(&mut self, sample: &sample::Sample, folder: &Path) -> Result<()> {
        self.title("Data and frame");
        let data = sample.write_data(folder)?;
        let mut options = sample.project(&data);
        options.seed = self.session.seed();
        self.act(Command::ImportDataset { options: Box::new(options) })?;
        if let Some(frame) = self.engine.state().frame.clone() {
            self.act(Command::SetFrame { frame: Box::new(sample.worded(frame)) })?;
        }
        let state = self.engine.state();
        let Some(dataset) = state.dataset() else { anyhow::bail!("the import left no dataset") };
        let counts = state.splits.get(&dataset.id).map(|split| split.counts).unwrap_or_default();
        self.say(&format!(
            "{}: {} rows, {} columns; {} train, {} validation, {} test rows",
            dataset.name,
            count(dataset.profile.rows),
            dataset.profile.columns.len(),
            count(counts.train),
            count(counts.validation),
            count(counts.test)
        ));
        for finding in dataset.profile.findings.iter().take(4) {
            self.say(&format!("finding: {}", finding.message));
        }
        self.say(&format!("decision: {}", sample.decision));
        if let Some(frame) = state.frame.as_ref().filter(|frame| frame.costs.is_some()) {
            let costs = frame.costs_or_default();
            self.say(&format!(
                "costs: false positive {}, false negative {} ({}): act at a probability of {:.3} or more",
                costs.false_positive,
                costs.false_negative,
                sample.cost_unit,
                frame.threshold()
            ));
        }
        Ok(())
    }

    fn train(&mut self) -> Result<()> {
        self.title("Train: linear, boosting, forest and net; the simplest within noise of the best is kept");
        let seed = self.session.seed();
        let spec = Box::new(RunSpec { seed, ..RunSpec::new(Family::Auto) });
        self.act(Command::StartTraining { spec })?;
        let state = self.engine.state();
        let Some(model) = state.models.values().next_back() else { anyhow::bail!("training left no model") };
        let metric = state.frame.as_ref().map_or("", |frame| frame.metric.as_str());
        for trial in state.runs.get(&model.run).into_iter().flat_map(|run| &run.trials) {
            let value = trial.validation.get(metric).map_or(f64::NAN, |own| own.value);
            let mark = if trial.kept { "*" } else { " " };
            let time = duration(trial.seconds);
            self.say(&format!(
                "{mark} {:<9} {metric} {:<8} {time:>7}  {}",
                trial.family.word(),
                number(value, 4),
                trial.note
            ));
        }
        self.say(&format!(
            "model {}: {}, SHA-256 {}",
            model.id,
            model.family.word(),
            model.model_sha256.short()
        ));
        self.title("Evaluate on test rows");
        match state.evaluation(model.id, "test") {
            Some(own) => self.say(&evaluation_lines(own)),
            None => self.say("the split has no test rows"),
        }
        Ok(())
    }

    fn package(&mut self) -> Result<()> {
        self.title("Package and verify");
        let done = self.act(Command::PackageModel { model: ModelChoice::Best, out: None })?;
        let path = done.result["package"].as_str().unwrap_or_default().to_owned();
        let report: VerifyReport = yard_engine::verify(&super::pack::read(Path::new(&path))?);
        self.say(&format!("{path}: {}", bytes(done.result["bytes"].as_u64().unwrap_or(0))));
        self.say(&format!(
            "{} claims hold, golden examples {} of {} equal, signed by {}",
            report.claims.iter().filter(|claim| claim.ok).count(),
            report.golden.equal,
            report.golden.total,
            report.signed_by.as_deref().unwrap_or("nobody").get(..16).unwrap_or_default()
        ));
        anyhow::ensure!(report.ok, "the package does not verify");
        Ok(())
    }

    fn deploy(&mut self) -> Result<()> {
        self.title("Deploy on this machine");
        let command = Command::Deploy {
            model: ModelChoice::Best,
            target: "local".to_owned(),
            canary: None,
            shadow: false,
        };
        let done = self.act(command)?;
        self.say(&deploy::status_text(&done.result));
        Ok(())
    }

    fn traffic(&mut self, drift: &str, requests: u64, labels: bool) -> Result<()> {
        self.title(if drift == "none" {
            "Traffic as in training"
        } else {
            "Traffic with drift, labels late"
        });
        let seed = self.session.seed() + self.stage as u64;
        let done = self.act(Command::Simulate { requests, drift: drift.to_owned(), seed, labels })?;
        let figure = |key: &str| number(done.result[key].as_f64().unwrap_or(f64::NAN), 2);
        self.say(&format!(
            "{}; p50 {} ms, p99 {} ms over HTTP",
            done.message,
            figure("p50_ms"),
            figure("p99_ms")
        ));
        if labels {
            self.say(&format!("labels taken: {}", done.result["labels"]["accepted"]));
        }
        Ok(())
    }

    fn drift(&mut self) -> Result<MonitorReport> {
        self.traffic("numeric", DRIFTED, true)?;
        self.title("Monitor");
        let done = self.act(Command::Monitor)?;
        let report: MonitorReport = serde_json::from_value(done.result)?;
        let metric =
            self.engine.state().frame.as_ref().map_or_else(String::new, |frame| frame.metric.clone());
        self.say(&deploy::monitor_text(&report, &metric));
        Ok(report)
    }

    fn retrain(&mut self, sample: &sample::Sample, folder: &Path, report: &MonitorReport) -> Result<()> {
        self.title("Retrain on next month's data, through the gates, as canary");
        let month = sample.next_month(self.session.seed() + 1);
        let path = folder.join(format!("next-month-{}", sample.file));
        std::fs::write(&path, &month.csv)?;
        self.say(&format!("next month: {}", month.drift));
        let alert = report.alerts.iter().find(|alert| alert.retrain).or(report.alerts.first());
        let reason = alert.map_or_else(|| "by hand".to_owned(), |alert| alert.message.clone());
        let data = Some(path.to_string_lossy().into_owned());
        let done = self.act(Command::Retrain { data, deploy: true, reason })?;
        let gates: Vec<Gate> = serde_json::from_value(done.result["gates"].clone()).unwrap_or_default();
        self.say(&model::gate_lines(&gates));
        self.say(&done.message);
        Ok(())
    }

    fn promote(&mut self) -> Result<()> {
        let canary =
            |demo: &Self| demo.engine.state().deployment.as_ref().is_some_and(|own| own.canary.is_some());
        if !canary(self) {
            self.say("no canary, so the champion stays");
            return Ok(());
        }
        self.title("Canary beside the champion, then promotion");
        let seed = self.session.seed() + 99;
        let done = self.act(Command::Simulate {
            requests: WITH_CANARY,
            drift: "none".to_owned(),
            seed,
            labels: true,
        })?;
        self.say(&format!("requests by version: {}", done.result["versions"]));
        let done = self.act(Command::Promote)?;
        self.say(&done.message);
        Ok(())
    }
}

fn evaluation_lines(own: &Evaluation) -> String {
    let mut out = metrics_text(&own.metrics);
    if let Some(cost) = &own.expected_cost {
        let rule = cost.best_rule.as_ref();
        add!(
            out,
            "cost per row {:.4}; never acting {:.4}, always acting {:.4}{}\n",
            cost.model.value,
            cost.do_nothing,
            cost.always,
            rule.map_or_else(String::new, |rule| format!(", best rule ({}) {:.4}", rule.rule, rule.cost))
        );
    }
    out
}
