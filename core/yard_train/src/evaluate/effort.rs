//! What a model costs in use: seconds that its evaluation will take, median time of a row, bytes.

use super::importance;
use std::hint::black_box;
use yard_metrics::interval::quantile_sorted;
use yard_score::{
    encode::Rows,
    model::{Model, ScorerParts, Tree},
    scorer::Scorer,
};
use yard_types::table::{Column, FieldValue, Table};

/// Rows scored one by one, and how often.
const SINGLE: usize = 32;
const ROUNDS: usize = 3;
/// Rows scored at once.
const BATCH: usize = 256;

/// Cost of a model in use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Effort {
    /// Seconds of the evaluation on one thread.
    pub(crate) seconds: f64,
    /// Median time of one row in microseconds.
    pub(crate) row_us: Option<f64>,
}

/// Measures a model on a few rows of a table and estimates its evaluation on parts of so many rows.
pub(crate) fn effort(
    parts: &ScorerParts,
    scorer: &Scorer,
    (table, rows): (&Table, &[u32]),
    evaluated: [usize; 2],
    clock: &(dyn Fn() -> f64 + Sync),
) -> Effort {
    let batch = &rows[..rows.len().min(BATCH)];
    let Ok(bound) = scorer.encoder().bind(table) else { return Effort::default() };
    let started = clock();
    let scored = scorer.score_bound(&bound, Rows::List(batch)).is_ok();
    let row = (clock() - started) / batch.len().max(1) as f64;
    let scorings: usize = evaluated.iter().map(|rows| importance::scorings(parts, scorer, *rows)).sum();
    let seconds = if scored { row * scorings as f64 } else { 0.0 };
    Effort { seconds, row_us: row_us(scorer, table, batch, clock) }
}

fn row_us(scorer: &Scorer, table: &Table, rows: &[u32], clock: &(dyn Fn() -> f64 + Sync)) -> Option<f64> {
    let columns: Vec<&Column> = scorer.input_names().map(|name| table.column(name)).collect::<Option<_>>()?;
    let mut scratch = scorer.scratch();
    let mut times = Vec::with_capacity(SINGLE * ROUNDS);
    // The first round warms the caches and is not counted.
    for round in 0..=ROUNDS {
        for row in rows.iter().take(SINGLE) {
            let fields: Vec<FieldValue<'_>> =
                columns.iter().map(|column| column.value(*row as usize)).collect();
            let started = clock();
            let margins = scorer.score_row(&fields, &mut scratch).ok()?.margins;
            let time = clock() - started;
            if round > 0 && black_box(margins).first().is_some_and(|margin| margin.is_finite()) {
                times.push(time * 1e6);
            }
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    quantile_sorted(&times, 0.5)
}

/// Returns the bytes of a model's arrays, as a package stores them.
pub(crate) fn model_bytes(model: &Model) -> u64 {
    let words = |tree: &Tree| {
        let nodes = 6 * tree.feature.len() + 2 * tree.leaf_value.len();
        nodes + tree.category_words.len()
    };
    match model {
        Model::Trees(trees) => {
            trees.trees.iter().map(|tree| (4 * words(tree) + tree.flags.len()) as u64).sum()
        }
        Model::Linear(model) => 4 * (model.weights.len() + model.bias.len()) as u64,
        Model::Net(net) => {
            net.layers.iter().map(|layer| 4 * (layer.weights.len() + layer.bias.len()) as u64).sum()
        }
        Model::Deep(net) => 4 * net.parameters() as u64,
        Model::Ensemble(model) => model.members.iter().map(|member| model_bytes(&member.model)).sum(),
    }
}
