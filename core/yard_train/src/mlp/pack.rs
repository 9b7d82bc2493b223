//! Weights of a net in the panels that the products of [`super::tiles`] read.

use super::{
    layout::Layout,
    tiles::panels,
    vector::{LINE, Line},
};
use rayon::prelude::*;

/// Last layers of at most this many outputs are multiplied by rows.
const NARROW: usize = 12;

/// Returns whether a last layer is multiplied by rows rather than by panels.
pub(super) fn is_narrow(outputs: usize) -> bool {
    outputs <= NARROW
}

/// All layers.
pub(super) struct Packed {
    pub(super) layers: Vec<PackedLayer>,
}

/// One layer `[outputs, inputs]`.
pub(super) struct PackedLayer {
    /// The transpose `[inputs, outputs]`, for the way forward; empty for a narrow last layer.
    pub(super) ahead: Vec<Line>,
    /// `[outputs, inputs]`, for the way back and narrow last layers.
    pub(super) back: Vec<Line>,
    /// One line per panel of outputs.
    pub(super) bias: Vec<Line>,
}

impl Packed {
    pub(super) fn new(layout: &Layout) -> Self {
        let count = layout.layers.len();
        let room = |lines: usize| vec![[0.0; LINE]; lines];
        let layer = |(index, shape): (usize, &super::layout::Shape)| {
            let narrow = index + 1 == count && is_narrow(shape.outputs);
            PackedLayer {
                ahead: room(if narrow { 0 } else { panels(shape.outputs) * shape.inputs }),
                back: room(panels(shape.inputs) * shape.outputs),
                bias: room(panels(shape.outputs)),
            }
        };
        Self { layers: layout.layers.iter().enumerate().map(layer).collect() }
    }

    /// Takes the weights over.
    pub(super) fn fill(&mut self, layout: &Layout, values: &[f32], parallel: bool) {
        for (index, (packed, shape)) in self.layers.iter_mut().zip(&layout.layers).enumerate() {
            let weights = &values[layout.weights(index)];
            for (line, bias) in packed.bias.iter_mut().zip(values[layout.bias(index)].chunks(LINE)) {
                line[..bias.len()].copy_from_slice(bias);
            }
            let ahead = |(panel, lines): (usize, &mut [Line])| {
                let first = panel * LINE * shape.inputs;
                for (unit, row) in weights[first..].chunks_exact(shape.inputs).take(LINE).enumerate() {
                    for (line, weight) in lines.iter_mut().zip(row) {
                        line[unit] = *weight;
                    }
                }
            };
            let back = |(panel, lines): (usize, &mut [Line])| {
                let columns = panel * LINE..shape.inputs.min((panel + 1) * LINE);
                for (line, row) in lines.iter_mut().zip(weights.chunks_exact(shape.inputs)) {
                    line[..columns.len()].copy_from_slice(&row[columns.clone()]);
                }
            };
            if parallel {
                packed.ahead.par_chunks_mut(shape.inputs).enumerate().for_each(ahead);
                packed.back.par_chunks_mut(shape.outputs).enumerate().for_each(back);
            } else {
                packed.ahead.chunks_mut(shape.inputs).enumerate().for_each(ahead);
                packed.back.chunks_mut(shape.outputs).enumerate().for_each(back);
            }
        }
    }
}
