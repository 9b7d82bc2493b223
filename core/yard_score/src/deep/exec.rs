//! Executes a checked deep net on blocks of rows: tokens of all rows lie one after the other, so that
//! products run over many tokens, while each value is computed as it would be for its row alone.

use super::{
    DeepNet, DeepOp, Pointwise, SLOTS, attention,
    check::{self, Shape},
    conv::{self, Conv, ConvWork},
    dense::{Panels, Tiles, product},
};
use crate::{error::ScoreError, forward::simd::Level};

/// Values of the tensors of rows that are computed together.
const BLOCK_VALUES: usize = 1 << 17;

/// A checked net.
#[derive(Clone, Debug)]
pub(crate) struct Deep {
    steps: Vec<Step>,
    n_features: usize,
    outputs: usize,
    scale: f64,
    shift: f64,
    /// Rows that are computed together.
    rows: usize,
    level: Level,
}

#[derive(Clone, Debug)]
enum Step {
    Dense(Panels, Pointwise),
    Conv(Conv),
    Op(DeepOp, Shape),
}

/// Tensors of a block of rows.
#[derive(Clone, Debug, Default)]
struct Tensor {
    values: Vec<f32>,
    /// Values of a token.
    width: usize,
    /// Where the tokens of each row begin, and the end; an image is one token for each of its lines.
    starts: Vec<usize>,
}

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeepWork {
    x: Tensor,
    y: Vec<f32>,
    slots: [Tensor; SLOTS],
    tiles: Tiles,
    attention: attention::Scratch,
    conv: ConvWork,
}

impl Tensor {
    /// Gives each of `rows` rows so many tokens.
    fn fix(&mut self, rows: usize, tokens: usize) {
        self.starts.clear();
        self.starts.extend((0..=rows).map(|row| row * tokens));
    }

    fn tokens(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.starts
            .windows(2)
            .map(|pair| (pair[1] - pair[0], &self.values[pair[0] * self.width..pair[1] * self.width]))
    }

    fn copy(&mut self, from: &Self) {
        self.values.clone_from(&from.values);
        self.starts.clone_from(&from.starts);
        self.width = from.width;
    }
}

impl Deep {
    pub(crate) fn new(model: &DeepNet, n_features: usize) -> Result<Self, ScoreError> {
        let shapes = check::shapes(model, n_features)?;
        let largest = shapes.iter().map(|shape| shape.values()).max().unwrap_or(1);
        let step = |(op, shape): (&DeepOp, &Shape)| match op {
            DeepOp::Dense { inputs, weights, bias, activation } => {
                Step::Dense(Panels::of_layer(*inputs as usize, weights, bias), *activation)
            }
            DeepOp::Conv { channels, kernel, weights, bias, activation } => {
                let (planes, kernel) = (*channels as usize, *kernel as usize);
                let panels = Panels::of_layer(planes * kernel * kernel, weights, bias);
                let shape = [planes, shape.height, shape.width];
                Step::Conv(Conv { panels, kernel, shape, activation: *activation })
            }
            op => Step::Op(op.clone(), *shape),
        };
        Ok(Self {
            steps: model.ops.iter().zip(&shapes).map(step).collect(),
            n_features,
            outputs: model.outputs as usize,
            scale: f64::from(model.scale),
            shift: f64::from(model.shift),
            rows: (BLOCK_VALUES / largest.max(1)).clamp(1, 256),
            level: Level::detect(),
        })
    }

    /// Computes margins `[rows, outputs]` of features `[rows, n_features]`.
    pub(crate) fn run(&self, features: &[f32], work: &mut DeepWork, margins: &mut [f32]) {
        let blocks = features.chunks(self.rows * self.n_features.max(1));
        for (features, margins) in blocks.zip(margins.chunks_mut(self.rows * self.outputs.max(1))) {
            for step in &self.steps {
                self.step(step, features, work);
            }
            for (margin, y) in margins.iter_mut().zip(&work.x.values) {
                *margin = (f64::from(*y) * self.scale + self.shift) as f32;
            }
        }
    }

    fn step(&self, step: &Step, features: &[f32], work: &mut DeepWork) {
        let (op, shape) = match step {
            Step::Op(op, shape) => (op, *shape),
            Step::Dense(panels, activation) => return self.dense(panels, *activation, work),
            Step::Conv(conv) => return self.conv(conv, work),
        };
        let DeepWork { x, y, slots, .. } = work;
        match op {
            DeepOp::Input { first, count } => {
                let (first, count) = (*first as usize, *count as usize);
                let rows = features.chunks_exact(self.n_features);
                x.fix(rows.len(), 1);
                x.values.clear();
                rows.for_each(|row| x.values.extend_from_slice(&row[first..first + count]));
                x.width = count;
            }
            DeepOp::Save { slot } => slots[*slot as usize].copy(x),
            DeepOp::Add { slot } => {
                for (x, other) in x.values.iter_mut().zip(&slots[*slot as usize].values) {
                    *x += other;
                }
            }
            DeepOp::Activate { activation } => activation.apply(&mut x.values),
            DeepOp::LayerNorm { scale, shift, epsilon } => {
                let width = x.width;
                for token in x.values.chunks_exact_mut(width) {
                    normalise(token, scale, shift, *epsilon);
                }
            }
            DeepOp::Affine { scale, shift, activation } => {
                affine(x, (scale, shift), shape);
                activation.apply(&mut x.values);
            }
            DeepOp::Attention { heads } => self.attention(*heads as usize, work),
            DeepOp::Flatten | DeepOp::Image { .. } => {
                x.width = shape.width;
                let rows = x.starts.len() - 1;
                x.fix(rows, shape.planes * shape.height);
            }
            DeepOp::MaxPool { .. } | DeepOp::PlaneMeans => pool(op, x, shape, y),
            op => {
                y.clear();
                let starts = remake(op, x, slots, y);
                std::mem::swap(&mut x.values, y);
                x.width = shape.width;
                if let Some(starts) = starts {
                    x.starts = starts;
                } else {
                    let rows = x.starts.len() - 1;
                    x.fix(rows, shape.planes * shape.height);
                }
            }
        }
    }

    fn conv(&self, conv: &Conv, work: &mut DeepWork) {
        let DeepWork { x, y, conv: scratch, .. } = work;
        y.clear();
        conv.run(self.level, &x.values, scratch, y);
        std::mem::swap(&mut x.values, y);
        let rows = x.starts.len() - 1;
        x.fix(rows, conv.panels.outputs() * conv.shape[1]);
    }

    fn dense(&self, panels: &Panels, activation: Pointwise, work: &mut DeepWork) {
        let DeepWork { x, y, tiles, .. } = work;
        let (tokens, outputs) = (x.tokens(), panels.outputs());
        y.clear();
        y.resize(tokens * outputs, 0.0);
        tiles.pack(&x.values, (tokens, x.width, x.width));
        product(self.level, (tiles, panels), (y, outputs), activation);
        std::mem::swap(&mut x.values, y);
        x.width = outputs;
    }

    fn attention(&self, heads: usize, work: &mut DeepWork) {
        let DeepWork { x, y, attention, .. } = work;
        let width = x.width / 3;
        y.clear();
        y.resize(x.tokens() * width, 0.0);
        let mut out = &mut y[..];
        for (tokens, values) in x.rows() {
            let (own, rest) = out.split_at_mut(tokens * width);
            attention::attend(self.level, values, (tokens, width, heads), attention, own);
            out = rest;
        }
        std::mem::swap(&mut x.values, y);
        x.width = width;
    }
}

/// Brings images to another size.
fn pool(op: &DeepOp, x: &mut Tensor, shape: Shape, y: &mut Vec<f32>) {
    let rows = x.starts.len() - 1;
    let lines = |planes: usize| x.tokens() / (rows * planes).max(1);
    y.clear();
    if let DeepOp::MaxPool { size } = op {
        conv::max_pool(&x.values, [lines(shape.planes), x.width], *size as usize, y);
    } else {
        conv::plane_means(&x.values, lines(shape.width) * x.width, y);
    }
    std::mem::swap(&mut x.values, y);
    x.width = shape.width;
    x.fix(rows, shape.planes * shape.height);
}

/// Writes the result of an operation that changes the shape; returns where rows begin when they have
/// lengths of their own.
fn remake(op: &DeepOp, x: &Tensor, slots: &[Tensor; SLOTS], out: &mut Vec<f32>) -> Option<Vec<usize>> {
    match op {
        DeepOp::Bins { feature, lower, scale, floor, ceiling } => {
            for (_, row) in x.rows() {
                let edges = lower.iter().zip(scale).zip(floor).zip(ceiling).zip(feature);
                out.extend(edges.map(|((((lower, scale), floor), ceiling), feature)| {
                    let y = (row[*feature as usize] - lower) * scale;
                    let y = if y < *floor { *floor } else { y };
                    if y > *ceiling { *ceiling } else { y }
                }));
            }
        }
        DeepOp::FeatureTokens { width, parts, weights, bias } => {
            for (_, row) in x.rows() {
                feature_tokens(row, (*width as usize, parts), (weights, bias), out);
            }
        }
        DeepOp::Embed { width, tokens, positions } => {
            return Some(embed(x, *width as usize, (tokens, positions), out));
        }
        DeepOp::Gate { activation } => {
            let half = x.width / 2;
            let mut right = Vec::with_capacity(half);
            for token in x.values.chunks_exact(x.width) {
                right.clear();
                right.extend_from_slice(&token[half..]);
                activation.apply(&mut right);
                out.extend(token.iter().zip(&right).map(|(left, right)| left * right));
            }
            return Some(x.starts.clone());
        }
        DeepOp::Concat { slot } => {
            for ((_, own), (_, other)) in x.rows().zip(slots[*slot as usize].rows()) {
                out.extend_from_slice(own);
                out.extend_from_slice(other);
            }
        }
        DeepOp::TakeFirst => x.rows().for_each(|(_, row)| out.extend_from_slice(&row[..x.width])),
        DeepOp::MeanPool => {
            for (tokens, row) in x.rows() {
                let start = out.len();
                out.resize(start + x.width, 0.0);
                let mean = &mut out[start..];
                for token in row.chunks_exact(x.width) {
                    mean.iter_mut().zip(token).for_each(|(mean, value)| *mean += value);
                }
                for mean in mean.iter_mut() {
                    *mean /= tokens as f32;
                }
            }
        }
        _ => {}
    }
    None
}

fn feature_tokens(
    row: &[f32],
    (width, parts): (usize, &[super::TokenPart]),
    (weights, bias): (&[f32], &[f32]),
    out: &mut Vec<f32>,
) {
    let mut lines = weights.chunks_exact(width);
    for (part, bias) in parts.iter().zip(bias.chunks_exact(width)) {
        let start = out.len();
        out.extend_from_slice(bias);
        let values = &row[part.first as usize..][..part.count as usize];
        for (value, line) in values.iter().zip(lines.by_ref()) {
            if *value != 0.0 {
                out[start..].iter_mut().zip(line).for_each(|(slot, weight)| *slot += value * weight);
            }
        }
    }
}

fn embed(x: &Tensor, width: usize, (tokens, positions): (&[f32], &[f32]), out: &mut Vec<f32>) -> Vec<usize> {
    let last = tokens.len() / width - 1;
    let mut starts = vec![0];
    let mut total = 0;
    for (_, row) in x.rows() {
        let used = row.iter().rposition(|id| *id != 0.0).map_or(1, |at| at + 1);
        for (id, position) in row[..used].iter().zip(positions.chunks_exact(width)) {
            // Without a number the first row stands in, as for 0.
            let id = (*id as usize).saturating_sub(1).min(last);
            let token = &tokens[id * width..(id + 1) * width];
            out.extend(token.iter().zip(position).map(|(token, position)| token + position));
        }
        total += used;
        starts.push(total);
    }
    starts
}

fn affine(x: &mut Tensor, (scale, shift): (&[f32], &[f32]), shape: Shape) {
    if shape.planes == 1 {
        let width = x.width;
        for token in x.values.chunks_exact_mut(width) {
            for ((x, scale), shift) in token.iter_mut().zip(scale).zip(shift) {
                *x = *x * scale + shift;
            }
        }
        return;
    }
    let factors = scale.iter().zip(shift).cycle();
    for (plane, (scale, shift)) in x.values.chunks_exact_mut(shape.height * shape.width).zip(factors) {
        for x in plane.iter_mut() {
            *x = *x * scale + shift;
        }
    }
}

/// Sums of 8 lanes each (value j goes to lane j mod 8), lanes added in order, in f64.
fn normalise(token: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    let mean = sum(token, |x| x) / token.len() as f64;
    let variance = sum(token, |x| (x - mean) * (x - mean)) / token.len() as f64;
    let inverse = 1.0 / (variance + f64::from(epsilon)).sqrt();
    for ((x, scale), shift) in token.iter_mut().zip(scale).zip(shift) {
        *x = ((f64::from(*x) - mean) * inverse * f64::from(*scale) + f64::from(*shift)) as f32;
    }
}

fn sum(values: &[f32], of: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; 8];
    for chunk in values.chunks(8) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += of(f64::from(*value));
        }
    }
    lanes.iter().sum()
}
