//! `score` and `explain`: files in, files out.

use super::{Session, choice, pack};
use crate::{
    args::{ModelArg, ProjectArgs, ScoreArgs},
    output::{ProgressLine, count, duration},
};
use anyhow::Result;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use yard_engine::batch::{Batch, BatchJob, BatchReport};
use yard_types::{
    event::{Notice, Progress},
    ids::JobId,
};

/// Scores a file with a package.
pub(crate) fn score(session: &Session, args: &ScoreArgs) -> Result<ExitCode> {
    let batch = Batch::of_package(pack::read(&args.package)?)?;
    run(session, &batch, (&args.input, &args.out), args.reasons)
}

/// Explains a file with a model of a project.
pub(crate) fn explain(
    session: &Session,
    project: &ProjectArgs,
    model: &ModelArg,
    (data, out): (&Path, &Path),
) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let mut line = ProgressLine::new(session.output);
    let batch = engine.batch(choice(&model.model)?, &mut |notice| line.listen(notice))?;
    run(session, &batch, (data, out), true)
}

fn run(session: &Session, batch: &Batch, (input, output): (&Path, &Path), reasons: bool) -> Result<ExitCode> {
    let started = Instant::now();
    let line = Arc::new(Mutex::new(ProgressLine::new(session.output)));
    let shown = Arc::clone(&line);
    let watch = Arc::new(move |progress: Progress| {
        let elapsed_secs = started.elapsed().as_secs_f64();
        let notice = Notice::JobProgress { job: JobId(0), progress, elapsed_secs, left_secs: None };
        shown.lock().unwrap_or_else(PoisonError::into_inner).listen(&notice);
        true
    });
    let threads = session.options()?.threads;
    let report = batch.run(&BatchJob { input, output, reasons, threads, watch })?;
    line.lock().unwrap_or_else(PoisonError::into_inner).clear();
    print(session, &report, output, started.elapsed().as_secs_f64())?;
    Ok(ExitCode::SUCCESS)
}

fn print(session: &Session, report: &BatchReport, output: &Path, seconds: f64) -> Result<()> {
    for finding in &report.findings {
        session.output.remark(&format!("note: {}", finding.message));
    }
    let result = json!({
        "rows": report.rows, "out": output, "columns": report.columns, "seconds": seconds,
        "findings": report.findings,
    });
    session.output.result(&result, || {
        format!("{} rows in {} to {}\n", count(report.rows), duration(seconds), output.display())
    })?;
    Ok(())
}
