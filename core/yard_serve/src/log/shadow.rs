//! The shadow: scores what another version has answered, off the way of requests, and counts where it would
//! have answered otherwise. It reads the request anew with its own contract, as it would have read it.

use super::note::{Asked, Outcome};
use crate::{
    api::infer::{Output, read_infer},
    http::reply::Refusal,
    registry::table::Shadow,
    rows::{Rows, read_instances},
    served::{Answers, Dialect},
};
use std::{sync::atomic::Ordering::Relaxed, time::Instant};

/// Scores a request with the shadow and compares. Returns the shadow's own log entry.
pub(crate) fn score(asked: &Asked, rows: &Rows, answers: &Answers, shadow: &Shadow) -> Asked {
    let start = Instant::now();
    let done = read(asked.dialect, rows, shadow).and_then(|rows| Ok((shadow.served.score(&rows)?, rows)));
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

fn read(dialect: Dialect, rows: &Rows, shadow: &Shadow) -> Result<Rows, Refusal> {
    let (body, inputs) = (rows.body().clone(), &shadow.served.inputs);
    if dialect == Dialect::Infer {
        let outputs = Output::of(shadow.served.scorer().task());
        return read_infer(body, inputs, outputs, rows.len()).map(|request| request.rows);
    }
    read_instances(body, inputs, rows.len())
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
