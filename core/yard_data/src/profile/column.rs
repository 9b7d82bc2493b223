//! Statistics of one column. Quantiles by definition 7 of Hyndman and Fan (1996,
//! doi:10.1080/00031305.1996.10473566), as numpy; standard deviation with n − 1; skewness g1.

use super::{Figures, TargetView};
use crate::text::cell_text;
use yard_metrics::{interval::quantile_sorted, sum};
use yard_types::{
    profile::{ColumnProfile, Histogram, TopValue},
    schema::Field,
    table::{Column, FieldValue, TextColumn},
};

const TOP: usize = 20;
const BINS: usize = 20;

/// Computes the statistics of a column.
pub(super) fn figures(field: &Field, column: &Column, view: Option<&TargetView>) -> Figures {
    let mut profile = ColumnProfile {
        name: field.name.clone(),
        field_type: field.field_type,
        missing: 0,
        distinct: 0,
        mean: None,
        sd: None,
        min: None,
        q25: None,
        median: None,
        q75: None,
        max: None,
        top: Vec::new(),
        histogram: None,
        alone: None,
    };
    if let Column::Text(text) = column {
        words(&mut profile, text, view);
        return Figures { profile, sorted: Vec::new(), skewness: None };
    }
    let (mut sorted, mut infinities) = (Vec::with_capacity(column.len()), [0_u64; 2]);
    for row in 0..column.len() {
        match as_number(column, row) {
            None => profile.missing += 1,
            Some(number) if number.is_infinite() => infinities[usize::from(number > 0.0)] += 1,
            Some(number) => sorted.push(number + 0.0),
        }
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let skewness = moments(&mut profile, &sorted);
    let runs = runs(&sorted, infinities);
    profile.distinct = runs.len() as u64;
    profile.top = top_numbers(field, column, &runs);
    profile.histogram = histogram(column, &sorted, view);
    Figures { profile, sorted, skewness }
}

/// Returns the number (or microseconds) of a row; `None` when missing or text.
pub(super) fn as_number(column: &Column, row: usize) -> Option<f64> {
    match column.value(row) {
        FieldValue::Number(number) => Some(number),
        FieldValue::Instant(micros) => Some(micros as f64),
        FieldValue::Missing | FieldValue::Text(_) => None,
    }
}

fn words(profile: &mut ColumnProfile, text: &TextColumn, view: Option<&TargetView>) {
    let mut counts = vec![0_u64; text.words.len()];
    for code in &text.codes {
        match counts.get_mut(*code as usize) {
            Some(count) => *count += 1,
            None => profile.missing += 1,
        }
    }
    let mut found: Vec<(u64, &String, usize)> = counts
        .iter()
        .zip(&text.words)
        .enumerate()
        .map(|(code, (count, word))| (*count, word, code))
        .filter(|(count, ..)| *count > 0)
        .collect();
    profile.distinct = found.len() as u64;
    let order =
        |a: &(u64, &String, usize), b: &(u64, &String, usize)| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1));
    if found.len() > TOP {
        found.select_nth_unstable_by(TOP, order);
        found.truncate(TOP);
    }
    found.sort_by(order);
    profile.histogram = view.filter(|view| view.has_positive()).map(|view| {
        let mut positive = vec![0_u64; text.words.len()];
        for (_, code) in text.codes.iter().enumerate().filter(|(row, _)| view.positive(*row)) {
            if let Some(count) = positive.get_mut(*code as usize) {
                *count += 1;
            }
        }
        Histogram {
            edges: Vec::new(),
            counts: found.iter().map(|(count, ..)| *count).collect(),
            positive: found.iter().map(|(.., code)| positive[*code]).collect(),
        }
    });
    let top = |(count, value, _): (u64, &String, usize)| TopValue { value: value.clone(), count };
    profile.top = found.into_iter().map(top).collect();
}

/// Fills mean, deviation and quantiles; returns the skewness.
fn moments(profile: &mut ColumnProfile, sorted: &[f64]) -> Option<f64> {
    profile.min = sorted.first().copied();
    profile.max = sorted.last().copied();
    profile.q25 = quantile_sorted(sorted, 0.25);
    profile.median = quantile_sorted(sorted, 0.5);
    profile.q75 = quantile_sorted(sorted, 0.75);
    let mean = sum::mean(sorted)?;
    profile.mean = Some(mean);
    let n = sorted.len() as f64;
    let power = |k: i32| sum::sum_by(sorted.len(), |at| (sorted[at] - mean).powi(k));
    let squares = power(2);
    if sorted.len() > 1 {
        profile.sd = Some((squares / (n - 1.0)).sqrt());
    }
    let sd = (squares / n).sqrt();
    (sd > 0.0 && sd.is_finite()).then(|| power(3) / n / sd.powi(3))
}

/// Distinct values with their counts, ascending, infinities included.
fn runs(sorted: &[f64], infinities: [u64; 2]) -> Vec<(f64, u64)> {
    let mut out: Vec<(f64, u64)> = Vec::new();
    if infinities[0] > 0 {
        out.push((f64::NEG_INFINITY, infinities[0]));
    }
    for value in sorted {
        match out.last_mut() {
            Some((last, count)) if last == value => *count += 1,
            _ => out.push((*value, 1)),
        }
    }
    if infinities[1] > 0 {
        out.push((f64::INFINITY, infinities[1]));
    }
    out
}

fn top_numbers(field: &Field, column: &Column, runs: &[(f64, u64)]) -> Vec<TopValue> {
    let mut order: Vec<usize> = (0..runs.len()).collect();
    let by = |a: &usize, b: &usize| runs[*b].1.cmp(&runs[*a].1).then(a.cmp(b));
    if order.len() > TOP {
        order.select_nth_unstable_by(TOP, by);
        order.truncate(TOP);
    }
    order.sort_by(by);
    let text = |number: f64| {
        let value = if matches!(column, Column::Instant(_)) {
            FieldValue::Instant(number as i64)
        } else {
            FieldValue::Number(number)
        };
        cell_text(field, value).unwrap_or_default()
    };
    order.into_iter().map(|at| TopValue { value: text(runs[at].0), count: runs[at].1 }).collect()
}

fn histogram(column: &Column, sorted: &[f64], view: Option<&TargetView>) -> Option<Histogram> {
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    let edges = if low == high {
        vec![low, high]
    } else {
        // Halves keep the width finite for ranges beyond the largest f64.
        let width = high / BINS as f64 - low / BINS as f64;
        (0..=BINS).map(|at| if at == BINS { high } else { low + width * at as f64 }).collect()
    };
    let bins = edges.len() - 1;
    let bin = |value: f64| edges.partition_point(|edge| *edge <= value).clamp(1, bins) - 1;
    let mut counts = vec![0; bins];
    for value in sorted {
        counts[bin(*value)] += 1;
    }
    let mut positive = Vec::new();
    if let Some(view) = view.filter(|view| view.has_positive()) {
        positive = vec![0; bins];
        for row in 0..column.len() {
            let finite = as_number(column, row).filter(|number| number.is_finite());
            if let Some(number) = finite.filter(|_| view.positive(row)) {
                positive[bin(number)] += 1;
            }
        }
    }
    Some(Histogram { edges, counts, positive })
}
