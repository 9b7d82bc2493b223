//! Where each parameter of a net stands in one row of numbers, their first values, and the way to the
//! scorer's [`DenseNet`]. The same for every device.
//!
//! Order: the embeddings `[values, width]` of each group, then weights `[outputs, inputs]` and biases of each
//! layer. First values are uniform in ±1/√inputs for weights and biases, as `PyTorch`'s linear layer, and in
//! ±0.5 for embeddings. Paper: Glorot and Bengio, 2010 (initialisation by fan-in).

use super::{input::Plan, job::NetJob};
use std::ops::Range;
use yard_score::model::{Activation, DenseLayer, DenseNet};
use yard_types::rng;

const INIT_STREAM: u64 = 0x6e65_7400_0000_0000;
const EMBEDDING_STREAM: u64 = 0x656d_6265_6400_0000;

/// A dense layer's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// Parameters that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) place: Range<usize>,
    /// Rows and columns; a bias has one row.
    pub(crate) shape: (usize, usize),
    /// Whether weight decay applies.
    pub(crate) decays: bool,
}

/// A net's parameters.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) plan: Plan,
    pub(super) layers: Vec<Shape>,
    pub(super) segments: Vec<Segment>,
}

impl Layout {
    pub(super) fn new(job: &NetJob) -> Self {
        let plan = Plan::new(job.features, &job.knots, &job.groups);
        let mut layers = Vec::with_capacity(job.params.layers.len() + 1);
        let mut inputs = plan.width();
        for outputs in job.params.layers.iter().copied().chain([job.outputs]) {
            layers.push(Shape { inputs, outputs });
            inputs = outputs;
        }
        let groups = plan.groups.iter().map(|group| ((group.len, group.width), true));
        let dense = layers
            .iter()
            .flat_map(|layer| [((layer.outputs, layer.inputs), true), ((1, layer.outputs), false)]);
        let mut segments: Vec<Segment> = Vec::new();
        for (shape, decays) in groups.chain(dense) {
            let start = segments.last().map_or(0, |last| last.place.end);
            segments.push(Segment { place: start..start + shape.0 * shape.1, shape, decays });
        }
        Self { plan, layers, segments }
    }

    /// Returns the number of parameters.
    pub(super) fn len(&self) -> usize {
        self.segments.last().map_or(0, |last| last.place.end)
    }

    pub(super) fn embedding(&self, group: usize) -> Range<usize> {
        self.segments[group].place.clone()
    }

    pub(super) fn weights(&self, layer: usize) -> Range<usize> {
        self.segments[self.plan.groups.len() + 2 * layer].place.clone()
    }

    pub(super) fn bias(&self, layer: usize) -> Range<usize> {
        self.segments[self.plan.groups.len() + 2 * layer + 1].place.clone()
    }

    /// Returns the first values of all parameters.
    pub(super) fn initial(&self, seed: u64) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.len());
        for group in 0..self.plan.groups.len() {
            let draw = |at: usize| {
                let unit = rng::uniform(seed, EMBEDDING_STREAM + group as u64, at as u64);
                (2.0 * unit - 1.0) as f32 * 0.5
            };
            values.extend((0..self.embedding(group).len()).map(draw));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let bound = 1.0 / (layer.inputs.max(1) as f64).sqrt();
            let draw = |at: usize| {
                let unit = rng::uniform(seed, INIT_STREAM + index as u64, at as u64);
                ((2.0 * unit - 1.0) * bound) as f32
            };
            values.extend((0..(layer.inputs + 1) * layer.outputs).map(draw));
        }
        values
    }

    /// Makes the scorer's net of parameters.
    pub(super) fn to_dense(&self, values: &[f32]) -> DenseNet {
        let mut layers = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            layers.push(DenseLayer {
                inputs: layer.inputs as u32,
                weights: values[self.weights(index)].to_vec(),
                bias: values[self.bias(index)].to_vec(),
                activation: if last { Activation::Identity } else { Activation::Relu },
            });
        }
        let embeddings: Vec<&[f32]> =
            (0..self.plan.groups.len()).map(|group| &values[self.embedding(group)]).collect();
        let first = self.plan.fold(layers.remove(0), &embeddings);
        layers.splice(0..0, first);
        DenseNet { layers, scale: 1.0, shift: 0.0 }
    }
}
