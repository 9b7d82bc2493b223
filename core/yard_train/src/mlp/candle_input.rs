//! Encodings of a net's input in candle, for GPUs.

use super::input::{Bin, Plan};
use candle_core::{Device, Result, Tensor};

/// Encodes rows.
pub(super) struct CandleInput {
    plan: Plan,
    bins: Option<Bins>,
}

/// Lower limits, inverse widths and clamps of all bins, `[1, bins]`, and the feature of each.
struct Bins {
    columns: Tensor,
    lower: Tensor,
    scale: Tensor,
    floor: Tensor,
    ceiling: Tensor,
}

impl CandleInput {
    pub(super) fn new(plan: &Plan, device: &Device) -> Result<Self> {
        let bins = plan.bins();
        let bins = if bins.is_empty() { None } else { Some(Bins::new(&bins, device)?) };
        Ok(Self { plan: plan.clone(), bins })
    }

    /// Encodes features `[rows, features]` to `[rows, width]`; `embeddings` are `[values, width]` each.
    pub(super) fn forward(&self, x: &Tensor, embeddings: &[&Tensor]) -> Result<Tensor> {
        if self.plan.is_plain() {
            return Ok(x.clone());
        }
        let mut parts = Vec::with_capacity(2 + embeddings.len());
        if let Some(bins) = &self.bins {
            parts.push(bins.forward(x)?);
        }
        for (group, weights) in self.plan.groups.iter().zip(embeddings) {
            parts.push(x.narrow(1, group.first, group.len)?.contiguous()?.matmul(weights)?);
        }
        if !self.plan.plain.is_empty() {
            let plain = Tensor::new(self.plan.plain.as_slice(), x.device())?;
            parts.push(x.index_select(&plain, 1)?);
        }
        Tensor::cat(&parts, 1)
    }
}

impl Bins {
    fn new(bins: &[Bin], device: &Device) -> Result<Self> {
        let columns: Vec<u32> = bins.iter().map(|bin| bin.feature as u32).collect();
        let row = |value: fn(&Bin) -> f32| {
            Tensor::from_vec(bins.iter().map(value).collect::<Vec<f32>>(), (1, bins.len()), device)
        };
        Ok(Self {
            columns: Tensor::new(columns.as_slice(), device)?,
            lower: row(|bin| bin.lower)?,
            scale: row(|bin| bin.scale)?,
            floor: row(|bin| bin.floor)?,
            ceiling: row(|bin| bin.ceiling)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.index_select(&self.columns, 1)?;
        let x = x.broadcast_sub(&self.lower)?.broadcast_mul(&self.scale)?;
        x.broadcast_maximum(&self.floor)?.broadcast_minimum(&self.ceiling)
    }
}
