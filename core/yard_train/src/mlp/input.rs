//! What stands before the first layer of a net: piecewise-linear encodings of numbers and embeddings of
//! categories. Both are linear or piecewise linear, so the scorer gets them as plain dense layers.
//! Knows no device: [`super::encode`] and [`super::candle_input`] carry it out.
//!
//! A number becomes one value per bin between its quantiles: how far into the bin it reaches, 0 below and
//! 1 above; the first and the last bin go on beyond the data. Papers: Gorishniy, Rubachev and Babenko,
//! 2022, "On embeddings for numerical features in tabular deep learning", arXiv:2203.05556; Guo and
//! Berkhahn, 2016, "Entity embeddings of categorical variables", arXiv:1604.06737.

use serde::{Deserialize, Serialize};
use yard_score::model::{Activation, DenseLayer};

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

    pub(super) fn bins(&self) -> usize {
        self.limits.len() - 1
    }
}

/// Which feature is encoded how. Encoded rows hold bins, embeddings and plain features, in this order.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) features: usize,
    pub(super) knots: Vec<Knots>,
    pub(super) groups: Vec<Group>,
    /// Features that pass unchanged.
    pub(super) plain: Vec<u32>,
}

/// A bin: `clamp((feature − lower) × scale, floor, ceiling)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bin {
    pub(super) feature: usize,
    pub(super) lower: f32,
    pub(super) scale: f32,
    pub(super) floor: f32,
    pub(super) ceiling: f32,
}

impl Plan {
    pub(super) fn new(features: usize, knots: &[Knots], groups: &[Group]) -> Self {
        let mut taken = vec![false; features];
        for knots in knots {
            taken[knots.feature] = true;
        }
        for group in groups {
            taken[group.first..group.first + group.len].fill(true);
        }
        let plain = (0..features as u32).filter(|feature| !taken[*feature as usize]).collect();
        Self { features, knots: knots.to_vec(), groups: groups.to_vec(), plain }
    }

    /// Returns whether rows stay as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.plain.len() == self.features
    }

    /// Returns the bins of all numbers.
    pub(super) fn bins(&self) -> Vec<Bin> {
        let mut bins = Vec::new();
        for knots in &self.knots {
            for (bin, pair) in knots.limits.windows(2).enumerate() {
                bins.push(Bin {
                    feature: knots.feature,
                    lower: pair[0],
                    scale: 1.0 / (pair[1] - pair[0]),
                    floor: if bin == 0 { f32::MIN } else { 0.0 },
                    ceiling: if bin + 1 == knots.bins() { f32::MAX } else { 1.0 },
                });
            }
        }
        bins
    }

    /// Returns the first column of the embeddings.
    pub(super) fn first_embedding(&self) -> usize {
        self.knots.iter().map(Knots::bins).sum()
    }

    /// Returns the values per row after the encodings.
    pub(super) fn width(&self) -> usize {
        self.first_embedding() + self.groups.iter().map(|group| group.width).sum::<usize>() + self.plain.len()
    }

    /// Returns the dense layers that do what the encodings and the layer after them do. Embeddings are
    /// folded into that layer's weights; bins need a layer of rectified units before it. `plain` features
    /// pass through that layer and must not be negative then. `embeddings` are those of the groups, `[values, width]`.
    pub(super) fn fold(&self, after: DenseLayer, embeddings: &[&[f32]]) -> Vec<DenseLayer> {
        if self.is_plain() {
            return vec![after];
        }
        let mut fold = Fold::new(self.features, &after);
        let mut column = 0;
        for knots in &self.knots {
            for bin in 0..knots.bins() {
                fold.bin(knots, bin, |output| f64::from(fold_line(&after, output, column)[0]));
                column += 1;
            }
        }
        for (group, values) in self.groups.iter().zip(embeddings) {
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
        fold.layers(&after, self.knots.is_empty())
    }
}

fn fold_line(after: &DenseLayer, output: usize, column: usize) -> &[f32] {
    &after.weights[output * after.inputs as usize + column..(output + 1) * after.inputs as usize]
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
    use super::{super::encode::Encoder, *};
    use yard_types::rng;

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
            let plan = Plan::new(5, &knots, &groups);
            let embedding: Vec<f32> = (0..6).map(|at| rng::uniform(7, 8, at) as f32 - 0.5).collect();
            let embeddings = vec![embedding.as_slice(); groups.len()];
            let after = layer(plan.width(), 4);
            let layers = plan.fold(after.clone(), &embeddings);
            assert_eq!(layers.len(), if knots.is_empty() { 1 } else { 2 });
            for number in [-3.0_f32, -1.0, -0.2, 0.1, 0.7, 1.9, 5.0] {
                let row = [0.25, number, 0.0, 1.0, 0.0];
                let mut encoded = vec![0.0; plan.width()];
                Encoder::new(&plan).row(&row, &embeddings, &mut encoded);
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
        let encoder = Encoder::new(&Plan::new(1, &[knots], &[]));
        let encoded = [-2.0, 1.0, 3.0, 8.0].map(|x| {
            let mut out = [0.0; 2];
            encoder.row(&[x], &[], &mut out);
            out
        });
        assert_eq!(encoded, [[-1.0, 0.0], [0.5, 0.0], [1.0, 0.5], [1.0, 3.0]]);
        assert_eq!(Knots::of(0, vec![1.0; 9], 4), None);
        assert_eq!(Knots::of(0, vec![0.0, 1.0, 0.0, 1.0], 4), None);
        assert_eq!(Knots::of(0, vec![], 4), None);
    }
}
