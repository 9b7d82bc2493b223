//! What the request path hands to the log.

use crate::{
    registry::table::Shadow,
    rows::Rows,
    served::{Answers, Dialect, Served},
};
use std::sync::Arc;
use tokio::sync::oneshot;
use yard_types::{
    audit::EraseReply,
    serving::{FeedbackItem, FeedbackReply},
};

/// One request of a version.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) served: Arc<Served>,
    pub(crate) request_id: String,
    pub(crate) at_us: i64,
    pub(crate) nanos: u64,
    pub(crate) dialect: Dialect,
    /// Whether it is counted in the windows.
    pub(crate) traffic: bool,
    pub(crate) outcome: Outcome,
}

/// How a request ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Answered.
    Answered { rows: Box<Rows>, answers: Answers, shadow: Option<Shadow> },
    /// Refused after its version was known.
    Refused { status: u16, message: String },
}

/// A message to the log.
#[derive(Debug)]
pub(crate) enum Note {
    /// A request.
    Asked(Box<Asked>),
    /// Labels; answered when they are on disk.
    Labels {
        model: String,
        items: Vec<FeedbackItem>,
        at_us: i64,
        done: oneshot::Sender<Option<FeedbackReply>>,
    },
    /// Erases field values; answered when that is on disk.
    Erase { model: String, ids: Vec<String>, done: oneshot::Sender<Option<EraseReply>> },
    /// Answered when everything before it is on disk.
    Flush(oneshot::Sender<()>),
    /// Ends the log after everything before it.
    Stop,
}

impl Note {
    /// Returns roughly how many bytes the note holds.
    pub(crate) fn bytes(&self) -> usize {
        let own = match self {
            Self::Asked(asked) => match &asked.outcome {
                Outcome::Answered { rows, answers, .. } => rows.memory() + answers.rows * 24,
                Outcome::Refused { message, .. } => message.len(),
            },
            Self::Labels { items, .. } => items.len() * 64,
            Self::Erase { ids, .. } => ids.len() * 64,
            Self::Flush(_) | Self::Stop => 0,
        };
        own + 256
    }
}
