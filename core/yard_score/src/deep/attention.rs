//! Scaled dot-product attention of one row, head by head. Scores are sums in the order of the width,
//! weights are softmax with the largest score taken off, results are sums in the order of the tokens.
//! Paper: Vaswani et al., 2017, arXiv:1706.03762.

use super::{
    Pointwise,
    dense::{Panels, Tiles, product},
    pointwise::exp_of_negative,
};
use crate::forward::simd::Level;

/// Working memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    tiles: Tiles,
    keys: Panels,
    values: Panels,
    scores: Vec<f32>,
    zeros: Vec<f32>,
}

/// Computes `[tokens, width]` from query, key and value, `[tokens, 3 × width]`.
pub(super) fn attend(
    level: Level,
    x: &[f32],
    (tokens, width, heads): (usize, usize, usize),
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let Scratch { tiles, keys, values, scores, zeros } = scratch;
    let (own, stride) = (width / heads, 3 * width);
    let scale = (1.0 / (own as f64).sqrt()) as f32;
    scores.resize(tokens * tokens, 0.0);
    zeros.resize(tokens.max(own), 0.0);
    for head in 0..heads {
        let at = |part: usize| &x[part * width + head * own..];
        let (key, value) = (at(1), at(2));
        keys.pack((tokens, own), &zeros[..tokens], |token, j| key[token * stride + j]);
        tiles.pack(at(0), (tokens, own, stride));
        product(level, (tiles, keys), (scores, tokens), Pointwise::Identity);
        for line in scores.chunks_exact_mut(tokens) {
            softmax(line, scale);
        }
        values.pack((own, tokens), &zeros[..own], |j, token| value[token * stride + j]);
        tiles.pack(scores, (tokens, tokens, tokens));
        product(level, (tiles, values), (&mut out[head * own..], width), Pointwise::Identity);
    }
}

/// Replaces scores by their softmax after multiplication with `scale`.
fn softmax(scores: &mut [f32], scale: f32) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
    for score in scores.iter_mut() {
        *score = exp_of_negative((*score - largest) * scale);
    }
    let mut sum = 0.0;
    for score in scores.iter() {
        sum += score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}
