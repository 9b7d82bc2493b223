//! `profile` and `new`.

use super::{Session, Usage, absolute};
use crate::{
    args::{NewArgs, TaskArg},
    output::{TextTable, count, number},
};
use anyhow::Result;
use std::path::Path;
use std::process::ExitCode;
use yard_engine::Engine;
use yard_types::{
    command::{Command, NewProject},
    frame::{Floor, Task},
    profile::{Profile, Severity},
    project::ProjectState,
};

/// Findings shown when a project is made; `profile` shows all.
const MOST_FINDINGS: usize = 12;

/// Profiles a data file.
pub(crate) fn profile(session: &Session, data: &Path, target: Option<&str>) -> Result<ExitCode> {
    let profile = yard_engine::profile_file(data, target)?;
    session.output.result(&serde_json::to_value(&profile)?, || profile_text(&profile))?;
    Ok(ExitCode::SUCCESS)
}

/// Renders a profile.
pub(crate) fn profile_text(profile: &Profile) -> String {
    let mut out = format!("{} rows, {} columns\n\n", count(profile.rows), profile.columns.len());
    let mut table =
        TextTable::new(&["column", "type", "missing", "distinct", "min", "median", "max", "most frequent"]);
    for column in &profile.columns {
        let figure = |value: Option<f64>| value.map_or_else(String::new, |value| number(value, 4));
        let date = column.field_type == yard_types::schema::FieldType::Datetime;
        let shown = |value: Option<f64>| match value {
            Some(micros) if date => yard_types::date::format_iso(micros as i64).chars().take(10).collect(),
            value => figure(value),
        };
        let top: Vec<&str> = column.top.iter().take(3).map(|top| top.value.as_str()).collect();
        let top: String = top.join(", ").chars().take(40).collect();
        table.row(vec![
            column.name.clone(),
            column.field_type.word().to_owned(),
            count(column.missing),
            count(column.distinct),
            shown(column.min),
            shown(column.median),
            shown(column.max),
            top,
        ]);
    }
    out.push_str(&table.render());
    if profile.findings.is_empty() {
        out.push_str("\nno findings\n");
        return out;
    }
    add!(out, "\n{} findings\n", profile.findings.len());
    for finding in &profile.findings {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        add!(out, "  {word:<8} {}\n", finding.message);
    }
    out
}

/// Makes a project from a data file. A project that a killed `new` left without data is used again; a
/// refused import leaves no file behind.
pub(crate) fn new(session: &Session, args: &NewArgs) -> Result<ExitCode> {
    let options = Box::new(facts(session, args)?);
    let path = &args.project;
    let existed = path.exists();
    let engine = if existed {
        let engine = Engine::open(path, session.options()?)?;
        if !engine.state().datasets.is_empty() {
            return Err(yard_engine::ProjectError::Exists { path: path.clone() }.into());
        }
        engine
    } else {
        if !args.data.exists() {
            // Said before an empty project is made for it.
            yard_engine::profile_file(&args.data, None)?;
        }
        Engine::create(path, session.options()?)?
    };
    let done = match session.run(&engine, Command::ImportDataset { options }) {
        Ok(done) => done,
        Err(error) => {
            drop(engine);
            if !existed {
                let _ = std::fs::remove_file(path);
            }
            return Err(error);
        }
    };
    let state = engine.state();
    let mut result = serde_json::json!({
        "project": absolute(path)?, "dataset": state.dataset().map(|dataset| dataset.id),
        "frame": state.frame, "split": state.dataset().and_then(|own| state.splits.get(&own.id)),
    });
    for key in ["rows", "columns", "findings", "notes"] {
        result[key] = done.result[key].clone();
    }
    session.output.result(&result, || new_text(&state, path))?;
    Ok(ExitCode::SUCCESS)
}

fn facts(session: &Session, args: &NewArgs) -> Result<NewProject> {
    let floors = args.floors.iter().map(|text| floor(text)).collect::<Result<_>>()?;
    Ok(NewProject {
        data: absolute(&args.data)?,
        target: Some(args.target.clone()),
        positive: args.positive.clone(),
        task: args.task.map(|task| match task {
            TaskArg::Classification => Task::Binary,
            TaskArg::Regression => Task::Regression,
        }),
        id: args.id.clone(),
        time: args.time.clone(),
        group: args.group.clone(),
        weight: args.weight.clone(),
        sensitive: args.sensitive.clone(),
        drop: args.drop.clone(),
        split_column: args.split_column.clone(),
        cost_fp: args.cost_fp,
        cost_fn: args.cost_fn,
        metric: args.metric.clone(),
        floors,
        latency_budget_ms: args.latency_budget,
        decision: args.decision.clone(),
        seed: session.seed(),
    })
}

fn floor(text: &str) -> Result<Floor> {
    let parsed = text.split_once('=').and_then(|(metric, value)| {
        yard_types::metric::metric_info(metric)?;
        Some(Floor { metric: metric.to_owned(), value: value.parse().ok()? })
    });
    parsed.ok_or_else(|| {
        Usage(format!("--floor is \"{text}\"; expected METRIC=VALUE, e.g. roc_auc=0.8")).into()
    })
}

fn new_text(state: &ProjectState, path: &Path) -> String {
    let mut out = format!("{}\n", path.display());
    let Some(dataset) = state.dataset() else { return out };
    add!(
        out,
        "  data      {}: {} rows, {} columns, {} findings\n",
        dataset.name,
        count(dataset.profile.rows),
        dataset.profile.columns.len(),
        dataset.profile.findings.len()
    );
    if let Some(frame) = &state.frame {
        let question = match (&frame.positive, frame.task) {
            (Some(positive), _) => format!("{} = {positive}", frame.target),
            (None, Task::Regression) => format!("{}, a number", frame.target),
            (None, _) => format!("{}, one of {} classes", frame.target, frame.classes.len()),
        };
        add!(out, "  target    {question}\n  metric    {}\n", frame.metric);
        if let Some(costs) = frame.costs {
            add!(
                out,
                "  costs     false positive {}, false negative {}: act at a probability of {:.3}\n",
                costs.false_positive,
                costs.false_negative,
                frame.threshold()
            );
        }
    }
    if let Some(split) = state.splits.get(&dataset.id) {
        let counts = split.counts;
        add!(
            out,
            "  split     {} train, {} validation, {} test rows\n",
            count(counts.train),
            count(counts.validation),
            count(counts.test)
        );
        for note in &split.notes {
            add!(out, "  note      {note}\n");
        }
    }
    let stated = dataset.profile.findings.iter().filter(|own| own.severity != Severity::Info);
    for finding in stated.take(MOST_FINDINGS) {
        add!(out, "  finding   {}\n", finding.message);
    }
    out
}
