//! The facade: commands in, notices out, jobs between them.
//!
//! [`Engine::submit`] checks a command at once. Small acts (frame, recipe, threshold) are committed
//! before it returns; the rest becomes a job. The window drains [`Engine::notices`]; the command line
//! uses [`Engine::run_to_end`].

use crate::{
    batch::Batch,
    clock::{Clock, SystemClock},
    commands::{self, Interrupted},
    error::EngineError,
    home::Home,
    jobs::{Done, Jobs, Lane, NewJob},
    models,
    notices::{Notices, Notify},
    project::{Author, NewObject, Project},
    tables::Tables,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use yard_types::{
    command::{Command, ModelChoice},
    event::{Event, EventRecord, Notice},
    ids::{CommandId, JobId},
    project::{ProjectState, RunState},
};

/// What an engine needs from outside.
#[derive(Clone)]
pub struct EngineOptions {
    /// Clock of every timestamp and duration.
    pub clock: Arc<dyn Clock>,
    /// Threads of training and evaluation; never changes a result.
    pub threads: usize,
    /// Called when unread notices begin to wait.
    pub notify: Notify,
    /// Name written into the log.
    pub actor: String,
    /// The user's folder: key, servers, tokens.
    pub home: Home,
    /// Executable that is started with `serve` for the target `local`.
    pub program: PathBuf,
    /// The training worker `yard-trainer`, if there is one.
    pub worker: Option<PathBuf>,
}

impl EngineOptions {
    /// Uses this machine's clock, user, home and executable.
    pub fn system(notify: Notify) -> Result<Self, EngineError> {
        let program = std::env::current_exe().map_err(EngineError::failed)?;
        let worker = program.with_file_name(format!("yard-trainer{}", std::env::consts::EXE_SUFFIX));
        let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME"));
        Ok(Self {
            clock: Arc::new(SystemClock::default()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            notify,
            actor: user.unwrap_or_else(|_| "user".to_owned()),
            home: Home::find()?,
            worker: worker.is_file().then_some(worker),
            program,
        })
    }
}

/// Answer to a command: its number, and its job when it takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Command, as in the log.
    pub command: CommandId,
    /// Job; `None` when the act is done and committed already.
    pub job: Option<JobId>,
}

/// The parts that jobs share.
pub(crate) struct Core {
    pub(crate) options: EngineOptions,
    pub(crate) notices: Arc<Notices>,
    pub(crate) tables: Tables,
    project: Mutex<Project>,
    last_command: AtomicU64,
}

/// An open project with its jobs.
pub struct Engine {
    // Dropped first: running jobs are asked to stop before the project closes.
    jobs: Jobs,
    core: Arc<Core>,
}

impl Engine {
    /// Makes a project file and opens it.
    pub fn create(path: &Path, options: EngineOptions) -> Result<Self, EngineError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let project = Project::create(path, &name, author(&options))?;
        Self::start(project, options)
    }

    /// Opens a project; read-only when another process writes it (see [`Engine::read_only`]).
    pub fn open(path: &Path, options: EngineOptions) -> Result<Self, EngineError> {
        let project = Project::open(path, author(&options))?;
        Self::start(project, options)
    }

    fn start(project: Project, options: EngineOptions) -> Result<Self, EngineError> {
        let notices = Arc::new(Notices::new(Arc::clone(&options.notify)));
        for note in project.notes() {
            notices.push(Notice::Warning { message: note.clone() });
        }
        let last = project.events().iter().map(|record| record.command_id.0).max().unwrap_or(0);
        let jobs = Jobs::new(Arc::clone(&notices), Arc::clone(&options.clock))?;
        let core = Core {
            options,
            notices,
            tables: Tables::default(),
            project: Mutex::new(project),
            last_command: AtomicU64::new(last),
        };
        core.close_interrupted_runs()?;
        Ok(Self { jobs, core: Arc::new(core) })
    }

    /// Checks a command and carries it out: at once, or as a job.
    pub fn submit(&self, command: Command) -> Result<Accepted, EngineError> {
        if let Command::CancelJob { job } = command {
            if !self.jobs.cancel(job) {
                return Err(EngineError::refused(format!("job {job} is not running; nothing to stop")));
            }
            return Ok(Accepted { command: CommandId(0), job: None });
        }
        if commands::writes(&command)
            && let Some(reason) = self.read_only()
        {
            return Err(crate::error::ProjectError::ReadOnly { reason }.into());
        }
        commands::check(&self.core, &command)?;
        let id = CommandId(self.core.last_command.fetch_add(1, Ordering::SeqCst) + 1);
        if let Some(event) = commands::at_once(&command) {
            self.core.commit(id, &[], vec![event])?;
            return Ok(Accepted { command: id, job: None });
        }
        let job = self.jobs.start(commands::job(&self.core, id, command));
        Ok(Accepted { command: id, job: Some(job) })
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Takes at most `most` unread notices.
    pub fn notices(&self, most: usize) -> Vec<Notice> {
        self.core.notices.drain(most)
    }

    /// Waits for notices and takes all.
    pub fn wait_notices(&self, most: Duration) -> Vec<Notice> {
        self.core.notices.wait(most)
    }

    /// Carries out a command and waits for its end; other notices go to `listen`.
    pub fn run_to_end(&self, command: Command, listen: &mut dyn FnMut(&Notice)) -> Result<Done, EngineError> {
        match self.submit(command)?.job {
            Some(job) => self.wait_for(job, listen),
            None => Ok(Done::new("done", serde_json::Value::Null)),
        }
    }

    /// Makes a model ready to score files.
    pub fn batch(&self, choice: ModelChoice, listen: &mut dyn FnMut(&Notice)) -> Result<Batch, EngineError> {
        let made = Arc::new(Mutex::new(None));
        let (core, slot) = (Arc::clone(&self.core), Arc::clone(&made));
        let job = self.jobs.start(NewJob {
            label: "Load the model".to_owned(),
            command: CommandId(0),
            lane: Lane::Quick,
            body: Box::new(move |context| {
                let batch = models::batch(&core, context, choice)?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch);
                Ok(Done::new("loaded", serde_json::Value::Null))
            }),
        });
        self.wait_for(job, listen)?;
        let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
        made.ok_or_else(|| EngineError::failed("the model was not loaded"))
    }

    fn wait_for(&self, job: JobId, listen: &mut dyn FnMut(&Notice)) -> Result<Done, EngineError> {
        loop {
            for notice in self.wait_notices(Duration::from_millis(500)) {
                listen(&notice);
                match notice {
                    Notice::JobFinished { job: own, message, result } if own == job => {
                        return Ok(Done { message, result });
                    }
                    Notice::JobFailed { job: own, message } if own == job => {
                        return Err(EngineError::Failed { message });
                    }
                    Notice::JobCancelled { job: own } if own == job => return Err(EngineError::Cancelled),
                    _ => {}
                }
            }
        }
    }

    /// Returns the state of the project.
    pub fn state(&self) -> Arc<ProjectState> {
        self.core.state()
    }

    /// Returns all events, oldest first.
    pub fn events(&self) -> Vec<EventRecord> {
        self.core.project().events().to_vec()
    }

    /// Checks the hash chain of the log; returns the number of events.
    pub fn verify_log(&self) -> Result<u64, EngineError> {
        Ok(self.core.project().verify_chain()?)
    }

    /// Picks up what another process committed (for a read-only project).
    pub fn reload(&self) -> Result<(), EngineError> {
        let fresh = self.core.project().reload()?;
        for record in fresh {
            self.core.notices.push(Notice::Committed { record: Box::new(record) });
        }
        Ok(())
    }

    /// Returns why the project is read-only; `None` when it may be written.
    pub fn read_only(&self) -> Option<String> {
        self.core.project().read_only().map(str::to_owned)
    }

    /// Returns the path of the project file.
    pub fn path(&self) -> PathBuf {
        self.core.project().path().to_owned()
    }

    /// Returns the number of jobs that wait or run.
    pub fn pending(&self) -> usize {
        self.jobs.pending()
    }
}

impl Core {
    /// Stores objects and events in one transaction and announces them.
    pub(crate) fn commit(
        &self,
        command: CommandId,
        objects: &[NewObject],
        events: Vec<Event>,
    ) -> Result<Vec<EventRecord>, EngineError> {
        let records = self.project().commit(command, objects, events)?;
        for record in &records {
            self.notices.push(Notice::Committed { record: Box::new(record.clone()) });
        }
        Ok(records)
    }

    /// Returns the state of the project.
    pub(crate) fn state(&self) -> Arc<ProjectState> {
        self.project().state()
    }

    /// Returns whether the project may be written.
    pub(crate) fn writable(&self) -> bool {
        self.project().read_only().is_none()
    }

    /// Returns the project; never held while anything slow is done.
    pub(crate) fn project(&self) -> MutexGuard<'_, Project> {
        self.project.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs that a killed process left open are stated as stopped; they can be resumed.
    fn close_interrupted_runs(&self) -> Result<(), EngineError> {
        if !self.writable() {
            return Ok(());
        }
        let state = self.state();
        let open = state.runs.values().filter(|run| run.state == RunState::Running);
        let events: Vec<Event> =
            open.flat_map(|run| commands::stopped_events(self, run.id, Interrupted(true))).collect();
        if !events.is_empty() {
            self.commit(CommandId(0), &[], events)?;
        }
        Ok(())
    }
}

fn author(options: &EngineOptions) -> Author {
    Author { actor: options.actor.clone(), clock: Arc::clone(&options.clock) }
}
