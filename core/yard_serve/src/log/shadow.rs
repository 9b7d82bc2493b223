//! The shadow: scores what another version has answered, off the way of requests, and counts where it would
//! have answered otherwise. It reads the request anew with its own contract, as it would have read it.

use super::note::{Asked, Outcome};
use crate::{
    http::reply::Refusal,
    registry::table::Shadow,
    rows::{Inputs, Rows, read_instances},
    served::{Answers, Dialect},
};
use std::{sync::atomic::Ordering::Relaxed, time::Instant};

/// Scores a request with the shadow and compares. Returns the shadow's own log entry.
pub(crate) fn score(asked: &Asked, rows: &Rows, answers: &Answers, shadow: &Shadow) -> Asked {
    let start = Instant::now();
    let done = read(asked.dialect, rows, &asked.served.inputs, shadow)
        .and_then(|rows| Ok((shadow.served.score(&rows)?, rows)));
    let nanos = start.elapsed().as_nanos() as u64;
    let (status, outcome) = match done {
        Ok((own, rows)) => {
            shadow.figures.rows.fetch_add(own.rows as u64, Relaxed);
            shadow.figures.disagreements.fetch_add(disagreements(answers, &own), Relaxed);
            (200, Outcome::Answered { rows: Box::new(rows), answers: own, shadow: None })
        }
        Err(refusal) => {
            shadow.figures.errors.fetch_add(1, Relaxed);
            let status = refusal.status.as_u16();
            (status, Outcome::Refused { status, message: refusal.message })
        }
    };
    shadow.served.figures.count(Dialect::Shadow, status, nanos);
    Asked {
        served: shadow.served.clone(),
        request_id: asked.request_id.clone(),
        at_us: asked.at_us,
        nanos,
        dialect: Dialect::Shadow,
        traffic: asked.traffic,
        outcome,
    }
}

/// Tensors name every input, so that their cells only change places; records are read again.
fn read(dialect: Dialect, rows: &Rows, own: &Inputs, shadow: &Shadow) -> Result<Rows, Refusal> {
    let inputs = &shadow.served.inputs;
    if matches!(dialect, Dialect::Infer | Dialect::Grpc) {
        return rows.arranged(own, inputs);
    }
    read_instances(rows.body().clone(), inputs, rows.len())
}

/// Counts rows with another label or decision; regression: another number.
fn disagreements(live: &Answers, shadow: &Answers) -> u64 {
    let differs = |row: usize| {
        if live.classes == 0 || shadow.classes == 0 {
            return live.margins.get(row).map(|margin| margin.to_bits())
                != shadow.margins.get(row).map(|margin| margin.to_bits());
        }
        live.labels.get(row) != shadow.labels.get(row) || live.decisions.get(row) != shadow.decisions.get(row)
    };
    (0..live.rows).filter(|row| differs(*row)).count() as u64
}
