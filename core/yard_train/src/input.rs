//! What training takes and gives: input, the observer that is told of progress, context, output.
//! Knows no learner.

use crate::search_saved::FinishedTrial;
use std::collections::BTreeMap;
use std::path::PathBuf;
use yard_score::model::ScorerParts;
use yard_types::{
    event::Progress,
    frame::Frame,
    metric::MetricSet,
    run::{Family, Params, TrainPoint, Trial},
    schema::Schema,
    split::Split,
    table::Table,
};

/// Data of a run. Rows of [`Split`] index the table; rows whose target is missing are left out.
#[derive(Clone, Copy, Debug)]
pub struct TrainInput<'a> {
    /// Whole table.
    pub table: &'a Table,
    /// Fields with roles: features feed the recipe, the weight column weighs rows.
    pub schema: &'a Schema,
    /// Task, target, classes, costs and the metric that chooses.
    pub frame: &'a Frame,
    /// Which rows train, choose and test. The recipe and the learner see `train` alone; `validation`
    /// stops and chooses; `test` is only measured at the end.
    pub split: &'a Split,
}

/// Is told how far a run is and asked whether it shall stop. Called from the training thread.
pub trait Observer: Sync {
    /// Takes a step of progress.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }

    /// Takes a point of the training curve.
    fn point(&self, point: TrainPoint) {
        let _ = point;
    }

    /// Takes a finished trial of a search, with its number from 0 and the bytes that let a search go on
    /// from it ([`Context::finished`]). Which one is kept is known at the end.
    fn trial(&self, index: u32, trial: &Trial, saved: &[u8]) {
        let _ = (index, trial, saved);
    }

    /// Takes a sentence about something that went wrong and does not end the run.
    fn warning(&self, message: &str) {
        let _ = message;
    }

    /// Returns whether the run shall stop; asked between trees, epochs and iterations.
    fn cancelled(&self) -> bool {
        false
    }
}

/// An observer that listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Surroundings of a run: threads, observer, clock, worker.
#[derive(Clone)]
pub struct Context<'a> {
    /// Threads to use, at least 1. Never changes a result (nets: on the CPU).
    pub threads: usize,
    /// Who listens.
    pub observer: &'a dyn Observer,
    /// Seconds since any fixed moment: for durations, search budgets and latency.
    pub clock: &'a (dyn Fn() -> f64 + Sync),
    /// Path of the `yard-trainer` binary, if there is one beside the program.
    pub worker: Option<PathBuf>,
    /// Folder for the exchange file of the worker; the system's temporary folder when `None`.
    pub work_dir: Option<PathBuf>,
    /// Finished trials of the same run, stopped before its end: they are not run again.
    pub finished: &'a [FinishedTrial],
    /// Folder for the checkpoints of nets, from which a run that is given the same folder goes on; `None`
    /// keeps none.
    pub checkpoints: Option<PathBuf>,
}

impl<'a> Context<'a> {
    /// Makes a context without a worker.
    pub fn new(threads: usize, observer: &'a dyn Observer, clock: &'a (dyn Fn() -> f64 + Sync)) -> Self {
        Self {
            threads: threads.max(1),
            observer,
            clock,
            worker: None,
            work_dir: None,
            finished: &[],
            checkpoints: None,
        }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("threads", &self.threads)
            .field("worker", &self.worker)
            .field("work_dir", &self.work_dir)
            .field("checkpoints", &self.checkpoints)
            .finish_non_exhaustive()
    }
}

/// Result of a run.
#[derive(Clone, Debug)]
pub struct TrainOutput {
    /// The model with recipe, link and calibration: all that the scorer needs.
    pub parts: ScorerParts,
    /// The model before a refit on training and validation rows: validation rows may be scored with this
    /// one alone, [`Self::parts`] has seen them. `None` without a refit.
    pub selected: Option<ScorerParts>,
    /// Family of the kept model (never `auto`).
    pub family: Family,
    /// All hyperparameters in force. A run of [`Self::family`] with these trains the same model.
    pub params: Params,
    /// Metrics with 95 % bootstrap intervals: `validation` (of the model before a refit), `test` (parts
    /// with rows), and `cross_validation` when folds were asked for.
    pub metrics: BTreeMap<String, MetricSet>,
    /// Tries of a search or of `auto`; empty for a single run.
    pub trials: Vec<Trial>,
    /// Training curve of the kept model.
    pub curve: Vec<TrainPoint>,
    /// Trees, epochs or iterations kept.
    pub steps: u32,
    /// Number of parameters (leaves, weights).
    pub parameters: u64,
    /// Seconds by [`Context::clock`], recipe and figures included.
    pub seconds: f64,
    /// Device that trained it, with the reason for a fallback.
    pub device: String,
    /// Features after the recipe.
    pub features: u32,
    /// One line per step of the fitted recipe.
    pub recipe_lines: Vec<String>,
    /// What was left out or repaired: rows without a target, families that could not train.
    pub notes: Vec<String>,
}
