//! Permutation importance per field: how much the frame's metric worsens when the field's values are
//! shuffled among the rows (Breiman, 2001, doi:10.1023/A:1010933404324). All features that the recipe
//! makes of a field are shuffled together.

use super::Work;
use crate::TrainError;
use rayon::prelude::*;
use yard_score::{
    encode::{Encoder, Rows},
    model::{Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    evaluation::Importance,
    metric::{Direction, metric_info},
    rng::Rng,
};

/// Most rows that are shuffled; more are thinned evenly.
const MOST_ROWS: usize = 5_000;
/// Fewest rows that are shuffled when the model is large, and the tree walks that all shuffles may cost.
const FEWEST_ROWS: usize = 500;
const WALKS: usize = 20_000_000;
/// Weights of a net or linear model that cost as much as a tree.
const WEIGHTS_A_WALK: usize = 200;
/// Most feature values that are shuffled at once: a vocabulary makes rows wide.
const CELLS: usize = 20_000_000;
const REPEATS: u64 = 3;
const STREAM: u64 = 0x696d_706f_0000_0000;

/// Returns the importance of each input field, largest first.
pub(super) fn importance(work: &Work<'_>) -> Result<Vec<Importance>, TrainError> {
    let failed = |error| TrainError::part("scorer", &error);
    let encoder = work.scorer.encoder();
    let stride = work.part.rows.len().div_ceil(most_rows(&work.input.parts.model, encoder)).max(1);
    let positions: Vec<usize> = (0..work.part.rows.len()).step_by(stride).collect();
    let rows: Vec<u32> = positions.iter().map(|at| work.part.rows[*at]).collect();
    let features = encoder.encode(work.input.table, Rows::List(&rows)).map_err(failed)?;
    let truth = work.scored.take(&positions);
    let metric = |features: &[f32]| -> Result<f64, TrainError> {
        let predictions = work.scorer.score_features(features).map_err(failed)?;
        let points = truth.with_predictions(&predictions).points(&work.decision)?;
        Ok(points.get(work.metric).copied().unwrap_or(f64::NAN))
    };
    let base = metric(&features)?;
    let lower_is_better = metric_info(work.metric).is_some_and(|info| info.direction == Direction::Lower);
    let names: Vec<&str> = work.scorer.input_names().collect();
    let mut found: Vec<Importance> = (0..names.len())
        .into_par_iter()
        .map(|field| {
            let columns: Vec<usize> =
                (0..encoder.n_features()).filter(|at| encoder.input_of()[*at] as usize == field).collect();
            let mut drops = Vec::new();
            for repeat in 0..REPEATS {
                let seed = (work.input.seed, STREAM + field as u64 * REPEATS + repeat);
                let shuffled = shuffle(&features, encoder.n_features(), &columns, seed);
                let value = metric(&shuffled)?;
                drops.push(if lower_is_better { value - base } else { base - value });
            }
            let mean = drops.iter().sum::<f64>() / drops.len() as f64;
            let square = drops.iter().map(|drop| (drop - mean).powi(2)).sum::<f64>();
            let sd = (square / (drops.len() as f64 - 1.0)).sqrt();
            Ok(Importance { field: names[field].to_owned(), value: mean, sd })
        })
        .collect::<Result<_, TrainError>>()?;
    found.retain(|importance| importance.value.is_finite());
    found.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.field.cmp(&b.field)));
    Ok(found)
}

/// Returns how many rows are shuffled at most: fewer for a model that is slow.
fn most_rows(model: &Model, encoder: &Encoder) -> usize {
    let shuffles = encoder.n_inputs() * REPEATS as usize;
    let by_time = (WALKS / (walks(model) * shuffles).max(1)).clamp(FEWEST_ROWS, MOST_ROWS);
    by_time.min((CELLS / encoder.n_features().max(1)).max(100))
}

/// Returns how many rows are scored in all for an evaluation on `rows` rows.
pub(super) fn scorings(parts: &ScorerParts, scorer: &Scorer, rows: usize) -> usize {
    let encoder = scorer.encoder();
    let stride = rows.div_ceil(most_rows(&parts.model, encoder)).max(1);
    rows + rows.div_ceil(stride) * (encoder.n_inputs() * REPEATS as usize + 1)
}

/// Returns what scoring a row costs, in walks down a tree.
fn walks(model: &Model) -> usize {
    match model {
        Model::Trees(model) => model.trees.len(),
        Model::Linear(model) => model.weights.len() / WEIGHTS_A_WALK,
        Model::Net(net) => net.layers.iter().map(|layer| layer.weights.len()).sum::<usize>() / WEIGHTS_A_WALK,
        Model::Deep(net) => net.row_work() / WEIGHTS_A_WALK,
        Model::Ensemble(model) => model.members.iter().map(|member| walks(&member.model)).sum(),
    }
}

/// Returns the features, `[rows, width]`, with some columns shuffled together.
fn shuffle(features: &[f32], width: usize, columns: &[usize], (seed, stream): (u64, u64)) -> Vec<f32> {
    let mut order: Vec<usize> = (0..features.len() / width.max(1)).collect();
    Rng::new(seed, stream).shuffle(&mut order);
    let mut out = features.to_vec();
    for (row, from) in order.into_iter().enumerate() {
        for column in columns {
            out[row * width + column] = features[from * width + column];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_columns_named_are_shuffled_and_together() {
        let features: Vec<f32> = (0..300).map(|at| at as f32).collect();
        let out = shuffle(&features, 3, &[0, 2], (1, 2));
        assert_ne!(out, features);
        let mut firsts = Vec::new();
        for (row, values) in out.chunks(3).enumerate() {
            assert_eq!(values[1], (row * 3 + 1) as f32);
            assert_eq!(values[2], values[0] + 2.0);
            firsts.push(values[0] as usize / 3);
        }
        firsts.sort_unstable();
        assert_eq!(firsts, (0..100).collect::<Vec<_>>());
    }
}
