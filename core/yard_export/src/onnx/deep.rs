//! Deep nets operation by operation. A row's tensor `[planes, height, width]` is a value of rank 2 (vectors), 3
//! (tokens) or 4 (images) with the batch in front. Sequences of their own lengths are padded, and a mask
//! of what is used goes with them. Products are the runtime's own, so results agree to rounding.
//! Papers: those of `yard_score::deep`.

use super::{
    graph::{Attribute, Graph, Kind, Tensor, Value},
    net,
};
use crate::error::ExportError;
use yard_score::deep::{DeepNet, DeepOp, Pointwise, TokenPart};

/// Stands for a score that counts nothing.
const LEAST: f32 = -1e30;

/// A tensor of the net.
#[derive(Clone, Debug)]
struct Wire {
    value: Value,
    planes: usize,
    height: usize,
    width: usize,
    /// 2, 3 or 4.
    rank: usize,
    /// Which tokens are used, bool `[N, height]`; `None` for all.
    mask: Option<Value>,
}

impl Wire {
    fn vector(value: Value, width: usize) -> Self {
        Self { value, planes: 1, height: 1, width, rank: 2, mask: None }
    }

    fn with(&self, value: Value, width: usize) -> Self {
        Self { value, width, ..self.clone() }
    }

    /// Returns the tensor with another rank.
    fn ranked(&self, graph: &mut Graph, rank: usize) -> Self {
        if self.rank == rank {
            return self.clone();
        }
        let [planes, height, width] = [self.planes, self.height, self.width].map(|side| side as i64);
        let value = match rank {
            2 => graph.reshape(&self.value, &[0, planes * height * width]),
            3 => graph.reshape(&self.value, &[0, planes * height, width]),
            _ => graph.reshape(&self.value, &[0, planes, height, width]),
        };
        Self { value, rank, ..self.clone() }
    }
}

/// Builds the net.
struct Builder<'a> {
    graph: &'a mut Graph,
    features: Value,
    slots: Vec<Option<Wire>>,
}

/// Computes margins of features.
pub(super) fn margins(graph: &mut Graph, net: &DeepNet, features: &Value) -> Result<Value, ExportError> {
    let slots = vec![None; yard_score::deep::SLOTS];
    let mut builder = Builder { graph, features: features.clone(), slots };
    let mut x = Wire::vector(features.clone(), net.n_features as usize);
    for op in &net.ops {
        x = builder.after(op, x)?;
    }
    let x = x.ranked(builder.graph, 2);
    Ok(net::scaled(graph, &x.value, (net.scale, net.shift)))
}

fn floats(values: &[f32]) -> Tensor {
    Tensor::Float(values.to_vec())
}

impl Builder<'_> {
    fn node(&mut self, operator: &'static str, inputs: &[&Value]) -> Value {
        self.graph.node(operator, inputs, &[])
    }

    fn number(&mut self, value: f32) -> Value {
        self.graph.constant("number", &Tensor::Float(vec![value]), Some(&[]))
    }

    fn after(&mut self, op: &DeepOp, x: Wire) -> Result<Wire, ExportError> {
        Ok(match op {
            DeepOp::Input { first, count } => {
                let (first, count) = (i64::from(*first), i64::from(*count));
                let value = self.graph.slice(&self.features.clone(), 1, (first, first + count, 1));
                Wire::vector(value, count as usize)
            }
            DeepOp::Save { slot } => {
                if let Some(place) = self.slots.get_mut(*slot as usize) {
                    *place = Some(x.clone());
                }
                x
            }
            DeepOp::Add { slot } => {
                let other = self.slot(*slot, &x).ranked(self.graph, x.rank);
                let value = self.node("Add", &[&x.value, &other.value]);
                x.with(value, x.width)
            }
            DeepOp::Concat { slot } => {
                let other = self.slot(*slot, &x).ranked(self.graph, 2);
                let own = x.ranked(self.graph, 2);
                let value = self.graph.concat(&[own.value, other.value]);
                Wire::vector(value, own.width + other.width)
            }
            DeepOp::Activate { activation } => {
                let value = self.activated(x.value.clone(), *activation);
                x.with(value, x.width)
            }
            DeepOp::Bins { .. }
            | DeepOp::FeatureTokens { .. }
            | DeepOp::Embed { .. }
            | DeepOp::TakeFirst
            | DeepOp::MeanPool => self.tokens(op, &x),
            DeepOp::Dense { .. }
            | DeepOp::Affine { .. }
            | DeepOp::LayerNorm { .. }
            | DeepOp::Gate { .. }
            | DeepOp::Attention { .. } => self.layer(op, &x),
            DeepOp::Image { .. }
            | DeepOp::Conv { .. }
            | DeepOp::MaxPool { .. }
            | DeepOp::PlaneMeans
            | DeepOp::Flatten => self.image(op, &x),
            #[allow(
                unreachable_patterns,
                reason = "operations that come later are refused until they have a form"
            )]
            _ => {
                return Err(ExportError::Unsupported {
                    format: "ONNX",
                    what: "an operation of this net".to_owned(),
                    lost: "it has no form in the graph",
                    instead: "a package, which yard-serve runs",
                });
            }
        })
    }

    /// Returns what a slot holds; a checked net fills a slot before it is read.
    fn slot(&self, slot: u32, x: &Wire) -> Wire {
        self.slots.get(slot as usize).cloned().flatten().unwrap_or_else(|| x.clone())
    }

    fn activated(&mut self, value: Value, activation: Pointwise) -> Value {
        match activation {
            Pointwise::Identity => value,
            Pointwise::Relu => self.node("Relu", &[&value]),
            Pointwise::Gelu => self.node("Gelu", &[&value]),
            Pointwise::Tanh => self.node("Tanh", &[&value]),
        }
    }

    fn tokens(&mut self, op: &DeepOp, x: &Wire) -> Wire {
        match op {
            DeepOp::Bins { feature, lower, scale, floor, ceiling } => {
                let x = x.ranked(self.graph, 2);
                let places = feature.iter().map(|feature| i64::from(*feature)).collect();
                let places = self.graph.constant("places", &Tensor::Int64(places), None);
                let mut y = self.graph.node("Gather", &[&x.value, &places], &[("axis", Attribute::Int(1))]);
                for (operator, values) in [("Sub", lower), ("Mul", scale), ("Max", floor), ("Min", ceiling)] {
                    let values = self.graph.row("bins", &floats(values));
                    y = self.node(operator, &[&y, &values]);
                }
                Wire::vector(y, feature.len())
            }
            DeepOp::FeatureTokens { width, parts, weights, bias } => {
                let x = x.ranked(self.graph, 2);
                self.feature_tokens(&x, (*width as usize, parts), (weights, bias))
            }
            DeepOp::Embed { width, tokens, positions } => {
                let x = x.ranked(self.graph, 2);
                self.embed(&x, *width as usize, (tokens, positions))
            }
            DeepOp::TakeFirst => {
                let x = x.ranked(self.graph, 3);
                let first = self.graph.whole("first", 0);
                let value = self.graph.node("Gather", &[&x.value, &first], &[("axis", Attribute::Int(1))]);
                Wire::vector(value, x.width)
            }
            _ => {
                let x = x.ranked(self.graph, 3);
                self.mean_pool(&x)
            }
        }
    }

    fn feature_tokens(
        &mut self,
        x: &Wire,
        (width, parts): (usize, &[TokenPart]),
        (weights, bias): (&[f32], &[f32]),
    ) -> Wire {
        let mut lines = weights.chunks_exact(width);
        let mut made = Vec::new();
        for run in parts.chunk_by(|a, b| a.count <= 1 && b.count <= 1) {
            let single = run.iter().all(|part| part.count <= 1);
            let shape = [run.len() as i64, width as i64];
            if single {
                // A part of nothing reads the first value with weight 0.
                let places = run.iter().map(|part| if part.count == 0 { 0 } else { i64::from(part.first) });
                let places = self.graph.constant("places", &Tensor::Int64(places.collect()), None);
                let own = self.graph.node("Gather", &[&x.value, &places], &[("axis", Attribute::Int(1))]);
                let own = self.graph.unsqueeze(&own, 2);
                let mut table = Vec::with_capacity(run.len() * width);
                for part in run {
                    let line = if part.count == 0 { None } else { lines.next() };
                    table.extend(line.map_or_else(|| vec![0.0; width], <[f32]>::to_vec));
                }
                let table = self.graph.constant("weights", &Tensor::Float(table), Some(&shape));
                made.push(self.node("Mul", &[&own, &table]));
                continue;
            }
            for part in run {
                let (first, count) = (i64::from(part.first), i64::from(part.count));
                let own = self.graph.slice(&x.value, 1, (first, first + count, 1));
                let table: Vec<f32> = lines.by_ref().take(part.count as usize).flatten().copied().collect();
                let table =
                    self.graph.constant("weights", &Tensor::Float(table), Some(&[count, width as i64]));
                let token = self.node("MatMul", &[&own, &table]);
                made.push(self.graph.unsqueeze(&token, 1));
            }
        }
        let all = self.graph.concat(&made);
        let shape = [parts.len() as i64, width as i64];
        let bias = self.graph.constant("bias", &floats(bias), Some(&shape));
        let value = self.node("Add", &[&all, &bias]);
        Wire { value, planes: 1, height: parts.len(), width, rank: 3, mask: None }
    }

    fn embed(&mut self, x: &Wire, width: usize, (tokens, positions): (&[f32], &[f32])) -> Wire {
        let (rows, length) = (tokens.len() / width.max(1), x.width);
        let zero = self.number(0.0);
        // Places up to the last number that is not 0 are used, at least the first.
        let empty = self.node("Equal", &[&x.value, &zero]);
        let counts: Vec<f32> = (1..=length).map(|place| place as f32).collect();
        let counts = self.graph.row("places", &Tensor::Float(counts));
        let ends = self.node("Where", &[&empty, &zero, &counts]);
        let axis = self.graph.constant("axis", &Tensor::Int64(vec![1]), None);
        let used = self.node("ReduceMax", &[&ends, &axis]);
        let one = self.number(1.0);
        let used = self.node("Max", &[&used, &one]);
        let mask = self.node("LessOrEqual", &[&counts, &used]);
        let whole = self.graph.cast(&x.value, Kind::Int64);
        let [one, none, last] = [1, 0, rows as i64 - 1].map(|number| self.graph.whole("number", number));
        let id = self.node("Sub", &[&whole, &one]);
        let id = self.node("Max", &[&id, &none]);
        let id = self.node("Min", &[&id, &last]);
        let table = self.graph.constant("tokens", &floats(tokens), Some(&[rows as i64, width as i64]));
        let own = self.graph.node("Gather", &[&table, &id], &[("axis", Attribute::Int(0))]);
        let shape = [length as i64, width as i64];
        let positions = self.graph.constant("positions", &floats(positions), Some(&shape));
        let value = self.node("Add", &[&own, &positions]);
        Wire { value, planes: 1, height: length, width, rank: 3, mask: Some(mask) }
    }

    fn mean_pool(&mut self, x: &Wire) -> Wire {
        let axis = self.graph.constant("axis", &Tensor::Int64(vec![1]), None);
        let flat = [("keepdims", Attribute::Int(0))];
        let Some(mask) = &x.mask else {
            let value = self.graph.node("ReduceMean", &[&x.value, &axis], &flat);
            return Wire::vector(value, x.width);
        };
        let wide = self.graph.unsqueeze(mask, 2);
        let zero = self.number(0.0);
        let own = self.node("Where", &[&wide, &x.value, &zero]);
        let sum = self.graph.node("ReduceSum", &[&own, &axis], &flat);
        let counts = self.graph.cast(mask, Kind::Float);
        let count = self.node("ReduceSum", &[&counts, &axis]);
        let value = self.node("Div", &[&sum, &count]);
        Wire::vector(value, x.width)
    }

    fn layer(&mut self, op: &DeepOp, x: &Wire) -> Wire {
        match op {
            DeepOp::Dense { inputs, weights, bias, activation } => {
                let (inputs, outputs) = (*inputs as usize, bias.len());
                let at = |at: usize| weights.get(at).copied().unwrap_or(0.0);
                let turned =
                    (0..inputs).flat_map(|i| (0..outputs).map(move |o| o * inputs + i)).map(at).collect();
                let shape = [inputs as i64, outputs as i64];
                let weights = self.graph.constant("weights", &Tensor::Float(turned), Some(&shape));
                let bias = self.graph.constant("bias", &floats(bias), None);
                let product = self.node("MatMul", &[&x.value, &weights]);
                let sum = self.node("Add", &[&product, &bias]);
                let value = self.activated(sum, *activation);
                x.with(value, outputs)
            }
            DeepOp::Affine { scale, shift, activation } => {
                let count = scale.len() as i64;
                let (x, shape) = if x.planes > 1 {
                    (x.ranked(self.graph, 4), vec![count, 1, 1])
                } else {
                    (x.clone(), vec![count])
                };
                let scale = self.graph.constant("scale", &floats(scale), Some(&shape));
                let shift = self.graph.constant("shift", &floats(shift), Some(&shape));
                let scaled = self.node("Mul", &[&x.value, &scale]);
                let shifted = self.node("Add", &[&scaled, &shift]);
                let value = self.activated(shifted, *activation);
                x.with(value, x.width)
            }
            DeepOp::LayerNorm { scale, shift, epsilon } => {
                let exact = |values: &[f32]| Tensor::Double(values.iter().map(|v| f64::from(*v)).collect());
                let scale = self.graph.constant("scale", &exact(scale), None);
                let shift = self.graph.constant("shift", &exact(shift), None);
                let y = self.graph.cast(&x.value, Kind::Double);
                let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(*epsilon))];
                let y = self.graph.node("LayerNormalization", &[&y, &scale, &shift], &attributes);
                let value = self.graph.cast(&y, Kind::Float);
                x.with(value, x.width)
            }
            DeepOp::Gate { activation } => {
                let half = (x.width / 2) as i64;
                let left = self.graph.slice(&x.value, -1, (0, half, 1));
                let right = self.graph.slice(&x.value, -1, (half, 2 * half, 1));
                let right = self.activated(right, *activation);
                let value = self.node("Mul", &[&left, &right]);
                x.with(value, half as usize)
            }
            DeepOp::Attention { heads } => {
                let x = x.ranked(self.graph, 3);
                self.attention(&x, *heads as usize)
            }
            _ => x.clone(),
        }
    }

    fn attention(&mut self, x: &Wire, heads: usize) -> Wire {
        let width = x.width / 3;
        let own = width / heads.max(1);
        let perm = |order: [i64; 4]| [("perm", Attribute::Ints(order.to_vec()))];
        let [query, key, value] =
            [(0, [0, 2, 1, 3]), (1, [0, 2, 3, 1]), (2, [0, 2, 1, 3])].map(|(part, order)| {
                let first = part * width as i64;
                let part = self.graph.slice(&x.value, 2, (first, first + width as i64, 1));
                let part = self.graph.reshape(&part, &[0, x.height as i64, heads as i64, own as i64]);
                self.graph.node("Transpose", &[&part], &perm(order))
            });
        let scores = self.node("MatMul", &[&query, &key]);
        let scale = self.number((1.0 / (own as f64).sqrt()) as f32);
        let mut scores = self.node("Mul", &[&scores, &scale]);
        if let Some(mask) = &x.mask {
            let wide = self.graph.reshape(mask, &[0, 1, 1, x.height as i64]);
            let least = self.number(LEAST);
            scores = self.node("Where", &[&wide, &scores, &least]);
        }
        let shares = self.graph.node("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
        let mixed = self.node("MatMul", &[&shares, &value]);
        let mixed = self.graph.node("Transpose", &[&mixed], &perm([0, 2, 1, 3]));
        let value = self.graph.reshape(&mixed, &[0, x.height as i64, width as i64]);
        x.with(value, width)
    }

    fn image(&mut self, op: &DeepOp, x: &Wire) -> Wire {
        match op {
            DeepOp::Image { channels, height, width } => {
                let [planes, height, width] = [channels, height, width].map(|side| *side as usize);
                let image = Wire { planes, height, width, rank: 2, ..x.clone() };
                image.ranked(self.graph, 4)
            }
            DeepOp::Conv { channels, kernel, weights, bias, activation } => {
                let x = x.ranked(self.graph, 4);
                let (outputs, kernel) = (bias.len(), i64::from(*kernel));
                let shape = [outputs as i64, i64::from(*channels), kernel, kernel];
                let weights = self.graph.constant("weights", &floats(weights), Some(&shape));
                let bias = self.graph.constant("bias", &floats(bias), None);
                let pads = Attribute::Ints(vec![kernel / 2; 4]);
                let y = self.graph.node("Conv", &[&x.value, &weights, &bias], &[("pads", pads)]);
                let value = self.activated(y, *activation);
                Wire { value, planes: outputs, ..x }
            }
            DeepOp::MaxPool { size } => {
                let x = x.ranked(self.graph, 4);
                let sides = || Attribute::Ints(vec![i64::from(*size); 2]);
                let attributes = [("kernel_shape", sides()), ("strides", sides())];
                let value = self.graph.node("MaxPool", &[&x.value], &attributes);
                let size = (*size as usize).max(1);
                Wire { value, height: x.height / size, width: x.width / size, ..x }
            }
            DeepOp::PlaneMeans => {
                let x = x.ranked(self.graph, 4);
                let exact = self.graph.cast(&x.value, Kind::Double);
                let axes = self.graph.constant("axes", &Tensor::Int64(vec![2, 3]), None);
                let flat = [("keepdims", Attribute::Int(0))];
                let means = self.graph.node("ReduceMean", &[&exact, &axes], &flat);
                let value = self.graph.cast(&means, Kind::Float);
                Wire::vector(value, x.planes)
            }
            _ => {
                let values = x.planes * x.height * x.width;
                let flat = x.ranked(self.graph, 2);
                Wire::vector(flat.value, values)
            }
        }
    }
}
