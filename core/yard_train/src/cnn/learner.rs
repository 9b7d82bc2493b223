//! A net of convolutions as what the training loop steers: steps on batches of changed images, of which a
//! thread of its own prepares the next while the net learns from one; weights, running moments of the
//! normalisations and optimiser as one row of numbers.

use super::{
    augment::Augment,
    feed::{Feed, Prepared},
    net::{Mode, Net},
};
use crate::{
    TrainError,
    fit::FitData,
    mlp::{Learner, Level, NetRows, Segment, State, Step},
    net_loss,
};
use yard_score::deep::DeepNet;

/// Rows of one forward pass on validation rows.
const FORWARD_ROWS: usize = 256;

/// Rows of both parts, with targets.
pub(super) struct Rows<'a> {
    pub(super) train: Feed<'a>,
    pub(super) validation: Feed<'a>,
    /// Target and weights of training rows.
    pub(super) targets: &'a NetRows,
    pub(super) augment: Augment,
    /// Rows of a forward pass; a step has one or more of them.
    pub(super) batch: usize,
}

/// A net with its data and the state of the optimiser.
pub(super) struct CnnLearner<'a> {
    data: &'a FitData<'a>,
    rows: Rows<'a>,
    net: Net,
    state: State,
    segments: Vec<Segment>,
    total: Vec<f32>,
    /// Batches of the next step.
    ahead: Vec<Prepared>,
}

type Ready = Result<Vec<Prepared>, TrainError>;

impl Rows<'_> {
    fn prepare(&self, rows: &[u32], epoch: u32) -> Ready {
        let batches = rows.chunks(self.batch);
        batches.map(|rows| self.train.prepare(rows, Some((&self.augment, epoch)))).collect()
    }
}

impl<'a> CnnLearner<'a> {
    pub(super) fn new(
        data: &'a FitData<'a>,
        rows: Rows<'a>,
        net: Net,
        averaged: bool,
    ) -> candle_core::Result<Self> {
        let (weights, segments) = net.weights()?;
        let total = vec![0.0; weights.len()];
        let state = State::new(weights, averaged);
        Ok(Self { data, rows, net, state, segments, total, ahead: Vec::new() })
    }

    /// Returns how many numbers the state holds.
    pub(super) fn len(&self) -> usize {
        self.total.len()
    }

    /// Returns the net with these weights, which it keeps.
    pub(super) fn finish(&mut self, weights: &[f32]) -> candle_core::Result<DeepNet> {
        self.net.set_weights(weights)?;
        self.net.to_deep()
    }
}

/// Computes the gradients of a batch of a step of `all` rows; returns the sums of weighted loss and of
/// weights.
fn lane(
    (data, targets): (&FitData<'_>, &NetRows),
    net: &mut Net,
    prepared: Prepared,
    (all, draw): (usize, u64),
) -> candle_core::Result<(Vec<f32>, (f64, f64))> {
    let rows = prepared.rows.clone();
    let batch = prepared.batch(&net.plan)?;
    let margins = net.forward(&batch, Mode::Train(draw))?;
    let (gradients, sums) = net_loss::back((data, targets), &rows, &margins, all)?;
    Ok((net.gradients(&gradients)?, sums))
}

impl Learner for CnnLearner<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<(f64, f64), TrainError> {
        let Self { data, rows, net, .. } = self;
        let fits = self.ahead.iter().flat_map(|own| &own.rows).eq(step.rows);
        let now = if fits { std::mem::take(&mut self.ahead) } else { rows.prepare(step.rows, step.epoch)? };
        let draws = now.len().max(1) as u64;
        let (mut lanes, mut sums) = (Vec::new(), (0.0, 0.0));
        let ahead = std::thread::scope(|scope| {
            let next = scope.spawn(|| rows.prepare(step.next, step.epoch));
            for (prepared, part) in now.into_iter().zip(0..) {
                let draw = (step.rows.len(), step.number * draws + part);
                let own = lane((*data, rows.targets), net, prepared, draw).map_err(|error| candle(&error))?;
                sums = (sums.0 + own.1.0, sums.1 + own.1.1);
                lanes.push(own.0);
            }
            next.join().map_err(|_| TrainError::Part {
                part: "net of convolutions",
                message: "the thread that prepares images ended by a panic".to_owned(),
            })?
        })?;
        self.ahead = ahead;
        // The running moments moved in the forward passes.
        self.state.weights = self.net.weights().map_err(|error| candle(&error))?.0;
        let lanes: Vec<&[f32]> = lanes.iter().map(Vec::as_slice).collect();
        let how = (Level::of_processor(), true);
        self.state.step(&lanes, &mut self.total, (&step.rule, &self.segments), how);
        self.net.set_weights(&self.state.weights).map_err(|error| candle(&error))?;
        Ok(sums)
    }

    fn validation_margins(&mut self) -> Result<Vec<f32>, TrainError> {
        let Self { data, rows, net, state, .. } = self;
        net.set_weights(state.kept()).map_err(|error| candle(&error))?;
        let order: Vec<u32> = (0..rows.validation.len() as u32).collect();
        let mut out = Vec::with_capacity(order.len() * data.outputs);
        rows.validation.each((&order, FORWARD_ROWS), None, |prepared| {
            data.proceed()?;
            let batch = prepared.batch(&net.plan).map_err(|error| candle(&error))?;
            let margins = net.forward(&batch, Mode::Evaluate);
            let margins = margins.and_then(|margins| margins.flatten_all()?.to_vec1::<f32>());
            out.extend(margins.map_err(|error| candle(&error))?);
            Ok(())
        })?;
        net.set_weights(&state.weights).map_err(|error| candle(&error))?;
        Ok(out)
    }

    fn state(&self) -> Result<State, TrainError> {
        Ok(self.state.clone())
    }

    fn restore(&mut self, state: &State) -> Result<(), TrainError> {
        self.state = state.clone();
        self.net.set_weights(&self.state.weights).map_err(|error| candle(&error))
    }
}

/// Names candle's error; running out of memory comes with advice.
pub(super) fn candle(error: &candle_core::Error) -> TrainError {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().to_owned();
    TrainError::Part { part: "net of convolutions", message }
}
