//! Operations of nets as tensor operations with gradients, on the CPU: layer normalisation, gates, attention
//! and tokens of features. Rows (or fixed runs of tokens) are spread over threads and partial sums are added
//! in order, so that results have the same bits for any number of threads. Knows no net.
//! Papers: Ba, Kiros and Hinton, 2016, arXiv:1607.06450; Vaswani et al., 2017, arXiv:1706.03762; Shazeer,
//! 2020, arXiv:2002.05202 (gates); Gorishniy et al., 2021, arXiv:2106.11959 (tokens of features).

use super::{attention::Heads, sequence::Starts};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use yard_score::deep::TokenPart;

/// Tokens whose sums one thread takes at a time.
const RUN: usize = 512;
/// Multiplications below which work is not shared between threads.
const LEAST_WORK: usize = 1 << 18;

/// Returns the values of a contiguous tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let all = storage.as_slice::<f32>()?;
    let (from, to) = layout.contiguous_offsets().ok_or_else(|| Error::msg("values are not contiguous"))?;
    all.get(from..to).ok_or_else(|| Error::msg("values are cut off"))
}

/// Returns the values of a tensor as a list.
pub(super) fn list(x: &Tensor) -> Result<Vec<f32>> {
    x.flatten_all()?.to_vec1()
}

/// Returns the parts that one thread takes at least, given the multiplications of a part.
fn least(work: usize) -> usize {
    (LEAST_WORK / work.max(1)).max(1)
}

/// Layer normalisation with this epsilon of `x`, `[.., width]`, with scale and shift `[width]`.
struct LayerNorm(f64);

pub(super) fn layer_norm(x: &Tensor, scale: &Tensor, shift: &Tensor, epsilon: f32) -> Result<Tensor> {
    x.contiguous()?.apply_op3(scale, shift, LayerNorm(f64::from(epsilon)))
}

/// Returns mean and inverse deviation of a token.
fn moments(token: &[f32], epsilon: f64) -> (f32, f32) {
    let sum = |of: &dyn Fn(f64) -> f64| {
        let mut lanes = [0.0_f64; 8];
        for chunk in token.chunks(8) {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += of(f64::from(*value));
            }
        }
        lanes.iter().sum::<f64>() / token.len() as f64
    };
    let mean = sum(&|x| x);
    let variance = sum(&|x| (x - mean) * (x - mean));
    (mean as f32, (1.0 / (variance + epsilon).sqrt()) as f32)
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        shape: &Layout,
        scale: &CpuStorage,
        scale_shape: &Layout,
        shift: &CpuStorage,
        shift_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, scale, shift) = (values(x, shape)?, values(scale, scale_shape)?, values(shift, shift_shape)?);
        let width = scale.len();
        let mut out = vec![0.0_f32; x.len()];
        out.par_chunks_mut(width * RUN).zip(x.par_chunks(width * RUN)).for_each(|(out, x)| {
            for (out, token) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                let (mean, inverse) = moments(token, self.0);
                for (((out, x), scale), shift) in out.iter_mut().zip(token).zip(scale).zip(shift) {
                    *out = (x - mean) * inverse * scale + shift;
                }
            }
        });
        Ok((CpuStorage::F32(out), shape.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        _shift: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (values, factors, slopes) = (list(x)?, list(scale)?, list(gradient)?);
        let width = factors.len();
        let mut out = vec![0.0_f32; values.len()];
        let runs = out.par_chunks_mut(width * RUN).zip(values.par_chunks(width * RUN));
        let runs = runs.zip(slopes.par_chunks(width * RUN));
        let sums: Vec<Vec<f32>> = runs
            .map(|((out, x), slopes)| {
                let mut sums = vec![0.0_f32; 2 * width];
                let tokens = x.chunks_exact(width).zip(slopes.chunks_exact(width));
                for ((token, slopes), out) in tokens.zip(out.chunks_exact_mut(width)) {
                    norm_slopes((token, slopes, &factors), self.0, out, &mut sums);
                }
                sums
            })
            .collect();
        let mut total = vec![0.0_f32; 2 * width];
        for sums in sums {
            total.iter_mut().zip(&sums).for_each(|(total, own)| *total += own);
        }
        let (device, shift) = (x.device(), total.split_off(width));
        Ok((
            Some(Tensor::from_vec(out, x.shape(), device)?),
            Some(Tensor::from_vec(total, scale.shape(), device)?),
            Some(Tensor::from_vec(shift, scale.shape(), device)?),
        ))
    }
}

/// Writes the gradient of a token; adds those of scale and shift to `sums`.
fn norm_slopes(
    (token, slopes, scale): (&[f32], &[f32], &[f32]),
    epsilon: f64,
    out: &mut [f32],
    sums: &mut [f32],
) {
    let (mean, inverse) = moments(token, epsilon);
    let (to_scale, to_shift) = sums.split_at_mut(token.len());
    let (mut plain, mut along) = (0.0_f32, 0.0_f32);
    for (((x, slope), scale), (to_scale, to_shift)) in
        token.iter().zip(slopes).zip(scale).zip(to_scale.iter_mut().zip(to_shift))
    {
        let unit = (x - mean) * inverse;
        *to_scale += slope * unit;
        *to_shift += slope;
        plain += slope * scale;
        along += slope * scale * unit;
    }
    let (plain, along) = (plain / token.len() as f32, along / token.len() as f32);
    for (((out, x), slope), scale) in out.iter_mut().zip(token).zip(slopes).zip(scale) {
        *out = inverse * (slope * scale - plain - (x - mean) * inverse * along);
    }
}

/// `left × max(right, 0)` of the halves of each token of this width.
struct Gate(usize);

/// Multiplies the left half of each token by the rectified right half.
pub(super) fn gate(x: &Tensor) -> Result<Tensor> {
    let width = x.dims().last().copied().unwrap_or(0);
    x.contiguous()?.apply_op1(Gate(width))
}

impl CustomOp1 for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(&self, x: &CpuStorage, shape: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, half) = (values(x, shape)?, self.0 / 2);
        let mut out = vec![0.0_f32; x.len() / 2];
        for (out, token) in out.chunks_exact_mut(half).zip(x.chunks_exact(self.0)) {
            let (left, right) = token.split_at(half);
            for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
                *out = left * right.max(0.0);
            }
        }
        let mut dims = shape.dims().to_vec();
        if let Some(last) = dims.last_mut() {
            *last = half;
        }
        Ok((CpuStorage::F32(out), dims.into()))
    }

    fn bwd(&self, x: &Tensor, _out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (values, slopes, half) = (list(x)?, list(gradient)?, self.0 / 2);
        let mut out = vec![0.0_f32; values.len()];
        let tokens = values.chunks_exact(self.0).zip(slopes.chunks_exact(half));
        for (out, (token, slopes)) in out.chunks_exact_mut(self.0).zip(tokens) {
            let ((left, right), (to_left, to_right)) = (token.split_at(half), out.split_at_mut(half));
            for (at, slope) in slopes.iter().enumerate() {
                if right[at] > 0.0 {
                    (to_left[at], to_right[at]) = (slope * right[at], slope * left[at]);
                }
            }
        }
        Tensor::from_vec(out, x.shape(), x.device()).map(Some)
    }
}

/// Attention of each row.
struct Attention {
    heads: Heads,
    starts: Starts,
}

/// Multi-head attention within each row: `[.., tokens, 3 × width]` with query, key and value side by side.
pub(super) fn attention(x: &Tensor, heads: usize, starts: Starts) -> Result<Tensor> {
    let (_, _, width) = x.dims3()?;
    let heads = Heads { width: width / 3, heads };
    x.contiguous()?.apply_op1(Attention { heads, starts })
}

impl Attention {
    /// Cuts values of so many a token into rows.
    fn rows<'a>(&self, mut values: &'a mut [f32], each: usize) -> Vec<&'a mut [f32]> {
        let mut out = Vec::with_capacity(self.starts.len());
        for pair in self.starts.windows(2) {
            let (row, rest) = values.split_at_mut((pair[1] - pair[0]) * each);
            out.push(row);
            values = rest;
        }
        out
    }

    /// Returns the values of a row.
    fn row<'a>(&self, values: &'a [f32], row: usize, each: usize) -> &'a [f32] {
        &values[self.starts[row] * each..self.starts[row + 1] * each]
    }

    /// Returns the rows that one thread takes at least.
    fn least(&self) -> usize {
        let (rows, tokens) = (self.starts.len() - 1, self.starts.last().copied().unwrap_or(0));
        let mean = tokens / rows.max(1);
        least(mean * mean * self.heads.width)
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, x: &CpuStorage, shape: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, width) = (values(x, shape)?, self.heads.width);
        let mut out = vec![0.0_f32; x.len() / 3];
        let rows = self.rows(&mut out, width).into_par_iter().with_min_len(self.least()).enumerate();
        rows.for_each(|(row, out)| self.heads.forward(self.row(x, row, 3 * width), out));
        let mut dims = shape.dims().to_vec();
        if let Some(last) = dims.last_mut() {
            *last = width;
        }
        Ok((CpuStorage::F32(out), dims.into()))
    }

    fn bwd(&self, x: &Tensor, _out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (values, slopes, width) = (list(x)?, list(gradient)?, self.heads.width);
        let mut out = vec![0.0_f32; values.len()];
        let rows = self.rows(&mut out, 3 * width).into_par_iter().with_min_len(self.least()).enumerate();
        rows.for_each(|(row, out)| {
            let (x, slopes) = (self.row(&values, row, 3 * width), self.row(&slopes, row, width));
            self.heads.backward((x, slopes), out);
        });
        Tensor::from_vec(out, x.shape(), x.device()).map(Some)
    }
}

/// Tokens of parts of vectors `[rows, values]`.
pub(super) struct FeatureTokens {
    pub(super) x: Vec<f32>,
    /// Values of a row.
    pub(super) values: usize,
    pub(super) parts: Vec<TokenPart>,
    /// Width of a token.
    pub(super) width: usize,
}

/// Returns `[rows, parts, width]` by weights `[Σ counts × width]` and bias `[parts × width]`.
pub(super) fn feature_tokens(op: FeatureTokens, weights: &Tensor, bias: &Tensor) -> Result<Tensor> {
    weights.apply_op2(bias, op)
}

impl CustomOp2 for FeatureTokens {
    fn name(&self) -> &'static str {
        "tokens of features"
    }

    fn cpu_fwd(
        &self,
        weights: &CpuStorage,
        weights_shape: &Layout,
        bias: &CpuStorage,
        bias_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (weights, bias) = (values(weights, weights_shape)?, values(bias, bias_shape)?);
        let (rows, width) = (self.x.len() / self.values, self.width);
        let mut out = vec![0.0_f32; rows * bias.len()];
        let lines = out.par_chunks_exact_mut(bias.len()).zip(self.x.par_chunks_exact(self.values));
        let lines = lines.with_min_len(least(weights.len()));
        lines.for_each(|(out, row)| {
            out.copy_from_slice(bias);
            let mut lines = weights.chunks_exact(width);
            for (token, part) in out.chunks_exact_mut(width).zip(&self.parts) {
                for (value, line) in
                    row[part.first as usize..].iter().take(part.count as usize).zip(&mut lines)
                {
                    add(token, line, *value);
                }
            }
        });
        Ok((CpuStorage::F32(out), (rows, self.parts.len(), width).into()))
    }

    fn bwd(
        &self,
        weights: &Tensor,
        bias: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (slopes, width) = (list(gradient)?, self.width);
        let work = slopes.len() / self.parts.len().max(1);
        let all = self.parts.par_iter().with_min_len(least(work)).enumerate().map(|(at, part)| {
            let (first, count) = (part.first as usize, part.count as usize);
            let (mut to_weights, mut to_bias) = (vec![0.0_f32; count * width], vec![0.0_f32; width]);
            let rows = self.x.chunks_exact(self.values);
            for (row, slopes) in rows.zip(slopes.chunks_exact(self.parts.len() * width)) {
                let slopes = &slopes[at * width..(at + 1) * width];
                add(&mut to_bias, slopes, 1.0);
                for (line, value) in to_weights.chunks_exact_mut(width).zip(&row[first..first + count]) {
                    add(line, slopes, *value);
                }
            }
            (to_weights, to_bias)
        });
        let (to_weights, to_bias): (Vec<_>, Vec<_>) = all.collect::<Vec<_>>().into_iter().unzip();
        let tensor = |values: Vec<Vec<f32>>, like: &Tensor| {
            Tensor::from_vec(values.concat(), like.shape(), like.device()).map(Some)
        };
        Ok((tensor(to_weights, weights)?, tensor(to_bias, bias)?))
    }
}

/// Adds `line × value`; a value of zero is passed over.
fn add(sum: &mut [f32], line: &[f32], value: f32) {
    if value != 0.0 {
        sum.iter_mut().zip(line).for_each(|(sum, own)| *sum += value * own);
    }
}
