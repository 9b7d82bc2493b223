//! The arrays of operations by name, so that packages can store them apart from the description.

use super::{DeepNet, DeepOp};

impl DeepOp {
    /// Lists the arrays of numbers with their names, always in the same order.
    pub fn arrays(&self) -> Vec<(&'static str, &Vec<f32>)> {
        match self {
            Self::Bins { lower, scale, floor, ceiling, .. } => {
                vec![("lower", lower), ("scale", scale), ("floor", floor), ("ceiling", ceiling)]
            }
            Self::FeatureTokens { weights, bias, .. }
            | Self::Dense { weights, bias, .. }
            | Self::Conv { weights, bias, .. } => {
                vec![("weights", weights), ("bias", bias)]
            }
            Self::Embed { tokens, positions, .. } => vec![("tokens", tokens), ("positions", positions)],
            Self::Affine { scale, shift, .. } | Self::LayerNorm { scale, shift, .. } => {
                vec![("scale", scale), ("shift", shift)]
            }
            Self::Input { .. }
            | Self::Activate { .. }
            | Self::Gate { .. }
            | Self::Attention { .. }
            | Self::Save { .. }
            | Self::Add { .. }
            | Self::Concat { .. }
            | Self::TakeFirst
            | Self::MeanPool
            | Self::Image { .. }
            | Self::MaxPool { .. }
            | Self::PlaneMeans
            | Self::Flatten => Vec::new(),
        }
    }

    /// As [`Self::arrays`], to be changed.
    pub fn arrays_mut(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        match self {
            Self::Bins { lower, scale, floor, ceiling, .. } => {
                vec![("lower", lower), ("scale", scale), ("floor", floor), ("ceiling", ceiling)]
            }
            Self::FeatureTokens { weights, bias, .. }
            | Self::Dense { weights, bias, .. }
            | Self::Conv { weights, bias, .. } => {
                vec![("weights", weights), ("bias", bias)]
            }
            Self::Embed { tokens, positions, .. } => vec![("tokens", tokens), ("positions", positions)],
            Self::Affine { scale, shift, .. } | Self::LayerNorm { scale, shift, .. } => {
                vec![("scale", scale), ("shift", shift)]
            }
            Self::Input { .. }
            | Self::Activate { .. }
            | Self::Gate { .. }
            | Self::Attention { .. }
            | Self::Save { .. }
            | Self::Add { .. }
            | Self::Concat { .. }
            | Self::TakeFirst
            | Self::MeanPool
            | Self::Image { .. }
            | Self::MaxPool { .. }
            | Self::PlaneMeans
            | Self::Flatten => Vec::new(),
        }
    }
}

impl DeepNet {
    /// Returns the multiplications that a row takes, roughly: parameters × tokens, at least the parameters.
    pub fn row_work(&self) -> usize {
        let all = |op: &DeepOp| op.arrays().iter().map(|(_, values)| values.len()).sum::<usize>();
        let (mut tokens, mut work) = (1_usize, 0_usize);
        for op in &self.ops {
            match op {
                DeepOp::Embed { width, positions, .. } => tokens = positions.len() / (*width as usize).max(1),
                DeepOp::FeatureTokens { parts, .. } => tokens = parts.len(),
                DeepOp::Image { height, width, .. } => tokens = *height as usize * *width as usize,
                DeepOp::MaxPool { size } => tokens /= (*size as usize).pow(2).max(1),
                DeepOp::Input { .. }
                | DeepOp::TakeFirst
                | DeepOp::MeanPool
                | DeepOp::PlaneMeans
                | DeepOp::Flatten => tokens = 1,
                op => work = work.saturating_add(all(op).saturating_mul(tokens)),
            }
        }
        work
    }

    /// Returns the number of parameters.
    pub fn parameters(&self) -> usize {
        self.ops.iter().flat_map(DeepOp::arrays).map(|(_, values)| values.len()).sum()
    }
}
