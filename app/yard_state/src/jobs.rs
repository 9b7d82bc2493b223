//! Jobs of the engine as the window knows them, from notices alone.

use yard_types::{
    event::{Notice, Progress},
    ids::JobId,
};

/// Where a job is.
#[derive(Clone, Debug, PartialEq)]
pub enum JobStage {
    /// Waits.
    Queued,
    /// Runs.
    Running,
    /// Ended well, with a sentence.
    Finished(String),
    /// Failed, with what to do.
    Failed(String),
    /// Stopped.
    Cancelled,
}

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Job.
    pub id: JobId,
    /// What it does.
    pub label: String,
    /// Where it is.
    pub stage: JobStage,
    /// How far.
    pub progress: Option<Progress>,
    /// Seconds so far.
    pub elapsed_secs: f64,
    /// Seconds left.
    pub left_secs: Option<f64>,
}

impl Job {
    /// Returns whether its end is no news: a page of rows, a row tried.
    pub fn quiet(&self) -> bool {
        matches!(self.label.as_str(), "Rows" | "Score a row")
    }
}

/// The jobs of this session, oldest first; at most 200 are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Jobs {
    jobs: Vec<Job>,
}

impl Jobs {
    /// Applies a notice; others than job notices change nothing.
    pub fn apply(&mut self, notice: &Notice) {
        match notice {
            Notice::JobQueued { job, label, .. } => self.push(*job, label),
            Notice::JobStarted { job } => self.stage(*job, JobStage::Running),
            Notice::JobProgress { job, progress, elapsed_secs, left_secs } => {
                if let Some(own) = self.find(*job) {
                    own.progress = Some(progress.clone());
                    own.elapsed_secs = *elapsed_secs;
                    own.left_secs = *left_secs;
                }
            }
            Notice::JobFinished { job, message, .. } => self.stage(*job, JobStage::Finished(message.clone())),
            Notice::JobFailed { job, message } => self.stage(*job, JobStage::Failed(message.clone())),
            Notice::JobCancelled { job } => self.stage(*job, JobStage::Cancelled),
            _ => {}
        }
    }

    fn push(&mut self, id: JobId, label: &str) {
        if self.jobs.len() >= 200 {
            self.jobs.remove(0);
        }
        self.jobs.push(Job {
            id,
            label: label.to_owned(),
            stage: JobStage::Queued,
            progress: None,
            elapsed_secs: 0.0,
            left_secs: None,
        });
    }

    fn find(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().rev().find(|job| job.id == id)
    }

    fn stage(&mut self, id: JobId, stage: JobStage) {
        if let Some(job) = self.find(id) {
            job.stage = stage;
        }
    }

    /// Returns the job that runs, or else the first that waits.
    pub fn running(&self) -> Option<&Job> {
        let at = |stage: &JobStage| self.jobs.iter().find(|job| &job.stage == stage);
        at(&JobStage::Running).or_else(|| at(&JobStage::Queued))
    }

    /// Returns a job.
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.jobs.iter().rev().find(|job| job.id == id)
    }

    /// Returns all jobs, oldest first.
    pub fn all(&self) -> &[Job] {
        &self.jobs
    }
}

#[cfg(test)]
mod tests {
    use crate::state::StudioState;
    use yard_types::{
        event::Notice,
        ids::{CommandId, JobId},
    };

    #[test]
    fn pages_of_rows_end_without_a_toast() {
        for (label, toasts) in [("Rows", 0), ("Train linear", 1)] {
            let mut state = StudioState::new();
            let job = JobId(1);
            state.apply(&Notice::JobQueued { job, label: label.to_owned(), command: CommandId(1) });
            let result = serde_json::Value::Null;
            state.apply(&Notice::JobFinished { job, message: "200 rows".to_owned(), result });
            assert_eq!(state.toasts.len(), toasts, "{label}");
        }
    }
}
