//! The loss of margins that candle made, and its way back to the weights: the same function in f64 as the linear
//! models have, for nets of convolutions and deep nets alike. Knows no net.

use crate::{
    fit::FitData,
    linear::loss,
    mlp::{self, NetRows},
};
use candle_core::{Result, Tensor, backprop::GradStore};

/// Goes back from the margins of `rows` of a step of `all` rows, `[rows, outputs]`; returns the gradients with
/// the sums of weighted loss and of weights.
pub(crate) fn back(
    (data, targets): (&FitData<'_>, &NetRows),
    rows: &[u32],
    margins: &Tensor,
    all: usize,
) -> Result<(GradStore, (f64, f64))> {
    let mut values: Vec<f32> = margins.detach().flatten_all()?.to_vec1()?;
    let (mut sum, mut total) = (0.0, 0.0);
    let mut slopes = vec![0.0_f64; data.outputs];
    for (row, values) in rows.iter().zip(values.chunks_exact_mut(data.outputs)) {
        let (y, weight) = mlp::target(targets, *row as usize);
        for (slope, value) in slopes.iter_mut().zip(values.iter()) {
            *slope = f64::from(*value);
        }
        sum += weight * loss(data.link, y, &mut slopes);
        total += weight;
        for (value, slope) in values.iter_mut().zip(&slopes) {
            *value = (weight * slope / all as f64) as f32;
        }
    }
    // The gradient of Σ margin × slope by the weights is that of the loss.
    let slopes = Tensor::from_vec(values, margins.shape(), margins.device())?;
    Ok(((margins * slopes)?.sum_all()?.backward()?, (sum, total)))
}
