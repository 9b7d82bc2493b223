//! Tokens of rows with lengths of their own, one after the other without gaps, `[1, tokens, width]`:
//! embeddings, means and first tokens, with gradients. Sums go in the order of the tokens. Knows no net.

use super::ops::{list, values};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// Where the tokens of each row begin, and the end.
pub(super) type Starts = Arc<Vec<usize>>;

/// Returns the starts of rows of so many tokens each.
pub(super) fn even(rows: usize, tokens: usize) -> Starts {
    Arc::new((0..=rows).map(|row| row * tokens).collect())
}

/// Numbers of tokens and their places, of all rows.
pub(super) struct Embed {
    ids: Vec<u32>,
    places: Vec<u32>,
    width: usize,
}

impl Embed {
    /// Reads features `[rows, places]` as the scorer does: 1 + number, zeros at the end cut off, at least
    /// one token a row.
    pub(super) fn new(features: &[f32], places: usize, (known, width): (usize, usize)) -> (Self, Starts) {
        let mut own = Self { ids: Vec::new(), places: Vec::new(), width };
        let mut starts = vec![0];
        for row in features.chunks_exact(places.max(1)) {
            let used = row.iter().rposition(|id| *id != 0.0).map_or(1, |at| at + 1);
            let id = |id: &f32| (*id as u32).saturating_sub(1).min((known as u32).saturating_sub(1));
            own.ids.extend(row.iter().take(used).map(id));
            own.places.extend(0..used as u32);
            starts.push(own.ids.len());
        }
        (own, Arc::new(starts))
    }

    /// Returns `[1, tokens, width]` from embeddings of tokens and of places.
    pub(super) fn apply(self, tokens: &Tensor, places: &Tensor) -> Result<Tensor> {
        tokens.apply_op2(places, self)
    }

    fn lines(&self) -> impl Iterator<Item = (usize, usize)> {
        let at = |number: &u32| *number as usize * self.width;
        self.ids.iter().zip(&self.places).map(move |(id, place)| (at(id), at(place)))
    }
}

impl CustomOp2 for Embed {
    fn name(&self) -> &'static str {
        "embeddings"
    }

    fn cpu_fwd(
        &self,
        tokens: &CpuStorage,
        tokens_shape: &Layout,
        places: &CpuStorage,
        places_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (tokens, places) = (values(tokens, tokens_shape)?, values(places, places_shape)?);
        let mut out = Vec::with_capacity(self.ids.len() * self.width);
        for (id, place) in self.lines() {
            let pair = tokens[id..id + self.width].iter().zip(&places[place..place + self.width]);
            out.extend(pair.map(|(token, place)| token + place));
        }
        Ok((CpuStorage::F32(out), (1, self.ids.len(), self.width).into()))
    }

    fn bwd(
        &self,
        tokens: &Tensor,
        places: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let slopes = list(gradient)?;
        let mut to_tokens = vec![0.0_f32; tokens.elem_count()];
        let mut to_places = vec![0.0_f32; places.elem_count()];
        for ((id, place), slopes) in self.lines().zip(slopes.chunks_exact(self.width)) {
            for (to, at) in [(&mut to_tokens, id), (&mut to_places, place)] {
                to[at..at + self.width].iter_mut().zip(slopes).for_each(|(to, slope)| *to += slope);
            }
        }
        let tensor = |values, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device()).map(Some);
        Ok((tensor(to_tokens, tokens)?, tensor(to_places, places)?))
    }
}

/// A vector of each row from its tokens: their mean, or the first.
struct Pool {
    starts: Starts,
    first: bool,
}

/// Returns `[rows, 1, width]`: the mean of each row's tokens, or the first of them.
pub(super) fn pool(x: &Tensor, starts: Starts, first: bool) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Pool { starts, first })
}

impl Pool {
    /// Calls `act` with each row, the tokens that count, and their weight.
    fn each(&self, mut act: impl FnMut(usize, std::ops::Range<usize>, f32)) {
        for (row, pair) in self.starts.windows(2).enumerate() {
            let end = if self.first { pair[0] + 1 } else { pair[1] };
            act(row, pair[0]..end, 1.0 / (end - pair[0]) as f32);
        }
    }
}

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        "pool of tokens"
    }

    fn cpu_fwd(&self, x: &CpuStorage, shape: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, width) = (values(x, shape)?, shape.dims().last().copied().unwrap_or(1));
        let rows = self.starts.len() - 1;
        let mut out = vec![0.0_f32; rows * width];
        self.each(|row, tokens, weight| {
            let out = &mut out[row * width..(row + 1) * width];
            for token in x[tokens.start * width..tokens.end * width].chunks_exact(width) {
                out.iter_mut().zip(token).for_each(|(out, x)| *out += x);
            }
            for out in out.iter_mut() {
                *out *= weight;
            }
        });
        Ok((CpuStorage::F32(out), (rows, 1, width).into()))
    }

    fn bwd(&self, x: &Tensor, _out: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (slopes, width) = (list(gradient)?, x.dims().last().copied().unwrap_or(1));
        let mut out = vec![0.0_f32; x.elem_count()];
        self.each(|row, tokens, weight| {
            let slopes = &slopes[row * width..(row + 1) * width];
            for token in out[tokens.start * width..tokens.end * width].chunks_exact_mut(width) {
                token.iter_mut().zip(slopes).for_each(|(out, slope)| *out = slope * weight);
            }
        });
        Tensor::from_vec(out, x.shape(), x.device()).map(Some)
    }
}
