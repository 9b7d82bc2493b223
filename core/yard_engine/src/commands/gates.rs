//! Gates: what a challenger must show before it may serve. Quality and cost are compared with the
//! champion's on the same held-out rows by a paired bootstrap.

use crate::{
    engine::Core,
    error::EngineError,
    jobs::{Done, JobContext},
    models::{self, Loaded},
    tables,
};
use yard_metrics::{
    BinaryRows, Decision, MulticlassRows, RegressionRows, Rows as MetricRows,
    bootstrap::{Bootstrap, paired_difference},
};
use yard_score::{encode::Rows, model::ScorerParts, predictions::Predictions};
use yard_types::{
    command::ModelChoice,
    evaluation::Evaluation,
    event::Event,
    frame::{Frame, Task},
    gate::{Gate, GateReport},
    ids::ModelId,
    metric::{Direction, metric_info},
};

/// Resamples of the paired comparison.
const RESAMPLES: u32 = 1_000;

/// Checks the gates and commits the report.
pub(crate) fn check(core: &Core, context: &JobContext, choice: ModelChoice) -> Result<Done, EngineError> {
    let report = report(core, context, choice)?;
    let result = serde_json::to_value(&report).map_err(EngineError::failed)?;
    let passed = report.gates.iter().filter(|gate| gate.ok).count();
    let word = if report.ok { "passed" } else { "failed" };
    let message = format!("Gates {word} for model {}: {passed} of {}", report.model, report.gates.len());
    Ok(Done::new(message, result))
}

/// Checks the gates, commits the report and returns it.
pub(crate) fn report(
    core: &Core,
    context: &JobContext,
    choice: ModelChoice,
) -> Result<GateReport, EngineError> {
    let model = models::load(core, context, choice)?;
    context.phase("checking gates");
    let state = core.state();
    let id = model.record.id;
    let evaluation = ["test", "validation"].into_iter().find_map(|part| state.evaluation(id, part).cloned());
    let champion = state.champion().filter(|champion| *champion != id && champion.0 != 0);
    let mut gates = Vec::new();
    match champion {
        Some(champion) => compare(core, &model, champion, &mut gates)?,
        None => gates.push(gate("quality", true, "there is no champion to compare with".to_owned())),
    }
    gates.extend(floors(&model.frame, evaluation.as_ref()));
    gates.extend(latency(&model.frame, evaluation.as_ref()));
    let package = super::package::bytes_of(core, &model)?;
    gates.push(golden(&package));
    if let Some(limit) = model.frame.size_budget_bytes {
        let bytes = package.len() as u64;
        gates.push(gate("size", bytes <= limit, format!("package of {bytes} bytes; at most {limit}")));
    }
    if let (Some(evaluation), Some(champion)) = (&evaluation, champion) {
        gates.extend(fairness(evaluation, state.evaluation(champion, "test")));
    }
    let ok = gates.iter().all(|gate| gate.ok || !gate.required);
    let report = GateReport { model: id, champion, ok, gates };
    let event = Event::GateChecked { report: Box::new(report.clone()) };
    core.commit(context.command, &[], vec![event])?;
    Ok(report)
}

fn gate(name: &str, ok: bool, detail: String) -> Gate {
    Gate { name: name.to_owned(), ok, detail, required: true }
}

/// Quality and expected cost on the challenger's held-out rows, both models scored by the one scorer.
fn compare(core: &Core, model: &Loaded, champion: ModelId, gates: &mut Vec<Gate>) -> Result<(), EngineError> {
    let state = core.state();
    let record = models::record(&state, ModelChoice::Id(champion))?;
    let parts = models::parts(core, &record)?;
    let held_out = if model.split.test.is_empty() { &model.split.validation } else { &model.split.test };
    let truth = Truth::read(model, held_out)?;
    let old = scores(&parts, model, &truth.rows)?;
    let new = scores(&model.parts, model, &truth.rows)?;
    let threshold = state.threshold(model.record.id);
    let decision = Decision { costs: model.frame.costs_or_default(), threshold };
    let mut metrics = vec![("quality", model.frame.metric.as_str())];
    if model.frame.task == Task::Binary
        && model.frame.costs.is_some()
        && model.frame.metric != "expected_cost"
    {
        metrics.push(("expected_cost", "expected_cost"));
    }
    for (name, metric) in metrics {
        gates.push(paired(name, metric, (&truth, &decision), (&old, &new))?);
    }
    Ok(())
}

fn paired(
    name: &str,
    metric: &str,
    (truth, decision): (&Truth, &Decision),
    (old, new): (&Predictions, &Predictions),
) -> Result<Gate, EngineError> {
    let bootstrap = Bootstrap { resamples: RESAMPLES, seed: 0 };
    let difference = truth.with_rows(old, |old| {
        truth.with_rows(new, |new| {
            paired_difference(old, new, decision, metric, &bootstrap).map_err(EngineError::failed)
        })
    })?;
    let bounds = match (difference.low, difference.high) {
        (Some(low), Some(high)) => format!(", 95 % interval {low:+.4} to {high:+.4}"),
        _ => String::new(),
    };
    let detail = format!(
        "{metric} {:.4} against the champion's {:.4} on {} rows: difference {:+.4}{bounds}; must not be worse beyond noise",
        difference.challenger,
        difference.champion,
        truth.rows.len(),
        difference.difference
    );
    Ok(gate(name, !difference.worse_beyond_noise(), detail))
}

fn scores(parts: &ScorerParts, model: &Loaded, rows: &[u32]) -> Result<Predictions, EngineError> {
    models::scorer(parts)?.score_rows(&model.table, Rows::List(rows)).map_err(EngineError::failed)
}

/// Truth of held-out rows; rows without a usable target are left out.
struct Truth {
    task: Task,
    classes: usize,
    rows: Vec<u32>,
    codes: Vec<usize>,
    values: Vec<f64>,
}

impl Truth {
    fn read(model: &Loaded, rows: &[u32]) -> Result<Self, EngineError> {
        let target = yard_data::target(&model.table, &model.dataset.schema, &model.frame)
            .map_err(tables::data_error)?;
        let usable = |row: &&u32| target.dropped.binary_search(row).is_err();
        let rows: Vec<u32> = rows.iter().filter(usable).copied().collect();
        Ok(Self {
            task: model.frame.task,
            classes: target.classes.len(),
            codes: rows
                .iter()
                .filter_map(|row| target.codes.get(*row as usize))
                .map(|code| *code as usize)
                .collect(),
            values: rows.iter().filter_map(|row| target.values.get(*row as usize)).copied().collect(),
            rows,
        })
    }

    /// Hands truth and scores to `act` in the form of the metrics.
    fn with_rows<T>(
        &self,
        scores: &Predictions,
        act: impl FnOnce(MetricRows<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        match self.task {
            Task::Binary => {
                let y: Vec<u8> = self.codes.iter().map(|code| *code as u8).collect();
                let p = scores.class_probabilities(1);
                act(MetricRows::Binary(BinaryRows::new(&y, &p).map_err(EngineError::failed)?))
            }
            Task::Multiclass => {
                let rows = MulticlassRows::new(&self.codes, &scores.probabilities, self.classes);
                act(MetricRows::Multiclass(rows.map_err(EngineError::failed)?))
            }
            Task::Regression => {
                let rows = RegressionRows::new(&self.values, &scores.margins);
                act(MetricRows::Regression(rows.map_err(EngineError::failed)?))
            }
        }
    }
}

fn floors(frame: &Frame, evaluation: Option<&Evaluation>) -> Vec<Gate> {
    let check = |floor: &yard_types::frame::Floor| {
        let value = evaluation.map_or(f64::NAN, |own| own.metric(&floor.metric));
        let lower = metric_info(&floor.metric).is_some_and(|info| info.direction == Direction::Lower);
        let (ok, word) =
            if lower { (value <= floor.value, "at most") } else { (value >= floor.value, "at least") };
        gate(&format!("floor {}", floor.metric), ok, format!("{value:.4}; {word} {}", floor.value))
    };
    frame.floors.iter().map(check).collect()
}

fn latency(frame: &Frame, evaluation: Option<&Evaluation>) -> Option<Gate> {
    let budget = frame.latency_budget_ms?;
    let latency = evaluation?.latency?;
    let ms = latency.p99_us / 1e3;
    let detail = format!("p99 of one row in process {ms:.3} ms; budget {budget} ms");
    Some(gate("latency", ms <= budget, detail))
}

fn golden(package: &[u8]) -> Gate {
    let report = yard_package::verify(package);
    let failed = report.claims.iter().find(|claim| !claim.ok);
    let detail = match failed {
        Some(claim) => format!("{}: {}", claim.name, claim.detail),
        None => {
            format!("{} of {} golden examples have the same bits", report.golden.equal, report.golden.total)
        }
    };
    gate("golden", report.ok, detail)
}

/// Told, not required: the law and the frame decide what difference is tolerable.
fn fairness(evaluation: &Evaluation, champion: Option<&Evaluation>) -> Vec<Gate> {
    let before = |column: &str| {
        champion
            .and_then(|own| own.fairness.iter().find(|fairness| fairness.column == column))
            .and_then(|own| own.equalized_odds_difference)
    };
    let check = |own: &yard_types::evaluation::Fairness| {
        let now = own.equalized_odds_difference?;
        let old = before(&own.column)?;
        let detail = format!("equalized odds difference by {} {now:.3}, the champion's {old:.3}", own.column);
        Some(Gate { required: false, ..gate(&format!("fairness {}", own.column), now <= old + 0.05, detail) })
    };
    evaluation.fairness.iter().filter_map(check).collect()
}
