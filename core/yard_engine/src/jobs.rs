//! Jobs: commands that take time. Work runs one job after the other in the order of asking; quick
//! questions (a page of rows, one score, a status) run beside it.
//!
//! Each job gets a [`JobContext`] with its cancel token and its progress. A panic ends the job as
//! failed and leaves the engine alive. The order of notices per job is queued, started, progress
//! (any number), then exactly one of finished, failed, cancelled.

use crate::{clock::Clock, error::EngineError, notices::Notices};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use yard_types::{
    event::{Notice, Progress},
    ids::{CommandId, JobId},
};

/// How a job ended well: a sentence and the JSON that the command line prints.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// One sentence.
    pub message: String,
    /// Result in the shape of the command line.
    pub result: serde_json::Value,
}

impl Done {
    /// Makes a result.
    pub fn new(message: impl Into<String>, result: serde_json::Value) -> Self {
        Self { message: message.into(), result }
    }
}

/// Which queue a job waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// One after the other.
    Work,
    /// At once, beside the work.
    Quick,
}

type Body = Box<dyn FnOnce(&JobContext) -> Result<Done, EngineError> + Send>;

/// A job to be run.
pub struct NewJob {
    /// What it does, in words.
    pub label: String,
    /// Command.
    pub command: CommandId,
    /// Queue.
    pub lane: Lane,
    /// What is done.
    pub body: Body,
}

/// What a running job sees of the engine.
#[derive(Clone)]
pub struct JobContext {
    /// Job.
    pub job: JobId,
    /// Command that it serves.
    pub command: CommandId,
    token: CancellationToken,
    notices: Arc<Notices>,
    clock: Arc<dyn Clock>,
    started: f64,
    phase: Arc<Mutex<Option<(String, f64)>>>,
}

impl JobContext {
    /// Returns whether the user asked to stop.
    pub fn cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Fails with [`EngineError::Cancelled`] when the user asked to stop.
    pub fn check(&self) -> Result<(), EngineError> {
        if self.cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
    }

    /// Reports how far the job is; time left is estimated from the rate within the phase.
    pub fn progress(&self, progress: Progress) {
        let now = self.clock.elapsed_secs();
        let left_secs = self.left_secs(&progress, now);
        let elapsed_secs = (now - self.started).max(0.0);
        self.notices.push(Notice::JobProgress { job: self.job, progress, elapsed_secs, left_secs });
    }

    /// Reports a phase without a known amount.
    pub fn phase(&self, phase: &str) {
        self.progress(Progress { phase: phase.to_owned(), done: 0, total: None, unit: String::new() });
    }

    /// Sends another notice.
    pub fn notice(&self, notice: Notice) {
        self.notices.push(notice);
    }

    fn left_secs(&self, progress: &Progress, now: f64) -> Option<f64> {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match &*phase {
            Some((name, since)) if *name == progress.phase => *since,
            _ => {
                *phase = Some((progress.phase.clone(), now));
                now
            }
        };
        let total = progress.total?;
        let spent = now - since;
        if progress.done == 0 || progress.done > total || spent < 0.2 {
            return None;
        }
        Some(spent * (total - progress.done) as f64 / progress.done as f64)
    }
}

struct Waiting {
    context: JobContext,
    body: Body,
}

#[derive(Default)]
struct Lanes {
    waiting: VecDeque<Waiting>,
    busy: bool,
    tokens: BTreeMap<JobId, CancellationToken>,
    last: u64,
    closed: bool,
}

/// The queue of jobs.
pub struct Jobs {
    runtime: tokio::runtime::Runtime,
    shared: Arc<Shared>,
}

struct Shared {
    lanes: Mutex<Lanes>,
    notices: Arc<Notices>,
    clock: Arc<dyn Clock>,
}

impl Jobs {
    /// Starts the threads.
    pub fn new(notices: Arc<Notices>, clock: Arc<dyn Clock>) -> Result<Self, EngineError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(8)
            .thread_name("modelyard-job")
            .build()
            .map_err(EngineError::failed)?;
        let shared = Arc::new(Shared { lanes: Mutex::new(Lanes::default()), notices, clock });
        Ok(Self { runtime, shared })
    }

    /// Queues a job.
    pub fn start(&self, new: NewJob) -> JobId {
        let NewJob { label, command, lane, body } = new;
        let token = CancellationToken::new();
        let mut lanes = self.shared.guard();
        lanes.last += 1;
        let job = JobId(lanes.last);
        lanes.tokens.insert(job, token.clone());
        let context = JobContext {
            job,
            command,
            token,
            notices: Arc::clone(&self.shared.notices),
            clock: Arc::clone(&self.shared.clock),
            started: self.shared.clock.elapsed_secs(),
            phase: Arc::new(Mutex::new(None)),
        };
        self.shared.notices.push(Notice::JobQueued { job, label, command });
        let waiting = Waiting { context, body };
        let shared = Arc::clone(&self.shared);
        if lane == Lane::Quick {
            drop(lanes);
            self.runtime.spawn_blocking(move || shared.run(waiting));
            return job;
        }
        lanes.waiting.push_back(waiting);
        if !lanes.busy {
            lanes.busy = true;
            self.runtime.spawn_blocking(move || shared.work());
        }
        job
    }

    /// Asks a job to stop; returns whether it waits or runs.
    pub fn cancel(&self, job: JobId) -> bool {
        let lanes = self.shared.guard();
        let token = lanes.tokens.get(&job);
        if let Some(token) = token {
            token.cancel();
        }
        token.is_some()
    }

    /// Returns the number of jobs that wait or run.
    pub fn pending(&self) -> usize {
        self.shared.guard().tokens.len()
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let mut lanes = self.shared.guard();
        lanes.closed = true;
        lanes.tokens.values().for_each(CancellationToken::cancel);
    }
}

impl Shared {
    fn guard(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut lanes = self.guard();
            let next = lanes.waiting.pop_front();
            let Some(waiting) = next else {
                lanes.busy = false;
                return;
            };
            drop(lanes);
            self.run(waiting);
        }
    }

    fn run(&self, waiting: Waiting) {
        let Waiting { mut context, body } = waiting;
        let job = context.job;
        if context.cancelled() {
            return self.end(Notice::JobCancelled { job }, job);
        }
        context.started = self.clock.elapsed_secs();
        self.notices.push(Notice::JobStarted { job });
        let outcome = catch_unwind(AssertUnwindSafe(|| body(&context)));
        let notice = match outcome {
            Ok(Ok(done)) => Notice::JobFinished { job, message: done.message, result: done.result },
            Ok(Err(EngineError::Cancelled)) => Notice::JobCancelled { job },
            Ok(Err(error)) => Notice::JobFailed { job, message: error.to_string() },
            Err(panic) => Notice::JobFailed { job, message: panic_message(panic.as_ref()) },
        };
        self.end(notice, job);
    }

    fn end(&self, notice: Notice, job: JobId) {
        self.guard().tokens.remove(&job);
        self.notices.push(notice);
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!(
        "the job stopped on an error in the program ({text}); the project is unchanged since its last \
         event; please report this with the log (`modelyard log`)"
    )
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;
    use crate::clock::StepClock;
    use std::time::Duration;

    fn jobs() -> (Jobs, Arc<Notices>) {
        let notices = Arc::new(Notices::new(Arc::new(|| {})));
        let clock = Arc::new(StepClock::new(0, 1));
        let Ok(jobs) = Jobs::new(Arc::clone(&notices), clock) else { panic!("no runtime") };
        (jobs, notices)
    }

    fn job(
        lane: Lane,
        body: impl FnOnce(&JobContext) -> Result<Done, EngineError> + Send + 'static,
    ) -> NewJob {
        NewJob { label: "test".into(), command: CommandId(1), lane, body: Box::new(body) }
    }

    fn until_ended(notices: &Notices, count: usize) -> Vec<Notice> {
        let mut all = Vec::new();
        for _ in 0..500 {
            all.extend(notices.wait(Duration::from_millis(20)));
            let ended = all.iter().filter(|notice| {
                matches!(
                    notice,
                    Notice::JobFinished { .. } | Notice::JobFailed { .. } | Notice::JobCancelled { .. }
                )
            });
            if ended.count() >= count {
                return all;
            }
        }
        panic!("jobs did not end: {all:?}")
    }

    fn words(notices: &[Notice], job: JobId) -> Vec<&'static str> {
        let word = |notice: &Notice| match notice {
            Notice::JobQueued { job, .. } => (*job, "queued"),
            Notice::JobStarted { job } => (*job, "started"),
            Notice::JobProgress { job, .. } => (*job, "progress"),
            Notice::JobFinished { job, .. } => (*job, "finished"),
            Notice::JobFailed { job, .. } => (*job, "failed"),
            Notice::JobCancelled { job } => (*job, "cancelled"),
            _ => (JobId(0), ""),
        };
        notices.iter().map(word).filter(|(own, _)| *own == job).map(|(_, word)| word).collect()
    }

    #[test]
    fn notices_come_in_order_and_a_panic_ends_only_its_job() {
        let (jobs, notices) = jobs();
        let good = |context: &JobContext| {
            context.phase("counting");
            Ok(Done::new("done", serde_json::json!({"n": 1})))
        };
        let first = jobs.start(job(Lane::Work, good));
        let second = jobs.start(job(Lane::Work, |_| panic!("boom")));
        let third = jobs.start(job(Lane::Work, |_| Err(EngineError::refused("no"))));
        let all = until_ended(&notices, 3);
        assert_eq!(words(&all, first), ["queued", "started", "progress", "finished"]);
        assert_eq!(words(&all, second), ["queued", "started", "failed"]);
        assert_eq!(words(&all, third), ["queued", "started", "failed"]);
        let boom = all
            .iter()
            .any(|notice| matches!(notice, Notice::JobFailed { message, .. } if message.contains("boom")));
        assert!(boom);
        assert_eq!(jobs.pending(), 0);
    }

    #[test]
    fn cancel_stops_a_running_and_a_waiting_job() {
        let (jobs, notices) = jobs();
        let endless = |context: &JobContext| loop {
            context.check()?;
            std::thread::sleep(Duration::from_millis(1));
        };
        let running = jobs.start(job(Lane::Work, endless));
        let waiting = jobs.start(job(Lane::Work, |_| Ok(Done::new("", serde_json::Value::Null))));
        let quick = jobs.start(job(Lane::Quick, |_| Ok(Done::new("", serde_json::Value::Null))));
        let seen = until_ended(&notices, 1);
        assert_eq!(words(&seen, quick), ["queued", "started", "finished"], "a quick job passes the work");
        assert!(jobs.cancel(waiting));
        assert!(jobs.cancel(running));
        let rest = until_ended(&notices, 2);
        assert_eq!(words(&rest, waiting).last(), Some(&"cancelled"));
        assert_eq!(words(&rest, running).last(), Some(&"cancelled"));
        assert!(!jobs.cancel(running), "an ended job is unknown");
    }
}
