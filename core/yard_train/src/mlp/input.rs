//! What stands before the first layer of a net: piecewise-linear encodings of numbers and embeddings of
//! categories. Both are linear or piecewise linear, so the scorer gets them as plain dense layers.
//!
//! A number becomes one value per bin between its quantiles: how far into the bin it reaches, 0 below and
//! 1 above; the first and the last bin go on beyond the data. Papers: Gorishniy, Rubachev and Babenko,
//! 2022, "On embeddings for numerical features in tabular deep learning", arXiv:2203.05556; Guo and
//! Berkhahn, 2016, "Entity embeddings of categorical variables", arXiv:1604.06737.

use super::net::Moments;
use candle_core::{Device, Result, Tensor, backprop::GradStore};
use serde::{Deserialize, Serialize};
use yard_score::model::{Activation, DenseLayer};
use yard_types::rng;

const EMBEDDING_STREAM: u64 = 0x656d_6265_6400_0000;
/// Narrowest bin, in standard deviations: keeps the slopes of the encoding small.
const NARROWEST: f32 = 0.01;

/// A number with the limits of its bins, ascending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knots {
    /// Feature.
    pub feature: usize,
    /// At least two limits.
    pub limits: Vec<f32>,
}

/// One-hot features of a category, next to each other, that are embedded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// First feature.
    pub first: usize,
    /// Number of features.
    pub len: usize,
    /// Width of the embedding.
    pub width: usize,
}

impl Knots {
    /// Finds at most `bins` bins between quantiles of values; `None` with fewer than two.
    pub(super) fn of(feature: usize, mut values: Vec<f32>, bins: usize) -> Option<Self> {
        values.sort_unstable_by(f32::total_cmp);
        let last = values.len().checked_sub(1)?;
        let mut limits: Vec<f32> = Vec::with_capacity(bins + 1);
        for bin in 0..=bins {
            let limit = values[last * bin / bins];
            if limits.last().is_none_or(|before| limit - before >= NARROWEST) {
                limits.push(limit);
            }
        }
        (limits.len() > 2).then_some(Self { feature, limits })
    }

    fn bins(&self) -> usize {
        self.limits.len() - 1
    }
}

/// The encodings of a net under training.
pub(super) struct Input {
    features: usize,
    knots: Vec<Knots>,
    groups: Vec<(Group, Moments)>,
    /// Features that pass unchanged.
    plain: Vec<u32>,
    tensors: Option<Bins>,
}

/// Lower limits, inverse widths and clamps of all bins, `[1, bins]`, and the feature of each.
struct Bins {
    columns: Tensor,
    lower: Tensor,
    scale: Tensor,
    floor: Tensor,
    ceiling: Tensor,
}

impl Input {
    pub(super) fn new(
        features: usize,
        (knots, groups): (&[Knots], &[Group]),
        (seed, decay): (u64, f64),
        device: &Device,
    ) -> Result<Self> {
        let mut taken = vec![false; features];
        for knots in knots {
            taken[knots.feature] = true;
        }
        let mut embedded = Vec::with_capacity(groups.len());
        for (index, group) in groups.iter().enumerate() {
            taken[group.first..group.first + group.len].fill(true);
            let draw = |at: usize| {
                let unit = rng::uniform(seed, EMBEDDING_STREAM + index as u64, at as u64);
                (2.0 * unit - 1.0) as f32 * 0.5
            };
            let values: Vec<f32> = (0..group.len * group.width).map(draw).collect();
            let values = Tensor::from_vec(values, (group.len, group.width), device)?;
            embedded.push((*group, Moments::new(&values, decay)?));
        }
        let plain = (0..features as u32).filter(|feature| !taken[*feature as usize]).collect();
        let tensors = if knots.is_empty() { None } else { Some(Bins::new(knots, device)?) };
        Ok(Self { features, knots: knots.to_vec(), groups: embedded, plain, tensors })
    }

    /// Returns the values per row after the encodings.
    pub(super) fn width(&self) -> usize {
        self.knots.iter().map(Knots::bins).sum::<usize>()
            + self.groups.iter().map(|(group, _)| group.width).sum::<usize>()
            + self.plain.len()
    }

    /// Encodes features `[rows, features]` to `[rows, width]`: bins, embeddings, plain features.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.plain.len() == self.features {
            return Ok(x.clone());
        }
        let mut parts = Vec::with_capacity(2 + self.groups.len());
        if let Some(bins) = &self.tensors {
            parts.push(bins.forward(x)?);
        }
        for (group, weights) in &self.groups {
            parts.push(x.narrow(1, group.first, group.len)?.contiguous()?.matmul(weights.var.as_tensor())?);
        }
        if !self.plain.is_empty() {
            let plain = Tensor::new(self.plain.as_slice(), x.device())?;
            parts.push(x.index_select(&plain, 1)?);
        }
        Tensor::cat(&parts, 1)
    }

    pub(super) fn step(&mut self, gradients: &GradStore, rule: &super::net::Rule) -> Result<()> {
        for (_, weights) in &mut self.groups {
            weights.step(gradients, rule)?;
        }
        Ok(())
    }

    pub(super) fn vars(&self) -> impl Iterator<Item = &Moments> {
        self.groups.iter().map(|(_, weights)| weights)
    }

    /// Returns the dense layers that do what the encodings and the layer after them do. Embeddings are
    /// folded into that layer's weights; bins need a layer of rectified units before it. `plain` features
    /// pass through that layer and must not be negative then.
    pub(super) fn fold(&self, after: DenseLayer) -> Result<Vec<DenseLayer>> {
        if self.plain.len() == self.features {
            return Ok(vec![after]);
        }
        let mut fold = Fold::new(self.features, &after);
        let mut column = 0;
        for knots in &self.knots {
            for bin in 0..knots.bins() {
                fold.bin(knots, bin, |output| f64::from(fold_line(&after, output, column)[0]));
                column += 1;
            }
        }
        for (group, weights) in &self.groups {
            let values: Vec<f32> = weights.var.as_tensor().flatten_all()?.to_vec1()?;
            for (at, line) in values.chunks_exact(group.width).enumerate() {
                fold.unit((group.first + at, 1.0, 0.0), |output| {
                    let weights = fold_line(&after, output, column);
                    line.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                });
            }
            column += group.width;
        }
        for feature in &self.plain {
            fold.unit((*feature as usize, 1.0, 0.0), |output| {
                f64::from(fold_line(&after, output, column)[0])
            });
            column += 1;
        }
        Ok(fold.layers(&after, self.knots.is_empty()))
    }
}

fn fold_line(after: &DenseLayer, output: usize, column: usize) -> &[f32] {
    &after.weights[output * after.inputs as usize + column..(output + 1) * after.inputs as usize]
}

impl Bins {
    fn new(knots: &[Knots], device: &Device) -> Result<Self> {
        let (mut columns, mut lower, mut scale) = (Vec::new(), Vec::new(), Vec::new());
        let (mut floor, mut ceiling) = (Vec::new(), Vec::new());
        for knots in knots {
            for (bin, pair) in knots.limits.windows(2).enumerate() {
                columns.push(knots.feature as u32);
                lower.push(pair[0]);
                scale.push(1.0 / (pair[1] - pair[0]));
                floor.push(if bin == 0 { f32::MIN } else { 0.0 });
                ceiling.push(if bin + 1 == knots.bins() { f32::MAX } else { 1.0 });
            }
        }
        let row = |values: Vec<f32>| {
            let count = values.len();
            Tensor::from_vec(values, (1, count), device)
        };
        Ok(Self {
            columns: Tensor::new(columns.as_slice(), device)?,
            lower: row(lower)?,
            scale: row(scale)?,
            floor: row(floor)?,
            ceiling: row(ceiling)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.index_select(&self.columns, 1)?;
        let x = x.broadcast_sub(&self.lower)?.broadcast_mul(&self.scale)?;
        x.broadcast_maximum(&self.floor)?.broadcast_minimum(&self.ceiling)
    }
}

/// The two layers in the making: units over features, and the next layer's weights by unit.
struct Fold {
    features: usize,
    /// Feature, slope and shift of each unit.
    units: Vec<(usize, f32, f32)>,
    /// `[units][outputs]`.
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

impl Fold {
    fn new(features: usize, after: &DenseLayer) -> Self {
        let bias = after.bias.iter().map(|bias| f64::from(*bias)).collect();
        Self { features, units: Vec::new(), weights: Vec::new(), bias }
    }

    /// Adds the units of a bin: its value is made of rectified units.
    fn bin(&mut self, knots: &Knots, bin: usize, weight: impl Fn(usize) -> f64) {
        let (lower, upper) = (knots.limits[bin], knots.limits[bin + 1]);
        let scale = 1.0 / (upper - lower);
        let shift = -lower * scale;
        if bin == 0 {
            // min(u, 1) = 1 - max(1 - u, 0)
            for (output, bias) in self.bias.iter_mut().enumerate() {
                *bias += weight(output);
            }
            return self.unit((knots.feature, -scale, 1.0 - shift), |output| -weight(output));
        }
        self.unit((knots.feature, scale, shift), &weight);
        if bin + 1 < knots.bins() {
            self.unit((knots.feature, scale, shift - 1.0), |output| -weight(output));
        }
    }

    /// Makes one layer of units without bins, else two.
    fn layers(&self, after: &DenseLayer, one: bool) -> Vec<DenseLayer> {
        let outputs = self.bias.len();
        let bias: Vec<f32> = self.bias.iter().map(|bias| *bias as f32).collect();
        let last = |inputs: usize, weights| DenseLayer {
            inputs: inputs as u32,
            weights,
            bias: bias.clone(),
            activation: after.activation,
        };
        if one {
            let mut weights = vec![0.0; outputs * self.features];
            for ((feature, ..), line) in self.units.iter().zip(&self.weights) {
                for (output, weight) in line.iter().enumerate() {
                    weights[output * self.features + feature] = *weight as f32;
                }
            }
            return vec![last(self.features, weights)];
        }
        let count = self.units.len();
        let mut first = DenseLayer {
            inputs: self.features as u32,
            weights: vec![0.0; count * self.features],
            bias: self.units.iter().map(|(_, _, shift)| *shift).collect(),
            activation: Activation::Relu,
        };
        let mut weights = vec![0.0; outputs * count];
        for (unit, ((feature, slope, _), line)) in self.units.iter().zip(&self.weights).enumerate() {
            first.weights[unit * self.features + feature] = *slope;
            for (output, weight) in line.iter().enumerate() {
                weights[output * count + unit] = *weight as f32;
            }
        }
        vec![first, last(count, weights)]
    }

    fn unit(&mut self, unit: (usize, f32, f32), weight: impl Fn(usize) -> f64) {
        self.units.push(unit);
        self.weights.push((0..self.bias.len()).map(weight).collect());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Runs dense layers on one row in f64.
    fn run(layers: &[DenseLayer], x: &[f32]) -> Vec<f64> {
        let mut x: Vec<f64> = x.iter().map(|value| f64::from(*value)).collect();
        for layer in layers {
            let lines = layer.weights.chunks_exact(layer.inputs as usize).zip(&layer.bias);
            x = lines
                .map(|(line, bias)| {
                    let sum: f64 = line.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum();
                    let sum = sum + f64::from(*bias);
                    if layer.activation == Activation::Relu { sum.max(0.0) } else { sum }
                })
                .collect();
        }
        x
    }

    fn layer(inputs: usize, outputs: usize) -> DenseLayer {
        let value = |at: usize| rng::uniform(1, 2, at as u64) as f32 - 0.5;
        DenseLayer {
            inputs: inputs as u32,
            weights: (0..inputs * outputs).map(value).collect(),
            bias: (0..outputs).map(|at| value(1_000 + at)).collect(),
            activation: Activation::Identity,
        }
    }

    #[test]
    fn folded_layers_answer_as_the_encodings() {
        let knots = Knots { feature: 1, limits: vec![-1.0, 0.0, 0.5, 2.0] };
        let group = Group { first: 2, len: 3, width: 2 };
        for (knots, groups) in [
            (vec![knots.clone()], vec![group]),
            (vec![knots], vec![]),
            (vec![], vec![group]),
            (vec![], vec![]),
        ] {
            let input = Input::new(5, (&knots, &groups), (7, 0.0), &Device::Cpu).unwrap();
            let after = layer(input.width(), 4);
            let layers = input.fold(after.clone()).unwrap();
            assert_eq!(layers.len(), if knots.is_empty() { 1 } else { 2 });
            for number in [-3.0_f32, -1.0, -0.2, 0.1, 0.7, 1.9, 5.0] {
                let row = [0.25, number, 0.0, 1.0, 0.0];
                let x = Tensor::from_slice(&row, (1, 5), &Device::Cpu).unwrap();
                let encoded: Vec<f32> = input.forward(&x).unwrap().flatten_all().unwrap().to_vec1().unwrap();
                let expected = run(std::slice::from_ref(&after), &encoded);
                for (found, expected) in run(&layers, &row).iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-5, "{number}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn bins_reach_from_zero_to_one_and_go_on_beyond_the_data() {
        let knots = Knots::of(0, vec![3.0, 0.0, 1.0, 2.0, 4.0], 2).unwrap();
        assert_eq!(knots.limits, [0.0, 2.0, 4.0]);
        let input = Input::new(1, (&[knots], &[]), (0, 0.0), &Device::Cpu).unwrap();
        let x = Tensor::from_slice(&[-2.0_f32, 1.0, 3.0, 8.0], (4, 1), &Device::Cpu).unwrap();
        let encoded = input.forward(&x).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(encoded, [[-1.0, 0.0], [0.5, 0.0], [1.0, 0.5], [1.0, 3.0]]);
        assert_eq!(Knots::of(0, vec![1.0; 9], 4), None);
        assert_eq!(Knots::of(0, vec![0.0, 1.0, 0.0, 1.0], 4), None);
        assert_eq!(Knots::of(0, vec![], 4), None);
    }
}
