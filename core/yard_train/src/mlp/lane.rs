//! Forward and backward pass of a net on some rows on the CPU, in buffers that are made once.
//!
//! A step's rows go to a number of lanes that depends on their count alone, never on the threads; each lane
//! sums its own gradient, and the lanes are added in order. So the same seed gives the same bits for any
//! number of threads. Papers: Rumelhart, Hinton and Williams, 1986, doi:10.1038/323533a0; Srivastava et al.,
//! 2014, "Dropout".

use super::{
    encode::{Encoder, Slopes},
    job::NetRows,
    layout::Layout,
    pack::{Packed, is_narrow},
    tiles::{Finish, Gradient, Narrow, Product, ROWS, panels},
    train::target,
    vector::{LINE, Level, Line},
};
use crate::linear::loss;
use yard_score::model::Link;
use yard_types::rng;

const DROPOUT_STREAM: u64 = 0x6472_6f70_0000_0000;
/// Rows of one pass: their activations stay in the processor's cache.
pub(super) const BLOCK: usize = 128;

/// What all lanes share in a pass.
pub(super) struct Pass<'a> {
    pub(super) level: Level,
    pub(super) layout: &'a Layout,
    pub(super) encoder: &'a Encoder,
    pub(super) packed: &'a Packed,
    /// Embeddings of the groups.
    pub(super) embeddings: &'a [&'a [f32]],
    pub(super) rows: &'a NetRows,
    pub(super) link: Link,
    pub(super) drop: Option<Drop>,
}

/// Which units a step drops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drop {
    pub(super) seed: u64,
    pub(super) step: u64,
    /// Share of the units.
    pub(super) share: f64,
}

impl Drop {
    fn kept(self) -> f32 {
        (1.0 / (1.0 - self.share)) as f32
    }

    /// Returns the factor on a unit of a row of the step.
    pub(super) fn factor(self, layer: usize, units: usize, (row, unit): (usize, usize)) -> f32 {
        let stream = DROPOUT_STREAM + self.step * 64 + layer as u64;
        let draw = rng::uniform(self.seed, stream, (row * units + unit) as u64);
        if draw < self.share { 0.0 } else { self.kept() }
    }
}

/// Buffers of one lane.
pub(super) struct Lane {
    /// Encoded input, then the output of each layer, in panels.
    outputs: Vec<Vec<Line>>,
    /// Slopes of the loss by a layer's output and by its input.
    slopes: [Vec<Line>; 2],
    row: Vec<f32>,
    margins: Vec<f64>,
    /// Sum over the lane's rows.
    pub(super) gradient: Vec<f32>,
    /// Sums of weighted loss and of weights.
    pub(super) sums: (f64, f64),
}

impl Lane {
    pub(super) fn new(layout: &Layout) -> Self {
        let room = |width: usize| vec![[0.0; LINE]; panels(width) * BLOCK];
        let width = layout.plan.width();
        let widths = layout.layers.iter().map(|layer| layer.outputs);
        let widest = widths.clone().chain([width]).max().unwrap_or(1);
        Self {
            outputs: [width].into_iter().chain(widths).map(room).collect(),
            slopes: [room(widest), room(widest)],
            row: vec![0.0; panels(width) * LINE],
            margins: vec![0.0; layout.layers.last().map_or(1, |last| last.outputs)],
            gradient: vec![0.0; layout.len()],
            sums: (0.0, 0.0),
        }
    }

    /// Sums loss and gradient over rows. They begin at row `first` of the step, whose gradient has the
    /// factor `scale`.
    pub(super) fn learn(&mut self, pass: &Pass<'_>, rows: &[u32], (first, scale): (usize, f64)) {
        self.gradient.fill(0.0);
        self.sums = (0.0, 0.0);
        for (at, block) in rows.chunks(BLOCK).enumerate() {
            let stride = block.len().next_multiple_of(ROWS);
            self.encode(pass, block.iter().map(|row| *row as usize), stride);
            self.forward(pass, first + at * BLOCK, stride);
            self.compare(pass, block, (scale, stride));
            self.backward(pass, block, stride);
        }
    }

    /// Appends the margins of consecutive rows.
    pub(super) fn margins(&mut self, pass: &Pass<'_>, rows: std::ops::Range<usize>, out: &mut Vec<f32>) {
        let (count, outputs) = (rows.len(), self.margins.len());
        let stride = count.next_multiple_of(ROWS);
        self.encode(pass, rows, stride);
        self.forward(pass, 0, stride);
        let last = &self.outputs[self.outputs.len() - 1];
        for row in 0..count {
            out.extend((0..outputs).map(|at| last[at / LINE * stride + row][at % LINE]));
        }
    }

    fn encode(&mut self, pass: &Pass<'_>, rows: impl ExactSizeIterator<Item = usize>, stride: usize) {
        let (features, width) = (pass.layout.plan.features, pass.layout.plan.width());
        let panels = &mut self.outputs[0][..panels(width) * stride];
        for panel in panels.chunks_exact_mut(stride) {
            panel[rows.len()..].fill([0.0; LINE]);
        }
        for (at, row) in rows.enumerate() {
            let x = &pass.rows.x[row * features..(row + 1) * features];
            pass.encoder.row(x, pass.embeddings, &mut self.row[..width]);
            for (panel, line) in panels.chunks_exact_mut(stride).zip(self.row.as_chunks::<LINE>().0) {
                panel[at] = *line;
            }
        }
    }

    fn forward(&mut self, pass: &Pass<'_>, first: usize, stride: usize) {
        for (index, layer) in pass.layout.layers.iter().enumerate() {
            let last = index + 1 == pass.layout.layers.len();
            let packed = &pass.packed.layers[index];
            let (before, after) = self.outputs.split_at_mut(index + 1);
            let a = &before[index][..panels(layer.inputs) * stride];
            let out = &mut after[0][..panels(layer.outputs) * stride];
            if last && is_narrow(layer.outputs) {
                let bias = &packed.bias[0][..layer.outputs];
                Narrow { a, rows: stride, b: &packed.back, bias }.write(pass.level, out);
                continue;
            }
            let finish = if last { Finish::Nothing } else { Finish::Relu };
            let (k, b, start) = (layer.inputs, &packed.ahead[..], &packed.bias[..]);
            Product { a, rows: stride, k, b, start, finish }.write(pass.level, out);
            if let Some(drop) = pass.drop.filter(|_| !last) {
                for (at, line) in out.iter_mut().enumerate() {
                    let (panel, row) = (at / stride * LINE, first + at % stride);
                    for (unit, value) in line.iter_mut().enumerate() {
                        *value *= drop.factor(index, layer.outputs, (row, panel + unit));
                    }
                }
            }
        }
    }

    /// Compares margins with targets: sums the loss, writes its slopes.
    fn compare(&mut self, pass: &Pass<'_>, block: &[u32], (scale, stride): (f64, usize)) {
        let outputs = self.margins.len();
        let last = &self.outputs[self.outputs.len() - 1];
        let slopes = &mut self.slopes[0][..panels(outputs) * stride];
        slopes.fill([0.0; LINE]);
        for (at, row) in block.iter().enumerate() {
            let (y, weight) = target(pass.rows, *row as usize);
            for (index, margin) in self.margins.iter_mut().enumerate() {
                *margin = f64::from(last[index / LINE * stride + at][index % LINE]);
            }
            self.sums.0 += weight * loss(pass.link, y, &mut self.margins);
            self.sums.1 += weight;
            for (index, slope) in self.margins.iter().enumerate() {
                slopes[index / LINE * stride + at][index % LINE] = (weight * slope * scale) as f32;
            }
        }
    }

    fn backward(&mut self, pass: &Pass<'_>, block: &[u32], stride: usize) {
        let layout = pass.layout;
        for (index, layer) in layout.layers.iter().enumerate().rev() {
            let [own, before] = &mut self.slopes;
            let x = &self.outputs[index][..panels(layer.inputs) * stride];
            let slopes = &own[..panels(layer.outputs) * stride];
            let gradient = Gradient {
                slopes,
                x,
                stride,
                rows: block.len(),
                outputs: layer.outputs,
                inputs: layer.inputs,
            };
            gradient.add(pass.level, &mut self.gradient[layout.weights(index)]);
            let bias = self.gradient[layout.bias(index)].chunks_mut(LINE);
            for (bias, panel) in bias.zip(slopes.chunks_exact(stride)) {
                for line in &panel[..block.len()] {
                    for (sum, slope) in bias.iter_mut().zip(line) {
                        *sum += slope;
                    }
                }
            }
            if index == 0 {
                return self.embed(pass, block, stride);
            }
            let product = Product {
                a: slopes,
                rows: stride,
                k: layer.outputs,
                b: &pass.packed.layers[index].back,
                start: &[],
                finish: Finish::Gate(x, pass.drop.map_or(1.0, Drop::kept)),
            };
            product.write(pass.level, &mut before[..panels(layer.inputs) * stride]);
            self.slopes.swap(0, 1);
        }
    }

    /// Sums the gradient of the embeddings.
    fn embed(&mut self, pass: &Pass<'_>, block: &[u32], stride: usize) {
        let plan = &pass.layout.plan;
        let Some(first) = pass.layout.layers.first().filter(|_| !plan.groups.is_empty()) else { return };
        let from = plan.first_embedding() / LINE;
        let to = panels(plan.width() - plan.plain.len());
        let [own, before] = &mut self.slopes;
        let product = Product {
            a: &own[..panels(first.outputs) * stride],
            rows: stride,
            k: first.outputs,
            b: &pass.packed.layers[0].back[from * first.outputs..to * first.outputs],
            start: &[],
            finish: Finish::Nothing,
        };
        let panels = &mut before[..(to - from) * stride];
        product.write(pass.level, panels);
        for (row, id) in block.iter().enumerate() {
            let x = &pass.rows.x[*id as usize * plan.features..][..plan.features];
            let slopes = Slopes { panels, first: from * LINE, stride, row };
            pass.encoder.add_slopes(x, &slopes, &mut self.gradient);
        }
    }
}
