//! Time of one row in process, by the clock given.

use super::Work;
use yard_metrics::interval::quantile_sorted;
use yard_types::{
    evaluation::Latency,
    table::{Column, FieldValue},
};

const ROWS: usize = 250;
const ROUNDS: usize = 8;

/// Scores single rows again and again; `None` when a column is absent or the clock stands still.
pub(super) fn latency(work: &Work<'_>) -> Option<Latency> {
    let columns: Vec<&Column> =
        work.scorer.input_names().map(|name| work.input.table.column(name)).collect::<Option<_>>()?;
    let stride = work.part.rows.len().div_ceil(ROWS).max(1);
    let rows: Vec<Vec<FieldValue<'_>>> = work
        .part
        .rows
        .iter()
        .step_by(stride)
        .map(|row| columns.iter().map(|column| column.value(*row as usize)).collect())
        .collect();
    let clock = work.context.clock;
    let mut scratch = work.scorer.scratch();
    let mut times = Vec::with_capacity(rows.len() * ROUNDS);
    // The first round warms the caches and is not counted.
    for round in 0..=ROUNDS {
        for row in &rows {
            let start = clock();
            let margin = work.scorer.score_row(row, &mut scratch).ok()?.margins[0];
            let time = clock() - start;
            if round > 0 && std::hint::black_box(margin).is_finite() {
                times.push(time * 1e6);
            }
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| quantile_sorted(&times, q);
    let latency = Latency { p50_us: at(0.5)?, p95_us: at(0.95)?, p99_us: at(0.99)? };
    (latency.p99_us > 0.0).then_some(latency)
}
