//! `AdamW` on all parameters of a net, in place: sums the lanes' gradients, clips, steps, averages.
//!
//! Papers: Kingma and Ba, 2015, "Adam", arXiv:1412.6980; Loshchilov and Hutter, 2019, "Decoupled weight decay
//! regularization", arXiv:1711.05101; Pascanu, Mikolov and Bengio, 2013, "On the difficulty of training
//! recurrent neural networks" (clipping by the norm), arXiv:1211.5063; Polyak and Juditsky, 1992,
//! doi:10.1137/0330046 (averaged weights; here exponentially, as in Tarvainen and Valpola, 2017,
//! arXiv:1703.01780).
#![allow(clippy::inline_always, reason = "vectors are only wide where the loop is inlined into its caller")]

use super::{layout::Segment, vector::Level};
use rayon::prelude::*;

pub(super) const BETA1: f64 = 0.9;
pub(super) const BETA2: f64 = 0.999;
pub(super) const EPSILON: f64 = 1e-8;
/// Parameters that one thread takes at a time; fixed, so that the norm has the same bits for any number.
const PIECE: usize = 8192;

/// How a step is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Step size.
    pub(crate) rate: f64,
    /// Decoupled weight decay.
    pub(crate) decay: f64,
    /// Largest norm of all gradients; 0 never clips.
    pub(crate) clip: f64,
    /// Weight of the old value in the running average of the weights; `None` keeps no average.
    pub(crate) ema: Option<f64>,
    /// Steps before this one.
    pub(crate) steps: u64,
}

impl Rule {
    /// Corrections of the running means after this step.
    pub(super) fn corrections(&self) -> (f64, f64) {
        let steps = i32::try_from(self.steps + 1).unwrap_or(i32::MAX);
        (1.0 - BETA1.powi(steps), 1.0 - BETA2.powi(steps))
    }

    /// Returns the weight of the average's old value: smaller at first, so that the average is soon rid of
    /// the initial weights.
    pub(super) fn average_share(&self) -> Option<f64> {
        let steps = self.steps as f64;
        self.ema.map(|most| most.min((1.0 + steps) / (10.0 + steps)))
    }

    /// Returns the factor that brings a norm to at most `clip`.
    pub(super) fn shrink(&self, square: f64) -> f64 {
        let norm = square.sqrt();
        if self.clip > 0.0 && norm > self.clip { self.clip / norm } else { 1.0 }
    }
}

/// Parameters with the state of the optimiser.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// Weights.
    pub(crate) weights: Vec<f32>,
    /// Running mean of the gradient.
    pub(crate) first: Vec<f32>,
    /// Running mean of its square.
    pub(crate) second: Vec<f32>,
    /// Running average of the weights; empty without one.
    pub(crate) average: Vec<f32>,
}

impl State {
    pub(crate) fn new(weights: Vec<f32>, averaged: bool) -> Self {
        let zeros = vec![0.0; weights.len()];
        let average = if averaged { weights.clone() } else { Vec::new() };
        Self { first: zeros.clone(), second: zeros, average, weights }
    }

    /// Returns the weights that are kept: their average, if there is one.
    pub(crate) fn kept(&self) -> &[f32] {
        if self.average.is_empty() { &self.weights } else { &self.average }
    }

    /// Takes a step against the sum of the lanes' gradients; `total` is room for it.
    pub(crate) fn step(
        &mut self,
        lanes: &[&[f32]],
        total: &mut [f32],
        (rule, segments): (&Rule, &[Segment]),
        (level, parallel): (Level, bool),
    ) {
        let sum = |(at, total): (usize, &mut [f32])| level.run(|| add_lanes(lanes, at * PIECE, total));
        let squares: Vec<f64> = if parallel {
            total.par_chunks_mut(PIECE).enumerate().map(sum).collect()
        } else {
            total.chunks_mut(PIECE).enumerate().map(sum).collect()
        };
        let factors = Factors::of(rule, squares.iter().sum());
        let mut average = self.average.chunks_mut(PIECE);
        let state = self.weights.chunks_mut(PIECE).zip(self.first.chunks_mut(PIECE));
        let state = state.zip(self.second.chunks_mut(PIECE)).zip(total.chunks(PIECE)).enumerate();
        let pieces: Vec<Piece<'_>> = state
            .map(|(at, (((weights, first), second), gradient))| {
                let average = average.next().unwrap_or_default();
                Piece { start: at * PIECE, weights, first, second, average, gradient }
            })
            .collect();
        let act = |piece: Piece<'_>| level.run(|| piece.step(&factors, segments));
        if parallel {
            pieces.into_par_iter().for_each(act);
        } else {
            pieces.into_iter().for_each(act);
        }
    }
}

/// Writes the sum of a stretch of all lanes; returns the sum of its squares.
#[inline(always)]
fn add_lanes(lanes: &[&[f32]], start: usize, total: &mut [f32]) -> f64 {
    for (at, lane) in lanes.iter().enumerate() {
        let lane = &lane[start..start + total.len()];
        if at == 0 {
            total.copy_from_slice(lane);
            continue;
        }
        for (sum, value) in total.iter_mut().zip(lane) {
            *sum += value;
        }
    }
    let mut squares = [0.0_f64; 16];
    for values in total.chunks(16) {
        for (sum, value) in squares.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    squares.iter().sum()
}

/// A step's numbers in the precision of the weights.
struct Factors {
    shrink: f32,
    /// Step size over the correction of the first mean.
    rate: f32,
    /// One over the correction of the second.
    second: f32,
    /// What decay leaves of a weight.
    kept: f32,
    average: Option<f32>,
}

impl Factors {
    fn of(rule: &Rule, square: f64) -> Self {
        let (first, second) = rule.corrections();
        Self {
            shrink: rule.shrink(square) as f32,
            rate: (rule.rate / first) as f32,
            second: (1.0 / second) as f32,
            kept: (1.0 - rule.rate * rule.decay) as f32,
            average: rule.average_share().map(|share| share as f32),
        }
    }
}

struct Piece<'a> {
    start: usize,
    weights: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    average: &'a mut [f32],
    gradient: &'a [f32],
}

impl Piece<'_> {
    #[inline(always)]
    fn step(self, factors: &Factors, segments: &[Segment]) {
        let end = self.start + self.weights.len();
        let begin = segments.partition_point(|segment| segment.place.end <= self.start);
        for segment in segments[begin..].iter().take_while(|segment| segment.place.start < end) {
            let from = segment.place.start.max(self.start) - self.start;
            let to = segment.place.end.min(end) - self.start;
            let kept = if segment.decays { factors.kept } else { 1.0 };
            adam(
                (&mut self.weights[from..to], &self.gradient[from..to]),
                (&mut self.first[from..to], &mut self.second[from..to]),
                (factors, kept),
            );
        }
        if let Some(share) = factors.average {
            for (average, weight) in self.average.iter_mut().zip(&*self.weights) {
                *average = *average * share + weight * (1.0 - share);
            }
        }
    }
}

#[inline(always)]
fn adam(
    (weights, gradient): (&mut [f32], &[f32]),
    (first, second): (&mut [f32], &mut [f32]),
    (factors, kept): (&Factors, f32),
) {
    let (beta1, beta2, epsilon) = (BETA1 as f32, BETA2 as f32, EPSILON as f32);
    let (rest1, rest2) = ((1.0 - BETA1) as f32, (1.0 - BETA2) as f32);
    let means = first.iter_mut().zip(second);
    for ((weight, gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(means) {
        let gradient = gradient * factors.shrink;
        *first = *first * beta1 + gradient * rest1;
        *second = *second * beta2 + gradient * gradient * rest2;
        let denominator = (*second * factors.second).sqrt() + epsilon;
        *weight = *weight * kept - *first * factors.rate / denominator;
    }
}
