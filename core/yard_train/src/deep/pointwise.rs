//! Operations of each value as tensor operations with gradients, on the CPU: bias with activation, sums,
//! dropout. Fused, as candle's own elementwise operations wait for each other between threads, which took
//! a quarter of a training step on short texts. Runs of a fixed size are spread over threads, so that
//! results have the same bits for any number of them. Knows no net.
//! Papers: Hendrycks and Gimpel, 2016, arXiv:1606.08415 (GELU); Srivastava et al., 2014, "Dropout".

use super::ops::{list, values};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use yard_score::deep::Pointwise;
use yard_types::rng;

/// Values that one thread takes at a time.
const RUN: usize = 16_384;

/// `x + bias` of each token, then the activation.
struct Bias {
    activation: Pointwise,
    width: usize,
}

/// Adds a bias to `[.., width]` and applies the activation.
pub(super) fn bias(x: &Tensor, bias: &Tensor, activation: Pointwise) -> Result<Tensor> {
    x.contiguous()?.apply_op2(bias, Bias { activation, width: bias.elem_count() })
}

/// Applies an activation to each value.
pub(super) fn activate(x: &Tensor, activation: Pointwise) -> Result<Tensor> {
    let width = x.dims().last().copied().unwrap_or(1);
    bias(x, &Tensor::zeros(width, x.dtype(), x.device())?, activation)
}

/// Returns the normal distribution's Φ, to f32.
fn phi(x: f32) -> f32 {
    0.5 * (1.0 + candle_core::cpu::erf::erf_f32(x * std::f32::consts::FRAC_1_SQRT_2))
}

fn value(x: f32, activation: Pointwise) -> f32 {
    match activation {
        Pointwise::Identity => x,
        Pointwise::Relu => x.max(0.0),
        Pointwise::Gelu => x * phi(x),
        Pointwise::Tanh => x.tanh(),
    }
}

fn slope(x: f32, activation: Pointwise) -> f32 {
    match activation {
        Pointwise::Identity => 1.0,
        Pointwise::Relu if x > 0.0 => 1.0,
        Pointwise::Relu => 0.0,
        Pointwise::Gelu => {
            let density = (-0.5 * x * x).exp()
                * (0.5 * std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::FRAC_1_SQRT_2);
            phi(x) + x * density
        }
        Pointwise::Tanh => {
            let y = x.tanh();
            1.0 - y * y
        }
    }
}

impl Bias {
    /// Values of whole tokens that one thread takes.
    fn run(&self) -> usize {
        (RUN / self.width.max(1)).max(1) * self.width.max(1)
    }
}

impl CustomOp2 for Bias {
    fn name(&self) -> &'static str {
        "bias and activation"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        shape: &Layout,
        bias: &CpuStorage,
        bias_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, bias) = (values(x, shape)?, values(bias, bias_shape)?);
        let mut out = vec![0.0_f32; x.len()];
        out.par_chunks_mut(self.run()).zip(x.par_chunks(self.run())).for_each(|(out, x)| {
            for (out, x) in out.chunks_exact_mut(self.width).zip(x.chunks_exact(self.width)) {
                for ((out, x), bias) in out.iter_mut().zip(x).zip(bias) {
                    *out = value(x + bias, self.activation);
                }
            }
        });
        Ok((CpuStorage::F32(out), shape.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        bias: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (mut slopes, own) = (list(gradient)?, list(bias)?);
        if self.activation != Pointwise::Identity {
            let x = list(x)?;
            slopes.par_chunks_mut(self.run()).zip(x.par_chunks(self.run())).for_each(|(slopes, x)| {
                for (slopes, x) in slopes.chunks_exact_mut(self.width).zip(x.chunks_exact(self.width)) {
                    for ((own, x), bias) in slopes.iter_mut().zip(x).zip(&own) {
                        *own *= slope(x + bias, self.activation);
                    }
                }
            });
        }
        let sums: Vec<Vec<f32>> = slopes
            .par_chunks(self.run())
            .map(|slopes| {
                let mut sum = vec![0.0_f32; self.width];
                for slopes in slopes.chunks_exact(self.width) {
                    sum.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
                }
                sum
            })
            .collect();
        let mut total = vec![0.0_f32; self.width];
        for sum in sums {
            total.iter_mut().zip(&sum).for_each(|(total, sum)| *total += sum);
        }
        let device = x.device();
        Ok((
            Some(Tensor::from_vec(slopes, x.shape(), device)?),
            Some(Tensor::from_vec(total, bias.shape(), device)?),
        ))
    }
}

/// The sum of two tensors of one shape.
struct Sum;

/// Adds two tensors of one shape.
pub(super) fn sum(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.contiguous()?.apply_op2(&b.contiguous()?, Sum)
}

impl CustomOp2 for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        shape: &Layout,
        b: &CpuStorage,
        b_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (a, b) = (values(a, shape)?, values(b, b_shape)?);
        let out = a.iter().zip(b).map(|(a, b)| a + b).collect();
        Ok((CpuStorage::F32(out), shape.shape().clone()))
    }

    fn bwd(
        &self,
        _a: &Tensor,
        _b: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(gradient.clone()), Some(gradient.clone())))
    }
}

/// Drops values: each with its own draw, the others grow.
#[derive(Clone, Copy)]
pub(super) struct Dropout {
    pub(super) seed: u64,
    pub(super) stream: u64,
    /// Share that is dropped.
    pub(super) share: f64,
}

impl Dropout {
    pub(super) fn apply(self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1(self)
    }

    fn run(self, x: &[f32]) -> Vec<f32> {
        let kept = (1.0 / (1.0 - self.share)) as f32;
        let mut out = vec![0.0_f32; x.len()];
        let runs = out.par_chunks_mut(RUN).zip(x.par_chunks(RUN)).enumerate();
        runs.for_each(|(run, (out, x))| {
            for (at, (out, x)) in out.iter_mut().zip(x).enumerate() {
                let place = (run * RUN + at) as u64;
                if rng::uniform(self.seed, self.stream, place) >= self.share {
                    *out = x * kept;
                }
            }
        });
        out
    }
}

impl CustomOp1 for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn cpu_fwd(&self, x: &CpuStorage, shape: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(self.run(values(x, shape)?)), shape.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Tensor::from_vec(self.run(&list(gradient)?), x.shape(), x.device()).map(Some)
    }
}
