//! Hyperparameters of boosting and forests: names, defaults, ranges, and reading them from text.

mod boost;
mod choice;
mod forest;
#[cfg(test)]
mod tests;
mod text;

pub use boost::BoostParams;
pub use choice::{ClassWeight, Direction, Goss, Growth, ObjectiveName, Splitter};
pub use forest::ForestParams;
