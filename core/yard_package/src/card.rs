//! The model card in Markdown, made of the facts that the package holds.
//! Sections after Mitchell et al. (2019), "Model cards for model reporting", doi:10.1145/3287560.3287596.

use crate::lineage::Lineage;
use std::fmt::Write as _;
use yard_types::{
    contract::Contract,
    evaluation::{Evaluation, Fairness},
    frame::{Frame, Task},
    ids::Sha256,
    metric::{MetricValue, metric_info},
};

/// What a card is made of.
#[derive(Clone, Copy, Debug)]
pub struct CardFacts<'a> {
    /// Contract.
    pub contract: &'a Contract,
    /// Frame.
    pub frame: &'a Frame,
    /// Evaluations, the most telling one first.
    pub evaluations: &'a [Evaluation],
    /// Lineage.
    pub lineage: &'a Lineage,
    /// Version within the project.
    pub version: u64,
    /// Identity of the model.
    pub model_sha256: Sha256,
}

/// Renders the card.
pub fn render(facts: &CardFacts<'_>) -> String {
    let mut out = String::new();
    model_section(&mut out, facts);
    use_section(&mut out, facts.frame);
    data_section(&mut out, facts);
    evaluation_section(&mut out, facts.evaluations);
    limits_section(&mut out, facts);
    out
}

/// Returns the lines of figures that a card of these evaluations must hold but this one does not.
pub fn missing_figures(card: &str, evaluations: &[Evaluation]) -> Vec<String> {
    let lines: std::collections::BTreeSet<&str> = card.lines().collect();
    let expected = evaluations.iter().flat_map(metric_lines);
    expected.filter(|line| !lines.contains(line.as_str())).collect()
}

/// Text of users on one line, safe inside a table.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('|', "\\|")
        .trim()
        .to_owned()
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn table(out: &mut String, head: &str, rows: &[String]) {
    line(out, head);
    line(out, &format!("|{}", "---|".repeat(head.matches('|').count() - 1)));
    for row in rows {
        line(out, row);
    }
    out.push('\n');
}

fn task_word(task: Task) -> &'static str {
    match task {
        Task::Binary => "binary classification",
        Task::Multiclass => "multi-class classification",
        Task::Regression => "regression",
    }
}

fn model_section(out: &mut String, facts: &CardFacts<'_>) {
    let CardFacts { contract, lineage, .. } = facts;
    line(out, &format!("# {} version {}\n", contract.name, facts.version));
    let params: Vec<String> =
        lineage.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let rows = [
        ("Task", task_word(contract.task).to_owned()),
        ("Target", plain(&contract.target)),
        ("Classes", plain(&contract.classes.join(", "))),
        ("Family", lineage.run.family.word().to_owned()),
        ("Hyperparameters", plain(&params.join(", "))),
        ("Seed", lineage.run.seed.to_string()),
        ("Trained", plain(&format!("{} on {}", lineage.trained_at, lineage.device))),
        ("Model SHA-256", facts.model_sha256.to_hex()),
    ];
    let rows: Vec<String> = rows
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("| {name} | {value} |"))
        .collect();
    table(out, "| Model | |", &rows);
}

fn use_section(out: &mut String, frame: &Frame) {
    line(out, "## Intended use\n");
    line(out, &format!("- Decision: {}", plain(&frame.decision)));
    line(out, &format!("- One row is: {}", plain(&frame.unit)));
    if frame.task == Task::Binary {
        let costs = frame.costs_or_default();
        let stated = if frame.costs.is_some() { "" } else { " (not stated; 1 and 1 are assumed)" };
        line(out, &format!("- Acting means: {}", plain(&frame.action)));
        line(
            out,
            &format!(
                "- Costs in {}: false positive {}, false negative {}{stated}",
                plain(&frame.cost_unit),
                costs.false_positive,
                costs.false_negative
            ),
        );
        line(out, &format!("- Act at a probability of {} or more", number(frame.threshold(), 4)));
    }
    out.push('\n');
}

fn data_section(out: &mut String, facts: &CardFacts<'_>) {
    let CardFacts { contract, lineage, .. } = facts;
    line(out, "## Training data\n");
    line(out, &format!("- Dataset: {}, {} rows", plain(&lineage.dataset), lineage.rows));
    line(out, &format!("- Fingerprint: {}", plain(&lineage.fingerprint)));
    line(out, &format!("- Split: {}\n", plain(&lineage.split)));
    let rows: Vec<String> = contract
        .fields
        .iter()
        .map(|field| {
            let range = match (field.min, field.max) {
                (Some(min), Some(max)) => format!("{} to {}", number(min, 4), number(max, 4)),
                _ if field.categories.is_empty() => String::new(),
                _ => format!("{} categories", field.categories.len()),
            };
            format!("| {} | {} | {range} |", plain(&field.name), field.field_type.word())
        })
        .collect();
    table(out, "| Field | Type | Seen in training |", &rows);
    for step in &lineage.recipe {
        line(out, &format!("- {}", plain(step)));
    }
    if !lineage.recipe.is_empty() {
        out.push('\n');
    }
}

fn evaluation_section(out: &mut String, evaluations: &[Evaluation]) {
    for evaluation in evaluations {
        line(out, &format!("## Evaluation on {} rows ({})\n", plain(&evaluation.split), evaluation.rows));
        table(out, "| Metric | Value | 95 % interval |", &metric_lines(evaluation));
        if let Some(cost) = &evaluation.expected_cost {
            line(
                out,
                &format!(
                    "Expected cost per row: {}; doing nothing {}, always acting {}.\n",
                    interval(&cost.model, 4),
                    number(cost.do_nothing, 4),
                    number(cost.always, 4)
                ),
            );
        }
        slices(out, evaluation);
        evaluation.fairness.iter().for_each(|fairness| fairness_table(out, fairness));
    }
}

/// Returns one table row per metric.
fn metric_lines(evaluation: &Evaluation) -> Vec<String> {
    let rows = evaluation.metrics.iter().filter(|(_, metric)| metric.value.is_finite());
    rows.map(|(name, metric)| {
        let info = metric_info(name);
        let decimals = info.map_or(4, |info| info.decimals + 1);
        let label = info.map_or_else(|| plain(name), |info| info.label.to_owned());
        let bounds = match (metric.low, metric.high) {
            (Some(low), Some(high)) => format!("{} to {}", number(low, decimals), number(high, decimals)),
            _ => String::new(),
        };
        format!("| {label} | {} | {bounds} |", number(metric.value, decimals))
    })
    .collect()
}

fn slices(out: &mut String, evaluation: &Evaluation) {
    let worse: Vec<String> = evaluation
        .slices
        .iter()
        .filter(|slice| slice.worse)
        .take(5)
        .map(|slice| format!("| {} | {} |", plain(&slice.name), slice.rows))
        .collect();
    if !worse.is_empty() {
        line(out, "Slices that are worse than the whole beyond noise:\n");
        table(out, "| Slice | Rows |", &worse);
    }
}

fn fairness_table(out: &mut String, fairness: &Fairness) {
    let rate = |rate: Option<f64>| rate.map_or_else(|| "undefined".to_owned(), |rate| number(rate, 3));
    line(out, &format!("Fairness by {}:\n", plain(&fairness.column)));
    let rows: Vec<String> = fairness
        .groups
        .iter()
        .map(|group| {
            let small = if group.small { " (small)" } else { "" };
            format!(
                "| {}{small} | {} | {} | {} | {} |",
                plain(&group.group),
                group.rows,
                rate(group.selection_rate),
                rate(group.tpr),
                rate(group.fpr)
            )
        })
        .collect();
    table(out, "| Group | Rows | Selection rate | True positive rate | False positive rate |", &rows);
    let (parity, odds) = (fairness.demographic_parity_difference, fairness.equalized_odds_difference);
    line(
        out,
        &format!(
            "Demographic parity difference {}, equalized odds difference {}.\n",
            rate(parity),
            rate(odds)
        ),
    );
}

fn limits_section(out: &mut String, facts: &CardFacts<'_>) {
    line(out, "## Limits\n");
    line(
        out,
        "- Values outside the ranges above and unseen categories are scored, but were not seen in training.",
    );
    line(
        out,
        "- Missing values are scored; the more fields are missing, the closer the answer is to the average.",
    );
    let small =
        facts.evaluations.iter().flat_map(|e| &e.fairness).flat_map(|f| &f.groups).filter(|g| g.small);
    let small = small.count();
    if small > 0 {
        line(out, &format!("- {small} groups are too small for a reliable statement on fairness."));
    }
    if facts.frame.protected.is_empty() {
        line(out, "- No protected columns were named, so fairness was not examined.");
    }
}

fn interval(metric: &MetricValue, decimals: usize) -> String {
    let mut out = number(metric.value, decimals);
    if let (Some(low), Some(high)) = (metric.low, metric.high) {
        // Writing to a String can't fail.
        let _ = write!(out, " (95 % interval {} to {})", number(low, decimals), number(high, decimals));
    }
    out
}

/// Returns a number with fixed decimals, without trailing zeros.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
