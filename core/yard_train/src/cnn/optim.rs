//! Variables of a net of convolutions: which there are, and which of them decay.

use candle_core::{Result, Tensor, Var};

/// A variable.
pub(super) struct Trained {
    pub(super) var: Var,
    /// Whether weight decay concerns it.
    pub(super) decays: bool,
}

impl Trained {
    /// Starts at `values`.
    pub(super) fn new(values: &Tensor, decays: bool) -> Result<Self> {
        Ok(Self { var: Var::from_tensor(values)?, decays })
    }

    pub(super) fn tensor(&self) -> &Tensor {
        self.var.as_tensor()
    }
}
