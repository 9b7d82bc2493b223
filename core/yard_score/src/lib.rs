//! The one scorer: fitted recipe, forward pass of linear, tree and net models, explanations.
//!
//! The only code in the product that turns a row into a prediction: evaluation while training, batch,
//! REST, streams and "Try it" all call [`scorer::Scorer`]. Knows nothing of files, polars, candle or
//! threads.

pub mod deep;
pub mod encode;
pub mod ensemble;
pub mod error;
pub mod explain;
mod forward;
#[cfg(test)]
mod hostile_tests;
pub mod image;
pub mod math;
pub mod model;
pub mod pieces;
pub mod predictions;
mod request;
pub mod scorecard;
pub mod scorer;
#[cfg(test)]
mod testing;
mod text;
#[cfg(test)]
mod text_tests;
mod value;
