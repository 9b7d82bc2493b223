//! The frame's metric on validation rows as a forest grows, computed from the grown forest.
//!
//! A forest averages: with leaf values `v` that are already divided by the number of trees `n`, its first
//! `k` trees answer `base + n / k × Σ v`.

use crate::{TrainError, fit::FitData};
use std::collections::BTreeMap;
use yard_boost::Trained;
use yard_score::model::{Model, TreeEnsemble};

/// Returns the metric at each step of the curve. `columns` are the encoded validation rows,
/// `[features][rows]`.
pub(crate) fn metrics(
    data: &FitData<'_>,
    columns: &[Vec<f32>],
    trained: &Trained,
) -> Result<BTreeMap<u32, f64>, TrainError> {
    let (model, count) = (&trained.model, data.validation.rows.len());
    let mut found = BTreeMap::new();
    if count == 0 {
        return Ok(found);
    }
    let rows: Vec<f32> = (0..count).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let outputs = model.base.len();
    let mut sums = vec![0.0_f64; count * outputs];
    let (mut done, total) = (0, model.trees.len() / outputs);
    for step in trained.curve.iter().map(|round| round.step) {
        let next = (step as usize).min(total);
        let trees = model.trees[done * outputs..next * outputs].to_vec();
        done = next;
        let piece = TreeEnsemble { base: vec![0.0; outputs], trees, ..*model };
        let margins = data.scorer(Model::Trees(piece))?.score_features(&rows);
        let margins = margins.map_err(|error| TrainError::part("scorer", &error))?.margins;
        sums.iter_mut().zip(&margins).for_each(|(sum, margin)| *sum += f64::from(*margin));
        let share = total as f64 / done.max(1) as f64;
        let margin = |(at, sum): (usize, &f64)| (f64::from(model.base[at % outputs]) + share * sum) as f32;
        let margins: Vec<f32> = sums.iter().enumerate().map(margin).collect();
        found.extend(data.validation_metric(&margins).map(|value| (step, value)));
    }
    Ok(found)
}
