//! The lines that program and worker exchange.

use crate::{
    TrainError,
    mlp::{NetJob, NetResult},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use yard_types::{event::Progress, run::TrainPoint};

/// What a worker can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Usable devices, best first: `cuda:0`, `metal`, `cpu`.
    pub devices: Vec<String>,
    /// Why there is no GPU among them; empty when there is one.
    pub reason: String,
}

/// Sizes of one part of the exchange file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartShape {
    pub(super) rows: usize,
    pub(super) weighted: bool,
}

/// To the worker, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub(super) enum Request {
    /// Train; the first line.
    Train { job: Box<NetJob>, data: PathBuf, train: PartShape, validation: PartShape },
    /// Write a checkpoint at the next step.
    Checkpoint,
    /// Stop.
    Cancel,
}

/// From the worker, one a line; the last is `done`, `cancelled` or `failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(super) enum Reply {
    Progress { progress: Progress },
    Point { point: TrainPoint },
    Warning { message: String },
    Done { result: Box<NetResult> },
    Cancelled,
    Failed { reason: String, advice: String },
}

impl Reply {
    /// Makes the last line of a failed job.
    pub(super) fn of_error(error: &TrainError) -> Self {
        match error {
            TrainError::Cancelled => Self::Cancelled,
            TrainError::Worker { reason, advice } => {
                Self::Failed { reason: reason.clone(), advice: advice.clone() }
            }
            other => Self::Failed {
                reason: other.to_string(),
                advice: "correct this, or train with --device cpu".to_owned(),
            },
        }
    }
}
