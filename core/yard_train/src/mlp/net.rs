//! The net in candle: encodings of the inputs, initial weights of our own (uniform in ±1/√inputs for weights and biases, as
//! `PyTorch`'s linear layer), forward pass, `AdamW` with decay on weights alone, and the way to the scorer's
//! [`DenseNet`].
//!
//! Papers: Glorot and Bengio, 2010 (initialisation by fan-in); Loshchilov and Hutter, 2019, "Decoupled
//! weight decay regularization", arXiv:1711.05101; Pascanu, Mikolov and Bengio, 2013, "On the difficulty
//! of training recurrent neural networks" (clipping by the norm), arXiv:1211.5063; Srivastava et al., 2014 (dropout).

use super::{input::Input, job::NetJob};
use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};
use yard_score::model::{Activation, DenseLayer, DenseNet};
use yard_types::rng;

const INIT_STREAM: u64 = 0x6e65_7400_0000_0000;
const DROPOUT_STREAM: u64 = 0x6472_6f70_0000_0000;
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A dense layer of variables: weights `[outputs, inputs]`, bias `[outputs]`.
struct Layer {
    weight: Moments,
    bias: Moments,
}

/// A variable with `AdamW`'s running means.
pub(super) struct Moments {
    pub(super) var: Var,
    first: Tensor,
    second: Tensor,
    decay: f64,
}

/// How a step is taken.
pub(super) struct Rule {
    rate: f64,
    /// Corrections of the running means.
    corrections: (f64, f64),
    /// Factor on all gradients: below 1 when they are clipped.
    shrink: f64,
}

/// A net under training.
pub(super) struct Net {
    input: Input,
    layers: Vec<Layer>,
    device: Device,
    seed: u64,
    dropout: f64,
    learning_rate: f64,
    clip: f64,
    steps: i32,
}

impl Net {
    pub(super) fn new(job: &NetJob, device: &Device) -> Result<Self> {
        let mut layers = Vec::new();
        let encodings = (job.knots.as_slice(), job.groups.as_slice());
        let input = Input::new(job.features, encodings, (job.seed, job.params.l2), device)?;
        let mut inputs = input.width();
        for (index, outputs) in job.params.layers.iter().copied().chain([job.outputs]).enumerate() {
            let bound = 1.0 / (inputs.max(1) as f64).sqrt();
            let draw = |at: usize| {
                let unit = rng::uniform(job.seed, INIT_STREAM + index as u64, at as u64);
                ((2.0 * unit - 1.0) * bound) as f32
            };
            let weights: Vec<f32> = (0..inputs * outputs).map(draw).collect();
            let bias: Vec<f32> = (inputs * outputs..(inputs + 1) * outputs).map(draw).collect();
            layers.push(Layer {
                weight: Moments::new(&Tensor::from_vec(weights, (outputs, inputs), device)?, job.params.l2)?,
                bias: Moments::new(&Tensor::from_vec(bias, outputs, device)?, 0.0)?,
            });
            inputs = outputs;
        }
        Ok(Self {
            input,
            layers,
            device: device.clone(),
            seed: job.seed,
            dropout: job.params.dropout,
            learning_rate: job.params.learning_rate,
            clip: job.params.clip,
            steps: 0,
        })
    }

    /// Returns the margins, `[rows, outputs]`, of features `[rows, features]`. `drop` holds the number of
    /// the step whose units are dropped; `None` drops none.
    pub(super) fn forward(&self, x: &Tensor, drop: Option<u64>) -> Result<Tensor> {
        let mut x = self.input.forward(x)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let product = x.matmul(&layer.weight.var.as_tensor().t()?)?;
            x = product.broadcast_add(layer.bias.var.as_tensor())?;
            if index + 1 < self.layers.len() {
                x = x.relu()?;
                if let Some(step) = drop.filter(|_| self.dropout > 0.0) {
                    x = (&x * self.mask(x.dims2()?, index, step)?)?;
                }
            }
        }
        Ok(x)
    }

    fn mask(&self, shape: (usize, usize), layer: usize, step: u64) -> Result<Tensor> {
        let stream = DROPOUT_STREAM + step * 64 + layer as u64;
        let kept = (1.0 / (1.0 - self.dropout)) as f32;
        let unit = |at: usize| rng::uniform(self.seed, stream, at as u64);
        let mask: Vec<f32> =
            (0..shape.0 * shape.1).map(|at| if unit(at) < self.dropout { 0.0 } else { kept }).collect();
        Tensor::from_vec(mask, shape, &self.device)
    }

    /// Takes one step against the gradients, with a factor on the step size.
    pub(super) fn step(&mut self, gradients: &GradStore, factor: f64) -> Result<()> {
        self.steps = self.steps.saturating_add(1);
        let rule = Rule {
            rate: factor * self.learning_rate,
            corrections: (1.0 - BETA1.powi(self.steps), 1.0 - BETA2.powi(self.steps)),
            shrink: self.shrink(gradients)?,
        };
        self.input.step(gradients, &rule)?;
        for layer in &mut self.layers {
            layer.weight.step(gradients, &rule)?;
            layer.bias.step(gradients, &rule)?;
        }
        Ok(())
    }

    /// Returns the factor that brings the norm of all gradients to at most `clip`.
    fn shrink(&self, gradients: &GradStore) -> Result<f64> {
        if self.clip <= 0.0 {
            return Ok(1.0);
        }
        let mut square = 0.0;
        let layers = self.layers.iter().flat_map(|layer| [&layer.weight, &layer.bias]);
        for moments in self.input.vars().chain(layers) {
            if let Some(gradient) = gradients.get(moments.var.as_tensor()) {
                square += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        let norm = square.sqrt();
        Ok(if norm > self.clip { self.clip / norm } else { 1.0 })
    }

    /// Copies the weights out as the scorer's net.
    pub(super) fn to_dense(&self) -> Result<DenseNet> {
        let mut layers = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let weight = layer.weight.var.as_tensor();
            let last = index + 1 == self.layers.len();
            layers.push(DenseLayer {
                inputs: weight.dims2()?.1 as u32,
                weights: weight.flatten_all()?.to_vec1()?,
                bias: layer.bias.var.as_tensor().to_vec1()?,
                activation: if last { Activation::Identity } else { Activation::Relu },
            });
        }
        if !layers.is_empty() {
            let first = self.input.fold(layers.remove(0))?;
            layers.splice(0..0, first);
        }
        Ok(DenseNet { layers, scale: 1.0, shift: 0.0 })
    }
}

impl Moments {
    pub(super) fn new(values: &Tensor, decay: f64) -> Result<Self> {
        Ok(Self {
            first: values.zeros_like()?,
            second: values.zeros_like()?,
            var: Var::from_tensor(values)?,
            decay,
        })
    }

    pub(super) fn step(&mut self, gradients: &GradStore, rule: &Rule) -> Result<()> {
        let Some(gradient) = gradients.get(self.var.as_tensor()) else { return Ok(()) };
        let Rule { rate, corrections: (first, second), shrink } = *rule;
        let gradient = &if shrink < 1.0 { (gradient * shrink)? } else { gradient.clone() };
        self.first = ((&self.first * BETA1)? + (gradient * (1.0 - BETA1))?)?;
        self.second = ((&self.second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
        let denominator = ((&self.second * (1.0 / second))?.sqrt()? + EPSILON)?;
        let change = ((&self.first * (rate / first))? / denominator)?;
        let kept = if self.decay > 0.0 {
            (self.var.as_tensor() * (1.0 - rate * self.decay))?
        } else {
            self.var.as_tensor().clone()
        };
        self.var.set(&(kept - change)?)
    }
}
