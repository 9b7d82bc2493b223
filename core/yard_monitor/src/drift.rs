//! Drift figures of one window.

use crate::{input::WindowInput, report::MonitorInput};
use std::collections::BTreeMap;
use yard_metrics::{
    MetricsError,
    drift::benjamini_hochberg,
    sketch::{RateCheck, ReferenceSketch, SCORE_FIELD, SketchCounts, compare, missing_check, unseen_check},
};
use yard_types::{evaluation::Importance, monitor::DriftFigure};

/// Returns each field's share of the summed importance (negative ones count as 0); equal shares over
/// `fields` when no importance is known.
pub(crate) fn importance_shares(
    importance: &[Importance],
    fields: &[ReferenceSketch],
) -> BTreeMap<String, f64> {
    let total: f64 = importance.iter().map(|field| field.value.max(0.0)).sum();
    if total > 0.0 {
        return importance.iter().map(|field| (field.field.clone(), field.value.max(0.0) / total)).collect();
    }
    let share = 1.0 / fields.len().max(1) as f64;
    fields.iter().map(|field| (field.field.clone(), share)).collect()
}

/// Returns the figures of a window: the index of the score and of each field, then missing and unseen
/// rates of each field.
pub(crate) fn figures(
    input: &MonitorInput<'_>,
    window: &WindowInput,
    shares: &BTreeMap<String, f64>,
) -> Result<Vec<DriftFigure>, MetricsError> {
    let score = window.score.iter().map(|counts| (SCORE_FIELD, &input.reference.score, counts));
    let fields = input.reference.fields.iter().filter_map(|reference| {
        let counts = window.fields.get(&reference.field)?;
        Some((reference.field.as_str(), reference, counts))
    });
    let pairs: Vec<Pair<'_>> = score.chain(fields).collect();
    for (field, reference, counts) in &pairs {
        let (expected, got) = (reference.layout.bins(), counts.bins.len());
        if expected != got || reference.counts.bins.len() != expected {
            return Err(MetricsError::Bins { field: (*field).to_owned(), expected, got });
        }
    }
    let judged = window.requests >= input.rules.min_rows;
    let mut figures = index_figures(&pairs, input.rules.drift_level);
    // The level is for the window: each field gets its part (Bonferroni).
    let level = input.rules.rate_level / pairs.len().max(1) as f64;
    figures
        .extend(pairs.iter().filter(|pair| pair.0 != SCORE_FIELD).flat_map(|pair| rate_figures(pair, level)));
    for figure in &mut figures {
        figure.alert &= judged;
        if figure.field != SCORE_FIELD {
            figure.importance = shares.get(&figure.field).copied();
        }
    }
    Ok(figures)
}

type Pair<'a> = (&'a str, &'a ReferenceSketch, &'a SketchCounts);

fn index_figures(pairs: &[Pair<'_>], level: f64) -> Vec<DriftFigure> {
    let compared: Vec<_> = pairs
        .iter()
        .filter_map(|(field, reference, counts)| Some((*field, compare(reference, counts)?)))
        .collect();
    let p_values: Vec<f64> = compared.iter().map(|(_, found)| found.p_value).collect();
    compared
        .into_iter()
        .zip(benjamini_hochberg(&p_values))
        .map(|((field, found), p_value)| DriftFigure {
            field: field.to_owned(),
            method: "psi".to_owned(),
            value: found.value,
            threshold: found.threshold,
            alert: found.value > found.threshold && p_value <= level,
            reference: found.reference,
            current: found.current,
            bins: found.bins,
            importance: None,
        })
        .collect()
}

fn rate_figures(pair: &Pair<'_>, level: f64) -> impl Iterator<Item = DriftFigure> {
    let (field, reference, counts) = *pair;
    let figure = |method: &str, bin: &str, check: RateCheck| DriftFigure {
        field: field.to_owned(),
        method: method.to_owned(),
        value: check.value,
        threshold: check.threshold,
        alert: check.exceeds(),
        reference: vec![check.reference],
        current: vec![check.value],
        bins: vec![bin.to_owned()],
        importance: None,
    };
    let missing =
        missing_check(reference, counts, level).map(|check| figure("missing_rate", "missing", check));
    let unseen = unseen_check(reference, counts, level)
        .map(|check| figure("unseen_rate", "outside of the reference", check));
    missing.into_iter().chain(unseen)
}
