//! A deep net under training: the scorer's list of operations with a variable for each of its arrays that is
//! trained, and a forward pass in candle that has gradients. Knows nothing of losses and of rows.
//!
//! Arrays of a net that was trained before can stay as they are, with low-rank changes of its dense layers
//! in their place (Hu et al., 2022, "`LoRA`", arXiv:2106.09685): `W + alpha / rank × up × down`, merged when
//! the net leaves.

use super::{
    ops::{self, list},
    pointwise::{self, Dropout},
    sequence::{self, Embed, Starts},
};
use crate::mlp::Segment;
use candle_core::{Device, Error, Result, Tensor, Var, backprop::GradStore};
use yard_score::deep::{DeepNet, DeepOp, Pointwise, SLOTS};
use yard_types::rng;

const DROPOUT_STREAM: u64 = 0x6465_6570_0000_0000;
const ADAPTER_STREAM: u64 = 0x6c6f_7261_0000_0000;
/// Streams of one step.
const STEP_STREAMS: u64 = 4_096;

/// A net with initial weights, and what is dropped and what is trained where.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) net: DeepNet,
    /// Share of values that is dropped after each operation while training.
    pub(super) drops: Vec<f64>,
    /// Operations at the start whose arrays stay as they are.
    pub(super) fixed: std::ops::Range<usize>,
    /// Rank of the changes of fixed dense layers, and their weight alpha; rank 0 makes none.
    pub(super) adapters: (usize, f64),
}

/// An array of an operation.
enum Array {
    Fixed(Tensor),
    Trained { var: Var, decays: bool },
}

impl Array {
    fn tensor(&self) -> &Tensor {
        match self {
            Self::Fixed(tensor) => tensor,
            Self::Trained { var, .. } => var.as_tensor(),
        }
    }
}

/// A low-rank change of a dense layer: down `[rank, inputs]`, up `[outputs, rank]`, flat.
struct Adapter {
    down: Array,
    up: Array,
    rank: usize,
    scale: f64,
}

/// A net under training.
pub(super) struct Net {
    /// Operations; their arrays are those at the start.
    plan: Plan,
    /// Arrays of each operation, in their order.
    arrays: Vec<Vec<Array>>,
    adapters: Vec<Option<Adapter>>,
    seed: u64,
}

fn flat(values: Vec<f32>) -> Result<Tensor> {
    let count = values.len();
    Tensor::from_vec(values, count, &Device::Cpu)
}

fn trained(values: Vec<f32>, decays: bool) -> Result<Array> {
    Ok(Array::Trained { var: Var::from_tensor(&flat(values)?)?, decays })
}

impl Net {
    pub(super) fn new(plan: Plan, seed: u64) -> Result<Self> {
        let mut arrays = Vec::with_capacity(plan.net.ops.len());
        let mut adapters = Vec::with_capacity(plan.net.ops.len());
        for (at, op) in plan.net.ops.iter().enumerate() {
            let fixed = plan.fixed.contains(&at);
            let array = |(name, array): (&str, &Vec<f32>)| {
                let decays = matches!(op, DeepOp::Dense { .. }) && name == "weights";
                if fixed { flat(array.clone()).map(Array::Fixed) } else { trained(array.clone(), decays) }
            };
            let own = match op {
                DeepOp::Bins { .. } => Vec::new(),
                op => op.arrays().into_iter().map(array).collect::<Result<_>>()?,
            };
            arrays.push(own);
            adapters.push(if fixed { adapter(op, plan.adapters, (seed, at))? } else { None });
        }
        Ok(Self { plan, arrays, adapters, seed })
    }

    /// Returns the margins, `[rows, outputs]`, of features `[rows, features]`. `drop` holds the number of
    /// the step whose values are dropped; `None` drops none.
    pub(super) fn forward(&self, features: &[f32], drop: Option<u64>) -> Result<Tensor> {
        let net = &self.plan.net;
        let rows = features.len() / (net.n_features as usize).max(1);
        let mut flow =
            Flow { features, rows, raw: Vec::new(), x: None, starts: None, slots: Default::default() };
        for (at, (op, arrays)) in net.ops.iter().zip(&self.arrays).enumerate() {
            let arrays: Vec<&Tensor> = arrays.iter().map(Array::tensor).collect();
            flow.step(op, (&arrays, self.adapters[at].as_ref()), net.n_features as usize)?;
            let share = self.plan.drops.get(at).copied().unwrap_or(0.0);
            if let (Some(step), true) = (drop, share > 0.0) {
                let stream = DROPOUT_STREAM.wrapping_add(step * STEP_STREAMS + at as u64);
                flow.x = Some(Dropout { seed: self.seed, stream, share }.apply(&flow.tensor()?)?);
            }
        }
        flow.tensor()?.reshape((rows, net.outputs as usize))
    }

    /// Returns the arrays that are trained, and whether weight decay concerns them, in a fixed order.
    fn trained(&self) -> impl Iterator<Item = (&Var, bool)> {
        let own = self.arrays.iter().flatten();
        let adapters = self.adapters.iter().flatten().flat_map(|own| [&own.down, &own.up]);
        own.chain(adapters).filter_map(|array| match array {
            Array::Fixed(_) => None,
            Array::Trained { var, decays } => Some((var, *decays)),
        })
    }

    /// Returns the trained numbers one after the other, and which places belong together.
    pub(super) fn weights(&self) -> Result<(Vec<f32>, Vec<Segment>)> {
        let (mut all, mut segments) = (Vec::new(), Vec::new());
        for (var, decays) in self.trained() {
            let start = all.len();
            all.extend(list(var.as_tensor())?);
            segments.push(Segment { place: start..all.len(), shape: (1, all.len() - start), decays });
        }
        Ok((all, segments))
    }

    /// Takes other numbers in the same order.
    pub(super) fn set_weights(&self, weights: &[f32]) -> Result<()> {
        let mut rest = weights;
        for (var, _) in self.trained() {
            let (own, after) = rest.split_at(var.elem_count().min(rest.len()));
            var.set(&flat(own.to_vec())?)?;
            rest = after;
        }
        Ok(())
    }

    /// Returns the gradients in the order of the weights; those that are not there are 0.
    pub(super) fn gradients(&self, all: &GradStore) -> Result<Vec<f32>> {
        let mut out = Vec::new();
        for (var, _) in self.trained() {
            match all.get(var.as_tensor()) {
                Some(gradient) => out.extend(list(gradient)?),
                None => out.resize(out.len() + var.elem_count(), 0.0),
            }
        }
        Ok(out)
    }

    /// Returns the trained arrays of each operation.
    #[cfg(test)]
    pub(super) fn variables(&self) -> Vec<Vec<&Tensor>> {
        self.arrays.iter().map(|own| own.iter().map(Array::tensor).collect()).collect()
    }

    /// Copies the weights out; changes of low rank are merged.
    pub(super) fn to_deep(&self) -> Result<DeepNet> {
        let mut net = self.plan.net.clone();
        for ((op, arrays), adapter) in net.ops.iter_mut().zip(&self.arrays).zip(&self.adapters) {
            for ((_, array), own) in op.arrays_mut().into_iter().zip(arrays) {
                *array = list(own.tensor())?;
            }
            if let (DeepOp::Dense { inputs, weights, .. }, Some(adapter)) = (op, adapter) {
                adapter.merge(*inputs as usize, weights)?;
            }
        }
        Ok(net)
    }
}

/// Makes the change of a dense layer: none at the start, as `up` is 0.
fn adapter(op: &DeepOp, (rank, alpha): (usize, f64), (seed, at): (u64, usize)) -> Result<Option<Adapter>> {
    let DeepOp::Dense { inputs, bias, .. } = op else { return Ok(None) };
    if rank == 0 {
        return Ok(None);
    }
    let inputs = *inputs as usize;
    let bound = 1.0 / (inputs.max(1) as f64).sqrt();
    let draw =
        |i: usize| ((2.0 * rng::uniform(seed, ADAPTER_STREAM + at as u64, i as u64) - 1.0) * bound) as f32;
    let down = trained((0..rank * inputs).map(draw).collect(), true)?;
    let up = trained(vec![0.0; rank * bias.len()], true)?;
    Ok(Some(Adapter { down, up, rank, scale: alpha / rank as f64 }))
}

impl Adapter {
    /// Returns what the change adds for tokens `[n, inputs]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (down, up) = (self.down.tensor(), self.up.tensor());
        let down = down.reshape((self.rank, down.elem_count() / self.rank))?;
        let up = up.reshape((up.elem_count() / self.rank, self.rank))?;
        x.matmul(&down.t()?)?.matmul(&up.t()?)? * self.scale
    }

    /// Adds the change to weights `[outputs, inputs]`, summed in f64 by rank.
    fn merge(&self, inputs: usize, weights: &mut [f32]) -> Result<()> {
        let (down, up) = (list(self.down.tensor())?, list(self.up.tensor())?);
        for (weights, up) in weights.chunks_exact_mut(inputs).zip(up.chunks_exact(self.rank)) {
            for (at, weight) in weights.iter_mut().enumerate() {
                let parts =
                    up.iter().enumerate().map(|(i, up)| f64::from(*up) * f64::from(down[i * inputs + at]));
                *weight = (f64::from(*weight) + self.scale * parts.sum::<f64>()) as f32;
            }
        }
        Ok(())
    }
}

/// Tensors of a batch.
struct Flow<'a> {
    features: &'a [f32],
    rows: usize,
    /// A vector of each row that no gradient goes through, until it becomes a tensor.
    raw: Vec<f32>,
    /// `[rows, tokens, width]`, or `[1, tokens, width]` when rows have lengths of their own.
    x: Option<Tensor>,
    /// Where the tokens of each row begin when their numbers differ.
    starts: Option<Starts>,
    slots: [Option<Tensor>; SLOTS],
}

impl Flow<'_> {
    /// Returns `x`; a vector without gradients becomes a tensor.
    fn tensor(&mut self) -> Result<Tensor> {
        if let Some(x) = &self.x {
            return Ok(x.clone());
        }
        let raw = std::mem::take(&mut self.raw);
        let x = Tensor::from_vec(raw.clone(), (self.rows, 1, raw.len() / self.rows.max(1)), &Device::Cpu)?;
        self.x = Some(x.clone());
        Ok(x)
    }

    fn slot(&self, slot: u32) -> Result<&Tensor> {
        let own = self.slots.get(slot as usize).and_then(Option::as_ref);
        own.ok_or_else(|| Error::msg("a slot is empty"))
    }

    fn step(
        &mut self,
        op: &DeepOp,
        (arrays, adapter): (&[&Tensor], Option<&Adapter>),
        n_features: usize,
    ) -> Result<()> {
        let x = match (op, arrays) {
            (DeepOp::Input { first, count }, _) => {
                let rows = self.features.chunks_exact(n_features);
                self.raw = rows.flat_map(|row| &row[*first as usize..][..*count as usize]).copied().collect();
                (self.x, self.starts) = (None, None);
                return Ok(());
            }
            (DeepOp::Bins { .. }, _) => {
                self.bins(op);
                return Ok(());
            }
            (DeepOp::FeatureTokens { width, parts, .. }, [weights, bias]) => {
                let x = std::mem::take(&mut self.raw);
                let (values, width) = (x.len() / self.rows.max(1), *width as usize);
                ops::feature_tokens(
                    ops::FeatureTokens { x, values, parts: parts.clone(), width },
                    weights,
                    bias,
                )?
            }
            (DeepOp::Embed { width, .. }, [tokens, positions]) => {
                self.embed(*width as usize, tokens, positions)?
            }
            (DeepOp::Dense { inputs, activation, .. }, [weights, bias]) => {
                let (x, inputs) = (self.tensor()?, *inputs as usize);
                let (rows, tokens, _) = x.dims3()?;
                let weights = weights.reshape((bias.elem_count(), inputs))?;
                let x = x.contiguous()?.reshape((rows * tokens, inputs))?;
                let mut product = x.matmul(&weights.t()?)?;
                if let Some(adapter) = adapter {
                    product = pointwise::sum(&product, &adapter.forward(&x)?)?;
                }
                pointwise::bias(&product, bias, *activation)?.reshape((rows, tokens, bias.elem_count()))?
            }
            (DeepOp::LayerNorm { epsilon, .. }, [scale, shift]) => {
                ops::layer_norm(&self.tensor()?, scale, shift, *epsilon)?
            }
            (DeepOp::Activate { activation }, _) => pointwise::activate(&self.tensor()?, *activation)?,
            (DeepOp::Gate { activation: Pointwise::Relu }, _) => ops::gate(&self.tensor()?)?,
            (DeepOp::Attention { heads }, _) => {
                let x = self.tensor()?;
                let starts = self.starts.clone();
                let tokens = x.dims3()?.1;
                ops::attention(
                    &x,
                    *heads as usize,
                    starts.unwrap_or_else(|| sequence::even(self.rows, tokens)),
                )?
            }
            (DeepOp::Save { slot }, _) => {
                let x = self.tensor()?;
                if let Some(slot) = self.slots.get_mut(*slot as usize) {
                    *slot = Some(x.clone());
                }
                x
            }
            (DeepOp::Add { slot }, _) => pointwise::sum(&self.tensor()?, self.slot(*slot)?)?,
            (DeepOp::Concat { slot }, _) => Tensor::cat(&[&self.tensor()?, self.slot(*slot)?], 2)?,
            (DeepOp::TakeFirst, _) => self.pool(true)?,
            (DeepOp::MeanPool, _) => self.pool(false)?,
            _ => return Err(Error::msg("an operation that can't be trained")),
        };
        self.x = Some(x);
        Ok(())
    }

    fn bins(&mut self, op: &DeepOp) {
        let DeepOp::Bins { feature, lower, scale, floor, ceiling } = op else { return };
        let width = self.raw.len() / self.rows.max(1);
        let mut out = Vec::with_capacity(self.rows * feature.len());
        for row in self.raw.chunks_exact(width.max(1)) {
            let edges = lower.iter().zip(scale).zip(floor).zip(ceiling).zip(feature);
            out.extend(edges.map(|((((lower, scale), floor), ceiling), feature)| {
                ((row[*feature as usize] - lower) * scale).max(*floor).min(*ceiling)
            }));
        }
        self.raw = out;
    }

    /// Looks tokens up; each row keeps its own length.
    fn embed(&mut self, width: usize, tokens: &Tensor, places: &Tensor) -> Result<Tensor> {
        let (known, longest) = (tokens.elem_count() / width.max(1), self.raw.len() / self.rows.max(1));
        let (embed, starts) = Embed::new(&self.raw, longest, (known, width));
        self.starts = Some(starts);
        embed.apply(tokens, places)
    }

    /// Returns a vector of each row.
    fn pool(&mut self, first: bool) -> Result<Tensor> {
        let x = self.tensor()?;
        let tokens = x.dims3()?.1;
        let starts = self.starts.take().unwrap_or_else(|| sequence::even(self.rows, tokens));
        sequence::pool(&x, starts, first)
    }
}
