//! A deep net under training: the scorer's list of operations with a variable for each of its arrays, and a
//! forward pass in candle that has gradients. Knows nothing of losses and of rows.

use super::{
    ops::{self, list},
    optim::{self, Rule, Trained},
    sequence::{self, Embed, Starts},
};
use candle_core::{Device, Error, Result, Tensor, backprop::GradStore};
use rayon::prelude::*;
use yard_score::deep::{DeepNet, DeepOp, Pointwise, SLOTS};
use yard_types::rng;

const DROPOUT_STREAM: u64 = 0x6465_6570_0000_0000;
/// Streams of one step.
const STEP_STREAMS: u64 = 4_096;

/// A net with initial weights, and what is dropped where.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) net: DeepNet,
    /// Share of values that is dropped after each operation while training.
    pub(super) drops: Vec<f64>,
}

/// A net under training.
pub(super) struct Net {
    /// Operations; their arrays are those at the start.
    plan: Plan,
    /// Variables of each operation, in the order of its arrays.
    vars: Vec<Vec<Trained>>,
    seed: u64,
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

impl Net {
    pub(super) fn new(plan: Plan, seed: u64) -> Result<Self> {
        let trained = |op: &DeepOp| match op {
            DeepOp::Bins { .. } => Ok(Vec::new()),
            op => {
                let decays = matches!(op, DeepOp::Dense { .. });
                let arrays = op.arrays().into_iter();
                arrays.map(|(name, array)| Trained::new(array.clone(), decays && name == "weights")).collect()
            }
        };
        let vars = plan.net.ops.iter().map(trained).collect::<Result<_>>()?;
        Ok(Self { plan, vars, seed })
    }

    /// Returns the margins, `[rows, outputs]`, of features `[rows, features]`. `drop` holds the number of
    /// the step whose values are dropped; `None` drops none.
    pub(super) fn forward(&self, features: &[f32], drop: Option<u64>) -> Result<Tensor> {
        let net = &self.plan.net;
        let rows = features.len() / (net.n_features as usize).max(1);
        let mut flow =
            Flow { features, rows, raw: Vec::new(), x: None, starts: None, slots: Default::default() };
        for (at, (op, vars)) in net.ops.iter().zip(&self.vars).enumerate() {
            let vars: Vec<&Tensor> = vars.iter().map(Trained::tensor).collect();
            flow.step(op, &vars, net.n_features as usize)?;
            let share = self.plan.drops.get(at).copied().unwrap_or(0.0);
            if let (Some(step), true) = (drop, share > 0.0) {
                let x = flow.tensor()?;
                let mask = self.mask(x.dims(), share, step * STEP_STREAMS + at as u64)?;
                flow.x = Some((x * mask)?);
            }
        }
        flow.tensor()?.reshape((rows, net.outputs as usize))
    }

    fn mask(&self, shape: &[usize], share: f64, stream: u64) -> Result<Tensor> {
        let kept = (1.0 / (1.0 - share)) as f32;
        let unit = |at: usize| rng::uniform(self.seed, DROPOUT_STREAM.wrapping_add(stream), at as u64);
        let count = shape.iter().product::<usize>();
        let drawn = (0..count).into_par_iter().with_min_len(4_096);
        let mask: Vec<f32> = drawn.map(|at| if unit(at) < share { 0.0 } else { kept }).collect();
        Tensor::from_vec(mask, shape, &Device::Cpu)
    }

    pub(super) fn step(&mut self, gradients: &GradStore, rule: Rule) -> Result<()> {
        optim::step(self.vars.iter_mut().flatten(), gradients, rule)
    }

    /// Returns the variables of each operation.
    #[cfg(test)]
    pub(super) fn variables(&self) -> &[Vec<Trained>] {
        &self.vars
    }

    /// Copies the weights out.
    pub(super) fn to_deep(&self) -> Result<DeepNet> {
        let mut net = self.plan.net.clone();
        for (op, vars) in net.ops.iter_mut().zip(&self.vars) {
            for ((_, array), var) in op.arrays_mut().into_iter().zip(vars) {
                *array = list(var.tensor())?;
            }
        }
        Ok(net)
    }
}

fn activate(x: Tensor, activation: Pointwise) -> Result<Tensor> {
    match activation {
        Pointwise::Identity => Ok(x),
        Pointwise::Relu => x.relu(),
        Pointwise::Gelu => x.gelu_erf(),
        Pointwise::Tanh => x.tanh(),
    }
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

    fn step(&mut self, op: &DeepOp, vars: &[&Tensor], n_features: usize) -> Result<()> {
        let x = match (op, vars) {
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
                let product = x.contiguous()?.reshape((rows * tokens, inputs))?.matmul(&weights.t()?)?;
                let y = product.broadcast_add(bias)?.reshape((rows, tokens, bias.elem_count()))?;
                activate(y, *activation)?
            }
            (DeepOp::LayerNorm { epsilon, .. }, [scale, shift]) => {
                ops::layer_norm(&self.tensor()?, scale, shift, *epsilon)?
            }
            (DeepOp::Activate { activation }, _) => activate(self.tensor()?, *activation)?,
            (DeepOp::Gate { activation: Pointwise::Relu }, _) => ops::gate(&self.tensor()?)?,
            (DeepOp::Attention { heads }, _) => {
                let x = self.tensor()?;
                let starts = self.starts.clone();
                let tokens = x.dims3()?.1;
                ops::attention(&x, *heads as usize, starts.unwrap_or_else(|| sequence::even(self.rows, tokens)))?
            }
            (DeepOp::Save { slot }, _) => {
                let x = self.tensor()?;
                if let Some(slot) = self.slots.get_mut(*slot as usize) {
                    *slot = Some(x.clone());
                }
                x
            }
            (DeepOp::Add { slot }, _) => (self.tensor()? + self.slot(*slot)?)?,
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
