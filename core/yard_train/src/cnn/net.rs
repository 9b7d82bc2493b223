//! The net in candle: towers of convolutions with batch normalisation and `ReLU`, their results joined with
//! the features of the other columns, one hidden layer, dropout, margins. It leaves as the scorer's
//! [`DeepNet`] with the normalisations folded into the convolutions.
//!
//! Papers: Ioffe and Szegedy, 2015, "Batch normalization", arXiv:1502.03167; Simonyan and Zisserman, 2015,
//! "Very deep convolutional networks", arXiv:1409.1556 (stages of small windows); He et al., 2015,
//! "Delving deep into rectifiers", arXiv:1502.01852 (initial weights); Srivastava et al., 2014 (dropout).

use super::{
    ops,
    optim::Trained,
    plan::{KERNEL, Plan, Tower},
};
use crate::mlp::Segment;
use candle_core::{D, Device, Result, Tensor, backprop::GradStore};
use yard_score::deep::{DeepNet, DeepOp, Pointwise};
use yard_types::rng;

const INIT_STREAM: u64 = 0x636e_6e00_0000_0000;
const DROPOUT_STREAM: u64 = 0x636e_6e64_0000_0000;
/// Share of a batch in the running means of a normalisation.
const MOMENTUM: f64 = 0.1;
const EPSILON: f64 = 1e-5;

/// A convolution with its normalisation. Weights are `[kernel × kernel × channels, outputs]`.
struct Conv {
    channels: usize,
    weight: Trained,
    scale: Trained,
    shift: Trained,
    mean: Tensor,
    variance: Tensor,
}

/// A dense layer: weights `[inputs, outputs]`.
struct Dense {
    weight: Trained,
    bias: Trained,
}

/// A net under training.
pub(super) struct Net {
    pub(super) plan: Plan,
    towers: Vec<Vec<Conv>>,
    hidden: Dense,
    last: Dense,
    seed: u64,
    dropout: f64,
}

/// Rows of a batch: the images of each tower `[rows, height, width, channels]`, other features
/// `[rows, plain]`.
pub(super) struct Batch {
    pub(super) images: Vec<Tensor>,
    pub(super) plain: Tensor,
}

/// How a forward pass is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Normalise by the batch, drop units of this step.
    Train(u64),
    /// Normalise by the running means.
    Evaluate,
}

impl Net {
    pub(super) fn new(plan: Plan, (seed, dropout): (u64, f64)) -> Result<Self> {
        let mut draws = Draws { seed, stream: INIT_STREAM };
        let mut towers = Vec::new();
        for tower in &plan.towers {
            let mut convs = Vec::new();
            let mut channels = tower.channels;
            for own in tower.stages.iter().flat_map(|own| [*own, *own]) {
                convs.push(Conv::new(channels, own, &mut draws)?);
                channels = own;
            }
            towers.push(convs);
        }
        let hidden = Dense::new(plan.joined(), plan.hidden, &mut draws)?;
        let last = Dense::new(plan.hidden, plan.outputs, &mut draws)?;
        Ok(Self { plan, towers, hidden, last, seed, dropout })
    }

    /// Returns the margins of a batch, `[rows, outputs]`.
    pub(super) fn forward(&mut self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let mut joined = batch.plain.clone();
        for ((tower, convs), x) in self.plan.towers.iter().zip(&mut self.towers).zip(&batch.images) {
            let own = climb(tower, convs, x, mode)?;
            joined = Tensor::cat(&[&own, &joined], 1)?;
        }
        let mut x = self.hidden.forward(&joined)?.relu()?;
        if let Mode::Train(step) = mode
            && self.dropout > 0.0
        {
            x = (&x * self.mask(x.dims2()?, step)?)?;
        }
        self.last.forward(&x)
    }

    fn mask(&self, shape: (usize, usize), step: u64) -> Result<Tensor> {
        let kept = (1.0 / (1.0 - self.dropout)) as f32;
        let unit = |at: usize| rng::uniform(self.seed, DROPOUT_STREAM + step, at as u64);
        let mask = (0..shape.0 * shape.1).map(|at| if unit(at) < self.dropout { 0.0 } else { kept });
        Tensor::from_vec(mask.collect::<Vec<f32>>(), shape, &Device::Cpu)
    }

    fn all(&self) -> impl Iterator<Item = &Trained> {
        let convs = self.towers.iter().flatten();
        let convs = convs.flat_map(|conv| [&conv.weight, &conv.scale, &conv.shift]);
        let dense = [&self.hidden, &self.last].into_iter();
        convs.chain(dense.flat_map(|dense| [&dense.weight, &dense.bias]))
    }

    /// Returns all numbers that a training goes on from, and which places belong together: variables, then
    /// the running moments, which have no gradient.
    pub(super) fn weights(&self) -> Result<(Vec<f32>, Vec<Segment>)> {
        let (mut all, mut segments) = (Vec::new(), Vec::new());
        let moments = self.towers.iter().flatten().flat_map(|conv| [&conv.mean, &conv.variance]);
        let own = self.all().map(|own| (own.tensor(), own.decays));
        for (tensor, decays) in own.chain(moments.map(|tensor| (tensor, false))) {
            let start = all.len();
            all.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
            segments.push(Segment { place: start..all.len(), shape: (1, all.len() - start), decays });
        }
        Ok((all, segments))
    }

    /// Takes other numbers in the same order.
    pub(super) fn set_weights(&mut self, weights: &[f32]) -> Result<()> {
        let mut rest = weights;
        let mut take = |like: &Tensor| {
            let (own, after) = rest.split_at(like.elem_count().min(rest.len()));
            rest = after;
            Tensor::from_slice(own, like.shape(), &Device::Cpu)
        };
        for own in self.all() {
            own.var.set(&take(own.tensor())?)?;
        }
        for conv in self.towers.iter_mut().flatten() {
            conv.mean = take(&conv.mean)?;
            conv.variance = take(&conv.variance)?;
        }
        Ok(())
    }

    /// Returns the gradients in the order of the weights; those that are not there are 0.
    pub(super) fn gradients(&self, all: &GradStore) -> Result<Vec<f32>> {
        let mut out = Vec::new();
        for own in self.all() {
            match all.get(own.tensor()) {
                Some(gradient) => out.extend(gradient.flatten_all()?.to_vec1::<f32>()?),
                None => out.resize(out.len() + own.tensor().elem_count(), 0.0),
            }
        }
        let moments =
            self.towers.iter().flatten().map(|conv| conv.mean.elem_count() + conv.variance.elem_count());
        out.resize(out.len() + moments.sum::<usize>(), 0.0);
        Ok(out)
    }

    /// Returns the net as the scorer runs it.
    pub(super) fn to_deep(&self) -> Result<DeepNet> {
        let plan = &self.plan;
        let mut ops = vec![DeepOp::Input { first: 0, count: plan.plain as u32 }];
        for (tower, convs) in plan.towers.iter().zip(&self.towers) {
            ops.push(DeepOp::Save { slot: 0 });
            ops.push(DeepOp::Input { first: tower.first as u32, count: tower.pixels() as u32 });
            let [channels, height, width] = [tower.channels, tower.height, tower.width].map(|v| v as u32);
            ops.push(DeepOp::Image { channels, height, width });
            for (at, conv) in convs.iter().enumerate() {
                ops.push(conv.folded()?);
                if at % 2 == 1 && tower.pools() {
                    ops.push(DeepOp::MaxPool { size: 2 });
                }
            }
            ops.push(if tower.flat { DeepOp::Flatten } else { DeepOp::PlaneMeans });
            ops.push(DeepOp::Concat { slot: 0 });
        }
        ops.push(self.hidden.as_op(Pointwise::Relu)?);
        ops.push(self.last.as_op(Pointwise::Identity)?);
        Ok(DeepNet {
            n_features: plan.features() as u32,
            outputs: plan.outputs as u32,
            ops,
            scale: 1.0,
            shift: 0.0,
        })
    }

    /// Starts from the arrays of a net of the same shape; those of other shapes keep their own. Returns how
    /// many layers were taken.
    pub(super) fn start_from(&mut self, arrays: &super::transfer::Arrays) -> Result<usize> {
        let mut taken = 0;
        for (tower, convs) in self.towers.iter_mut().enumerate() {
            for (at, conv) in convs.iter_mut().enumerate() {
                if let Some((weights, bias)) = arrays.conv(tower, at) {
                    taken += usize::from(conv.start_from(weights, bias)?);
                }
            }
        }
        for (at, dense) in [&mut self.hidden, &mut self.last].into_iter().enumerate() {
            if let Some((weights, bias)) = arrays.dense(at) {
                taken += usize::from(dense.start_from(weights, bias)?);
            }
        }
        Ok(taken)
    }
}

/// Goes through the stages of a tower; returns `[rows, outputs]`.
fn climb(tower: &Tower, convs: &mut [Conv], x: &Tensor, mode: Mode) -> Result<Tensor> {
    let mut x = x.clone();
    for (at, conv) in convs.iter_mut().enumerate() {
        x = conv.forward(&x, mode)?;
        if at % 2 == 1 && tower.pools() {
            x = halve(&x)?;
        }
    }
    let (rows, height, width, channels) = x.dims4()?;
    if tower.flat {
        // By channel, line and column, as the scorer keeps images.
        return x.permute((0, 3, 1, 2))?.contiguous()?.reshape((rows, channels * height * width));
    }
    x.reshape((rows, height * width, channels))?.mean(1)
}

/// Takes the largest of each 2 × 2 square; a rest at the edge is left out.
fn halve(x: &Tensor) -> Result<Tensor> {
    let (rows, height, width, channels) = x.dims4()?;
    let x = x.narrow(1, 0, height / 2 * 2)?.narrow(2, 0, width / 2 * 2)?.contiguous()?;
    let x = x.reshape((rows * (height / 2), 2, (width / 2) * 2 * channels))?;
    let upper = x.narrow(1, 0, 1)?.maximum(&x.narrow(1, 1, 1)?)?;
    let upper = upper.contiguous()?.reshape((rows * (height / 2) * (width / 2), 2, channels))?;
    let most = upper.narrow(1, 0, 1)?.maximum(&upper.narrow(1, 1, 1)?)?;
    most.contiguous()?.reshape((rows, height / 2, width / 2, channels))
}

/// Initial weights.
struct Draws {
    seed: u64,
    stream: u64,
}

impl Draws {
    /// Draws from ±bound.
    fn uniform(&mut self, shape: (usize, usize), bound: f64) -> Result<Tensor> {
        self.stream += 1;
        let value =
            |at: usize| ((2.0 * rng::uniform(self.seed, self.stream, at as u64) - 1.0) * bound) as f32;
        Tensor::from_vec((0..shape.0 * shape.1).map(value).collect::<Vec<f32>>(), shape, &Device::Cpu)
    }
}

impl Conv {
    fn new(channels: usize, outputs: usize, draws: &mut Draws) -> Result<Self> {
        let inputs = KERNEL * KERNEL * channels;
        let ones = Tensor::ones(outputs, candle_core::DType::F32, &Device::Cpu)?;
        Ok(Self {
            channels,
            weight: Trained::new(&draws.uniform((inputs, outputs), (6.0 / inputs as f64).sqrt())?, true)?,
            scale: Trained::new(&ones, false)?,
            shift: Trained::new(&ones.zeros_like()?, false)?,
            mean: ones.zeros_like()?,
            variance: ones,
        })
    }

    fn forward(&mut self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (rows, height, width, _) = x.dims4()?;
        let y = ops::windows(x, KERNEL)?.matmul(self.weight.tensor())?;
        let (mean, variance) = match mode {
            Mode::Evaluate => (self.mean.clone(), self.variance.clone()),
            Mode::Train(_) => self.of_batch(&y)?,
        };
        let factor = (self.scale.tensor() / (variance + EPSILON)?.sqrt()?)?;
        let summand = (self.shift.tensor() - (mean * &factor)?)?;
        let y = y.broadcast_mul(&factor)?.broadcast_add(&summand)?.relu()?;
        let outputs = y.dim(D::Minus1)?;
        y.reshape((rows, height, width, outputs))
    }

    /// Returns mean and variance of a batch and moves the running ones.
    fn of_batch(&mut self, y: &Tensor) -> Result<(Tensor, Tensor)> {
        let mean = y.mean(0)?;
        let variance = y.broadcast_sub(&mean)?.sqr()?.mean(0)?;
        let count = y.dim(0)? as f64;
        let unbiased = count / (count - 1.0).max(1.0);
        self.mean = ((&self.mean * (1.0 - MOMENTUM))? + (mean.detach() * MOMENTUM)?)?;
        self.variance =
            ((&self.variance * (1.0 - MOMENTUM))? + (variance.detach() * (MOMENTUM * unbiased))?)?;
        Ok((mean, variance))
    }

    /// Folds the normalisation into the weights, in f64.
    fn folded(&self) -> Result<DeepOp> {
        let numbers = |tensor: &Tensor| -> Result<Vec<f64>> {
            Ok(tensor.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
        };
        let (scale, shift) = (numbers(self.scale.tensor())?, numbers(self.shift.tensor())?);
        let (mean, variance) = (numbers(&self.mean)?, numbers(&self.variance)?);
        let weight = self.weight.tensor().flatten_all()?.to_vec1::<f32>()?;
        let outputs = scale.len();
        let mut weights = Vec::with_capacity(weight.len());
        let mut bias = Vec::with_capacity(outputs);
        for output in 0..outputs {
            let factor = scale[output] / (variance[output] + EPSILON).sqrt();
            for at in 0..self.channels * KERNEL * KERNEL {
                // By channel, line, column here; by line, column, channel there.
                let (channel, place) = (at / (KERNEL * KERNEL), at % (KERNEL * KERNEL));
                let own = weight[(place * self.channels + channel) * outputs + output];
                weights.push((f64::from(own) * factor) as f32);
            }
            bias.push((shift[output] - mean[output] * factor) as f32);
        }
        let (channels, kernel) = (self.channels as u32, KERNEL as u32);
        Ok(DeepOp::Conv { channels, kernel, weights, bias, activation: Pointwise::Relu })
    }

    /// Takes weights `[outputs, channels, kernel, kernel]` and a bias, which becomes the shift.
    fn start_from(&mut self, weights: &[f32], bias: &[f32]) -> Result<bool> {
        let (inputs, outputs) = self.weight.tensor().dims2()?;
        if weights.len() != inputs * outputs || bias.len() != outputs {
            return Ok(false);
        }
        let mut own = vec![0.0; inputs * outputs];
        for (at, value) in weights.iter().enumerate() {
            let (output, at) = (at / inputs, at % inputs);
            let (channel, place) = (at / (KERNEL * KERNEL), at % (KERNEL * KERNEL));
            own[(place * self.channels + channel) * outputs + output] = *value;
        }
        self.weight.var.set(&Tensor::from_vec(own, (inputs, outputs), &Device::Cpu)?)?;
        self.shift.var.set(&Tensor::from_slice(bias, outputs, &Device::Cpu)?)?;
        Ok(true)
    }
}

impl Dense {
    /// Starts from draws of ±1/√inputs.
    fn new(inputs: usize, outputs: usize, draws: &mut Draws) -> Result<Self> {
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        Ok(Self {
            weight: Trained::new(&draws.uniform((inputs, outputs), bound)?, true)?,
            bias: Trained::new(&draws.uniform((1, outputs), bound)?.flatten_all()?, false)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(self.weight.tensor())?.broadcast_add(self.bias.tensor())
    }

    fn as_op(&self, activation: Pointwise) -> Result<DeepOp> {
        let weight = self.weight.tensor();
        Ok(DeepOp::Dense {
            inputs: weight.dim(0)? as u32,
            weights: weight.t()?.contiguous()?.flatten_all()?.to_vec1()?,
            bias: self.bias.tensor().to_vec1()?,
            activation,
        })
    }

    fn start_from(&mut self, weights: &[f32], bias: &[f32]) -> Result<bool> {
        let (inputs, outputs) = self.weight.tensor().dims2()?;
        if weights.len() != inputs * outputs || bias.len() != outputs {
            return Ok(false);
        }
        let weights = Tensor::from_slice(weights, (outputs, inputs), &Device::Cpu)?.t()?.contiguous()?;
        self.weight.var.set(&weights)?;
        self.bias.var.set(&Tensor::from_slice(bias, outputs, &Device::Cpu)?)?;
        Ok(true)
    }
}
