//! `evaluate`, `gate` and `retrain`.

use super::{Session, absolute, choice, train::metrics_text};
use crate::{
    args::{ModelArg, ProjectArgs},
    output::{TextTable, bytes, count, number},
};
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use yard_types::{
    command::Command,
    evaluation::Evaluation,
    gate::{Gate, GateReport},
};

/// Evaluates a model.
pub(crate) fn evaluate(
    session: &Session,
    project: &ProjectArgs,
    model: &ModelArg,
    data: Option<&Path>,
) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let data = data.map(absolute).transpose()?;
    let done = session.run(&engine, Command::Evaluate { model: choice(&model.model)?, data })?;
    let evaluation: Evaluation = serde_json::from_value(done.result.clone())?;
    let card = &done.result["scorecard"];
    session.output.result(&done.result, || evaluation_text(&evaluation) + &scorecard_text(card))?;
    Ok(ExitCode::SUCCESS)
}

/// Renders the points of a scorecard; nothing for other families.
fn scorecard_text(card: &Value) -> String {
    let Some(lines) = card["lines"].as_array() else { return String::new() };
    let mut table = TextTable::new(&["field", "value", "points", "share of rows"]);
    for line in lines {
        for (place, row) in line["rows"].as_array().into_iter().flatten().enumerate() {
            let name = if place == 0 { line["feature"].as_str().unwrap_or_default() } else { "" };
            table.row(vec![
                name.to_owned(),
                row["bin"].as_str().unwrap_or_default().to_owned(),
                row["points"].to_string(),
                format!("{:.1} %", row["share"].as_f64().unwrap_or_default() * 100.0),
            ]);
        }
    }
    let meaning = match card["doubling"].as_f64() {
        Some(points) => format!("{points:.1} points double the odds"),
        None => format!("a point is {} of the target", card["point"]),
    };
    format!("\nscorecard: {} points and those below; {meaning}\n{}", card["base"], table.render())
}

/// Renders an evaluation.
pub(crate) fn evaluation_text(own: &Evaluation) -> String {
    let mut out = format!("model {} on {} rows ({})\n", own.model, count(own.rows), own.split);
    out.push_str(&metrics_text(&own.metrics));
    if let (Some(cost), Some(threshold)) = (&own.expected_cost, own.threshold) {
        add!(
            out,
            "  acting at {threshold:.3}: cost per row {:.4}; never acting {:.4}, always acting {:.4}{}\n",
            cost.model.value,
            cost.do_nothing,
            cost.always,
            cost.best_rule
                .as_ref()
                .map_or_else(String::new, |rule| format!(", best rule ({}) {:.4}", rule.rule, rule.cost))
        );
    }
    if let Some(confusion) = &own.confusion {
        out.push_str(&confusion_text(&confusion.labels, &confusion.counts));
    }
    let worse: Vec<String> = own
        .slices
        .iter()
        .filter(|slice| slice.worse)
        .take(5)
        .map(|slice| format!("{} ({} rows)", slice.name, slice.rows))
        .collect();
    if !worse.is_empty() {
        add!(out, "  worse than the whole beyond noise: {}\n", worse.join("; "));
    }
    for fairness in &own.fairness {
        let rate =
            |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), |value| number(value, 3));
        add!(
            out,
            "  fairness by {}: demographic parity difference {}, equalized odds difference {}\n",
            fairness.column,
            rate(fairness.demographic_parity_difference),
            rate(fairness.equalized_odds_difference)
        );
    }
    let important: Vec<String> =
        own.importance.iter().take(5).map(|field| format!("{} {:.4}", field.field, field.value)).collect();
    if !important.is_empty() {
        add!(out, "  most important: {}\n", important.join(", "));
    }
    if let Some(latency) = own.latency {
        add!(
            out,
            "  one row in process: p50 {:.1} µs, p99 {:.1} µs; model {}\n",
            latency.p50_us,
            latency.p99_us,
            bytes(own.size_bytes)
        );
    }
    out
}

fn confusion_text(labels: &[String], counts: &[Vec<u64>]) -> String {
    let mut head = vec!["   true \\ predicted"];
    head.extend(labels.iter().map(String::as_str));
    let mut table = TextTable::new(&head);
    for (label, row) in labels.iter().zip(counts) {
        table.row(std::iter::once(format!("   {label}")).chain(row.iter().map(|n| count(*n))).collect());
    }
    table.render()
}

/// Checks gates; a required gate that says no is exit code 1.
pub(crate) fn gate(
    session: &Session,
    project: &ProjectArgs,
    model: &ModelArg,
    junit: Option<&Path>,
) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let done = session.run(&engine, Command::CheckGates { model: choice(&model.model)? })?;
    let report: GateReport = serde_json::from_value(done.result.clone())?;
    if let Some(path) = junit {
        std::fs::write(path, junit_xml(&report)).map_err(|error| {
            anyhow::anyhow!("could not write the JUnit file ({error}): \"{}\"", path.display())
        })?;
    }
    session.output.result(&done.result, || gates_text(&report))?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Renders a gate report.
pub(crate) fn gates_text(report: &GateReport) -> String {
    let champion =
        report.champion.map_or_else(|| "no champion".to_owned(), |id| format!("champion: model {id}"));
    let word = if report.ok { "passed" } else { "failed" };
    format!("gates of model {} {word} ({champion})\n{}", report.model, gate_lines(&report.gates))
}

/// Renders gates, one line each.
pub(crate) fn gate_lines(gates: &[Gate]) -> String {
    let line = |gate: &Gate| {
        let mark = match (gate.ok, gate.required) {
            (true, _) => "pass",
            (false, true) => "FAIL",
            (false, false) => "note",
        };
        format!("  {mark}  {:<16} {}\n", gate.name, gate.detail)
    };
    gates.iter().map(line).collect()
}

fn junit_xml(report: &GateReport) -> String {
    let failures = report.gates.iter().filter(|gate| gate.required && !gate.ok).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"gates of model {}\" tests=\"{}\" failures=\"{failures}\">\n",
        report.model,
        report.gates.len()
    );
    for gate in &report.gates {
        let (name, detail) = (escaped(&gate.name), escaped(&gate.detail));
        add!(out, "  <testcase classname=\"gate\" name=\"{name}\">");
        if gate.required && !gate.ok {
            add!(out, "<failure message=\"{detail}\"/>");
        } else {
            add!(out, "<system-out>{detail}</system-out>");
        }
        out.push_str("</testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Retrains; gates that say no are exit code 1.
pub(crate) fn retrain(session: &Session, project: &ProjectArgs, command: Command) -> Result<ExitCode> {
    let engine = session.open(&project.project)?;
    let done = session.run(&engine, command)?;
    session.output.result(&done.result, || {
        let gates: Vec<Gate> = serde_json::from_value(done.result["gates"].clone()).unwrap_or_default();
        format!("{}\n{}", done.message, gate_lines(&gates))
    })?;
    Ok(if done.result["passed"] == json!(true) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use yard_types::ids::ModelId;

    #[test]
    fn junit_counts_required_failures_and_escapes() {
        let gate = |name: &str, ok, required| Gate {
            name: name.into(),
            ok,
            detail: "a < b & \"c\"".into(),
            required,
        };
        let gates = vec![
            gate("quality", false, true),
            gate("fairness sex", false, false),
            gate("golden", true, true),
        ];
        let report = GateReport { model: ModelId(2), champion: None, ok: false, gates };
        let xml = junit_xml(&report);
        assert!(xml.contains("tests=\"3\" failures=\"1\""), "{xml}");
        assert!(xml.contains("<failure message=\"a &lt; b &amp; &quot;c&quot;\"/>"), "{xml}");
        assert_eq!(xml.matches("<failure").count(), 1);
    }
}
