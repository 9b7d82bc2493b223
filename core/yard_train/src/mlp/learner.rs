//! What the training loop asks of a net, whatever the device.

use super::adam::{Rule, State};
use crate::TrainError;

/// A step on some training rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    /// Rows.
    pub(crate) rows: &'a [u32],
    /// Rows of the step after this one in the same epoch.
    pub(crate) next: &'a [u32],
    /// Epoch, from 1.
    pub(crate) epoch: u32,
    /// Number of the step from 0; names the units that are dropped.
    pub(crate) number: u64,
    /// How the weights change.
    pub(crate) rule: Rule,
}

/// A net under training, with its data.
pub(crate) trait Learner {
    /// Takes a step; returns the sums of weighted loss and of weights over its rows.
    fn step(&mut self, step: &Step<'_>) -> Result<(f64, f64), TrainError>;

    /// Returns the margins of all validation rows under the kept weights, `[rows, outputs]`.
    fn validation_margins(&mut self) -> Result<Vec<f32>, TrainError>;

    /// Copies weights and optimiser out.
    fn state(&self) -> Result<State, TrainError>;

    /// Goes on from a state of a net of the same layout.
    fn restore(&mut self, state: &State) -> Result<(), TrainError>;
}
