//! A deep net as what the training loop steers: steps on some rows, margins of validation rows through the
//! scorer, weights and optimiser as one row of numbers.

use super::net::Net;
use crate::{
    TrainError,
    fit::FitData,
    mlp::{Learner, Level, NetRows, Segment, State, Step},
    net_loss,
};
use rayon::prelude::*;
use yard_score::{
    deep::DeepNet,
    model::{Link, Model},
};

/// Rows that one thread scores at a time.
const SCORE_ROWS: usize = 256;

/// Rows of a net: features `[rows, features]`, targets and weights.
pub(super) struct Rows<'a> {
    pub(super) train: &'a NetRows,
    pub(super) validation: &'a NetRows,
    /// Mean and deviation of a regression's target.
    pub(super) target: (f64, f64),
    /// Rows of a forward pass; a step has one or more of them.
    pub(super) batch: usize,
}

/// A net with its data and the state of the optimiser.
pub(super) struct DeepLearner<'a> {
    data: &'a FitData<'a>,
    rows: Rows<'a>,
    net: Net,
    state: State,
    segments: Vec<Segment>,
    total: Vec<f32>,
}

impl<'a> DeepLearner<'a> {
    pub(super) fn new(
        data: &'a FitData<'a>,
        rows: Rows<'a>,
        net: Net,
        averaged: bool,
    ) -> candle_core::Result<Self> {
        let (weights, segments) = net.weights()?;
        let total = vec![0.0; weights.len()];
        Ok(Self { data, rows, net, state: State::new(weights, averaged), segments, total })
    }

    /// Returns how many numbers are trained.
    pub(super) fn len(&self) -> usize {
        self.total.len()
    }

    /// Returns the net with these weights and the scale of the target.
    pub(super) fn to_deep(&self, weights: &[f32]) -> candle_core::Result<DeepNet> {
        self.net.set_weights(weights)?;
        let mut net = self.net.to_deep()?;
        self.net.set_weights(&self.state.weights)?;
        if self.data.link == Link::Identity {
            (net.scale, net.shift) = (self.rows.target.1 as f32, self.rows.target.0 as f32);
        }
        Ok(net)
    }

    /// Computes the gradients of some rows of a step of `all`; returns the sums of weighted loss and of
    /// weights.
    fn lane(&self, rows: &[u32], (all, draw): (usize, u64)) -> candle_core::Result<(Vec<f32>, (f64, f64))> {
        let width = self.data.encoder.n_features();
        let lines = rows.iter().flat_map(|row| &self.rows.train.x[*row as usize * width..][..width]);
        let features: Vec<f32> = lines.copied().collect();
        let margins = self.net.forward(&features, Some(draw))?;
        let (gradients, sums) = net_loss::back((self.data, self.rows.train), rows, &margins, all)?;
        Ok((self.net.gradients(&gradients)?, sums))
    }
}

impl Learner for DeepLearner<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<(f64, f64), TrainError> {
        let (mut lanes, mut sums) = (Vec::new(), (0.0, 0.0));
        let draws = step.rows.len().div_ceil(self.rows.batch) as u64;
        for (rows, part) in step.rows.chunks(self.rows.batch).zip(0..) {
            let lane = self.lane(rows, (step.rows.len(), step.number * draws.max(1) + part));
            let (lane, own) = lane.map_err(|error| candle(&error))?;
            sums = (sums.0 + own.0, sums.1 + own.1);
            lanes.push(lane);
        }
        let lanes: Vec<&[f32]> = lanes.iter().map(Vec::as_slice).collect();
        let how = (Level::of_processor(), true);
        self.state.step(&lanes, &mut self.total, (&step.rule, &self.segments), how);
        self.net.set_weights(&self.state.weights).map_err(|error| candle(&error))?;
        Ok(sums)
    }

    fn validation_margins(&mut self) -> Result<Vec<f32>, TrainError> {
        let net = self.to_deep(self.state.kept()).map_err(|error| candle(&error))?;
        let scorer = self.data.scorer(Model::Deep(net))?;
        let blocks = self.rows.validation.x.par_chunks(SCORE_ROWS * self.data.encoder.n_features());
        let scored = blocks.map(|features| scorer.score_features(features).map(|found| found.margins));
        let scored: Vec<Vec<f32>> =
            scored.collect::<Result<_, _>>().map_err(|error| TrainError::part("scorer", &error))?;
        let mut margins = scored.concat();
        if self.data.link == Link::Identity {
            let (mean, sd) = self.rows.target;
            for margin in &mut margins {
                *margin = ((f64::from(*margin) - mean) / sd) as f32;
            }
        }
        Ok(margins)
    }

    fn state(&self) -> Result<State, TrainError> {
        Ok(self.state.clone())
    }

    fn restore(&mut self, state: &State) -> Result<(), TrainError> {
        self.state = state.clone();
        self.net.set_weights(&self.state.weights).map_err(|error| candle(&error))
    }
}

/// Names candle's error.
pub(super) fn candle(error: &candle_core::Error) -> TrainError {
    let message = error.to_string().lines().next().unwrap_or_default().to_owned();
    TrainError::Part { part: "deep net", message }
}
