//! One function per command. Each turns arguments into engine commands and results into text.

mod data;
mod demo;
mod deploy;
mod exchange;
mod log;
mod model;
mod pack;
mod score;
mod serve;
mod train;

use crate::{
    args::{Cli, Command, Global},
    output::{Output, ProgressLine},
    studio,
};
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use yard_engine::{Done, Engine, EngineOptions};
use yard_types::{command::ModelChoice, ids::ModelId};

/// Wrong usage that the parser can't see: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// What every command gets.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) global: Global,
    pub(crate) output: Output,
}

impl Session {
    /// Returns the options of an engine on this machine.
    pub(crate) fn options(&self) -> Result<EngineOptions> {
        let mut options = EngineOptions::system(Arc::new(|| {}))?;
        if let Some(threads) = self.global.threads {
            options.threads = usize::try_from(threads)?;
        }
        Ok(options)
    }

    /// Opens a project.
    pub(crate) fn open(&self, path: &Path) -> Result<Engine> {
        let engine = Engine::open(path, self.options()?)?;
        if let Some(reason) = engine.read_only() {
            self.output.remark(&format!("the project is open read-only: {reason}"));
        }
        Ok(engine)
    }

    /// Carries out a command, showing progress.
    pub(crate) fn run(&self, engine: &Engine, command: yard_types::command::Command) -> Result<Done> {
        let mut line = ProgressLine::new(self.output);
        Ok(engine.run_to_end(command, &mut |notice| line.listen(notice))?)
    }

    /// Carries out a command and prints its result.
    pub(crate) fn run_and_print(
        &self,
        engine: &Engine,
        command: yard_types::command::Command,
        human: impl FnOnce(&Done) -> String,
    ) -> Result<ExitCode> {
        let done = self.run(engine, command)?;
        self.output.result(&done.result, || human(&done))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the seed.
    pub(crate) fn seed(&self) -> u64 {
        self.global.seed.unwrap_or(0)
    }
}

/// Carries out the command line.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    let output = Output { json: cli.global.json, quiet: cli.global.quiet };
    let session = Session { output, global: cli.global.clone() };
    let Some(command) = cli.command else { return without_command(&cli) };
    if let Some(file) = cli.file {
        return Err(Usage(format!("unexpected \"{}\" before the command", file.display())).into());
    }
    match command {
        Command::Profile { data, target } => data::profile(&session, &data, target.as_deref()),
        Command::New(args) => data::new(&session, &args),
        Command::Train(args) => train::train(&session, &args),
        Command::Reproduce { project, model } => train::reproduce(&session, &project, &model),
        Command::Devices => train::devices(&session),
        Command::Runs(project) => log::runs(&session, &project),
        Command::Models(project) => log::models(&session, &project),
        Command::Log { project, verify } => log::log(&session, &project, verify),
        Command::Lineage { project, id } => log::lineage(&session, &project, &id),
        Command::Evaluate { project, model, data } => {
            model::evaluate(&session, &project, &model, data.as_deref())
        }
        Command::Explain { project, model, data, out } => {
            score::explain(&session, &project, &model, (&data, &out))
        }
        Command::Package { project, model, out } => pack::package(&session, &project, &model, out.as_deref()),
        Command::Verify { package } => pack::verify(&session, &package),
        Command::Export(args) => exchange::export(&session, &args),
        Command::Import(args) => exchange::import(&session, &args),
        Command::Score(args) => score::score(&session, &args),
        Command::Serve(args) => serve::serve(&session, &args),
        Command::Demo(args) => demo::demo(&session, &args),
        other => run_serving(&session, other),
    }
}

fn run_serving(session: &Session, command: Command) -> Result<ExitCode> {
    use yard_types::command::Command as Act;
    match command {
        Command::Deploy { project, model, to, canary, shadow } => {
            let model = choice(&model.model)?;
            deploy::act(session, &project, Act::Deploy { model, target: to, canary, shadow })
        }
        Command::Promote(project) => deploy::act(session, &project, Act::Promote),
        Command::Rollback(project) => deploy::act(session, &project, Act::RollBack),
        Command::Status(project) => deploy::act(session, &project, Act::RefreshStatus),
        Command::Stop(project) => deploy::act(session, &project, Act::StopDeployment),
        Command::Target(target) => deploy::target(session, target),
        Command::Feedback { project, input } => {
            let path = absolute(&input)?;
            deploy::plain(session, &project, Act::SendFeedback { path })
        }
        Command::Monitor(project) => deploy::monitor(session, &project),
        Command::Gate { project, model, junit } => model::gate(session, &project, &model, junit.as_deref()),
        Command::Retrain { project, data, deploy, reason } => {
            let data = data.as_deref().map(absolute).transpose()?;
            model::retrain(session, &project, Act::Retrain { data, deploy, reason })
        }
        Command::Simulate { project, requests, drift, labels } => {
            let drift = format!("{drift:?}").to_lowercase();
            let act = Act::Simulate { requests, drift, seed: session.seed(), labels };
            deploy::plain(session, &project, act)
        }
        _ => Err(Usage("unknown command; see `modelyard --help`".to_owned()).into()),
    }
}

fn without_command(cli: &Cli) -> Result<ExitCode> {
    let (Some(place), Some(out)) = (&cli.shot, &cli.out) else { return open_studio(cli.file.as_deref()) };
    let size: Option<(f32, f32)> =
        cli.size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let Some((width, height)) =
        size.filter(|(w, h)| (200.0..=8000.0).contains(w) && (200.0..=8000.0).contains(h))
    else {
        return Err(Usage(format!("--size is \"{}\"; expected WIDTHxHEIGHT in points", cli.size)).into());
    };
    let Some(place) = yard_state::route::Place::from_word(place) else {
        return Err(Usage(format!("--shot is \"{place}\"; expected a place such as data or deploy")).into());
    };
    studio::shot(&studio::Shot {
        place,
        dark: cli.theme == crate::args::ThemeArg::Dark,
        size: [width, height],
        scale: cli.scale.clamp(0.5, 4.0),
        source: cli.file.clone(),
        out: out.clone(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn open_studio(file: Option<&Path>) -> Result<ExitCode> {
    if let Some(file) = file
        && !file.exists()
        && file.extension().is_none_or(|ending| ending != "modelyard")
    {
        let text =
            format!("\"{}\" is neither a command nor a project; see `modelyard --help`", file.display());
        return Err(Usage(text).into());
    }
    studio::open(file)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads `best` or a model's number.
pub(crate) fn choice(text: &str) -> Result<ModelChoice> {
    if text == "best" {
        return Ok(ModelChoice::Best);
    }
    let id =
        text.parse().map_err(|_| Usage(format!("--model is \"{text}\"; expected a number or `best`")))?;
    Ok(ModelChoice::Id(ModelId(id)))
}

/// Returns an absolute path as text; the project may be opened from another folder later.
pub(crate) fn absolute(path: &Path) -> Result<String> {
    Ok(std::path::absolute(path)?.to_string_lossy().into_owned())
}
