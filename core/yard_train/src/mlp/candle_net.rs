//! The net in candle, for GPUs: gradients by candle, `AdamW`, clipping, accumulation and averages of our own
//! (papers in [`super::adam`]). With `precision=bf16` products are taken in bf16 (Kalamkar et al., 2019, "A
//! study of BFLOAT16 for deep learning training", arXiv:1905.12322); weights, their state, margins and loss
//! stay f32.

use super::{
    adam::{BETA1, BETA2, EPSILON, Rule, State},
    candle_input::CandleInput,
    job::{NetJob, NetRows, Precision},
    lane::Drop,
    layout::Layout,
    learner::{Learner, Step},
    train::target,
};
use crate::{TrainError, linear::loss};
use candle_core::{DType, Device, Result, Tensor, Var};

/// Rows of one forward pass on validation rows.
const FORWARD_ROWS: usize = 8192;

/// Parameters that belong together, with `AdamW`'s running means and the running average.
struct Moments {
    var: Var,
    first: Tensor,
    second: Tensor,
    average: Option<Tensor>,
    decays: bool,
}

/// A net under training in candle.
pub(super) struct CandleNet<'a> {
    job: &'a NetJob,
    device: Device,
    train: (&'a NetRows, Tensor),
    validation: (&'a NetRows, Tensor),
    layout: Layout,
    input: CandleInput,
    moments: Vec<Moments>,
}

impl<'a> CandleNet<'a> {
    pub(super) fn new(
        job: &'a NetJob,
        (train, validation): (&'a NetRows, &'a NetRows),
        device: &Device,
    ) -> std::result::Result<Self, TrainError> {
        let make = || {
            let layout = Layout::new(job);
            let x = |rows: &NetRows| Tensor::from_slice(&rows.x, (rows.y.len(), job.features), device);
            let state = State::new(layout.initial(job.seed), job.params.ema > 0.0);
            Ok(Self {
                job,
                train: (train, x(train)?),
                validation: (validation, x(validation)?),
                input: CandleInput::new(&layout.plan, device)?,
                moments: moments(&layout, &state, device)?,
                layout,
                device: device.clone(),
            })
        };
        make().map_err(|error| named(job, &error))
    }

    /// Returns the margins, `[rows, outputs]`, of features `[rows, features]` under some weights. `drop` has
    /// the units to drop and the number of the first row within the step.
    fn forward(&self, x: &Tensor, weights: &[&Tensor], drop: Option<(Drop, usize)>) -> Result<Tensor> {
        let groups = self.layout.plan.groups.len();
        let half = self.job.params.precision == Precision::Bf16;
        let dtype = if half { DType::BF16 } else { DType::F32 };
        let mut x = self.input.forward(x, &weights[..groups])?.to_dtype(dtype)?;
        let last = self.layout.layers.len() - 1;
        for (index, pair) in weights[groups..].chunks_exact(2).enumerate() {
            let product = x.matmul(&pair[0].to_dtype(dtype)?.t()?)?;
            x = product.broadcast_add(&pair[1].to_dtype(dtype)?)?;
            if index == last {
                break;
            }
            x = x.relu()?;
            if let Some((drop, first)) = drop {
                x = (&x * self.mask(x.dims2()?, index, (drop, first))?.to_dtype(dtype)?)?;
            }
        }
        x.to_dtype(DType::F32)
    }

    fn mask(
        &self,
        (rows, units): (usize, usize),
        layer: usize,
        (drop, first): (Drop, usize),
    ) -> Result<Tensor> {
        let factor = |at: usize| drop.factor(layer, units, (first + at / units, at % units));
        let mask: Vec<f32> = (0..rows * units).map(factor).collect();
        Tensor::from_vec(mask, (rows, units), &self.device)
    }

    /// Adds the gradient of some rows of a step; returns the sums of weighted loss and of weights.
    fn learn(
        &self,
        step: &Step<'_>,
        (first, rows): (usize, &[u32]),
        gradients: &mut [Option<Tensor>],
    ) -> Result<(f64, f64)> {
        let ids = Tensor::from_slice(rows, rows.len(), &self.device)?;
        let x = self.train.1.index_select(&ids, 0)?;
        let params = &self.job.params;
        let drop = Drop { seed: self.job.seed, step: step.number, share: params.dropout };
        let weights: Vec<&Tensor> = self.moments.iter().map(|own| own.var.as_tensor()).collect();
        let margins = self.forward(&x, &weights, (params.dropout > 0.0).then_some((drop, first)))?;
        let mut values: Vec<f32> = margins.detach().flatten_all()?.to_vec1()?;
        let outputs = self.job.outputs;
        let (mut sum, mut total) = (0.0, 0.0);
        let mut slopes = vec![0.0_f64; outputs];
        let scale = 1.0 / step.rows.len() as f64;
        for (row, values) in rows.iter().zip(values.chunks_exact_mut(outputs)) {
            let (y, weight) = target(self.train.0, *row as usize);
            for (slope, value) in slopes.iter_mut().zip(values.iter()) {
                *slope = f64::from(*value);
            }
            sum += weight * loss(self.job.link, y, &mut slopes);
            total += weight;
            for (value, slope) in values.iter_mut().zip(&slopes) {
                *value = (weight * slope * scale) as f32;
            }
        }
        // The gradient of Σ margin × slope by the weights is that of the loss.
        let slopes = Tensor::from_vec(values, margins.shape(), &self.device)?;
        let mut store = (margins * slopes)?.sum_all()?.backward()?;
        for (moments, sum) in self.moments.iter().zip(gradients) {
            let Some(gradient) = store.remove(moments.var.as_tensor()) else { continue };
            *sum = Some(match sum.take() {
                Some(before) => (before + gradient)?,
                None => gradient,
            });
        }
        Ok((sum, total))
    }

    fn step_by_parts(&mut self, step: &Step<'_>) -> Result<(f64, f64)> {
        let mut gradients = vec![None; self.moments.len()];
        let batch = self.job.params.batch as usize;
        let (mut sum, mut total) = (0.0, 0.0);
        for (at, rows) in step.rows.chunks(batch).enumerate() {
            let (loss, weight) = self.learn(step, (at * batch, rows), &mut gradients)?;
            sum += loss;
            total += weight;
        }
        let mut square = 0.0;
        if step.rule.clip > 0.0 {
            for gradient in gradients.iter().flatten() {
                square += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        let shrink = step.rule.shrink(square);
        for (moments, gradient) in self.moments.iter_mut().zip(&gradients) {
            if let Some(gradient) = gradient {
                moments.step(gradient, &step.rule, shrink)?;
            }
        }
        Ok((sum, total))
    }

    fn margins(&self) -> Result<Vec<f32>> {
        let rows = self.validation.0.y.len();
        let weights: Vec<&Tensor> = self.moments.iter().map(Moments::kept).collect();
        let mut out = Vec::with_capacity(rows * self.job.outputs);
        for start in (0..rows).step_by(FORWARD_ROWS) {
            let x = self.validation.1.narrow(0, start, FORWARD_ROWS.min(rows - start))?;
            out.extend(self.forward(&x, &weights, None)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(out)
    }

    fn gather(&self) -> Result<State> {
        let mut state = State::default();
        for own in &self.moments {
            let places = [
                (Some(own.var.as_tensor()), &mut state.weights),
                (Some(&own.first), &mut state.first),
                (Some(&own.second), &mut state.second),
                (own.average.as_ref(), &mut state.average),
            ];
            for (tensor, values) in places {
                if let Some(tensor) = tensor {
                    values.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
                }
            }
        }
        Ok(state)
    }
}

fn moments(layout: &Layout, state: &State, device: &Device) -> Result<Vec<Moments>> {
    let mut all = Vec::with_capacity(layout.segments.len());
    for segment in &layout.segments {
        let tensor = |values: &[f32]| {
            let values = &values[segment.place.clone()];
            if segment.shape.0 == 1 && !segment.decays {
                Tensor::from_slice(values, values.len(), device)
            } else {
                Tensor::from_slice(values, segment.shape, device)
            }
        };
        all.push(Moments {
            var: Var::from_tensor(&tensor(&state.weights)?)?,
            first: tensor(&state.first)?,
            second: tensor(&state.second)?,
            average: if state.average.is_empty() { None } else { Some(tensor(&state.average)?) },
            decays: segment.decays,
        });
    }
    Ok(all)
}

impl Moments {
    fn kept(&self) -> &Tensor {
        self.average.as_ref().unwrap_or(self.var.as_tensor())
    }

    fn step(&mut self, gradient: &Tensor, rule: &Rule, shrink: f64) -> Result<()> {
        let (first, second) = rule.corrections();
        let gradient = &if shrink < 1.0 { (gradient * shrink)? } else { gradient.clone() };
        self.first = ((&self.first * BETA1)? + (gradient * (1.0 - BETA1))?)?;
        self.second = ((&self.second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
        let denominator = ((&self.second * (1.0 / second))?.sqrt()? + EPSILON)?;
        let change = ((&self.first * (rule.rate / first))? / denominator)?;
        let kept = if self.decays && rule.decay > 0.0 {
            (self.var.as_tensor() * (1.0 - rule.rate * rule.decay))?
        } else {
            self.var.as_tensor().clone()
        };
        self.var.set(&(kept - change)?)?;
        if let Some((average, share)) = self.average.take().zip(rule.average_share()) {
            self.average = Some(((average * share)? + (self.var.as_tensor() * (1.0 - share))?)?);
        }
        Ok(())
    }
}

impl Learner for CandleNet<'_> {
    fn step(&mut self, step: &Step<'_>) -> std::result::Result<(f64, f64), TrainError> {
        let job = self.job;
        self.step_by_parts(step).map_err(|error| named(job, &error))
    }

    fn validation_margins(&mut self) -> std::result::Result<Vec<f32>, TrainError> {
        self.margins().map_err(|error| named(self.job, &error))
    }

    fn state(&self) -> std::result::Result<State, TrainError> {
        self.gather().map_err(|error| named(self.job, &error))
    }

    fn restore(&mut self, state: &State) -> std::result::Result<(), TrainError> {
        self.moments = moments(&self.layout, state, &self.device).map_err(|error| named(self.job, &error))?;
        Ok(())
    }
}

/// Names candle's error; running out of memory comes with advice.
fn named(job: &NetJob, error: &candle_core::Error) -> TrainError {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    if super::means_out_of_memory(&text) {
        return TrainError::Worker {
            reason: format!("{} is out of memory ({first})", job.device),
            advice: format!("lower batch (now {}) or layers, or use --device cpu", job.params.batch),
        };
    }
    TrainError::Part { part: "net", message: first }
}

/// Returns the margins of a net by candle's own forward pass on the CPU, `[rows, outputs]`.
#[cfg(test)]
pub(crate) fn candle_margins(net: &yard_score::model::DenseNet, x: &[f32]) -> Result<Vec<f32>> {
    let width = net.layers[0].inputs as usize;
    let mut x = Tensor::from_slice(x, (x.len() / width, width), &Device::Cpu)?;
    for layer in &net.layers {
        let shape = (layer.bias.len(), layer.inputs as usize);
        let weight = Tensor::from_slice(&layer.weights, shape, &Device::Cpu)?;
        let bias = Tensor::from_slice(&layer.bias, shape.0, &Device::Cpu)?;
        x = x.matmul(&weight.t()?)?.broadcast_add(&bias)?;
        if layer.activation == yard_score::model::Activation::Relu {
            x = x.relu()?;
        }
    }
    ((x * f64::from(net.scale))? + f64::from(net.shift))?.flatten_all()?.to_vec1()
}
